"""A random walk: a world that answers the mind's effects, a little or very wrongly, and invariants at every step."""

import random
from collections import Counter

from antiphon.conversation import effects as fx
from antiphon.conversation import events as ev
from antiphon.conversation.states import AT_REST, MOVES, State
from antiphon.conversation.tool_turn import MOST_CALLS, MOST_ROUNDS
from antiphon.errors import Problem
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, frames_in
from conversation.playbook import CAPTURED, SILENCE, Playbook, pcm

LOST = Problem("lost", "cut")
REFUSED = Problem("refused", "no")
DEVICE = Problem("device", "gone")


class Walk:
    """`step()` happens one event; it raises AssertionError when an invariant is broken."""

    def __init__(self, seed: int, *, own: bool, warm: bool, lan: int) -> None:
        self.chance = random.Random(seed)
        follow_up_ms = self.chance.choice([0, 3000])
        lan_first = self.chance.random() < 0.3
        talk_again = self.chance.choice(["start_over", "give_up"])
        limits = {"max_turn_ms": 5000, "follow_up_ms": follow_up_ms, "talk_again": talk_again}
        full = self.chance.random() < 0.5
        self.book = Playbook(own=own, warm=warm, lan=lan, lan_first=lan_first, full=full, **limits)
        self.moves: Counter[tuple[State, State]] = Counter()
        self.events = 0
        self.overdue = 0
        self.pending: list[ev.Event] = []  # what the world owes, in order
        self.calls: dict[int, str] = {}  # number -> opening | open | closed
        self.ear = "closed"
        self.playing: str | None = None
        self.held = False
        self.replies = 0
        self.asked = 0
        self.asks: set[int] = set()  # that nobody has answered yet
        self.making: set[int] = set()  # speeches that are not over
        self.switched_off = False
        self.called = 0
        self.ran: set[tuple[int, str]] = set()  # calls of tools that were obeyed
        self.told: set[tuple[int, str]] = set()  # those whose outputs were given
        self.running: set[int] = set()  # tools
        self._happen(ev.Started())

    def step(self) -> None:
        machine, dice = self.book.machine, self.chance.random()
        if self.pending and self.chance.random() < 0.55:
            self._happen(self.pending.pop(0))
        elif machine.deadline is not None and dice < 0.06:
            self.book.at = max(self.book.at, machine.deadline)
            self._happen(ev.Ticked())
        elif dice < 0.40:
            self._happen(self.chance.choice([CAPTURED, CAPTURED, SILENCE]))
        elif dice < 0.92:
            self._happen(self._plausible())
        elif dice < 0.95:
            self._happen(self._order())
        elif dice < 0.97:
            self._happen(self._trouble())
        else:
            self._happen(self._wild())

    def settle(self) -> None:
        """Nobody wants anything more, and the world pays its debts: whoever has asked is answered."""
        for _ in range(400):
            if not self.asks:
                return
            machine = self.book.machine
            if self.pending:
                self._happen(self.pending.pop(0))
            else:
                assert machine.deadline is not None, f"{self.asks} wait for ever"
                self.book.at = max(self.book.at, machine.deadline)
                self._happen(ev.Ticked())
        raise AssertionError(f"{self.asks} are not answered in {self.book.state.name}")

    # ── the world ────────────────────────────────────────────────────────────────────────────────

    def _plausible(self) -> ev.Event:
        """What a sane service or person does next."""
        call = self.book.machine._calls.open or 0
        match self.book.state:
            case State.ASLEEP | State.SORRY:
                return self._woke()
            case State.LISTENING | State.LINGERING if self.book.machine._own:
                return self.chance.choice([ev.Endpointed("began"), ev.Endpointed("ended")])
            case State.LINGERING:
                return self.chance.choice([*[CAPTURED] * 6, ev.SpeechStarted(call), ev.LinkClosed(call, LOST)])
            case State.LISTENING:
                return self.chance.choice([ev.SpeechStarted(call), ev.SpeechStopped(call)])
            case State.THINKING if not self.pending:
                return self._reply_comes(call)
            case State.THINKING:
                return self.chance.choice([CAPTURED, CAPTURED, ev.SpeechStarted(call)])
            case State.SPEAKING:
                more = ev.ReplyAudio(call, f"r{self.replies}", pcm(40))
                return self.chance.choice([self._woke(), CAPTURED, more, ev.NearEnd("began"), ev.SpeechStarted(call)])
            case State.DOUBTING:
                edges = [ev.NearEnd("began"), ev.NearEnd("sure"), ev.NearEnd("ended"), ev.SpeechStarted(call)]
                trouble = [
                    ev.MouthFailed(DEVICE, hung=True),
                    ev.LinkClosed(call, LOST),
                    ev.Finished(f"r{self.replies}", 50),
                    ev.SpeechStopped(call),
                ]
                mute = ev.ButtonMoved("mute", down=self.chance.random() < 0.5)
                return self.chance.choice([*edges, *trouble, mute, mute, CAPTURED])
            case State.DEAF if self.switched_off:
                return ev.SwitchMoved(muted=False)
            case State.DEAF:
                return ev.ButtonMoved("mute", down=self.chance.random() < 0.5)
            case _:
                return CAPTURED

    def _reply_comes(self, call: int) -> ev.Event:
        self.replies += 1
        reply = f"r{self.replies}"
        if self.chance.random() < 0.2:
            return ev.NothingRecognised(call)
        if self.book.machine._own and self.chance.random() < 0.1:  # it begins with the turn's end, and was for nothing
            self.pending += [ev.NothingRecognised(call), ev.ReplyEnded(call, reply, "completed")]
            return ev.ReplyStarted(call, reply)
        called = self._tools_called(call, reply)
        late = called[:1] if self.chance.random() < 0.2 else []
        self.pending += called
        if self.chance.random() < 0.7:
            self.pending += [ev.ReplyAudio(call, reply, pcm(100)), ev.ReplyText(call, reply, "words and words")]
            self.pending += [ev.Sounded(reply)]
        self.pending += [ev.ReplyEnded(call, reply, "completed"), *late]
        self.pending.append(ev.UserSaid(call, f"i{self.replies}", "hello"))
        return ev.ReplyStarted(call, reply)

    def _tools_called(self, call: int, reply: str) -> list[ev.Event]:
        """Mostly none; now and then the same again, as services do."""
        if self.chance.random() < 0.7:
            return []
        self.called += 1
        calls: list[ev.Event] = [
            ev.ToolCalled(call, reply, f"t{self.called}-{number}", "get_time", "{}")
            for number in range(self.chance.choice([1, 1, 2, 20]))
        ]
        return calls + self.chance.choice([[], [], calls[:1]])

    def _order(self) -> ev.Event:
        """Somebody wants something from elsewhere, or uses the switch or the volume buttons."""
        self.asked += 1
        ask = self.chance.choice([None, self.asked])
        order = self.chance.choice(
            [
                ev.Commanded(self.chance.choice(["stop", "listen", "mute", "unmute"]), ask),
                ev.VolumeWanted(self.chance.choice([None, 30, 300]), self.chance.choice([-5, 5]), ask),
                *[ev.SayWanted(self.chance.choice(["dinner", "dinner", ""]), ask)] * 3,
                ev.SwitchMoved(self.chance.random() < 0.4, self.chance.choice([None, None, DEVICE])),
                ev.VolumeChanged(self.chance.randint(0, 100)),
                ev.ButtonMoved("volume_up", down=self.chance.random() < 0.5),
                ev.TimerDue(1, self.chance.choice(["", "tea"])),
                ev.ToolsChanged(),
            ]
        )
        if getattr(order, "ask", None) is not None:
            self.asks.add(self.asked)
        return order

    def _trouble(self) -> ev.Event:
        """What may go wrong at any moment: the call in use dies, the owner mutes, gives up, or the ear fails."""
        call = self.book.machine._calls.open or self.book.machine._calls.opening or 0
        down = self.chance.random() < 0.5
        return self.chance.choice(
            [
                ev.LinkClosed(call, LOST),
                ev.LinkClosed(call, LOST),
                ev.LinkClosed(call, REFUSED),
                ev.ButtonMoved("mute", down=down),
                ev.ButtonMoved("talk", down=down),
                ev.EarClosed(DEVICE),
            ]
        )

    def _wild(self) -> ev.Event:
        """Anything at all."""
        call, reply = self.chance.randint(0, max(self.calls, default=0) + 1), f"r{self.chance.randint(0, 3)}"
        reply = self.chance.choice([reply, f"r{self.replies}"])
        down = self.chance.random() < 0.5
        return self.chance.choice(
            [
                self._woke(),
                ev.EarOpened() if self.ear == "open" else ev.EarClosed(DEVICE),
                ev.EarClosed(self.chance.choice([None, DEVICE]), hung=self.chance.random() < 0.1),
                ev.Endpointed("began"),
                ev.Endpointed("ended"),
                ev.Sounded(reply),
                ev.Finished(reply, 50),
                ev.Hushed(reply, 50),
                ev.MouthFailed(DEVICE, hung=self.chance.random() < 0.1),
                ev.MouthOpened(),
                ev.NearEnd(self.chance.choice(["began", "sure", "ended"])),
                ev.EchoJudged(down, 12.0, 20.0, 30.0),
                ev.Endpointed(self.chance.choice(["began", "ended"])),
                ev.Commanded(self.chance.choice(["stop", "listen"])),
                ev.ButtonMoved("talk", down=down),
                ev.ButtonMoved("mute", down=down),
                ev.LinkOpened(call),
                ev.LinkClosed(call, self.chance.choice([None, LOST, REFUSED])),
                ev.SpeechStarted(call),
                ev.SpeechStopped(call),
                ev.NothingRecognised(call),
                ev.UserSaid(call, "i", self.chance.choice(["", "hello"])),
                ev.ReplyStarted(call, reply),
                ev.ReplyText(call, reply, "text"),
                ev.ReplyAudio(call, reply, self.chance.choice([b"", pcm(20)])),
                ev.ReplyEnded(call, reply, self.chance.choice(["completed", "cancelled", "failed"])),
                ev.ToolCalled(call, reply, f"w{self.events}", "get_time", "{}"),
                ev.ToolAnswered(self.chance.randint(0, 9), "wild"),
                ev.ServiceComplained(call, LOST),
                ev.LinkAlive(call),
            ]
        )

    def _woke(self) -> ev.Woke:
        return ev.Woke("hey_jarvis", 0.8, self.chance.choice([b"", pcm(200)]), self.book.at)

    # ── the rules ────────────────────────────────────────────────────────────────────────────────

    def _happen(self, event: ev.Event) -> None:
        self.events += 1
        if isinstance(event, ev.LinkClosed) and event.call in self.calls:
            self.calls[event.call] = "closed"
        if isinstance(event, ev.LinkOpened) and self.calls.get(event.call) == "opening":
            self.calls[event.call] = "open"
        if isinstance(event, ev.EarClosed | ev.EarOpened):
            self.ear = "open" if isinstance(event, ev.EarOpened) else "closed"
        if isinstance(event, ev.Finished) and event.reply == self.playing:
            self.playing, self.held = None, False
        if isinstance(event, ev.SpeechOver):
            self.making.discard(event.say)
        if isinstance(event, ev.SwitchMoved):
            self.switched_off = event.muted or event.problem is not None
        if isinstance(event, ev.ToolAnswered):
            self.running.discard(event.run)
        taken_up = isinstance(event, ev.ToolCalled) and self.book.machine._replies.running(event.call, event.reply)
        bounded = self.book.machine._tools._rounds < MOST_ROUNDS and len(self.book.machine._tools._asked) < MOST_CALLS
        self.book.notes.clear()
        effects = self.book.on(event, after_ms=self.chance.choice([0, 1, 40]))
        for note in self.book.notes:
            if "after" in dict(note.fields):
                start, end = State(dict(note.fields)["after"]), State(note.what)
                assert end in MOVES[start], f"no move {start.name} -> {end.name}"
                self.moves[start, end] += 1
        for effect in effects:
            self._obey(effect)
        if isinstance(event, ev.ToolCalled):
            runs = [effect for effect in effects if isinstance(effect, fx.RunTool)]
            again = (event.call, event.tool_call) in self.ran
            assert not runs or (taken_up and not again), "a tool is run that nobody wants, or twice"
            assert runs or again or not (taken_up and bounded), "a tool is not run"
            self.ran |= {(event.call, event.tool_call)} if runs else set()
        self._check()
        deadline = self.book.machine.deadline
        overdue = deadline is not None and deadline <= self.book.at
        self.overdue = self.overdue + 1 if overdue and isinstance(event, ev.Ticked) else 0
        assert self.overdue < 4, "a deadline that stays past, however often it is told"

    def _check(self) -> None:
        machine = self.book.machine
        if machine.state not in AT_REST:
            assert machine.deadline is not None, f"{machine.state.name} could last for ever"
        if machine.state is State.DEAF:
            assert self.playing is None or _is_said(self.playing), "a reply plays while deaf"
            assert not machine._ear.streaming, "the ear streams while deaf"
            assert not machine._utterance.pcm, "speech is kept while deaf"
        assert not (machine._tools.ran and machine.state is State.OPENING), "what has run a tool is asked elsewhere"
        busy = machine.state in (State.THINKING, State.SPEAKING, State.DOUBTING)
        assert busy or machine._tools.stage == "none", "tools are waited for, and nobody waits for an answer"
        assert machine._tools.stage != "awaited" or machine.state is State.THINKING, "it does not think"
        assert machine._tools.running == bool(self.running), f"{self.running} run"
        assert self.held == (machine.state is State.DOUBTING), "a reply is held, and nobody doubts"
        if self.switched_off:
            assert machine.state is State.DEAF, "the switch says muted"
        if machine.state in AT_REST:
            waits = machine._announcing._waiting and not machine._announcing.current
            assert machine._hung or not waits, "nobody speaks, and it waits"
        if machine.state is State.SPEAKING and not machine._may_be_spoken_over:
            assert not machine._ear.streaming, "we listen to ourselves"
        assert len(machine._utterance.pcm) <= frames_in(5000, LINK_RATE_HZ) * SAMPLE_BYTES
        assert len(machine._history) <= 40
        assert sum(how == "open" for how in self.calls.values()) <= 2
        del self.pending[40:]

    def _obey(self, effect: fx.Effect) -> None:
        """What the world owes for an effect; and what no effect may ask."""
        match effect:
            case fx.OpenEar():
                assert not self.switched_off, "the ear opens, and the switch says muted"
                self.pending.append(ev.EarOpened())
            case fx.CloseEar():
                self.pending.append(ev.EarClosed())
            case fx.OpenLink(call, trial=trial):
                assert call not in self.calls, "a call number is used twice"
                assert not trial or self.book.machine._at_rest, "a trial in a turn"
                self.calls[call] = "opening"
                wrong = self.chance.choice([None, None, None, None, LOST, REFUSED])
                self.pending.append(ev.LinkOpened(call) if wrong is None else ev.LinkClosed(call, wrong))
            case fx.CloseLink(call):
                assert self.calls.get(call) in ("opening", "open"), "a call is closed twice"
                self.calls[call] = "closed"
            case fx.CheckLink(call):
                assert self.calls.get(call) == "open", "life is asked of a call that is not open"
                if self.chance.random() < 0.8:
                    self.pending.append(ev.LinkAlive(call))
            case fx.SendAudio(call, sent):
                assert self.calls.get(call) == "open", "audio to a call that is not open"
                assert len(sent) % SAMPLE_BYTES == 0
            case fx.CommitTurn(call):
                assert self.calls.get(call) == "open"
            case fx.CancelReply(call, reply):
                assert self.calls.get(call) == "open"
                self.pending.append(ev.ReplyEnded(call, reply, "cancelled"))
            case fx.Play(reply):
                sounding = (State.THINKING, State.SPEAKING, State.DOUBTING)
                silent = (State.ASLEEP, State.LINGERING, State.DEAF, State.SPEAKING)
                assert self.book.state in (silent if _is_said(reply) else sounding), f"{reply} plays out of turn"
                assert self.playing in (None, reply), "two replies at once"
                self.playing = reply
            case fx.EndPlay(reply):
                assert self.playing == reply
                self.pending.append(ev.Finished(reply, 40))
            case fx.Withdraw(reply):
                assert self.playing == reply
                if ev.Sounded(reply) not in self.pending:
                    self.playing = None
                    self.pending.append(ev.Hushed(reply, 0))
            case fx.Duck(reply):
                assert self.playing == reply
                assert not self.held, "a reply is held twice"
                self.held = True
            case fx.Resume(reply):
                assert self.playing == reply
                assert self.held, "a reply goes on that was not held"
                self.held = False
            case fx.Hush(reply):
                self.playing, self.held = None, False
                self.pending.append(ev.Hushed(reply, 40))
            case fx.Replace():
                at_rest = self.book.state in AT_REST or self.book.state is State.SORRY
                assert at_rest, "the process is replaced in the middle of a turn"
                assert not self.asks, "nobody will answer them any more"
            case fx.MakeSpeech(say):
                assert not self.making, "two speeches at once"
                self.making.add(say)
                self._make(say)
            case fx.DropSpeech(say):
                assert say in self.making, "a speech is dropped that is over"
                self.making.remove(say)
                self.pending.append(ev.SpeechOver(say))
            case fx.SetVolume(percent):
                assert 0 <= percent <= 100
                if self.chance.random() < 0.8:
                    self.pending.append(ev.VolumeChanged(percent))
            case fx.RunTool(run):
                assert self.book.machine._tools._last_run == run, "a number is used twice"
                self.running.add(run)
                if self.chance.random() < 0.9:
                    answer = ev.ToolAnswered(run, "done", self.chance.random() < 0.2)
                    self.pending.insert(self.chance.randint(0, len(self.pending)), answer)
            case fx.DropTool(run):
                assert run in self.running, "a tool is dropped that does not run"
                self.running.remove(run)
            case fx.GiveToolOutputs(call, outputs, respond):
                self._told(call, outputs, respond=respond)
            case fx.Answer(ask):
                assert ask in self.asks, "an answer to nobody, or a second one"
                self.asks.remove(ask)
            case fx.StreamEar():
                assert self.book.state is not State.DEAF, "the ear streams while deaf"

    def _told(self, call: int, outputs: tuple[fx.ToolOutput, ...], *, respond: bool) -> None:
        assert self.calls.get(call) == "open", "outputs to a call that is not open"
        for output in outputs:
            assert (call, output.tool_call) not in self.told, "an output is given twice"
            self.told.add((call, output.tool_call))
        if respond:
            machine = self.book.machine
            assert machine._replies.current is None, "an answer is asked for while a reply runs"
            assert machine.state is State.THINKING
            if self.chance.random() < 0.8:
                self.pending.append(self._reply_comes(call))

    def _make(self, say: int) -> None:
        """A speech service that mostly works, and a mouth."""
        pieces = self.chance.choice([0, 1, 1, 2])
        made: list[ev.Event] = [ev.SpeechMade(say, pcm(40))] * pieces
        sounded = [ev.Sounded(f"say-{say}")] * (pieces > 0 and self.chance.random() < 0.9)
        over = [ev.SpeechOver(say, self.chance.choice([None, None, LOST]))] * (self.chance.random() < 0.9)
        self.pending += [*made, *sounded, *over] if self.chance.random() < 0.5 else [*made, *over, *sounded]


def _is_said(reply: str) -> bool:
    return reply.startswith("say-")


def walk(seed: int, events: int) -> tuple[Counter[tuple[State, State]], int]:
    """Walk `events` events over all manners of links, one to three; which moves were made, and how many happened."""
    moves: Counter[tuple[State, State]] = Counter()
    happened = 0
    for number in range(max(12, events // 2500)):
        journey = Walk(seed + number, own=bool(number & 1), warm=bool(number & 2), lan=number // 4 % 3)
        while journey.events < events // max(12, events // 2500):
            journey.step()
        journey.settle()
        moves += journey.moves
        happened += journey.events
    return moves, happened


EVERY_MOVE = {(start, end) for start, ends in MOVES.items() for end in ends}
