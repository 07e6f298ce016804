"""What StepFun's services mean by a status or an error of their own, as sentences: whose fault, what to do next. Pure.

The one table for every service, HTTP and WebSocket; whoever asks says by `Where` which settings to name. Sources:
StepFun's error code page, and its Step Plan pages for the two families of addresses.
"""

import json
from dataclasses import dataclass
from typing import Final, NamedTuple

from antiphon import reasons
from antiphon.errors import Barred, Blocked, Garbled, LinkError, Lost, Refused

MAX_SAID: Final = 200
"""Characters of what the service says about a failure."""


class Busy(Lost):
    """The service is there, and cannot answer now (429, 5xx): it may be asked again."""


@dataclass(frozen=True, slots=True)
class Where:
    """The settings that a service's errors name, and what that service is for."""

    url: str = "speech.url"
    model: str = "speech.model"
    voice: str = "speech.voice"
    """"" where nothing is spoken."""
    given: str = "the text"
    """What it is asked with, as in "does not accept the text"."""
    answer: str = "speech"
    """What it answers with."""
    rules: str = "put it in other words"
    """What to do about what is against the content rules."""
    tail: str = ""
    """What the address in the setting has after /v1."""
    models: str = ""
    """Which models do it, as "for files it is stepaudio-2.5-asr"."""
    example: str = "https://api.stepfun.com/v1"
    on_plan: bool = True
    """Whether the Step Plan sells it at all."""
    instruction: str = "speech.instruction"

    def suspects(self) -> str:
        """What may be wrong where `given` is not accepted, in words."""
        return f"{self.model} and {self.voice}" if self.voice else f"{self.given} itself and {self.model}"

    def paths(self) -> str:
        """The two families of addresses, in words."""
        return (
            f"a Step Plan key needs {self.url} with /step_plan/v1{self.tail}, a pay-as-you-go key /v1{self.tail}"
            if self.on_plan
            else f"it needs {self.url} with /v1{self.tail}, and a pay-as-you-go key"
        )


class Envelope(NamedTuple):
    """The error {"error": {"message": …, "type": …}} of a body; "" for what is not there."""

    message: str
    kind: str


def envelope(body: bytes) -> Envelope:
    """Of any body at all; both in one printable line."""
    try:
        error = json.loads(body)["error"]
        message, kind = error.get("message"), error.get("type")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Envelope("", "")
    return Envelope(one_line(message), one_line(kind))


def one_line(text: object) -> str:
    """What a service says, fit for the end of a sentence; "" for what is no text."""
    if not isinstance(text, str):
        return ""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(line) <= MAX_SAID:
        return line
    return line[: line.rfind(" ", 0, MAX_SAID - 3) + 1] + "..."  # between words: half a key is not known for a key


def explain_status(status: int, body: bytes, host: str, where: Where, path: str = "") -> LinkError:
    """A request that was answered by anything but what is wanted. Of `body` its beginning; `path` is the address's."""
    told = envelope(body)
    why = f" ({told.message})" if told.message else ""
    plan = "/step_plan/" in path
    refused = status in (400, 401, 402, 403, 404)
    if refused and plan and host.endswith("stepfun.ai"):
        return Barred(
            f"{host} has no Step Plan ({status}): put the host api.stepfun.com into {where.url}, where the plan is, "
            f"or use /v1{where.tail} with a key of this site{why}"
        )
    if is_blocked(told) or status == 451:
        return Blocked(f"{host} refused for its content rules ({status}): {where.rules}{why}")
    if refused and plan and not where.on_plan:
        return Barred(f"{host} does not sell this on the Step Plan ({status}): {where.paths()}{why}")
    if refused:
        barred = status != 400 or told.kind in ("quota_exceeded", "invalid_api_key") or is_about_the_model(told)
        return (Barred if barred else Refused)(_refusal(status, told, host, where) + why)
    if status == 413:
        return Refused(f"{host} takes no more at once (413): give it less, in parts{why}")
    if status == 429:
        return Busy(f"{host} has had too many requests (429): wait a moment, then try it again{why}")
    if status == 503:
        return Busy(f"{host} is overloaded (503): try it again later{why}")
    if status >= 500:
        return Busy(f"{host} is in trouble itself ({status}): try it again later{why}")
    if 300 <= status < 400:
        return Barred(f"{host} sends us to another address ({status}): put the right one into {where.url}")
    if is_page(body):
        return reasons.web_page(host, status, where.url)
    if 200 <= status < 300:
        return Garbled(f"{host} does not answer with {where.answer} ({status}): check {where.url}{why}")
    return Refused(f"{host} refused the request ({status}): check {where.url}{why}")


def _refusal(status: int, told: Envelope, host: str, where: Where) -> str:
    if status == 402 or told.kind == "quota_exceeded":
        return f"{host} says the balance is used up ({status}): top it up, or mend the address, as {where.paths()}"
    if status == 401 or told.kind == "invalid_api_key":
        return (
            f"{host} does not know the API key ({status}): check it, and that it was made on the same site, as keys "
            "of stepfun.com and of stepfun.ai do not work on the other"
        )
    if status == 403:
        return (
            f"{host} does not let this API key in (403): check the key's rights, and that it was made on the same site"
        )
    if status == 404:
        return f"{host} has no such service or model (404): check {where.url} and {_model(where)}, as {where.paths()}"
    if is_about_the_model(told):
        return f"{host} has no such model here ({status}): check {_model(where)}, as {where.paths()}"
    return f"{host} does not accept {where.given} (400): check {where.suspects()}"


def _model(where: Where) -> str:
    return f"{where.model} ({where.models})" if where.models else where.model


def explain_event(message: object, host: str, where: Where, kind: object = "", code: object = "") -> LinkError:
    """An error that comes in the middle of an answer that began well: its message, and type and code where it has
    them.
    """
    told = Envelope(one_line(message), f"{one_line(kind)} {one_line(code)}".strip())
    why = f" ({told.message or told.kind})" if told.message or told.kind else ""
    if is_blocked(told):
        return Blocked(f"{host} refused for its content rules: {where.rules}{why}")
    if told.kind.startswith("quota_exceeded") or "exceeded your current quota" in told.message:
        return Barred(f"{host} says the balance is used up: top it up, or mend the address, as {where.paths()}{why}")
    if is_about_the_model(told):
        return Barred(f"{host} has no such model here: check {_model(where)}, as {where.paths()}{why}")
    if "timeout" in told.kind:
        return Lost(f"{host} waited too long for us: try it again{why}")
    if "invalid" in told.kind or "missing" in told.kind:
        return Refused(f"{host} does not accept {where.given}: check {where.suspects()}{why}")
    if "overloaded" in told.message.lower():
        return Lost(f"{host} is overloaded: try it again later{why}")
    return Lost(f"{host} failed in the middle of its answer: try it again{why}")


def is_blocked(told: Envelope) -> bool:
    """Whether it is moderation: censorship_blocked and its like, a type or code "risk…", or so in words."""
    kinds, words = told.kind.lower().split(), told.message.lower()
    return (
        any(kind.startswith(("censorship_block", "risk", "content_filter")) for kind in kinds)
        or "censorship_block" in words
        or "content_filter" in words
        or "risk_blocked" in words
        or ("content" in words and ("blocked" in words or "risk" in words))
    )


def is_about_the_model(told: Envelope) -> bool:
    """Whether a model is unknown, not of this endpoint, or not to be had with this key."""
    words = told.message.lower()
    marks = ("not support", "not found", "not exist", "unknown", "no right", "no access")
    return told.kind.startswith("model_invalid") or ("model" in words and any(mark in words for mark in marks))


def is_page(body: bytes) -> bool:
    """Whether it begins as a web page does."""
    return body.lstrip().lower().startswith((b"<!doctype html", b"<html"))
