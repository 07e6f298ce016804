"""The bench itself: its table, its file, its choice by name, and that one broken figure does not stop the others."""

import json

import pytest

from bench import run
from bench.figure import Row, counted, measured
from bench.figures.turns import PAUSES_MS, QUESTIONS


def quick(_plan):
    yield measured("quick", "ms", [3.0, 1.0, 2.0], reach=5)
    yield counted("quick.lost", "samples", 0, 100, reach=0)


def slow(_plan):
    yield measured("slow", "ms", [9.0, 4.0], reach=8)


def broken(_plan):
    yield measured("broken.first", "ms", [1.0])
    raise OSError("the card is gone")


def impatient(_plan):
    yield measured("impatient", "ms", [1.0])
    raise KeyboardInterrupt


def plain(plan):
    yield counted("plain", "hours", plan.hours or 0, 1 if plan.alone else 0)


def bench(tmp_path, *names, **figures):
    """Run it; the exit status and what it wrote."""
    output = tmp_path / "build" / "bench.json"
    status = run.main(list(names), figures, output)
    return status, json.loads(output.read_text()) if output.exists() else None


def test_a_table_is_printed_and_the_same_is_written(tmp_path, capsys):
    status, report = bench(tmp_path, quick=quick)
    assert status == 0
    first, second = report["rows"]
    assert {name: first[name] for name in ("name", "unit", "median", "p95", "n", "reach", "met")} == {
        "name": "quick",
        "unit": "ms",
        "median": 2.0,
        "p95": 3.0,
        "n": 3,
        "reach": 5,
        "met": "yes",
    }
    assert second["name"] == "quick.lost"
    assert first["load"] >= 0
    assert report["machine"]["processors"] >= 1
    assert report["failures"] == []
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["figure", "unit", "median", "p95", "n", "reach", "met"]
    assert table[1].split() == ["quick", "ms", "2", "3", "3", "5", "yes"]


def test_a_figure_that_misses_its_reach_is_told_by_the_status(tmp_path):
    status, report = bench(tmp_path, slow=slow, quick=quick)
    assert status == 1
    assert [row["met"] for row in report["rows"]] == ["no", "yes", "yes"]


def test_a_broken_figure_does_not_stop_the_rest(tmp_path, capsys):
    status, report = bench(tmp_path, broken=broken, quick=quick)
    assert status == 1
    assert [row["name"] for row in report["rows"]] == ["broken.first", "quick", "quick.lost"]
    assert report["failures"] == [{"figure": "broken", "error": "OSError: the card is gone"}]
    assert "broken could not be measured: OSError: the card is gone" in capsys.readouterr().out


def test_ctrl_c_ends_it_and_keeps_what_was_measured(tmp_path):
    status, report = bench(tmp_path, quick=quick, impatient=impatient, slow=slow)
    assert status == 130
    assert [row["name"] for row in report["rows"]] == ["quick", "quick.lost", "impatient"]


def test_figures_are_chosen_by_name_or_by_the_name_of_a_row(tmp_path):
    _, report = bench(tmp_path, "quick.lost", "plain", slow=slow, plain=plain, quick=quick)
    assert [row["name"] for row in report["rows"]] == ["quick", "quick.lost", "plain"]


def test_a_figure_knows_whether_it_was_asked_for(tmp_path):
    _, alone = bench(tmp_path, "plain", plain=plain)
    _, all_of_them = bench(tmp_path, plain=plain)
    assert alone["rows"][0]["n"] == 1
    assert all_of_them["rows"][0]["n"] == 0


def test_a_name_that_is_none_measures_nothing(tmp_path, capsys):
    status, report = bench(tmp_path, "quack", quick=quick)
    assert (status, report) == (2, None)
    assert capsys.readouterr().err == "there is no figure quack; there are quick\n"


def test_the_percentile_is_a_value_that_was_seen():
    assert measured("x", "ms", [float(value) for value in range(1, 101)]).p95 == 95.0
    assert measured("x", "ms", [7.0]).p95 == 7.0
    with pytest.raises(ValueError, match="nothing was measured"):
        measured("x", "ms", [])


def test_a_reach_is_met_by_the_percentile_and_not_the_median():
    assert Row("x", "ms", median=1, p95=3, n=9, reach=2).met is False
    assert Row("x", "ms", median=1, p95=2, n=9, reach=2).met is True
    assert Row("x", "ms", median=1, p95=2, n=9).met is None


def test_every_figure_is_found_and_says_what_it_measures():
    figures = run.discover()
    assert {"wake_to_wire_warm", "wake_to_wire_cold", "delta_to_sound", "finished_error", "heard_error"} <= set(figures)
    assert {"idle_cpu", "idle_hour", "resident_memory", "ready_time", "turns", "walk", "wire"} <= set(figures)
    assert all(figure.__doc__ for figure in figures.values())


def test_the_cheapest_figure_is_really_measured(tmp_path):
    _, report = bench(tmp_path, "wire", **run.discover())
    assert report["failures"] == []
    assert [row["name"] for row in report["rows"]] == ["wire.delta", "wire.append"]
    assert all(0 < row["median"] <= row["p95"] for row in report["rows"])


def test_the_turns_are_a_hundred():
    assert 4 * len(QUESTIONS) * len(PAUSES_MS) == 100
