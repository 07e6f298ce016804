"""The three services as scripts, step by step: what each says, what it waits for, and how it was left."""

import asyncio
import contextlib
from dataclasses import dataclass, field

from antiphon.conversation.events import LinkClosed, LinkOpened
from antiphon.links.cascade.link import CascadeLink
from antiphon.links.cascade.stages import CascadePlan
from antiphon.links.completions.wire import Said
from antiphon.ports import ToolSpec

PLAN = CascadePlan(
    url="http://127.0.0.1:1/v1",
    recognise_model="hears",
    language="",
    hotwords=(),
    chat_model="thinks",
    instructions="Be brief.",
    speak_model="speaks",
    voice="a-voice",
    instruction="",
    speed=1.0,
    first_sound_ms=20_000,
    gap_ms=20_000,
)
LAMP = ToolSpec("lamp", "Light", {"type": "object"})
SPEECH = b"\x01\x02" * 2400
LETTER = b"\x03\x04" * 2400
"""So much sound a letter makes: 100 ms."""


class Gate:
    """A step that waits until the test opens it."""

    def __init__(self):
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self):
        self.reached.set()
        await self.opened.wait()

    def open(self):
        self.opened.set()


async def step(one):
    """An error is raised, a gate waited at; what is left is said."""
    if isinstance(one, Exception):
        raise one
    if callable(one):
        await one()
        return None
    return one


@dataclass
class Scripted:
    """A Stages. Each list is one of scripts, one for each time that it is asked; the last of them for all others."""

    hears: list = field(default_factory=lambda: ["Hello?"])
    """Steps before the text, and the text."""
    writes: list = field(default_factory=lambda: [["Hi. ", "Bye."]])
    speaks: list = field(default_factory=lambda: [[]])
    """Steps before the sound of each text; then its sound is LETTER for each character of it."""
    host: str = "there"
    dialling: bool = False
    speech: list = field(default_factory=list)
    """What was to be recognised."""
    requests: list = field(default_factory=list)
    texts: list = field(default_factory=list)
    """What was spoken, each with the place in the log."""
    log: list = field(default_factory=list)
    """What happened, in order."""

    @contextlib.contextmanager
    def _being(self, stage):
        self.log.append(f"{stage} begins")
        try:
            yield
        except asyncio.CancelledError:
            self.log.append(f"{stage} is cancelled")
            raise
        self.log.append(f"{stage} ends")

    async def recognise(self, pcm, patience):
        self.speech.append(pcm)
        script = self.hears[min(len(self.speech), len(self.hears)) - 1]
        with self._being("recognise"):
            for one in script if isinstance(script, list) else [script]:
                if (said := await step(one)) is not None:
                    patience.progress()
                    return said
        return ""

    async def answer(self, request, patience):
        self.requests.append(request)
        try:
            with self._being("answer"):
                for one in self.writes[min(len(self.requests), len(self.writes)) - 1]:
                    said = await step(one)
                    if said is not None:
                        patience.progress()
                        said = said if isinstance(said, Said) else Said(said)
                        self.log.append(f"writes {said.text}" if said.text else "writes no more")
                        yield said
                        await asyncio.sleep(0)
        except GeneratorExit:
            self.log.append("answer is left")
            raise

    async def speak(self, texts, hear, patience):
        with self._being("speak"):
            script = iter(self.speaks[min(max(1, len(self.requests)), len(self.speaks)) - 1])
            async for line in texts:
                assert line.endswith("\n"), "it would wait for more"
                text = line.rstrip("\n")
                self.texts.append(text)
                self.log.append(f"speaks {text}")
                one = next(script, None)
                if one is not None:
                    await step(one)
                patience.progress()
                for _ in text:
                    hear(LETTER)
                self.log.append(f"spoke {text}")


class Inbox:
    """What the link tells."""

    def __init__(self, log):
        self.events = []
        self._log = log
        self._changed = asyncio.Event()

    def __call__(self, event):
        self.events.append(event)
        self._log.append(type(event).__name__)
        self._changed.set()

    def of(self, *kinds):
        return [event for event in self.events if isinstance(event, kinds)]

    async def until(self, *kinds, count=1):
        """Until so many of one of these have been told."""
        while len(self.of(*kinds)) < count:
            self._changed.clear()
            await self._changed.wait()
        return self.of(*kinds)[-1]

    @property
    def names(self):
        """The kinds of events in order, each once where several follow each other."""
        kinds = [type(event).__name__ for event in self.events]
        return [kind for before, kind in zip(["", *kinds], kinds, strict=False) if kind != before]


@contextlib.asynccontextmanager
async def calling(stages, history=(), plan=PLAN, tools=(), *, trial=False):
    """A call on these services; at the end it is closed, and has told so."""

    @contextlib.asynccontextmanager
    async def opening():
        yield stages

    inbox = Inbox(stages.log)
    link = CascadeLink(plan, opening, tools, 7, history, inbox, trial=trial)
    async with asyncio.TaskGroup() as group:
        group.create_task(link.run())
        await inbox.until(LinkOpened, LinkClosed)
        try:
            yield link, inbox
        finally:
            link.close()


async def until(fact):
    """Until `fact()` holds; for what nobody tells."""
    while not fact():  # noqa: ASYNC110 - a private fact has no event to wait for
        await asyncio.sleep(0)


def play(scene):
    """Run a scene, in bounded time."""
    return asyncio.run(asyncio.wait_for(scene, 30))
