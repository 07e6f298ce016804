"""An owner thread stops when asked, and is named when it will not."""

import threading

import pytest

from antiphon.runtime.thread import OwnerThread, ZombieThread


def test_stops_when_asked():
    woken = threading.Event()

    def run(stopping):
        woken.wait(10)
        assert stopping.is_set()

    thread = OwnerThread("worker", run, woken.set)
    thread.start()
    assert thread.alive
    thread.stop(10)
    assert not thread.alive


def test_one_that_will_not_end_is_named():
    release = threading.Event()
    thread = OwnerThread("stubborn", lambda _stopping: release.wait(10) and None, lambda: None)
    thread.start()
    with pytest.raises(ZombieThread, match=r"'stubborn' did not end within 0\.01 s"):
        thread.stop(0.01)
    release.set()
    thread.stop(10)


def test_stop_before_start_is_harmless():
    OwnerThread("worker", lambda _stopping: None, lambda: None).stop(0.01)


def test_has_its_name_in_stack_dumps():
    names = []
    thread = OwnerThread("ear", lambda _stopping: names.append(threading.current_thread().name), lambda: None)
    thread.start()
    thread.stop(10)
    assert names == ["ear"]
