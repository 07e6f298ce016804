"""What helps in a clone, and what where the program is installed."""

from pathlib import Path

import pytest

from antiphon.clone import CLONE, clone_of, gpio_is_missing, page, program, where_pages_are, without_a_card

ROOT = Path(__file__).parents[1]
INSTALLED = Path("/usr/lib/antiphon/lib/python3.11/site-packages/antiphon/clone.py")


def test_the_tests_run_in_a_clone():
    assert CLONE == ROOT
    assert clone_of(ROOT / "daemon" / "antiphon" / "clone.py") == ROOT


def test_a_package_is_no_clone():
    assert clone_of(INSTALLED) is None


def test_a_makefile_of_somebody_else_makes_no_clone(tmp_path):
    (tmp_path / "Makefile").touch()
    assert clone_of(tmp_path / "site-packages" / "antiphon" / "clone.py") is None


def test_only_a_clone_is_told_to_make_anything():
    assert "make run" in without_a_card(ROOT)
    assert "make" not in without_a_card(None)
    assert "make setup" in gpio_is_missing(ROOT)
    assert "make" not in gpio_is_missing(None)


def test_the_pages_are_where_they_are_installed():
    assert page("docs/lan-server.md") == "docs/lan-server.md"
    assert (ROOT / page("docs/lan-server.md")).is_file()
    assert where_pages_are(None, Path("/usr/lib/antiphon")) == Path("/usr/share/doc/antiphon")
    assert where_pages_are(None, Path("/usr/local/lib/antiphon")) == Path("/usr/local/share/doc/antiphon")


@pytest.mark.parametrize(
    ("called", "clone", "shown"),
    [
        (".venv/bin/antiphon", ROOT, ".venv/bin/antiphon"),
        ("/my own/antiphon", ROOT, "'/my own/antiphon'"),
        ("/x/antiphon/__main__.py", ROOT, "antiphon"),
        ("/usr/lib/antiphon/bin/antiphon", None, "antiphon"),
    ],
)
def test_how_the_program_is_called(called, clone, shown):
    assert program(called, clone) == shown
