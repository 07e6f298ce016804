"""`make board`: prove the appliance in a machine of its own; prints a table, and writes build/board.json.

Arguments are names: of files (`turns` is test_turns.py), or of single tests as pytest's -k takes them. Without any, all
are run but the months, which take longest. The exit status is pytest's.
"""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent)  # as in the suite: tests/ is where its folders are looked for, and not this one
_TIMEOUT_S = 900
_MONTHS_S = 7200


def main(names: list[str]) -> int:
    """Run them."""
    files = [HERE / f"test_{name}.py" for name in names if (HERE / f"test_{name}.py").exists()]
    words = [name for name in names if not (HERE / f"test_{name}.py").exists()]
    months = "months" in names
    options = [*map(str, files or [HERE]), "-m", "board" if months else "board and not months"]
    options += ["-k", " or ".join(words)] if words else []
    return pytest.main([*options, "-v", "--tb=short", f"--timeout={_MONTHS_S if months else _TIMEOUT_S}"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
