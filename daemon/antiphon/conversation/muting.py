"""By whom the microphone is closed: the owner's hand, the switch on the device, or both; and who waits to be told.

While the switch says so nothing else can open it. When it is moved back, what button and commands said last holds.
"""

from antiphon.conversation.asks import Asks
from antiphon.conversation.effects import Effect

BY_SWITCH = "The switch on the device keeps the microphone closed"
BY_HAND = "The microphone is closed: unmute first"
_PATIENCE_S = 10.0
_SILENCE = "The microphone has not answered: look into the log, and try 'antiphon doctor'"
_CLOSED_AGAIN = "The microphone was closed again meanwhile"
_OPENED_AGAIN = "The microphone was opened again meanwhile"


class Muting:
    """The owner's wishes; the ear's facts are in earshot.py."""

    def __init__(self, *, by_hand: bool) -> None:
        self.by_hand = by_hand
        """By button or command: it stays so until one of them says otherwise."""
        self.switched_off = False
        """By the switch on the device."""
        self.problem = ""
        """Why the switch cannot be read: it counts as saying muted."""
        self._closing = Asks(_PATIENCE_S, _SILENCE)
        self._opening = Asks(_PATIENCE_S, _SILENCE)

    @property
    def why(self) -> str:
        """Why it should be closed, for who wants to be heard; "" when it should be open."""
        if self.switched_off:
            return BY_SWITCH
        return BY_HAND if self.by_hand else ""

    @property
    def deadline(self) -> float | None:
        """When `tick` has something to do."""
        times = (self._closing.deadline, self._opening.deadline)
        return min((time for time in times if time is not None), default=None)

    def await_closing(self, ask: int | None, now: float) -> None:
        """Whoever asks waits until the capture stream is closed."""
        self._closing.wait(ask, now)

    def await_opening(self, ask: int | None, now: float) -> None:
        """Whoever asks waits until it is open."""
        self._opening.wait(ask, now)

    def closes(self) -> list[Effect]:
        """It is to be closed: who waited for the contrary waits in vain."""
        return self._opening.news(_CLOSED_AGAIN)

    def opens(self) -> list[Effect]:
        """It is to be opened: likewise."""
        return self._closing.news(_OPENED_AGAIN)

    def closed(self, problem: str = "") -> list[Effect]:
        """It is closed, as it should be; or nobody can say that (`problem`)."""
        return self._closing.news(problem)

    def opened(self, problem: str = "") -> list[Effect]:
        """It is open, as it should be; or cannot be opened."""
        return self._opening.news(problem)

    def tick(self, now: float) -> list[Effect]:
        """Tell those who have waited too long."""
        return self._closing.tick(now) + self._opening.tick(now)

    def forget(self, problem: str) -> list[Effect]:
        """Nobody will tell any more."""
        return self._closing.news(problem) + self._opening.news(problem)
