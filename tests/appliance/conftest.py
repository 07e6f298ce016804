"""Scenes of the whole appliance are played side by side: sound takes its time, and little of the processor's.

Every test in this folder is a function of its parameters alone, without fixtures. All that were selected are begun when
the first one is due, a few at a time on threads, and each test reports what came of its own. A scene that failed while
the machine was too busy to serve the sound card in time proves nothing: it is played again, alone.
"""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from appliance.scenery import BusyMachineError

AT_A_TIME = 4
TRIES_ALONE = 4
LIMIT_S = 600  # a scene is bounded by itself; it may have to wait for all others before it is played alone
HERE = Path(__file__).parent
POOL = pytest.StashKey[ThreadPoolExecutor]()
PLAYED = pytest.StashKey[dict[pytest.Item, Future[None]]]()


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(LIMIT_S))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    session = pyfuncitem.session
    if PLAYED not in session.stash:
        pool = session.stash[POOL] = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="scene")
        scenes = [item for item in session.items if item.path.is_relative_to(HERE)]
        session.stash[PLAYED] = {scene: pool.submit(play, scene) for scene in scenes}
    try:
        session.stash[PLAYED][pyfuncitem].result()
    except BusyMachineError:
        wait(session.stash[PLAYED].values())
        play_alone(pyfuncitem)
    return True


def pytest_sessionfinish(session):
    if POOL in session.stash:
        session.stash[POOL].shutdown(cancel_futures=True)


def play(scene):
    scene.obj(**(scene.callspec.params if hasattr(scene, "callspec") else {}))


def play_alone(scene):
    for _ in range(TRIES_ALONE - 1):
        try:
            play(scene)
        except BusyMachineError:
            continue
        return
    play(scene)
