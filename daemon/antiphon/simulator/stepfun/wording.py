"""How the service words its events: ids, the fields it forgets, and the shapes of its errors. Pure.

Source: StepFun's realtime API reference for names and fields; what it leaves out at times was seen live.
"""

import random
import uuid
from typing import Any, TypeAlias

from antiphon.simulator.stepfun.grammar import ComplaintError
from antiphon.simulator.stepfun.options import SimulatorOptions

Json: TypeAlias = dict[str, Any]

_FORGETTABLE = ("response_id", "output_index", "content_index")


class Wording:
    """Makes server events for one connection."""

    def __init__(self, options: SimulatorOptions, rng: random.Random) -> None:
        """`rng` fixes ids and omissions."""
        self._absent = options.absent_fields_chance
        self._error_shape = options.error_shape
        self._rng = rng
        self._calls = 0

    def new_id(self) -> str:
        """An id as the service makes them: a UUID, whatever the client proposed."""
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def new_call(self) -> str:
        """The id of a tool call."""
        self._calls += 1
        return f"call_0_{self._calls}"

    def event(self, kind: str, **fields: object) -> Json:
        """One event, every field of it present."""
        return {"event_id": self.new_id(), "type": kind, **fields}

    def loose(self, kind: str, **fields: object) -> Json:
        """One event of a response, from which the service may leave out ids and indices."""
        kept = {
            key: value for key, value in fields.items() if key not in _FORGETTABLE or self._rng.random() >= self._absent
        }
        return self.event(kind, **kept)

    def complaint(self, error: ComplaintError, client_event: str | None) -> Json:
        """The error event that answers a client event."""
        inner: Json = {"type": "invalid_request_error", "message": str(error)}
        if error.code:
            inner["code"] = error.code
        if error.param:
            inner["param"] = error.param
        if client_event is not None:
            inner["event_id"] = client_event
        return self._error(inner)

    def failure(self, message: str) -> Json:
        """The error event for a fault of the service itself."""
        return self._error({"type": "server_error", "message": message})

    def _error(self, inner: Json) -> Json:
        flat = self._error_shape == "flat" or (self._error_shape == "mixed" and self._rng.random() < 0.5)
        return inner if flat else self.event("error", error=inner)
