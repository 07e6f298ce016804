"""Who waits for an Answer: requests that came from elsewhere, each of which gets exactly one."""

from collections import deque

from antiphon.conversation.effects import Answer, Effect


def answer(ask: int | None, problem: str = "") -> list[Effect]:
    """What to tell whoever asked, if anybody did."""
    return [] if ask is None else [Answer(ask, problem)]


class Asks:
    """Requests that wait for the same news, for a while."""

    def __init__(self, patience_s: float, silence: str) -> None:
        """`silence`: what they are told when no news has come in that time, a sentence."""
        self._patience_s = patience_s
        self._silence = silence
        self._waiting: deque[tuple[int, float]] = deque()

    @property
    def deadline(self) -> float | None:
        """When `tick` has something to do."""
        return self._waiting[0][1] if self._waiting else None

    def wait(self, ask: int | None, now: float) -> None:
        """This one waits for the news, from now on."""
        if ask is not None:
            self._waiting.append((ask, now + self._patience_s))

    def news(self, problem: str = "") -> list[Effect]:
        """It has come: all are told."""
        waiting, self._waiting = self._waiting, deque()
        return [Answer(ask, problem) for ask, _ in waiting]

    def tick(self, now: float) -> list[Effect]:
        """Tell those who have waited too long."""
        effects: list[Effect] = []
        while self._waiting and self._waiting[0][1] <= now:
            effects.append(Answer(self._waiting.popleft()[0], self._silence))
        return effects
