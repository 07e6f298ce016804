"""The room, by real programs: ALSA's own arecord and aplay, and PortAudio through PyAudio."""

import json
import os
import signal
import subprocess
import sys
import time
import wave
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from antiphon.errors import DeviceError
from antiphon.pcm import bytes_of, samples_of, spread
from antiphon.simulator.room import LEAD_S, End, Room, find_plugin, wait_for_frame


@pytest.fixture
def room():
    with Room() as made:
        yield made


def babble(frames, seed=1):
    """Samples that are equal nowhere and never zero."""
    return np.random.default_rng(seed).integers(1, 9_000, frames).astype(np.int16)


def arecord(end, *options, device="hwmic"):
    return ["arecord", "-q", "-D", device, "-t", "raw", "-f", "S16_LE", *form(end), *options]


def aplay(end, *options, device="hwspk"):
    return ["aplay", "-q", "-D", device, "-t", "raw", "-f", "S16_LE", *form(end), *options]


def form(end):
    return ["-r", str(end.rate_hz), "-c", str(end.channels)]


def run(room, command, **options):
    return subprocess.run(
        command, env={**os.environ, **room.environment()}, capture_output=True, timeout=20, check=False, **options
    )


@contextmanager
def running(room, command):
    with subprocess.Popen(
        command,
        env={**os.environ, **room.environment()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until(true, what, timeout_s=10.0):
    limit_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < limit_s, f"{what}: not within {timeout_s} s"
        time.sleep(0.002)


# ── the timeline ──


@pytest.mark.parametrize("ppm", [0, 100, -100, 50_000])
def test_clock_is_exact_both_ways_and_does_not_jump_when_it_drifts(room, ppm):
    end = room.mic
    before = end.now_frame()
    end.drift(ppm)
    assert end.now_frame() - before < end.rate_hz
    assert end.now_frame() >= before
    for frame in (before, before + 1, before + 12_345, before + 16_000 * 3600):
        assert end.frame_at(end.time_of(frame)) == frame
        assert end.frame_at(end.time_of(frame) - 1e-6) == frame - 1
    hour_s = end.time_of(before + 16_000 * 3600) - end.time_of(before)
    assert hour_s == pytest.approx(3600 / (1 + ppm / 1e6), abs=1e-6)


def test_both_ends_share_one_epoch():
    with Room(mic_rate_hz=16_000, spk_rate_hz=48_000) as room:
        assert room.spk.frame_at(room.mic.time_of(16_000)) in (48_000, 48_001)
        assert room.spk.time_of(0) == room.mic.time_of(0)


# ── the microphone ──


@pytest.mark.parametrize(("rate_hz", "channels"), [(16_000, 1), (48_000, 2), (44_100, 6)])
def test_microphone_hears_every_frame_of_what_is_said_where_it_is_said(rate_hz, channels):
    with Room(mic_rate_hz=rate_hz, mic_channels=channels) as room:
        said = babble(2 * rate_hz)
        first = room.say(said)
        record = run(room, arecord(room.mic, f"--samples={rate_hz * 3 // 5}", "--period-size=1024"))
        heard = samples_of(record.stdout)
        began, ended = room.mic.stretch
        assert ended - began >= len(heard) // channels == rate_hz * 3 // 5, record.stderr
        ended = began + len(heard) // channels
        assert np.array_equal(heard, spread(room.spoken(began, ended), channels))
        inside = max(first, began)
        assert np.array_equal(heard[(inside - began) * channels :: channels], said[inside - first : ended - first])
        assert (room.overflows, room.mic.starts) == (0, 1)


def test_program_never_hears_the_future(room):
    run(room, arecord(room.mic, "--samples=3200"))
    assert room.mic.stretch[1] <= room.mic.now_frame()


def test_two_programs_hear_the_same(room):
    room.say(babble(32_000))
    recorder = arecord(room.mic, "--samples=9600")
    with running(room, recorder) as one, running(room, recorder) as two:
        heard = [process.communicate(timeout=20)[0] for process in (one, two)]
    spoken = bytes_of(room.spoken(0, room.mic.now_frame()))
    for pcm in heard:
        assert len(pcm) == 19_200
        assert spoken.index(pcm) % 2 == 0
    assert room.mic.starts == 2


def test_stalled_program_loses_audio_and_is_told(room):
    room.say(babble(48_000))
    with running(room, arecord(room.mic, "--samples=8000", "--buffer-size=6400", "--period-size=800")) as process:
        until(lambda: np.subtract(*room.mic.stretch) <= -1600, "two periods")
        process.send_signal(signal.SIGSTOP)
        began, stalled = room.mic.stretch
        until(lambda: room.mic.now_frame() > stalled + 6400 + 800, "a stall longer than the buffer")
        process.send_signal(signal.SIGCONT)
        heard, said = process.communicate(timeout=20)
    assert room.overflows == 1
    assert b"overrun" in said
    assert room.mic.starts == 2
    resumed, ended = room.mic.stretch
    samples = samples_of(heard)
    kept = len(samples) - (ended - resumed)
    assert kept >= 1600
    assert np.array_equal(samples[:kept], room.spoken(began, began + kept))
    assert np.array_equal(samples[kept:], room.spoken(resumed, ended))
    assert resumed - (began + kept) > 6400


def test_what_is_said_is_mixed_and_clipped(room):
    at_s = time.monotonic() + LEAD_S
    loud = np.full(100, 30_000, np.int16)
    first = room.say(loud, at_s)
    assert room.say(loud, at_s) == first
    room.say(np.full(50, -20_000, np.int16), room.mic.time_of(first + 50))
    assert room.spoken(first - 1, first + 101).tolist() == [0, *[32_767] * 50, *[12_767] * 50, 0]


def test_nothing_is_said_in_the_past(room):
    with pytest.raises(ValueError, match="notice"):
        room.say(babble(10), time.monotonic() - 0.001)
    assert not room.spoken(0, 16_000).any()


def test_noise_has_its_level_to_its_end(room):
    first = room.noise(-50, for_s=70)
    heard = room.spoken(first, first + 70 * 16_000).astype(float)
    for part in (heard[:16_000], heard[30 * 16_000 : 31 * 16_000], heard[-16_000:]):
        assert 20 * np.log10(np.sqrt(np.mean(part**2)) / 32_768) == pytest.approx(-50, abs=0.3)
    assert not room.spoken(first + 70 * 16_000, first + 71 * 16_000).any()


# ── the speaker ──


@pytest.mark.parametrize(("rate_hz", "channels"), [(24_000, 1), (48_000, 2)])
def test_speaker_sounds_every_frame_in_one_piece(rate_hz, channels):
    with Room(spk_rate_hz=rate_hz, spk_channels=channels) as room:
        played = babble(rate_hz // 2)
        before = room.spk.now_frame()
        run(room, aplay(room.spk), input=bytes_of(spread(played, channels)))
        began, ended = room.spk.stretch
        assert before <= began
        assert began + len(played) <= ended <= room.spk.now_frame()
        assert np.array_equal(room.heard(began, began + len(played)), played)
        assert not room.heard(0, began).any()
        assert room.underflows == 0


def test_starved_speaker_falls_silent_and_says_so(room):
    played = babble(24_000)
    with running(room, aplay(room.spk, "--buffer-size=9600", "--period-size=2400")) as process:
        process.stdin.write(bytes_of(played[:12_000]))
        process.stdin.flush()
        until(lambda: room.spk.starts == 1, "start")
        began = room.spk.stretch[0]
        until(lambda: room.spk.now_frame() > began + 12_000 + 4800, "the card to run dry")
        _, said = process.communicate(bytes_of(played[12_000:24_000]), timeout=20)
    assert room.underflows == 1
    assert b"underrun" in said
    assert np.array_equal(room.heard(began, began + 12_000), played[:12_000])
    again = room.spk.stretch[0]
    assert again > began + 12_000 + 4800
    assert not room.heard(began + 12_000, again).any()
    assert np.array_equal(room.heard(again, again + 12_000), played[12_000:24_000])


def test_what_is_dropped_before_it_sounds_is_never_heard(room):
    with running(room, aplay(room.spk, "--buffer-size=24000", "--period-size=2400")) as process:
        process.stdin.write(bytes_of(babble(30_000)))
        process.stdin.flush()
        until(lambda: room.spk.stretch[1] > room.spk.stretch[0] + 2400, "sound")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    gone = room.spk.now_frame()
    began, ended = room.spk.stretch
    assert began + 2400 < ended <= gone
    assert np.count_nonzero(room.heard(began, ended)) == ended - began
    assert not room.heard(ended, ended + 48_000).any()


def test_two_programs_are_heard_together(room):
    low, high = np.full(12_000, 100, np.int16), np.full(12_000, 2000, np.int16)
    with running(room, aplay(room.spk)) as one:
        one.stdin.write(bytes_of(low))
        one.stdin.close()
        one.stdin = None
        until(lambda: room.spk.starts == 1, "start")
        run(room, aplay(room.spk), input=bytes_of(high))
        one.communicate(timeout=20)
    everything = room.heard(0, room.spk.now_frame())
    assert np.sum(everything, dtype=np.int64) == 12_000 * 2100
    assert set(np.unique(everything).tolist()) <= {0, 100, 2000, 2100}


def test_speaker_is_saved_as_wav(room, tmp_path):
    room.spk.mix(babble(2400), 24_000)
    room.save_speaker_wav(tmp_path / "room.wav")
    with wave.open(str(tmp_path / "room.wav"), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)
        assert np.array_equal(samples_of(file.readframes(99_999)), room.heard(0, 26_400))


# ── cable, clock, access ──


def test_pulled_microphone_is_gone_and_comes_back(room):
    with running(room, arecord(room.mic, "-d60")) as process:
        until(lambda: room.mic.starts == 1, "start")
        assert room.mic.is_open()
        room.mic.unplug()
        _, said = process.communicate(timeout=20)
        assert process.returncode != 0
        assert b"No such device" in said
    assert not room.mic.is_open()
    assert room.overflows == 0
    assert b"No such device" in run(room, arecord(room.mic, "-d1")).stderr
    room.mic.replug()
    assert len(run(room, arecord(room.mic, "--samples=1600")).stdout) == 3200


def test_pulled_speaker_sounds_no_further_than_its_cable(room):
    with running(room, aplay(room.spk, "--buffer-size=24000")) as process:
        process.stdin.write(bytes_of(babble(48_000)))
        process.stdin.flush()
        until(lambda: room.spk.starts == 1, "start")
        room.spk.unplug()
        pulled = room.spk.now_frame()
        _, said = process.communicate(timeout=20)
    assert b"No such device" in said
    assert room.spk.stretch[1] <= pulled
    assert not room.heard(pulled, pulled + 72_000).any()


def test_killed_program_does_not_count_as_open(room):
    with running(room, arecord(room.mic, "-d60")) as process:
        until(lambda: room.mic.starts == 1, "start")
        process.kill()
        process.wait(timeout=20)
    assert not room.mic.is_open()
    assert room.mic.opens == 1


@pytest.mark.parametrize("which", ["mic", "spk"])
def test_card_keeps_the_drifting_clock(room, which):
    end: End = getattr(room, which)
    end.drift(-500_000)  # half as fast; a card that did not drift would be twice as far as the room's clock
    began = end.now_frame()
    if which == "mic":
        run(room, arecord(end, "--samples=3200", "--period-size=320"))
    else:
        run(room, aplay(end), input=bytes_of(babble(6000)))
    first, last = end.stretch
    assert began <= first < last <= end.now_frame()
    assert last - first >= 3200


def test_plugin_that_is_missing_says_how_to_make_it(tmp_path, monkeypatch):
    with pytest.raises(DeviceError, match="make card") as missing:
        Room(plugin=tmp_path / "nothing.so")
    assert "ANTIPHON_" not in str(missing.value), "the daemon takes such variables for settings"
    monkeypatch.setenv("SIMULATED_CARD", str(tmp_path / "named.so"))
    with pytest.raises(DeviceError, match=r"named\.so"):
        find_plugin()
    (tmp_path / "named.so").touch()
    assert find_plugin() == tmp_path / "named.so"


def test_an_installed_antiphon_has_no_plugin_and_says_so(monkeypatch):
    monkeypatch.delenv("SIMULATED_CARD", raising=False)
    monkeypatch.setattr("antiphon.simulator.room.CLONE", None)
    with pytest.raises(DeviceError, match=r"not part of an installed Antiphon.*clone of the sources"):
        find_plugin()


def test_library_of_another_version_is_refused(room):
    room._ctl[0] = 99
    assert b"make card" in run(room, arecord(room.mic, "-d1")).stderr


def test_waiting_for_a_stream_that_never_comes_ends(room):
    with pytest.raises(TimeoutError, match="mic stands at"):
        wait_for_frame(room.mic, 10, timeout_s=0.02)


def test_room_leaves_nothing_behind_and_keeps_a_given_folder(tmp_path):
    with Room() as room:
        own = room.folder
    assert not own.exists()
    with Room(folder=tmp_path / "kept") as room:
        room.spk.mix(babble(10), 0)
    assert (tmp_path / "kept" / "spk.raw").stat().st_size == 20
    with Room(folder=tmp_path / "kept") as room:
        assert not room.heard(0, 10).any()


# ── PortAudio ──

PYAUDIO_CHILD = Path(__file__).with_name("pyaudio_child.py")


def test_portaudio_hears_exactly_and_knows_when_its_sound_is_heard(room):
    """Callback mode: bit-exact capture, and a dac time that is true of the speaker's file."""
    room.say(babble(64_000))
    child = run(room, [sys.executable, str(PYAUDIO_CHILD)])
    told = json.loads(child.stdout)
    assert told["devices"] == {"hwmic": [1, 0], "hwspk": [0, 1]} | told["devices"], child.stderr

    spoken = bytes_of(room.spoken(0, room.mic.now_frame()))
    blocks = [bytes.fromhex(block) for block in told["heard"]]
    places = [spoken.index(block) // 2 for block in blocks if any(block)]
    steps = np.diff(places)
    assert len(places) > 3
    assert set(steps.tolist()) == {len(blocks[0]) // 2} or told["overflows"] == room.overflows > 0

    sounded = room.heard(0, room.spk.now_frame())
    errors_ms = []
    for number, heard_at_s in told["dac"]:  # the child's block `number` holds nothing but that number
        frames = np.flatnonzero(sounded == number)
        if len(frames):
            errors_ms.append(1000 * (heard_at_s - room.spk.time_of(int(frames[0]))))
    assert len(errors_ms) >= 8
    assert abs(np.median(errors_ms)) < 3, errors_ms


# ── the mixer ──


def test_what_is_played_sounds_as_loud_as_the_mixer_is(room):
    played = babble(4800)
    for volume_db, on in ((0.0, True), (-6.0, True), (-64.0, True), (0.0, False)):
        room.mixer.turn(volume_db, on=on)
        first = room.spk.now_frame()
        assert run(room, aplay(room.spk), input=bytes_of(played)).returncode == 0
        began, _ = room.spk.stretch
        assert began >= first
        until(lambda began=began: room.spk.now_frame() >= began + 4800, "it has sounded")
        heard = room.spk.read(began, began + 4800)
        gain = 10 ** (volume_db / 20) if on else 0.0
        assert np.abs(heard - played * gain).max() <= 0.51
        if gain == 1.0:
            assert np.array_equal(heard, played)


def test_the_mixer_is_what_amixer_turns(room):
    assert run(room, ["amixer", "-q", "sset", "Master", "50%", "off"]).returncode == 0
    assert (room.mixer.volume_db, room.mixer.on) == (-32.0, False)
    assert room.mixer.writes > 0
    room.mixer.turn(-10.5)
    assert b"[-10.50dB] [on]" in run(room, ["amixer", "sget", "Master"]).stdout
    room.spk.unplug()
    assert run(room, ["amixer", "sget", "Master"]).returncode != 0
