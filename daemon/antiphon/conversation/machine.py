"""The mind: what the appliance does about everything that happens. Start reading here.

1. `handle(event, now)` returns the effects that are wanted; `deadline` says when `Ticked` is due. No I/O, no clock.
2. Every move is in the table in states.py; a move outside it is a bug and ends the process.
3. No word is lost: from the wake word on speech is kept (`Utterance`) and goes, whole, to the link that answers.
4. Stale audio is never heard: `Replies` takes one reply up at a time, and knows everything about any other as stale.
5. The service never interrupts itself: whoever interrupts, the mouth is hushed first, and the service is told
   what was heard (Hush → Hushed → CancelReply).
6. Every state but rest has a deadline.
7. A link that fails before its reply can be heard hands the same speech to the next; after that, never.
8. Whoever speaks over a reply is believed by and by: the reply is held first (Duck), then hushed or gone on with.
9. A tool runs once: where one was run, the speech that asked for it goes to no other link.

What is a subject of its own is an object beside: `Calls` (which link, which connection), `Pulse` (whether it lives),
`Earshot` (what we know of the ear), `Muting` (who keeps it closed), `Overlap` (who speaks over us), `UserTurn`,
`Utterance`, `Replies`, `ToolTurn` (what a reply has called), `Announcing` (what others want said), `Ringing` (timers),
`History`, `Volume`, `Gestures`. The machine joins them.
"""

from functools import singledispatchmethod

from antiphon.calls import Calls
from antiphon.conversation.announcing import Announcing
from antiphon.conversation.asks import answer
from antiphon.conversation.earshot import Earshot
from antiphon.conversation.effects import (
    CancelReply,
    CheckLink,
    Chime,
    ChimeName,
    CommitTurn,
    Duck,
    Effect,
    EndPlay,
    Note,
    OpenEar,
    Play,
    Replace,
    RestEar,
    Resume,
    SendAudio,
    Withdraw,
)
from antiphon.conversation.events import (
    ButtonMoved,
    Captured,
    Commanded,
    EarClosed,
    EarOpened,
    EchoJudged,
    Endpointed,
    Event,
    Finished,
    Hushed,
    LinkAlive,
    LinkClosed,
    LinkOpened,
    MouthFailed,
    MouthOpened,
    NearEnd,
    NothingRecognised,
    ReplyAudio,
    ReplyEnded,
    ReplyStarted,
    ReplyText,
    SayWanted,
    ServiceComplained,
    Sounded,
    SpeechMade,
    SpeechOver,
    SpeechStarted,
    SpeechStopped,
    Started,
    SwitchMoved,
    Ticked,
    TimerDue,
    ToolAnswered,
    ToolCalled,
    ToolsChanged,
    UserSaid,
    VolumeChanged,
    VolumeWanted,
    Woke,
)
from antiphon.conversation.history import History
from antiphon.conversation.manners import Manners
from antiphon.conversation.muting import Muting
from antiphon.conversation.overlap import Duplex, Overlap
from antiphon.conversation.pulse import Pulse
from antiphon.conversation.reply import Replies, Reply
from antiphon.conversation.ringing import Ringing
from antiphon.conversation.states import AT_REST, MOVES, State
from antiphon.conversation.tool_turn import ToolTurn
from antiphon.conversation.turn import UserTurn
from antiphon.conversation.utterance import Utterance
from antiphon.conversation.volume import Volume
from antiphon.errors import Problem
from antiphon.gestures import NEVER, Gesture, Gestures
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, bytes_ms, frames_in
from antiphon.snapshot import LinkHealth, Snapshot

_MOUTH_GRACE_S = 3.0  # beyond a reply's length, before the mouth is held to be stuck
_BLOCK_MS = 100.0  # the ear's news is about this much behind
_EVER_KEPT_MS = 10_000.0  # by the ear: all that it has and was never sent
_KEPT_MS = 2000.0  # before the service says "speech started", about a second of it has passed
_EXTENSION_S = 1.0  # while somebody seems to be speaking, a deadline waits
_EXTENSION_VOICED_MS = 300.0
_GOES_ON_VOICED_MS = 60.0
_MUCH_VOICED_MS = 600.0
_WORD_VOICED_MS = 1000.0  # a wake word has no more voice in it
_SAME_S = 1.0  # who is heard to begin, and presses as soon as that, means the same by both
_HELD_MS = 300.0  # of what was heard the ear has this much at most that it has not told
_MAX_LOSSES = 2  # calls lost in one turn, before we say sorry; unless there is a link that was not asked

_HEARING = frozenset({State.OPENING, State.LISTENING, State.LINGERING})
"""The states that are about what the ear hears; in thinking it matters only to a service that finds the turns."""
_MOST_TOLD = 4  # different failures of a link in one outage; a server may put a new number into each
_SOUNDING = frozenset({State.SPEAKING, State.DOUBTING})
"""A reply can be heard, or is held in the middle."""
_IN_TURN = frozenset({State.OPENING, State.LISTENING, State.THINKING}) | _SOUNDING
"""Somebody speaks, or waits for an answer: a link that fails now has failed him."""
_BROKE_OFF = Problem("lost", "The speech service stopped in the middle: try it with 'antiphon say'")
_STOPPED = "It was stopped before it could be heard"
_NO_EAR = "The microphone is not open: look into the log, and try 'antiphon doctor'"
_EAR_HANGS = "The sound system hangs, and nobody can tell whether the microphone is closed: pull its plug"
_ANEW = "The program begins anew, as the sound system hangs: ask again in a few seconds"
_RAN_IN_VAIN = "A tool was run, and the link failed before it could tell what came of it: look, and ask again"
_CALLS_ON = Problem("lost", "The model calls tools without an end: ask it in other words")
_MUTE_SPEAKER = Problem("device", "The speaker does not play: check it with 'antiphon doctor'")


class Machine:
    """One conversation at a time, for ever."""

    def __init__(
        self,
        manners: Manners,
        calls: Calls,
        gestures: Gestures,
        duplex: Duplex,
        *,
        muted: bool = False,
        announces: bool = False,
        tool_limit_ms: float = 10_000.0,
    ) -> None:
        """`muted` from the start; `announces`: there is a service that makes speech of text. A tool has answered within
        `tool_limit_ms`.
        """
        self._manners = manners
        self._calls = calls
        self._pulse = Pulse(manners.link_silence_ms / 1000)
        self._gestures = gestures
        self._history = History()
        self._ear = Earshot()
        self._overlap = Overlap(duplex)
        self._utterance = Utterance(manners.max_turn_ms)
        self._replies = Replies(self._history)
        self._muting = Muting(by_hand=muted)
        self._volume = Volume()
        self._tools = ToolTurn(tool_limit_ms)
        self._ringing = Ringing()
        self._announcing = Announcing(able=announces)
        self._lingered = False  # the announcement that sounds came into a conversation
        self._now = 0.0
        self._effects: list[Effect] = []

        self.state = State.ASLEEP
        self._since_s = 0.0
        self._state_deadline: float | None = None
        self._deadline_limit = 0.0
        self._problem = ""
        self._voiceless_s: float | None = None  # since then the speaker cannot be used
        self._mouth_problem: Problem | None = None  # its last
        self._apologises = False  # somebody waited for an answer
        self._hung = False  # a part of the sound system hangs for good
        self._ear_hangs = False  # nobody knows whether the capture stream is closed
        self._told: dict[str, list[str]] = {}  # of each link, the failures that were told since it was last open
        self._heard_by = 0  # the call whose service has shown that it hears
        self._last_turn_s = 0.0
        self._floor_taken_s = NEVER  # by a voice alone, without wake word or button
        self._rested_s = NEVER  # when the ear was told to rest
        self._follow_ups = 0  # since the wake word or the talk button
        self._sent_to: int | None = None  # the call that has all of the utterance so far
        self._begin_turn()
        if muted:
            self._ear.wanted = False
            self.state = State.DEAF

    # ── what the shell uses ──────────────────────────────────────────────────────────────────────

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Decide about one event; `now` never goes back."""
        self._now = now
        call = getattr(event, "call", None)
        if call is not None:
            self._pulse.alive(call)
        self._on(event)
        self._mind_the_announcements()
        self._ringing.mind(now, quiet=self._quiet)
        self._pulse.watch(self._calls.open if self._must_live else None, now)
        self._free_the_sound()
        effects, self._effects = self._effects, []
        return effects

    @property
    def deadline(self) -> float | None:
        """When `Ticked` is due, in the time of `now`; None while there is nothing to wait for."""
        times = (
            self._state_deadline,
            self._ear.deadline,
            self._gestures.deadline,
            self._muting.deadline,
            self._volume.deadline,
            self._announcing.deadline,
            self._ringing.deadline,
            self._pulse.deadline,
            self._calls_due,
            self._forget_at,
        )
        return min((time for time in times if time is not None), default=None)

    @property
    def snapshot(self) -> Snapshot:
        """What lamps, log and status may see."""
        link, fallback = self._calls.link.name, self._calls.fallback
        deaf = not (self._ear.open or self._ear_hangs)
        voiceless, half_duplex = self._voiceless, self._overlap.lost
        return Snapshot(
            self.state,
            self._since_s,
            self._link_health,
            deaf,
            link,
            fallback,
            voiceless,
            half_duplex,
            self._volume.percent,
            self._volume.shown,
            self._muting.switched_off,
            self._calls.meant or 0,
            self._muting.problem or self._problem,
            self._ringing.label,
        )

    # ── moves ────────────────────────────────────────────────────────────────────────────────────

    def _go(self, state: State, deadline_ms: float | None, why: str = "") -> None:
        """The only way to change state."""
        after_us = state in (State.LINGERING, State.THINKING) and self.state in _SOUNDING
        if state is not self.state:
            assert state in MOVES[self.state], f"no move {self.state.name} -> {state.name}"
            self._note(state.value, after=self.state.value, why=why)
            if state in AT_REST and not self._at_rest:
                self._last_turn_s = self._now
            self.state, self._since_s = state, self._now
        self._wait(deadline_ms)
        thinking_aloud = state is State.THINKING and not self._own and not self._utterance.full
        hears = state in _HEARING or thinking_aloud or (state in _SOUNDING and self._may_be_spoken_over)
        effects = self._ear.stream(hears, after_s=self._now + self._overlap.decay_s if after_us else None)
        if RestEar() in effects:
            self._rested_s = self._now
        self._do(*effects)
        if state is not State.OPENING:
            self._calls.wanted = False

    def _wait(self, ms: float | None) -> None:
        self._state_deadline = None if ms is None else self._now + ms / 1000
        self._deadline_limit = self._now if ms is None else self._now + 2 * ms / 1000

    def _sleep(self, why: str) -> None:
        self._drop_tools()
        self._do(*self._replies.drop(self._calls.open))
        self._forget_speech()
        self._go(State.ASLEEP, None, why)
        self._rest()

    def _forget_speech(self) -> None:
        """The turn is over; but a wake word may have begun already, or before the announcement did."""
        if self._ear.streaming or self._announces:
            self._utterance.keep_last(_KEPT_MS)
        else:
            self._utterance.begin()  # what was said before the reply is answered

    def _say_sorry(self, problem: Problem) -> None:
        """Show a failure for a while. The call may be in any condition: hang up."""
        self._trouble(problem)
        if self._announces:
            self._announcing.blame(problem)
        if self.state is State.DEAF:  # that is shown, whatever failed
            self._do(*self._replies.drop(self._calls.open))
            self._chime("sorry")
            return
        self._apologises = self._in_turn
        self._drop_tools()
        self._do(*self._replies.drop(self._calls.open))
        self._forget_speech()
        if self.state not in (State.ASLEEP, State.LINGERING) and not self._announces:
            self._hang_up()
        self._chime("sorry")
        self._go(State.SORRY, self._manners.sorry_ms, problem.fault)

    def _listen(self) -> None:
        """Speech goes to the open call; or one is opened, and speech is kept until then."""
        if self._calls.open is not None:
            self._go(State.LISTENING, self._manners.max_turn_ms if self._turn.began else self._manners.nothing_said_ms)
        else:
            self._do(*self._calls.need(self._now, self._history.turns()))
            self._go(State.OPENING, self._manners.opening_ms)

    def _begin_turn(self, *, by_word: bool = False, by_talk: bool = False) -> None:
        self._turn = UserTurn(by_word, by_talk)
        self._calls.begin_turn()
        self._tools.turn_began()
        self._history.turn_began()

    def _turn_is_over(self, why: str) -> None:
        self._turn.over = True
        self._turn.answerable = self._own or why == "service"
        link = self._calls.link.name
        self._note("turn-over", why=why, speech_ms=round(bytes_ms(self._utterance.pcm)), link=link)
        if self._hung and self._voiceless:  # no answer could be heard
            self._say_sorry(_MUTE_SPEAKER)
            return
        self._do(*self._replies.settle(self._calls.open))
        if self._own and self._calls.open is not None:
            self._do(CommitTurn(self._calls.open))
        self._go(State.THINKING, self._thinking_ms)

    # ── events: dispatch ─────────────────────────────────────────────────────────────────────────

    @singledispatchmethod
    def _on(self, event: Event) -> None:
        raise AssertionError(f"nobody handles {type(event).__name__}")

    @_on.register
    def _on_started(self, _: Started) -> None:
        self._do(*([OpenEar()] if self._ear.wanted else self._ear.mute()))
        self._calls.start(self._now)
        self._do(*self._calls.tick(self._now, (), at_rest=True))

    # ── events: ear ──────────────────────────────────────────────────────────────────────────────

    @_on.register
    def _on_ear_opened(self, _: EarOpened) -> None:
        self._mended(self._ear.problem)
        self._ear.opened()
        if self._ear.wanted:
            self._do(*self._muting.opened())
        if self.state is State.DEAF and self._ear.wanted:
            self._go(State.ASLEEP, None, "unmuted")
            self._chime("unmute")
            if self._announces:
                self._go(State.SPEAKING, None, "announcement")
                self._await_reply()
        self._note("ear-opened")

    @_on.register
    def _on_ear_closed(self, event: EarClosed) -> None:
        news = self._ear.closed(event.problem, self._now)
        self._note("ear-closed", "info" if news or event.problem is None else "debug")
        self._hung, self._ear_hangs = self._hung or event.hung, self._ear_hangs or event.hung
        if event.hung:
            self._do(*self._muting.closed(_EAR_HANGS))
        elif not self._ear.wanted and not self._ear.closing:
            self._do(*self._muting.closed())
        if event.problem is None:
            return
        if self._ear.wanted:
            self._do(*self._muting.opened(event.problem.sentence))
        unheard = event.hung and self._voiceless and self._in_turn  # nor can the speaker come back now
        if unheard or (news and (self.state is State.ASLEEP or self.state in _HEARING)):
            self._say_sorry(event.problem)
        else:  # a reply that needs no ear goes on; a card that stays away is not bewailed at every attempt
            self._trouble(event.problem, "warning" if news else "debug")

    @_on.register
    def _on_woke(self, event: Woke) -> None:
        if self.state is State.DEAF:
            return
        self._mind_the_ringing()
        sounding = self.state in _SOUNDING
        judged = self._overlap.here if sounding else self._turn.here
        here = judged if self._ear.streaming else "quiet"  # the ear says but once that somebody speaks
        rested_ms = 1000 * (self._now - self._rested_s)
        joined = self._ear.streaming or rested_ms <= bytes_ms(event.preroll) + _BLOCK_MS
        self._ear.streaming = True  # by itself, from here on
        self._note("woke", word=event.word, score=round(event.score, 3), detected_at=event.detected_at)
        if self.state in (State.OPENING, State.LISTENING):
            self._word_in_turn()
            self._hear(event.preroll, 0.0)
            return
        self._utterance.keep_last(_KEPT_MS)
        # What was captured before, and may hold the word's beginning, is not in the pre-roll.
        before = self._utterance.pcm if joined else b""
        has_before = self._sent_to if joined else None
        self._interrupt()
        self._begin_turn(by_word=True)
        if here == "speech":
            self._do(*self._ear.anew(_HELD_MS))
        self._turn.began = sounding and self._overlap.service  # the service says it but once, too
        self._follow_ups = 0
        self._utterance.begin(before + event.preroll)
        self._listen()
        if self._calls.open is not None:
            self._send(event.preroll if has_before == self._calls.open else self._utterance.pcm)
        self._chime("wake")

    def _word_in_turn(self) -> None:
        """The word is part of a turn that is under way: what was said before it, if anything, is the question's too."""
        if self._turn.over:  # and its end was waiting for a link: the question goes on
            self._turn.over, self._turn.here = False, "quiet"
        if self._utterance.voiced_ms <= _WORD_VOICED_MS:  # so far it was the word itself
            self._turn.by_word, self._turn.here, self._utterance.voiced_ms = True, "quiet", 0.0
            self._turn.began = self._turn.began and not self._own
            self._do(*self._ear.anew(_HELD_MS))

    @_on.register
    def _on_captured(self, event: Captured) -> None:
        deaf = self.state in _SOUNDING and not self._may_be_spoken_over
        if not self._ear.streaming or deaf or self.state is State.SORRY or self.state in AT_REST:
            return
        self._hear(event.pcm, event.voiced_ms)

    def _hear(self, pcm: bytes, voiced_ms: float) -> None:
        """The next piece of speech: kept, and sent where there is a call."""
        self._utterance.add(pcm, voiced_ms)
        sounding = self.state in _SOUNDING
        if sounding or (self.state is State.LINGERING and not self._turn.began):
            if sounding or self._turn.here == "quiet":
                self._utterance.keep_last(_KEPT_MS)
            if self._own:  # nothing is sent before somebody speaks
                self._sent_to = None
                return
        if self.state is not State.OPENING:
            self._send(pcm)
        if self.state is State.LISTENING:
            self._mind_the_turn()

    def _send(self, pcm: bytes) -> None:
        """Speech to the open call, which then has all of the utterance."""
        if self._calls.open is not None and pcm:
            self._do(SendAudio(self._calls.open, pcm))
            self._sent_to = self._calls.open

    def _mind_the_turn(self) -> None:
        """End a turn that is too long, or that the service began and does not end."""
        hanging = self._turn.began and self._utterance.silent_ms >= self._manners.hang_ms
        if not (self._utterance.full or hanging):
            return
        if hanging and self._only_the_word:
            self._turn.began = False
            self._wait(self._manners.nothing_said_ms)
            return
        if not self._own:  # a service that waits for silence gets it: its turns cannot be committed
            silence = bytes(frames_in(self._manners.hang_ms, LINK_RATE_HZ) * SAMPLE_BYTES)
            self._send(silence)
        self._turn_is_over("too long" if self._utterance.full else "no end heard")

    @_on.register
    def _on_endpointed(self, event: Endpointed) -> None:
        began = event.edge == "began"
        if self.state in _SOUNDING:
            self._overlap.here = "speech" if began else "ended"
            return
        self._turn.here = "speech" if began else "ended"
        if began and self.state is State.OPENING:
            self._turn.over = False  # whoever is asked next
        if not self._own:
            self._service_should_hear(began=began)
        elif began:
            self._speech_begins()
        elif self.state is State.LISTENING and self._turn.began:
            self._turn_is_over("endpoint")

    def _service_should_hear(self, *, began: bool) -> None:
        """The ear has heard a whole turn, and the service not even its beginning: it gets little time more."""
        if self.state is State.LISTENING and self._unheard and self._has_other:
            self._wait(self._manners.nothing_said_ms if began else self._manners.link_silence_ms)

    def _speech_begins(self) -> None:
        if self.state is State.LINGERING:
            here = self._turn.here
            self._begin_turn()
            self._turn.here, self._floor_taken_s = here, self._now
            self._follow_ups += 1
            if self._own:
                self._send(self._utterance.pcm)
            self._go(State.LISTENING, self._manners.max_turn_ms, "follow-up")
        elif self.state is State.LISTENING:
            self._wait(self._manners.max_turn_ms)
        elif self.state is not State.OPENING:
            return
        self._turn.began, self._turn.over = True, False
        self._utterance.silent_ms = 0.0

    # ── events: somebody speaks over us ──────────────────────────────────────────────────────────

    @_on.register
    def _on_near_end(self, event: NearEnd) -> None:
        if self.state not in _SOUNDING:
            return
        if event.edge == "ended":
            self._overlap.near, self._overlap.service = "quiet", False
        else:
            self._overlap.near = event.edge
        self._mind_the_floor()
        if event.edge == "ended":
            self._nobody_spoke()

    def _listen_over(self) -> None:
        """A reply sounds: what was asked is answered, and who speaks from here on begins anew."""
        if self._ear.streaming:
            self._utterance.keep_last(_KEPT_MS)
            self._utterance.begin(self._utterance.pcm)
        else:
            self._utterance.begin()
            self._sent_to = None

    def _mind_the_floor(self) -> None:
        """Believe by and by that somebody speaks over us: silence first, and then either his turn or ours goes on."""
        if not self._may_be_spoken_over:
            return
        verdict = self._overlap.verdict
        if verdict == "speech":
            self._yield_the_floor()
        elif verdict == "perhaps" and self.state is State.SPEAKING and self._replies.current is not None:
            self._do(Duck(self._replies.current.id))
            self._go(State.DOUBTING, self._manners.doubt_ms)
        elif verdict == "nothing" and self.state is State.DOUBTING:
            self._resume()

    def _yield_the_floor(self) -> None:
        """His turn: what he has said so far is the beginning of it."""
        overlap = self._overlap
        self._interrupt()
        self._begin_turn()
        self._follow_ups += 1
        self._turn.here, self._floor_taken_s = "speech", self._now
        self._turn.began = overlap.here == "speech" if self._own else overlap.service
        voiced_ms = self._utterance.recent_voiced_ms
        self._utterance.begin(self._utterance.pcm)
        self._utterance.voiced_ms = voiced_ms
        self._note("spoken-over", by="service" if overlap.service else "ear")
        if self._calls.open is None:
            self._listen()
            return
        if self._sent_to != self._calls.open:
            self._send(self._utterance.pcm)
        limit_ms = self._manners.max_turn_ms if self._turn.began else self._manners.nothing_said_ms
        self._go(State.LISTENING, limit_ms, "spoken over")

    def _resume(self) -> None:
        """It was nothing: the reply goes on where it was held."""
        reply = self._replies.current
        assert reply is not None
        reply.held(self._now - self._since_s)
        self._nobody_spoke()
        self._do(Resume(reply.id))
        self._go(State.SPEAKING, None, "nothing")
        self._await_reply()

    def _nobody_spoke(self) -> None:
        """Whoever speaks next is not the one who was heard now, as to the ear's judge of turns he would be."""
        if self._overlap.here != "quiet":
            self._do(*self._ear.anew(_HELD_MS))
        self._overlap.begin()

    @_on.register
    def _on_echo_judged(self, event: EchoJudged) -> None:
        self._note(
            "echo",
            "info" if event.cancelled else "warning",
            cancelled=str(event.cancelled).lower(),
            erle_db=round(event.erle_db, 1),
            delay_ms=round(event.delay_ms, 1),
            drift_ppm=round(event.drift_ppm),
        )
        if event.problem is not None:
            self._trouble(event.problem)
        self._overlap.cancelled = event.cancelled
        if not event.cancelled:
            self._overlap.near = self._overlap.here = "quiet"
        if self.state is State.DOUBTING and not self._may_be_spoken_over:
            self._resume()
        elif self.state is State.SPEAKING:
            if self._may_be_spoken_over and not self._ear.streaming:
                self._listen_over()
            elif self._ear.streaming and not self._may_be_spoken_over:
                self._rested_s = self._now
            self._do(*self._ear.stream(self._may_be_spoken_over))

    # ── events: mouth ────────────────────────────────────────────────────────────────────────────

    @_on.register
    def _on_sounded(self, event: Sounded) -> None:
        if self._announcing.sounded(event.reply):
            self._announcement_sounds()
            return
        reply = self._replies.current
        if reply is None or event.reply != reply.id or not reply.pushed_ms or self.state is not State.THINKING:
            return
        reply.sounded_s = self._now
        self._overlap.begin()
        if self._may_be_spoken_over:
            self._listen_over()
        self._go(State.SPEAKING, None)
        self._note("sounded", reply=event.reply)
        if reply.status == "withdrawn":  # too late: it is finished as far as it came
            self._end_reply(reply, completed=False)
        else:
            self._calls.answered()
        self._await_reply()

    @_on.register
    def _on_finished(self, event: Finished) -> None:
        reply = self._replies.current
        if reply is None or event.reply != reply.id:
            return
        self._replies.current = None
        self._note("heard", reply=reply.id, heard_ms=round(event.heard_ms), length_ms=round(reply.pushed_ms))
        if reply.status == "broken":
            self._reply_broke_off(reply.problem)
            return
        if self._announces:
            self._after_announcement()
            return
        self._problem = ""
        self._reply_is_over(reply)

    def _reply_broke_off(self, problem: Problem | None) -> None:
        """What came of it was heard. Who has begun to speak over it is not kept waiting by an apology."""
        problem = problem or Problem("lost", "The reply broke off: the service or the network failed")
        if self.state is State.DOUBTING and self._overlap.verdict != "nothing":
            self._trouble(problem)
            self._chime("sorry")
            self._yield_the_floor()
        else:
            self._say_sorry(problem)

    @_on.register
    def _on_hushed(self, event: Hushed) -> None:
        current = self._replies.current
        if current is not None and (current.id, current.status) == (event.reply, "withdrawn"):
            self._replies.current = None
            self._ask_next()
            return
        reply = self._replies.hushed(event.reply)
        if reply is not None:
            self._note("hushed", reply=reply.id, heard_ms=round(event.heard_ms), length_ms=round(reply.pushed_ms))
            self._do(*self._replies.heard(reply, event.heard_ms, self._calls.open))

    @_on.register
    def _on_mouth_failed(self, event: MouthFailed) -> None:
        self._hung = self._hung or event.hung
        self._mouth_problem = event.problem
        if self._voiceless_s is None:
            self._voiceless_s = self._now
        answers = self.state is State.THINKING or self.state in _SOUNDING or self._announces
        if answers and event.hung:
            self._say_sorry(event.problem)
            return
        self._trouble(event.problem)
        if answers and self.state is not State.DOUBTING:  # the mouth keeps the answer for a speaker that comes back
            self._wait(self._thinking_ms)

    @_on.register
    def _on_mouth_opened(self, _: MouthOpened) -> None:
        since_s, self._voiceless_s = self._voiceless_s, None
        self._mended(self._mouth_problem)
        self._note("mouth-opened")
        sounds = self.state is State.SPEAKING or self._announces
        if since_s is not None and sounds and self._replies.current is not None:
            self._replies.current.held(self._now - since_s)
            self._await_reply()

    # ── events: hands ────────────────────────────────────────────────────────────────────────────

    @_on.register
    def _on_button(self, event: ButtonMoved) -> None:
        self._gestured(self._gestures.handle(event, self._now))

    @_on.register
    def _on_commanded(self, event: Commanded) -> None:
        match event.order:
            case "stop":
                self._stop("told to")
                self._do(*answer(event.ask))
            case "listen":
                self._listen_when_told(event.ask)
            case "mute":
                self._mute_when_told(event.ask)
            case "unmute":
                self._unmute_when_told(event.ask)

    def _listen_when_told(self, ask: int | None) -> None:
        """As the talk button; but it never gives up a question, and who is elsewhere wants to know why it cannot be."""
        asleep = not self._ear.open and (not self._in_turn or self.state in _SOUNDING)
        if why := self._muting.why or (_NO_EAR if asleep or self.state is State.DEAF else ""):
            self._do(*answer(ask, why))
            return
        self._mind_the_ringing()
        if self.state not in (State.OPENING, State.LISTENING):
            self._talk()
        self._do(*answer(ask))

    def _mute_when_told(self, ask: int | None) -> None:
        self._muting.by_hand = True
        self._close_ear("told to")
        if self._ear.closing:
            self._muting.await_closing(ask, self._now)
        else:
            self._do(*answer(ask, _EAR_HANGS if self._ear_hangs else ""))

    def _unmute_when_told(self, ask: int | None) -> None:
        if self._muting.switched_off:
            self._do(*answer(ask, self._muting.why))
            return
        self._open_ear()
        if self.state is State.DEAF or not self._ear.open:
            self._muting.await_opening(ask, self._now)
        else:
            self._do(*answer(ask))

    @_on.register
    def _on_switch_moved(self, event: SwitchMoved) -> None:
        self._muting.problem = "" if event.problem is None else event.problem.sentence
        if event.problem is not None:
            self._note("problem", "warning", fault=event.problem.fault, sentence=event.problem.sentence)
        muted = event.muted or event.problem is not None
        if muted == self._muting.switched_off:
            return
        self._muting.switched_off = muted
        self._note("switch", muted=str(muted).lower())
        if muted:
            self._close_ear("switch")
        elif not self._muting.by_hand:
            self._open_ear()

    @_on.register
    def _on_volume_wanted(self, event: VolumeWanted) -> None:
        self._do(*self._volume.want(event.percent, event.change, event.ask, self._now))

    @_on.register
    def _on_volume_changed(self, event: VolumeChanged) -> None:
        ours, effects = self._volume.changed(event.percent, self._now)
        self._note("volume", percent=event.percent)
        self._do(*effects)
        quiet = self.state in AT_REST or self.state is State.SORRY
        if ours and quiet and not self._announces:
            self._chime("volume")

    def _gestured(self, gestures: list[Gesture]) -> None:
        for gesture in gestures:
            match gesture.button, gesture.kind:
                case ("talk", "press") if not self._mind_the_ringing():
                    self._talk()
                case ("talk", "double"):
                    self._stop("double tap")
                case ("talk", "hold") | ("mute", "press" | "double"):
                    self._toggle_mute()
                case ("volume_up" | "volume_down" as button, "press" | "repeat" as kind):
                    up, again = button == "volume_up", kind == "repeat"
                    self._do(*self._volume.step(self._now, up=up, again=again))

    def _talk(self) -> None:
        """The talk button: begin, interrupt, start over, or give up."""
        self._note("talk")
        if self.state in (State.OPENING, State.LISTENING, State.THINKING):
            again = self._turn.by_talk and not self._anything_said and self.state is not State.THINKING
            fresh = self._now - self._floor_taken_s < _SAME_S and not self._turn.losses
            if fresh and self.state is not State.THINKING:
                self._floor_taken_s = NEVER
                self._chime("wake")
            elif again or self._manners.talk_again == "give_up":
                self._give_up("talk")
            else:
                self._start_over()
        elif self.state is not State.DEAF and self._ear.open:
            kept_ms = self._manners.talk_preroll_ms
            heard, overlap = self._ear.streaming, self._overlap
            speaks = heard and self.state in _SOUNDING
            rests = self.state in (State.ASLEEP, State.SORRY)
            joined = heard or (rests and self._now - self._rested_s <= kept_ms / 1000)
            self._utterance.keep_last(kept_ms if joined else 0.0)
            self._interrupt()
            self._begin_turn(by_talk=True)
            if speaks and overlap.here == "speech":  # the ear says it but once, and so does the service
                self._turn.here = "speech"
            self._turn.began = speaks and (overlap.here == "speech" if self._own else overlap.service)
            self._follow_ups = 0
            self._utterance.begin(self._utterance.pcm)
            if self.state is State.LINGERING and self._now - self._since_s < self._overlap.decay_s:
                self._do(*self._ear.anew(kept_ms))  # who presses is heard at once, and be it over our own tail
            self._do(*self._ear.stream(True, kept_ms if rests else 0.0))
            self._listen()
            if joined and self._sent_to is None:
                self._send(self._utterance.pcm)
            self._chime("wake")
        elif self.state is State.DEAF:
            self._interrupt()  # an announcement
        else:
            if self._announces:
                self._sleep("talk")
            self._chime("sorry")

    @property
    def _anything_said(self) -> bool:
        """In this turn, by anybody's judgement."""
        turn, voiced_ms = self._turn, self._utterance.voiced_ms
        return turn.began or turn.over or turn.here != "quiet" or voiced_ms >= _EXTENSION_VOICED_MS

    def _start_over(self) -> None:
        """The question is asked anew: what was said of it so far is not wanted."""
        self._utterance.begin()
        self._sent_to, self._follow_ups = None, 0
        self._do(*self._ear.anew())
        self._chime("wake")
        if self.state is State.OPENING:  # whoever was asked in vain for this turn has refused the next one too
            self._turn = UserTurn(by_word=False, by_talk=True, losses=self._turn.losses, problem=self._turn.problem)
            self._wait(self._manners.opening_ms)
            return
        unended = self._replies.current is None and not self._turn.answerable
        if self.state is State.LISTENING or unended:  # the service holds half a turn
            self._hang_up()
        else:
            self._interrupt()
        self._begin_turn(by_talk=True)
        self._listen()

    def _stop(self, why: str) -> None:
        """Whatever it says, will say or listens to, and whatever rings."""
        self._ringing.stop()
        self._do(*self._announcing.forget(_STOPPED))
        if self._announcing.pending:
            self._do(*self._announcing.done(_STOPPED))
        self._give_up(why)

    def _give_up(self, why: str) -> None:
        if self.state in AT_REST or self.state is State.SORRY:
            self._interrupt()  # an announcement
            return
        if self.state is not State.LINGERING and not self._announces:
            self._interrupt()  # the service holds half a turn, or an answer nobody wants
            self._hang_up()
        self._sleep(why)
        self._utterance.keep_last(self._manners.talk_preroll_ms)  # the rest was given up

    def _toggle_mute(self) -> None:
        if self._muting.switched_off:
            self._note("switched-off")
            self._chime("mute")
            return
        self._muting.by_hand = self._ear.wanted
        if self._muting.by_hand:
            self._close_ear("mute")
        else:
            self._open_ear()

    def _close_ear(self, why: str) -> None:
        """Muted, by whatever: from here on nothing is heard, kept or sent."""
        self._do(*self._muting.closes())
        if not self._ear.wanted:
            return
        if self.state is State.DEAF:  # it was about to open
            self._do(*self._ear.mute())
            return
        chimes = self._ear.open or why != "switch"  # at the start it is as the owner left it
        mid_turn = self._in_turn
        self._interrupt()
        self._do(*self._ear.mute())
        (self._hang_up if mid_turn else self._rest)()
        self._utterance.wipe()
        self._go(State.DEAF, None, why)
        if chimes:
            self._chime("mute")

    def _open_ear(self) -> None:
        self._muting.by_hand = False
        self._do(*self._muting.opens())
        if not self._ear.wanted:
            self._do(*self._ear.unmute())

    # ── events: timers ───────────────────────────────────────────────────────────────────────────

    @_on.register
    def _on_timer_due(self, event: TimerDue) -> None:
        self._note("timer-due", timer=event.timer, late_s=round(event.late_s, 1))
        self._do(*self._ringing.due(event.label, self._now, quiet=self._quiet))

    def _mind_the_ringing(self) -> bool:
        """Somebody is there, and has heard it: whether it rang just now."""
        if not self._ringing.heard:
            return False
        self._note("ring-heard")
        return self._ringing.stop()

    @property
    def _quiet(self) -> bool:
        """Nobody speaks, nor do we: it may ring."""
        return self.state in AT_REST and not self._announces

    # ── events: announcements ────────────────────────────────────────────────────────────────────

    @_on.register
    def _on_say_wanted(self, event: SayWanted) -> None:
        self._do(*self._announcing.want(event.text, event.ask, event.style))

    @_on.register
    def _on_speech_made(self, event: SpeechMade) -> None:
        self._do(*self._announcing.piece(event.say, event.pcm, self._now))
        if self._announces:
            self._await_reply()

    @_on.register
    def _on_speech_over(self, event: SpeechOver) -> None:
        problem, effects = self._announcing.over(event.say, event.problem)
        self._do(*effects)
        if problem is not None:
            self._announcement_fails(problem)
        elif self._announces:
            self._await_reply()

    def _announcement_sounds(self) -> None:
        """From here on it is a reply; but that nobody may speak over it, as nobody has begun a conversation."""
        reply = self._replies.current = self._announcing.sounding
        assert reply is not None
        reply.sounded_s = self._now
        self._lingered = self.state is State.LINGERING
        self._overlap.begin()
        if self.state is not State.DEAF:
            self._go(State.SPEAKING, None, "announcement")
        self._note("sounded", reply=reply.id)
        self._await_reply()

    def _after_announcement(self) -> None:
        if self.state is State.DEAF:
            self._wait(None)
        elif self._lingered:
            self._after_reply()
        else:
            self._sleep("said")

    def _announcement_fails(self, problem: Problem) -> None:
        """Before anything of it was heard."""
        self._announcing.blame(problem)
        self._say_sorry(problem)

    def _mind_the_announcements(self) -> None:
        """After each event: one that was silenced or has failed is over, and the next waits until nobody speaks."""
        if self._announcing.over_with(self._replies.current):
            self._do(*self._announcing.done())
        if self._announcing.pending and not self._nobody_speaks:
            self._do(*self._announcing.put_back())
        if self._nobody_speaks and not self._hung:
            self._do(*self._announcing.begin(self._now))

    # ── events: link ─────────────────────────────────────────────────────────────────────────────

    @_on.register
    def _on_link_opened(self, event: LinkOpened) -> None:
        link = self._calls.link_of(event.call)
        if not link:
            return
        news = self._told.pop(link, None) is not None
        self._do(*self._calls.opened(event.call, self._now, at_rest=self._at_rest))
        if self._calls.open != event.call:
            self._note("link-tried", "info" if news else "debug", call=event.call, link=link)
            return
        self._note("link-opened", call=event.call, link=link)
        if self.state is not State.OPENING:
            return
        self._say_all()

    def _say_all(self) -> None:
        """The open call gets the turn so far, from its first sample; and its end, if that is ours to judge and past."""
        self._send(self._utterance.pcm)
        (self._turn.for_ear if self._own else self._turn.for_service)()
        over = self._turn.over
        self._go(State.LISTENING, self._manners.max_turn_ms if self._turn.began else self._manners.nothing_said_ms)
        if over:
            self._turn_is_over("endpoint")

    @_on.register
    def _on_link_alive(self, _: LinkAlive) -> None:
        """Every event of a call is a sign of life: the pulse has taken it."""

    @_on.register
    def _on_link_closed(self, event: LinkClosed) -> None:
        link = self._calls.link_of(event.call)
        if not link:  # one given up before
            return
        problem = event.problem or Problem("lost", "The service ended the call")
        in_use = self._calls.closed(event.call, event.problem, self._now, in_turn=self._in_turn)
        told = self._told.setdefault(link, [])
        news = problem.sentence not in told and len(told) < _MOST_TOLD
        if news:
            told.append(problem.sentence)
        level = ("warning" if event.problem else "info") if news or self._in_turn else "debug"
        what = "link-closed" if in_use else "spare-call-closed"
        self._note(what, level, call=event.call, link=link, why=problem.sentence)
        if in_use:
            self._link_failed(problem)

    def _link_failed(self, problem: Problem) -> None:
        """The call in use, or the one that was waited for, is gone."""
        if self._in_turn:
            self._turn.problem = self._turn.problem or problem
        match self.state:
            case State.OPENING if self._calls.hopeless:
                self._say_sorry(self._turn.problem or problem)
            case State.OPENING:
                self._problem = problem.sentence  # retried until the deadline
                self._do(*self._calls.need(self._now, self._history.turns()))
            case State.THINKING if self._reply_has_come:
                pass  # all of it has come, and will be heard
            case State.LISTENING | State.THINKING:
                self._hand_over(problem)
            case State.SPEAKING | State.DOUBTING if not self._announces:
                self._break_reply()
            case State.LINGERING if self._someone_began or self._turn.here != "quiet":
                self._hand_over(problem)
            case State.LINGERING:
                self._sleep("call lost")
            case _:
                self._problem = problem.sentence

    def _fail_link(self, problem: Problem) -> None:
        """The open call is of no use to this turn, though nobody has closed it."""
        self._note(
            "link-given-up", "warning", call=self._calls.open or 0, link=self._calls.link.name, why=problem.sentence
        )
        self._do(*self._calls.give_up(self._now))
        self._link_failed(problem)

    def _hand_over(self, problem: Problem) -> None:
        """The call died under a turn: the same words go to the next one, if nothing of its reply can be heard."""
        self._replies.call_ended()
        if problem.fault == "blocked":  # who is asked next must not be told of it
            self._history.turn_lost()
        if not self._may_ask_again(problem):
            problem = Problem(problem.fault, _RAN_IN_VAIN) if self._tools.ran else self._turn.problem or problem
            self._break_reply() if self._has_sound else self._say_sorry(problem)
            return
        self._problem = problem.sentence
        reply = self._replies.current
        if reply is not None and self._has_sound:  # the mouth knows whether a sample of it went to the card
            if reply.status == "running":
                reply.status, reply.problem = "withdrawn", problem
                self._do(Withdraw(reply.id))
                self._wait(_MOUTH_GRACE_S * 1000)
            return
        self._replies.current = None
        self._ask_next()

    def _ask_next(self) -> None:
        self._turn.losses += 1
        self._history.turn_lost()
        someone_speaks = self.state is not State.THINKING or self._someone_began
        self._turn.over = not someone_speaks or self._turn.here == "ended"
        # What goes on being said is in the question as well, and there is no hole before it.
        self._do(*self._ear.stream(True, _EVER_KEPT_MS))
        self._listen()
        if self.state is State.LISTENING:  # a call was open already, that was to renew the one that is lost
            self._say_all()

    def _may_ask_again(self, problem: Problem) -> bool:
        """A link that was not asked; or the same again, if the user has not waited long already."""
        waited_ms = (self._now - self._since_s) * 1000 if self.state is State.THINKING else 0.0
        soon = waited_ms < self._manners.answer_ms and self._turn.losses < _MAX_LOSSES
        if problem.fault == "blocked":
            return False
        return self._has_more or (not self._tools.ran and problem.may_pass and soon)

    @_on.register
    def _on_speech_started(self, event: SpeechStarted) -> None:
        if event.call != self._calls.open or self._own:
            return
        self._heard_by = event.call
        if self.state is State.THINKING:
            self._user_goes_on()
        elif self.state in _SOUNDING:
            self._overlap.service = True
            self._mind_the_floor()
        else:
            self._speech_begins()

    def _user_goes_on(self) -> None:
        """The service took a pause for the end, and nothing of its answer has been heard."""
        if self._utterance.recent_voiced_ms < _GOES_ON_VOICED_MS or self._utterance.full:
            return  # the service hears what we do not, a door, a cough; or the turn has had its time
        self._note("goes-on")
        self._interrupt()
        if self._tools.spoke:  # and an answer to what he said before, in part: this is something new
            here = self._turn.here
            self._begin_turn()
            self._turn.here, self._follow_ups = here, self._follow_ups + 1
        self._turn.began, self._turn.over = True, False
        self._go(State.LISTENING, self._manners.max_turn_ms)

    @_on.register
    def _on_speech_stopped(self, event: SpeechStopped) -> None:
        if event.call != self._calls.open or self._own:
            return
        self._missed_the_beginning()
        if self.state in _SOUNDING:  # an answer will come to what was nothing
            self._replies.owe(self._now)
            self._overlap.service = False
            self._mind_the_floor()
            return
        if self.state is State.THINKING and self._tools.stage != "none":  # it answers what was nothing first
            self._replies.owe(self._now)
            return
        if self.state is State.THINKING:
            self._turn.answerable = True
        if self.state is not State.LISTENING:
            return
        if self._only_the_word:
            self._note("only-the-wake-word")
            self._replies.owe(self._now)
            self._turn.began = False
            self._wait(self._manners.nothing_said_ms)
            return
        self._turn_is_over("service")

    def _missed_the_beginning(self) -> None:
        """The service ends or answers a follow-up that it never began: that word was lost, and the ear has heard it."""
        if self.state is State.LINGERING and self._turn.here != "quiet":
            self._speech_begins()

    @_on.register
    def _on_nothing_recognised(self, event: NothingRecognised) -> None:
        if event.call != self._calls.open:
            return
        reply = self._replies.current
        unanswered = reply is None or (self._own and not reply.pushed_ms)  # own turns: it may begin with the turn's end
        waits = self.state is State.THINKING and unanswered and self._tools.stage == "none"
        if not self._replies.paid() and waits:
            self._note("nothing-recognised")
            self._replies.current = None  # it ends by itself
            self._sleep("no speech found")

    @_on.register
    def _on_user_said(self, event: UserSaid) -> None:
        if event.call == self._calls.open:
            self._history.said(f"{event.call}/{event.item}", event.text)
            if event.text:
                self._note("user-said", "debug", item=event.item, characters=len(event.text))

    @_on.register
    def _on_reply_started(self, event: ReplyStarted) -> None:
        """The one place where a reply is taken up."""
        current = self._replies.current
        if event.call != self._calls.open or (current is not None and current.id == event.reply):
            return
        if not self._own:
            self._missed_the_beginning()
        wanted = self.state is State.THINKING or (self.state is State.LISTENING and not self._own)
        wanted = wanted and not self._tools.pending
        if not self._replies.take_up(event.call, event.reply, self._now, wanted=wanted):
            self._note("reply-refused", "debug", reply=event.reply)
            self._do(CancelReply(event.call, event.reply, 0.0))
            return
        self._note("reply-started", reply=event.reply)
        self._tools.answers()
        if self.state is State.LISTENING:
            self._turn_is_over("service")

    @_on.register
    def _on_reply_text(self, event: ReplyText) -> None:
        if self._replies.running(event.call, event.reply) is not None:
            self._history.replied(event.reply, event.text)

    @_on.register
    def _on_reply_audio(self, event: ReplyAudio) -> None:
        reply = self._replies.running(event.call, event.reply)
        if reply is None or not event.pcm:
            return
        if reply.pushed_ms == 0:
            self._note("first-audio", reply=event.reply)
        reply.add(event.pcm, self._now)
        self._do(Play(event.reply, event.pcm))
        if self.state is State.THINKING and self._state_deadline is not None:
            gap_s = max(_MOUTH_GRACE_S, self._manners.reply_gap_ms / 1000)
            self._state_deadline = max(self._state_deadline, self._now + gap_s)
        self._await_reply()

    @_on.register
    def _on_reply_ended(self, event: ReplyEnded) -> None:
        reply = self._replies.running(event.call, event.reply)
        if reply is None:
            return
        self._note("reply-ended", reply=event.reply, status=event.status)
        reply.problem = event.problem
        completed = event.status == "completed"
        too_late = self.state in _SOUNDING or not self._has_more
        if reply.pushed_ms and (completed or too_late):
            self._end_reply(reply, completed=completed)
        elif completed:
            self._replies.current = None
            self._reply_is_over(reply)
        else:
            self._ask_another(event.problem or self._at_fault("gave no answer"))

    # ── events: tools ────────────────────────────────────────────────────────────────────────────

    @_on.register
    def _on_tool_called(self, event: ToolCalled) -> None:
        if self._replies.running(event.call, event.reply) is None:
            if event.call == self._calls.open:
                self._note("tool-refused", "debug", name=event.name, reply=event.reply)
                self._do(*self._tools.refuse(event))
            return
        self._do(*self._tools.called(event))
        if self.state is State.THINKING and self._state_deadline is not None:
            self._state_deadline = max(self._state_deadline, self._now + self._thinking_ms / 1000)

    @_on.register
    def _on_tool_answered(self, event: ToolAnswered) -> None:
        if self._tools.answered(event.run, event.output):
            self._give_outputs()

    @_on.register
    def _on_tools_changed(self, _: ToolsChanged) -> None:
        self._calls.renew(self._now)

    def _reply_is_over(self, reply: Reply) -> None:
        """All of it has come and was heard."""
        if self._tools.of(reply.call, reply.id):
            self._tools_are_due()
        else:
            self._after_reply()

    def _tools_are_due(self) -> None:
        """The reply has called tools: what came of them makes the next, without anybody's saying a word."""
        heard = self.state in _SOUNDING
        self._tools.over(heard=heard)
        if self._tools.endless:
            self._say_sorry(_CALLS_ON)
        elif self._calls.open != self._tools.call:
            self._say_sorry(Problem("lost", _RAN_IN_VAIN))
        elif (
            heard
            and self._may_be_spoken_over
            and (self._overlap.here == "speech" if self._own else self._overlap.service)
        ):
            self._yield_the_floor()
        else:
            if heard:
                self._turn.here = self._overlap.here if self._ear.streaming else "quiet"
                if not self._ear.streaming:
                    self._utterance.begin()
                    self._sent_to = None
            self._turn.answerable = True
            self._go(State.THINKING, self._thinking_ms, "tools")
            self._give_outputs()

    def _give_outputs(self) -> None:
        """If all are in, and the reply that wants them is over."""
        if effects := self._tools.give():
            self._do(*effects)
            self._wait(self._thinking_ms)

    def _drop_tools(self) -> None:
        self._do(*self._tools.drop(self._calls.open))

    # ── events: what the service complains of ────────────────────────────────────────────────────

    @_on.register
    def _on_complaint(self, event: ServiceComplained) -> None:
        if event.call in (self._calls.open, self._calls.opening):
            self._trouble(event.problem)

    # ── events: time ─────────────────────────────────────────────────────────────────────────────

    @_on.register
    def _on_ticked(self, _: Ticked) -> None:
        self._gestured(self._gestures.tick(self._now))
        self._do(*self._volume.tick(self._now), *self._muting.tick(self._now))
        self._do(*self._ringing.tick(self._now))
        if late := self._announcing.late(self._now):
            self._announcement_fails(late)
        if self._forget_at is not None and self._now >= self._forget_at:
            self._note("forgotten")
            self._history.forget()
            self._calls.renew(self._now)
        if self._calls_due is not None and self._now >= self._calls_due:
            self._do(*self._calls.tick(self._now, self._history.turns(), at_rest=self._at_rest))
        self._do(*self._ear.tick(self._now))
        self._feel_the_pulse()
        if self._state_deadline is not None and self._now >= self._state_deadline:
            self._out_of_time()

    def _feel_the_pulse(self) -> None:
        match self._pulse.tick(self._now):
            case "ask" if self._calls.open is not None:
                self._do(CheckLink(self._calls.open))
            case "dead":
                silence = f"gave no sign of life for {self._manners.link_silence_ms} ms"
                self._fail_link(Problem("lost", f"{self._calls.link.name} {silence}: the network is gone, or it hangs"))

    def _out_of_time(self) -> None:
        if self._someone_speaks():
            self._state_deadline = min(self._now + _EXTENSION_S, self._deadline_limit)
            return
        match self.state:
            case State.OPENING:
                self._say_sorry(self._turn.problem or Problem("lost", "The service could not be reached in time"))
            case State.LISTENING if self._turn.began:
                self._ask_another(self._at_fault("did not end the turn"))
            case State.LISTENING if self._someone_began or self._unheard or self._much_said:
                self._ask_another(self._at_fault("did not hear the speech"))
            case State.LISTENING:
                if self._own:  # what the service has of it would join the next question
                    self._hang_up()
                self._sleep("nothing said")
            case State.THINKING if self._tools.stage == "awaited":
                self._do(*self._tools.late())
                self._give_outputs()
            case State.THINKING if not self._has_sound:
                self._ask_another(self._at_fault("did not answer in time"))
            case State.THINKING | State.SPEAKING:
                self._reply_is_late()
            case State.DOUBTING:
                self._resume()
            case State.LINGERING if self._much_said:
                self._ask_another(self._at_fault("did not hear the speech"))
            case State.LINGERING:
                self._sleep("no follow-up")
            case State.SORRY:
                self._sleep("shown")
            case State.DEAF if self._announces:
                self._reply_is_late()
            case State.ASLEEP | State.DEAF:
                self._state_deadline = None

    def _ask_another(self, problem: Problem) -> None:
        """The service has heard the turn, or should have, and does not answer it."""
        if self._has_more:
            self._fail_link(problem)
        else:
            self._say_sorry(self._turn.problem or problem)

    def _someone_speaks(self) -> bool:
        """The service is slow to say so, but somebody has begun to speak: wait, within limits."""
        return (
            (self.state is State.LINGERING or (self.state is State.LISTENING and not self._turn.began))
            and self._now < self._deadline_limit
            and (self._someone_began or self._turn.here == "speech")
        )

    def _reply_is_late(self) -> None:
        """The service stopped in the middle of a reply, or the mouth does not begin or end."""
        reply = self._replies.current
        if reply is None:  # an announcement that was silenced while deaf
            self._wait(None)
            return
        if reply.status != "running" or self._voiceless:
            self._say_sorry(_MUTE_SPEAKER)
            return
        self._note("reply-stalled", "warning", reply=reply.id)
        if self.state is State.THINKING and self._has_more:
            self._fail_link(Problem("lost", "The reply broke off before it could be heard"))
            return
        if self._announces:
            reply.problem = _BROKE_OFF
            self._do(*self._announcing.stop_making())
        else:
            self._do(CancelReply(reply.call, reply.id, reply.pushed_ms))
        self._end_reply(reply, completed=False)
        if self.state is State.THINKING:  # it was too short to begin
            self._wait(_MOUTH_GRACE_S * 1000)

    # ── replies ──────────────────────────────────────────────────────────────────────────────────

    def _await_reply(self) -> None:
        """While a reply can be heard, the deadline follows what has come of it; or the speaker, while that is gone."""
        reply = self._replies.current
        if not (self.state is State.SPEAKING or self._announces) or reply is None:
            return
        if not self._voiceless:
            gap_s = self._manners.reply_gap_ms / 1000
            self._state_deadline = reply.out_by(self._now, gap_s, _MOUTH_GRACE_S)
        elif self._state_deadline is None:
            self._wait(self._thinking_ms)

    def _end_reply(self, reply: Reply, *, completed: bool) -> None:
        reply.status = "completed" if completed else "broken"
        self._do(EndPlay(reply.id))
        self._await_reply()

    def _break_reply(self) -> None:
        """The call is gone; what came of the reply is played to its end."""
        reply = self._replies.current
        if reply is not None and reply.status == "running":
            self._end_reply(reply, completed=False)

    def _after_reply(self) -> None:
        endless = self._utterance.full or self._endless
        if self._manners.follow_up_ms and self._calls.open is not None and self._ear.open and not endless:
            overlap = self._overlap
            self._begin_turn()
            if self._ear.streaming:  # whoever begins as the reply ends is heard from his first word
                self._turn.here = overlap.here
            else:
                self._utterance.begin()
            self._go(State.LINGERING, self._manners.follow_up_ms)
            if overlap.here == "speech" if self._own else overlap.service:
                self._speech_begins()
        elif self._calls.open is None and self._overlap.begun and self._may_be_spoken_over:
            self._yield_the_floor()
        else:
            self._sleep("reply over")

    def _interrupt(self) -> None:
        """Silence, and whatever answers what was asked before is refused."""
        due = self.state is State.THINKING and self._replies.current is None and not self._tools.pending
        if due and self._turn.answerable:
            self._replies.owe(self._now)
        self._do(*self._replies.interrupt(self._calls.open, self._now))
        self._drop_tools()

    def _rest(self) -> None:
        """The conversation is over; only warm calls stay."""
        if effects := self._calls.rest(self._now):
            self._replies.call_ended()
            self._do(*effects)

    def _hang_up(self) -> None:
        self._drop_tools()
        self._replies.call_ended()
        self._do(*self._calls.hang_up(self._now))

    def _free_the_sound(self) -> None:
        """A hung sound system is freed by the end of the process alone; a turn that needs no more of it goes on."""
        at_rest = self.state in AT_REST and not self._announces
        rings = self._ringing.heard and not self._voiceless
        if self._hung and not rings and (at_rest or (self.state is State.SORRY and not self._apologises)):
            self._hung = False
            self._note("begin-anew", "warning", why="the sound system hangs")
            for who in (self._muting, self._volume, self._announcing):
                self._do(*who.forget(_ANEW))
            self._do(*self._announcing.done(_ANEW))
            self._do(Replace(muted=self._muting.by_hand))

    # ── small things ─────────────────────────────────────────────────────────────────────────────

    @property
    def _at_rest(self) -> bool:
        """Nobody is in conversation with us; an announcement out of sleep is none."""
        return self.state in AT_REST or (self.state is State.SPEAKING and self._announces and not self._lingered)

    @property
    def _in_turn(self) -> bool:
        return self.state in _IN_TURN and not self._announces

    @property
    def _announces(self) -> bool:
        """What sounds is an announcement."""
        return self._announcing.sounding is not None

    @property
    def _voiceless(self) -> bool:
        return self._voiceless_s is not None

    @property
    def _endless(self) -> bool:
        """Nobody has said a wake word or pressed a button for long: it may be a television that answers us."""
        return self._follow_ups >= self._manners.max_follow_ups

    @property
    def _may_be_spoken_over(self) -> bool:
        """The ear listens while a reply can be heard."""
        return self._overlap.full and not self._endless and not self._announces

    @property
    def _own(self) -> bool:
        """The end of a turn is the ear's to judge, on the link that is in use."""
        return self._calls.link.own_turns

    @property
    def _thinking_ms(self) -> float:
        """How long a reply may take to sound: less, when another link could be asked."""
        limit_ms = max(self._manners.thinking_ms, self._calls.link.first_sound_ms)
        if self._tools.running:
            limit_ms = max(limit_ms, self._tools.limit_ms)
        return min(self._manners.answer_ms, limit_ms) if self._has_other else limit_ms

    @property
    def _has_other(self) -> bool:
        """This turn could be asked elsewhere, and nothing is known against it."""
        return self._calls.has_other and not self._tools.ran

    @property
    def _has_more(self) -> bool:
        """This turn may be asked elsewhere; never where it has run a tool."""
        return self._calls.has_more and not self._tools.ran

    @property
    def _must_live(self) -> bool:
        """A half-dead call would cost the turn time, and there is another to ask."""
        begun = self.state is State.LINGERING and self._turn.here != "quiet"
        waits = begun or self.state in (State.LISTENING, State.THINKING)
        reply = self._replies.current
        running = reply is None or reply.status == "running"
        return waits and running and self._calls.open is not None and self._has_other

    @property
    def _nobody_speaks(self) -> bool:
        """And nothing sounds, or is about to."""
        lingers = self.state is State.LINGERING and self._turn.here == "quiet" and not self._someone_began
        return lingers or self.state in AT_REST

    @property
    def _someone_began(self) -> bool:
        """Much of the last second was voice."""
        return self._utterance.recent_voiced_ms >= _EXTENSION_VOICED_MS

    @property
    def _unheard(self) -> bool:
        """The ear has heard speech, and more than the wake word; the service nothing at all since its call began.

        One that has heard anything on this call, the wake word for instance, is believed when it ignores a cough.
        """
        heard = self._turn.here != "quiet" and not self._only_the_word
        return heard and not (self._own or self._turn.began) and self._heard_by != self._calls.open

    @property
    def _much_said(self) -> bool:
        """The ear has heard more than a cough; the service, whatever it has heard before, nothing in all the time."""
        heard = self._turn.here != "quiet" and self._utterance.voiced_ms >= _MUCH_VOICED_MS
        return heard and not (self._own or self._turn.began)

    @property
    def _has_sound(self) -> bool:
        """The mouth was given some of the reply."""
        return self._replies.current is not None and self._replies.current.pushed_ms > 0

    @property
    def _reply_has_come(self) -> bool:
        """All of the reply is here, whatever becomes of the call."""
        return self._replies.current is not None and self._replies.current.status == "completed"

    @property
    def _only_the_word(self) -> bool:
        """A turn that so far has nothing in it but the wake word."""
        return self._turn.by_word and self._utterance.voiced_ms < self._manners.wake_only_voiced_ms

    @property
    def _calls_due(self) -> float | None:
        """At rest the next call is told what was said: not before it is known what was heard of it, if that comes."""
        due = self._calls.deadline(at_rest=self._at_rest)
        hushed_by = self._replies.hushed_by
        return due if due is None or hushed_by is None or not self._at_rest else max(due, hushed_by)

    @property
    def _forget_at(self) -> float | None:
        if not self._at_rest or not len(self._history):
            return None
        return self._last_turn_s + self._manners.forget_after_s

    @property
    def _link_health(self) -> LinkHealth:
        if self._calls.open is not None:
            return "open"
        if self._calls.failing:
            return "failing"
        return "none" if self._calls.opening is None else "opening"

    def _do(self, *effects: Effect) -> None:
        self._effects.extend(effects)

    def _at_fault(self, what: str) -> Problem:
        """The link that is in use, for the owner who has several."""
        return Problem("lost", f"{self._calls.link.name} {what}: try it with 'antiphon doctor'")

    def _trouble(self, problem: Problem, level: str = "warning") -> None:
        self._problem = problem.sentence
        self._note("problem", level, fault=problem.fault, sentence=problem.sentence)

    def _mended(self, problem: Problem | None) -> None:
        """It is no problem any more; another that has come since stays one."""
        if problem is not None and problem.sentence == self._problem:
            self._problem = ""

    def _chime(self, name: ChimeName) -> None:
        self._do(Chime(name))

    def _note(self, what: str, level: str = "info", **fields: str | float) -> None:
        kept = tuple((name, value) for name, value in fields.items() if value != "")
        self._do(Note(what, kept, level))  # type: ignore[arg-type]
