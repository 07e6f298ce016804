"""The user's turn as it is kept, so that the link that answers gets every sample of it."""

from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, bytes_ms, frames_in

_RECENT_MS = 1000.0


class Utterance:
    """Speech since the turn began, bounded, and how much of it was voice by the ear's own marks."""

    def __init__(self, max_ms: float) -> None:
        self._max_bytes = frames_in(max_ms, LINK_RATE_HZ) * SAMPLE_BYTES
        self._pcm = bytearray()
        self._recent: list[tuple[float, float]] = []  # (length, voice) of the latest pieces, about a second
        self.voiced_ms = 0.0
        self.silent_ms = 0.0

    def begin(self, pcm: bytes = b"") -> None:
        """A new turn, that starts with `pcm`."""
        self._pcm[:] = pcm
        self._recent.clear()
        self.voiced_ms = self.silent_ms = 0.0

    def add(self, pcm: bytes, voiced_ms: float) -> None:
        """The next piece; what is beyond the bound is not kept (`full` says so)."""
        if not pcm:
            return
        self._pcm += pcm[: max(0, self._max_bytes - len(self._pcm))]
        self.voiced_ms += voiced_ms
        self.silent_ms = 0.0 if voiced_ms else self.silent_ms + bytes_ms(pcm)
        self._recent.append((bytes_ms(pcm), voiced_ms))
        while sum(length for length, _ in self._recent[1:]) >= _RECENT_MS:
            del self._recent[0]

    def keep_last(self, ms: float) -> None:
        """Forget all but the last `ms`: nobody has spoken yet."""
        excess = len(self._pcm) - frames_in(ms, LINK_RATE_HZ) * SAMPLE_BYTES
        if excess > 0:
            del self._pcm[:excess]

    def wipe(self) -> None:
        """Overwrite what was kept: the device was muted."""
        self._pcm[:] = bytes(len(self._pcm))
        self.begin()

    @property
    def pcm(self) -> bytes:
        """All of it, mono s16le 24 kHz."""
        return bytes(self._pcm)

    @property
    def full(self) -> bool:
        """The turn has reached its greatest length."""
        return len(self._pcm) >= self._max_bytes

    @property
    def recent_voiced_ms(self) -> float:
        """How much of about the last second was voice."""
        return sum(voice for _, voice in self._recent)
