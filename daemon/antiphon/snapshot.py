"""Floor 1. What the world may see of the mind: lamps, log, status and panel are functions of this."""

from dataclasses import dataclass
from typing import Literal

from antiphon.conversation.states import State

LinkHealth = Literal["none", "opening", "open", "failing"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of the appliance. `since_s` is when `state` began, in the machine's time (monotonic seconds)."""

    state: State
    since_s: float
    link: LinkHealth
    deaf: bool
    """True only while the capture stream is closed: the lamp follows this fact."""

    via: str = ""
    """The link that answers, or would: its name."""
    fallback: bool = False
    """That link is not the first of the owner's list: the first does not answer."""
    voiceless: bool = False
    """The speaker cannot be used."""
    half_duplex: bool = False
    """It should hear you while it speaks, and cannot: its own sound is not taken out of what it hears."""
    volume: int | None = None
    """How loud it is, 0 to 100; None until that is known."""
    volume_shown: bool = False
    """It has just been changed: for a moment the lamps show it."""
    switched_off: bool = False
    """The switch on the device keeps the microphone closed."""
    call: int = 0
    """The number of the call that takes speech, or that is being opened to; 0 for none."""
    problem: str = ""
    """The last problem's sentence, until a turn succeeds or the device that it is about is back."""
    ringing: str = ""
    """What rings, or will go on ringing when the conversation is over: the names of timers that have run out."""
