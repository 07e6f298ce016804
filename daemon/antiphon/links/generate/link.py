"""A server on the LAN as a Link: calls, replies and tasks. What is said there is wire.py's, how is server.py's.

A call is open when the server's door is; on a trial, when its model has also spoken. The speech of a turn is kept until
its end and sent whole: the server ends no turns and remembers none. A reply begins (ReplyStarted) with its question, so
that whoever interrupts can name it; a failure ends the call, so that the question can go to another link.

Speech that waits a minute for a model which is loading, or for a seat, ends it for good (see probe.py). So none is sent
before the server is known to be ready (known.py): if there is a doubt, it is asked for a word first. That begins with
the first speech of the turn, and costs it what the word takes longer than the user. The call does not open only then:
the limits of opening are those of doors, and a slow card would fail them.

One limit holds from the end of the turn to the first sound that is told, whatever that takes: `first_sound_ms`.
All methods belong to the loop's thread.
"""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import ClientError

from antiphon.conversation.effects import ToolOutput
from antiphon.conversation.events import (
    LinkAlive,
    LinkOpened,
    NothingRecognised,
    ReplyAudio,
    ReplyEnded,
    ReplyStarted,
    ServiceComplained,
)
from antiphon.conversation.history import Turn
from antiphon.errors import LinkError
from antiphon.links.generate import troubles
from antiphon.links.generate.cushion import Arrivals
from antiphon.links.generate.exchange import Exchange
from antiphon.links.generate.known import Known
from antiphon.links.generate.probe import probe
from antiphon.links.generate.question import Question
from antiphon.links.generate.server import Server, host_of
from antiphon.links.generate.troubles import Silent
from antiphon.links.generate.wire import QUESTION_RATE_HZ, Form, spoken
from antiphon.links.life import Life
from antiphon.pcm import bytes_ms
from antiphon.ports import LinkCounters, Post

ENOUGH_MS = 2000.0
"""With so much of a reply there, holding it back gains nothing."""


@dataclass(frozen=True, slots=True)
class GeneratePlan:
    """What a call needs to know. The settings' section `generate` has the same names, but for the one `url`."""

    url: str
    """http://host:port, or https://; without a path, or with that of a reverse proxy."""
    open_timeout_ms: int
    """From dialling to the answer of /health."""
    first_sound_ms: int
    """From the end of the turn to the first sound, all that has to come before it included."""
    gap_ms: int
    """From each piece of a reply to the next; pieces are seconds, and the server may send several at once."""


@dataclass(slots=True, eq=False)
class _Asked:
    """A question whose reply is on its way."""

    reply: str
    question: Question
    due_s: float
    """When the turn has waited long enough for its first sound."""
    sent_s: float | None = None
    """When the question was sent."""
    task: asyncio.Task[None] | None = None
    arrivals: Arrivals = field(default_factory=Arrivals)
    held: bytearray | None = field(default_factory=bytearray)
    release: asyncio.TimerHandle | None = None


class GenerateLinkMaker:
    """Makes the calls to one server, and remembers between them whether and how it speaks, and what it is busy with."""

    def __init__(self, plan: GeneratePlan) -> None:
        self._plan = plan
        self._known = Known()

    def __call__(self, call: int, history: Sequence[Turn], post: Post, *, trial: bool) -> "GenerateLink":  # noqa: ARG002 - the server takes no history
        """A call that has yet to be run."""
        return GenerateLink(self._plan, self._known, call, post, trial=trial)


class GenerateLink:
    """One call; see ports.Link."""

    def __init__(self, plan: GeneratePlan, known: Known, call: int, post: Post, *, trial: bool) -> None:
        self.counters = LinkCounters()
        self._plan = plan
        self._known = known
        self._call = call
        self._life = Life(call, post)
        self._trial = trial
        self._host = host_of(plan.url)
        self._question = Question()
        self._replies = 0
        self._asked: _Asked | None = None
        self._more = asyncio.Event()  # something was asked, or will be
        self._news = asyncio.Event()  # the server may have become ready

    # ── the port ─────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """The whole life of the call; see ports.Link.run."""
        try:
            await self._life.run(self._live)
        finally:  # who has muted the microphone wants nothing kept, until the garbage is collected
            self._question, self._asked = Question(), None

    def send_audio(self, pcm: bytes) -> None:
        """Keep speech until the turn is over; of a turn that is too long, its end."""
        if not self._life.over:
            self._question.add(pcm)
            if not self._ready:
                self._more.set()

    def commit_turn(self) -> None:
        """Ask what was said; a reply that is still on its way ends."""
        if self._life.over:
            return
        self._hang_up()
        question, self._question = self._question, Question()
        if question.empty:
            self._life.tell(NothingRecognised(self._call))  # an empty file is answered too, by anything
            return
        self._replies += 1
        due_s = asyncio.get_running_loop().time() + self._plan.first_sound_ms / 1000
        self._asked = _Asked(f"{self._call}-{self._replies}", question, due_s)
        self._life.tell(ReplyStarted(self._call, self._asked.reply))
        self._more.set()

    def cancel_reply(self, reply: str, heard_ms: float) -> None:  # noqa: ARG002 - the server has no memory to cut
        """Hang up on `reply`. The server goes on making it, and is not told: there is no way to."""
        if self._asked is not None and self._asked.reply == reply:
            self._hang_up()

    def give_tool_outputs(self, outputs: Sequence[ToolOutput], *, respond: bool) -> None:
        """See ports.Link."""

    def check(self) -> None:
        """Nothing is connected between turns, and a turn has limits of its own: alive until one of them says else."""
        self._life.tell(LinkAlive(self._call))

    def close(self) -> None:
        """End the call soon, without a problem."""
        self._give_up()
        self._life.end(None)

    # ── one life ─────────────────────────────────────────────────────────────────────────────────

    def _end(self, error: LinkError) -> None:
        """End the call, and trust its server no more until it has spoken."""
        if not self._life.over:
            self._known.speaks = False
        self._life.end(error.problem())

    async def _live(self) -> None:
        server = Server(self._plan.url)
        try:
            async with server:
                await self._open(server)
                await self._serve(server)
        except LinkError as error:
            self._end(error)
        except (ClientError, OSError, UnicodeError) as error:
            self._end(troubles.explain(error, self._host))
        finally:
            self.counters.sent = server.answered

    async def _open(self, server: Server) -> None:
        try:
            async with asyncio.timeout(self._plan.open_timeout_ms / 1000):
                await server.knock()
        except TimeoutError:
            if server.looking_up:
                raise socket.gaierror(socket.EAI_AGAIN, "no answer in time") from None
            raise
        except ClientError as error:
            if troubles.is_gone(error):
                self._known.seats.forget()
            raise
        if self._trial:
            await self._probe(server, self._plan.first_sound_ms)
        self._life.tell(LinkOpened(self._call))

    async def _serve(self, server: Server) -> None:
        probing: asyncio.Task[None] | None = None
        async with asyncio.TaskGroup() as group:
            while True:
                await self._more.wait()
                self._more.clear()
                if not self._ready and (probing is None or probing.done()):
                    probing = group.create_task(self._make_sure(server), name=f"call {self._call} probe")
                if (asked := self._asked) is not None and asked.task is None:
                    asked.task = group.create_task(self._answer(server, asked), name=f"reply {asked.reply}")

    # ── whether it is ready ──────────────────────────────────────────────────────────────────────

    @property
    def _ready(self) -> bool:
        return self._known.ready(asyncio.get_running_loop().time())

    async def _make_sure(self, server: Server) -> None:
        """The same as a trial, while a turn is on its way and its own question needs time as well."""
        try:
            await self._probe(server, self._known.word_ms(self._plan.first_sound_ms))
        except LinkError as error:
            self._end(error)

    async def _probe(self, server: Server, first_sound_ms: float) -> None:
        limits = {"first_sound_ms": first_sound_ms, "gap_ms": self._plan.gap_ms}
        try:
            await probe(server, self._known.seats, self.counters, self._spoke, **limits)
        except Silent as silence:
            raise self._explained(silence) from None
        self._news.set()

    def _spoke(self, took_s: float) -> None:
        self._known.spoke(took_s)
        self._news.set()

    async def _until_ready(self) -> None:
        if not self._ready:
            self._more.set()  # replies may have been left behind since the turn's first speech
        while not self._ready:
            self._news.clear()
            await self._news.wait()

    def _explained(self, silence: Silent) -> LinkError:
        """With many replies left behind there is another reason for it than a dead model."""
        now = asyncio.get_running_loop().time()
        if not self._known.full(now):
            return silence
        return troubles.all_seats_taken(self._host, self._known.seats.taken(now))

    def _give_up(self) -> None:
        """Nobody waits any longer for the answer that is on its way, if any."""
        asked = self._asked
        if asked is not None and asked.sent_s is not None and not asked.arrivals.length_ms:
            self._known.given_up(asyncio.get_running_loop().time() - asked.sent_s)

    # ── a reply ──────────────────────────────────────────────────────────────────────────────────

    async def _answer(self, server: Server, asked: _Asked) -> None:
        try:
            form = await self._form(asked)
            heard_ms = await self._ask(server, asked, form)
        except LinkError as error:
            self._release(asked)  # what came is good
            self._end(error)
        else:
            self._release(asked)
            self._asked = None
            if heard_ms:
                self._life.tell(ReplyEnded(self._call, asked.reply, "completed"))
            else:
                self._life.tell(ReplyEnded(self._call, asked.reply, "failed", troubles.no_answer(self._host).problem()))
        finally:
            self._known.cushion.learn(asked.arrivals)
            if asked.release is not None:
                asked.release.cancel()

    async def _form(self, asked: _Asked) -> Form:
        """What was said, as it may be sent: made ready, if the turn was kept whole, and the server as well."""
        try:
            async with asyncio.timeout_at(asked.due_s):
                while asked.question.work():  # noqa: ASYNC110 - nothing is waited for: others get their turn
                    await asyncio.sleep(0)
                await self._until_ready()
        except TimeoutError:
            raise self._explained(troubles.model_is_silent(self._host, self._plan.first_sound_ms)) from None
        turn = asked.question.end()
        if turn.left_out_ms:
            trouble = troubles.shortened(bytes_ms(turn.pcm, QUESTION_RATE_HZ), turn.left_out_ms)
            self._life.tell(ServiceComplained(self._call, trouble.problem()))
        return spoken(turn.pcm)

    async def _ask(self, server: Server, asked: _Asked, form: Form) -> float:
        """What is left of the turn's time is the question's; returns how many milliseconds the answer had."""
        loop = asyncio.get_running_loop()
        asked.sent_s = loop.time()
        limits = {"first_sound_ms": self._plan.first_sound_ms, "gap_ms": self._plan.gap_ms}
        exchange = Exchange(server, self._known.seats, lambda pcm: self._hear(asked, pcm, exchange.took_s), **limits)
        needed_s, left_s = self._known.took_s, asked.due_s - asked.sent_s
        try:
            return await exchange.run(form, asked.due_s)
        except Silent:
            if needed_s <= left_s:
                raise
            raise troubles.model_is_slow(self._host, needed_s * 1000, left_s * 1000) from None
        finally:
            self.counters.received += exchange.pieces

    def _hear(self, asked: _Asked, pcm: bytes, took_s: float) -> None:
        """A piece of the reply: held back while that may save a stutter and the turn has time, else told."""
        self._known.spoke(took_s)
        loop = asyncio.get_running_loop()
        asked.arrivals.came(bytes_ms(pcm), loop.time())
        if asked.held is None:
            self._life.tell(ReplyAudio(self._call, asked.reply, pcm))
            return
        asked.held += pcm
        if asked.release is None:
            held_until_s = loop.time() + self._known.cushion.hold_ms / 1000
            asked.release = loop.call_at(min(held_until_s, asked.due_s), self._release, asked)
        if asked.arrivals.length_ms >= ENOUGH_MS:
            self._release(asked)

    def _release(self, asked: _Asked) -> None:
        held, asked.held = asked.held, None
        if held:
            self._life.tell(ReplyAudio(self._call, asked.reply, bytes(held)))

    def _hang_up(self) -> None:
        """End the reply that is on its way, if any."""
        self._give_up()
        asked, self._asked = self._asked, None
        if asked is None:
            return
        asked.held = None
        if asked.task is not None:
            asked.task.cancel()
        self._life.tell(ReplyEnded(self._call, asked.reply, "cancelled"))
