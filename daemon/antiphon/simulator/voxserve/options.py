"""Every setting of the simulated LAN server, as data: timing, limits, replies, faults.

The defaults are those of vox-serve 0.1.0 as it is started for Step-Audio-2-mini, on a machine that makes speech faster
than real time.
"""

from dataclasses import dataclass, field
from pathlib import Path

from antiphon.simulator.voxserve.faults import Fault


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the server takes."""

    prefill_ms: float = 300.0
    """From a free slot to the first token; one request at a time."""
    speed: float = 4.0
    """How many times faster than real time sound is made; 0 makes it all at once. A first window needs 28 tokens, so at
    1.0 it comes 1120 ms after the first token."""

    @classmethod
    def quick(cls) -> "Timing":
        """The same order of things within milliseconds, for tests."""
        return cls(prefill_ms=0.0, speed=0.0)


@dataclass(frozen=True, slots=True)
class VoxServeOptions:
    """One simulated server."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 lets the system choose; `VoxServeSimulator.url()` tells."""
    timing: Timing = field(default_factory=Timing)
    keep_dir: Path | None = None
    """Where to write request-<n>.wav (each upload, as it came) and requests.jsonl."""
    replies: tuple[str, ...] = ()
    """The answers, one a request and then again from the first; none: the server tells what it heard."""
    voice: str = "awb"
    """Who speaks: a voice of flite or espeak-ng, and not the one of the simulated cloud."""

    # ── limits ──
    slots: int = 8
    """How many replies are made at once (--max-batch-size)."""
    timeout_s: float = 600.0
    """From a request's arrival to the end of its reply, waiting included; then the stream is cut, or 500 is said."""
    keep_alive_s: float = 5.0
    """A connection is closed when no request comes for so long after an answer."""
    upload_kept_s: float = 60.0
    """An upload to a stream is deleted so long after the stream began; a request taken up later kills the model."""
    threads: int = 40
    """How many whole replies and savings of uploads can be waited for at once."""

    faults: tuple[Fault, ...] = ()
