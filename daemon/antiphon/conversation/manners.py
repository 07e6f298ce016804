"""How patient the appliance is: every time limit of a conversation, as data."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Manners(BaseModel):
    """The limits, in milliseconds unless the name says otherwise. No state but rest is without one."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    opening_ms: int = Field(6000, ge=500, le=60_000)
    """How long a call may take to open, retry included, while the speaker waits (speech is kept)."""

    nothing_said_ms: int = Field(6000, ge=1000, le=60_000)
    """After a wake word or a talk press, how long to wait for speech before going back to sleep."""

    max_turn_ms: int = Field(60_000, ge=2000, le=300_000)
    """The longest turn of the user; what is said is kept up to this length, so that it can be sent again."""

    thinking_ms: int = Field(15_000, ge=1000, le=120_000)
    """From the end of the turn to the first audible sample of the reply, where nobody else can be asked."""

    answer_ms: int = Field(6000, ge=500, le=120_000)
    """The same where another link can be asked: after this long the next one gets the same speech."""

    switch_ms: int = Field(1500, ge=200, le=60_000)
    """While you speak, how long a link may take to open before the next one is tried."""

    link_silence_ms: int = Field(1200, ge=300, le=30_000)
    """In a turn, how long an open link may give no sign of life before the next one is asked; more on a slow uplink."""

    reply_gap_ms: int = Field(6000, ge=500, le=60_000)
    """The longest time without a new piece of a reply that has begun and not ended."""

    follow_up_ms: int = Field(6000, ge=0, le=60_000)
    """After a reply, how long to listen for a follow-up without a wake word; 0 goes to sleep at once."""

    max_follow_ups: int = Field(12, ge=1, le=1000)
    """After so many turns without one, a wake word is needed again: else a television could talk to it for ever."""

    sorry_ms: int = Field(2500, ge=200, le=30_000)
    """How long a failure is shown before going back to sleep."""

    wake_only_voiced_ms: int = Field(140, ge=20, le=2000)
    """Voice heard after the wake word before a turn counts as more than the word itself. By itself the word leaves
    at most 100 ms, as a low threshold hears it before its end; a command of one word in the same breath leaves 180 ms.
    """

    hang_ms: int = Field(3000, ge=500, le=30_000)
    """Silence at the microphone after which we end a turn that the service began and does not end."""

    talk_preroll_ms: int = Field(300, ge=0, le=2000)
    """How much from before a talk press belongs to the turn: people speak while they press."""

    talk_again: Literal["start_over", "give_up"] = "start_over"
    """What a tap on the talk button does while you are listened to or wait for the answer: begin the question anew, or
    give it up. A double tap always gives up.
    """

    doubt_ms: int = Field(600, ge=100, le=5000)
    """When somebody seems to speak over a reply, it falls silent at once, and goes on where it was if it is not sure
    of it after this long.
    """

    forget_after_s: int = Field(300, ge=0, le=86_400)
    """A conversation that has been silent for this many seconds is forgotten."""
