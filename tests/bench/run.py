"""`make bench`: measure every figure, or those named in the arguments; print a table, and write build/bench.json.

Figures are the functions marked so in figures/. One that cannot be measured does not stop the rest. The exit status is
0 when all were measured and reach what they are to reach, 1 when not, 2 for a name that is none, 130 after Ctrl-C.
"""

import argparse
import importlib
import json
import os
import platform
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # as in the suite: tests/ is where its folders are looked for

from bench.figure import FIGURES, Figure, Plan, Row  # noqa: E402 - only found with the line above

OUTPUT = HERE.parents[1] / "build" / "bench.json"
_HEADER = ("figure", "unit", "median", "p95", "n", "reach", "met")
_WIDTHS = (34, 17, 9, 9, 8, 8, 4)


class Report:
    """What was measured so far: on the terminal as it comes, and in the file after every figure."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._began = datetime.now(UTC).isoformat(timespec="seconds")
        self.rows: list[dict[str, Any]] = []
        self.failures: list[dict[str, str]] = []

    def add(self, row: Row, load: float) -> None:
        """One more row, with the machine's load when its figure began."""
        self.rows.append(asdict(row) | {"met": _yes(row.met), "load": round(load, 2)})
        print(line_of(row), flush=True)

    def fail(self, name: str, error: Exception) -> None:
        """The figure could not be measured."""
        sentence = f"{type(error).__name__}: {error}"
        self.failures.append({"figure": name, "error": sentence})
        print(f"{name} could not be measured: {sentence}", flush=True)

    def write(self) -> None:
        """The file, whole at every moment."""
        report = {"at": self._began, "machine": machine(), "rows": self.rows, "failures": self.failures}
        self._output.parent.mkdir(parents=True, exist_ok=True)
        partial = self._output.with_suffix(".part")
        partial.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        partial.replace(self._output)

    @property
    def status(self) -> int:
        """The exit status."""
        return 1 if self.failures or any(row["met"] == "no" for row in self.rows) else 0


def line_of(row: Row) -> str:
    """A line of the table."""
    reach = "" if row.reach is None else f"{row.reach:g}"
    return _aligned((row.name, row.unit, _short(row.median), _short(row.p95), str(row.n), reach, _yes(row.met)))


def machine() -> dict[str, str | int]:
    """What kind of machine this is; not which one."""
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    models = [line.partition(":")[2].strip() for line in cpuinfo.splitlines() if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.machine(),
        "processors": os.cpu_count() or 0,
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def _short(value: float) -> str:
    return f"{value:.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"


def _yes(met: bool | None) -> str:
    return "" if met is None else "yes" if met else "no"


def _aligned(cells: Iterable[str]) -> str:
    first, second, *others = cells
    texts = [f"{first:{_WIDTHS[0]}}", f"{second:{_WIDTHS[1]}}"]
    texts += [f"{cell:>{width}}" for cell, width in zip(others, _WIDTHS[2:], strict=True)]
    return " ".join(texts).rstrip()


def discover() -> dict[str, Figure]:
    """Every figure there is, by name."""
    for file in sorted((HERE / "figures").glob("*.py")):
        importlib.import_module(f"bench.figures.{file.stem}")
    return FIGURES


def measure(figures: Mapping[str, Figure], plan: Plan, report: Report) -> int:
    """Measure one after the other; the exit status."""
    print(_aligned(_HEADER), flush=True)
    try:
        for name, one in figures.items():
            load = os.getloadavg()[0]
            try:
                for row in one(plan):
                    report.add(row, load)
            except Exception as error:  # noqa: BLE001 - whatever it is, the rest goes on
                report.fail(name, error)
            report.write()
    except KeyboardInterrupt:
        report.write()
        print("\nstopped; what was measured is above", flush=True)
        return 130
    return report.status


def main(arguments: list[str], figures: Mapping[str, Figure], output: Path = OUTPUT) -> int:
    """`run.py [NAME...]`; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make bench", description="measure", epilog="figures: " + ", ".join(figures))
    parser.add_argument("names", nargs="*", metavar="NAME", help="a figure; a row's name stands for its figure")
    names = [name.partition(".")[0] for name in parser.parse_args(arguments).names]
    unknown = [name for name in names if name not in figures]
    if unknown:
        print(f"there is no figure {', '.join(unknown)}; there are {', '.join(figures)}", file=sys.stderr)
        return 2
    chosen = {name: figures[name] for name in dict.fromkeys(names)} if names else figures
    hours = os.environ.get("HOURS")
    began_s = time.monotonic()
    status = measure(chosen, Plan(alone=bool(names), hours=float(hours) if hours else None), Report(output))
    print(f"{time.monotonic() - began_s:.0f} s; written to {output}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], discover()))
