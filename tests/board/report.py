"""The table that `make board` prints and writes: what was done to the appliance in the machine, and what came of it."""

import json
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from board.rig.host import REPOSITORY

OUTPUT = REPOSITORY / "build" / "board.json"
_WIDTHS = (26, 46)


@dataclass(frozen=True)
class Row:
    """One thing that was tried; a test that fails leaves none."""

    part: str
    what: str
    outcome: str
    values: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.part:{_WIDTHS[0]}} {self.what:{_WIDTHS[1]}} {self.outcome}"


class Table:
    """All rows of a run, in their order."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.notes: list[str] = []
        self.began = datetime.now(UTC).isoformat(timespec="seconds")

    def add(self, part: str, what: str, outcome: str, **values: float) -> None:
        """`part` of the appliance's life, `what` was done, and the `outcome` in words; `values` for programs."""
        self.rows.append(Row(part, what, outcome, values))

    def note(self, words: str) -> None:
        """Something that whoever reads the table should know."""
        self.notes.append(words)

    def write(self, passed: int, failed: list[str]) -> None:
        """The file, which a run of a few tests adds to: rows of the same name are replaced."""
        kept = json.loads(OUTPUT.read_text(encoding="utf-8"))["rows"] if OUTPUT.exists() else []
        ours = {(row.part, row.what) for row in self.rows}
        rows = [row for row in kept if (row["part"], row["what"]) not in ours] + [asdict(row) for row in self.rows]
        report = {
            "at": self.began,
            "host": platform.release(),
            "passed": passed,
            "failed": failed,
            "notes": self.notes,
            "rows": rows,
        }
        OUTPUT.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(f"{OUTPUT}.part")
        partial.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        partial.replace(OUTPUT)
