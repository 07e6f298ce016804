"""The defaults are the real server's; quick is quick."""

from antiphon.simulator.voxserve.options import Timing, VoxServeOptions


def test_defaults():
    options = VoxServeOptions()
    assert (options.slots, options.timeout_s, options.keep_alive_s, options.upload_kept_s) == (8, 600.0, 5.0, 60.0)
    assert options.host == "127.0.0.1"
    assert Timing.quick() == Timing(0.0, 0.0)
