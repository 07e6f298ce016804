"""Speech over our own reply: whether this board can tell it from our own sound, and what is known of it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Duplex:
    """What the ear can do while we sound."""

    full: bool = False
    """Our own sound is taken out of what it hears, and a voice may interrupt us."""
    decay_ms: float = 250.0
    """How long the room sounds on after us."""


class Overlap:
    """Of one reply, from the moment it can be heard. Two judges, and neither is believed alone at once.

    The ear judges what is left when our own sound is taken out; the service, which heard the same, what it makes of it.
    """

    def __init__(self, duplex: Duplex) -> None:
        self._duplex = duplex
        self.cancelled = True
        """Our own sound is taken out: a fact that is measured while we sound."""
        self.begin()

    def begin(self) -> None:
        """A reply begins to sound, or nothing came of what was heard over it."""
        self.near: Literal["quiet", "began", "sure"] = "quiet"
        self.service = False
        """The service hears somebody speak."""
        self.here: Literal["quiet", "speech", "ended"] = "quiet"
        """As the ear judges turns."""

    @property
    def full(self) -> bool:
        """The ear can listen while we sound."""
        return self._duplex.full and self.cancelled

    @property
    def lost(self) -> bool:
        """It should, and cannot."""
        return self._duplex.full and not self.cancelled

    @property
    def decay_s(self) -> float:
        """How long the room sounds on after us."""
        return self._duplex.decay_ms / 1000

    @property
    def begun(self) -> bool:
        """The ear has heard somebody begin, by either of its judgements."""
        return self.near != "quiet" or self.here == "speech"

    @property
    def verdict(self) -> Literal["nothing", "perhaps", "speech"]:
        """Whether somebody speaks over us: one judge alone may be wrong, unless he is sure."""
        if self.near == "sure" or (self.near == "began" and self.service):
            return "speech"
        return "perhaps" if self.near == "began" or self.service else "nothing"
