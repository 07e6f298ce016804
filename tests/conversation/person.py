"""Who speaks in a world, and what goes wrong while he does: one turn after another, and their ends."""

from random import Random
from typing import TYPE_CHECKING

from antiphon.conversation import events as ev
from antiphon.conversation.states import State
from conversation.judge import IN_TURN, Kind, Turn
from conversation.room import GRAIN_MS
from conversation.services import LOST, REFUSED, Answering, Mood, Said, Service

if TYPE_CHECKING:
    from conversation.world import World

_WORD_MS = 600
_MORE_S = 0.4
_STUCK_S = 90.0
_HESITATION_MS = 2000
_COUGH_S = 1.5
_NIGHTS, _NIGHT_S = 0.05, 200.0  # now and then everything is well for so long
_LATEST_S = 0.1  # before the device falls asleep, somebody may begin
_REPLY_FAULTS: tuple[Answering, ...] = ("nothing", "failed", "dies", "stalls", "late", "deaf", "endless")
_MOODS: tuple[Mood, ...] = ("well", "well", "refuses", "loses", "silent", "slow")


class Person:
    """Says a thing, waits for what comes of it, and says the next."""

    def __init__(self, world: "World", faults: float, disturbances: float) -> None:
        self._world = world
        self._faults, self._disturbances = faults, disturbances
        self.turn: Turn | None = None
        self.turns = 0
        self._says_word = False
        self._rested_at_s = 0.0
        world.after(self._dice.choice((0.2, 3.0)), self._act)

    @property
    def _dice(self) -> Random:
        return self._world.chance

    # ── what he hears ────────────────────────────────────────────────────────────────────────────

    def hear(self, said: Said) -> None:
        """The first sample of a reply."""
        self._world.judge.rule(self.turn is not None, f"{said.id} is heard, and nobody waits for it", None)
        if self.turn is not None:
            self.turn.heard.append(said)

    def hear_sorry(self) -> None:
        self._world.judge.rule(self.turn is not None, "the device is sorry for nothing", None)
        if self.turn is not None:
            self.turn.sorries += 1

    def look(self) -> None:
        """After everything that happens: is it over?"""
        turn, world = self.turn, self._world
        if turn is None:
            return
        if world.ear.heard_began > turn.first:
            turn.noticed = True
        gone = world.state not in (State.LINGERING, State.LISTENING)
        if turn.kind == "follow-up" and gone and not (turn.noticed or turn.excused):
            turn.excused = "unnoticed"  # the lamp changes as he opens his mouth
            self._fall_silent(turn)
        answered = turn.heard or turn.sorries
        over = world.state is State.ASLEEP or (world.state is State.LINGERING and answered)
        if turn.kind == "cough" and world.now >= turn.over_s and world.state is State.LINGERING:
            self._clear_throat(turn)
            return
        if over and (world.now >= turn.over_s or turn.kind == "cough"):
            self._close()
        else:
            world.judge.rule(world.now < turn.over_s + _STUCK_S, "it never ends", turn)

    def _clear_throat(self, cough: Turn) -> None:
        """After a cough that is not answered he speaks, perhaps."""
        if not cough.heard and self._left_s > _LATEST_S and self._dice.random() < 0.5:
            self._leave(cough)
            self._follow_up()
        elif cough.heard or cough.sorries:
            self._close()
        else:
            cough.over_s = self._world.now + self._left_s

    def _close(self) -> None:
        """The turn is over; some time later he says something else."""
        turn, world = self.turn, self._world
        assert turn is not None
        self._leave(turn)
        for service in world.services.values():
            service.answering = "well"
        for service in world.services.values():
            if self._dice.random() < 0.5:
                service.mood = "well"
        if self._dice.random() < _NIGHTS:
            for service in world.services.values():
                service.mood = "well"
            world.after(_NIGHT_S, self._act)
            return
        given_up_s = 1.0 if turn.excused == "given up" else 0.0  # pressed again sooner it would be a double tap
        world.after(given_up_s + self._gap_s(), self._act)

    def _leave(self, turn: Turn) -> None:
        score = self._world.score
        score[turn.kind] += 1
        score[turn.excused or ("answered" if turn.heard else "sorry" if turn.sorries else "ignored")] += 1
        score["a link failed"] += bool(turn.sick)
        asks = turn.first + _WORD_MS // GRAIN_MS * (turn.kind == "word")
        turn.voice_ms = GRAIN_MS * self._world.room.voiced_between(asks, turn.end)
        self._world.judge.judge(turn)
        self.turn = None
        self._rested_at_s = self._world.now

    def _fall_silent(self, turn: Turn) -> None:
        self._says_word = False
        self._world.room.fall_silent()
        turn.end, turn.over_s = min(turn.end, self._world.room.here), self._world.now

    def _gap_s(self) -> float:
        if self._world.state is State.LINGERING:
            return self._dice.uniform(0.05, self._world.manners.follow_up_ms / 1000)
        return self._dice.choice((0.1, 1.0, 5.0, 15.0, 70.0))

    # ── what he says ─────────────────────────────────────────────────────────────────────────────

    def _act(self) -> None:
        """He would say something, if the device is there to hear it."""
        world = self._world
        if self.turn is not None:
            return
        if self._says_word:
            self._wait()
        elif world.state is State.ASLEEP and world.ear.is_open:
            self._dice.choice((self.say_word, self.say_word, self._talk))()
        elif world.state is State.LINGERING and self._left_s > _LATEST_S:
            self._dice.choice((self._follow_up, self._follow_up, self._cough, self.say_word, self._talk, self._wait))()
        else:
            self._wait()

    @property
    def _left_s(self) -> float:
        """How long the device still listens for a follow-up."""
        snapshot = self._world.machine.snapshot
        return snapshot.since_s + self._world.manners.follow_up_ms / 1000 - self._world.now

    def _wait(self) -> None:
        self._world.after(1.0, self._act)

    def say_word(self) -> None:
        """The wake word and a question, in one breath or not; where the ear streams, it gets the word's beginning."""
        world = self._world
        first = world.room.here
        word_end = first + _WORD_MS // GRAIN_MS
        pauses_ms = (0, 0, 200, 1200, _HESITATION_MS) if world.state is State.ASLEEP else (0, 200)
        pause_ms = self._dice.choice(pauses_ms)
        end = self._speak(word_end, pause_ms)
        world.room.speak(first, word_end)
        if pause_ms == _HESITATION_MS and world.cloud_hears and not self._faults:
            self._cough_at(word_end + _HESITATION_MS // 2 // GRAIN_MS)
        self._says_word = True
        if world.state is State.LINGERING:
            self._begin("word", first, end)
        world.after(_WORD_MS / 1000 + self._dice.uniform(0.0, 0.08), lambda: self._woken(first, end))

    def _woken(self, first: int, end: int) -> None:
        """The ear has found the word."""
        world, turn = self._world, self.turn
        if not (self._says_word and world.ear.is_open):
            return
        self._says_word = False
        first = max(first, world.ear.streams_from)  # opened in the middle of a word, it has lost the beginning
        if turn is not None and (turn.first >= first or world.state in (State.OPENING, State.LISTENING)):
            if world.state in (State.OPENING, State.LISTENING):
                # It is a part of the turn that is under way; the ear may have rested between.
                turn.first, turn.end, turn.over_s = first, end, end * GRAIN_MS / 1000
                world.after(turn.over_s - world.now + 0.001, self.look)
            else:
                turn.sorries = 0  # of what came before the word
                world.judge.meet(turn, world.state, world.in_use, world.now - self._rested_at_s)
        else:
            self._interrupt()
            self._begin("word", first, end)
        world.ear.wake()

    def _talk(self) -> None:
        """The talk button, and a question that may begin a moment before."""
        world = self._world
        early = self._dice.randint(0, 14) if world.state is State.ASLEEP else 0
        first = world.room.here
        end = self._speak(first, 0, early)

        def press() -> None:
            self._interrupt()
            self._begin("talk", first, end)
            self._press("talk")

        world.after(early * GRAIN_MS / 1000, press)

    def _follow_up(self) -> None:
        first = self._world.room.here
        self._begin("follow-up", first, self._speak(first, 0))

    def _cough(self) -> None:
        first = self._world.room.here
        self._begin("cough", first, self._cough_at(first))
        assert self.turn is not None
        self.turn.over_s += _COUGH_S
        self._world.after(_COUGH_S + 0.5, self.look)

    def _cough_at(self, first: int) -> int:
        """For the ear it is speech, for a cloud's service less than that; where it ends."""
        end = first + self._dice.randint(7, 10)
        self._world.room.speak(first, end)
        return end

    def _speak(self, first: int, pause_ms: int, early: int = 0) -> int:
        """A question from here on, after a pause; where it ends. Its own pauses are no ends to anybody, and with its
        first `early` grains left out there is enough for any ear.
        """
        at = first + pause_ms // GRAIN_MS
        for number in range(self._dice.choice((1, 1, 2, 5))):
            at += self._dice.randint(2, 18) * bool(number)
            length = self._dice.randint(18, 60) + early * (not number)
            self._world.room.speak(at, at + length)
            at += length
        return at

    def _begin(self, kind: Kind, first: int, end: int) -> None:
        """The mind is about to learn of it."""
        world = self._world
        self.turns += 1
        sick = {name for name, one in world.services.items() if one.sick}
        turn = Turn(self.turns, kind, first, end, world.now, end * GRAIN_MS / 1000, sick=sick)
        self.turn = turn
        world.forget(first)
        world.judge.meet(turn, world.state, world.in_use, world.now - self._rested_at_s)
        world.after(turn.over_s - world.now + 0.001, self.look)
        for service in world.services.values():
            self._plan_fault(service, turn)
        if self._dice.random() < self._disturbances and kind != "cough":
            disturb = self._dice.choice((self._say_word_again, self._press_talk_again, self._mute))
            world.after(self._dice.uniform(0.6, 6.0), lambda: disturb(turn))

    # ── what goes wrong ──────────────────────────────────────────────────────────────────────────

    def _plan_fault(self, service: Service, turn: Turn) -> None:
        """Perhaps: in its replies; or at some moment of the turn, or of the silence after it."""
        if self._dice.random() < self._faults:
            service.answering = self._dice.choice(_REPLY_FAULTS)
            turn.sick.add(service.plan.name)
        if self._dice.random() < self._faults:
            strike = self._dice.choice((self._kill, self._hang))
            self._world.after(self._dice.uniform(0.0, 8.0), lambda: strike(service))

    def _kill(self, service: Service) -> None:
        self._turn_bad(service)
        for call in list(service.calls.values()):
            service.end(call, self._dice.choice((LOST, LOST, REFUSED, None)))

    def _hang(self, service: Service) -> None:
        self._turn_bad(service)
        for call in service.calls.values():
            service.hang(call)

    def _turn_bad(self, service: Service) -> None:
        if self.turn is not None:
            self.turn.sick.add(service.plan.name)
        service.mood = self._dice.choice(_MOODS)

    # ── what he does to it ───────────────────────────────────────────────────────────────────────

    def _say_word_again(self, turn: Turn) -> None:
        """In the middle of his own speech it is a part of it; later it interrupts. He does not end with it: a word with
        nothing after it is no question.
        """
        world = self._world
        if turn is not self.turn or world.state not in IN_TURN:
            return
        if world.now < turn.over_s - _MORE_S:
            world.ear.wake()
        elif world.now >= turn.over_s:
            self.say_word()

    def _press_talk_again(self, turn: Turn) -> None:
        """It interrupts a reply, and gives up what is not answered yet."""
        world = self._world
        if turn is not self.turn:
            return
        if world.state is State.SPEAKING:
            self._talk()
        elif world.state in IN_TURN:
            turn.excused = "given up"
            self._fall_silent(turn)
            self._press("talk")

    def _mute(self, turn: Turn) -> None:
        world = self._world
        if turn is self.turn:
            turn.excused = "muted"
            self._fall_silent(turn)
            self._leave(turn)
            self._press("mute")
            world.muted_at = world.room.here
            muted_s = self._dice.uniform(0.5, 3.0)
            world.after(muted_s, lambda: self._press("mute"))
            world.after(muted_s + self._dice.choice((0.2, 2.0)), self._act)

    def _press(self, button: ev.Button) -> None:
        self._world.happen(ev.ButtonMoved(button, down=True))
        self._world.after(0.1, lambda: self._world.happen(ev.ButtonMoved(button, down=False)))

    def _interrupt(self) -> None:
        """What was said before is of no interest any more."""
        turn = self.turn
        if turn is not None:
            turn.excused, turn.over_s = "interrupted", self._world.now
            self._leave(turn)
