"""Floor 1. Own endpointing: from marks of speech to "a turn began" and "it ended".

It counts marks of 20 ms, never the clock, so that sound that comes late or in bursts is judged as if it came in time.
"""

from collections import deque
from collections.abc import Iterable
from typing import Literal

from antiphon.audio.level import SILENCE_DB
from antiphon.audio.marks import MARK_MS, Mark

Edge = Literal["began", "ended"]


class Endpointer:
    """Judges one turn after another.

    A turn begins when speech has outweighed silence by `min_speech_ms`: each mark of speech counts one up, each other
    one down, so that clicks do not add up. It ends when nothing in the last `trailing_silence_ms` is speech, or after
    `max_turn_ms`.

    What was taken for speech is judged again with each mark: a noise that began in the turn is known as noise when the
    floor has come up to it, and then all of it was silence. The other way round nothing changes: what was noise when it
    was heard stays noise, so that the end of a noise does not hold up the end of the turn.
    """

    def __init__(self, min_speech_ms: int, trailing_silence_ms: int, max_turn_ms: int) -> None:
        """All are rounded up to whole marks."""
        self._min_speech = -(-min_speech_ms // MARK_MS)
        self._trailing_silence = -(-trailing_silence_ms // MARK_MS)
        self._max_turn = -(-max_turn_ms // MARK_MS)
        self.restart()

    def restart(self) -> None:
        """Wait for a turn to begin, as if nothing had been heard."""
        self._speaking = False
        self._speech = 0
        self._length = 0
        self._tail: deque[float] = deque(maxlen=self._trailing_silence)  # levels of speech, in the turn

    def hear(self, marks: Iterable[Mark]) -> list[Edge]:
        """The marks of the next sound, in order; the edges among them, in order."""
        return [edge for mark in marks if (edge := self._judge(mark))]

    def _judge(self, mark: Mark) -> Edge | None:
        return self._judge_end(mark) if self._speaking else self._judge_begin(mark)

    def _judge_begin(self, mark: Mark) -> Edge | None:
        self._speech = self._speech + 1 if mark.speech else max(0, self._speech - 1)
        if self._speech < self._min_speech:
            return None
        self._speaking, self._length = True, 0
        self._tail.clear()
        return "began"

    def _judge_end(self, mark: Mark) -> Edge | None:
        self._length += 1
        self._tail.append(mark.level_db if mark.speech else SILENCE_DB)
        silent = self._length >= self._trailing_silence and max(self._tail) <= mark.threshold_db
        if not silent and self._length < self._max_turn:
            return None
        self._speaking, self._speech = False, 0
        return "ended"
