"""Floor 5. A stage for the unmodified daemon: room, service and daemon as processes, and what each of them says.

The demo, the tests of the whole appliance and the benchmarks play on it. Lines of a process are read on a thread of
its own, so that nobody waits for anybody; all clocks are CLOCK_MONOTONIC, so moments of all three compare.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeAlias

import numpy as np

from antiphon.clone import CLONE
from antiphon.config_files import VARIABLE_PREFIX
from antiphon.errors import AntiphonError
from antiphon.pcm import LINK_RATE_HZ, Samples, frames_in, samples_of
from antiphon.simulator import chirps
from antiphon.simulator.acoustics import Acoustics
from antiphon.simulator.room import Room
from antiphon.simulator.speech import EDGE_MS, synthesise

Line: TypeAlias = dict[str, Any]

REPOSITORY = Path(__file__).parents[2]
DEMO_SETTINGS = CLONE / "config" / "demo.yaml" if CLONE else Path(__file__).with_name("demo.yaml")
PROGRAM = ("-m", "antiphon")
KEY = "sk-simulated"
_PATIENCE_S = 30.0
_NOISE_DB = -60.0  # a quiet room; in digital silence a voice detector takes the faintest tone for voice
_CODE_DB = -60.0


class StageError(AntiphonError):
    """A process on the stage did not do what was waited for; the sentence holds its last words."""


KEPT_IN = ("STATE_DIRECTORY", "XDG_STATE_HOME")
"""Where a daemon would find what another one has kept."""


class Actor:
    """A process that tells what happens to it in JSON lines on one stream; its other lines are kept as well."""

    def __init__(
        self, name: str, arguments: Sequence[str], environ: Mapping[str, str], program: Sequence[str] = PROGRAM
    ) -> None:
        """Runs `antiphon ARGUMENTS`; `program` is what Python is given in its place."""
        self.name = name
        self.lines: list[Line] = []
        self.words: list[str] = []
        """Lines that are no JSON: lamps drawn in a terminal, a traceback."""
        self._news = threading.Condition()
        self._ended = 0
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own arguments
            [sys.executable, *program, *arguments],
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), name=f"reads {name}", daemon=True)
            for stream in (self.process.stdout, self.process.stderr)
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self.process.pid

    def wait_for(self, what: str, after: int = 0, timeout_s: float = _PATIENCE_S, **fields: object) -> Line:
        """The first line from number `after` on that says `what`, with these fields. Raises StageError."""
        wanted = fields | {"what": what}
        return self.wait_until(
            lambda line: all(line.get(name) == value for name, value in wanted.items()), after, timeout_s, what
        )

    def wait_until(
        self, fits: Callable[[Line], bool], after: int = 0, timeout_s: float = _PATIENCE_S, what: str = "that"
    ) -> Line:
        """The first line from number `after` on that `fits`. Raises StageError."""
        limit_s = time.monotonic() + timeout_s
        with self._news:
            at = after
            while True:
                for line in self.lines[at:]:
                    if fits(line):
                        return line
                at = max(at, len(self.lines))
                if self._ended == 2 or not self._news.wait(max(0.0, limit_s - time.monotonic())):
                    raise StageError(f"{self.name} did not say {what!r}; it said last:\n{self.last_words()}")

    def wait_for_words(self, words: str, timeout_s: float = _PATIENCE_S) -> str:
        """The first line that is no JSON and holds `words`. Raises StageError."""
        with self._news:
            self._news.wait_for(lambda: self._ended == 2 or any(words in line for line in self.words), timeout_s)
            for line in self.words:
                if words in line:
                    return line
        raise StageError(f"{self.name} did not say {words!r}; it said last:\n{self.last_words()}")

    def said(self, what: str, after: int = 0) -> list[Line]:
        """All lines from number `after` on that say `what`."""
        with self._news:
            return [line for line in self.lines[after:] if line.get("what") == what]

    def last_words(self, count: int = 15) -> str:
        """Its last lines, for people."""
        return "\n".join([json.dumps(line) for line in self.lines[-count:]] + self.words[-count:])

    def tell(self, line: str) -> None:
        """Give it a line to read, where it reads any."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """End it without asking, as a crash does: its connections break, and new ones are refused."""
        self.process.kill()

    def stop(self, timeout_s: float = 15.0) -> int:
        """Ask it to end, and then make it; its exit status, when all it said has been read."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
        return self.end(timeout_s)

    def end(self, timeout_s: float = 15.0) -> int:
        """Its exit status, when it has ended by itself and all it said has been read. Raises TimeoutExpired."""
        status = self.process.wait(timeout_s)
        for reader in self._readers:
            reader.join(timeout_s)
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # what it did not read
            self.process.stdin.close()
        return status

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for text in stream:
                self._take(text)
        with self._news:
            self._ended += 1
            self._news.notify_all()

    def _take(self, text: str) -> None:
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        with self._news:
            if isinstance(line, dict) and "what" in line:
                self.lines.append(line)
            else:
                self.words.append(text.rstrip())
            self._news.notify_all()


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was said into the room: frames of the microphone's timeline, from the first word to the last."""

    text: str
    voice: str
    first_frame: int
    last_frame: int
    begins_s: float
    """When its first word begins, on time.monotonic()."""
    ends_s: float
    """When its last word ends."""


class Stage:
    """Room, service and daemon; as a context manager they are ready inside, and gone after.

    `room` is None on a machine that uses its own card, `service` when the real one is used.
    """

    def __init__(
        self,
        *,
        room: Room | None = None,
        acoustics: Acoustics | None = None,
        settings: Sequence[str] = (),
        config: Path | None = DEMO_SETTINGS,
        simulate: Sequence[str] | None = (),
        lan: Sequence[str] | None = None,
        servers: Sequence[str] = (),
        keep: Path | None = None,
        environ: Mapping[str, str] | None = None,
        owners_variables: bool = False,
        code_s: float = 120.0,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        """`settings` are `--set`s of the daemon; `simulate` are arguments of `antiphon simulate`, None for none, and
        `lan` those of a server on the own network (`antiphon simulate voxserve`); `servers` are URLs of others there,
        which are asked before it. With `acoustics` the microphone of the room hears its speaker.

        What the service received is kept in `keep`, else in a folder that goes with the stage. The numbered chirp
        code and a quiet room's noise lie under everything for the first `code_s` seconds. The daemon is `program`.
        Of this process's ANTIPHON_ variables, which are settings too, it sees none, or with `owners_variables` all.
        """
        self.room = room
        self._acoustics = acoustics
        self._settings = settings
        self._config = config
        self._simulate = simulate
        self._lan = lan
        self._servers = servers
        self._keep = keep
        self._environ = dict(environ or {})
        self._owners_variables = owners_variables
        self._code_s = code_s
        self._program = program
        self._stack = ExitStack()
        self.service: Actor | None = None
        self.lan: Actor | None = None
        self.daemon: Actor
        self.url = self.lan_url = ""
        self.kept: Path
        self.control: Path
        """The daemon's control socket."""

    def __enter__(self) -> Self:
        """Start all; returns when the daemon hears and its call is open, or has failed to be."""
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="antiphon-stage-"))
            self.kept = self._keep or Path(folder)
            self.control = Path(folder, "control.sock")
            if self.room is not None:
                stack.enter_context(self.room)
                length = frames_in(self._code_s * 1000, self.room.mic.rate_hz)
                self.room.mic.mix(chirps.code(length, self.room.mic.rate_hz, level_db=_CODE_DB), 0)
                self.room.noise(_NOISE_DB, self._code_s)
                if self._acoustics is not None:
                    self.room.acoustics(self._acoustics)
            if self._simulate is not None:
                self.start_service(stack)
            if self._lan is not None:
                self.start_lan(stack)
            self.start_daemon(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End all, the daemon first."""
        self._stack.__exit__(kind, error, at)

    # ── the scene ────────────────────────────────────────────────────────────────────────────────

    def speak(
        self,
        wake: str,
        question: str,
        voice: str = "slt",
        pause_ms: float | None = 400.0,
        *,
        level_db: float | None = None,
    ) -> Spoken:
        """A person says the wake word and, after a pause, a question; in one breath with `pause_ms` None. Their level
        is the voice's own, or `level_db` dBFS without pauses.
        """
        assert self.room is not None
        rate_hz = self.room.mic.rate_hz
        if pause_ms is None:
            speech = synthesise(f"{wake}, {question}", voice, rate_hz)
        else:
            pause = np.zeros(frames_in(pause_ms - 2 * EDGE_MS, rate_hz), np.int16)
            speech = np.concatenate(
                [synthesise(f"{wake}.", voice, rate_hz), pause, synthesise(question, voice, rate_hz)]
            )
        edge = frames_in(EDGE_MS, rate_hz)
        start = self.room.say(speech, level_db=level_db)
        first, last = start + edge, start + len(speech) - edge - 1
        moments = self.room.mic.time_of(first), self.room.mic.time_of(last)
        return Spoken(f"{wake}. {question}", voice, first, last, *moments)

    def received(self, session: int = 0) -> list[Samples]:
        """What the service was sent in one session, in stretches between which nothing was sent for a while.

        Complete when the session is over: `end_daemon` first.
        """
        assert self.service is not None
        with wave.open(str(self.kept / f"session-{session}.wav"), "rb") as file:
            whole = samples_of(file.readframes(file.getnframes()))
        starts = [
            int(line["frame"])
            for line in self.service.lines
            if line["what"] in ("first_append", "append_resumed") and line["session"] == session
        ]
        return [whole[start:end] for start, end in zip(starts, [*starts[1:], len(whole)], strict=True)]

    def asked(self, request: int) -> Samples:
        """The speech that the LAN server was sent in one request, at 16 kHz."""
        assert self.lan is not None
        kept = self.lan.wait_for("kept", request=request)
        with wave.open(str(self._lan_kept / str(kept["file"])), "rb") as file:
            return samples_of(file.readframes(file.getnframes()))

    def verdict(self, spoken: Spoken, received: Samples, received_hz: int = LINK_RATE_HZ) -> chirps.Verdict:
        """Whether all of `spoken` is in `received`, to the sample: ask the verdict's `whole`, and where it begins."""
        assert self.room is not None
        rate_hz = self.room.mic.rate_hz
        # The pre-roll reaches back before the first word, and the answer is waited for after the last.
        first = max(0, spoken.first_frame - 3 * rate_hz)
        played = self.room.spoken(first, spoken.last_frame + 5 * rate_hz)
        found = chirps.compare(played, rate_hz, received, received_hz)
        return replace(found, first_frame=found.first_frame + first, last_frame=found.last_frame + first)

    def end_daemon(self) -> int:
        """Stop the daemon, and wait until the service has kept what it received; the daemon's exit status."""
        status = self.daemon.stop()
        if self.service is not None and self.service.process.poll() is None:  # one that was killed keeps nothing
            for begun in self.service.said("first_append"):  # a call that ended as it was opened keeps nothing
                self.service.wait_for("kept", session=begun["session"])
        return status

    # ── its actors ───────────────────────────────────────────────────────────────────────────────

    def start_service(self, stack: ExitStack, port: int = 0) -> None:
        """A simulated service; `url` is where."""
        arguments = ["simulate", "--port", str(port), "--keep", str(self.kept), *(self._simulate or ())]
        self.service = Actor("service", arguments, self._child_environ())
        stack.callback(self.service.stop)
        self.url = str(self.service.wait_for("listening")["url"])

    def start_lan(self, stack: ExitStack, port: int = 0) -> None:
        """A simulated server of the own network; `lan_url` is where."""
        arguments = ["simulate", "voxserve", "--port", str(port), "--keep", str(self._lan_kept), *(self._lan or ())]
        self.lan = Actor("LAN server", arguments, self._child_environ())
        stack.callback(self.lan.stop)
        self.lan_url = str(self.lan.wait_for("listening")["url"])

    def start_daemon(self, stack: ExitStack) -> None:
        """The daemon, as its owner would start it."""
        arguments = ["run"]
        if self._config is not None:
            arguments += ["--config", str(self._config)]
        # Of two --sets the last one holds: whatever else is set, the stage must reach the daemon and read it.
        http = _speech_url(self.url)
        others = [f"{section}.url={http}" for section in ("speech", "chat", "cascade")]
        services = [f"realtime.url={self.url}", *others] if self.url else []
        servers = [*self._servers, *([self.lan_url] if self.lan_url else [])]
        services += [f"generate.urls={json.dumps(servers)}"] if servers else []
        for one in [f"control.socket={self.control}", *self._settings, *services, "log.format=json"]:
            arguments += ["--set", one]
        self.daemon = Actor("daemon", arguments, self._child_environ(), self._program)
        stack.callback(self.daemon.stop)
        self.daemon.wait_for("ready")

    @property
    def _lan_kept(self) -> Path:
        return self.kept / "lan"

    def _child_environ(self) -> dict[str, str]:
        environ = dict(os.environ)
        if not self._owners_variables:
            environ = {name: value for name, value in environ.items() if not name.startswith(VARIABLE_PREFIX)}
            environ = {name: value for name, value in environ.items() if name not in KEPT_IN}
        if self._simulate is not None:
            environ["STEPFUN_API_KEY"] = KEY
        if self.room is not None:
            environ |= self.room.environment()
        return environ | self._environ


def _speech_url(realtime: str) -> str:
    """Where the simulated service at `realtime` speaks texts."""
    return realtime.replace("ws:", "http:", 1).removesuffix("/realtime")
