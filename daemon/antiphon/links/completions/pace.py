"""How long a text takes to be spoken, and how much of it was heard: about, and in letters. Pure."""

import re
from typing import Final

from antiphon.conversation.history import beginning

CJK: Final = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Chinese and Japanese, as a class of a pattern."""

FASTEST: Final = 30
"""Letters a second: nobody speaks faster."""

_WEIGHT_CJK: Final = 3  # a character of these is a syllable or two; in other scripts it is a third of one


def weight(text: str) -> int:
    """How long `text` takes to be spoken, in letters, about fifteen of them a second."""
    return len(text) + (_WEIGHT_CJK - 1) * len(re.findall(f"[{CJK}]", text))


def heard_of(text: str, heard_ms: float, length_ms: float) -> str:
    """The words of `text` that were heard, when `heard_ms` were of its sound, of which `length_ms` have come.

    The text runs ahead of its sound: their proportion alone would keep what nobody has heard.
    """
    if not text or length_ms <= 0:
        return ""
    share = min(heard_ms / length_ms, FASTEST * heard_ms / 1000 / weight(text))
    return beginning(text, min(1.0, max(0.0, share)))
