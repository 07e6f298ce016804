"""Floor 4. The control socket: programs of this machine ask for the status, and give orders. docs/control.md tells how.

Each request and each reply is a JSON object on a line of its own. It decides nothing: an order is an event with a
number, and is answered when the mind has answered that. No client can hold it up, or make it grow.
"""

import asyncio
import json
import os
import socket
import stat
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

from antiphon.conversation.events import Commanded, Event, SayWanted, SpeechStyle, VolumeWanted
from antiphon.errors import AntiphonError
from antiphon.ports import Log
from antiphon.runtime.orders import Orders
from antiphon.snapshot import Snapshot

Tree: TypeAlias = dict[str, Any]

WELL_KNOWN = Path("/run/antiphon")
NAME = "control.sock"
MODE = 0o660
MOST_CLIENTS = 16
LONGEST_LINE = 65_536
MOST_TEXT = 5000
"""Characters that may be said at once."""
STYLE = ("voice", "instruction", "speed")
"""How a text is said, where that is not to be as set."""
MOST_VOICE = 128
MOST_INSTRUCTION = 500
LINE_S = 60.0
"""A client has so long for its next line, and is then let go."""
READ_S = 5.0
"""And so long to take a reply."""
ANSWER_S = 20.0
"""An order is answered so soon, or never;"""
SAY_S = 1800.0
"""but a text when it was heard to its end, and others may come before it."""
WATCH_S = 1.0
"""Who watches is told at every change, and this often."""
ORDERS = ("stop", "listen", "mute", "unmute")


class ControlError(AntiphonError):
    """The control socket cannot be made: why, and what to do."""


class BadRequest(Exception):
    """Nobody can do that; `str()` says what is wrong with it, and repeats nothing of it."""


def places(setting: str, environ: Mapping[str, str]) -> list[Path]:
    """Where the socket of `control.socket` may be; the daemon makes the first, and clients try each."""
    if setting != "auto":
        return [Path(setting)]
    ours, users = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0], environ.get("XDG_RUNTIME_DIR", "")
    folders = [*([Path(ours)] if ours else []), *([Path(users, "antiphon")] if users else []), WELL_KNOWN]
    return [folder / NAME for folder in folders]


class ControlServer:
    """ports.Watcher. All on the loop's thread."""

    def __init__(self, path: Path, orders: Orders, status: Callable[[], Tree], log: Log) -> None:
        self._path = path
        self._orders = orders
        self._status = status
        self._log = log
        self._watching: set[asyncio.Event] = set()
        self._clients = 0

    async def serve(self) -> None:
        """Until it is cancelled; where the socket cannot be made that is said, and it returns."""
        try:
            listening = open_socket(self._path)
        except ControlError as error:
            self._log.write("warning", "no-control", sentence=str(error))
            return
        with listening, removed_at_the_end(self._path):
            async with asyncio.TaskGroup() as group:

                def admit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                    group.create_task(self._converse(reader, writer), name="control")

                server = await asyncio.start_unix_server(admit, sock=listening, limit=LONGEST_LINE, start_serving=False)
                try:
                    await server.start_serving()
                    await asyncio.Event().wait()
                finally:
                    server.close()

    def see(self, snapshot: Snapshot) -> None:  # noqa: ARG002 - the port has it
        """ports.Watcher: those who watch are told."""
        for changed in self._watching:
            changed.set()

    # ── a client ─────────────────────────────────────────────────────────────────────────────────

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until the client has no more to ask, is gone, or is let go."""
        writer.transport.set_write_buffer_limits(high=0)  # what is sent is with the kernel, or waited for
        self._clients += 1
        try:
            with suppress(OSError):  # it is gone, or takes too long
                if self._clients > MOST_CLIENTS:
                    await _tell(writer, _refusal(f"there are {MOST_CLIENTS} others: try again when one has gone"))
                else:
                    await self._serve(reader, writer)
        finally:
            self._clients -= 1
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                async with asyncio.timeout(LINE_S):
                    line = await _line_from(reader)
                if not line:
                    return
                request = parsed(line)
            except BadRequest as error:
                await _tell(writer, _refusal(str(error)))
            except asyncio.LimitOverrunError:
                await _tell(writer, _refusal(f"a request is a line of {LONGEST_LINE} bytes at most"))
                return
            else:
                if request["do"] == "watch":
                    await self._watch(writer)
                await _tell(writer, await self._reply(request))

    async def _watch(self, writer: asyncio.StreamWriter) -> None:
        """For ever: the client ends it by going away."""
        changed = asyncio.Event()
        self._watching.add(changed)
        try:
            while True:
                changed.clear()
                await _tell(writer, {"ok": True, **self._status()})
                with suppress(TimeoutError):
                    async with asyncio.timeout(WATCH_S):
                        await changed.wait()
        finally:
            self._watching.discard(changed)

    async def _reply(self, request: Tree) -> Tree:
        if request["do"] == "status":
            return {"ok": True, **self._status()}
        wants_volume = request["do"] == "volume"
        if not wants_volume or len(request) > 1:
            problem = await self._order(request)
            if problem:
                return _refusal(problem)
        return {"ok": True, "volume": self._status()["speaker"]["volume"]} if wants_volume else {"ok": True}

    async def _order(self, request: Tree) -> str:
        """The mind's answer to it: "", or what is wrong."""
        limit_s = SAY_S if request["do"] == "say" else ANSWER_S
        return await self._orders.order(lambda ask: event_of(request, ask), limit_s)


async def _line_from(reader: asyncio.StreamReader) -> bytes:
    """The next line; b"" at the end. One that is not ended, but by that, counts."""
    try:
        return await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError as error:
        return error.partial


async def _tell(writer: asyncio.StreamWriter, reply: Tree) -> None:
    """Send it, and wait until the kernel has it. Raises OSError when the client is gone or does not read."""
    writer.write(json.dumps(reply).encode() + b"\n")
    async with asyncio.timeout(READ_S):
        await writer.drain()


def _refusal(why: str) -> Tree:
    return {"ok": False, "why": why}


# ── requests ─────────────────────────────────────────────────────────────────────────────────────


def parsed(line: bytes) -> Tree:
    """A request that can be done, with no more fields than it has. Raises BadRequest."""
    try:
        request = json.loads(line.decode())
    except (ValueError, RecursionError):
        raise BadRequest('this is no JSON: a request is a line such as {"do": "status"}') from None
    if not isinstance(request, dict) or not isinstance(request.get("do"), str):
        raise BadRequest('a request is an object that says what to do, such as {"do": "status"}')
    do = request["do"]
    allowed = {"say": {"text", *STYLE}, "volume": {"percent", "change"}}.get(do, set())
    if do not in ("status", "watch", "say", "volume", *ORDERS):
        raise BadRequest(f"it can do: status, watch, say, volume, {', '.join(ORDERS)}")
    if not request.keys() <= {"do", *allowed}:
        raise BadRequest(f"{do} takes " + (" or ".join(sorted(allowed)) if allowed else "nothing more"))
    if do == "say":
        _check_text(request.get("text"))
        _check_style(request)
    elif do == "volume":
        _check_volume(request)
    return request


def event_of(request: Tree, ask: int) -> Event:
    """A parsed order as the mind's event, with the number under which it is answered."""
    match request:
        case {"do": "say", "text": text}:
            style = {name: request[name] for name in STYLE if name in request}
            return SayWanted(text.strip(), ask, SpeechStyle(**style) if style else None)
        case {"do": "volume"}:
            return VolumeWanted(request.get("percent"), request.get("change", 0), ask)
        case _:
            return Commanded(request["do"], ask)


def _check_text(text: object) -> None:
    if not isinstance(text, str) or not text.strip():
        raise BadRequest("say takes a text that is not empty")
    if len(text) > MOST_TEXT:
        raise BadRequest(f"a text has {MOST_TEXT} characters at most")
    if any(unicodedata.category(one) in ("Cc", "Cs") and one not in "\t\r\n" for one in text):
        raise BadRequest("the text has characters in it that nobody can say")


def _check_style(request: Tree) -> None:
    for name, most in (("voice", MOST_VOICE), ("instruction", MOST_INSTRUCTION)):
        value = request.get(name, "")
        if not isinstance(value, str) or len(value) > most or not value.isprintable():
            raise BadRequest(f"{name} is a text of {most} characters at most, on one line")
    speed = request.get("speed", 1.0)
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not 0.5 <= speed <= 2.0:
        raise BadRequest("speed is a number from 0.5 to 2")


def _check_volume(request: Tree) -> None:
    for name, least in (("percent", 0), ("change", -100)):
        value = request.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 100:
            raise BadRequest(f"{name} is a whole number from {least} to 100")
    if {"percent", "change"} <= request.keys():
        raise BadRequest("volume takes percent or change, not both")


# ── the socket ───────────────────────────────────────────────────────────────────────────────────


def open_socket(path: Path) -> socket.socket:
    """A socket that listens at `path`, for its owner and his group. Raises ControlError.

    What a dead process has left there is replaced. A living one's is not.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        _make_way(path)
        listening.bind(str(path))
        path.chmod(MODE)  # nobody can connect before it listens
        listening.listen(MOST_CLIENTS)
    except (OSError, ValueError) as error:
        listening.close()
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        remedy = "Name a place that it may write to by control.socket, or null for none"
        raise ControlError(f"the control socket {path} cannot be made ({why}). {remedy}") from None
    except ControlError:
        listening.close()
        raise
    return listening


def _make_way(path: Path) -> None:
    """Remove a socket at which nobody listens any more. Raises ControlError, OSError."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise ControlError(f"{path} is there and is no socket: name another place by control.socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)
        try:
            caller.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except BlockingIOError:  # it listens, and is busy
            pass
    remedy = "Stop it (systemctl stop antiphon), or give this one a place of its own by control.socket"
    raise ControlError(f"another daemon answers at the control socket {path}. {remedy}")


@contextmanager
def removed_at_the_end(path: Path) -> Iterator[None]:
    """The socket at `path` goes with the block, if it is still ours."""
    ours = os.lstat(path).st_ino
    try:
        yield
    finally:
        with suppress(OSError):
            if os.lstat(path).st_ino == ours:
                path.unlink()
