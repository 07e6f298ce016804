"""Plays the scenes of a folder side by side: sound and networks take their time, and little of the processor's.

Every test in such a folder is a function of its parameters alone, without fixtures. All that were selected are begun
when the first one is due, a few at a time on threads, and each test reports what came of its own. A scene that failed
while the machine was too busy to serve the sound card in time proves nothing: it is played again, alone.
"""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from appliance.scenery import BusyMachineError

AT_A_TIME = 6
TRIES_ALONE = 4
LIMIT_S = 600  # a scene is bounded by itself; it may have to wait for all others before it is played alone


class SideBySide:
    """The scenes of `folder`; its conftest.py calls these from pytest's hooks of like names."""

    def __init__(self, folder):
        self._folder = folder
        self._pool = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="scene")
        self._played = None

    def collected(self, items):
        """pytest_collection_modifyitems."""
        for item in self._scenes(items):
            item.add_marker(pytest.mark.timeout(LIMIT_S))

    def call(self, item):
        """pytest_pyfunc_call."""
        if self._played is None:
            scenes = self._scenes(item.session.items)
            self._played = {scene: self._pool.submit(_play, scene) for scene in scenes}
        try:
            self._played[item].result()
        except BusyMachineError:
            wait(self._played.values())
            _play_alone(item)
        return True

    def finish(self):
        """pytest_sessionfinish."""
        self._pool.shutdown(cancel_futures=True)

    def _scenes(self, items):
        return [item for item in items if item.path.is_relative_to(self._folder)]


def _play(scene):
    scene.obj(**(scene.callspec.params if hasattr(scene, "callspec") else {}))


def _play_alone(scene):
    for _ in range(TRIES_ALONE - 1):
        try:
            _play(scene)
        except BusyMachineError:
            continue
        return
    _play(scene)
