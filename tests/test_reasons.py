"""Whatever keeps a server out of reach is one sentence: what is wrong, what to do, and whether it may pass."""

import asyncio
import errno
import os
import socket
import ssl

import pytest

from antiphon.errors import Garbled, Lost, Refused
from antiphon.reasons import by_hand, explain_os, web_page

HOST = "nas.lan:8000"
WHERE = "generate.urls"


def certificate(code):
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return error


def system(number):
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("error", "kind", "wrong", "remedy"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), Lost, "not known", WHERE),
        (socket.gaierror(socket.EAI_NODATA, "no address"), Lost, "not known", WHERE),
        (socket.gaierror(socket.EAI_AGAIN, "temporary"), Lost, "No DNS server answers", "Wi-Fi"),
        (socket.gaierror(socket.EAI_FAIL, "refused"), Lost, "(-4)", "the router's DNS"),
        (socket.gaierror("no number"), Lost, "(None)", "the router's DNS"),
        (system(errno.ECONNREFUSED), Lost, "Nothing listens", "started"),
        (system(errno.ECONNRESET), Lost, "hung up", "tried again; if"),
        (system(errno.ECONNABORTED), Lost, "hung up", "tried again; if"),
        (system(errno.EPIPE), Lost, "hung up", "tried again; if"),
        (system(errno.EHOSTUNREACH), Lost, "no way", "switched on"),
        (system(errno.ENETUNREACH), Lost, "no network", "cable or the Wi-Fi"),
        (system(errno.ENETDOWN), Lost, "no network", "cable or the Wi-Fi"),
        (system(errno.EADDRNOTAVAIL), Lost, "no network", "cable or the Wi-Fi"),
        (system(errno.EPERM), Lost, "own rules", "its firewall"),
        (system(errno.EACCES), Lost, "own rules", "its firewall"),
        (system(errno.ETIMEDOUT), Lost, "in time", "firewall"),
        (TimeoutError(), Lost, "in time", WHERE),
        (certificate(9), Lost, "not valid yet", "timedatectl"),
        (certificate(10), Refused, "expired", "timedatectl"),
        (certificate(18), Refused, "nobody we trust", "log in"),
        (certificate(62), Refused, "another name", "log in"),
        (certificate(64), Refused, "another address", WHERE),
        (ssl.SSLEOFError(8, "EOF"), Lost, "hung up", "tried again; if"),
        (ssl.SSLError(1, "wrong version number"), Refused, "TLS", "the port in " + WHERE),
        (UnicodeError("label too long"), Refused, "cannot be a name", WHERE),
        (system(errno.EIO), Lost, "broke (OSError)", "tried again"),
        (RuntimeError("odd"), Lost, "broke (RuntimeError)", "tried again"),
    ],
)
def test_what_is_wrong_then_what_to_do(error, kind, wrong, remedy):
    explained = explain_os(error, HOST, WHERE)
    assert type(explained) is kind
    says, _, advises = str(explained).partition(": ")
    assert wrong in says
    assert remedy in advises
    assert "nas.lan" in says or "own rules" in says
    assert str(explained).isprintable()
    assert "{" not in str(explained)


@pytest.mark.parametrize("code", [9, 10])
def test_a_clock_that_is_off_is_not_taken_for_a_login_page(code):
    sentence = str(explain_os(certificate(code), HOST, WHERE))
    assert "clock" in sentence
    assert "log in" not in sentence


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "[Errno 111] Connect call failed ('::1', 9), [Errno 111] Connect call failed ('127.0.0.1', 9)",
            "Nothing listens",
        ),
        ("[Errno 101] Network is unreachable, [Errno 111] Connect call failed ('192.0.2.1', 9)", "Nothing listens"),
        ("[Errno 101] Network is unreachable, [Errno 113] Connect call failed ('192.0.2.1', 9)", "no way"),
        ("nothing that we know", "broke"),
    ],
)
def test_of_several_addresses_the_one_that_got_furthest_counts(said, words):
    assert words in str(explain_os(OSError("Multiple exceptions: " + said), HOST, WHERE))


def test_a_host_of_two_addresses_where_nobody_listens():
    """asyncio's own error for it, as it comes."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can come to listen there
        port = held.getsockname()[1]

        async def two_addresses(*_, **__):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", port)) for n in (1, 2)]

        async def connect():
            loop = asyncio.get_running_loop()
            loop.getaddrinfo = two_addresses
            await loop.create_connection(asyncio.Protocol, "two.invalid", port)

        with pytest.raises(OSError, match="failed") as caught:
            asyncio.run(connect())
    assert "Nothing listens" in str(explain_os(caught.value, HOST, WHERE))


def test_an_error_of_ours_is_passed_on():
    garbled = Garbled("it is what it is")
    assert explain_os(garbled, HOST, WHERE) is garbled


def test_a_page_that_nobody_asked_for():
    page = web_page(HOST, 200, WHERE)
    assert type(page) is Refused
    assert str(page) == (
        "nas.lan:8000 answers with a web page (200): if this network wants you to log in first, "
        "open a web page in a browser; else check generate.urls"
    )


def test_who_has_run_a_command_tries_it_again_himself():
    sentence = str(explain_os(system(errno.ECONNRESET), HOST, "speech.url"))
    assert by_hand(sentence).startswith(f"{HOST} hung up: try it again; if that goes on")
