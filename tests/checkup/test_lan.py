"""What is found of the servers on the LAN, with a door and a model that are well or not. tests/network has the rest."""

import struct
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from antiphon.checkup.lan import check_lan, lan_targets
from antiphon.checkup.network import Target
from antiphon.pcm import LINK_RATE_HZ, bytes_of
from antiphon.settings import Generate, Settings
from loopback import answering, page, refused_port, tone

ENOUGH_S = 20.0
HEADER = struct.pack(
    "<4sI4s4sIHHIIHH4sI",
    *(b"RIFF", 36, b"WAVE", b"fmt ", 16, 1, 1, LINK_RATE_HZ, 2 * LINK_RATE_HZ, 2, 16, b"data", 0),
)


@contextmanager
def server(speech):
    """A healthy door, and behind it a model that answers with `speech`, or never (None); yields its URL."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.begin("application/json")
            self.wfile.write(b'{"status":"healthy"}')

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.begin("audio/wav")
            self.wfile.write(HEADER)
            if speech is None:
                over.wait(60)
            else:
                self.wfile.write(speech)

        def begin(self, kind):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.02,), name="lan server")
        thread.start()
        try:
            yield f"http://127.0.0.1:{made.server_port}"
        finally:
            over.set()
            made.shutdown()
            thread.join(20)
            assert not thread.is_alive()


def found(*urls, **more):
    settings = Settings(generate=Generate(urls=urls, open_timeout_ms=10_000, first_sound_ms=1000), **more)
    return list(check_lan(settings, ENOUGH_S))


def verdicts(findings):
    return [(finding.check, finding.verdict) for finding in findings]


def test_a_server_that_answers():
    with server(bytes_of(tone("", "", LINK_RATE_HZ))) as url:
        findings = found(url)
    assert verdicts(findings) == [("lan name", "ok"), ("lan port", "ok"), ("lan door", "ok"), ("lan model", "ok")]
    assert all(url.removeprefix("http://") in finding.says for finding in findings[2:])


@pytest.mark.parametrize(("speech", "words"), [(None, "its model has not answered"), (b"", "without a sound")])
def test_a_dead_model_behind_a_healthy_door(speech, words):
    with server(speech) as url:
        *_, door, model = found(url)
    assert (door.check, door.verdict) == ("lan door", "ok")
    assert (model.check, model.verdict) == ("lan model", "fail")
    assert words in model.says
    assert model.remedy


def test_a_port_where_nobody_listens():
    port = refused_port()
    findings = found(f"http://127.0.0.1:{port}")
    assert verdicts(findings)[1:] == [("lan port", "fail"), ("lan door", "skip"), ("lan model", "skip")]
    assert f"127.0.0.1:{port}" in findings[1].says, "of several servers, which one"
    assert "generate.urls" in findings[1].remedy


@pytest.mark.parametrize(("answer", "words"), [(page(), "web page"), (page("404 Not Found"), "not vox-serve")])
def test_a_door_that_is_somebody_else_s(answer, words):
    with answering(answer) as port:
        findings = found(f"http://127.0.0.1:{port}")
    assert verdicts(findings)[1:] == [("lan port", "ok"), ("lan door", "fail"), ("lan model", "skip")]
    assert words in findings[2].says
    assert findings[2].remedy


def test_tls_is_tried_where_it_is_used():
    with answering(page("404 Not Found"), "good") as port:
        findings = found(f"https://localhost:{port}")
    assert [finding.check for finding in findings] == ["lan name", "lan port", "lan tls", "lan door", "lan model"]
    assert findings[2].verdict == "fail", "the certificate signs itself"
    assert "realtime" not in findings[2].remedy


def test_one_server_that_fails_does_not_hide_the_next():
    with server(bytes_of(tone("", "", LINK_RATE_HZ))) as url:
        findings = found(f"http://127.0.0.1:{refused_port()}", url)
    assert [verdict for _, verdict in verdicts(findings)] == ["ok", "fail", "skip", "skip", *["ok"] * 4]


@pytest.mark.parametrize(
    ("links", "urls", "words"),
    [(("realtime",), ("http://nas:8000",), "links leaves generate out"), (("realtime", "generate"), (), "no server")],
)
def test_a_link_that_is_not_in_use(links, urls, words):
    [finding] = found(*urls, links=links)
    assert (finding.check, finding.verdict) == ("lan", "skip")
    assert "not in use" in finding.says
    assert words in finding.says


def test_without_a_network_nothing_far_away_is_tried():
    settings = Settings(generate=Generate(urls=("http://nas:8000", f"http://127.0.0.1:{refused_port()}")))
    verdicts = [finding.verdict for finding in check_lan(settings, ENOUGH_S, connected=False)]
    assert verdicts == ["skip"] * 4 + ["ok", "fail", "skip", "skip"]


def test_the_targets_are_those_in_use():
    urls = ("http://nas:8000", "https://box.lan/voice")
    expected = [
        Target("nas", 8000, False, "generate.urls", "lan "),
        Target("box.lan", 443, True, "generate.urls", "lan "),
    ]
    assert lan_targets(Settings(generate=Generate(urls=urls))) == expected
    assert lan_targets(Settings(generate=Generate(urls=urls), links=("realtime",))) == []
