"""A service as a command: started, ended by a signal, and its failures in words."""

import asyncio
import errno
import os
import signal

import pytest

from antiphon.errors import SettingsError
from antiphon.simulator.service import run_until_signal


class Fake:
    """Notes what is done to it; gets a signal, or has an error, as it starts."""

    def __init__(self, *, number=None, error=None):
        self.done = []
        self.started = asyncio.Event()
        self._number = number
        self._error = error

    async def start(self):
        self.done.append("start")
        if self._error is not None:
            raise self._error
        if self._number is not None:
            os.kill(os.getpid(), self._number)
        self.started.set()

    async def stop(self):
        self.done.append("stop")


def run(service):
    """Serve, with a bound that only a hang meets."""

    async def bounded():
        async with asyncio.timeout(30):
            await run_until_signal(service, "server")

    asyncio.run(bounded())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(number):
    service = Fake(number=number)
    run(service)
    assert service.done == ["start", "stop"]


def test_it_is_stopped_when_its_task_is_cancelled():
    service = Fake()

    async def scene():
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            task = group.create_task(run_until_signal(service, "server"))
            await service.started.wait()
            task.cancel()

    asyncio.run(scene())
    assert service.done == ["start", "stop"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EADDRINUSE, "in use"), r"^the server cannot listen \(in use\): give another --port or --host"),
        (OSError(errno.EACCES, "denied", "/kept"), r"^--keep: /kept cannot be written \(denied\): give a directory"),
    ],
)
def test_one_that_cannot_start_says_why(error, words):
    service = Fake(error=error)
    with pytest.raises(SettingsError, match=words):
        run(service)
    assert service.done == ["start"]


def test_a_mistake_is_no_error_of_the_settings():
    with pytest.raises(ZeroDivisionError):
        run(Fake(error=ZeroDivisionError()))
