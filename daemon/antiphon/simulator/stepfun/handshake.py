"""Who is let in: path, model and key of an upgrade, and the HTTP answers that refuse it. Pure.

Source: StepFun's error table and Step Plan pages; the bodies as they were recorded live.
"""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from antiphon.simulator.stepfun import voices
from antiphon.simulator.stepfun.options import Scope, SimulatorOptions

NORMAL_PATH = "/v1/realtime"
PLAN_PATH = "/step_plan/v1/realtime"

_BODIES = {
    400: ("request_params_invalid", "The model is unknown, or you have no right to it"),
    401: ("invalid_api_key", "Incorrect API key provided"),
    402: ("quota_exceeded", "You exceeded your current quota, please check your plan and billing details"),
    403: ("permission_denied", "You have no right to this"),
    404: ("model_invalid", "The path or the model does not exist"),
    429: ("rate_limited", "Too many connections, please try again later"),
    451: ("censorship_blocked", "The content you provided or machine outputted is blocked."),
    500: ("internal_error", "Internal server error"),
    503: ("engine_overloaded", "The engine is currently overloaded, please try again later"),
    504: ("gateway_timeout", "The service did not answer in time, please try again later"),
}


Service: TypeAlias = Literal["dialogue", "speech", "dictation"]
"""What is spoken over a WebSocket: the realtime dialogue, text to speech, or live speech recognition."""


@dataclass(frozen=True, slots=True)
class Door:
    """What is behind a path."""

    service: Service
    models: frozenset[str]
    """What the query may name; empty where there must be no query."""
    sold: frozenset[str] | None = None
    """The models that a Step Plan pays for; None is the ordinary path, closed to a plan's key."""


DIALOGUE = {
    NORMAL_PATH: Door("dialogue", frozenset(voices.MODELS)),
    PLAN_PATH: Door("dialogue", frozenset(voices.MODELS), voices.PLAN_MODELS),
}
"""Where the realtime dialogue is served."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The upgrade is granted."""

    path: str
    model: str
    service: Service = "dialogue"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The upgrade is answered with this HTTP status."""

    status: int

    @property
    def body(self) -> str:
        """The JSON body: an envelope with message and type, no code."""
        kind, message = _BODIES.get(self.status, ("error", "Refused"))
        return json.dumps({"error": {"message": message, "type": kind}})


def judge(
    target: str, authorization: str | None, options: SimulatorOptions, doors: Mapping[str, Door] = DIALOGUE
) -> Admitted | Refusal:
    """Answer an upgrade of `target` (path and query) with the value of its Authorization header."""
    parts = urlsplit(target)
    door = doors.get(parts.path)
    if door is None:
        return Refusal(404)
    scope = scope_of(authorization, options)
    if isinstance(scope, Refusal):
        return scope
    asked = parse_qsl(parts.query, keep_blank_values=True)
    model = asked[0][1] if asked else ""
    if door.models and ([name for name, _ in asked] != ["model"] or model not in door.models):
        return Refusal(400)
    if parts.query and not door.models:
        return Refusal(400)
    if door.sold is None and scope == "plan":
        return Refusal(402)
    if door.sold is not None and model not in door.sold:
        return Refusal(404)
    return Admitted(parts.path, model, door.service)


def scope_of(authorization: str | None, options: SimulatorOptions) -> Scope | Refusal:
    """What the key of an Authorization header pays from."""
    if authorization is None:
        return Refusal(401) if options.require_key else "normal"
    kind, _, key = authorization.partition(" ")
    if kind != "Bearer" or not key.strip():
        return Refusal(400)
    return options.keys.get(key.strip(), Refusal(401))


class Turnstile:
    """Counts upgrades within a sliding window of time."""

    def __init__(self, most: int, window_s: float) -> None:
        """`most` 0 is no limit."""
        self._most = most
        self._window_s = window_s
        self._times: deque[float] = deque()

    def admits(self, now: float) -> bool:
        """Count one more upgrade; False when it is one too many."""
        while self._times and now - self._times[0] > self._window_s:
            self._times.popleft()
        self._times.append(now)
        return not self._most or len(self._times) <= self._most
