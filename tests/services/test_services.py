"""Each service of StepFun's on each family of paths, by the user's own commands; and each documented error of it.

What works is run as a user runs it; the many errors without the start of the interpreter (`forking.py`). Rows that are
refused for good wait for most of their time, so all of them run at once; of the others, which compute, a few do.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from services.forking import forker
from services.rows import ROWS, WORKS
from services.table import run, start

AT_ONCE = 3


@pytest.fixture(scope="module")
def came(tmp_path_factory):
    """What came of each row, by its name."""
    patient = [row for row in ROWS if row.patient]
    with (
        forker(tmp_path_factory.mktemp("forker")) as forked,
        ThreadPoolExecutor(len(patient)) as waiting,
        ThreadPoolExecutor(AT_ONCE) as computing,
    ):

        def begin(row):
            pool = waiting if row.patient else computing
            return pool.submit(run, row, tmp_path_factory.mktemp("row"), start if row in WORKS else forked)

        yield {row.name: begin(row) for row in [*patient, *(row for row in ROWS if not row.patient)]}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_service_is_asked_and_answers(row, came):
    told = came[row.name].result()
    assert bool(told.status) == bool(row.status), told
    assert row.received in told.received
    assert row.back in told.stdout + told.stderr
    assert bool(told.sound_s) == row.sound, told
    assert "Traceback" not in told.stderr
    assert not any(key in told.stdout + told.stderr for key in ("sk-normal", "sk-plan", "sk-other"))


def test_every_row_is_one_of_its_own():
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert {row.case for row in WORKS} == {"works"}
