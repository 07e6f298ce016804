"""The command line of the simulated service: argparse arguments to SimulatorOptions, and nothing else."""

import argparse
import dataclasses

from antiphon.simulator.arguments import add_answers, add_faults, add_place, check_port
from antiphon.simulator.stepfun.faults import Kind, parse_fault
from antiphon.simulator.stepfun.options import DEFAULT_KEY, Scope, SimulatorOptions, Timing
from antiphon.simulator.stepfun.script import OUTPUT, Reply, ToolCall
from antiphon.simulator.switches import Switches

SWITCHES = Switches(SimulatorOptions)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `antiphon simulate`."""
    add_place(parser)
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        help=f"an accepted key ({DEFAULT_KEY} where no key and no plan key is given); repeatable",
    )
    parser.add_argument("--plan-key", action="append", default=[], help="an accepted Step Plan key; repeatable")
    parser.add_argument("--no-key", action="store_true", help="accept connections without a key too")
    parser.add_argument("--seed", type=int, default=0, help="fixes what is left to chance (default: %(default)s)")
    add_answers(parser, "session-<n>.wav and events.jsonl", f"; {OUTPUT} in it is what a tool has told")
    parser.add_argument(
        "--call",
        action="append",
        default=[],
        metavar="NAME[=ARGUMENTS]",
        help="a tool to call when spoken to, and its arguments as JSON; repeatable, used in turn before the replies",
    )
    parser.add_argument("--events", action="store_true", help="log each event received and sent")
    add_faults(parser, Kind, "connections", "close-at-event=5:1011@0")
    SWITCHES.add(parser)


def options_from(namespace: argparse.Namespace) -> SimulatorOptions:
    """The options that the command line asks for. Raises SettingsError."""
    keys: dict[str, Scope] = dict.fromkeys(namespace.key, "normal")
    keys |= dict.fromkeys(namespace.plan_key, "plan")
    options = SimulatorOptions(
        host=namespace.host,
        port=namespace.port,
        require_key=not namespace.no_key,
        seed=namespace.seed,
        replies=(*map(_calling, namespace.call), *map(Reply, namespace.reply)),
        timing=Timing.quick() if namespace.quick else Timing(),
        keep_dir=namespace.keep,
        log_events=namespace.events,
        faults=tuple(parse_fault(text) for text in namespace.fault),
    )
    if keys:
        options = dataclasses.replace(options, keys=keys)
    for text in namespace.switch:
        options = SWITCHES.turned(options, text)
    check_port(options.port)
    return options


def _calling(text: str) -> Reply:
    """The reply of one `--call`."""
    name, _, arguments = text.partition("=")
    return Reply(calls=(ToolCall(name, arguments or "{}"),), to="speech")
