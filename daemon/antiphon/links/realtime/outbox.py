"""What waits to be sent on a call: speech, cut into appends, and requests, in order. Pure: no socket, no clock."""

from collections import deque

from antiphon.links.realtime.messages import AppendAudio, ClientMessage
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, frames_in


class Outbox:
    """A queue that speech may fill up to `backlog_ms`; `append_ms` is the longest append.

    Speech waits for nothing: what is there goes out, in appends as long as they may be. Half a sample waits for
    its other half, until a request follows it.
    """

    def __init__(self, append_ms: float, backlog_ms: float) -> None:
        self._append_bytes = SAMPLE_BYTES * max(1, frames_in(append_ms, LINK_RATE_HZ))
        self._backlog_bytes = SAMPLE_BYTES * frames_in(backlog_ms, LINK_RATE_HZ)
        self._waiting: deque[bytearray | ClientMessage] = deque()
        self._urgent: deque[ClientMessage] = deque()
        self._speech_bytes = 0

    def speech(self, pcm: bytes) -> bool:
        """Queue speech; False when that is more than may wait: nothing is taken then."""
        if self._speech_bytes + len(pcm) > self._backlog_bytes:
            return False
        if pcm:
            self._speech_bytes += len(pcm)
            last = self._waiting[-1] if self._waiting else None
            if isinstance(last, bytearray):
                last += pcm
            else:
                self._waiting.append(bytearray(pcm))
        return True

    def request(self, message: ClientMessage) -> None:
        """Queue a request behind the speech that came before it."""
        self._waiting.append(message)

    def urgent(self, message: ClientMessage) -> None:
        """Queue a request ahead of all speech: one that does not speak of it."""
        self._urgent.append(message)

    def take(self) -> ClientMessage | None:
        """The next message to send, or None when nothing can be sent yet."""
        if self._urgent:
            return self._urgent.popleft()
        while self._waiting:
            first = self._waiting[0]
            if not isinstance(first, bytearray):
                self._waiting.popleft()
                return first
            if append := self._cut(first):
                return append
            if len(self._waiting) == 1:
                return None  # half a sample, whose other half may come
            self._drop_first()
        return None

    def _cut(self, speech: bytearray) -> AppendAudio | None:
        length = min(self._append_bytes, len(speech) - len(speech) % SAMPLE_BYTES)
        if not length:
            return None
        pcm = bytes(speech[:length])
        del speech[:length]
        self._speech_bytes -= length
        if not speech:
            self._waiting.popleft()
        return AppendAudio(pcm)

    def _drop_first(self) -> None:
        half = self._waiting.popleft()
        assert isinstance(half, bytearray)
        self._speech_bytes -= len(half)
