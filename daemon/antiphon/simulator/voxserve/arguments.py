"""The command line of the simulated LAN server: argparse arguments to VoxServeOptions, and nothing else."""

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from antiphon.errors import SettingsError
from antiphon.simulator.voxserve.faults import Kind, parse_fault
from antiphon.simulator.voxserve.options import Timing, VoxServeOptions

MAX_PORT = 65_535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `antiphon simulate voxserve`."""
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="the port to listen on (default: one that is free)")
    parser.add_argument("--reply", action="append", default=[], help="what to answer; repeatable, used in turn")
    parser.add_argument("--quick", action="store_true", help="answer within milliseconds")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write request-<n>.wav and requests.jsonl there")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND[=NUMBER[:DETAIL]][@REQUESTS]",
        help=f"what goes wrong, such as cut=48044@0; kinds: {', '.join(kind.value for kind in Kind)}",
    )
    parser.add_argument(
        "--switch",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"any other setting, or timing.NAME=VALUE; names: {', '.join(_switches())}",
    )


def options_from(namespace: argparse.Namespace) -> VoxServeOptions:
    """The options that the command line asks for. Raises SettingsError."""
    options = VoxServeOptions(
        host=namespace.host,
        port=namespace.port,
        replies=tuple(namespace.reply),
        timing=Timing.quick() if namespace.quick else Timing(),
        keep_dir=namespace.keep,
        faults=tuple(parse_fault(text) for text in namespace.fault),
    )
    for text in namespace.switch:
        options = _switched(options, text)
    if not 0 <= options.port <= MAX_PORT:
        raise SettingsError(f"--port {options.port}: a port is a number up to {MAX_PORT}, or 0 for one that is free")
    return options


def _switches() -> list[str]:
    """The names of the settings that are one number or word, and of the timing's."""
    plain = [name for name, value in _values(VoxServeOptions()).items() if isinstance(value, (int, float, str))]
    return [*plain, *(f"timing.{name}" for name in _values(Timing()))]


def _values(settings: VoxServeOptions | Timing) -> dict[str, Any]:
    return {one.name: getattr(settings, one.name) for one in dataclasses.fields(settings)}


def _switched(options: VoxServeOptions, text: str) -> VoxServeOptions:
    name, _, value = text.partition("=")
    if name not in _switches():
        raise SettingsError(f"--switch {text}: there is no setting {name!r}; use one of {', '.join(_switches())}")
    changes: dict[str, Any]
    if name.startswith("timing."):
        inner = name.removeprefix("timing.")
        timing: dict[str, Any] = {inner: _read(_values(options.timing)[inner], value, text)}
        changes = {"timing": dataclasses.replace(options.timing, **timing)}
    else:
        changes = {name: _read(_values(options)[name], value, text)}
    return dataclasses.replace(options, **changes)


def _read(old: Any, value: str, text: str) -> Any:
    """`value` in the type of the setting's value `old`."""
    if isinstance(old, str):
        return value
    try:
        new = json.loads(value)
    except ValueError as error:
        raise SettingsError(f"--switch {text}: {value!r} is no number") from error
    allowed = (int, float) if isinstance(old, float) else (int,)
    if isinstance(new, bool) or not isinstance(new, allowed) or new < 0:
        raise SettingsError(f"--switch {text}: the setting is a number such as {old}")
    return new
