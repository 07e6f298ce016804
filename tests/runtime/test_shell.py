"""The shell: brings the mind every event, performs every effect in order, wakes it at its deadline, ends every call."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field

import pytest

from antiphon.conversation import effects as fx
from antiphon.conversation.events import (
    EarClosed,
    EarOpened,
    LinkClosed,
    LinkOpened,
    Sounded,
    SpeechMade,
    SpeechOver,
    Started,
    Ticked,
    ToolAnswered,
    Woke,
)
from antiphon.conversation.history import Turn
from antiphon.conversation.states import State
from antiphon.errors import Problem
from antiphon.links.fake import AfterCommits, FakeLinks
from antiphon.ports import LinkCounters
from antiphon.runtime import shell as shell_module
from antiphon.runtime.inbox import Inbox
from antiphon.runtime.liveness import Progress
from antiphon.runtime.shell import Errands, Shell, status_line
from antiphon.snapshot import Snapshot
from antiphon.speech.fake import FakeSpeech

BOUND_S = 20
WOKE = Woke("hey", 0.9, b"", 0.0)


class FakeMind:
    """Wants, for the events it is told of, what the script says; remembers what it was told, and when."""

    def __init__(self, wants=None):
        self.wants = wants or {}
        self.told = []
        self.at = []
        self.deadline = None
        self.snapshot = Snapshot(State.ASLEEP, 0.0, "none", deaf=False)
        self.news = asyncio.Event()

    def handle(self, event, now):
        self.told.append(event)
        self.at.append(now)
        self.news.set()
        if isinstance(event, Ticked):
            self.deadline = None
        wanted = self.wants.get(type(event), [])
        return wanted(event) if callable(wanted) else list(wanted)

    async def until_told(self, event):
        while event not in self.told:
            self.news.clear()
            await self.news.wait()


class Recorder:
    """Ear, mouth, watcher, log and notifier in one: keeps every call, in order."""

    def __init__(self, watchdog_s=0.0):
        self.calls = []
        self.watchdog_s = watchdog_s

    def __getattr__(self, name):
        return lambda *arguments, **fields: self.calls.append((name, *arguments, *([fields] if fields else [])))

    def named(self, *names):
        return [call for call in self.calls if call[0] in names]


@dataclass
class Rig:
    mind: FakeMind
    links: FakeLinks
    inbox: Inbox
    shell: Shell
    done: Recorder
    running: asyncio.Task = field(init=False)


@asynccontextmanager
async def running(wants=None, *, mind=None, links=None, watchdog_s=0.0, clock=None, beside=(), speech=None, tools=None):
    mind, inbox, done = mind or FakeMind(wants), Inbox(), Recorder(watchdog_s)
    links = links or FakeLinks([LinkOpened(0)])
    clocks = {} if clock is None else {"clock": clock}
    errands = Errands(set_volume=done.set_volume, speech=speech, tools=tools, answer=done.answer)
    shell = Shell(mind, inbox, done, done, {"cloud": links}, [done], done, done, **clocks, errands=errands)
    rig = Rig(mind, links, inbox, shell, done)
    async with asyncio.timeout(BOUND_S), asyncio.TaskGroup() as group:
        rig.running = group.create_task(shell.run(*beside))
        await mind.until_told(Started())
        yield rig
        shell.stop()


def within(story):
    asyncio.run(story())


# ── events and effects ───────────────────────────────────────────────────────────────────────────


def test_started_comes_first_and_then_every_event_in_its_order():
    async def story():
        async with running() as rig:
            for reply in ("a", "b", "c"):
                rig.inbox.post(Sounded(reply))
            await rig.mind.until_told(Sounded("c"))
            assert rig.mind.told == [Started(), Sounded("a"), Sounded("b"), Sounded("c")]
            assert rig.shell.handled == 4
            assert rig.mind.at == sorted(rig.mind.at)

    within(story)


def test_every_effect_is_performed_in_its_order():
    wanted = [
        fx.OpenEar(),
        fx.StreamEar(300.0),
        fx.Chime("wake"),
        fx.RestEar(),
        fx.Play("r", b"ab"),
        fx.EndPlay("r"),
        fx.Hush("r"),
        fx.Withdraw("r"),
        fx.SetVolume(40),
        fx.Answer(3, "no"),
        fx.Note("said", (("words", 3),), "debug"),
        fx.CloseEar(),
    ]

    async def story():
        async with running({Sounded: wanted}) as rig:
            rig.done.calls.clear()
            rig.inbox.post(Sounded("r"))
            await rig.mind.until_told(Sounded("r"))
            assert rig.done.calls == [
                ("open",),
                ("stream", 300.0, None),
                ("chime", "wake"),
                ("rest",),
                ("play", "r", b"ab"),
                ("end", "r"),
                ("hush", "r"),
                ("withdraw", "r"),
                ("set_volume", 40),
                ("answer", 3, "no"),
                ("write", "debug", "said", {"words": 3}),
                ("close",),
            ]

    within(story)


def test_a_call_is_opened_used_and_closed():
    history = (Turn("user", "Hello"),)

    async def story():
        wants = {
            Started: [fx.OpenLink(7, "cloud", history)],
            LinkOpened: [fx.SendAudio(7, b"abcd"), fx.CheckLink(7), fx.CommitTurn(7), fx.CancelReply(7, "r", 120.0)],
            Sounded: [fx.CloseLink(7)],
        }
        async with running(wants) as rig:
            await rig.mind.until_told(LinkOpened(7))
            [link] = rig.links.made
            assert (link.call, link.history) == (7, history)
            assert (bytes(link.heard), link.commits, link.cancelled) == (b"abcd", 1, [("r", 120.0)])
            assert (link.checks, link.trial) == (1, False)
            rig.inbox.post(Sounded("r"))
            await rig.mind.until_told(LinkClosed(7))
            assert rig.shell._links == {}
            assert rig.shell._tasks == {}

    within(story)


def test_a_text_is_made_into_speech_beside_everything_else():
    async def story():
        async with running({Sounded: [fx.MakeSpeech(1, "dinner")]}, speech=FakeSpeech([b"ab", b"cd"])) as rig:
            rig.inbox.post(Sounded("r"))
            await rig.mind.until_told(SpeechOver(1))
            assert rig.mind.told[2:] == [SpeechMade(1, b"ab"), SpeechMade(1, b"cd"), SpeechOver(1)]

    within(story)


def test_a_speech_that_nobody_wants_is_cancelled_be_it_over_or_not_begun():
    def wanted(event):
        return {
            "begin": [fx.MakeSpeech(1, "dinner")],
            "drop": [fx.DropSpeech(1)],
            "both": [fx.MakeSpeech(2, "supper"), fx.DropSpeech(2), fx.DropSpeech(2)],
        }[event.reply]

    async def story():
        speech = FakeSpeech([b"ab"], endless=True)
        async with running({Sounded: wanted}, speech=speech) as rig:
            rig.inbox.post(Sounded("begin"))
            await rig.mind.until_told(SpeechMade(1, b"ab"))
            rig.inbox.post(Sounded("drop"))
            await rig.mind.until_told(SpeechOver(1))
            for again in ("drop", "both"):
                rig.inbox.post(Sounded(again))
                await rig.mind.until_told(Sounded(again))
            assert (speech.texts, speech.cancelled) == (["dinner"], 1)

    within(story)


class FakeTools:
    """ports.Tools: "quick" answers, and any other tool never does."""

    def __init__(self):
        self.called = []
        self.cancelled = 0

    def specs(self):
        return []

    async def run(self, post):
        """None comes or goes."""

    async def call(self, run, name, arguments, post):
        self.called.append((run, name, arguments))
        output = "given up"
        try:
            if name != "quick":
                await asyncio.Event().wait()
            output = "done"
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            post(ToolAnswered(run, output, failed=output != "done"))


def test_a_tool_is_run_beside_everything_else_and_may_be_dropped():
    wanted = [fx.RunTool(1, "slow", "{}"), fx.RunTool(2, "quick", '{"a": 1}'), fx.RunTool(3, "slow", "{}")]

    async def story():
        tools = FakeTools()
        dropped = [fx.DropTool(1), fx.DropTool(2)]
        async with running({Sounded: wanted, SpeechOver: dropped}, tools=tools) as rig:
            rig.inbox.post(Sounded("r"))
            await rig.mind.until_told(ToolAnswered(2, "done"))
            assert tools.called == [(1, "slow", "{}"), (2, "quick", '{"a": 1}'), (3, "slow", "{}")]
            rig.inbox.post(SpeechOver(1))
            await rig.mind.until_told(ToolAnswered(1, "given up", failed=True))
            assert tools.cancelled == 1
        assert tools.cancelled == 2, "one that runs does not hold up the end"

    within(story)


def test_where_there_are_no_tools_the_model_is_told_so():
    async def story():
        async with running({Sounded: [fx.RunTool(1, "get_time", "{}")]}) as rig:
            rig.inbox.post(Sounded("r"))
            await rig.mind.until_told(ToolAnswered(1, "failed: there are no tools here", failed=True))

    within(story)


def test_what_came_of_tools_goes_to_the_call_that_asked():
    outputs = (fx.ToolOutput("t1", "noon"),)

    async def story():
        wants = {
            Started: [fx.OpenLink(1, "cloud", ())],
            LinkOpened: [fx.GiveToolOutputs(1, outputs, respond=True)],
        }
        async with running(wants) as rig:
            await rig.mind.until_told(LinkOpened(1))
            assert rig.links.made[0].outputs == [(outputs, True)]

    within(story)


def test_a_speech_that_is_being_made_does_not_hold_up_the_end():
    async def story():
        speech = FakeSpeech([b"ab"], endless=True)
        async with running({Sounded: [fx.MakeSpeech(1, "dinner")]}, speech=speech) as rig:
            rig.inbox.post(Sounded("r"))
            await rig.mind.until_told(SpeechMade(1, b"ab"))
        assert speech.cancelled == 1

    within(story)


def test_a_call_that_is_being_renewed_lives_beside_the_new_one():
    async def story():
        wants = {
            Started: [fx.OpenLink(1, "cloud", ())],
            Sounded: [fx.OpenLink(2, "cloud", ())],
            Woke: [fx.CloseLink(1)],
        }
        async with running(wants) as rig:
            rig.inbox.post(Sounded("r"))
            await rig.mind.until_told(LinkOpened(2))
            rig.inbox.post(WOKE)
            await rig.mind.until_told(LinkClosed(1))
            assert list(rig.shell._links) == [2]

    within(story)


# ── time ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_mind_is_woken_at_its_deadline():
    """Before what happened after it, and only once: the clock is ours and stands at 100 s."""

    async def story():
        async with running(clock=lambda: 100.0) as rig:
            rig.inbox.post(Sounded("a"))
            rig.inbox.post(Sounded("b"))
            rig.mind.deadline = 99.0
            await rig.mind.until_told(Sounded("b"))
            assert rig.mind.told == [Started(), Sounded("a"), Ticked(), Sounded("b")]
            assert rig.shell.handled == 3, "a tick is no event of the inbox"

    within(story)


def test_the_deadline_comes_while_nothing_happens():
    async def story():
        now = [100.0]
        async with running(clock=lambda: now[0]) as rig:
            rig.mind.deadline = 100.01
            rig.inbox.post(Sounded("r"))
            await rig.mind.until_told(Ticked())
            assert rig.mind.told == [Started(), Sounded("r"), Ticked()]

    within(story)


def test_a_deadline_that_is_always_due_starves_no_event():
    class Restless(FakeMind):
        def handle(self, event, now):
            wanted = super().handle(event, now)
            self.deadline = 0.0
            return wanted

    async def story():
        async with running(mind=Restless()) as rig:
            rig.inbox.post(Sounded("r"))
            await rig.mind.until_told(Sounded("r"))
            assert Ticked() in rig.mind.told

    within(story)


# ── what is shown ────────────────────────────────────────────────────────────────────────────────


def test_a_change_is_shown_once_to_everybody():
    async def story():
        async with running() as rig:
            before = rig.mind.snapshot
            assert rig.done.named("see") == [("see", before)]
            rig.inbox.post(Sounded("r"))
            await rig.mind.until_told(Sounded("r"))
            assert len(rig.done.named("see", "status")) == 2, "nothing has changed"
            rig.mind.snapshot = after = Snapshot(State.LISTENING, 1.0, "open", deaf=False)
            rig.inbox.post(WOKE)
            await rig.mind.until_told(WOKE)
            assert rig.done.named("see")[1:] == [("see", after)]
            assert rig.done.named("status")[-1] == ("status", status_line(after))

    within(story)


def test_a_line_is_written_in_the_midst_of_what_is_true_then():
    """Who watches sees the new state before what it brings about is done."""

    async def story():
        async with running({Woke: [fx.Note("woke")]}) as rig:
            rig.mind.snapshot = after = Snapshot(State.LISTENING, 1.0, "open", deaf=False)
            rig.inbox.post(WOKE)
            await rig.mind.until_told(WOKE)
            assert rig.done.named("see", "write")[-2:] == [("see", after), ("write", "info", "woke")]

    within(story)


def test_the_speaker_is_ready_while_somebody_may_be_answered():
    states = [State.LISTENING, State.SPEAKING, State.SORRY, State.ASLEEP, State.DEAF, State.OPENING]

    async def story():
        async with running() as rig:
            for number, state in enumerate(states):
                rig.mind.snapshot = Snapshot(state, float(number), "open", deaf=False)
                rig.inbox.post(Sounded(str(number)))
                await rig.mind.until_told(Sounded(str(number)))
            assert rig.done.named("prepare", "release") == [("prepare",), ("release",), ("prepare",)]

    within(story)


@pytest.mark.parametrize("first", [EarOpened(), EarClosed(Problem("device", "There is no microphone"))])
def test_ready_is_told_once_when_the_ear_has_been_tried(first):
    async def story():
        async with running() as rig:
            assert not rig.done.named("ready")
            rig.inbox.post(first)
            rig.inbox.post(EarClosed())
            rig.inbox.post(EarOpened())
            rig.inbox.post(Sounded("r"))
            await rig.mind.until_told(Sounded("r"))
            assert rig.done.named("ready") == [("ready",)]

    within(story)


def test_the_status_is_one_line():
    assert status_line(Snapshot(State.ASLEEP, 0.0, "open", deaf=False)) == "asleep, call open"
    rings = Snapshot(State.ASLEEP, 0.0, "open", deaf=False, ringing="tea")
    assert status_line(rings) == "asleep, call open, a timer rings"
    assert (
        status_line(Snapshot(State.ASLEEP, 0.0, "none", deaf=False, via="realtime")) == "asleep, call none (realtime)"
    )
    other = Snapshot(State.LISTENING, 0.0, "open", deaf=False, via="generate nas:8000", fallback=True)
    assert status_line(other) == "listening, call open (generate nas:8000, as the first link does not answer)"
    deaf = Snapshot(State.DEAF, 0.0, "failing", deaf=True, via="realtime", problem="The key is wrong")
    assert status_line(deaf) == "deaf, microphone closed; The key is wrong"
    by_switch = Snapshot(State.DEAF, 0.0, "none", deaf=True, switched_off=True)
    assert status_line(by_switch) == "deaf, microphone closed by its switch"


# ── life ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_watchdog_is_fed_by_progress_only():
    """The mind is behind at the second look, and has caught up at the third."""

    async def story():
        looks = iter(
            [
                Progress(ear=1, mouth=1),
                Progress(ear=2, mouth=2, posted=5),
                Progress(ear=3, mouth=3, posted=5, handled=4),
                Progress(ear=9, mouth=9, posted=5, handled=5),
            ]
        )
        looked = []

        def progress():
            looked.append((look := next(looks, None)) is not None)
            if look is None:
                rig.done.watchdog_s = 0.0
                return Progress(ear=99, mouth=99, posted=5, handled=5)
            return look

        async with running(watchdog_s=0.003) as rig:
            await rig.shell.watch_over(progress)
            assert looked == [True, True, True, True, False]
            assert len(rig.done.named("alive")) == 4, "not at the third look: what was posted had not been handled"

    within(story)


def test_without_a_watchdog_nobody_is_fed():
    async def story():
        async with running() as rig:
            await rig.shell.watch_over(Progress)
            assert not rig.done.named("alive")

    within(story)


def test_what_runs_beside_ends_with_it():
    over = []

    async def companion():
        try:
            await asyncio.Event().wait()
        finally:
            over.append(True)

    async def story():
        async with running(beside=[companion()]):
            assert not over
        assert over == [True]

    within(story)


# ── the end ──────────────────────────────────────────────────────────────────────────────────────


def test_stop_closes_every_call_and_decides_nothing_more():
    async def story():
        async with running({Started: [fx.OpenLink(1, "cloud", ()), fx.OpenLink(2, "cloud", ())]}) as rig:
            await rig.mind.until_told(LinkOpened(2))
            told = list(rig.mind.told)
            rig.shell.stop()
            rig.inbox.post(Sounded("late"))
            await rig.running
            assert all(link._life.over for link in rig.links.made)
            assert rig.mind.told == told, "LinkClosed came, but nobody decides any more"
            assert not rig.done.named("write")

    within(story)


class Zombie:
    """A call that does not end when it is asked to."""

    def __init__(self):
        self.cancelled = False

    async def run(self):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise

    def close(self):
        pass


def test_a_call_that_does_not_end_is_named_and_cancelled(monkeypatch):
    monkeypatch.setattr(shell_module, "_CALLS_END_S", 0.01)

    async def story():
        zombie = Zombie()
        async with running({Started: [fx.OpenLink(4, "cloud", ())]}, links=lambda *_, **__: zombie) as rig:
            pass
        assert zombie.cancelled
        assert rig.done.named("write") == [("write", "warning", "zombie", {"task": "call-4"})]

    within(story)


def test_a_fault_of_the_mind_ends_it_all():
    """Also the calls: nothing is left running."""

    def fault(_event):
        raise ZeroDivisionError

    async def story():
        with pytest.raises(ExceptionGroup) as caught:
            async with running({LinkOpened: fault, Started: [fx.OpenLink(1, "cloud", ())]}) as rig:
                await asyncio.Event().wait()
        assert leaves(caught.value) == [ZeroDivisionError]
        assert all(link._life.over for link in rig.links.made)

    within(story)


def test_a_fault_of_a_call_ends_it_all():
    class Faulty(Zombie):
        async def run(self):
            raise ZeroDivisionError

    async def story():
        with pytest.raises(ExceptionGroup) as caught:
            async with running({Started: [fx.OpenLink(1, "cloud", ())]}, links=lambda *_, **__: Faulty()):
                await asyncio.Event().wait()
        assert leaves(caught.value) == [ZeroDivisionError]

    within(story)


def leaves(group):
    """The types of all exceptions in a group of groups."""
    return [
        leaf for one in group.exceptions for leaf in (leaves(one) if isinstance(one, ExceptionGroup) else [type(one)])
    ]


@pytest.mark.parametrize(("used", "level"), [(False, "debug"), (True, "info")])
def test_the_counters_of_a_call_are_told_when_it_is_over_but_in_passing_if_nobody_used_it(used, level):
    async def story():
        links = FakeLinks([LinkOpened(0), AfterCommits(), LinkClosed(0)])
        ask = [*[fx.SendAudio(1, b"ab")] * used, fx.CommitTurn(1)]
        async with running({Started: [fx.OpenLink(1, "cloud", ())], Woke: ask}, links=links) as rig:
            await rig.mind.until_told(LinkOpened(1))
            links.made[0].counters.sent = 7
            rig.inbox.post(WOKE)
            await rig.mind.until_told(LinkClosed(1))
        told = [call for call in rig.done.named("write") if "call-over" in call]
        assert told == [("write", level, "call-over", {"call": 1} | asdict(LinkCounters(sent=7)))]
        assert rig.shell._served == set()

    within(story)


def test_losses_are_told_when_they_grow():
    async def story():
        counts = iter([{"overflows": 0}, {"overflows": 2}, {"overflows": 2}, {"overflows": 3}])

        def counters():
            count = next(counts, None)
            if count is None:
                raise StopAsyncIteration
            return count

        shell = Shell(FakeMind(None), Inbox(), done := Recorder(), done, {"cloud": FakeLinks()}, [], done, done)
        with pytest.raises((StopAsyncIteration, RuntimeError)):
            await shell.tell_losses(counters, every_s=0.0)
        assert done.named("write") == [
            ("write", "warning", "lost", {"overflows": 2}),
            ("write", "warning", "lost", {"overflows": 1}),
        ]

    within(story)
