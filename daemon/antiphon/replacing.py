"""Floor 5. The program begins anew in the same process: the one thing that frees a sound system that hangs."""

import os
import sys
from typing import NoReturn


def begin_anew(muted: bool) -> NoReturn:
    """Put a new program into this process, with the same arguments, and `--muted` if it is to be."""
    given = [one for one in sys.argv[1:] if one != "--muted"]
    os.execv(sys.executable, [sys.executable, "-m", "antiphon", *given, *["--muted"] * muted])
