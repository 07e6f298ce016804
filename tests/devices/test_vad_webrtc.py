"""The voice detector on real speech and on silence."""

import numpy as np
import pytest

from antiphon.devices.vad_webrtc import FRAME_FRAMES, WebrtcVoiceDetector
from antiphon.pcm import WAKE_RATE_HZ
from antiphon.simulator.speech import FLITE_VOICES, synthesise


@pytest.mark.parametrize("voice", FLITE_VOICES)
@pytest.mark.parametrize("mode", range(4))
def test_speech_is_voice_and_silence_is_not(voice, mode):
    speech = synthesise("What will the weather be tomorrow?", voice, WAKE_RATE_HZ)
    detector = WebrtcVoiceDetector(mode)
    before = detector.voiced(np.zeros(WAKE_RATE_HZ, np.int16))
    during = detector.voiced(speech)
    after = detector.voiced(np.zeros(WAKE_RATE_HZ, np.int16))
    assert not any(before)
    assert sum(during) > 0.75 * len(during)
    assert not any(after[len(after) // 2 :])


@pytest.mark.parametrize("voice", FLITE_VOICES)
def test_higher_mode_takes_less_for_voice(voice):
    speech = np.pad(synthesise("Stop it, cat.", voice, WAKE_RATE_HZ), WAKE_RATE_HZ // 2)
    least, most = (sum(WebrtcVoiceDetector(mode).voiced(speech)) for mode in (3, 0))
    assert least < most


@pytest.mark.parametrize("block", [1, 160, 320, 333, 1280])
def test_block_size_changes_no_mark(block):
    speech = synthesise("Yes.", "rms", WAKE_RATE_HZ)[:8000]
    whole = WebrtcVoiceDetector().voiced(speech)
    assert len(whole) == len(speech) // FRAME_FRAMES
    detector = WebrtcVoiceDetector()
    marks = []
    for start in range(0, len(speech), block):
        marks += detector.voiced(speech[start : start + block])
        assert len(marks) == min(start + block, len(speech)) // FRAME_FRAMES
    assert marks == whole


def test_mode_out_of_range_is_a_fault_of_the_programmer():
    with pytest.raises(ValueError, match="mode"):
        WebrtcVoiceDetector(4)


def test_forgetting_is_as_good_as_new():
    speech = synthesise("Yes.", "rms", WAKE_RATE_HZ)[:8000]
    detector = WebrtcVoiceDetector()
    first = detector.voiced(speech)
    detector.voiced(speech[:333])
    detector.forget()
    assert len(detector._rest) == 0
    assert detector.voiced(speech) == first
