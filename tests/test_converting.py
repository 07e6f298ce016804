"""ffmpeg is asked without a shell, its failures are told, and it does not outlive us. A script stands for it."""

import asyncio
import os
import sys

import pytest

from antiphon.converting import RATE_HZ, to_pcm
from antiphon.errors import AudioFileError


@pytest.fixture
def ffmpeg(tmp_path, monkeypatch):
    """Puts a program of these Python lines in ffmpeg's place; `args` are its arguments."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def stand_in(*lines):
        program = folder / "ffmpeg"
        program.write_text("\n".join([f"#!{sys.executable}", "import sys, time", "args = sys.argv[1:]", *lines]))
        program.chmod(0o755)

    return stand_in


def convert(source, target, why="a.m4a is no WAV"):
    asyncio.run(to_pcm(source, target, why))


def test_a_recording_is_made_into_samples(tmp_path, ffmpeg):
    ffmpeg("open(args[-1].removeprefix('file:'), 'w').write(' '.join(args))")
    target = tmp_path / "sound.pcm"
    convert(tmp_path / "-a b; c.m4a", target)
    words = target.read_text()
    assert f"-i file:{tmp_path / '-a b; c.m4a'} -vn -ac 1 -ar {RATE_HZ} -f s16le" in words
    assert "-protocol_whitelist file,pipe" in words


def test_without_ffmpeg_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AudioFileError, match=r"^a\.m4a is no WAV: install ffmpeg"):
        convert(tmp_path / "a.m4a", tmp_path / "sound.pcm")


@pytest.mark.parametrize("status", [0, 1])
def test_what_ffmpeg_cannot_hear(tmp_path, ffmpeg, status):
    ffmpeg("print('one\\n[in#0 @ 0x55ca] a.m4a: Invalid data\\n', file=sys.stderr)", f"sys.exit({status})")
    with pytest.raises(AudioFileError, match=r"ffmpeg finds no sound in it \(a\.m4a: Invalid data\)"):
        convert(tmp_path / "a.m4a", tmp_path / "sound.pcm")


def test_it_does_not_outlive_us(tmp_path, ffmpeg):
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    ffmpeg("import os", f"open({str(ready)!r}, 'w').write(str(os.getpid()))", "time.sleep(100)")

    async def scene():
        task = asyncio.get_running_loop().create_task(to_pcm(tmp_path / "a.m4a", tmp_path / "sound.pcm", "x"))
        pid = int(await asyncio.to_thread(ready.read_text))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return pid

    with pytest.raises(ProcessLookupError):
        os.kill(asyncio.run(scene()), 0)
