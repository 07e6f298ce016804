"""Scenes of the whole appliance, played side by side."""

from pathlib import Path

import pytest

from side_by_side import SideBySide

SCENES = SideBySide(Path(__file__).parent)


def pytest_collection_modifyitems(items):
    SCENES.collected(items)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    return SCENES.call(pyfuncitem)


def pytest_sessionfinish():
    SCENES.finish()
