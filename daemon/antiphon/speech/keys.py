"""The key of StepFun's services: how it is shown to them, and how it is kept out of words. It knows no library."""

from antiphon.errors import Refused
from antiphon.secret import STARS, Secret


def authorization(key: Secret | None) -> dict[str, str]:
    """The header with the key; none without one. Raises Refused for what cannot be a key."""
    text = plain(key)
    if not (text.isascii() and text.isprintable()):
        raise Refused("The API key holds characters that no key has: copy it again")
    return {"Authorization": f"Bearer {text}"} if text else {}


def without_key(key: Secret | None, sentence: str) -> str:
    """`sentence` with stars in the key's place."""
    text = plain(key)
    return sentence.replace(text, STARS) if text else sentence


def plain(key: Secret | None) -> str:
    """The key as it is sent; "" for none."""
    return key.reveal().strip() if key is not None else ""
