"""Floor 1. Own endpointing: from marks of voice to "a turn began" and "it ended".

It counts marks of 20 ms, never the clock, so that sound that comes late or in bursts is judged as if it came in time.
"""

from collections.abc import Iterable
from typing import Literal

MARK_MS = 20
Edge = Literal["began", "ended"]


class Endpointer:
    """Judges one turn after another.

    A turn begins when voice has outweighed silence by `min_speech_ms`: each voiced mark counts one up, each silent one
    down, so that clicks do not add up. It ends after `trailing_silence_ms` without voice.
    """

    def __init__(self, min_speech_ms: int, trailing_silence_ms: int) -> None:
        """Both are rounded up to whole marks."""
        self._min_speech = -(-min_speech_ms // MARK_MS)
        self._trailing_silence = -(-trailing_silence_ms // MARK_MS)
        self.restart()

    def restart(self) -> None:
        """Wait for a turn to begin, as if nothing had been heard."""
        self._speaking = False
        self._voice = 0
        self._silence = 0

    def hear(self, marks: Iterable[bool]) -> list[Edge]:
        """The marks of the next sound, in order; the edges among them, in order."""
        return [edge for voiced in marks if (edge := self._judge(voiced))]

    def _judge(self, voiced: bool) -> Edge | None:
        return self._judge_end(voiced) if self._speaking else self._judge_begin(voiced)

    def _judge_begin(self, voiced: bool) -> Edge | None:
        self._voice = self._voice + 1 if voiced else max(0, self._voice - 1)
        if self._voice < self._min_speech:
            return None
        self._speaking, self._silence = True, 0
        return "began"

    def _judge_end(self, voiced: bool) -> Edge | None:
        self._silence = 0 if voiced else self._silence + 1
        if self._silence < self._trailing_silence:
            return None
        self._speaking, self._voice = False, 0
        return "ended"
