"""The command line of the simulated service: argparse arguments to SimulatorOptions, and nothing else."""

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from antiphon.errors import SettingsError
from antiphon.simulator.stepfun.faults import Kind, parse_fault
from antiphon.simulator.stepfun.options import DEFAULT_KEY, Scope, SimulatorOptions, Timing
from antiphon.simulator.stepfun.script import Reply

MAX_PORT = 65_535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `antiphon simulate`."""
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="the port to listen on (default: one that is free)")
    parser.add_argument(
        "--key", action="append", default=[], help=f"an accepted key (default: {DEFAULT_KEY}); repeatable"
    )
    parser.add_argument("--plan-key", action="append", default=[], help="an accepted Step Plan key; repeatable")
    parser.add_argument("--no-key", action="store_true", help="accept connections without a key too")
    parser.add_argument("--seed", type=int, default=0, help="fixes what is left to chance (default: %(default)s)")
    parser.add_argument("--reply", action="append", default=[], help="what to answer; repeatable, used in turn")
    parser.add_argument("--quick", action="store_true", help="answer within milliseconds")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write session-<n>.wav and events.jsonl there")
    parser.add_argument("--events", action="store_true", help="log each event received and sent")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND[=NUMBER[:DETAIL]][@CONNECTIONS]",
        help=f"what goes wrong, such as close-at-event=5:1011@0; kinds: {', '.join(kind.value for kind in Kind)}",
    )
    parser.add_argument(
        "--switch",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"any other setting, or timing.NAME=VALUE; names: {', '.join(_switches())}",
    )


def options_from(namespace: argparse.Namespace) -> SimulatorOptions:
    """The options that the command line asks for. Raises SettingsError."""
    keys: dict[str, Scope] = dict.fromkeys(namespace.key, "normal")
    keys |= dict.fromkeys(namespace.plan_key, "plan")
    options = SimulatorOptions(
        host=namespace.host,
        port=namespace.port,
        require_key=not namespace.no_key,
        seed=namespace.seed,
        replies=tuple(Reply(text) for text in namespace.reply),
        timing=Timing.quick() if namespace.quick else Timing(),
        keep_dir=namespace.keep,
        log_events=namespace.events,
        faults=tuple(parse_fault(text) for text in namespace.fault),
    )
    if keys:
        options = dataclasses.replace(options, keys=keys)
    for text in namespace.switch:
        options = _switched(options, text)
    if not 0 <= options.port <= MAX_PORT:
        raise SettingsError(f"--port {options.port}: a port is a number up to {MAX_PORT}, or 0 for one that is free")
    return options


def _switches() -> list[str]:
    """The names of the settings that are one number, word or yes-or-no."""
    plain = (bool, int, float, str)
    return [name for name, value in _values(SimulatorOptions()).items() if isinstance(value, plain)]


def _values(settings: SimulatorOptions | Timing) -> dict[str, Any]:
    return {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}


def _switched(options: SimulatorOptions, text: str) -> SimulatorOptions:
    name, _, value = text.partition("=")
    if name.startswith("timing."):
        field = name.removeprefix("timing.")
        timing = dataclasses.replace(options.timing, **{field: _read(_values(options.timing), field, value, text)})
        return dataclasses.replace(options, timing=timing)
    changes: dict[str, Any] = {name: _read(_values(options), name, value, text)}
    return dataclasses.replace(options, **changes)


def _read(known: dict[str, Any], name: str, value: str, text: str) -> Any:
    """`value` in the type that the setting `name` has by default."""
    if name not in known:
        raise SettingsError(f"--switch {text}: there is no setting {name!r}; use one of {', '.join(known)}")
    old = known[name]
    if isinstance(old, str):
        return value
    try:
        new = json.loads(value)
    except ValueError as error:
        raise SettingsError(f"--switch {text}: {value!r} is no number, true, false or list") from error
    if isinstance(old, tuple) and isinstance(new, list):
        return tuple(new)
    if isinstance(old, bool) == isinstance(new, bool) and isinstance(
        new, (float, int) if isinstance(old, float) else type(old)
    ):
        return new
    raise SettingsError(f"--switch {text}: the setting is of the form {json.dumps(old)}")
