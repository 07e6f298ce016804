"""StepFun's Realtime WebSocket as a Link: sockets, tasks and time. What is said there is wire.py's and dialogue.py's.

The session's settings and the history are sent as soon as the socket is open, without waiting for the service's
first word; the call counts as open (LinkOpened) when that word has come, so that speech always follows the settings.
All methods belong to the loop's thread.
"""

import asyncio
import ipaddress
import re
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from socket import EAI_AGAIN, IPPROTO_TCP, TCP_NOTSENT_LOWAT, gaierror
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from antiphon.conversation.effects import ToolOutput
from antiphon.conversation.events import LinkAlive
from antiphon.conversation.history import Turn
from antiphon.errors import Garbled, LinkError, Lost, Problem, Refused
from antiphon.links.life import Life
from antiphon.links.realtime import troubles
from antiphon.links.realtime.dialogue import Dialogue, Outcome
from antiphon.links.realtime.messages import (
    AddText,
    CancelResponse,
    ClientMessage,
    FunctionTool,
    Malformed,
    Retrieval,
    ServerVad,
    ToolOffer,
    TruncateItem,
    Unknown,
    UpdateSession,
    WebSearch,
)
from antiphon.links.realtime.outbox import Outbox
from antiphon.links.realtime.wire import decode, encode
from antiphon.ports import Catalogue, LinkCounters, Post, ToolSpec
from antiphon.secret import STARS, Secret
from antiphon.speech.dialling import FORGOTTEN, dial, hang_up, take_leave
from antiphon.speech.keys import plain, without_key
from antiphon.speech.repeats import Repeats

MAX_MALFORMED_IN_A_ROW = 100
"""So many pieces of nonsense without one sound message between them, and the call is over."""

MAX_AHEAD_BYTES = 16 * 2**10
"""What may wait in the library, and again in the kernel, where nothing overtakes it: 0.25 s of speech each.

On a slow uplink the kernel alone would else take megabytes, and cancelling or a ping would come half a minute late.
"""

MAX_UNANSWERED = 8
"""Checks that may wait for their signs of life; more would tell nothing more."""

MAX_SENTENCE = 400
"""Characters of a problem, the service's own words included."""


@dataclass(frozen=True, slots=True)
class RealtimePlan:
    """What a call needs to know. The settings' section `realtime` has the same names."""

    url: str
    """wss://host/v1/realtime or wss://host/step_plan/v1/realtime: never guessed from the key."""
    model: str
    voice: str
    """"" leaves it to the service."""
    instructions: str
    turn_detection: Literal["server", "own"]
    silence_ms: int
    prefix_padding_ms: int
    energy_threshold: int
    """0 to 5000; with `silence_ms` and `prefix_padding_ms` it is used only where the service finds the turns."""
    open_timeout_ms: int
    """From dialling to the service's first word."""
    ping_interval_s: float
    ping_timeout_s: float
    append_ms: int
    """The longest piece in which speech is sent; long ones delay the service's ear."""
    proxy: str | None
    """An address like http://host:port; None is no proxy, whatever the environment says."""
    allow_plain: bool
    """Lets ws:// go further than this machine."""
    backlog_ms: int = 90_000
    """Speech that may wait to be sent: a kept utterance of a minute, and half a minute more."""
    web_search: bool = False
    web_search_top_k: int = 5
    web_search_timeout_s: int = 3
    retrieval_store: str = ""
    """"" for none."""
    retrieval_description: str = ""
    retrieval_prompt: str = ""
    """"" leaves it to the service."""


def _no_tools() -> Sequence[ToolSpec]:
    return ()


class RealtimeLinkMaker:
    """Makes the calls of one plan. Without a key no Authorization is sent: a simulator asks for none."""

    def __init__(self, plan: RealtimePlan, key: Secret | None, tools: Catalogue = _no_tools) -> None:
        """Each call tells the model of the `tools` that there are when it is made."""
        self._plan = plan
        self._key = key
        self._tools = tools

    def __call__(self, call: int, history: Sequence[Turn], post: Post, *, trial: bool) -> "RealtimeLink":  # noqa: ARG002 - every call that opens has shown that the service answers
        """A call that has yet to be run."""
        return RealtimeLink(self._plan, self._key, call, history, post, self._tools())


class RealtimeLink:
    """One call; see ports.Link."""

    def __init__(
        self,
        plan: RealtimePlan,
        key: Secret | None,
        call: int,
        history: Sequence[Turn],
        post: Post,
        tools: Sequence[ToolSpec] = (),
    ) -> None:
        self.counters = LinkCounters()
        self._repeats = Repeats()
        self._plan = plan
        self._key = key
        self._call = call
        self._life = Life(call, post)
        self._host = "the service"
        self._named = False  # the host's name is known to have an address
        self._dialogue = Dialogue(call, own_turns=plan.turn_detection == "own", voice=plan.voice, model=plan.model)
        self._outbox = Outbox(plan.append_ms, plan.backlog_ms)
        self._more = asyncio.Event()  # the outbox has something
        self._checks = asyncio.Semaphore(0)
        self._unanswered = 0
        self._malformed_in_a_row = 0
        for message in _greeting(plan, history, tools):
            self._outbox.request(message)

    # ── the port ─────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """The whole life of the call; see ports.Link.run."""
        await self._life.run(self._live)

    def send_audio(self, pcm: bytes) -> None:
        """Queue speech for the service; a full queue ends the call as lost."""
        if self._life.over:
            return
        if self._outbox.speech(pcm):
            self._more.set()
        else:
            self._end(Lost("The network does not keep up with the speech: check the Wi-Fi, or come closer to it"))

    def commit_turn(self) -> None:
        """The turn is over; does nothing where the service finds the turns, as it answers by itself there."""
        self._carry_out(self._dialogue.commit())

    def cancel_reply(self, reply: str, heard_ms: float) -> None:
        """Stop `reply`, and cut it in the service's memory to what was heard."""
        self._carry_out(self._dialogue.cancel(reply, heard_ms))

    def give_tool_outputs(self, outputs: Sequence[ToolOutput], *, respond: bool) -> None:
        """As soon as no reply runs; with `respond` a reply to that is asked for."""
        self._carry_out(self._dialogue.give_tool_outputs(outputs, respond=respond))

    def check(self) -> None:
        """A WebSocket ping: its pong is the sign of life, once a check. With MAX_UNANSWERED waiting it does nothing.

        It overtakes the speech that waits in the outbox, but not what library and kernel hold (MAX_AHEAD_BYTES).
        """
        if not self._life.over and self._unanswered < MAX_UNANSWERED:
            self._unanswered += 1
            self._checks.release()

    def close(self) -> None:
        """End the call soon, without a problem; what still waits to be sent is left unsent."""
        self._life.end(None)

    # ── one life ─────────────────────────────────────────────────────────────────────────────────

    def _end(self, error: LinkError) -> None:
        """End the call; its reason may quote the service, and services like to quote the key."""
        self._life.end(Problem(error.fault, without_key(self._key, str(error))[:MAX_SENTENCE]))

    async def _live(self) -> None:
        try:
            # One limit from the first packet to the service's first word, so the library needs none of its own.
            async with asyncio.timeout(self._plan.open_timeout_ms / 1000) as patience:
                await self._converse(await self._dial(), patience)
        except TimeoutError as late:
            nameless = gaierror(EAI_AGAIN, "no answer in time")
            self._end(troubles.explain(late if self._named else nameless, self._host, self._plan.url))
        except (LinkError, OSError, WebSocketException, UnicodeError, ImportError) as error:
            self._end(troubles.explain(error, self._host, self._plan.url))

    async def _dial(self) -> ClientConnection:
        plan, url = self._plan, _checked(self._plan)
        self._host = f"{url.hostname} (through realtime.proxy)" if plan.proxy else str(url.hostname)
        return await dial(
            _with_model(url, plan.model),
            self._key,
            plan.proxy,
            named=self._is_named,
            ping_interval_s=plan.ping_interval_s,
            ping_timeout_s=plan.ping_timeout_s,
            max_ahead_bytes=MAX_AHEAD_BYTES,
        )

    def _is_named(self) -> None:
        """From here on it is the service that is silent, and not the resolver: one that reaches nobody says so after
        ten seconds or more, when nobody waits for it.
        """
        self._named = True

    async def _converse(self, socket: ClientConnection, patience: asyncio.Timeout) -> None:
        try:
            socket.transport.get_extra_info("socket").setsockopt(IPPROTO_TCP, TCP_NOTSENT_LOWAT, MAX_AHEAD_BYTES)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write(socket), name=f"call {self._call} writer")
                group.create_task(self._ping(socket, group), name=f"call {self._call} pings")
                await self._read(socket, patience)
        finally:
            if self._life.problem is not None or not self._dialogue.opened:
                hang_up(socket)  # nobody there to say goodbye to, and a new call may be waiting
            else:
                await take_leave(socket)

    async def _read(self, socket: ClientConnection, patience: asyncio.Timeout) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            while not self._life.over:
                frame = await socket.recv(decode=False)
                self.counters.received += 1
                self._hear(frame)
                if self._dialogue.opened and patience.when() is not None:
                    patience.reschedule(None)
        except ConnectionClosed as closed:
            self._end(troubles.explain_close(closed, self._host, loop.time() - began_s))

    def _hear(self, frame: bytes) -> None:
        if self._repeats.has(frame):
            self.counters.repeated += 1
            return
        message = decode(_without_key(self._key, frame))
        if isinstance(message, Malformed):
            self.counters.malformed += 1
            self._malformed_in_a_row += 1
            if self._malformed_in_a_row >= MAX_MALFORMED_IN_A_ROW:
                self._end(Garbled(f"{self._host} speaks nonsense ({message.why}): check realtime.url"))
            return
        self._malformed_in_a_row = 0
        if isinstance(message, Unknown):
            self.counters.unknown += 1
        else:
            self._carry_out(self._dialogue.heard(message))

    async def _write(self, socket: ClientConnection) -> None:
        try:
            while True:
                while (message := self._outbox.take()) is not None:
                    # A peer that takes nothing in is ours to find: the library's own pings would wait as we do.
                    text = encode(message)
                    async with asyncio.timeout(self._plan.ping_timeout_s):
                        with suppress(FORGOTTEN):
                            await socket.send(text)
                    self.counters.sent += 1
                    await asyncio.sleep(0)  # sending need not wait, and a long pre-roll must not hold the loop
                self._more.clear()
                await self._more.wait()
        except TimeoutError:
            self._end(Lost(f"{self._host} takes nothing in any more: check the network; it will be tried again"))
        except ConnectionClosed:
            pass  # the reader is told the same, and tells why

    async def _ping(self, socket: ClientConnection, group: asyncio.TaskGroup) -> None:
        with suppress(ConnectionClosed, FORGOTTEN):  # as above
            while True:
                await self._checks.acquire()
                group.create_task(self._await_pong(await socket.ping()), name=f"call {self._call} pong")

    async def _await_pong(self, pong: Awaitable[float]) -> None:
        with suppress(ConnectionClosed):
            await pong
            self._unanswered -= 1
            self._life.tell(LinkAlive(self._call))

    def _carry_out(self, outcome: Outcome) -> None:
        for event in outcome.events:
            self._life.tell(event)
        for request in outcome.requests:
            if isinstance(request, CancelResponse | TruncateItem):
                self._outbox.urgent(request)
            else:
                self._outbox.request(request)
        self._more.set()


def _greeting(plan: RealtimePlan, history: Sequence[Turn], tools: Sequence[ToolSpec]) -> list[ClientMessage]:
    vad = ServerVad(plan.silence_ms, plan.prefix_padding_ms, plan.energy_threshold)
    turns = vad if plan.turn_detection == "server" else None
    update = UpdateSession(plan.instructions, plan.voice, turns, tuple(_offers(plan, tools)))
    return [update, *(AddText(turn.role, turn.text) for turn in history)]


def _offers(plan: RealtimePlan, tools: Sequence[ToolSpec]) -> Iterator[ToolOffer]:
    """Ours, and those that the service runs by itself."""
    yield from (FunctionTool(tool.name, tool.description, tool.parameters) for tool in tools)
    if plan.web_search:
        yield WebSearch(plan.web_search_top_k, plan.web_search_timeout_s)
    if plan.retrieval_store:
        yield Retrieval(plan.retrieval_store, plan.retrieval_description, plan.retrieval_prompt)


def _checked(plan: RealtimePlan) -> SplitResult:
    """The plan's address, taken apart; Refused when speech must not be sent there."""
    try:
        url = urlsplit(plan.url)
        port = url.port
    except ValueError:
        raise Refused("realtime.url is not an address: give one like wss://api.stepfun.com/v1/realtime") from None
    if url.scheme not in ("ws", "wss") or not url.hostname or port == 0:
        raise Refused("realtime.url is not an address: give one like wss://api.stepfun.com/v1/realtime")
    if url.scheme == "ws" and not plan.allow_plain and not _is_this_machine(url.hostname):
        raise Refused(
            f"Speech and key would go to {url.hostname} unencrypted: use wss:// in realtime.url, "
            "or set realtime.allow_plain when the network is your own"
        )
    return url


def _is_this_machine(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _with_model(url: SplitResult, model: str) -> str:
    query = [(name, value) for name, value in parse_qsl(url.query) if name != "model"]
    return urlunsplit(url._replace(query=urlencode([*query, ("model", model)]), fragment=""))


def _without_key(secret: Secret | None, frame: bytes) -> bytes:
    """`frame` with stars for the key; it is JSON, in which any character may be spelled as its number."""
    key = plain(secret)
    if not key:
        return frame
    frame = frame.replace(key.encode(), STARS.encode())
    if b"\\u00" not in frame:
        return frame
    spelled = "".join(rf"(?:{re.escape(one)}|\\u{ord(one):04x})" for one in key)
    return re.sub(spelled.encode(), STARS.encode(), frame, flags=re.IGNORECASE)
