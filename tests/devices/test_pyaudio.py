"""PyAudio on the simulated card: sample positions, device time, losses and pulled cables, through real ALSA."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from antiphon.pcm import samples_of
from antiphon.simulator.room import Room

CHILD = Path(__file__).with_name("sound_card_child.py")
RATE = 24_000


@pytest.fixture
def room():
    with Room(mic_rate_hz=RATE, spk_rate_hz=RATE) as made:
        yield made


def start(room, scenario, stderr=subprocess.PIPE):
    return subprocess.Popen(
        [sys.executable, str(CHILD), scenario],
        env={**os.environ, **room.environment()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


def told_by(room, scenario):
    with start(room, scenario) as child:
        out, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    assert errors == ""  # whatever PortAudio had to say
    return json.loads(out)


def told_when_unplugged(room, scenario, end):
    # PortAudio floods standard error from here on, so nobody may have to read it.
    with start(room, scenario, stderr=subprocess.DEVNULL) as child:
        try:
            assert json.loads(child.stdout.readline()) == "open"
            end.unplug()
            told = json.loads(child.stdout.readline())
            assert child.wait(timeout=20) == 0  # its end hangs no more than its life
            return told
        finally:
            child.kill()


def fill_with_numbers(room, seconds=60):
    """A microphone whose every stretch of 3 samples is found nowhere else, and that is never silent."""
    samples = np.random.default_rng(5).integers(1, 30_000, seconds * RATE).astype(np.int16)
    room.mic.mix(samples, 0)
    return samples


def place_of(samples, among):
    """Where the beginning of `samples` is in `among`."""
    found = np.flatnonzero((among[:-2] == samples[0]) & (among[1:-1] == samples[1]) & (among[2:] == samples[2]))
    assert len(found) == 1
    return found[0]


def test_lists_the_cards_ends(room):
    by_name = {device["name"]: device for device in told_by(room, "devices")}
    assert by_name["hwmic"]["rate_hz"] == RATE
    assert by_name["default"]["default_input"]
    assert by_name["default"]["default_output"]


def test_opens_as_asked_or_as_the_card_can(room):
    told = told_by(room, "formats")
    rates = {name: (form["rate_hz"], form["channels"]) for name, form in told.items() if isinstance(form, dict)}
    assert rates == {
        "as asked": (24_000, 1),
        "its own rate": (24_000, 1),
        "fewer channels": (24_000, 1),
        "speaker's own rate": (24_000, 1),
    }
    assert "no device's name holds 'theremin'" in told["absent"]
    assert "hwmic" in told["absent"]
    assert "no device has the index 99" in told["index"]


def test_captures_every_sample_and_its_time(room):
    spoken = fill_with_numbers(room)
    blocks = told_by(room, "capture")
    heard = samples_of(b"".join(bytes.fromhex(block[0]) for block in blocks))
    at = place_of(heard, spoken)
    assert np.array_equal(heard, spoken[at : at + len(heard)])
    assert not any(block[3] for block in blocks)
    frames = np.arange(len(blocks)) * 960
    device_s = np.array([block[1] for block in blocks])
    assert np.abs(device_s - device_s[0] - frames / RATE).max() < 0.005
    told_s = np.array([block[4] for block in blocks])
    true_s = np.array([room.mic.time_of(int(at + frame)) for frame in frames])
    assert np.median(np.abs(told_s - true_s)) < 0.005, "when each block was at the microphone, by our own clock"


def test_knows_when_each_period_is_heard(room):
    told = told_by(room, "play")
    assert told["ok"]
    sound = room.heard(*room.spk.stretch)
    first = room.spk.stretch[0]
    errors_s = [
        heard_at_s - room.spk.time_of(first + int(np.argmax(sound == number)))
        for number, heard_at_s in enumerate(told["heard_at_s"][:20], 1)
    ]
    # A busy process reads its clock late, never early; the first periods fill a card that does not run yet.
    assert min(errors_s[3:]) > -0.005
    assert min(errors_s[3:]) < 0.010


def test_an_overflow_is_filled_to_the_sample(room):
    spoken = fill_with_numbers(room)
    told = told_by(room, "ear_stalled")
    heard = samples_of(bytes.fromhex(told["pcm"]))
    at = place_of(heard, spoken)
    there = heard != 0
    lost = len(heard) - np.count_nonzero(there)
    assert told["losses"]["overflows"] >= 1
    assert lost == told["losses"]["filled_frames"] > RATE // 2
    # In its place, to the accuracy of the card's report of its own position.
    after = heard[len(heard) - np.argmax(~there[::-1]) :]
    assert abs(place_of(after, spoken) - (at + len(heard) - len(after))) <= 2


def test_a_pulled_microphone_is_told_and_hangs_nobody(room):
    sentence = told_when_unplugged(room, "ear_unplugged", room.mic)
    assert sentence.startswith("the microphone 'hwmic': it has given no sound for ")


def test_a_pulled_speaker_is_told_and_hangs_nobody(room):
    sentence = told_when_unplugged(room, "mouth_unplugged", room.spk)
    assert sentence.startswith("the speaker 'hwspk': it has asked for no sound for 450 ms.")


def test_beside_an_end_that_hangs_the_other_is_not_opened(room):
    """It might end the process."""
    microphone_hung, speaker_hung, sentence = told_when_unplugged(room, "one_end_hangs", room.mic)
    assert (microphone_hung, speaker_hung) == (True, True)
    assert sentence.startswith("the speaker: the sound system hangs.")


def test_a_microphone_that_comes_while_the_speaker_runs_is_found(room):
    """PortAudio's list of devices is as old as the stream of the speaker, which pauses for it and plays on."""
    room.mic.unplug()
    with start(room, "microphone_comes_later") as child:
        try:
            assert "this machine has none" in json.loads(child.stdout.readline())
            room.mic.replug()
            stream, pcm_bytes, *hung = json.loads(child.stdout.readline())
            assert child.wait(timeout=20) == 0
        finally:
            child.kill()
    assert (stream["rate_hz"], pcm_bytes, hung) == (RATE, 2 * 960, [False, False])
    assert room.spk.starts == 2


def test_a_card_that_comes_back_with_another_rate_is_taken_as_it_is(room):
    with start(room, "rate_changes") as child:
        try:
            assert json.loads(child.stdout.readline()) == RATE
            settings = room.folder / "asound.conf"
            settings.write_text(settings.read_text().replace(f"rate {RATE}", "rate 16000"))
            print(file=child.stdin, flush=True)
            assert json.loads(child.stdout.readline()) == 16_000
            child.stdin.close()
            assert child.wait(timeout=20) == 0
        finally:
            child.kill()


def test_what_the_mouth_says_was_heard_was_heard(room):
    told = told_by(room, "mouth_talks")
    first, end = room.spk.stretch
    sound = room.heard(first, end)
    starts = [int(np.argmax(sound == 1000 * number)) for number in (1, 2, 3, 4)]
    for number, (start, (sounded_s, ended_s, heard_ms)) in enumerate(zip(starts, told["replies"], strict=True), 1):
        part = sound[start : starts[number] if number < 4 else len(sound)]
        heard = int(np.flatnonzero(part)[-1]) + 1
        assert heard_ms * 24 == pytest.approx(heard, abs=2 if told["underflows"] == 0 else 2000)
        # Told when it is true, never before; how soon after depends on who else uses the machine.
        assert sounded_s > room.spk.time_of(first + start) - 0.005
        assert ended_s > room.spk.time_of(first + start + heard) - 0.005


def test_what_a_deep_card_had_of_a_hushed_reply_never_sounds():
    """With 300 ms in the card a fade would be heard as late: what the card has is dropped, and was not heard."""
    with Room(mic_rate_hz=RATE, spk_rate_hz=RATE, spk_buffer_frames=7200) as room:
        told = told_by(room, "mouth_talks")
        sound = room.heard(0, room.spk.stretch[1])
        assert room.spk.starts == 3  # two replies were cut off
    for number, (_, _, heard_ms) in enumerate(told["replies"], 1):
        heard = int(np.flatnonzero(sound == 1000 * number)[-1]) + 1 - int(np.argmax(sound == 1000 * number))
        assert heard_ms * 24 == pytest.approx(heard, abs=480 if told["underflows"] == 0 else 2000)
