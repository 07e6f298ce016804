"""For the whole suite: no property test is judged by wall-clock speed, and each tries the same examples every time.

`pytest --hypothesis-profile explore` tries others, and `--hypothesis-profile fuzz` very many of them (`make fuzz`).
"""

from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

settings.register_profile("antiphon", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=10_000, print_blob=True)
settings.load_profile("antiphon")


class FilesAndScenes(LoadFileScheduling):
    """Each file to one of the processes that share a suite; all scenes to one, as they play side by side anyway."""

    def _split_scope(self, nodeid):
        return "scenes" if nodeid.startswith(("tests/appliance/", "tests/network/")) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config, log):
    return FilesAndScenes(config, log) if config.getoption("dist") == "loadfile" else None
