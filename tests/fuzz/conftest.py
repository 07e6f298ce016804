"""Prints how many examples were tried, in what time, and how they ended, where there were many (`make fuzz`)."""

import pytest
from hypothesis import settings


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    from fuzz import tally  # only now is hypothesis's profile the one that was asked for

    tally.COUNTS.clear()
    try:
        return (yield)
    finally:
        item.user_properties.append(("fuzz", dict(tally.COUNTS)))


def pytest_terminal_summary(terminalreporter):
    if settings.default is None or settings.default.max_examples <= 1000:
        return
    terminalreporter.section("what was tried")
    total = 0
    for report in [one for kind in ("passed", "failed") for one in terminalreporter.stats.get(kind, ())]:
        counts = dict(dict(report.user_properties).get("fuzz", {}))
        if report.when != "call" or not counts:
            continue
        examples = counts.pop("examples", 0)
        total += examples
        name = report.nodeid.rpartition("/")[2]
        rest = ", ".join(f"{what} {count}" for what, count in sorted(counts.items()))
        terminalreporter.line(f"{examples:7} in {report.duration:5.0f} s  {name}: {rest}")
    terminalreporter.line(f"{total:7} in all")
