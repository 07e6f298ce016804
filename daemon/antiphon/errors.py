"""Floor 0. The errors of the appliance, named by whose fault they are.

Each carries one sentence for its reader, that says what is wrong and what to do next. None of them
ever carries a secret. At the edge of a thread or a link an error becomes an event (`Problem`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

Fault = Literal["refused", "blocked", "lost", "garbled", "device"]


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as a value, so that it can travel in an event.

    `fault`: "refused" is ours to mend (key, settings); "blocked" is in what was said, which the service's rules
    forbid; "lost" is the world's (cable, server), and may pass; "garbled" means that the other side spoke nonsense;
    "device" is hardware on this machine.
    """

    fault: Fault
    sentence: str

    @property
    def may_pass(self) -> bool:
        """True when trying again, with nothing mended, can help."""
        return self.fault in ("lost", "garbled")


class AntiphonError(Exception):
    """The root. What the user can mend prints `str(error)` in one line and exits 2."""


class SettingsError(AntiphonError):
    """The owner's settings cannot be used; `str()` holds every error, one a line."""


class MissingKeyError(SettingsError):
    """No API key is named anywhere; one that is named and cannot be used is a SettingsError like any other."""


class DeviceError(AntiphonError):
    """A microphone, speaker, lamp or button cannot be used: which, why, and the remedy."""

    def __init__(self, device: str, wrong: str, remedy: str) -> None:
        """`device` as the owner names it, `wrong` what is wrong, `remedy` what to do next."""
        super().__init__(f"{device}: {wrong}. {remedy}")
        self.device = device

    def problem(self) -> Problem:
        """This error as a value for an event."""
        return Problem("device", str(self))


class ModelError(AntiphonError):
    """A wake word model is missing, unreadable, or not what it is said to be."""


class AudioFileError(AntiphonError):
    """A file that should be audio is not, or is empty, or is too long."""


class LinkError(AntiphonError):
    """A service failed; `problem()` says whose fault it was."""

    fault: Fault = "lost"

    def problem(self) -> Problem:
        """This error as a value for an event."""
        return Problem(self.fault, str(self))


class Refused(LinkError):
    """The service said no, and will say no again until the owner mends something."""

    fault: Fault = "refused"


class Barred(Refused):
    """It is the key, the address or the model: whatever else is asked there, the answer is the same."""


class Blocked(Refused):
    """The service's rules forbid what it was asked, or what it had answered; the next question may please them."""

    fault = "blocked"


class Lost(LinkError):
    """The connection could not be made, or broke, or went silent."""

    fault = "lost"


class Garbled(LinkError):
    """The service said something that its protocol does not allow."""

    fault = "garbled"


@contextmanager
def ungrouped() -> Iterator[None]:
    """What a task group has gathered is raised by itself, so that whoever knows what to do about it can catch it."""
    try:
        yield
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from group
