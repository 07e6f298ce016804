"""Floor 1. What the lamps show: a function of the mind's state and of time. It knows no lamp and no clock.

Two rules hold for every face. Red is shown if, and only if, the capture stream is closed. And no two states
differ by hue alone: on a single lamp of one colour they differ by brightness or by rhythm.
Nothing flashes more than three times a second (WCAG 2.3.1).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from antiphon.conversation.states import AT_REST, State
from antiphon.snapshot import Snapshot

Rgb: TypeAlias = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

PICTURES_PER_S = 25
_LIT_FROM = 0.69
"""Of its look's full light, where a lamp can only switch: a ripple then is a beat, a comet a flash."""

Motion: TypeAlias = Callable[[float, float], float]
"""(phase, place) to level, all 0 to 1: how far through its period a face is, and where on the ring a lamp is."""


# ── motions ──────────────────────────────────────────────────────────────────────────────────────


def _steady(_phase: float, _place: float) -> float:
    return 1.0


def _blink(phase: float, _place: float) -> float:
    return float(phase < 0.5)


def _double_blink(phase: float, _place: float) -> float:
    return float(phase < 0.15 or 0.3 <= phase < 0.45)


def _wink(phase: float, _place: float) -> float:
    return float(phase < 0.02)


def _two_winks(phase: float, _place: float) -> float:
    return float(phase < 0.01 or 0.05 <= phase < 0.06)


def _three_blinks(phase: float, _place: float) -> float:
    return float(phase < 0.625 and phase % 0.25 < 0.125)


def _gap(phase: float, _place: float) -> float:
    return float(phase >= 0.2)


def _breathe(phase: float, _place: float) -> float:
    return math.sin(math.pi * phase) ** 2


def _comet(phase: float, place: float) -> float:
    """A head with a fading tail runs round the ring; a single lamp flashes and fades."""
    return (1 - (phase - place) % 1) ** 2


def _ripple(phase: float, place: float) -> float:
    """A wave that never goes dark."""
    return 0.7 + 0.3 * math.cos(2 * math.pi * (phase - place))


def _nod(phase: float, _place: float) -> float:
    return float(not 0.5 <= phase < 0.7)


def _nodding_ripple(phase: float, place: float) -> float:
    """Three waves to a nod."""
    return _nod(phase, place) * _ripple(3 * phase, place)


# ── the faces ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Look:
    """One face: a word for displays of text, a colour, and how it moves in `period_s` (0: it stands still)."""

    word: str
    colour: Rgb
    motion: Motion = _steady
    period_s: float = 0.0


# The hues keep apart for eyes that lack a cone (after Okabe and Ito, "Color Universal Design", 2008): a green with more
# blue in it would be grey to some, and beside white too much like thinking. The tests look through such eyes.
LOOKS: dict[State, Look] = {
    State.ASLEEP: Look("asleep", (0, 0, 0)),
    State.OPENING: Look("one moment", (0, 160, 255), _blink, 0.4),
    State.LISTENING: Look("listening", (0, 90, 255)),
    State.THINKING: Look("thinking", (255, 255, 255), _comet, 1.2),
    State.SPEAKING: Look("speaking", (0, 255, 80), _ripple, 0.8),
    State.DOUBTING: Look("go on?", (70, 140, 0)),
    State.LINGERING: Look("still listening", (0, 45, 128), _breathe, 2.4),
    State.SORRY: Look("sorry", (255, 140, 0), _double_blink, 1.6),
    State.DEAF: Look("muting", (255, 140, 0), _gap, 0.8),
}
MUTED = Look("muted", (80, 0, 0))
"""The capture stream is closed: the only face with red alone. Dim, as it may stand in a bedroom all night."""
MUTED_BY_SWITCH = replace(MUTED, word="muted by its switch")
"""Likewise, and no button opens it: a matter of words, as the switch itself can be seen."""
NO_SERVICE = Look("asleep, no service", (128, 70, 0), _wink, 4.0)
"""Asleep, and the last call failed: a short wink, so that the owner is not surprised when he speaks."""
NO_SPEAKER = replace(NO_SERVICE, word="asleep, no speaker")
"""Asleep, and an answer could not be heard."""
DEAF_TO_YOU = Look("speaking, deaf meanwhile", (160, 255, 0), _ripple, 1.6)
"""It should hear you over its own voice, and cannot: its own sound is not taken out of what it hears."""

RINGING = Look("ringing", (255, 220, 0), _three_blinks, 1.6)
"""A timer has run out, and nobody has said that he has heard. Muted, the lamp stays red and only words say so."""

VOLUME = Look("volume", (255, 255, 255))
"""How loud it is, just after a change: a bar over the lamps; a single one is as bright as it is loud."""
_FAINTEST = 0.04  # of the first lamp, so that silence is not taken for a lamp that is off

FALLBACK: dict[State, Look] = {
    State.ASLEEP: Look("asleep", (0, 36, 64), _two_winks, 8.0),
    State.LISTENING: Look("listening", (0, 90, 255), _nod, 2.4),
    State.SPEAKING: Look("speaking", (0, 255, 80), _nodding_ripple, 2.4),
}
"""The hint that not the first link of the owner's list answers: a nod while you speak and while it speaks.

At rest two winks, rarer and dimmer than those of NO_SERVICE, as an outage may last all night and nothing is amiss.
"""

_ANSWERED = frozenset(State) - {State.SORRY, State.DEAF}
"""Where it matters who answers."""
_ANYWAY = (MUTED, MUTED_BY_SWITCH, NO_SERVICE, NO_SPEAKER, RINGING)
"""Where it does not, as nobody can or may."""


def look(snapshot: Snapshot) -> Look:
    """The face of this moment. Being deaf shows at rest: in the other states the reply or the failure matters more."""
    if snapshot.deaf and snapshot.state in AT_REST:
        return MUTED_BY_SWITCH if snapshot.switched_off else MUTED
    if snapshot.volume_shown and snapshot.state not in (State.SORRY, State.DEAF):
        return VOLUME
    if snapshot.state is State.ASLEEP and snapshot.ringing:
        return RINGING
    if snapshot.state is State.ASLEEP and snapshot.link == "failing":
        return NO_SERVICE
    if snapshot.state is State.ASLEEP and snapshot.voiceless:
        return NO_SPEAKER
    if snapshot.state is State.SPEAKING and snapshot.half_duplex:
        return DEAF_TO_YOU
    if snapshot.fallback and snapshot.state in FALLBACK:
        return FALLBACK[snapshot.state]
    return LOOKS[snapshot.state]


def word(snapshot: Snapshot) -> str:
    """The face in a word or three, for displays of text; and who answers, if that is not the first link."""
    shown = look(snapshot)
    if shown is VOLUME:
        return f"volume {snapshot.volume}"
    if snapshot.ringing and snapshot.state in AT_REST:
        return f"{snapshot.ringing}!" if shown is RINGING else f"{shown.word}, {snapshot.ringing}!"
    if snapshot.fallback and snapshot.state in _ANSWERED and shown not in _ANYWAY:
        return f"{shown.word}, via {snapshot.via}"
    return shown.word


def face(snapshot: Snapshot, now_s: float, count: int, brightness: float, *, dimmable: bool = True) -> tuple[Rgb, ...]:
    """The colours of `count` lamps at `now_s` (the machine's time, as `since_s`); `brightness` is 0 to 1.

    Lamps that are not `dimmable` are dark, or shine with some colour; then rhythm alone tells the faces apart.
    """
    shown = look(snapshot)
    if shown is VOLUME:
        levels = _bar((snapshot.volume or 0) / 100, count)
    else:
        levels = _levels(shown, _number(snapshot, now_s), count)
    return tuple(_lit(shown.colour, brightness * level) for level in (levels if dimmable else _switched(levels)))


def next_change(snapshot: Snapshot, now_s: float, count: int, *, dimmable: bool = True) -> float | None:
    """When the picture of `count` lamps changes next, later than `now_s`; None when it stands still."""
    shown = look(snapshot)
    number = _number(snapshot, now_s)

    def picture(number: int) -> Sequence[Rgb]:
        levels = _levels(shown, number, count)
        return [_lit(shown.colour, level) for level in (levels if dimmable else _switched(levels))]

    now = picture(number)
    for later in range(number + 1, number + _pictures(shown)):
        if picture(later) != now:
            return snapshot.since_s + later / PICTURES_PER_S
    return None


def _pictures(shown: Look) -> int:
    """How many pictures make a period: 1 when the face stands still."""
    return max(1, round(shown.period_s * PICTURES_PER_S))


def _number(snapshot: Snapshot, now_s: float) -> int:
    """The number of the picture of now, from 0 when the state began; one that is due in 40 µs counts as due."""
    return max(0, math.floor((now_s - snapshot.since_s) * PICTURES_PER_S + 0.001))


def _levels(shown: Look, number: int, count: int) -> list[float]:
    pictures = _pictures(shown)
    phase = number % pictures / pictures
    return [shown.motion(phase, place / count) for place in range(count)]


def _bar(length: float, count: int) -> list[float]:
    """The first lamps are lit, `length` (0 to 1) of them all; the last of these in part."""
    levels = [min(1.0, max(0.0, length * count - place)) for place in range(count)]
    levels[0] = max(levels[0], _FAINTEST)
    return levels


def _switched(levels: Sequence[float]) -> list[float]:
    """For lamps that only switch: what is bright is lit, what is faint is dark."""
    return [float(level >= _LIT_FROM) for level in levels]


def _lit(colour: Rgb, level: float) -> Rgb:
    """`colour` at `level`, rounded up: what is faint is still seen."""
    red, green, blue = (math.ceil(channel * level) for channel in colour)
    return red, green, blue
