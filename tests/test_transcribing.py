"""Recordings to text against the simulated service: in order, bounded, one failure apart; and how little it takes."""

import asyncio
import errno
import io
import json
import os
import socketserver
import subprocess
import sys
import threading
import wave

import numpy as np
import pytest

from antiphon import cli, transcribing
from antiphon.cli import main
from antiphon.progress import no_screen
from antiphon.secret import Secret
from antiphon.settings import load
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.options import DEFAULT_KEY, SimulatorOptions, Timing
from antiphon.speech import service as speech_service
from antiphon.transcribing import AT_ONCE, MOST_BROKEN, Transcript, plan_of, transcribe
from loopback import stepfun
from speech.tts import EVENTS, chunk, error, event_bytes, serving, streams
from verbs import ALONE, environment, running
from waves import write_wav

RATE_HZ = 16_000


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("STEPFUN_API_KEY", DEFAULT_KEY)
    monkeypatch.setattr(speech_service, "PAUSE_FIRST_S", 0.0)


def tone(seconds):
    return (8000 * np.sin(np.arange(round(seconds * RATE_HZ)) / 9)).astype(np.int16)


def clip(folder, number, seconds=0.2):
    return write_wav(folder / f"{number}.wav", tone(seconds), RATE_HZ)


def done(text, **usage):
    return {"type": "transcript.text.done", "text": text, "usage": usage}


def told_by(*arguments, options=None, path="/v1"):
    """The verb against the simulated service: its status; the service tells what it granted."""
    made = options or SimulatorOptions(timing=Timing.quick(), quick_connections=0)
    with stepfun(made) as service:
        status = main(["transcribe", *ALONE, "--set", f"speech.url={service.speech_url(path)}", *map(str, arguments)])
        return status, service.recognised


# ── the verb ─────────────────────────────────────────────────────────────────────────────────────


def test_a_recording_is_written_down(tmp_path, capsys):
    options = SimulatorOptions(timing=Timing.quick(), transcripts=("Turn on the light.",), asr_deltas="rough")
    path = clip(tmp_path, 1, 2.0)
    arguments = (path, "--language", "en", "--hotwords", "light,\u7535\u706f\uff0clamp")
    status, [granted] = told_by(*arguments, options=options)
    assert (status, capsys.readouterr()) == (0, ("Turn on the light.\n", ""))
    assert (granted.language, granted.hotwords) == ("en", ("light", "\u7535\u706f", "lamp"))
    assert (granted.clip.kind, granted.clip.bytes) == ("wav", path.stat().st_size)
    assert not granted.chunked


def test_as_data(tmp_path, capsys):
    options = SimulatorOptions(timing=Timing.quick(), transcripts=("One.",))
    pcm = tmp_path / "a.pcm"
    pcm.write_bytes(tone(1.5).tobytes())
    status, [granted] = told_by(pcm, tmp_path / "none.wav", "--json", "--rate", "24000", options=options)
    out, err = capsys.readouterr()
    first, second = map(json.loads, out.splitlines())
    assert status == 1
    assert (first["file"], first["text"], first["seconds"]) == (str(pcm), "One.", 1.0)
    assert first["usage"]["total_tokens"] > 0
    assert second["error"] in err
    assert granted.rate_hz == 24_000


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.wav", b"no sound", "is no WAV file, whatever its name says"),
        ("a.flac", None, "No such file"),
        ("a.flac", b"fLaC", "install ffmpeg"),
    ],
)
def test_what_cannot_be_heard_is_told_and_nobody_is_asked(tmp_path, capsys, monkeypatch, name, data, words):
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    status, granted = told_by(path)
    assert (status, granted) == (1, [])
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert str(path) in err


def test_other_containers_are_converted(tmp_path, capsys, monkeypatch):
    samples = tmp_path / "samples"
    samples.write_bytes(tone(1.0).tobytes())
    ffmpeg = tmp_path / "ffmpeg"
    ffmpeg.write_text(
        f"#!{sys.executable}\nimport sys, shutil\nshutil.copy({str(samples)!r}, sys.argv[-1].removeprefix('file:'))\n"
    )
    ffmpeg.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    roomy = tmp_path / "roomy"
    roomy.mkdir()
    monkeypatch.setattr(transcribing, "_ROOMY", roomy)
    video = tmp_path / "a.mp4"
    video.write_bytes(b"ftyp")
    options = SimulatorOptions(timing=Timing.quick(), transcripts=("One.",))
    status, [granted] = told_by(video, options=options)
    assert (status, capsys.readouterr().out, granted.clip.kind) == (0, "One.\n", "pcm")
    assert list(roomy.iterdir()) == []
    monkeypatch.setattr(transcribing, "_ROOMY", tmp_path / "none of it")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    assert told_by(clip(tmp_path, 1), options=options)[0] == 0  # what is fit needs no place


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"path": "/step_plan/v1"}, "check speech.url and --model (for files it is stepaudio-2.5-asr)"),
        ({"options": SimulatorOptions(keys={"x": "normal"}, timing=Timing.quick())}, "does not know the API key (401)"),
        (
            {"options": SimulatorOptions(keys={DEFAULT_KEY: "plan"}, timing=Timing.quick())},
            "a Step Plan key needs speech.url with /step_plan/v1",
        ),
        (
            {"options": SimulatorOptions(timing=Timing.quick(), faults=(Fault(Kind.ASR_STATUS, 451),))},
            "for its content rules (451): leave out what it forbids",
        ),
        (
            {"options": SimulatorOptions(timing=Timing.quick(), faults=(Fault(Kind.ASR_ERROR_EVENT),))},
            "a.wav",
        ),
    ],
)
def test_the_service_s_errors_are_told(tmp_path, capsys, more, words):
    path = write_wav(tmp_path / "a.wav", tone(1.0), RATE_HZ)
    arguments = ("--model", "stepaudio-2-asr-pro") if more.get("path") else ()
    status, _ = told_by(path, *arguments, **more)
    out, err = capsys.readouterr()
    assert (status, out) == (1, "")
    assert err.startswith(f"antiphon: {path}: 127.0.0.1 ")
    assert words in err


def test_what_may_pass_is_asked_again(tmp_path, capsys):
    faults = (Fault(Kind.ASR_STATUS, 503, connections=(0,)), Fault(Kind.ASR_STATUS, 429, connections=(1,)))
    options = SimulatorOptions(timing=Timing.quick(), transcripts=("One.",), faults=faults)
    status, granted = told_by(clip(tmp_path, 1, 1.0), options=options)
    assert (status, capsys.readouterr().out, len(granted)) == (0, "One.\n", 1)


# ── many ─────────────────────────────────────────────────────────────────────────────────────────


class Crowd:
    """Answers each request with the number in its file's length, when all that are allowed together have come."""

    def __init__(self):
        self.inside = self.most = 0
        self.full = asyncio.Event()

    async def answer(self, asked):
        self.inside += 1
        self.most = max(self.most, self.inside)
        if self.inside == AT_ONCE:
            self.full.set()
        await self.full.wait()
        number = (len(asked.fields["audio"]["data"]) * 3 // 4 - 44) // 2
        self.inside -= 1
        if number == 7:
            await asked.write(error(400, "this one is odd"))
        else:
            await asked.write(EVENTS, chunk(event_bytes(done(f"clip {number // 3}", total_tokens=1))), chunk(b""))


def test_many_are_told_in_order_and_one_failure_stops_nobody(tmp_path):
    count = 200
    files = [
        write_wav(tmp_path / f"{number}.wav", np.ones(3 * number + 3, np.int16), RATE_HZ) for number in range(count)
    ]
    files[50].write_bytes(b"RIFF")

    async def scene():
        crowd, told = Crowd(), []
        async with serving(crowd.answer) as there:
            plan = plan_of(load([]).settings, "", (), None)
            plan = type(plan)(there.url, plan.model)
            with no_screen() as show:
                await transcribe(plan, Secret("k", "a test"), files, RATE_HZ, told.append, show)
        return crowd, told

    crowd, told = asyncio.run(scene())
    assert [one.file for one in told] == list(map(str, files))
    assert [one.text for one in told] == ["" if n == 50 else f"clip {n + 1}" for n in range(count)]
    assert [n for n, one in enumerate(told) if one.error] == [50]
    assert crowd.most == AT_ONCE


@pytest.mark.parametrize(
    ("key", "path", "words"), [("sk-other", "/v1", "(401)"), ("sk-plan", "/v1", "(402)"), (DEFAULT_KEY, "/v2", "(404)")]
)
def test_where_none_would_be_answered_the_rest_are_not_sent(tmp_path, capsys, monkeypatch, key, path, words):
    monkeypatch.setenv("STEPFUN_API_KEY", key)
    files = [clip(tmp_path, number) for number in range(20)]
    options = SimulatorOptions(
        timing=Timing.quick(), quick_connections=0, keys={DEFAULT_KEY: "normal", "sk-plan": "plan"}
    )
    with stepfun(options) as service:
        status = main(["transcribe", *ALONE, "--set", f"speech.url={service.speech_url(path)}", *map(str, files)])
        asked = sum("status" in line for line in service.log)
    lines = capsys.readouterr().err.splitlines()
    assert (status, len(lines)) == (1, 20)
    assert all(str(file) in line and words in line for file, line in zip(files, lines, strict=True))
    assert "was not sent, as" in lines[-1]
    assert 1 <= asked <= AT_ONCE


@pytest.mark.parametrize("gone", [BrokenPipeError(), OSError(errno.ENOSPC, "No space left on device")])
def test_a_text_that_nobody_can_take_ends_it_in_words(tmp_path, capsys, monkeypatch, gone):
    class Full(io.StringIO):
        def write(self, _):
            raise gone

    monkeypatch.setattr(sys, "stdout", Full())
    monkeypatch.setattr(cli, "_drop_output", lambda: setattr(sys, "stdout", io.StringIO()))
    status, _ = told_by(clip(tmp_path, 1), clip(tmp_path, 2))
    assert status == (0 if isinstance(gone, BrokenPipeError) else cli.EXIT_MEND)
    assert "Traceback" not in capsys.readouterr().err


def test_a_long_upload_is_not_begun_for_ever(tmp_path, capsys):
    nonsense = b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"
    asked = []

    class Nonsense(socketserver.BaseRequestHandler):
        def handle(self):
            asked.append(self.request.recv(65_536))
            self.request.sendall(nonsense)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Nonsense) as server:
        threading.Thread(target=server.serve_forever, name="nonsense").start()
        try:
            url = f"http://127.0.0.1:{server.server_address[1]}/v1"
            status = main(["transcribe", *ALONE, "--set", f"speech.url={url}", str(clip(tmp_path, 1))])
        finally:
            server.shutdown()
    assert (status, len(asked)) == (1, MOST_BROKEN + 1)
    assert "does not speak HTTP" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a\nb.wav", "a\x1b[31mb.wav", "a\udcffb.wav"])
def test_an_odd_name_is_one_line(tmp_path, capsys, name):
    files = [tmp_path / name, clip(tmp_path, 1), tmp_path / f"no{name}"]
    clip(tmp_path, 2).rename(files[0])
    assert told_by(*files)[0] == 1
    came = capsys.readouterr()
    assert len(came.out.splitlines()) == 2
    assert len(came.err.splitlines()) == 1
    assert "\x1b" not in came.out + came.err
    (came.out + came.err).encode()
    assert told_by("--json", *files)[0] == 1
    [first, _, _] = capsys.readouterr().out.splitlines()
    assert json.loads(first.encode())["file"] == str(files[0])


def test_a_long_recording_is_one_text(tmp_path):
    samples = np.concatenate([tone(1.0), np.zeros(RATE_HZ // 2, np.int16)] * 4)
    path = write_wav(tmp_path / "a.wav", samples, RATE_HZ)

    async def scene():
        told = []
        answers = [streams(done(text, total_tokens=2)) for text in ("One.", "Two.", "Three.", "More.")]
        async with serving(*answers) as there:
            plan = type(plan_of(load([]).settings, "", (), None))(there.url, "m")
            with no_screen() as show:
                await transcribe(plan, None, [path], RATE_HZ, told.append, show, most_s=2.0)
        return told, len(there.asked)

    [transcript], asked = asyncio.run(scene())
    assert asked in (3, 4)
    texts = " ".join(["One.", "Two.", "Three.", "More."][:asked])
    assert transcript == Transcript(str(path), texts, {"total_tokens": 2 * asked}, 6.0)


# ── what it takes ────────────────────────────────────────────────────────────────────────────────

MEASURED = """
import sys
from antiphon import cli
from antiphon.cli import main
status = main(sys.argv[1:])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(peak.split()[1], file=sys.stderr)
sys.exit(status)
"""


def test_half_an_hour_takes_little_memory_and_goes_up_as_it_is_read(tmp_path):
    """84 MB of sound, of which the service has taken a part before the rest was read."""
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        for _ in range(29):
            file.writeframes(bytes(60 * 48_000))
    options = SimulatorOptions(timing=Timing.quick(), transcripts=("One.",))
    with stepfun(options) as service:
        url = f"speech.url={service.speech_url('/v1')}"
        ended = subprocess.run(
            [sys.executable, "-c", MEASURED, "transcribe", *ALONE, "--set", url, str(path)],
            env=environment(folder=tmp_path, STEPFUN_API_KEY=DEFAULT_KEY),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        [granted] = service.recognised
    assert (ended.returncode, ended.stdout) == (0, "One.\n"), ended.stderr
    assert int(ended.stderr.split()[-1]) < 120 * 1024
    assert granted.clip.bytes == path.stat().st_size
    assert granted.body_bytes > granted.clip.bytes * 4 // 3


def test_ctrl_c_leaves_cleanly(tmp_path):
    met = threading.Event()

    async def silent(asked):
        met.set()
        await asked.until_left()

    ready, over = threading.Event(), threading.Event()
    urls = []

    async def serve():
        async with serving(silent) as there:
            urls.append(there.url)
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(20)
        environ = environment(folder=tmp_path, STEPFUN_API_KEY=DEFAULT_KEY)
        arguments = ("transcribe", *ALONE, "--set", f"speech.url={urls[0]}", clip(tmp_path, 1))
        with running(*arguments, environ=environ) as process:
            assert met.wait(30)
            process.send_signal(2)
            out, err = process.communicate(timeout=30)
        assert (process.returncode, out, err) == (130, "", "")
    finally:
        over.set()
        thread.join(20)


def test_no_recording_is_named(capsys):
    assert main(["transcribe", *ALONE]) == 2
    assert "name one or more" in capsys.readouterr().err
    assert main(["transcribe", *ALONE, "--live", "a.wav", "b.wav"]) == 2
    assert "--live hears one source" in capsys.readouterr().err
    assert main(["transcribe", *ALONE, "a.wav", "-"]) == 2
    assert "- is samples on stdin, which --live hears" in capsys.readouterr().err


@pytest.mark.parametrize("rate", ["5", "fast", "16000.5", "nan"])
def test_a_rate_that_is_none(rate, capsys):
    with pytest.raises(SystemExit):
        main(["transcribe", *ALONE, "--rate", rate, "a.pcm"])
    assert f"argument --rate: '{rate}' is no sample rate: give 8000 to 192000" in capsys.readouterr().err


def test_without_a_key(capsys, monkeypatch):
    monkeypatch.delenv("STEPFUN_API_KEY")
    assert main(["transcribe", *ALONE, os.devnull]) == 2
    assert "there is no API key" in capsys.readouterr().err
