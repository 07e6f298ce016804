"""The arguments that the command lines of all simulated services have in common, but for --switch."""

import argparse
from enum import Enum
from pathlib import Path

from antiphon.errors import SettingsError

MAX_PORT = 65_535


def add_place(parser: argparse.ArgumentParser) -> None:
    """Where to listen."""
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="the port to listen on (default: one that is free)")


def check_port(port: int) -> None:
    """Raises SettingsError for a number that is no port."""
    if not 0 <= port <= MAX_PORT:
        raise SettingsError(f"--port {port}: a port is a number up to {MAX_PORT}, or 0 for one that is free")


def add_answers(parser: argparse.ArgumentParser, kept: str, more: str = "") -> None:
    """What to answer, how fast, and where to keep what came; `kept` names the files, `more` is said of a reply."""
    parser.add_argument("--reply", action="append", default=[], help=f"what to answer; repeatable, used in turn{more}")
    parser.add_argument("--quick", action="store_true", help="answer within milliseconds")
    parser.add_argument("--keep", type=Path, metavar="DIR", help=f"write {kept} there")


def add_faults(parser: argparse.ArgumentParser, kinds: type[Enum], struck: str, example: str) -> None:
    """What goes wrong; `struck` is what is counted, such as "connections"."""
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar=f"KIND[=NUMBER[:DETAIL]][@{struck.upper()}]",
        help=f"what goes wrong, such as {example}; kinds: {', '.join(kind.value for kind in kinds)}",
    )
