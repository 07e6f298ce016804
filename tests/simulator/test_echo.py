"""The room with acoustics, by real programs: what the speaker plays comes back to the microphone.

What it has to be is computed from what sounded in the room (`heard`) by the pure numbers of `acoustics`.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from antiphon.pcm import bytes_of, clipped, samples_of
from antiphon.simulator.acoustics import Acoustics, EchoPath, active_level_db, room_response
from antiphon.simulator.room import LEAD_S, Room, wait_for_frame

CHILD = Path(__file__).with_name("echo_child.py")
OPEN_AIR = np.ones(1, np.float32)
SILENT = Acoustics(np.zeros(1, np.float32))
NEAR_ENOUGH_DB = -60.0  # the card counts in float32, and its drift begins between two calls of ours


def hiss(frames, seed=1, rms=3000):
    return np.clip(np.random.default_rng(seed).standard_normal(frames) * rms, -30_000, 30_000).astype(np.int16)


def environ(room):
    return {**os.environ, **room.environment()}


def play_and_hear(room, played, tmp_path):
    """The first frame and the samples that PyAudio heard while it played; frames are right if it lost none."""
    spoken, heard = tmp_path / "played.raw", tmp_path / "heard.raw"
    spoken.write_bytes(bytes_of(played))
    rates = [str(room.mic.rate_hz), str(room.spk.rate_hz)]
    command = [sys.executable, str(CHILD), str(spoken), str(heard), *rates]
    child = subprocess.run(command, env=environ(room), capture_output=True, timeout=60, check=False)
    assert child.returncode == 0, child.stderr
    return room.mic.stretch[0], samples_of(heard.read_bytes())


def expected(room, places, end):
    """The echo up to the microphone's frame `end`, of what sounded; `places` are frames and acoustics."""
    spk_end = room.spk.frame_at(room.mic.time_of(end)) + 1
    path = EchoPath(SILENT, room.mic.rate_hz, room.spk.rate_hz)
    for frame, acoustics in places:
        path.move(acoustics, frame)
    return clipped(path.hear(room.heard(0, spk_end)))[:end]


def assert_alike(echo, wanted):
    assert len(echo) == len(wanted) > 0
    power = np.mean(wanted.astype(np.float64) ** 2)
    error = np.mean((echo.astype(np.float64) - wanted) ** 2)
    assert power > 100, "there is something to compare"
    assert 10 * np.log10(max(error, 1e-9) / power) < NEAR_ENOUGH_DB


def until(true, what, timeout_s=20.0):
    limit_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < limit_s, f"{what}: not within {timeout_s} s"
        time.sleep(0.002)


@contextmanager
def running(room, program, end, *options):
    form = ["-q", "-t", "raw", "-f", "S16_LE", "-r", str(end.rate_hz), "-D", f"hw{end.name}", *options]
    with subprocess.Popen(
        [program, *form], env=environ(room), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def recording(room):
    """Somebody listens, with a buffer of seconds; what is not taken has no echo."""
    return running(room, "arecord", room.mic, "--buffer-size=48000", "--period-size=640")


def playing(room, *options):
    return running(room, "aplay", room.spk, "--period-size=2400", *options)


def feed(process, samples):
    process.stdin.write(bytes_of(samples))
    process.stdin.flush()


def play_out(room, player, samples):
    """Play it to its end; returns a frame of the microphone a little after."""
    player.communicate(bytes_of(samples), timeout=20)
    return room.mic.frame_at(room.spk.time_of(room.spk.stretch[1])) + room.mic.rate_hz // 10


# ── where and how loud ──


@pytest.mark.parametrize(("mic_hz", "spk_hz"), [(16_000, 24_000), (48_000, 16_000)])
def test_a_click_is_heard_after_its_delay_with_its_gain(mic_hz, spk_hz):
    clicks = np.zeros(spk_hz * 3 // 4, np.int16)
    clicks[spk_hz // 2] = 30_000
    with Room(mic_hz, spk_hz) as room, recording(room), playing(room) as player:
        place = room.acoustics(Acoustics(OPEN_AIR, delay_ms=25, gain_db=-6))
        end = play_out(room, player, clicks)
        wait_for_frame(room.mic, end)
        sounded = int(np.argmax(room.heard(0, room.spk.stretch[1])))
        echo = room.echo(0, end)
    wanted = sounded * mic_hz / spk_hz + mic_hz * 0.025
    assert place < wanted
    assert np.argmax(echo) == pytest.approx(wanted, abs=1)
    # A click is as wide as the band; over it, its sum is kept.
    area = np.sum(echo, dtype=np.int64) / mic_hz
    assert area == pytest.approx(30_000 / spk_hz * 10 ** (-6 / 20), rel=0.01)


def test_a_drifting_speaker_is_heard_higher_and_keeps_its_own_time():
    tone = clipped((0.3 * np.sin(2 * np.pi * np.arange(24_000 * 2) / 24)).astype(np.float32))
    with Room() as room, recording(room), playing(room) as player:
        drifting = room.mic.now_frame()
        acoustics = Acoustics(OPEN_AIR, drift_ppm=200)
        place = room.acoustics(acoustics)
        assert room.spk.drift_ppm == 200
        end = play_out(room, player, tone)
        wait_for_frame(room.mic, end)
        echo = room.echo(place, end)
        assert_alike(
            echo, expected(room, [(drifting, Acoustics(OPEN_AIR * 0, drift_ppm=200)), (place, acoustics)], end)[place:]
        )
    loud = np.flatnonzero(echo)
    steady = echo[loud[0] + 800 : loud[0] + 800 + 24_000].astype(np.float64)
    beat = (steady * np.exp(-2j * np.pi / 16 * np.arange(len(steady)))).reshape(-1, 160).mean(1)
    slope = np.polyfit(np.arange(len(beat)) * 0.01, np.unwrap(np.angle(beat)), 1)[0]
    assert slope / (2 * np.pi * 1000) * 1e6 == pytest.approx(200, abs=2)


# ── the whole way ──


def test_pyaudio_hears_itself_and_the_people_as_the_numbers_say(tmp_path):
    """A long response that changes while it sounds, soft clipping, a voice over it, and then no echo."""
    near = Acoustics(room_response(16_000, 250), gain_db=0, soft_clip=0.1)
    away = Acoustics(room_response(16_000, 100, seed=2), delay_ms=60, gain_db=-20)
    with Room(spk_rate_hz=48_000) as room:
        now_s = time.monotonic()
        places = [(room.acoustics(near), near), (room.acoustics(away, now_s + 1.5), away)]
        places.append((room.no_acoustics(now_s + 2.2), SILENT))
        voice = room.say(hiss(16_000, seed=5), now_s + 1.0, level_db=-45)
        first, heard = play_and_hear(room, hiss(3 * 48_000), tmp_path)
        end = first + len(heard)
        if room.overflows == 0:  # PyAudio cannot say where it lost some
            assert np.array_equal(heard, room.sensed(first, end))
            assert end > places[-1][0] + 4000
            assert_alike(room.echo(first, end), expected(room, places, end)[first:])
            assert not room.echo(places[-1][0], end).any()
        assert active_level_db(room.spoken(voice, voice + 16_000)) == pytest.approx(-45, abs=0.2)
        assert 3000 < np.abs(room.echo(first, places[1][0])).max() <= 3277


def test_without_acoustics_nothing_is_heard_and_nothing_is_kept(tmp_path):
    with Room() as room:
        play_and_hear(room, hiss(12_000), tmp_path)
        assert room.heard(0, room.spk.stretch[1]).any()
        assert not room.sensed(0, room.mic.stretch[1]).any()
        assert (room.folder / "air").stat().st_blocks == 0
        assert (room.folder / "echo.raw").stat().st_size == 0


# ── by position, and not by when a process ran ──


def test_what_is_heard_does_not_depend_on_when_the_programs_run():
    acoustics = Acoustics(room_response(16_000, 150))
    with Room() as room, recording(room) as recorder, playing(room, "--buffer-size=48000") as player:
        place = room.acoustics(acoustics)
        feed(player, hiss(60_000))
        wait_for_frame(room.mic, place)
        recorder.send_signal(signal.SIGSTOP)  # it wakes up late, and takes everything at once
        stopped = room.mic.now_frame()
        until(lambda: room.mic.now_frame() > stopped + 8000, "half a second")
        player.send_signal(signal.SIGSTOP)  # its buffer goes on to sound
        recorder.send_signal(signal.SIGCONT)
        wait_for_frame(room.mic, stopped + 14_000)
        player.send_signal(signal.SIGCONT)
        feed(player, hiss(24_000, seed=2))
        player.stdin.close()
        player.stdin = None
        player.wait(timeout=20)
        end = room.mic.frame_at(room.spk.time_of(room.spk.stretch[1])) + 6000
        wait_for_frame(room.mic, end)
        assert room.overflows == 0
        echo = room.echo(place, end)
        assert_alike(echo, expected(room, [(place, acoustics)], end)[place:])
        assert np.count_nonzero(echo) > 3 * 16_000


def test_what_is_dropped_before_it_sounds_is_never_heard():
    acoustics = Acoustics(room_response(16_000, 100), delay_ms=30)
    with Room() as room, recording(room), playing(room, "--buffer-size=48000") as player:
        place = room.acoustics(acoustics)
        feed(player, hiss(60_000))
        until(lambda: room.spk.starts == 1, "start")
        until(lambda: room.spk.now_frame() > room.spk.stretch[0] + 18_000, "three quarters of a second")
        player.send_signal(signal.SIGINT)
        player.communicate(timeout=20)
        silent = room.spk.stretch[1]
        last = room.mic.frame_at(room.spk.time_of(silent)) + 480 + 1600
        wait_for_frame(room.mic, last + 8000)
        echo = room.echo(place, last + 8000)
        assert silent < room.spk.stretch[0] + 40_000, "there was much to drop"
        assert_alike(echo, expected(room, [(place, acoustics)], last + 8000)[place:])
        assert not echo[last + 32 - place :].any()


def test_a_killed_program_falls_silent():
    with Room() as room, recording(room), playing(room, "--buffer-size=48000") as player:
        place = room.acoustics(Acoustics(OPEN_AIR))
        feed(player, hiss(60_000))
        wait_for_frame(room.mic, place + 1600)
        until(lambda: room.echo(place, place + 1600).any(), "an echo")
        player.kill()
        player.wait(timeout=20)
        end = room.mic.frame_at(room.spk.time_of(room.spk.stretch[0] + 60_000)) + 640
        wait_for_frame(room.mic, end)
        assert not room.echo(end - 4000, end).any()


def test_two_programs_are_heard_together_and_a_pulled_cable_ends_them():
    acoustics = Acoustics(room_response(16_000, 50))
    with Room() as room, recording(room), playing(room) as one, playing(room) as other:
        place = room.acoustics(acoustics)
        feed(one, hiss(36_000, rms=1000))
        feed(other, hiss(36_000, seed=2, rms=1000))
        wait_for_frame(room.spk, room.spk.frame_at(room.mic.time_of(place)) + 4800)
        until(lambda: room.spk.starts == 2, "both")
        wait_for_frame(room.mic, room.mic.now_frame() + 3200)
        room.spk.unplug()
        pulled = room.mic.now_frame()
        one.wait(timeout=20)
        other.wait(timeout=20)
        wait_for_frame(room.mic, pulled + 8000)
        assert_alike(room.echo(place, pulled + 8000), expected(room, [(place, acoustics)], pulled + 8000)[place:])
        assert not room.echo(pulled + 320 + 800 + 64, pulled + 8000).any()


# ── what is refused ──


def test_a_place_needs_notice_and_an_end():
    with Room() as room:
        with pytest.raises(ValueError, match="notice"):
            room.acoustics(SILENT, time.monotonic() - LEAD_S)
        with pytest.raises(ValueError, match="must end within"):
            room.acoustics(Acoustics(np.zeros(16_000, np.float32)))
