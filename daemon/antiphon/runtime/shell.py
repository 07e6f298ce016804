"""Floor 4. The shell around the mind: brings it every event, performs every effect, and wakes it at its deadline.

It decides nothing. A link is a task of its own here; ear and mouth are threads that it only calls. An exception in
any of them is a programmer's fault: it ends the process, and the service manager starts a clean one.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from antiphon.conversation import effects as fx
from antiphon.conversation.events import EarClosed, EarOpened, Event, LinkClosed, Started, Ticked, ToolAnswered
from antiphon.conversation.states import AT_REST
from antiphon.ports import Link, LinkMaker, Log, Notifier, Speech, Tools, Watcher
from antiphon.runtime.inbox import Inbox
from antiphon.runtime.liveness import Liveness, Progress
from antiphon.runtime.memory import sweep
from antiphon.runtime.tally import Tally
from antiphon.snapshot import Snapshot

_CALLS_END_S = 3.0
_TELL_LOSSES_S = 10.0
_NO_TOOLS = "failed: there are no tools here"


class Mind(Protocol):
    """What the shell knows of the machine."""

    def handle(self, event: Event, now: float) -> list[fx.Effect]:
        """Decide about one event."""

    @property
    def deadline(self) -> float | None:
        """When `Ticked` is due."""

    @property
    def snapshot(self) -> Snapshot:
        """What may be shown."""


class EarControl(Protocol):
    """What the shell asks of the ear; every call returns at once."""

    def open(self) -> None: ...
    def close(self) -> None: ...
    def stream(self, preroll_ms: float, after_s: float | None) -> None: ...
    def rest(self) -> None: ...


class MouthControl(Protocol):
    """What the shell asks of the mouth; every call returns at once."""

    def prepare(self) -> None: ...
    def release(self) -> None: ...
    def play(self, reply: str, pcm: bytes) -> None: ...
    def end(self, reply: str) -> None: ...
    def hush(self, reply: str) -> None: ...
    def duck(self, reply: str) -> None: ...
    def resume(self, reply: str) -> None: ...
    def withdraw(self, reply: str) -> None: ...
    def chime(self, name: fx.ChimeName) -> None: ...


def _nothing(*_: object) -> None:
    """Nobody is there for it."""


@dataclass(frozen=True, slots=True)
class Errands:
    """Who does what the owner asked for, beside ear, mouth and links."""

    set_volume: Callable[[int], None] = _nothing
    """Returns at once; what came of it is posted."""
    speech: Speech | None = None
    tools: Tools | None = None
    """What a model may do; None: nothing."""
    answer: Callable[[int, str], None] = _nothing
    """(ask, problem): tells whoever asked."""


class Shell:
    """Runs one mind until it is cancelled."""

    def __init__(
        self,
        mind: Mind,
        inbox: Inbox,
        ear: EarControl,
        mouth: MouthControl,
        makers: Mapping[str, LinkMaker],
        watchers: Sequence[Watcher],
        log: Log,
        notifier: Notifier,
        clock: Callable[[], float] = time.monotonic,
        errands: Errands = Errands(),
    ) -> None:
        """`makers` by the names of the links, as `OpenLink` names them."""
        self._mind = mind
        self._inbox = inbox
        self._ear = ear
        self._mouth = mouth
        self._makers = makers
        self._watchers = watchers
        self._log = log
        self._notifier = notifier
        self._clock = clock
        self._errands = errands
        self._speeches: dict[int, asyncio.Task[None]] = {}
        self._runs: dict[int, asyncio.Task[None]] = {}
        self._links: dict[int, Link] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._served: set[int] = set()  # calls that were used
        self._seen: Snapshot | None = None
        self._ready = False
        self._ticked = False
        self.replace: fx.Replace | None = None
        """The mind wants the program to begin anew, now that `run` has ended."""
        self.handled = 0
        """How many events the mind has decided about."""

    async def run(self, *beside: Coroutine[Any, Any, None]) -> None:
        """Until `stop`; calls that are open then are closed in order, with a limit. `beside` runs as long."""
        async with asyncio.TaskGroup() as group:
            companions = [group.create_task(one, name="beside") for one in beside]
            self._inbox.post(Started())
            while (event := await self._next()) is not None:
                self._decide(event, group)
            for errand in (*self._speeches.values(), *self._runs.values()):
                errand.cancel()
            await self._end_calls()
            for companion in companions:
                companion.cancel()

    def stop(self) -> None:
        """Let `run` return soon; nothing more is decided."""
        self._inbox.close()

    async def tell_losses(self, counters: Callable[[], Mapping[str, int]], every_s: float = _TELL_LOSSES_S) -> None:
        """Log what ear and mouth have lost, now and then; it never returns."""
        tally = Tally()
        while True:
            await asyncio.sleep(every_s)
            if lost := tally.grown(counters()):
                self._log.write("warning", "lost", **lost)

    async def watch_over(self, progress: Callable[[], Progress]) -> None:
        """Feed the watchdog while everything that should advance does; returns when there is no watchdog."""
        liveness = Liveness()
        while self._notifier.watchdog_s > 0:
            if liveness.advanced(progress()):
                self._notifier.alive()
            await asyncio.sleep(self._notifier.watchdog_s / 3)

    async def _next(self) -> Event | None:
        """The next event, or Ticked when the mind's deadline comes first; None when all is over."""
        deadline = self._mind.deadline
        overdue = deadline is not None and deadline <= self._clock()
        if overdue and not self._ticked:  # in turns, so that neither starves the other
            self._ticked = True
            return Ticked()
        self._ticked = False
        if (event := self._inbox.take()) is not None:
            return event
        try:
            async with asyncio.timeout(None if deadline is None else deadline - self._clock()):
                await self._inbox.wait()
        except TimeoutError:
            return Ticked()
        return self._inbox.take()

    def _decide(self, event: Event, group: asyncio.TaskGroup) -> None:
        effects = self._mind.handle(event, self._clock())
        before, snapshot = self._seen, self._mind.snapshot
        if snapshot != before:  # first, so that every line of the log is written in the midst of what is true now
            self._seen = snapshot
            for watcher in self._watchers:
                watcher.see(snapshot)
        for effect in effects:
            self._perform(effect, group)
        if not isinstance(event, Ticked):
            self.handled += 1
        if isinstance(event, LinkClosed):
            self._forget(event.call)
        if isinstance(event, EarOpened | EarClosed) and not self._ready:
            self._ready = True
            self._notifier.ready()
            self._log.write("info", "ready")
        as_wished = isinstance(event, EarClosed) and event.problem is None
        if snapshot.deaf and (as_wished or isinstance(event, LinkClosed)):
            sweep()  # muted: what ear and link have let go of on this thread
        if snapshot != before:
            self._show(snapshot, before)

    def _forget(self, call: int) -> None:
        link = self._links.pop(call, None)
        self._tasks.pop(call, None)
        if link is not None:
            counters = link.counters
            served = call in self._served  # else it is one of many: a trial, or in the outage of a night
            self._log.write("info" if served else "debug", "call-over", call=call, **asdict(counters))
            self._served.discard(call)

    def _show(self, snapshot: Snapshot, before: Snapshot | None) -> None:
        awake, was_awake = (one is not None and one.state not in AT_REST for one in (snapshot, before))
        if awake != was_awake:  # the speaker is open while somebody may be answered
            (self._mouth.prepare if awake else self._mouth.release)()
        self._notifier.status(status_line(snapshot))

    def _perform(self, effect: fx.Effect, group: asyncio.TaskGroup) -> None:
        match effect:
            case fx.SendAudio(call, pcm):
                self._links[call].send_audio(pcm)
                self._served.add(call)
            case fx.Play(reply, pcm):
                self._mouth.play(reply, pcm)
            case fx.EndPlay(reply):
                self._mouth.end(reply)
            case fx.Hush(reply):
                self._mouth.hush(reply)
            case fx.Duck(reply):
                self._mouth.duck(reply)
            case fx.Resume(reply):
                self._mouth.resume(reply)
            case fx.Withdraw(reply):
                self._mouth.withdraw(reply)
            case fx.Chime(name):
                self._mouth.chime(name)
            case fx.StreamEar(preroll_ms, after_s):
                self._ear.stream(preroll_ms, after_s)
            case fx.RestEar():
                self._ear.rest()
            case fx.OpenEar():
                self._ear.open()
            case fx.CloseEar():
                self._ear.close()
            case fx.OpenLink(call, name, history, trial):
                link = self._links[call] = self._makers[name](call, history, self._inbox.post, trial=trial)
                self._tasks[call] = group.create_task(link.run(), name=f"call-{call}")
            case fx.CloseLink(call):
                self._links[call].close()
            case fx.CheckLink(call):
                self._links[call].check()
            case fx.CommitTurn(call):
                self._links[call].commit_turn()
            case fx.CancelReply(call, reply, heard_ms):
                self._links[call].cancel_reply(reply, heard_ms)
            case fx.GiveToolOutputs(call, outputs, respond):
                self._links[call].give_tool_outputs(outputs, respond=respond)
            case fx.RunTool():
                self._run_tool(effect, group)
            case fx.DropTool(run):
                if run in self._runs:  # else its answer is in the inbox
                    self._runs[run].cancel()
            case fx.SetVolume(percent):
                self._errands.set_volume(percent)
            case fx.MakeSpeech(say, text, style):
                speech = self._errands.speech
                assert speech is not None, "the mind knows that there is none"
                task = group.create_task(speech.make(say, text, self._inbox.post, style), name=f"say-{say}")
                self._speeches[say] = task
                task.add_done_callback(lambda _: self._speeches.pop(say, None))
            case fx.DropSpeech(say):
                if say in self._speeches:  # else its end is in the inbox
                    self._speeches[say].cancel()
            case fx.Answer(ask, problem):
                self._errands.answer(ask, problem)
            case fx.Replace():
                self.replace = effect
                self.stop()
            case fx.Note(what, fields, level):
                self._log.write(level, what, **dict(fields))

    def _run_tool(self, wanted: fx.RunTool, group: asyncio.TaskGroup) -> None:
        run, tools = wanted.run, self._errands.tools
        if tools is None:
            self._inbox.post(ToolAnswered(run, _NO_TOOLS, failed=True))
            return
        task = group.create_task(tools.call(run, wanted.name, wanted.arguments, self._inbox.post), name=f"tool-{run}")
        self._runs[run] = task
        task.add_done_callback(lambda _: self._runs.pop(run, None))

    async def _end_calls(self) -> None:
        """Ask every call to end; those that do not, in time, are named and cancelled."""
        for link in self._links.values():
            link.close()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks.values(), timeout=_CALLS_END_S)
        for task in late:
            self._log.write("warning", "zombie", task=task.get_name())
            task.cancel()


def status_line(snapshot: Snapshot) -> str:
    """One line for `systemctl status`."""
    via = f"{snapshot.via}, as the first link does not answer" if snapshot.fallback else snapshot.via
    closed = "microphone closed" + " by its switch" * snapshot.switched_off
    heard = closed if snapshot.deaf else f"call {snapshot.link}" + (f" ({via})" if via else "")
    heard += ", no speaker" * snapshot.voiceless + ", deaf while it speaks" * snapshot.half_duplex
    heard += ", a timer rings" * bool(snapshot.ringing)
    trouble = f"; {snapshot.problem}" if snapshot.problem else ""
    return f"{snapshot.state.value}, {heard}{trouble}"
