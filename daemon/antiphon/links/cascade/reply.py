"""What comes of one exchange, as events of the call and as memory; until it is hushed, and then nothing more."""

from collections.abc import Callable, Sequence

from antiphon.conversation.events import LinkEvent, ReplyAudio, ReplyText, ToolCalled, UserSaid
from antiphon.links.completions.memory import Memory
from antiphon.links.completions.wire import Request, ToolCall
from antiphon.pcm import bytes_ms
from antiphon.ports import LinkCounters, ToolSpec


class Reply:
    """An exchange's Listener. `name` is the reply's in events, and the turn's that it answers."""

    def __init__(
        self, call: int, name: str, memory: Memory, counters: LinkCounters, tell: Callable[[LinkEvent], None]
    ) -> None:
        self.name = name
        self.length_ms = 0.0
        """How much sound was told."""
        self.hushed = False
        """Nobody wants more of it."""
        self._call, self._memory, self._counters, self._post = call, memory, counters, tell

    def question(self, tools: Sequence[ToolSpec]) -> Request:
        """What is asked now: all that there is, and what was just heard."""
        request = Request(self._memory.messages(), tools=tools)
        self._memory.began(self.name)
        return request

    def heard(self, text: str) -> None:
        """See Listener."""
        if not self.hushed:
            self._memory.heard(text)
            self._post(UserSaid(self._call, self.name, text))

    def wrote(self, text: str) -> None:
        """See Listener."""
        if not self.hushed:
            self._memory.said(self.name, text)
            self._post(ReplyText(self._call, self.name, text))

    def sounds(self, pcm: bytes) -> None:
        """See Listener."""
        if not self.hushed:
            self._counters.received += 1
            self.length_ms += bytes_ms(pcm)
            self._memory.sounded(self.name, self.length_ms)
            self._post(ReplyAudio(self._call, self.name, pcm))

    def calls(self, calls: tuple[ToolCall, ...]) -> None:
        """See Listener."""
        if not self.hushed:
            self._memory.called(self.name, calls)
            for call in calls:
                self._post(ToolCalled(self._call, self.name, call.id, call.name, call.arguments))
