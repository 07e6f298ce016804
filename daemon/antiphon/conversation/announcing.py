"""Announcements: text that somebody wants said. One at a time is made and said; the others wait their turn.

An announcement that can be heard is a `Reply` of no call, so that whatever silences a reply silences it; before that
nobody knows of it, and it may be put back. Each ask is answered once: when it was heard to its end or cut off, or why
it failed.
"""

from collections import deque
from dataclasses import dataclass, field

from antiphon.conversation.asks import answer
from antiphon.conversation.effects import DropSpeech, Effect, EndPlay, Hush, MakeSpeech, Play
from antiphon.conversation.events import SpeechStyle
from antiphon.conversation.reply import Reply
from antiphon.errors import Problem

NO_CALL = 0
"""Calls are numbered from 1."""
FIRST_SOUND_S = 10.0
"""From the asking to the first sample that can be heard."""
MOST_WAITING = 8
_FULL = f"There are {MOST_WAITING} texts to be said already: wait until some are"
_UNABLE = "Nothing here can speak: give a key for the speech service, see speech in the settings"
_SILENT = Problem("lost", "The speech service gave no sound: try it with 'antiphon say'")
_LATE = Problem("lost", "The speech service gave no sound in time: try it with 'antiphon say'")
_UNHEARD = Problem("device", "The speaker does not play: check it with 'antiphon doctor'")


@dataclass(frozen=True, slots=True)
class _Wish:
    text: str
    ask: int | None
    style: SpeechStyle | None = None


@dataclass(slots=True)
class Announcement:
    """One that is being made or said."""

    say: int
    wish: _Wish
    first_by_s: float
    reply: Reply = field(init=False)
    made: bool = False
    """Nothing more of it will come."""
    sounds: bool = False
    problem: str = ""

    def __post_init__(self) -> None:
        self.reply = Reply(f"say-{self.say}", NO_CALL)


class Announcing:
    """All of them; effects go out, and what comes of them is told by `piece`, `over`, `sounded` and `done`."""

    def __init__(self, *, able: bool) -> None:
        """`able`: there is a speech service to be asked."""
        self._able = able
        self._waiting: deque[_Wish] = deque()
        self._last = 0
        self.current: Announcement | None = None

    @property
    def deadline(self) -> float | None:
        """When it is late with its first sound."""
        return self.current.first_by_s if self.pending and self.current else None

    @property
    def pending(self) -> bool:
        """One is being made, and cannot be heard yet."""
        return self.current is not None and not self.current.sounds

    @property
    def sounding(self) -> Reply | None:
        """The one that can be heard."""
        return self.current.reply if self.current is not None and self.current.sounds else None

    def want(self, text: str, ask: int | None, style: SpeechStyle | None = None) -> list[Effect]:
        """Say this, when it is its turn."""
        if not self._able:
            return answer(ask, _UNABLE)
        if not text.strip():
            return answer(ask)
        if len(self._waiting) >= MOST_WAITING:
            return answer(ask, _FULL)
        self._waiting.append(_Wish(text, ask, style))
        return []

    def begin(self, now: float) -> list[Effect]:
        """Nobody speaks: the next one, if any waits."""
        if self.current is not None or not self._waiting:
            return []
        wish = self._waiting.popleft()
        self._last += 1
        self.current = Announcement(self._last, wish, now + FIRST_SOUND_S)
        return [MakeSpeech(self._last, wish.text, wish.style)]

    def piece(self, say: int, pcm: bytes, now: float) -> list[Effect]:
        """A piece has been made."""
        one = self.current
        if one is None or one.say != say or one.made or not pcm:
            return []
        one.reply.add(pcm, now)
        return [Play(one.reply.id, pcm)]

    def over(self, say: int, problem: Problem | None) -> tuple[Problem | None, list[Effect]]:
        """No more will be made of it. What is wrong with it, if that is known now: nothing of it can be heard."""
        one = self.current
        if one is None or one.say != say or one.made:
            return None, []
        one.made = True
        if one.reply.pushed_ms == 0:
            return problem or _SILENT, []
        one.reply.problem = problem
        one.reply.status = "completed" if problem is None else "broken"
        return None, [EndPlay(one.reply.id)]

    def sounded(self, reply: str) -> bool:
        """The mouth says that `reply` can be heard: whether that is the announcement."""
        one = self.current
        if one is None or one.sounds or one.reply.id != reply or not one.reply.pushed_ms:
            return False
        one.sounds = True
        return True

    def late(self, now: float) -> Problem | None:
        """What is wrong, if its first sound is overdue."""
        one = self.current
        if one is None or one.sounds or now < one.first_by_s:
            return None
        return _UNHEARD if one.reply.pushed_ms else _LATE

    def stop_making(self) -> list[Effect]:
        """What has come of it is all that will."""
        one = self.current
        if one is None or one.made:
            return []
        one.made = True
        return [DropSpeech(one.say)]

    def put_back(self) -> list[Effect]:
        """Somebody speaks, and nothing of it was heard: it is made anew when it is its turn again."""
        one = self.current
        if one is None or one.sounds:
            return []
        effects = self._drop()
        self._waiting.appendleft(one.wish)
        return effects

    def blame(self, problem: Problem) -> None:
        """It has failed."""
        if self.current is not None:
            self.current.problem = problem.sentence

    def over_with(self, sounding: Reply | None) -> bool:
        """It has failed, or what sounds now (`sounding`) is it no longer."""
        one = self.current
        return one is not None and (bool(one.problem) or (one.sounds and one.reply is not sounding))

    def done(self, problem: str = "") -> list[Effect]:
        """It is heard, or cut off, or has failed."""
        one = self.current
        if one is None:
            return []
        return self._drop() + answer(one.wish.ask, problem or one.problem)

    def forget(self, problem: str) -> list[Effect]:
        """None that waits is wanted any more."""
        waiting, self._waiting = self._waiting, deque()
        return [effect for wish in waiting for effect in answer(wish.ask, problem)]

    def _drop(self) -> list[Effect]:
        effects = self.stop_making()
        one, self.current = self.current, None
        if one is not None and one.reply.pushed_ms and not one.sounds:
            effects.append(Hush(one.reply.id))
        return effects
