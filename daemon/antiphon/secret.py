"""Floor 0. A secret that cannot be printed by accident: not by a log, an error, a repr or a format string."""

from typing import Final, final

STARS: Final = "***"


@final
class Secret:
    """A key and where it came from; only `reveal()`, in the one place that sends it, gives the key itself."""

    __slots__ = ("_value", "origin")

    def __init__(self, value: str, origin: str) -> None:
        """`origin` is for the owner's eyes: "$STEPFUN_API_KEY", or the path of a file."""
        self._value = value
        self.origin = origin

    def reveal(self) -> str:
        """The key in the clear; never keep it, never log it."""
        return self._value

    def __repr__(self) -> str:
        """Stars, of one length whatever the key's."""
        return STARS

    def __eq__(self, other: object) -> bool:
        """Two secrets are equal when their values are, wherever they came from."""
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        """As any value that can be compared."""
        return hash(self._value)

    def __reduce__(self) -> str:
        """A secret is not pickled: not to a file, nor to another process."""
        raise TypeError("a Secret cannot be pickled")
