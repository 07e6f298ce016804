"""Floor 4. What keeps our own sound out of what the ear hears: what the ear asks of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from antiphon.audio.marks import Mark
from antiphon.conversation.events import Event
from antiphon.pcm import Samples


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The same moments of the microphone's stream, twice; as long as each other, at the microphone's rate."""

    heard: Samples
    """For the link, the pre-roll and the voice detector: nothing of our own sound is left in it."""
    wake: Samples
    """For the wake words: the linear canceller keeps whoever interrupts."""


class Echo(Protocol):
    """Our own sound, known. The ear's thread calls all of it but `played`."""

    sounding: bool
    """Something plays, or its decay still sounds in the room, at the end of what was last cleaned."""

    def played(self, samples: Samples, rate_hz: int, heard_at_s: float) -> None:
        """The mouth: this period went to the card and sounds from then on (time.monotonic). Only queues."""

    def begin(self, rate_hz: int) -> list[Event]:
        """A capture stream at this rate begins: nothing is known of its clock."""

    def clean(self, samples: Samples, captured_s: float) -> Cleaned:
        """The next samples, the first at the microphone at `captured_s`. Up to 10 ms of them may be held back, always
        the same stretch: over a whole stream as many come out as went in, none lost and none added.
        """

    def judge(self, marks: Sequence[Mark]) -> list[Event]:
        """What the voice detector made of `heard` → NearEnd, EchoJudged."""

    def own_word(self, word: str) -> bool:
        """A wake word was just heard in `wake`: whether it was our own speaker that said it."""

    def forget(self) -> None:
        """Overwrite all that was heard."""
