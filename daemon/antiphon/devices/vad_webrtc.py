"""Marks voice with WebRTC's detector, 20 ms at a time. It judges sound alone and knows nothing of turns."""

import numpy as np
import webrtcvad

from antiphon.pcm import SAMPLE_BYTES, WAKE_RATE_HZ, Samples, bytes_of

FRAME_FRAMES = WAKE_RATE_HZ * 20 // 1000


class WebrtcVoiceDetector:
    """A ports.VoiceDetector. One thread at a time may use it."""

    def __init__(self, mode: int = 2) -> None:
        """`mode` 0 to 3: the higher, the less it takes for voice what is not, and the more voice it misses."""
        self._mode = mode
        self._vad = webrtcvad.Vad(mode)
        self._rest: Samples = np.zeros(0, np.int16)

    def voiced(self, samples: Samples) -> list[bool]:
        """Take 16 kHz samples of any length; one mark for each 20 ms completed, the rest is kept for the next call."""
        whole = np.concatenate((self._rest, samples))
        used = len(whole) - len(whole) % FRAME_FRAMES
        self._rest = whole[used:]
        pcm, size = bytes_of(whole[:used]), FRAME_FRAMES * SAMPLE_BYTES
        return [self._vad.is_speech(pcm[at : at + size], WAKE_RATE_HZ) for at in range(0, len(pcm), size)]

    def forget(self) -> None:
        """Start as if nothing had been heard."""
        self._vad = webrtcvad.Vad(self._mode)
        self._rest = np.zeros(0, np.int16)
