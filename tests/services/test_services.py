"""Each service of StepFun's on each family of paths, by the user's own commands; and each documented error of it."""

import re

import pytest

from services.rows import ROWS, WORKS
from services.table import begun


@pytest.fixture(scope="module")
def came(tmp_path_factory):
    """What comes of each row, by its name."""
    with begun(tmp_path_factory.mktemp) as rows:
        yield rows


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_service_is_asked_and_answers(row, came):
    told = came[row.name].result()
    assert bool(told.status) == bool(row.status), told
    assert row.received in told.received
    assert set(re.findall(r"(?:/step_plan)?/v1(?=/)", told.received)) <= {row.family}
    assert row.back in told.stdout + told.stderr
    assert bool(told.sound_s) == row.sound, told
    assert "Traceback" not in told.stderr
    assert not any(key in told.stdout + told.stderr for key in ("sk-normal", "sk-plan", "sk-other"))


def test_every_row_is_one_of_its_own():
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert {row.case for row in WORKS} == {"works"}
