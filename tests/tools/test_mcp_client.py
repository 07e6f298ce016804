"""Tools of real MCP servers, as a program and over HTTP; and of servers that hang, die and speak nonsense."""

import asyncio
import os
import socket
import sys
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from antiphon.conversation.events import ToolsChanged
from antiphon.errors import SettingsError
from antiphon.runtime.log import libraries_into
from antiphon.secret import Secret
from antiphon.tools.mcp_client import McpPlan, McpServer
from tools.toolroom import Lines, Room

EXAMPLE = str(Path(__file__).with_name("mcp_example.py"))
TOOLS = {"home_add", "home_environment", "home_fail", "home_picture", "home_hang", "home_die", "home_grow"}
BOUND_S = 60


def plan(argv=(sys.executable, EXAMPLE), url=None, tools=(), token=lambda: None, look_s=0.2):
    return McpPlan("home", argv, url, tools, (), token, waits_s=[0.05], look_s=look_s)


def names(room):
    return {spec.name for spec in room.host.specs()}


async def until(true):
    async with asyncio.timeout(BOUND_S):
        while not true():  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.01)


@asynccontextmanager
async def connected(plan, limit_ms=20_000):
    room = Room(limit_ms=limit_ms)
    room.host._boxes = [McpServer(plan, room.log)]
    room.host._gather()
    async with asyncio.timeout(BOUND_S), asyncio.TaskGroup() as group:
        task = group.create_task(room.host.run(room.posted.append))
        await until(lambda: room.posted or room.log.named("tools-lost"))
        yield room
        task.cancel()


@asynccontextmanager
async def http_server():
    """The example on loopback; its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, EXAMPLE, "http", str(port), stderr=asyncio.subprocess.DEVNULL
    )

    async def listens():
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return True
        return False

    async with asyncio.timeout(BOUND_S):
        while not await listens():  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def test_a_program_s_tools_are_there_and_are_called(monkeypatch):
    monkeypatch.setenv("STEPFUN_API_KEY", "sk-not-for-children")

    async def main():
        async with connected(plan()) as room:
            assert names(room) == TOOLS
            assert room.posted == [ToolsChanged()]
            assert await room.ask("home_add", a=2, b=3) == (5, False)
            assert "a is missing" in (await room.ask("home_add"))[0]["error"]
            assert (await room.ask("home_add", a="x", b=1))[1]
            said = (await room.ask("home_environment"))[0].split()
            assert "PATH" in said
            assert "STEPFUN_API_KEY" not in said
            assert await room.ask("home_picture") == ("a lamp\n(image)", False)
            assert await room.ask("home_fail") == ({"error": "no such lamp: 1234"}, True)
            assert "1234" not in str(room.log)

    asyncio.run(main())


def test_over_http_with_a_token(tmp_path):
    async def main():
        async with http_server() as url:
            token = Secret("token-1234", "the test")
            async with connected(plan((), url, token=lambda: token)) as room:
                assert names(room) == TOOLS
                assert await room.ask("home_add", a=2, b=3) == (5, False)
                assert "token-1234" not in str(room.log)

    asyncio.run(main())


def test_only_those_that_are_wanted():
    async def main():
        async with connected(plan(tools=("add", "dance"))) as room:
            assert names(room) == {"home_add"}
            await until(lambda: room.log.named("tools-missing"))
            assert room.log.named("tools-missing") == [{"server": "home", "tools": "dance"}]

    asyncio.run(main())


def test_a_tool_that_comes_later_is_told():
    async def main():
        async with connected(plan()) as room:
            assert await room.ask("home_grow") == ("ok", False)
            await until(lambda: "home_grown" in names(room))
            assert room.posted == [ToolsChanged(), ToolsChanged()]
            assert await room.ask("home_grown") == ("grown", False)

    asyncio.run(main())


def test_one_that_hangs_is_given_up_and_the_server_goes_on():
    async def main():
        async with connected(plan(), limit_ms=500) as room:
            assert await room.ask("home_hang") == ({"error": "it took longer than 0.5 s, and was given up"}, True)
            room.host._limit_s = 30
            assert await room.ask("home_add", a=1, b=1) == (2, False)

    asyncio.run(main())


def test_one_that_dies_is_started_again():
    async def main():
        async with connected(plan()) as room:
            assert (await room.ask("home_die"))[1]
            await until(lambda: len(room.log.named("tools-there")) == 2)
            assert await room.ask("home_add", a=1, b=1) == (2, False)
            assert len(room.log.named("tools-lost")) <= 1
            assert room.posted == [ToolsChanged()]  # the same tools: no link is renewed for that

    asyncio.run(main())


def test_a_program_that_is_not_there_is_told():
    async def main():
        async with connected(plan(("/no/such/program",))) as room:
            (line,) = room.log.named("tools-lost")
            assert line["sentence"] == ("the tools of home cannot be had: the program is not there. It is tried again")

    asyncio.run(main())


@pytest.mark.parametrize(
    "script",
    [
        "pass",
        "print('nonsense'); import sys; sys.stdin.read(9)",
        "for _ in range(9): print('{\"jsonrpc\": 3}' * 9, flush=True)",
    ],
)
def test_one_that_is_none_is_told_and_tried_again(script, monkeypatch, tmp_path):
    monkeypatch.setattr("antiphon.tools.mcp_client.OPEN_S", 1.0)
    started = tmp_path / "started"
    started.write_text("")
    script = f"open({str(started)!r}, 'a').write('x')\n{script}"

    async def main():
        async with connected(plan((sys.executable, "-c", script))) as room:
            assert names(room) == set()
            assert room.posted == []
            await until(lambda: len(started.read_text()) > 2)  # it is tried again
            said = [line["sentence"] for line in room.log.named("tools-lost")]
            assert len(said) == len(set(said))
            assert all(sentence.startswith("the tools of home cannot be had: ") for sentence in said)

    asyncio.run(main())


def test_one_that_is_not_there_yet_is_awaited(tmp_path):
    script = tmp_path / "later.py"

    async def main():
        async with connected(plan((sys.executable, str(script)))) as room:
            assert names(room) == set()
            script.write_text(Path(EXAMPLE).read_text())  # noqa: ASYNC240 - small
            await until(lambda: names(room) == TOOLS)

    asyncio.run(main())


def test_a_token_that_cannot_be_read_is_told():
    def token():
        raise SettingsError("/etc/token: is empty")

    async def main():
        async with connected(plan((), "http://127.0.0.1:9/mcp", token=token)) as room:
            assert "/etc/token: is empty" in room.log.named("tools-lost")[0]["sentence"]

    asyncio.run(main())


class Refusing(BaseHTTPRequestHandler):
    """Answers each request with what its server has been given."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.heard.append((self.path, self.headers.get("authorization")))
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        if self.server.elsewhere:
            self.send_header("location", self.server.elsewhere)
        self.end_headers()

    do_GET = do_POST  # noqa: N815 - the library's name

    def log_message(self, *_):
        pass


@contextmanager
def refusing(status, elsewhere=""):
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        server.status, server.elsewhere, server.heard = status, elsewhere, []
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server, f"http://127.0.0.1:{server.server_port}/mcp"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("has_token", "words"),
    [(True, "does not take the token that is in tools.servers' token_file"), (False, "wants a token: name its file")],
)
def test_one_that_wants_another_token_says_which_setting(has_token, words, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # nobody's token goes there

    async def main(url):
        given = replace(plan((), url, token=lambda: Secret("t-1", "the test")), has_token=has_token)
        async with connected(given) as room:
            assert words in room.log.named("tools-lost")[0]["sentence"]

    with refusing(401) as (_, url):
        asyncio.run(main(url))


def test_a_token_goes_to_no_other_address():
    async def main(url):
        async with connected(plan((), url, token=lambda: Secret("t-1", "the test"))) as room:
            assert "not followed" in room.log.named("tools-lost")[0]["sentence"]

    with refusing(404) as (other, elsewhere), refusing(307, elsewhere) as (_, url):
        asyncio.run(main(url))
        assert other.heard == []


STORM = """
import json, sys
for number, line in enumerate(sys.stdin):
    asked = json.loads(line)
    if asked.get("method") == "initialize":
        result = {"protocolVersion": asked["params"]["protocolVersion"],
                  "capabilities": {"tools": {"listChanged": True}}, "serverInfo": {"name": "storm", "version": "1"}}
    elif asked.get("method") == "tools/list":
        open(sys.argv[1], "a").write("x")
        name = "a" * 200 if len(sys.argv) > 2 else f"tool{number}"
        result = {"tools": [{"name": name, "inputSchema": {"type": "object", "properties": None}},
                            {"name": "odd name.é", "inputSchema": {"type": "object"}}]}
    else:
        if "id" in asked:
            error = {"code": -32601, "message": "Method not found"}
            print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "error": error}), flush=True)
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
    print(json.dumps({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}), flush=True)
"""


def test_one_that_has_other_tools_each_time_is_not_asked_again_and_again(tmp_path, monkeypatch):
    monkeypatch.setattr("antiphon.tools.mcp_client.LEAST_S", 3600.0)
    asked = tmp_path / "asked"

    async def main():
        async with connected(plan((sys.executable, "-c", STORM, str(asked)), look_s=3600.0)) as room:
            assert "home_odd_name__" in names(room)
            for _ in range(100):
                await asyncio.sleep(0.002)
            assert asked.read_text() == "x"

    asyncio.run(main())


def test_odd_names_and_schemas_are_made_fit():
    async def main():
        async with connected(plan((sys.executable, "-c", STORM, os.devnull, "long"), look_s=3600.0)) as room:
            long, odd = room.host.specs()
            assert long.name == ("home_" + "a" * 200)[:64]
            assert odd.name == "home_odd_name__"
            assert long.parameters == odd.parameters == {"type": "object", "properties": {}}

    asyncio.run(main())


ODD = """
import json, sys, os
mode, started = sys.argv[1:]
open(started, "a").write("x")
looked = False
def say(**what):
    print(json.dumps({"jsonrpc": "2.0"} | what), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    method = asked.get("method")
    if method == "initialize":
        say(id=asked["id"], result={"protocolVersion": asked["params"]["protocolVersion"],
            "capabilities": {"tools": {}}, "serverInfo": {"name": "odd", "version": "1"}})
    elif method == "tools/list" and mode == "forgets" and looked:
        sys.exit()
    elif method == "tools/list" and (mode == "lists-nothing" or (mode == "forgets" and os.stat(started).st_size > 1)):
        say(id=asked["id"], result={"tools": 5})
    elif method == "tools/list":
        looked = True
        good = {"name": "good", "inputSchema": {"type": "object"}}
        good["outputSchema"] = {"type": "object", "required": ["b"]}
        say(id=asked["id"] + 1000, result={"tools": []})
        say(id=asked["id"], result={"tools": [{"name": "bad", "inputSchema": {"type": "array"}}, good]})
        say(id=asked["id"], result={"tools": []})
        say(method="notifications/message", params={"level": 5, "data": "secret-1234"})
        while mode == "floods":
            say(id=1, method="ping")
    elif method == "tools/call" and mode == "speaks-latin":
        said = b'"result": {"content": [{"type": "text", "text": "caf\\xe9"}]}'
        os.write(1, b'{"jsonrpc": "2.0", "id": %d, %s}\\n' % (asked["id"], said))
    elif method == "tools/call" and mode == "speaks-nonsense":
        say(id=asked["id"], result={"content": [{"type": "text", "text": {"it": asked["params"]["arguments"]}}]})
    elif method == "tools/call" and mode == "echoes":
        say(id=asked["id"], result={"content": [], "structuredContent": asked["params"]["arguments"]})
    elif method == "tools/call":
        say(id=asked["id"], result={"content": [], "structuredContent": {"on": True}})
    elif "id" in asked:
        say(id=asked["id"], error={"code": -32601, "message": "Method not found"})
"""


def odd(mode, started, look_s=3600.0):
    return plan((sys.executable, "-c", ODD, mode, str(started)), look_s=look_s)


def test_a_tool_that_the_package_refuses_does_not_cost_the_others():
    async def main():
        async with connected(odd("", os.devnull)) as room:
            assert names(room) == {"home_good"}
            why = "inputSchema.type: Input should be 'object'"
            assert room.log.named("tool-left-out") == [{"tool": "home_bad", "why": why}]

    asyncio.run(main())


def test_one_that_breaks_its_own_promises_is_heard_and_its_noise_is_not_logged():
    async def main():
        lines = Lines()
        with libraries_into(lines):
            async with connected(odd("", os.devnull)) as room:
                assert await room.ask("home_good") == ({"on": True}, False)
        assert "secret-1234" not in str(room.log) + str(lines)

    asyncio.run(main())


def test_bytes_that_are_no_text_cost_no_answer():
    async def main():
        async with connected(odd("speaks-latin", os.devnull)) as room:
            assert await room.ask("home_good") == ("caf\N{REPLACEMENT CHARACTER}", False)

    asyncio.run(main())


def test_half_a_character_costs_no_connection():
    async def main():
        async with connected(odd("echoes", os.devnull)) as room:
            assert await room.ask_text("home_good", '{"a": "\\ud800", "b": "\\ud83d\\ude00"}') == (
                {"a": "?", "b": "\N{GRINNING FACE}"},
                False,
            )

    asyncio.run(main())


def test_what_it_says_of_the_arguments_does_not_reach_the_log():
    async def main():
        async with connected(odd("speaks-nonsense", os.devnull)) as room:
            said, failed = await room.ask("home_good", code="1234")
            assert failed
            assert said["error"].startswith("home does not answer: ValidationError")
            (line,) = room.log.named("tool")
            assert line["why"] == "home does not answer: ValidationError"
            assert "1234" not in str([one for one in room.log if one[0] != "debug"])

    asyncio.run(main())


@pytest.mark.parametrize(("mode", "words"), [("lists-nothing", "ValidationError"), ("floods", "sent more than 2000")])
def test_one_that_fails_soon_after_each_start_is_tried_with_patience_and_told_once(mode, words, tmp_path, monkeypatch):
    monkeypatch.setattr("antiphon.tools.mcp_client.LEAST_S", 0.01)
    started = tmp_path / "started"

    async def main():
        given = replace(odd(mode, started), waits_s=[0.05, 0.05, 3600.0])
        async with connected(given) as room:
            await until(lambda: started.read_text() == "xxx")
            await until(lambda: room.log.named("tools-lost"))
            (line,) = room.log.named("tools-lost")
            assert words in line["sentence"]

    asyncio.run(main())


def test_tools_that_cannot_be_had_for_long_are_offered_no_more_though_their_server_can_be_reached(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("antiphon.tools.mcp_client.LEAST_S", 0.01)
    monkeypatch.setattr("antiphon.tools.mcp_client.AWAY_S", 0.3)

    async def main():
        async with connected(odd("forgets", tmp_path / "started", look_s=0.05)) as room:
            assert room.posted == [ToolsChanged()]
            await until(lambda: not names(room))

    asyncio.run(main())


def test_its_program_ends_with_us(tmp_path):
    pid_file = tmp_path / "pid"
    note = f"open({str(pid_file)!r}, 'w').write(str(os.getpid()))"
    script = f"import os, runpy; {note}; runpy.run_path({EXAMPLE!r}, run_name='__main__')"

    async def main():
        async with connected(plan((sys.executable, "-c", script))) as room:
            assert names(room) == TOOLS
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid_file.read_text()), 0)

    asyncio.run(main())
