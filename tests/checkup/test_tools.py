"""Programs and MCP servers of the settings, as the doctor finds them."""

import sys
from pathlib import Path

import pytest

from antiphon.checkup.tools import check_tools
from antiphon.settings import Command, McpServer, Settings, Tools

EXAMPLE = str(Path(__file__).parents[1] / "tools" / "mcp_example.py")
ALONE = {"PATH": "/usr/bin:/bin"}


def found(*, environ=ALONE, **tools):
    return list(check_tools(Settings(tools=Tools(**tools)), environ))


def command(name, program):
    return Command(name=name, description="does it", argv=(program, "--now"))


def test_without_any_there_is_nothing_to_say():
    assert found() == []


def test_programs_that_can_be_run_and_one_that_cannot(tmp_path):
    assert found(commands=(command("show", "cat"), command("say", "/bin/echo")))[0].verdict == "ok"
    (tmp_path / "lights").write_text("#!/bin/sh")
    (finding,) = found(commands=(command("show", "cat"), command("lights", str(tmp_path / "lights"))))
    assert finding.verdict == "fail"
    assert finding.says == f"cannot be run: tools.commands lights: {tmp_path}/lights"
    assert "chmod +x" in finding.remedy


def test_a_server_is_asked_what_it_offers():
    servers = tuple(
        McpServer(name=name, argv=(sys.executable, EXAMPLE), tools=tools)
        for name, tools in (("one", ("add", "fail")), ("two", ("add", "dance")))
    )
    one, two = found(servers=servers)
    assert (one.check, one.verdict, one.says) == ("server one", "ok", "offers add, fail")
    assert (two.verdict, two.says) == ("warn", "it has no tool dance")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"argv": ("/no/such/program",)}, "/no/such/program cannot be run"),
        ({"argv": ("true",)}, ""),
        ({"url": "http://127.0.0.1:9/mcp"}, ""),
        ({"url": "http://127.0.0.1:9/mcp", "token_file": "/no/such/token"}, "/no/such/token"),
    ],
)
def test_a_server_that_cannot_be_had_says_why_and_what_to_do(given, says):
    (finding,) = found(servers=(McpServer(name="home", **given),))
    assert finding.verdict == "fail"
    assert says in finding.says
    assert finding.says
    assert "tools.servers" in finding.remedy


def test_root_starts_no_program_of_the_daemon_s(monkeypatch, tmp_path):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    script = f"open({str(tmp_path / 'started')!r}, 'w')"
    server = McpServer(name="home", argv=(sys.executable, "-c", script))
    (finding,) = found(servers=(server,), environ=ALONE | {"SUDO_USER": "me"})
    assert finding.verdict == "skip"
    assert "sudo -u antiphon" in finding.remedy
    assert not (tmp_path / "started").exists()


def test_without_the_package_it_says_how_to_get_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "antiphon.tools.mcp_client", raising=False)
    monkeypatch.setitem(sys.modules, "mcp", None)
    (finding,) = found(servers=(McpServer(name="home", argv=("true",)),))
    assert finding.verdict == "fail"
    assert "antiphon[mcp]" in finding.remedy
