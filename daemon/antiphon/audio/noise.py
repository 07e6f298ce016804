"""Floor 1. The noise floor: how loud a room is when nobody speaks, learned while somebody may be speaking.

It knows levels only, one for each 20 ms.
"""

import math
from collections import deque

SMOOTHED_MARKS = 5
"""Levels are averaged over 100 ms first, or the floor would be the chance minimum of a noise that sways."""
WINDOW_MARKS = 75
"""1.5 s: sooner than that even a hasty speaker leaves a gap, and no later than that a new noise is known as one."""
LEAST_DB = -80.0
"""The floor of a microphone that gives digital silence."""


class NoiseFloor:
    """The quietest 100 ms of the last 1.5 s: minimum statistics.

    After R. Martin, "Noise power spectral density estimation based on optimal smoothing and minimum statistics", IEEE
    Trans. Speech and Audio Processing 9(5), 2001: speech falls back to the noise between words and syllables, steady
    noise never falls below itself. So the minimum follows the noise without having to know when somebody speaks: down
    at once, up after the window. His correction of the bias is left out: it is in the margin of who compares with it.
    """

    def __init__(self) -> None:
        self._powers: deque[float] = deque(maxlen=SMOOTHED_MARKS)
        self._lowest: deque[tuple[int, float]] = deque()  # (number, power) of marks that nothing quieter has followed
        self._heard = 0

    def hear(self, level_db: float) -> float:
        """The level of the next 20 ms; the floor, this included, in the same dB."""
        self._powers.append(math.pow(10, level_db / 10))
        power = sum(self._powers) / len(self._powers)
        lowest = self._lowest
        while lowest and lowest[-1][1] >= power:
            lowest.pop()
        lowest.append((self._heard, power))
        self._heard += 1
        if lowest[0][0] <= self._heard - 1 - WINDOW_MARKS:
            lowest.popleft()
        return max(LEAST_DB, 10 * math.log10(lowest[0][1]))
