"""What stands in the lab's networks: a name server, a login page in everybody's way, and TLS before a service.

Each tells what happens in JSON lines and reads its orders, a line each, from standard input; it ends with it. It uses
the standard library alone, and nothing of what is tested.
"""

import asyncio
import json
import socket
import ssl
import struct
import sys
import threading

PAGE = b"<!DOCTYPE html><html><title>Welcome</title><body>Log in to use our network</body></html>"
HEAD = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(PAGE)}\r\nConnection: close\r\n\r\n"
_A, _AAAA = 1, 28
_NXDOMAIN, _SERVFAIL = 3, 2


def tell(what, **fields):
    """A line."""
    print(json.dumps({"what": what, **fields}), flush=True)


# ── names ────────────────────────────────────────────────────────────────────────────────────────


class NameServer:
    """Answers by RFC 1035, for one machine: orders are "answer NAME ADDRESS…", "silent", "unknown" and "broken"."""

    def __init__(self, address):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 53))
        self._addresses = {}
        self._mood = "answer"

    def obey(self, order):
        word, *rest = order.split()
        if word == "answer" and rest:
            self._addresses[rest[0]] = rest[1:]
        self._mood = word
        tell("obeyed", order=order)

    def serve(self):
        while True:
            query, client = self._socket.recvfrom(512)
            name, kind, question = _asked(query)
            tell("asked", name=name, kind=kind)
            if self._mood != "silent":
                self._socket.sendto(self._reply(query[:2], name, kind, question), client)

    def _reply(self, number, name, kind, question):
        code, records = 0, []
        if self._mood == "broken":
            code = _SERVFAIL
        elif self._mood == "unknown" or name not in self._addresses:
            code = _NXDOMAIN
        else:
            records = [packed for one in self._addresses[name] if (packed := _packed(one, kind)) is not None]
        head = number + struct.pack("!HHHHH", 0x8180 | code, 1, len(records), 0, 0)
        # Each record's name is a pointer to the question; a life of 0 s, so that nobody keeps it.
        answers = [b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(one)) + one for one in records]
        return head + question + b"".join(answers)


def _asked(query):
    """The name and the kind that are asked for, and the question as it came."""
    at, labels = 12, []
    while size := query[at]:
        labels.append(query[at + 1 : at + 1 + size].decode())
        at += 1 + size
    kind = struct.unpack_from("!H", query, at + 1)[0]
    return ".".join(labels).lower(), kind, query[12 : at + 5]


def _packed(address, kind):
    """`address` as a record of `kind`, or None when it is none."""
    if kind not in (_A, _AAAA) or (":" in address) != (kind == _AAAA):
        return None
    return socket.inet_pton(socket.AF_INET6 if kind == _AAAA else socket.AF_INET, address)


def names(address):
    """Serve at `address`."""
    server = NameServer(address)
    threading.Thread(target=server.serve, daemon=True).start()
    tell("listening")
    for order in sys.stdin:
        server.obey(order.strip())


# ── a login page in everybody's way ──────────────────────────────────────────────────────────────


async def portal(address, port, tls_port, certificate):
    """200 and a page, whatever is asked for: at `port` in the clear, at `tls_port` with a certificate of its own."""

    async def welcome(reader, writer):
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            secret = writer.get_extra_info("ssl_object") is not None
            tell("page", request=request.split(b"\r\n")[0].decode(), tls=secret)
            writer.write(HEAD.encode() + PAGE)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    await asyncio.start_server(welcome, address, int(port))
    await asyncio.start_server(welcome, address, int(tls_port), ssl=_context(certificate))
    tell("listening")
    while await _order():
        pass


# ── TLS before a service ─────────────────────────────────────────────────────────────────────────


async def tls(port, certificate, target_port):
    """At every address: take TLS off, and pass on what was said, both ways, to `target_port` of this host's 127.0.0.1.

    The order "hang up" ends all that is connected.
    """
    talking = set()

    async def pass_on(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def serve(reader, writer):
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", int(target_port))
        talking.add(writer)
        await asyncio.gather(pass_on(reader, far_writer), pass_on(far_reader, writer))
        talking.discard(writer)

    await asyncio.start_server(serve, None, int(port), ssl=_context(certificate))
    tell("listening")
    while await _order():
        for writer in talking:
            writer.close()


def _context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def _order():
    """The next one; "" when there will be none."""
    return await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


if __name__ == "__main__":
    verb, *arguments = sys.argv[1:]
    if verb == "names":
        names(*arguments)
    else:
        asyncio.run({"portal": portal, "tls": tls}[verb](*arguments))
