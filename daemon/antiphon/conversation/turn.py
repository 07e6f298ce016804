"""The user's turn: how far it is, by whoever judges it, and by the ear's own judgement beside."""

from dataclasses import dataclass
from typing import Literal

from antiphon.errors import Problem


@dataclass(slots=True)
class UserTurn:
    """From the wake word, the talk button or a follow-up, to the end of the user's speech."""

    by_word: bool
    """It began with a wake word."""
    by_talk: bool = False
    """It began with the talk button."""
    here: Literal["quiet", "speech", "ended"] = "quiet"
    """The ear's judgement, whoever else judges: when the judge is lost, it decides."""
    began: bool = False
    """Speech has begun, by whoever judges the end of the turn: the link's service, or the ear."""
    over: bool = False
    """Speech has ended, likewise."""
    answerable: bool = False
    """Whoever judges its end has ended it, or was told so: an answer will come, even if nobody wants it any more."""
    losses: int = 0
    """Calls lost under it."""
    problem: Problem | None = None
    """Why the first link that was asked has failed it: what the owner will want to know, if all do."""

    def for_ear(self) -> None:
        """From here on the ear judges."""
        self.began = self.began or self.here != "quiet"
        self.over = self.over or self.here == "ended"

    def for_service(self) -> None:
        """From here on a service judges, from the first sample anew."""
        self.began = self.over = False
