"""How loud it is, how loud it should be, and for how long the lamps show that. It knows no mixer."""

from antiphon.conversation.asks import Asks, answer
from antiphon.conversation.effects import Effect, SetVolume

STEP = 5
"""Points, of 100, that a press of a volume button changes."""
SHOWN_S = 1.5
"""How long a change is shown."""
_WISH_S = 0.5  # a mixer answers sooner; until then presses add up
_PATIENCE_S = 3.0
_UNKNOWN = "It is not known yet how loud it is: try again in a moment"
_SILENCE = "The mixer does not answer: look into the log, and check speaker.mixer"


class Volume:
    """Wishes go out as SetVolume; facts come in by `changed`."""

    def __init__(self) -> None:
        self.percent: int | None = None
        """So loud it is: a fact, not a wish."""
        self._wish: int | None = None
        self._wish_until_s = 0.0
        self._shown_until_s: float | None = None
        self._asks = Asks(_PATIENCE_S, _SILENCE)

    @property
    def shown(self) -> bool:
        """It has just been changed."""
        return self._shown_until_s is not None

    @property
    def deadline(self) -> float | None:
        """When `tick` has something to do."""
        times = (self._shown_until_s, self._asks.deadline)
        return min((time for time in times if time is not None), default=None)

    def want(self, percent: int | None, change: int, ask: int | None, now: float) -> list[Effect]:
        """Make it so loud, or so much louder than it is about to be."""
        base = percent
        if base is None:
            base = self._wish if self._wish is not None and now < self._wish_until_s else self.percent
        if base is None:
            return answer(ask, _UNKNOWN)
        self._wish, self._wish_until_s = max(0, min(100, base + change)), now + _WISH_S
        self._asks.wait(ask, now)
        return [SetVolume(self._wish)]

    def step(self, now: float, *, up: bool, again: bool) -> list[Effect]:
        """A volume button is pressed, or held still (`again`): at the end of the scale holding on means nothing."""
        change = STEP if up else -STEP
        if again and self.percent == (100 if up else 0):
            return []
        return self.want(None, change, None, now)

    def changed(self, percent: int, now: float) -> tuple[bool, list[Effect]]:
        """It is so loud now. Whether somebody here wanted that; and what to tell those who did.

        While a later wish is under way they wait for that: they ask how loud it has become.
        """
        ours = self._wish is not None and now < self._wish_until_s
        if ours or self.percent not in (None, percent):
            self._shown_until_s = now + SHOWN_S
        self.percent = percent
        if percent == self._wish:
            self._wish = None
        return ours, self._asks.news() if self._wish is None else []

    def tick(self, now: float) -> list[Effect]:
        """What was shown is no longer shown; who has waited too long is told."""
        if self._shown_until_s is not None and now >= self._shown_until_s:
            self._shown_until_s = None
        return self._asks.tick(now)

    def forget(self, problem: str) -> list[Effect]:
        """Nobody will tell any more: who waits is told `problem`."""
        return self._asks.news(problem)
