"""The appliance as it lives in the machine: installed, set, started, heard in the journal; and the room around it.

It uses what an owner has: dpkg, systemctl, the journal, files of settings; and a person's ends of card and lines.
"""

import json
import shlex
import shutil
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import yaml

from antiphon.pcm import LINK_RATE_HZ, Samples, samples_of
from board.rig.machine import Job, Machine, Result

Entry: TypeAlias = dict[str, Any]

INSIDE = Path(__file__).parent / "inside"
KEY = "sk-board-d41d8cd98f00b204e9800998"
"""What is searched for everywhere where it must not be."""

LAMPS = (17, 22, 23)
TALK, MUTE = 27, 26
ROOM = "plughw:0,1"
"""The person's end of the card; the appliance's is hw:0,0."""

SETTINGS: dict[str, Any] = {
    "realtime": {"url": "ws://cloud.example:8000/v1/realtime", "allow_plain": True},
    "microphone": {"device": "(hw:0,0)"},
    "speaker": {"device": "(hw:0,0)", "block_ms": 80},
    "lamps": {"kind": "gpio", "pins": list(LAMPS), "dimmable": False},
    "buttons": {"talk": TALK, "mute": MUTE},
    "conversation": {"follow_up_ms": 0},
}
DROP_IN = "[Service]\nBindReadOnlyPaths=/run/board/cpuinfo:/proc/cpuinfo\n"
"""gpiozero asks the processor which Pi it is on, and the unit sees a /proc of its own."""


class Appliance:
    """antiphon.service of a machine."""

    unit = "antiphon"

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.changed = False
        """Settings or cloud are others than those that all tests begin with."""
        self.booted_s = (0.0, 0.0)
        """`start_s` of the boot after it was installed."""
        self._cursor = ""
        inside = machine.share / "inside"
        shutil.copytree(INSIDE, inside, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))

    # ── what its owner does ──────────────────────────────────────────────────────────────────────

    def install(self, package: Path) -> Result:
        """`dpkg -i`, as on a machine without a way to Debian, with nobody to answer questions; what it prints."""
        target = self.machine.share / package.name
        shutil.copy(package, target)
        result = self.machine.run(f"dpkg -i --force-confdef --force-confold {shlex.quote(package.name)}", 300)
        target.unlink()
        return result

    def settle(self, *changes: Mapping[str, Any], key: str | None = KEY) -> None:
        """Write the settings, the key, and the one thing that a simulated Pi needs of the unit."""
        self.changed = True
        settings = json.loads(json.dumps(SETTINGS))
        for change in changes:
            _merge(settings, change)
        self.write("/etc/antiphon/antiphon.yaml", yaml.safe_dump(settings))
        self.write("/etc/systemd/system/antiphon.service.d/board.conf", DROP_IN)
        if key is not None:
            self.write("/etc/antiphon/stepfun_api_key", key + "\n", mode="600")
        self.machine.get("systemctl daemon-reload")

    def write(self, path: str, text: str, mode: str = "644") -> None:
        """A file of the machine, root's own."""
        passed = self.machine.share / "passed"
        passed.write_text(text, encoding="utf-8")
        self.machine.get(f"install -D -m {mode} passed {shlex.quote(path)} && sync {shlex.quote(path)}")
        passed.unlink()

    def start(self, timeout_s: float = 60.0) -> None:
        """Start it, or start it again; returns when it is ready."""
        self.mark()
        result = self.machine.run(f"systemctl restart {self.unit}", timeout_s)
        assert result.status == 0, self.state()

    def cloud(self, *arguments: str, key: str = KEY) -> None:
        """Have the simulated service behave so; returns when it listens."""
        self.changed = True
        words = " ".join(shlex.quote(word) for word in ("--key", key, *arguments))
        self.write("/etc/board/cloud", f"CLOUD={words}\n")
        self.machine.get("systemctl restart cloud; until grep -q listening /run/cloud.log; do sleep 0.2; done", 120)

    def as_it_was(self) -> None:
        """Settings, cloud and daemon as all tests begin with them."""
        self.machine.run("systemctl reset-failed antiphon cloud")
        self.settle()
        self.cloud("--quick", "--reply", "Yes.")
        self.start(120)
        self.machine.get("until antiphon status | grep -q 'realtime: open'; do sleep 0.5; done", 60)
        self.mark()
        self.changed = False

    # ── what it says of itself ───────────────────────────────────────────────────────────────────

    def show(self, name: str) -> str:
        """A property of the unit, as systemd has it."""
        return self.machine.get(f"systemctl show -P {name} {self.unit}")

    def start_s(self) -> tuple[float, float]:
        """When its process began and when it was ready, in seconds since the machine was switched on."""
        began, ready = (int(self.show(f"{name}TimestampMonotonic")) for name in ("ExecMainStart", "ActiveEnter"))
        return began / 1e6, ready / 1e6

    @property
    def pid(self) -> int:
        """Of its process, 0 when there is none."""
        return int(self.show("MainPID"))

    def mark(self) -> None:
        """From here on `told` begins."""
        last = self.machine.get("journalctl -n 1 -o json --no-pager -q | tail -n 1")
        self._cursor = json.loads(last)["__CURSOR"]

    def told(self, what: str, timeout_s: float = 30.0, **fields: object) -> list[Entry]:
        """What it has written since `mark`, until it says `what` with these fields; that is the last one.

        The next call goes on from there. AssertionError with its last words when it does not say so in time.
        """
        result = self._tell(timeout_s, what, *(f"{name}={value}" for name, value in fields.items()))
        entries = [json.loads(line) for line in result.output.splitlines() if line.startswith("{")]
        words = "\n".join(f"{entry['t']:.3f} {entry['message']}" for entry in entries[-25:])
        assert result.status == 0, f"it did not say {what!r} {fields or ''}; it said:\n{words}\n{self.state()}"
        self._cursor = entries[-1]["cursor"]
        return entries

    def said(self) -> list[Entry]:
        """All it has written since `mark`, without waiting."""
        lines = self._tell(20, "").output.splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def state(self) -> str:
        """What systemd says of it, for a failure's words."""
        return self.machine.run(f"systemctl status {self.unit} --no-pager -l -n 15").output

    def _tell(self, timeout_s: float, *words: str) -> Result:
        told = ["python3", "inside/told.py", self.unit, self._cursor, str(timeout_s), *words]
        return self.machine.run(" ".join(shlex.quote(word) for word in told), timeout_s + 30)


def _merge(tree: dict[str, Any], change: Mapping[str, Any]) -> None:
    for name, value in change.items():
        if isinstance(value, Mapping) and isinstance(tree.get(name), dict):
            _merge(tree[name], value)
        else:
            tree[name] = value


# ── the room ─────────────────────────────────────────────────────────────────────────────────────


class Room:
    """The person at the other end of the card, and what he hears."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def say(self, sound: Samples, rate_hz: int, timeout_s: float = 120.0) -> Job:
        """Begin to say it into the appliance's microphone."""
        save(self.machine.share / "question.wav", sound, rate_hz)
        return self.machine.begin(f"aplay -q -D {ROOM} question.wav", timeout_s)

    def record(self, seconds: int) -> "Recording":
        """Begin to listen to the appliance's speaker."""
        listen = f"arecord -q -D {ROOM} -t wav -f S16_LE -r {LINK_RATE_HZ} -c 1 -d {seconds} /tmp/heard.wav"
        return Recording(
            self.machine, self.machine.begin(f"{listen}; cp /tmp/heard.wav .; sync heard.wav", seconds + 60)
        )


@dataclass(frozen=True)
class Recording:
    """What sounds at the appliance's speaker."""

    machine: Machine
    job: Job

    def end(self) -> Samples:
        """Wait for its end; the samples at the link's rate."""
        result = self.job.end()
        with wave.open(str(self.machine.share / "heard.wav"), "rb") as file:
            assert file.getframerate() == LINK_RATE_HZ, str(result)
            return samples_of(file.readframes(file.getnframes()))


def save(path: Path, sound: Samples, rate_hz: int) -> None:
    """A WAV file, mono."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.ascontiguousarray(sound, "<i2").tobytes())


# ── lamps and buttons ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Pictures:
    """How lines stood: moments in seconds since the machine was switched on, and a row of levels for each."""

    at_s: Sequence[float]
    levels: Sequence[tuple[int, ...]]

    def share(self, lamp: int) -> float:
        """Which part of the time a lamp shone."""
        return sum(row[lamp] for row in self.levels) / len(self.levels)


class Pi:
    """The lines of the simulated Pi, with fingers on its buttons and eyes on its lamps."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def lamp(self, line: int) -> int:
        """Whether it shines now."""
        return int(self.machine.get(f"cat /run/board/lines/sim_gpio{line}/value"))

    def watch(self, seconds: float) -> Job:
        """Begin to look at all lamps; `seen` has what was seen."""
        lines = " ".join(map(str, LAMPS))
        return self.machine.begin(f"python3 inside/lamps.py {seconds} {lines}", seconds + 60)

    @staticmethod
    def seen(job: Job) -> Pictures:
        """What was seen."""
        rows = json.loads(job.end().output)
        return Pictures([row[0] for row in rows], [tuple(row[1]) for row in rows])

    def press(self, line: int) -> None:
        """Put a finger on a button, which connects its line to ground."""
        self.machine.get(f"echo pull-down > /run/board/lines/sim_gpio{line}/pull")

    def release(self, line: int) -> None:
        """Take it away."""
        self.machine.get(f"echo pull-up > /run/board/lines/sim_gpio{line}/pull")

    def tap(self, line: int, seconds: float = 0.12) -> None:
        """Both."""
        place = f"/run/board/lines/sim_gpio{line}/pull"
        self.machine.get(f"echo pull-down > {place}; sleep {seconds}; echo pull-up > {place}")
