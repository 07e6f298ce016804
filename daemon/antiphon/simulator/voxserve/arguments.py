"""The command line of the simulated LAN server: argparse arguments to VoxServeOptions, and nothing else."""

import argparse

from antiphon.simulator.arguments import add_answers, add_faults, add_place, check_port
from antiphon.simulator.switches import Switches
from antiphon.simulator.voxserve.faults import Kind, parse_fault
from antiphon.simulator.voxserve.options import Timing, VoxServeOptions

SWITCHES = Switches(VoxServeOptions, but=("replies",), least=0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `antiphon simulate voxserve`."""
    add_place(parser)
    add_answers(parser, "request-<n>.wav and requests.jsonl")
    add_faults(parser, Kind, "requests", "cut=48044@0")
    SWITCHES.add(parser)


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
        options = SWITCHES.turned(options, text)
    check_port(options.port)
    return options
