"""StepFun's services that are asked one question at a time (links chat and cascade): the way to them, and whether they
answer with the owner's key and models.

There is nothing that they answer for free, so each is asked the least: a second of silence, a word, a voice that says
nothing. That costs a thousandth of a cent.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any

from antiphon.checkup.finding import Finding
from antiphon.checkup.network import LIMIT_S, Step, Target, in_order, way_to
from antiphon.errors import LinkError, Lost
from antiphon.links.cascade.stages import CascadePlan, StepFunStages
from antiphon.links.chat import troubles as chat_troubles
from antiphon.links.completions.client import Completions, CompletionsPlan
from antiphon.links.completions.wire import Message, Request
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES
from antiphon.secret import Secret
from antiphon.settings import Settings
from antiphon.speech.service import Patience

ANSWER_S = 15.0
"""A model may think before its first word."""
SILENCE = bytes(LINK_RATE_HZ * SAMPLE_BYTES)
_QUESTION = Request([Message("user", "Say: yes")])


def question_targets(settings: Settings) -> list[Target]:
    """Those that are in use; the proxy before them, where there is one."""
    urls = {"chat": settings.chat.url, "cascade": settings.cascade.url}
    proxy = settings.realtime.proxy
    return [
        Target.of_url(proxy or urls[link], "realtime.proxy" if proxy else f"{link}.url", f"{link} ")
        for link in settings.links
        if link in urls
    ]


def check_questions(
    settings: Settings, key: Secret | None, limit_s: float = LIMIT_S, *, connected: bool = True, call: bool = True
) -> Iterator[Finding]:
    """For each link in use "chat name", "chat port", "chat tls" (where it is used) and "chat model"; of cascade also
    "cascade recognition" and "cascade voice". Not `connected`: nothing beyond this machine is tried; not `call`: there
    is no key.
    """
    for target in question_targets(settings):
        steps = _chat(settings, key) if target.kind == "chat " else _cascade(settings, key)
        asked = steps if call else [(check, _not_asked(check)) for check, _ in steps]
        yield from in_order([*way_to(target, limit_s), *asked], "" if connected or target.is_here else "network")


def _not_asked(check: str) -> Callable[[], Finding]:
    return lambda: Finding(check, "skip", "not tried, without a key")


def _chat(settings: Settings, key: Secret | None) -> list[Step]:
    def ask() -> Finding:
        chat = settings.chat
        model = Completions(CompletionsPlan(chat.url, chat.model, settings.realtime.proxy, chat_troubles.WHERE), key)
        return _tried("chat model", chat.model, model, lambda wait: _first_word(model.ask(_QUESTION, wait)))

    return [("chat model", ask)]


def _cascade(settings: Settings, key: Secret | None) -> list[Step]:
    cascade = settings.cascade
    tries: list[tuple[str, str, Callable[[StepFunStages, Patience], Awaitable[object]]]] = [
        ("cascade recognition", cascade.recognise_model, lambda it, wait: it.recognise(SILENCE, wait)),
        ("cascade model", cascade.chat_model, lambda it, wait: _first_word(it.answer(_QUESTION, wait))),
        ("cascade voice", cascade.speak_model, lambda it, wait: it.speak(_nothing(), lambda _: None, wait)),
    ]

    def step(check: str, model: str, ask: Callable[[StepFunStages, Patience], Awaitable[object]]) -> Step:
        def run() -> Finding:
            stages = _stages(settings, key)
            return _tried(check, model, stages, lambda wait: ask(stages, wait))

        return check, run

    return [step(*one) for one in tries]


def _stages(settings: Settings, key: Secret | None) -> StepFunStages:
    names = CascadePlan.__dataclass_fields__.keys() & type(settings.cascade).model_fields.keys()
    given = {name: getattr(settings.cascade, name) for name in names}
    return StepFunStages(CascadePlan(**given, proxy=settings.realtime.proxy), key)


def _tried(
    check: str, model: str, context: AbstractAsyncContextManager[Any], ask: Callable[[Patience], Awaitable[object]]
) -> Finding:
    try:
        took_s = asyncio.run(_ask(model, context, ask))
    except LinkError as error:
        return Finding.of_problem(check, error.problem())
    return Finding(check, "ok", f"{model} answered in {took_s * 1000:.0f} ms")


async def _ask(
    model: str, context: AbstractAsyncContextManager[Any], ask: Callable[[Patience], Awaitable[object]]
) -> float:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    patience = Patience(began_s + ANSWER_S, ANSWER_S * 1000)
    try:
        async with context, patience:
            await ask(patience)
    except TimeoutError:
        raise patience.met or Lost(f"{model} has not answered within {ANSWER_S:g} s: try again in a while") from None
    return loop.time() - began_s


async def _first_word(answer: AsyncGenerator[Any]) -> None:
    """Whoever says something is there."""
    async with aclosing(answer):
        async for _ in answer:
            return


async def _nothing() -> AsyncIterator[str]:
    """No text to be spoken."""
    texts: tuple[str, ...] = ()
    for text in texts:
        yield text
