"""Patience: tries until it works, or until nobody wants it."""

import threading

from antiphon.devices.patience import AT_LAST_S, WAITS_S, Patience

LONG_S = 1e6


def test_it_tries_until_it_has_worked():
    tries, worked = [], threading.Event()

    def attempt():
        tries.append(len(tries))
        if len(tries) == 3:
            worked.set()
        return len(tries) == 3

    patience = Patience("test", attempt, [0.0] * 5)
    patience.begin()
    assert worked.wait(30)
    patience.end()
    assert tries == [0, 1, 2]


def test_it_tries_no_more_when_it_is_ended():
    tries = []
    patience = Patience("test", lambda: bool(tries.append(1)), [LONG_S])
    patience.begin()
    patience.end()
    patience.end()
    assert tries == []


def test_ending_waits_for_an_attempt_under_way():
    began, may_end, ended = threading.Event(), threading.Event(), []

    def attempt():
        began.set()
        ended.append(may_end.wait(30))
        return True

    patience = Patience("test", attempt, [0.0])
    patience.begin()
    assert began.wait(30)
    threading.Timer(0, may_end.set).start()
    patience.end()
    assert ended == [True]


def test_what_never_began_ends_well():
    Patience("test", lambda: True).end()


def test_after_a_minute_it_tries_once_a_minute():
    assert sum(WAITS_S) == 60
    assert AT_LAST_S == 60
