"""Runs rows: the command as a process of its own, against a simulated service that is strict; and what came of it.

Each verb and link is started once as a user does it; the others are spared the interpreter's start (`forking.py`).
Of rows that are refused for good many run at once, as they mostly wait; of the others, which compute, a few do.
`make services` prints them all as a table.
"""

import dataclasses
import json
import shlex
import subprocess
import tempfile
import wave
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from antiphon.simulator.stepfun.faults import parse_fault
from antiphon.simulator.stepfun.options import SimulatorOptions, Timing
from antiphon.simulator.stepfun.script import Reply, ToolCall
from loopback import stepfun
from services.forking import forker
from services.rows import ASKED, KEYS, OWN_KEY, ROWS, WORKS, Row
from verbs import ALONE, command, environment

LIMIT_S = 120
AT_ONCE, WAITING_AT_ONCE = 3, 24


@dataclass(frozen=True)
class Came:
    """What came of a row."""

    status: int
    stdout: str
    stderr: str
    received: str
    """What the service received, and how it answered."""
    sound_s: float

    @property
    def back(self):
        """The one line that says it best."""
        heard = [f"{self.sound_s:.2f} s of speech"] if self.sound_s else []
        said = f"{self.stdout}\n{self.stderr}" if not self.status else self.stderr
        lines = [line.strip() for line in said.splitlines() if line.strip() and "TensorFlow" not in line]
        return "; ".join([*heard, *lines[-2:]])


def _voice(seconds, rate_hz):
    time_s = np.arange(int(seconds * rate_hz)) / rate_hz
    return (9000 * np.sin(2 * np.pi * (200 + 40 * time_s) * time_s)).astype(np.int16)


def _write(path, seconds, rate_hz=24_000):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(_voice(seconds, rate_hz).tobytes())
    return path


@contextmanager
def begun(make_folder):
    """What will come of each row, as a future, by its name. `make_folder(name)` makes an empty one."""
    patient = sorted((row for row in ROWS if row.patient), key=lambda row: row.command[0] == "ask")  # which wait less
    started = {row.command[:4]: row.name for row in reversed(WORKS)}.values()
    with (
        forker(make_folder("forker")) as forked,
        ThreadPoolExecutor(WAITING_AT_ONCE) as waiting,
        ThreadPoolExecutor(AT_ONCE) as computing,
    ):

        def begin(row):
            pool = waiting if row.patient else computing
            return pool.submit(run, row, make_folder("row"), start if row.name in started else forked)

        yield {row.name: begin(row) for row in [*patient, *(row for row in ROWS if not row.patient)]}


def start(arguments, environ, limit_s):
    """The end of `antiphon ARGUMENTS`, a process of its own."""
    return subprocess.run(
        command(*arguments), env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit_s,
        check=False,
    )  # fmt: skip


def run(row: Row, folder: Path, start=start) -> Came:
    """One row, in an empty folder."""
    files = {
        "clip": _write(folder / "clip.wav", 1.6),
        "reference": _write(folder / "reference.wav", 6.0),
        "out": folder / "out.wav",
    }
    given = dict(row.options)
    if "replies" in given:
        given["replies"] = tuple(map(_reply, given["replies"]))
    if "faults" in given:
        given["faults"] = tuple(map(parse_fault, given["faults"]))
    options = SimulatorOptions(keys=KEYS, timing=Timing.quick(), transcripts=(ASKED,), quick_connections=0, **given)
    with stepfun(options) as service:
        sets = _addresses(service, row)
        verb = [part.format(**files) for part in row.command]
        environ = environment(folder=folder, STEPFUN_API_KEY=row.key or OWN_KEY[row.family])
        done = start([*verb, *ALONE, *(part for one in sets for part in ("--set", one))], environ, LIMIT_S)
        received = _received(service)
    return Came(done.returncode, done.stdout, done.stderr, received, _sound_s(files["out"]))


def _reply(text):
    """ "words|tool" says the words and calls the tool."""
    words, _, tool = text.partition("|")
    return Reply(words, (ToolCall(tool),) if tool else ())


def _addresses(service, row):
    """Every service of the family at the simulator."""
    family = row.path or row.family
    return [
        f"realtime.url={service.url(family + '/realtime')}",
        f"chat.url={service.speech_url(family)}",
        f"cascade.url={service.speech_url(family)}",
        f"speech.url={service.speech_url(family)}",
        "endpointing.trailing_silence_ms=200",
    ]


def _received(service):
    """In a line: each request with its status, and what was granted, as far as it tells one from another."""
    lines = [_told(line) for line in service.log if "status" in line and line["what"] != "listening"]
    return "; ".join([*lines, *_granted(service)])


def _told(line):
    return f"{line['what']} {line['status']}"


def _granted(service):
    for session in service.sessions:
        tools = [tool.get("function", {}).get("name") or tool["type"] for tool in session.tools or []]
        yield f"realtime {session.model} {session.path}, tools {' '.join(tools)}, {session.frames} frames"
        for output in session.tool_outputs:
            yield f"tool {output.name} answered {output.output}"
    for chat in service.chats:
        names = {call: name for message in chat.messages for call, name, _ in message.calls}
        for message in chat.messages:
            if message.role == "tool":
                yield f"tool {names[message.answers]} answered {message.text}"
        how = "streamed" if chat.stream else "whole"
        asked = f"{len(chat.messages)} messages, {chat.segments} clips, {len(chat.tools)} tools"
        yield f"POST chat {chat.model} {how} {chat.path}: {asked}, voice {chat.voice or 'none'}"
    for one in service.recognised:
        clip = f"{one.clip.kind} {one.clip.seconds:.1f} s"
        yield f"POST asr {one.model} {one.path}: {clip} in {one.body_bytes} bytes, language {one.language or 'none'}"
    for wish in service.wishes:
        how = f"{wish.format} {wish.rate_hz} Hz, speed {wish.speed:g}"
        yield f"POST speech {wish.model} {wish.path}: {wish.text!r}, voice {wish.voice}, {how}"
    for one in service.utterances:
        yield f"stream {one.model} {one.path}: {' | '.join(text for _, text in one.texts)!r}"
    for one in service.dictations:
        yield f"dictation {one.settings.model} {one.path}: {len(one.arrivals)} appends, {len(one.turns)} turns"
    for kind, these in (("upload", service.uploads), ("clone", service.clones), ("preview", service.previews)):
        for one in these:
            shown = {
                key: value
                for key, value in dataclasses.asdict(one).items()
                if isinstance(value, str | bool | int) and value
            }
            yield f"{kind} {shown.pop('model', '')} {json.dumps(shown, ensure_ascii=False)}"


def _sound_s(path):
    if not path.exists():
        return 0.0
    with wave.open(str(path)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        assert np.any(pcm), "the file is silent"
        return file.getnframes() / file.getframerate()


def main():
    """The table, as Markdown."""
    print("| service | paths | case | command | received | came back |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, begun(lambda _: Path(tempfile.mkdtemp(dir=folder))) as rows:
        for row in ROWS:
            _print(row, rows[row.name].result())


def _print(row, came):
    shown = shlex.join(row.command).replace("{", "").replace("}", "").replace("'", "")
    cells = (row.service, row.family, row.case, f"`antiphon {shown}`", came.received, f"{came.status}: {came.back}")
    print("| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + " |", flush=True)


if __name__ == "__main__":
    main()
