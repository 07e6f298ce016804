"""A simulated service as a command: from its start to the signal that ends it. It knows no protocol."""

import asyncio
import signal
from typing import Protocol

from antiphon.errors import SettingsError


class Service(Protocol):
    """What a simulated service is to whoever runs it."""

    async def start(self) -> None:
        """Listen. Raises OSError when it cannot listen there, or keep what it receives."""

    async def stop(self) -> None:
        """Close everything."""


async def run_until_signal(service: Service, name: str) -> None:
    """Serve until SIGINT or SIGTERM.

    `name` is what an error calls it: "service" or "server". Raises SettingsError when it cannot start.
    """
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    try:
        await service.start()
    except OSError as error:
        raise SettingsError(_why_not(error, name)) from error
    try:
        await over.wait()
    finally:
        await service.stop()


def _why_not(error: OSError, name: str) -> str:
    """One sentence; only a file's error names a file."""
    if error.filename is not None:
        return f"--keep: {error.filename} cannot be written ({error.strerror}): give a directory that can"
    return f"the {name} cannot listen ({error.strerror}): give another --port or --host; port 0 is one that is free"
