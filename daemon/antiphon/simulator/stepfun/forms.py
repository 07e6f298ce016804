"""What an upload is: a form with texts and at most one file, of which only the measure is kept. Pure."""

from dataclasses import dataclass

from antiphon.simulator.stepfun.clips import Clip, Meter
from antiphon.simulator.stepfun.judging import WrongError


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file that came."""

    name: str
    """As the client calls it."""
    content_type: str
    """"" where it says none."""
    meter: Meter

    @property
    def clip(self) -> Clip | None:
        """The sound in it; None for a file that is neither wav nor mp3."""
        for kind in ("wav", "mp3"):
            try:
                return self.meter.clip(kind)
            except WrongError:
                pass
        return None


@dataclass(frozen=True, slots=True)
class Form:
    """All that was posted, each name once."""

    texts: dict[str, str]
    file: FilePart | None
