"""The servers of the streams, in memory: one answers a request over HTTP, one speaks on a WebSocket. Both only play
steps, and what they were told is kept.
"""

import asyncio
import base64
import hashlib
import json
import re

from fuzz.memory import Server
from fuzz.mutations import Cut

HEAD = "HTTP/1.1 {status} Said\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\nx-trace-id: t\r\n\r\n"
MOST_WAIT_S = 5.0
"""So long a step waits for what it answers."""
NONSENSE = b"\xff\x00garbage\r\n\r\n"


def http_chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


class Answering(Server):
    """HTTP, one answer on a connection: `body` in the pieces of `cut`, and the end that it has."""

    def __init__(self, body, cut, status=200, kind="text/event-stream", log=None):
        super().__init__(self._answer)
        self._body, self._cut, self._status, self._kind = body, cut, status, kind
        self._asked = b""
        self.log = log if log is not None else []
        self.sent = b""

    def take(self, data):
        self._asked += data

    def _is_asked(self):
        head, gap, body = self._asked.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        return bool(gap) and (len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n"))

    async def _answer(self, _):
        if not await self.until(self._is_asked, MOST_WAIT_S):
            return
        self.log.append("asked")
        self.wire.feed(HEAD.format(status=self._status, kind=self._kind).encode())
        for pause_s, piece in self._cut.pieces(self._body):
            await asyncio.sleep(pause_s)
            self.sent += piece
            self.wire.feed(http_chunk(piece))
        _end(self.wire, self._cut.end, b"0\r\n\r\n")


class Answerer(Server):
    """HTTP, by whomever `choose(path)` gives for what is asked; None hangs up."""

    def __init__(self, choose):
        super().__init__(self._wait)
        self._choose = choose
        self._raw = b""

    async def _wait(self, _):
        await self.until(lambda: b"\r\n" in self._raw, MOST_WAIT_S)
        server = self._choose(self._raw.split(b" ", 2)[1].decode()) if b"\r\n" in self._raw else None
        if server is None:
            self.wire.break_off()
        else:
            self.wire.hand_over(server)
            server.received(self._raw)

    def take(self, data):
        self._raw += data


def _end(wire, how, well):
    match how:
        case "well":
            wire.feed(well)
        case "hang up":
            wire.end()
        case "break off":
            wire.break_off()
        case "nonsense":
            wire.feed(NONSENSE)
            wire.end()


class Speaking(Server):
    """A WebSocket: the steps, each when the client has said what it waits for; then an end.

    `opening` is the cut of the very first answer, `cuts` cuts of all frames, as parts of them.
    """

    def __init__(self, steps, cut, opening=None, log=None):
        super().__init__(self._converse)
        self._steps, self._cut, self._opening = steps, cut, opening or Cut()
        self._raw = b""
        self._upgraded = False
        self.log = log if log is not None else []
        self.sent = []
        """Texts that the client may have got."""
        self.told = []
        """What it said: JSON objects."""

    # ── from the client ──

    def take(self, data):
        self._raw += data
        if self._upgraded:
            while frame := self._frame():
                self._taken(*frame)

    def _frame(self):
        """The next whole frame of the client: its opcode and payload. RFC 6455, section 5.2."""
        raw = self._raw
        if len(raw) < 6:
            return None
        length, at = raw[1] & 0x7F, 2
        if length == 126:
            length, at = int.from_bytes(raw[2:4]), 4
        elif length == 127:
            length, at = int.from_bytes(raw[2:10]), 10
        if len(raw) < at + 4 + length:
            return None
        mask, data = raw[at : at + 4], raw[at + 4 : at + 4 + length]
        self._raw = raw[at + 4 + length :]
        whole = int.from_bytes(data) ^ int.from_bytes((mask * (length // 4 + 1))[:length]) if length else 0
        return raw[0] & 15, whole.to_bytes(length)

    def _taken(self, opcode, payload):
        if opcode == 9 and not self.gone:
            self.wire.feed(frame(10, payload))
        elif opcode == 8 and not self.gone:
            self.wire.feed(frame(8, payload))
            self.wire.end()
        elif opcode == 1:
            self.told.append(json.loads(payload))
            self.log.append(self.told[-1])

    # ── to the client ──

    async def _converse(self, _):
        if not await self.until(lambda: b"\r\n\r\n" in self._raw, MOST_WAIT_S):
            return
        head, _, self._raw = self._raw.partition(b"\r\n\r\n")
        key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)[1]
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        answer = b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n"
        self._upgraded = True
        for pause_s, piece in self._opening.pieces(answer % accept):
            await asyncio.sleep(pause_s)
            self.wire.feed(piece)
        if self._opening.end == "well":
            await self._say()
        else:
            _end(self.wire, self._opening.end, b"")

    async def _say(self):
        # It ends after so many of the steps, or in the middle of one.
        last = len(self._steps) if self._cut.end == "well" else len(self._steps) * self._cut.at // 1000
        for number, step in enumerate(self._steps[:last]):
            await asyncio.sleep(step.pause_s)
            if step.gate:
                await self.until(lambda gate=step.gate: self._said(gate), MOST_WAIT_S)
            self.sent.append(step.text)
            self._send(step.text.encode("utf-8", "surrogatepass"), number)
        if last < len(self._steps) and self._cut.at % 2:
            self.wire.feed(frame(1, self._steps[last].text.encode("utf-8", "surrogatepass"))[: self._cut.at % 50])
        match self._cut.end:
            case "well":
                self.wire.feed(frame(8, (1000).to_bytes(2)))
                self.wire.end()
            case "nonsense":
                self.wire.feed(b"\xff\xff" + NONSENSE)
                self.wire.end()
            case how:
                _end(self.wire, how, b"")

    def _said(self, gate):
        if gate == "end":  # the configuration, for the second time
            return sum(one.get("type") == "session.update" for one in self.told) > 1
        return any(one.get("type") == gate for one in self.told)

    def _send(self, text, number):
        """Whole, in fragments, or in pieces; with a ping now and then."""
        cut = self._cut.cuts[number % len(self._cut.cuts)] if self._cut.cuts else 0
        at = len(text) * cut // 1000
        match cut % 7:
            case 1:
                self.wire.feed(frame(1, text[:at], last=False) + frame(9, b"p") + frame(0, text[at:]))
            case 2:
                whole = frame(1, text)
                self.wire.feed(whole[: at + 1])
                self.wire.feed(whole[at + 1 :])
            case 3:
                self.wire.feed(frame(2, text))
            case _:
                self.wire.feed(frame(1, text))


def frame(opcode, payload, *, last=True):
    """A frame of a server."""
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2) if size < 65536 else b"\x7f" + size.to_bytes(8)
    return bytes([opcode | (0x80 if last else 0)]) + length + payload
