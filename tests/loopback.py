"""Small services on loopback, each on a thread of its own: for tests of what runs a loop, or a process, itself."""

import asyncio
import io
import socket
import ssl
import struct
import threading
import wave
from contextlib import contextmanager, suppress
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from antiphon.pcm import LINK_RATE_HZ, bytes_of, frames_in
from antiphon.simulator.stepfun.server import StepFunSimulator

TLS = Path(__file__).parent / "data" / "tls"
"""Certificates of localhost that sign themselves: good (2020 to 2120), expired (until 2010), early (from 2100)."""

SPOKEN_MS = 640


def tone(_text, _voice, rate_hz):
    """Instead of speech: SPOKEN_MS of a sine that is nowhere zero for long."""
    return (8000 * np.sin(np.arange(frames_in(SPOKEN_MS, rate_hz)) / 9 + 0.5)).astype(np.int16)


@contextmanager
def stepfun(options=None):
    """The simulated StepFun service; its replies are `tone`."""
    ready = SimpleQueue()

    async def serve():
        async with StepFunSimulator(options, synthesise=tone) as service:
            over = asyncio.Event()
            ready.put((service, asyncio.get_running_loop(), over))
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="simulator")
    thread.start()
    service, loop, over = ready.get(timeout=20)
    try:
        yield service
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)
        assert not thread.is_alive()


@contextmanager
def lan_server(spoken=None):
    """What a LAN server must be, and no more: a healthy door, and one stream of speech to each question, `tone` or
    `spoken`; b"" is a dead model. Yields (url, questions), each question as mono 16-bit samples and their rate.
    """
    questions = []
    reply = bytes_of(tone("", "", LINK_RATE_HZ)) if spoken is None else spoken

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self):
            with suppress(ConnectionError):  # who tries it out may hang up at any moment
                super().handle()

        def do_GET(self):
            self._begin("application/json", ("Content-Length", "20"))
            self.wfile.write(b'{"status":"healthy"}')

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            parts = {part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
                     for part in BytesParser().parsebytes(head + body).get_payload()}  # fmt: skip
            if "audio" in parts:  # else it is only tried out
                with wave.open(io.BytesIO(parts["audio"])) as file:
                    questions.append((np.frombuffer(file.readframes(file.getnframes()), "<i2"), file.getframerate()))
            self._begin("audio/wav", ("Transfer-Encoding", "chunked"))
            sizes = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36, b"WAVE", b"fmt ", 16, 1, 1, LINK_RATE_HZ,
                                2 * LINK_RATE_HZ, 2, 16, b"data", 0)  # fmt: skip
            for chunk in (sizes, *(reply[at : at + 48_000] for at in range(0, len(reply), 48_000)), b""):
                self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")

        def _begin(self, kind, header):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header(*header)
            self.end_headers()

        def log_message(self, *_):
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="lan")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", questions
        finally:
            server.shutdown()
            thread.join(20)
            assert not thread.is_alive()


@contextmanager
def answering(answer, certificate=None):
    """A server that says `answer` to whatever it is sent, or nothing at all to None; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer, args=(listener, answer, certificate), name="answering")
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(20)
            assert not thread.is_alive()


def _answer(listener, answer, certificate):
    held = []
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            break
        held.append(client)
        if answer is not None:
            with suppress(OSError):
                _talk(client, answer, certificate)
    for client in held:
        client.close()


def _talk(client, answer, certificate):
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(TLS / f"{certificate}.pem")
        client = context.wrap_socket(client, server_side=True)
    with client:
        client.recv(65_536)
        client.sendall(answer)


def page(status="200 OK", body=b"<html><body>Welcome to our hotel</body></html>"):
    """A web page as a server sends it."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def refused_port():
    """A port where nothing listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]
