"""What the judges of all HTTP services share: keys, paths, JSON of an exact shape, and the answer that refuses. Pure.

Source: StepFun's error table and Step Plan pages.
"""

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from antiphon.simulator.stepfun.handshake import Refusal, scope_of
from antiphon.simulator.stepfun.options import SimulatorOptions

NORMAL = "/v1"
PLAN = "/step_plan/v1"


class WrongError(Exception):
    """Says what is wrong with a request, in the service's words."""


@dataclass(frozen=True, slots=True)
class Denial:
    """The request is answered with this HTTP status and sentence."""

    status: int
    message: str
    kind: str = "request_params_invalid"

    @property
    def body(self) -> str:
        """The JSON body: an envelope with message and type."""
        return json.dumps({"error": {"message": self.message, "type": self.kind}})


def entry(path: str, authorization: str | None, options: SimulatorOptions) -> Refusal | None:
    """Who may not come in: without a key, with a wrong one, or with a plan's key on a path that no plan pays."""
    scope = scope_of(authorization, options)
    if isinstance(scope, Refusal):
        return scope
    return Refusal(402) if scope == "plan" and not on_plan(path) else None


def on_plan(path: str) -> bool:
    """True for a path of the Step Plan."""
    return path.startswith(f"{PLAN}/")


def blocked(options: SimulatorOptions, *texts: str) -> bool:
    """True when moderation lets one of the texts not pass."""
    return any(word in text for word in options.blocked for text in texts)


def fields(body: bytes) -> dict[str, Any]:
    """The JSON object that `body` is. Raises WrongError, for a key that comes twice too."""
    try:
        asked = json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise WrongError("the body is not a JSON object") from error
    if not isinstance(asked, dict):
        raise WrongError("the body is not a JSON object")
    return asked


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a key comes twice")
    return dict(pairs)


def shaped(value: object, where: str, needed: str, may: str = "") -> Mapping[str, Any]:
    """`value` as an object that has the fields `needed` and no others than these and `may`. Raises WrongError."""
    if not isinstance(value, dict):
        raise WrongError(f"{where} is not an object")
    must = needed.split()
    for name in must:
        if name not in value:
            raise WrongError(f"{where}.{name} is required".removeprefix("body."))
    for name in value:
        if name not in must and name not in may.split():
            raise WrongError(f"{where}.{name} is not valid".removeprefix("body."))
    return value


def known(value: object, names: Container[str]) -> TypeGuard[str]:
    """True for a text that is one of the names."""
    return isinstance(value, str) and value in names


def text(value: object, where: str, most: int | None = None) -> str:
    """`value` as a text with something in it, of `most` characters. Raises WrongError."""
    if not isinstance(value, str) or not value.strip():
        raise WrongError(f"{where} is not a text")
    if most is not None and len(value) > most:
        raise WrongError(f"{where} is longer than {most} characters")
    return value


def flag(value: object, where: str) -> bool:
    """`value` as true or false. Raises WrongError."""
    if not isinstance(value, bool):
        raise WrongError(f"{where} is not true or false")
    return value


def whole(value: object, where: str, least: int = 1) -> int:
    """`value` as a whole number from `least`. Raises WrongError."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise WrongError(f"{where} is not a whole number from {least}")
    return value
