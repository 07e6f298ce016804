"""Scenes of the whole appliance are played side by side: sound takes its time, and little of the processor's.

Every test in this folder is a function of its parameters alone, without fixtures. All that were selected are begun when
the first one is due, a few at a time on threads, and each test reports what came of its own. A scene in which the
machine was too busy to fetch sound from its card in time proves nothing, and is played again.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from appliance.scenery import BusyMachineError

AT_A_TIME = 5
TRIES = 3
HERE = Path(__file__).parent
POOL = pytest.StashKey[ThreadPoolExecutor]()
PLAYED = pytest.StashKey[dict[pytest.Item, Future[None]]]()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    session = pyfuncitem.session
    if PLAYED not in session.stash:
        pool = session.stash[POOL] = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="scene")
        scenes = [item for item in session.items if item.path.is_relative_to(HERE)]
        session.stash[PLAYED] = {scene: pool.submit(play, scene) for scene in scenes}
    session.stash[PLAYED][pyfuncitem].result()
    return True


def pytest_sessionfinish(session):
    if POOL in session.stash:
        session.stash[POOL].shutdown(cancel_futures=True)


def play(scene):
    parameters = scene.callspec.params if hasattr(scene, "callspec") else {}
    for tries_left in reversed(range(TRIES)):
        try:
            scene.obj(**parameters)
        except BusyMachineError:
            if not tries_left:
                raise
        else:
            return
