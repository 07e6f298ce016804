"""The calls of tools in one reply, put together from what the service says of them. Pure.

Each field may be left out of each event, and events may be lost: the name is perhaps only where the item was added, the
arguments come in pieces and whole. The whole counts where it came.
"""

from dataclasses import dataclass

from antiphon.links.realtime import messages as m

MOST = 64
"""Of one reply; more are let go."""
MOST_CHARACTERS = 65_536
"""Of the arguments of one call, in pieces; what is beyond is let go, so that no service can fill our memory."""


@dataclass(slots=True)
class Call:
    """A tool that the model calls: the service's id of that, its name, its arguments as JSON."""

    item: str = ""
    id: str = ""
    name: str = ""
    pieces: str = ""
    whole: str | None = None
    told: bool = False

    @property
    def arguments(self) -> str:
        """Nothing is an object without anything in it."""
        return (self.pieces if self.whole is None else self.whole) or "{}"


class ToolCalls:
    """Of one reply."""

    def __init__(self) -> None:
        self._calls: list[Call] = []

    def item(self, item: m.Item, *, done: bool) -> None:
        """The service has added, or finished, an item that calls a tool."""
        call = self._of(item.id, item.call_id)
        if call is not None:
            call.name = call.name or item.name
            if done and item.arguments:
                call.whole = item.arguments

    def piece(self, said: m.ToolCall) -> None:
        """A piece of the arguments of a call, or all of them."""
        call = self._of(said.item, said.call_id)
        if call is None:
            return
        call.name = call.name or said.name
        if said.done:
            call.whole = said.arguments or call.whole or call.pieces
        else:
            call.pieces = (call.pieces + said.arguments)[:MOST_CHARACTERS]

    def ready(self, *, over: bool) -> list[Call]:
        """Those that can be told now, and were not before; with `over` no more will be known of any."""
        ready = [one for one in self._calls if one.id and not one.told and (over or (one.name and one.whole))]
        for one in ready:
            one.told = True
        return ready

    def _of(self, item: str, call_id: str) -> Call | None:
        """The call that is meant; a new one if need be. Who names none means the last."""
        for one in self._calls:
            if (call_id and one.id == call_id) or (item and one.item == item and not (call_id and one.id)):
                one.id, one.item = one.id or call_id, one.item or item
                return one
        if not (item or call_id) and self._calls:
            return self._calls[-1]
        if len(self._calls) >= MOST:
            return None
        self._calls.append(Call(item, call_id))
        return self._calls[-1]
