"""Floor 4. What is kept across restarts, in a file of the service's state directory: the volume. Timers are beside it.

A disk that is full, read-only or damaged costs no more than what was to be kept: it is said once, and all else goes on.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from antiphon.ports import Log

NAME = "state.json"
_MOST_BYTES = 65_536


def kept_path(environment: Mapping[str, str]) -> Path | None:
    """The file: in systemd's $STATE_DIRECTORY (systemd.exec(5)), or for a user in $XDG_STATE_HOME/antiphon; or none."""
    if service := environment.get("STATE_DIRECTORY", "").split(":")[0]:
        return Path(service) / NAME
    if user := environment.get("XDG_STATE_HOME", ""):
        return Path(user) / "antiphon" / NAME
    return None


class KeptVolume:
    """The volume in the file `path`; without a path it is not kept. One thread at a time may use it."""

    def __init__(self, path: Path | None, log: Log) -> None:
        """Nothing is touched yet."""
        self._path, self._log = path, log
        self._failing = False

    def load(self) -> int | None:
        """The percent that was kept, or None."""
        if self._path is None:
            return None
        try:
            with self._path.open("rb") as file:
                state = json.loads(file.read(_MOST_BYTES))
            volume = state["volume"]
            if type(volume) is not int or not 0 <= volume <= 100:
                raise ValueError("no volume of 0 to 100")
        except FileNotFoundError:
            return None
        except OSError as error:
            self._warn(f"cannot be read ({error.strerror})")
        except (ValueError, KeyError, TypeError, RecursionError):
            self._warn("does not hold what was written there", "the volume is not known from before, and is kept anew")
        else:
            return volume
        return None

    def save(self, percent: int) -> bool:
        """Keep `percent`: all of the new file is there, or the old one, whenever the power fails. False: try again."""
        if self._path is None:
            return True
        fresh = self._path.with_name(f".{self._path.name}.new")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with fresh.open("w", encoding="utf-8") as file:
                file.write(json.dumps({"volume": percent}) + "\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as error:
            self._warn(f"cannot be written ({error.strerror})")
            return False
        self._failing = False
        return True

    def _warn(self, wrong: str, so: str = "the volume is not kept across restarts until that is mended") -> None:
        if not self._failing:
            self._failing = True
            self._log.write("warning", "not-kept", sentence=f"{self._path} {wrong}: {so}")
