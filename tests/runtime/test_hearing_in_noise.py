"""Turns are found in noise: spoken by synthetic voices, marked by the real detector, counted in marks of sound.

A noise of so many dB is the speech's own level (RMS over the sentence) less that.
"""

from functools import cache

import numpy as np
import pytest

from antiphon.audio.endpoint import Endpointer
from antiphon.conversation.events import Captured, Endpointed
from antiphon.devices.vad_webrtc import WebrtcVoiceDetector
from antiphon.pcm import Samples, clipped, floats_of
from antiphon.runtime.hearing import Hearing
from antiphon.simulator.speech import synthesise
from noises import NOISES, RATE_HZ, noise

MARK_FRAMES = 320
TRAILING = 35
"""Marks of trailing silence: 700 ms."""
LATE = 2
"""Marks after that at which a turn ends at the latest: three agree on one, and one holds the end of the speech."""
KNOWN = 80
"""Marks after which a noise that has begun is known as one: the floor's window, and what it is smoothed over."""
WEAK = 15
"""Marks by which a turn may end early: its last consonants are in the noise."""
REST_S = 3.0
SENTENCES = (
    "Could you tell me what the weather will be like in Edinburgh tomorrow afternoon",
    "Set a timer for ten minutes and then play some quiet music in the kitchen please",
)
VOICES = ("rms", "slt", "en-us")
LONG = (
    "I would like you to write down the following list for tomorrow. First of all we have to buy bread and milk and a "
    "dozen eggs. Then somebody should ring the plumber because the kitchen sink is still leaking. After lunch we could "
    "go down to the river and look whether the boats are already in the water. In the evening my sister and her family "
    "come to dinner."
)
LONGEST_S = 40
_whole = cache(noise)


def made(name: str, frames: int) -> np.ndarray:
    return _whole(name, LONGEST_S * RATE_HZ)[:frames]


def spoken(text: str, voice: str, peak_db: float = -10.0) -> np.ndarray:
    return floats_of(synthesise(text, voice, RATE_HZ, peak_db)).astype(float)


def rms(wave: np.ndarray) -> float:
    return float(np.sqrt(np.mean(wave**2)))


def room(speech: np.ndarray, rest_s: float = REST_S, after_s: float = 2.5) -> np.ndarray:
    """The speech after a rest, with time after it, in a room that is quiet but not dead."""
    padded = np.pad(speech, (round(rest_s * RATE_HZ), round(after_s * RATE_HZ)))
    return padded + 10 ** (-65 / 20) * made("white", len(padded))


class Heard:
    """What came out: edges by the number of the mark that brought them, from the first; and all that was captured."""

    def __init__(self, wave: np.ndarray, max_turn_ms: int = 60_000) -> None:
        judge = Endpointer(120, 20 * TRAILING, max_turn_ms)
        ear = Hearing(RATE_HZ, None, WebrtcVoiceDetector(), None, judge, preroll_ms=2000)
        rest = round(REST_S * RATE_HZ)
        sound = clipped(wave)
        assert ear.hear(sound[:rest], 0.0) == []
        ear.stream()
        self.edges: list[tuple[int, str]] = []
        self.voiced_ms: list[float] = []
        for at in range(rest, len(sound) - MARK_FRAMES + 1, MARK_FRAMES):
            self._take(ear, sound[at : at + MARK_FRAMES], at // MARK_FRAMES)

    def _take(self, ear: Hearing, block: Samples, mark: int) -> None:
        for event in ear.hear(block, mark * MARK_FRAMES / RATE_HZ):
            if isinstance(event, Endpointed):
                self.edges.append((mark, event.edge))
            elif isinstance(event, Captured):
                self.voiced_ms.append(event.voiced_ms)

    def one_turn(self) -> int:
        """There was exactly one; the mark that ended it."""
        assert [edge for _, edge in self.edges] == ["began", "ended"], self.edges
        return self.edges[-1][0]


def end_of(speech: np.ndarray) -> int:
    """The number of the first mark after it."""
    return -(-(round(REST_S * RATE_HZ) + len(speech)) // MARK_FRAMES)


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("snr_db", [20, 10, 5])
@pytest.mark.parametrize("name", NOISES)
def test_steady_noise_neither_holds_a_turn_open_nor_cuts_it(name, snr_db, voice):
    speech = spoken(SENTENCES[0], voice)
    wave = room(speech)
    wave += made(name, len(wave)) * rms(speech) * 10 ** (-snr_db / 20)
    late = Heard(wave).one_turn() - end_of(speech) - TRAILING
    assert -WEAK <= late <= LATE


@pytest.mark.parametrize("level_db", [-50, -30, -20, -12])
@pytest.mark.parametrize("name", NOISES)
def test_noise_alone_is_no_turn_at_any_level(name, level_db):
    wave = made(name, 9 * RATE_HZ) * 10 ** (level_db / 20)
    heard = Heard(wave)
    assert heard.edges == []
    assert sum(heard.voiced_ms) <= 0.02 * 6000


@pytest.mark.parametrize("snr_db", [20, 10, 5])
@pytest.mark.parametrize("name", NOISES)
def test_noise_that_begins_in_the_turn_is_known_by_its_end(name, snr_db):
    speech = spoken(SENTENCES[0], "slt")
    wave = room(speech)
    begins = round((REST_S + 1) * RATE_HZ)
    wave[begins:] += made(name, len(wave))[begins:] * rms(speech) * 10 ** (-snr_db / 20)
    late = Heard(wave).one_turn() - end_of(speech) - TRAILING
    assert -WEAK <= late <= LATE


@pytest.mark.parametrize("name", [name for name in NOISES if name != "rain"])
def test_noise_that_begins_in_the_last_silence_ends_the_turn_when_it_is_known(name):
    speech = spoken(SENTENCES[0], "slt")
    wave = room(speech)
    begins = (end_of(speech) + 15) * MARK_FRAMES
    wave[begins:] += made(name, len(wave))[begins:] * rms(speech) * 10 ** (-10 / 20)
    assert Heard(wave).one_turn() - end_of(speech) - 15 <= KNOWN


def test_noise_that_grows_is_over_once_it_has_grown():
    """While it grows it may be taken for somebody: the floor lags behind."""
    speech = spoken(SENTENCES[0], "slt")
    wave = room(speech, after_s=10)
    begins, grown = end_of(speech) * MARK_FRAMES - RATE_HZ, end_of(speech) * MARK_FRAMES + 2 * RATE_HZ
    slope_db = np.interp(np.arange(len(wave)), [begins, grown], [-60, -10])
    wave += made("white", len(wave)) * rms(speech) * 10 ** (slope_db / 20)
    edges = Heard(wave).edges
    assert edges[0][1] == "began"
    assert edges[-1][1] == "ended"
    assert edges[-1][0] <= grown // MARK_FRAMES + KNOWN


def test_noise_that_stops_does_not_hold_the_turn_up():
    speech = spoken(SENTENCES[0], "slt")
    wave = room(speech)
    stops = (end_of(speech) + 20) * MARK_FRAMES
    wave[:stops] += made("fan", stops) * rms(speech) * 10 ** (-10 / 20)
    assert Heard(wave).one_turn() - end_of(speech) - TRAILING <= LATE


@pytest.mark.parametrize(("snr_db", "pause_ms"), [(20, 500), (10, 400)])
@pytest.mark.parametrize("name", NOISES)
def test_a_pause_is_part_of_the_turn(name, snr_db, pause_ms):
    first, second = (spoken(text, "rms") for text in SENTENCES)
    speech = np.concatenate((first, np.zeros(pause_ms * RATE_HZ // 1000), second))
    wave = room(speech)
    wave += made(name, len(wave)) * rms(first) * 10 ** (-snr_db / 20)
    late = Heard(wave).one_turn() - end_of(speech) - TRAILING
    assert -WEAK <= late <= LATE


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("peak_db", [-1, -35])
def test_the_floor_survives_a_long_speech_loud_or_quiet(voice, peak_db):
    speech = spoken(LONG, voice, peak_db)
    assert len(speech) > 15 * RATE_HZ
    late = Heard(room(speech)).one_turn() - end_of(speech) - TRAILING
    assert -WEAK <= late <= LATE


def test_who_never_pauses_is_ended_by_the_maximum():
    television = np.concatenate([spoken(text, voice) for voice in VOICES for text in SENTENCES])
    heard = Heard(room(television), max_turn_ms=10_000)
    began, ended = heard.edges[0][0], heard.edges[1][0]
    assert ended - began == 10_000 // 20


def test_clicks_and_keys_are_no_turn():
    wave = room(np.zeros(0), after_s=20)
    chance = np.random.default_rng(5)
    for at in range(round(REST_S * RATE_HZ), len(wave) - RATE_HZ, RATE_HZ // 5):
        wave[at : at + 800] += 0.3 * np.exp(-np.arange(800) / 100) * chance.standard_normal(800)
    assert Heard(wave).edges == []


def test_the_first_turn_after_start_is_judged_by_the_noise_heard_at_rest():
    speech = spoken(SENTENCES[0], "rms")
    wave = room(speech)
    wave += made("fan", len(wave)) * rms(speech) * 10 ** (-10 / 20)
    heard = Heard(wave)
    assert heard.edges[0][0] < end_of(speech)
    assert sum(heard.voiced_ms[-100:]) == 0
