"""Scores, levels and detections as they are shown: by fakes in samples, and once for all on the simulated card."""

import io
import json
import signal

import numpy as np
import pytest

from antiphon.audio.trigger import Trigger, WakeWord
from antiphon.devices.fake import ScriptedWakeEngine
from antiphon.devices.fake_sound import FakeMicrophone
from antiphon.errors import DeviceError, SettingsError
from antiphon.listening import BAR, Heard, bar, lines, listen_to, run_listen, screen
from antiphon.settings import Settings, Wake
from antiphon.simulator.room import Room
from antiphon.simulator.speech import synthesise
from verbs import ALONE, antiphon, environment, own_words, running

RATE_HZ = 16_000


class Talking(FakeMicrophone):
    """Hears these samples as soon as it is opened, and then its stream ends."""

    def __init__(self, samples, **shape):
        super().__init__(**shape)
        self.samples = samples

    def open(self, deliver):
        stream = super().open(deliver)
        self.hear(self.samples)
        self.end()
        return stream


def heard_of(microphone, seconds, said_at):
    """All that is shown of the microphone's first `seconds`; `said_at`: sample -> word."""
    shown = []
    engine = ScriptedWakeEngine(["jarvis", "alexa"], said_at)
    trigger = Trigger([WakeWord("jarvis", 0.5, refractory_ms=1000), WakeWord("alexa", 0.5, refractory_ms=1000)])
    listen_to(microphone, engine, trigger, shown.append, seconds)
    return shown


# ── what is heard ──


def test_every_block_is_shown_at_its_place_in_the_sound():
    microphone = Talking(np.full(RATE_HZ, 3277, np.int16), block_frames=1280)
    shown = heard_of(microphone, 0.4, {2000: "alexa"})
    assert [round(heard.t_s, 2) for heard in shown] == [0.08, 0.16, 0.24, 0.32, 0.4]
    assert all(round(heard.level_db) == -20 for heard in shown)
    assert [heard.detected for heard in shown] == [None, ("alexa", 1.0), None, None, None]
    assert shown[1].scores == {"jarvis": 0.0, "alexa": 1.0}
    assert not microphone.is_open


def test_a_card_of_another_rate_and_of_two_channels():
    samples = np.zeros(48_000, np.int16)
    microphone = Talking(samples, rate_hz=48_000, channels=2, block_frames=3840)
    shown = heard_of(microphone, 0.8, {8000: "jarvis"})
    # The step is complete at 0.56 s; what the resampler holds back is a millisecond of the next block.
    assert [heard.t_s for heard in shown if heard.detected] == [pytest.approx(0.64)]


def test_a_stream_that_ends_by_itself_is_an_error():
    microphone = Talking(np.zeros(4000, np.int16))
    with pytest.raises(DeviceError, match="no more sound"):
        heard_of(microphone, 10, {})
    assert not microphone.is_open


def test_without_words_there_is_nothing_to_listen_for():
    with pytest.raises(SettingsError, match=r"wake\.words is empty"):
        run_listen(Settings(wake=Wake(words=())), seconds=1, as_json=False)


# ── in lines ──


def printed(heards, *, as_json):
    said = []
    with lines(said.append, as_json=as_json) as show:
        for heard in heards:
            show(heard)
    return said


def blocks(count, detected_at=None):
    """Blocks of 250 ms."""
    for at in range(count):
        detected = ("jarvis", 0.875) if at == detected_at else None
        yield Heard((at + 1) / 4, -40.0 if at % 2 else -20.0, {"jarvis": at / 100}, detected)


def test_a_line_a_second_with_the_highest_scores_and_the_mean_level():
    told = [json.loads(line) for line in printed(blocks(9), as_json=True)]
    assert told == [
        {"what": "second", "t": 1, "level_db": -23.0, "scores": {"jarvis": 0.03}},
        {"what": "second", "t": 2, "level_db": -23.0, "scores": {"jarvis": 0.07}},
    ]


def test_a_line_for_each_detection():
    told = [json.loads(line) for line in printed(blocks(4, detected_at=1), as_json=True)]
    assert told[0] == {"what": "detected", "t": 0.5, "word": "jarvis", "score": 0.875}
    assert [line["what"] for line in told] == ["detected", "second"]


def test_lines_for_people_say_the_same():
    first, second = printed(blocks(4, detected_at=1), as_json=False)
    assert "0.50 s" in first
    assert "heard jarvis, score 0.88" in first
    assert "-23 dB" in second
    assert "jarvis 0.03" in second


# ── on a terminal ──


@pytest.mark.parametrize(("value", "full"), [(0.0, 0), (0.5, BAR // 2), (1.0, BAR)])
def test_a_bar_is_as_long_as_its_value(value, full):
    assert bar(value) == "█" * full + "·" * (BAR - full)


@pytest.mark.parametrize(("mark", "place"), [(0.0, 0), (0.5, BAR // 2), (1.0, BAR - 1)])
def test_a_bar_has_a_stroke_at_the_threshold(mark, place):
    drawn = bar(0.25, mark)
    assert len(drawn) == BAR
    assert drawn.index("│") == place


def test_the_screen_shows_level_scores_and_the_last_detection():
    terminal = io.StringIO()
    with screen(Trigger([WakeWord("jarvis", 0.5, refractory_ms=1000)]), terminal) as show:
        show(Heard(0.08, -40.0, {"jarvis": 0.75}, ("jarvis", 0.75)))
        show(Heard(0.16, -40.0, {"jarvis": 0.0}, None))
    picture = terminal.getvalue()
    assert "jarvis" in picture
    assert "-40 dB" in picture
    assert "0.75" in picture
    assert "0.68" in picture  # it falls slowly, to be seen
    assert "heard jarvis, score 0.75, at 0.1 s" in picture


# ── on the simulated card ──

JARVIS = "wake.words=[{engine: openwakeword, model: hey_jarvis, threshold: 0.5}]"


def test_a_word_that_is_said_in_the_room_is_detected_and_ctrl_c_ends_it():
    with Room() as room:
        room.noise(-60, for_s=60)
        with running("listen", *ALONE, "--json", "--set", JARVIS, environ=environment(room)) as process:
            assert json.loads(process.stdout.readline())["what"] == "second"
            room.say(synthesise("hey jarvis", "slt", room.mic.rate_hz))
            detected = next(line for line in map(json.loads, process.stdout) if line["what"] == "detected")
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
    assert detected["word"] == "hey_jarvis"
    assert detected["score"] > 0.5
    assert process.returncode == 0
    assert own_words(errors) == []


def test_it_stops_after_so_many_seconds_of_sound():
    with Room() as room:
        ended = antiphon("listen", *ALONE, "--seconds", "1.1", environ=environment(room))
    assert ended.returncode == 0
    assert ended.stdout.count(" dB") == 1
    assert "hey_jarvis 0.0" in ended.stdout


@pytest.mark.parametrize(
    ("setting", "words"),
    [("microphone.device=nowhere", "nowhere"), ("wake.words=[{model: hey_nobody}]", "hey_nobody")],
)
def test_what_is_missing_is_said_in_one_line(tmp_path, setting, words):
    ended = antiphon("listen", *ALONE, "--set", setting, environ=environment(folder=tmp_path))
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = own_words(ended.stderr)
    assert line.startswith("antiphon: ")
    assert words in line
