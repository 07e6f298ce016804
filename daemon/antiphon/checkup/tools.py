"""Programs and MCP servers that a model may use: whether the one can be run, and what the other offers."""

import asyncio
import os
import shutil
from collections.abc import Iterator, Mapping

from antiphon.app import NO_MCP, make_server
from antiphon.checkup.finding import Finding
from antiphon.ports import LogLevel
from antiphon.settings import McpServer, Settings
from antiphon.tools.commands import passed_on
from antiphon.tools.tool import ToolFault

_AS_ITSELF = "try it as the daemon's user: sudo -u antiphon antiphon doctor"


def check_tools(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """One finding for all programs, and one for each server; none where there is neither."""
    wanted = settings.tools
    programs = {f"tools.commands {one.name}": one.argv[0] for one in wanted.commands}
    if programs:
        yield _check_programs(programs, environ)
    for server in wanted.servers:
        yield _check_server(server, environ)


def _check_programs(programs: Mapping[str, str], environ: Mapping[str, str]) -> Finding:
    missing = [f"{name}: {program}" for name, program in programs.items() if not _can_be_run(program, environ)]
    if missing:
        remedy = "install it, mend its path in the settings, or let the daemon's user run it (chmod +x)"
        return Finding("programs", "fail", f"cannot be run: {', '.join(missing)}", remedy)
    return Finding("programs", "ok", f"{', '.join(programs.values())} can be run")


def _can_be_run(program: str, environ: Mapping[str, str]) -> bool:
    return shutil.which(program, path=passed_on(environ)["PATH"]) is not None


def _check_server(server: McpServer, environ: Mapping[str, str]) -> Finding:
    check = f"server {server.name}"
    if server.argv and not _can_be_run(server.argv[0], environ):
        return Finding(check, "fail", f"{server.argv[0]} cannot be run", "install it, or mend tools.servers' argv")
    if server.argv and os.geteuid() == 0 and environ.get("SUDO_USER"):  # what the daemon starts is not for root to run
        return Finding(check, "skip", f"{server.argv[0]} can be run, and is not started by root", _AS_ITSELF)
    try:
        names = asyncio.run(make_server(server, _Silence()).look_once())
    except ImportError as error:
        return Finding(check, "fail", f"a Python package is missing ({error})", NO_MCP)
    except ToolFault as fault:
        return Finding(
            check, "fail", str(fault), "start it, or mend its entry in tools.servers; docs/tools.md tells how"
        )
    if missing := set(server.tools) - set(names):
        has_not = ", ".join(sorted(missing))
        return Finding(check, "warn", f"it has no tool {has_not}", "take the name out of its tools in tools.servers")
    return Finding(check, "ok", f"offers {', '.join(names)}" if names else "offers no tools")


class _Silence:
    """A Log of which nobody hears: what is wrong is the finding."""

    def write(self, level: LogLevel, what: str, **fields: str | float) -> None:
        """Nothing."""
