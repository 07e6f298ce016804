"""Floor 4. What keeps our own sound out of what the ear hears: what the ear asks of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from antiphon.audio.marks import Mark
from antiphon.conversation.events import Event
from antiphon.pcm import Samples


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The same moments of the microphone's stream, twice; as long as each other, at the microphone's rate.

    Where nothing plays the two are one and the same array.
    """

    heard: Samples
    """For the link, the pre-roll and the voice detector: nothing of our own sound is left in it."""
    wake: Samples
    """For the wake words: the linear canceller keeps whoever interrupts."""


class Echo(Protocol):
    """Our own sound, known. The ear's thread calls all of it but `played`."""

    @property
    def sounding(self) -> bool:
        """Something plays, or its decay still sounds in the room, at the end of what was last cleaned."""

    def played(self, samples: Samples, rate_hz: int, heard_at_s: float) -> None:
        """The mouth: this period went to the card and sounds from then on (time.monotonic). Only queues.

        To be called for every period, silent ones too, as it is by their count that the card's clock is known; nobody
        may change `samples` afterwards.
        """

    def begin(self, rate_hz: int) -> list[Event]:
        """A capture stream at this rate begins: nothing is known of its clock."""

    def clean(self, samples: Samples, captured_s: float) -> Cleaned:
        """The next samples, the first at the microphone at `captured_s`, as nearly as the card tells.

        Up to 10 ms of them may be held back, always the same stretch, and another 10 ms where blocks are no whole
        number of 10 ms. None is lost and none added: sample n out, from the stream's beginning, is sample n in.
        """

    def judge(self, marks: Sequence[Mark]) -> list[Event]:
        """What the voice detector made of `heard` → NearEnd, EchoJudged.

        To be called after each `clean` while it sounds, and once more after that, without marks too.
        """

    def own_word(self, word: str) -> bool:
        """A wake word was just heard in `wake`: whether it was our own speaker that said it."""

    def forget(self) -> None:
        """Overwrite all that was heard."""
