"""The log of a simulated service: every line in memory, in a file that is kept, and told to whoever listens.

What a line says is the service's own.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO, TypeAlias

LogLine: TypeAlias = dict[str, Any]
"""`t` (monotonic seconds), `what`, and where it concerns one, `session` or `request`; the rest depends on `what`."""


class Journal:
    """One service's log."""

    def __init__(self, tell: Callable[[LogLine], None] | None) -> None:
        """`tell` gets each line as it is written."""
        self.lines: list[LogLine] = []
        """Every line, in order."""
        self._tell = tell
        self._file: TextIO | None = None

    def keep(self, path: Path) -> None:
        """Append every line from now on to the file at `path` too, until `close`. Raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def write(self, line: LogLine) -> None:
        """Add a line."""
        self.lines.append(line)
        if self._file is not None:
            self._file.write(json.dumps(line) + "\n")
        if self._tell is not None:
            self._tell(line)

    def close(self) -> None:
        """Close the file, if there is one; lines may still come."""
        if self._file is not None:
            self._file.close()
            self._file = None
