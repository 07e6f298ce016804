"""Who speaks in a world, and what goes wrong while he does: one turn after another, and their ends."""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from antiphon.conversation import events as ev
from antiphon.conversation.states import State
from conversation.judge import IN_TURN, SOUNDING, Kind, Turn
from conversation.room import GRAIN_MS, SURE_MS
from conversation.services import LOST, REFUSED, Answering, Mood, Said, Service

if TYPE_CHECKING:
    from conversation.world import Climate, World

_WORD_MS = 600
_MORE_S = 0.8
_STUCK_S = 90.0
_HESITATION_MS = 2000
_COUGH_S = 1.5
_NIGHTS, _NIGHT_S = 0.05, 200.0  # now and then everything is well for so long
_LATEST_S = 0.1  # before the device falls asleep, somebody may begin
_SAME_S = 1.6  # who presses so soon after he has begun means the same by both
_EARLY = 12  # grains before he presses, that he may begin to speak
_ENOUGH_MS = 360  # of voice, for any ear
_HUSHES_S = 0.03
_ORDERS = 0.2  # as often an order comes from elsewhere than the button
_SETTLES_S = 2.5  # so long somebody may make something of a cough
_REPLY_FAULTS: tuple[Answering, ...] = ("nothing", "failed", "dies", "stalls", "late", "deaf", "endless")
Ways: TypeAlias = tuple[Callable[[], None], Callable[[], None]]
_MOODS: tuple[Mood, ...] = ("well", "well", "refuses", "loses", "silent", "slow")


class Person:
    """Says a thing, waits for what comes of it, and says the next."""

    def __init__(self, world: "World", climate: "Climate") -> None:
        self._world = world
        self._faults, self._disturbances, self._overlaps = climate.faults, climate.disturbances, climate.overlaps
        self._orders = climate.orders
        self.turn: Turn | None = None
        self._coughed: tuple[int, int] | None = None  # over a reply; nothing has come of it so far
        self.turns = 0
        self._says_word = self._presses = False  # he has begun to
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
            self._plan_overlap(self.turn)

    def hear_sorry(self) -> None:
        if self._world.state is not State.SORRY:
            return  # of a reply that broke off, when he has begun to speak over it
        if self.turn is None and self._coughed is not None:
            self._is_misheard(*self._coughed)
        self._world.judge.rule(self.turn is not None, "the device is sorry for nothing", None)
        if self.turn is not None:
            self.turn.sorries += 1

    def is_cut_short(self) -> None:
        """By an announcement, as he has just opened his mouth, and the ear cannot know yet."""
        turn, lingers = self.turn, self._world.state is State.LINGERING
        if turn is not None and turn.kind in ("follow-up", "barge-in", "cough") and lingers and not turn.heard:
            self._world.judge.rule(not turn.noticed, "he is talked over", turn)
            turn.excused = turn.excused or "talked over"
            self._fall_silent(turn)

    def look(self) -> None:
        """After everything that happens: is it over?"""
        world = self._world
        if self._coughed is not None and world.state in (State.OPENING, State.LISTENING):
            self._is_misheard(*self._coughed)
        if world.state is State.ASLEEP:
            self._coughed = None
        turn = self.turn
        if turn is None:
            return
        if max(world.ear.heard_began, world.ear.heard_near) > turn.first:
            turn.noticed = True
        gone = world.state not in (State.LINGERING, State.LISTENING)
        if (
            turn.kind in ("follow-up", "barge-in")
            and world.state not in SOUNDING
            and gone
            and not (turn.noticed or turn.excused)
        ):
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
        given_up_s = 1.5 if turn.excused == "given up" else 0.0  # pressed again sooner it would be a double tap
        world.after(
            given_up_s + self._gap_s() + _SETTLES_S * any(one.jumpy for one in world.services.values()), self._act
        )

    def _leave(self, turn: Turn) -> None:
        score = self._world.score
        score[turn.kind] += 1
        score[turn.excused or ("answered" if turn.heard else "sorry" if turn.sorries else "ignored")] += 1
        score["a link failed"] += bool(turn.sick)
        asks = turn.first + _WORD_MS // GRAIN_MS * (turn.kind == "word")
        if turn.kind == "talk":
            asks = max(asks, self._world.room.at(turn.began_s))
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
        if self._busy:
            self._wait()
        elif world.announces and world.ear.is_open:
            self._dice.choice((self.say_word, self._talk, self._wait))()
        elif world.state is State.ASLEEP and world.ear.is_open:
            self._dice.choice((self.say_word, self.say_word, self._talk))()
        elif world.state is State.LINGERING and self._left_s > _LATEST_S:
            self._dice.choice((self._follow_up, self._follow_up, self._cough, self.say_word, self._talk, self._wait))()
        else:
            self._wait()

    @property
    def _busy(self) -> bool:
        """He is saying the word, or about to press."""
        return self._says_word or self._presses

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
        if world.state is State.LINGERING or world.hears_over:
            pauses_ms = (0, 0, 200, 1200)
        pause_ms = self._dice.choice(pauses_ms)
        end = self._speak(word_end, pause_ms)
        world.room.speak(first, word_end)
        if pause_ms == _HESITATION_MS and world.cloud_hears and not self._faults:
            self._cough_at(word_end + _HESITATION_MS // 2 // GRAIN_MS)
        self._says_word, self._coughed = True, None
        if world.hears_over:
            self._interrupt()
        if world.state is State.LINGERING or world.hears_over:
            self._begin("word", first + self._lost, end)
            self._expect_silence()
        world.after(_WORD_MS / 1000 + self._dice.uniform(0.0, 0.08), lambda: self._woken(first, end))

    def _woken(self, began: int, end: int) -> None:
        """The ear has found the word."""
        world, turn = self._world, self.turn
        if not (self._says_word and world.ear.is_open):
            return
        self._says_word = False
        first = max(
            began, world.ear.streams_from, world.ear.deaf_until
        )  # opened in the middle of a word, it has lost the beginning
        begun = turn is not None and not turn.heard and world.state in (State.OPENING, State.LISTENING)
        if turn is not None and (turn.first >= first or begun):
            if world.state in (State.OPENING, State.LISTENING):
                # It is a part of the turn that is under way; the ear may have rested between.
                turn.first, turn.end, turn.over_s = first, end, end * GRAIN_MS / 1000
                world.after(turn.over_s - world.now + 0.001, self.look)
            else:
                turn.sorries = 0  # of what came before the word
                world.judge.meet(turn, world.meets, world.in_use, world.now - self._rested_at_s)
        else:
            self._interrupt()
            self._begin("word", first, end)
            assert self.turn is not None
            if first > began and world.room.voiced_between(first, end) * GRAIN_MS < _ENOUGH_MS:
                self.turn.excused = "swallowed"  # by the decay of the reply
        world.ear.wake()

    def _talk(self) -> None:
        """The talk button, and a question that may begin a moment before."""
        world = self._world
        may_be_early = world.state is State.ASLEEP or (world.hears_over and not self._coughed)
        early, self._coughed = self._dice.randint(0, _EARLY * may_be_early), None
        first, lost = world.room.here, self._lost
        end = self._speak(first, 0, max(early, lost))

        def press() -> None:
            self._presses = False
            if world.state is State.DEAF:
                return
            unheard = world.state in SOUNDING and not world.ear.streams  # any more
            self._interrupt()
            self._begin("talk", world.room.here if unheard else first + lost, end)
            self._press("talk")

        self._presses = True
        world.after(early * GRAIN_MS / 1000, press)

    def _follow_up(self) -> None:
        first, lost = self._world.room.here, self._lost
        self._begin("follow-up", first + lost, self._speak(first, 0, lost))

    @property
    def _lost(self) -> int:
        """So many grains from here on are held to be the tail of the reply."""
        return max(0, self._world.ear.deaf_until - self._world.room.here)

    def _cough(self) -> None:
        first = self._world.room.here
        if self._coughed is not None or any(service.jumpy for service in self._world.services.values()):
            self._follow_up()  # two coughs are more than one
            return
        self._begin("cough", first + self._lost, self._cough_at(first))
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

    def _begin(self, kind: Kind, first: int, end: int, *, anew: bool = False) -> None:
        """The mind is about to learn of it."""
        world = self._world
        self.turns += 1
        self._coughed = None
        sick = {name for name, one in world.services.items() if one.sick}
        turn = Turn(self.turns, kind, first, end, world.now, end * GRAIN_MS / 1000, sick=sick)
        self.turn = turn
        world.forget(first)
        world.judge.meet(turn, world.meets, world.in_use, world.now - self._rested_at_s, anew=anew)
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
        if turn is not self.turn or world.state not in IN_TURN or world.announces or self._busy:
            return
        if world.now < turn.over_s - _MORE_S:
            world.ear.wake()
        elif world.now >= turn.over_s:
            self.say_word()

    def _press_talk_again(self, turn: Turn) -> None:
        """It interrupts a reply; before that, the question is begun anew or given up."""
        world = self._world
        if turn is not self.turn or turn.excused or self._busy:
            return
        if world.state in SOUNDING:
            self._talk()
        elif world.now < turn.began_s + _SAME_S:
            return
        elif world.state in IN_TURN and world.manners.talk_again == "give_up":
            self._give_up(turn)
            self._press("talk")
        elif world.state in IN_TURN:
            self._dice.choice((self._start_over, self._start_over, self._tap_twice, self._tap_and_tap_again))(turn)

    def _give_up(self, turn: Turn) -> None:
        turn.excused = "given up"
        self._fall_silent(turn)

    def _start_over(self, turn: Turn) -> None:
        """What he has said so far is of no interest; he asks another question."""
        world = self._world
        self._fall_silent(turn)
        turn.excused = "begun anew"
        self._leave(turn)
        if world.state in (State.OPENING, State.LISTENING):
            world.begin_anew()
        first = world.room.here
        pause_ms = self._dice.choice((0, 0, 300))
        self._begin("talk", first + pause_ms // GRAIN_MS, self._speak(first, pause_ms), anew=True)
        self._press("talk")

    def _tap_twice(self, turn: Turn) -> None:
        """A double tap; or an order."""
        self._give_up(turn)
        if self._dice.random() < _ORDERS:
            self._world.elsewhere.excused |= self._world.elsewhere.waiting.keys()
            self._world.happen(ev.Commanded("stop", self._world.elsewhere.ask()))
            return
        self._world.elsewhere.excused |= self._world.elsewhere.waiting.keys()
        self._press("talk")
        self._world.after(0.1 + self._dice.uniform(0.02, 0.3), lambda: self._press("talk"))

    def _tap_and_tap_again(self, turn: Turn) -> None:
        """With nothing said between, the second gives up."""
        world = self._world
        self._give_up(turn)
        if world.state in (State.OPENING, State.LISTENING):
            world.begin_anew()
        self._press("talk")

        def again() -> None:
            if turn is self.turn and world.state in (State.OPENING, State.LISTENING):
                self._press("talk")
                world.after(0.01, lambda: world.judge.rule(world.state is State.ASLEEP, "it was given up", turn))

        world.after(self._dice.uniform(0.5, 2.5), again)

    # ── what he does over a reply ────────────────────────────────────────────────────────────────

    def _plan_overlap(self, turn: Turn) -> None:
        """Perhaps, at some moment of it."""
        if self._dice.random() < self._overlaps:
            over = (self._barge_in, self._barge_in, self._cough_over, self._cough_over)
            disturb = self._dice.choice((*over, self._say_word_again, self._press_talk_again))
            self._world.after(self._dice.uniform(0.0, 2.0), lambda: disturb(turn))

    def _barge_in(self, turn: Turn) -> None:
        world = self._world
        if turn is self.turn and world.hears_over and not self._busy:
            self._coughed = None
            self._interrupt()
            first = world.room.here
            self._begin("barge-in", first, self._speak(first, 0))
            self._expect_silence()

    def _expect_silence(self) -> None:
        """Who speaks over a reply is given the floor when it is sure that he does, and the ear has said so."""
        world, turn = self._world, self.turn
        if world.state is State.DOUBTING:  # held already, by a cough: then the doubt may end before it is sure
            return

        def listen() -> None:
            heard = turn is self.turn and turn is not None and not turn.excused and world.ear.cancelled
            if heard and not world.announces:
                world.judge.rule(not world.mouth.audible, "the reply goes on over him", turn)

        world.after(SURE_MS / 1000 + world.ear.block_s + _HUSHES_S, listen)

    def _cough_over(self, turn: Turn) -> None:
        """The reply is held, and goes on. A service may be quicker to believe in it, and even answer it."""
        world = self._world
        if turn is not self.turn or turn.excused or not world.hears_over or self._busy or self._coughed:
            return
        first = world.room.here
        self._coughed = first, first + self._dice.randint(9, 11)
        world.room.speak(*self._coughed)
        world.score["coughed over"] += 1
        jumpy = [one for one in world.services.values() if not one.plan.own_turns and self._dice.random() < 0.5]
        for service in jumpy:
            service.jumpy = True

        def settle() -> None:
            for service in jumpy:
                service.jumpy = False

        world.after(_SETTLES_S, settle)

    def _is_misheard(self, first: int, end: int) -> None:
        """A cough is taken for a turn: by two judges, or as the reply is over."""
        world, turn = self._world, self.turn
        if turn is not None and turn.first >= first:  # he has said something since
            return
        self._coughed = None
        if turn is not None and not (turn.heard and turn.heard[-1].finished):
            both = world.hears_us_at * 1000 >= first * GRAIN_MS and world.ear.heard_near > first
            world.judge.rule(both, "a cough has interrupted a reply", turn)
            world.score["coughs believed"] += 1
        self._interrupt()
        self._begin("cough", first, end)
        assert self.turn is not None
        self.turn.excused = "taken for speech"

    def go_unheard(self) -> None:
        """The ear has to rest while we sound: whoever has begun to speak over a reply is not heard."""
        turn = self.turn
        if turn is not None and turn.kind == "barge-in" and self._world.state in SOUNDING:
            turn.excused = "unheard"
            self._fall_silent(turn)

    def _mute(self, turn: Turn) -> None:
        world = self._world
        if turn is self.turn:
            turn.excused = "muted"
            self._fall_silent(turn)
            self._leave(turn)
            ways = (self._by_button, self._by_switch, self._by_order)
            close, reopen = (self._dice.choice(ways) if self._orders else self._by_button)()
            close()
            world.nothing_before = world.room.here
            muted_s = self._dice.uniform(0.5, 3.0)
            world.after(muted_s, reopen)
            world.after(muted_s + self._dice.choice((0.2, 2.0)), self._act)

    def _by_button(self) -> Ways:
        return lambda: self._press("mute"), lambda: self._press("mute")

    def _by_switch(self) -> Ways:
        happen = self._world.happen
        return lambda: happen(ev.SwitchMoved(muted=True)), lambda: happen(ev.SwitchMoved(muted=False))

    def _by_order(self) -> Ways:
        happen, ask = self._world.happen, self._world.elsewhere.ask
        return lambda: happen(ev.Commanded("mute", ask())), lambda: happen(ev.Commanded("unmute", ask()))

    def _press(self, button: ev.Button) -> None:
        listened_to = self._world.state in (State.OPENING, State.LISTENING)  # then the order changes nothing
        if button == "talk" and not listened_to and self._dice.random() < _ORDERS:
            self._world.happen(ev.Commanded("listen"))
            return
        self._world.happen(ev.ButtonMoved(button, down=True))
        self._world.after(0.1, lambda: self._world.happen(ev.ButtonMoved(button, down=False)))

    def _interrupt(self) -> None:
        """What was said before is of no interest any more."""
        turn = self.turn
        if turn is not None:
            turn.excused, turn.over_s = "interrupted", self._world.now
            self._leave(turn)
