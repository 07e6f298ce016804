"""Findings as lines: for a file or a pipe, and for a terminal."""

from antiphon.checkup.finding import Finding

_SIGNS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "bold red"), "skip": ("-", "dim")}
_WORDS = {"ok": "ok", "warn": "WARN", "fail": "FAIL", "skip": "skip"}


def printed(finding: Finding) -> None:
    """A line, and under it the remedy."""
    print(f"{_WORDS[finding.verdict]:5} {finding.check:11} {finding.says}", flush=True)
    if finding.remedy:
        print(f"{'':5} {'':11} -> {finding.remedy}", flush=True)


def drawn(finding: Finding) -> None:
    """The same for a terminal, with a sign and colours."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    sign, colour = _SIGNS[finding.verdict]
    console = Console(highlight=False)
    console.print(Text.assemble((sign, colour), f" {finding.check:11} ", finding.says))
    if finding.remedy:
        console.print(Padding(Text(finding.remedy, "italic"), (0, 0, 0, 14)))
