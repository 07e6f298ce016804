"""The acoustic test on cards: one that is driven by hand, in a time of its own, and the simulated one in a room."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import numpy as np
import pytest

from antiphon.audio.acoustic import Recording
from antiphon.checkup.acoustic import check_acoustics, record, with_all_channels, without_copies
from antiphon.devices.sound_devices import Device
from antiphon.errors import DeviceError
from antiphon.pcm import bytes_of, clipped, samples_of, spread
from antiphon.ports import Block, StreamFormat
from antiphon.settings import Layer, Settings, load
from antiphon.simulator.acoustics import Acoustics, EchoPath, room_response
from antiphon.simulator.room import Room
from verbs import ALONE, antiphon, environment

ENOUGH_S = 60.0
HASTY_S = 0.05
SPK_HZ, PERIOD = 24_000, 480
BEGAN_S = 1000.0
"""When the card began, on its own clock."""


class Card:
    """Both ends of a card whose time goes by as fast as they are worked, while there is sound; it stops, or ends, after
    `seconds`, if at all.
    """

    def __init__(self, *, late_ms=40.0, mic_hz=16_000, channels=1, seconds=None, ends=False, dry=0, overflow_at=None):
        self.late_s, self.mic_hz, self.channels = late_ms / 1000, mic_hz, channels
        self.seconds, self.ends, self.dry, self.overflow_at = seconds, ends, dry, overflow_at
        self.closed = threading.Event()
        self.deliver = self.thread = self.refusal = None
        self.open_ends = set()
        self.microphone, self.speaker = _Microphone(self), _Speaker(self)
        self.path = EchoPath(Acoustics(room_response(mic_hz), 30.0, -10.0), mic_hz, SPK_HZ)

    def run(self, pull):
        """The speaker's frames sound `late_s` after they were asked for, and the microphone hears them then."""
        frames, noise = 0, np.random.default_rng(1)
        waiting = np.zeros(round(self.late_s * SPK_HZ), np.int16)
        for at in count(0, PERIOD):
            if self.seconds is not None and at >= self.seconds * SPK_HZ:
                break
            now_s = BEGAN_S + at / SPK_HZ
            played = samples_of(pull(PERIOD, now_s + self.late_s))
            waiting = np.append(waiting, played)
            if not played.any():  # whoever listens may be slow
                self.closed.wait(0.0005)
            echo, waiting = self.path.hear(waiting[:PERIOD]), waiting[PERIOD:]
            heard = clipped((echo + 0.001 * noise.standard_normal(len(echo))).astype(np.float32))
            captured_s = BEGAN_S + frames / self.mic_hz
            frames += len(heard)
            pcm = bytes_of(spread(heard, self.channels))
            self.deliver(Block(pcm, captured_s, captured_s, at == self.overflow_at, captured_s))
            if self.closed.is_set():
                return
        if self.ends:
            self.deliver(None)


class _Microphone:
    hung = False

    def __init__(self, card):
        self.card = card

    def open(self, deliver):
        if self.card.refusal is not None:
            raise self.card.refusal
        self.card.deliver = deliver
        self.card.open_ends.add("mic")
        return StreamFormat("fake microphone", self.card.mic_hz, self.card.channels, 320)

    def close(self):
        self.card.open_ends.discard("mic")


class _Speaker:
    hung = False

    def __init__(self, card):
        self.card = card

    def open(self, pull):
        self.card.open_ends.add("spk")
        self.card.thread = threading.Thread(target=self.card.run, args=(pull,))
        self.card.thread.start()
        return StreamFormat("fake speaker", SPK_HZ, 1, PERIOD, 1000 * self.card.late_s)

    def underflows(self):
        return self.card.dry

    def close(self):
        self.card.closed.set()
        self.card.thread.join()
        self.card.open_ends.discard("spk")


def checked(card, patience_s=ENOUGH_S):
    outcome = check_acoustics(Settings(), card.microphone, card.speaker, patience_s)
    assert card.open_ends == set()
    return outcome


@pytest.mark.parametrize("late_ms", [0.0, 120.0])
def test_what_the_card_says_of_its_delay_is_not_counted(late_ms):
    outcome = checked(Card(late_ms=late_ms))
    assert outcome.measured.delay_ms == pytest.approx(30.0, abs=0.5)
    assert outcome.measured.gain_db == pytest.approx(-10.0, abs=1.0)
    assert outcome.measured.clocks.drift_ppm == pytest.approx(0.0, abs=5.0)
    assert not [finding for finding in outcome.findings if finding.verdict in ("fail", "warn")]
    assert outcome.rate_hz == 16_000


def test_all_channels_are_kept():
    recording, _ = record((card := Card(channels=3)).microphone, card.speaker, ENOUGH_S)
    assert recording.heard.shape[0] == 3


def test_copies_of_a_channel_are_not_counted():
    """As ALSA makes them of a card that has but one; the others of a real card have a noise of their own."""
    assert len(checked(Card(channels=2)).measured.channels) == 1
    apart = np.arange(8, dtype=np.float32).reshape(2, 4)
    for heard, channels in ((apart, 2), (apart[:1], 1), (apart[[0, 0, 0]], 1), (apart[[0, 0, 1]], 3)):
        assert without_copies(Recording(heard, 16_000, 0.0)).heard.shape == (channels, 4)


def test_what_the_card_says_of_lost_sound_is_told():
    outcome = checked(Card(dry=2, overflow_at=PERIOD * 200))
    (frames,) = [finding for finding in outcome.findings if finding.check == "frames"]
    assert "overflows: 1" in frames.says
    assert "underflows: 2" in frames.says


def test_a_card_that_is_held_says_who_may_hold_it():
    card = Card()
    card.refusal = DeviceError("sound device 0, 'USB'", "it cannot be opened (Device unavailable)", "Choose another")
    (finding,) = checked(card).findings
    assert finding.verdict == "fail"
    assert "Device unavailable" in finding.says
    assert "sudo systemctl stop antiphon" in finding.remedy


@pytest.mark.parametrize(("ends", "words"), [(True, "no more sound"), (False, "and then no more")])
def test_a_card_that_stops(ends, words):
    (finding,) = checked(Card(seconds=3.0, ends=ends), HASTY_S if not ends else ENOUGH_S).findings
    assert finding.verdict == "fail"
    assert words in finding.says
    assert finding.remedy


# ── which channels ──


def devices(channels):
    return [Device(0, "mic", channels, 0, 48_000, default_input=True, default_output=False)]


@pytest.mark.parametrize(("there", "opened"), [(1, 1), (2, 2), (6, 6), (128, 2)])
def test_all_channels_of_a_card_are_opened(there, opened):
    assert with_all_channels(Settings(), devices(there)).microphone.channels == opened


def test_a_microphone_that_is_not_there_changes_nothing():
    assert with_all_channels(Settings(), []) == Settings()


# ── on the simulated card ──


BUFFERS = 64, 65_536
"""Frames of a card's buffer: as it is, and so large that a busy machine does not make the card run dry."""
TRIES = 5
DRIFTING = Acoustics(room_response(16_000, 300), 45.0, -12.0, drift_ppm=90)
SLOWER = Acoustics(room_response(48_000, 300), 10.0, -20.0, drift_ppm=-40)
SWAPPED = 'pcm.swapped { type plug slave { pcm "hwmic" channels 2 } ttable.1.0 1 }\n'
"""A microphone whose first channel is not wired."""
BENT = Acoustics(room_response(16_000), 20.0, -6.0, soft_clip=0.03)


def ended_in(acoustics, *arguments, mic_hz=16_000, mic_channels=1, muted=False, alsa=""):
    """The doctor's end, and the loudest that sounded. A run in which the card itself says that it ran dry, as this
    machine was too busy, is made once more.
    """
    for _ in range(TRIES):
        with Room(mic_hz, SPK_HZ, mic_channels=mic_channels, spk_buffer_frames=BUFFERS[1]) as room:
            asound = room.folder / "asound.conf"
            asound.write_text(asound.read_text().replace(f"buffer {BUFFERS[0]} ", f"buffer {BUFFERS[1]} ") + alsa)
            room.noise(-60, for_s=60)
            if acoustics is not None:
                room.acoustics(acoustics)
            rate = ("--set", f"microphone.rate_hz={mic_hz}")
            if muted:
                room.mixer.turn(0.0, on=False)
            ended = antiphon("doctor", *ALONE, "--acoustic", *rate, *arguments, environ=environment(room))
            if room.underflows == room.overflows == 0:
                return ended, int(np.abs(room.heard(*room.spk.stretch)).max())
    raise AssertionError(f"this machine was too busy to play, {TRIES} times")


@pytest.fixture(scope="module")
def runs():
    """All of them at once, as each lasts as long as the probe does."""
    with ThreadPoolExecutor(5) as side_by_side:
        yield {
            "drifting": side_by_side.submit(ended_in, DRIFTING, "--json"),
            "slower": side_by_side.submit(ended_in, SLOWER, "--json", mic_hz=48_000, mic_channels=2),
            "bent": side_by_side.submit(ended_in, BENT),
            "swapped": side_by_side.submit(
                ended_in, DRIFTING, "--json", "--set", "microphone.device=swapped", mic_channels=2, alsa=SWAPPED
            ),
            "muted": side_by_side.submit(ended_in, BENT, "--json", muted=True),
        }


def told(ended):
    """The findings by check, the figures, and the settings that are suggested."""
    data = json.loads(ended.stdout)
    assert data["ok"] is (ended.returncode == 0)
    found = {finding["check"]: finding for finding in data["findings"]}
    return found, data["measured"], {one["key"]: one["value"] for one in data["suggested"]}


@pytest.mark.parametrize(("name", "acoustics"), [("drifting", DRIFTING), ("slower", SLOWER)])
def test_on_the_real_path(runs, name, acoustics):
    ended, _ = runs[name].result()
    found, measured, suggested = told(ended)
    assert ended.returncode == 0, found
    assert {finding["verdict"] for finding in found.values()} == {"ok"}, found
    assert measured["delay_ms"] == pytest.approx(acoustics.delay_ms, abs=1.0)
    assert measured["channels"][0]["gain_db"] == pytest.approx(acoustics.gain_db, abs=1.0)
    assert measured["clocks"]["drift_ppm"] == pytest.approx(acoustics.drift_ppm, abs=5.0)
    assert measured["decay_ms"] == pytest.approx(300, rel=0.15)
    assert len(measured["channels"]) == 1  # ALSA, and the room, give copies of it
    assert suggested["echo.cancel"] == "software"


def test_on_the_real_path_the_wrong_channel(runs):
    ended, _ = runs["swapped"].result()
    found, _, suggested = told(ended)
    assert ended.returncode == 1
    assert found["channels"]["verdict"] == "fail"
    assert "channel 2 hears" in found["channels"]["says"]
    assert found["echo delay"]["verdict"] == "ok"
    assert suggested == {}


def test_on_the_real_path_an_echo_that_is_bent_in_words(runs):
    ended, _ = runs["bent"].result()
    lines = ended.stdout.splitlines()
    assert ended.returncode == 0
    assert "ten seconds" in lines[0]
    place = next(at for at, line in enumerate(lines) if line.startswith("WARN  distortion"))
    assert "-> turn the speaker down" in lines[place + 1]
    pasted = ended.stdout.partition("antiphon.yaml:\n")[2]
    suggested = load([Layer("pasted", pasted)]).settings
    assert suggested.speaker.volume == 80
    assert suggested.echo.cancel == "none"


def test_on_the_real_path_a_mixer_that_is_muted(runs):
    ended, loudest = runs["muted"].result()
    found, measured, suggested = told(ended)
    assert ended.returncode == 1
    assert found["mixer"]["verdict"] == "fail"
    assert "muted" in found["mixer"]["says"]
    assert "hears nothing of what is played" in found["echo level"]["says"]
    assert measured["delay_ms"] is None
    assert suggested == {}
    assert loudest == 0
