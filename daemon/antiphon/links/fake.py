"""A Link with no service behind it: it plays a script, and keeps what it was given. For tests, and to try the shell.

A script is a sequence of steps: events to post (written with call 0; the call's own number is put in), and waits.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from antiphon.conversation.effects import ToolOutput
from antiphon.conversation.events import (
    LinkAlive,
    LinkClosed,
    LinkEvent,
    LinkOpened,
    ReplyAudio,
    ReplyEnded,
    ReplyStarted,
    ReplyText,
    SpeechStarted,
    SpeechStopped,
    UserSaid,
)
from antiphon.conversation.history import Turn
from antiphon.links.life import Life
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, ms_of
from antiphon.ports import LinkCounters, Post


@dataclass(frozen=True, slots=True)
class AfterAudio:
    """Wait until this much speech has been sent on the call, in all."""

    ms: float


@dataclass(frozen=True, slots=True)
class AfterCommits:
    """Wait until the turn has been committed this many times, in all."""

    count: int = 1


@dataclass(frozen=True, slots=True)
class AfterCancels:
    """Wait until this many replies have been cancelled, in all."""

    count: int = 1


Step: TypeAlias = LinkEvent | AfterAudio | AfterCommits | AfterCancels
Script: TypeAlias = Sequence[Step]


def one_turn(reply_pcm: bytes, *, speech_ms: float = 500, reply: str = "reply") -> Script:
    """A call that answers the first `speech_ms` of speech with `reply_pcm`, as a service that finds the turns does."""
    return (
        LinkOpened(0),
        AfterAudio(speech_ms / 2),
        SpeechStarted(0),
        AfterAudio(speech_ms),
        SpeechStopped(0),
        UserSaid(0, "turn", ""),
        ReplyStarted(0, reply),
        ReplyText(0, reply, "Here I am."),
        ReplyAudio(0, reply, reply_pcm),
        ReplyEnded(0, reply, "completed"),
        UserSaid(0, "turn", "Are you there?"),
    )


class FakeLink:
    """One scripted call; see ports.Link. Ends with the script's LinkClosed, or, when that has none, at `close`."""

    def __init__(self, script: Script, call: int, history: Sequence[Turn], post: Post) -> None:
        self.call = call
        self.counters = LinkCounters()
        self.history = tuple(history)
        self.trial = False
        self.heard = bytearray()
        """All speech that was sent, mono s16le 24 kHz."""
        self.commits = 0
        self.checks = 0
        self.cancelled: list[tuple[str, float]] = []
        """(reply, heard_ms), in order."""
        self.outputs: list[tuple[tuple[ToolOutput, ...], bool]] = []
        """(what came of tools, whether that is to be answered), in order."""
        self._script = script
        self._life = Life(call, post)
        self._given = asyncio.Event()

    async def run(self) -> None:
        """Play the script; see ports.Link.run."""
        await self._life.run(self._play)

    async def _play(self) -> None:
        for step in self._script:
            if isinstance(step, LinkClosed):
                self._life.end(step.problem)
            elif isinstance(step, AfterAudio | AfterCommits | AfterCancels):
                while not self._has_come(step):
                    self._given.clear()
                    await self._given.wait()
            else:
                self._life.tell(replace(step, call=self.call))

    def _has_come(self, step: AfterAudio | AfterCommits | AfterCancels) -> bool:
        match step:
            case AfterAudio(ms):
                return ms_of(len(self.heard) // SAMPLE_BYTES, LINK_RATE_HZ) >= ms
            case AfterCommits(count):
                return self.commits >= count
            case AfterCancels(count):
                return len(self.cancelled) >= count

    def send_audio(self, pcm: bytes) -> None:
        """Keep speech."""
        if not self._life.over:
            self.heard += pcm
            self._given.set()

    def commit_turn(self) -> None:
        """Count a turn."""
        self.commits += 1
        self._given.set()

    def cancel_reply(self, reply: str, heard_ms: float) -> None:
        """Keep what was cancelled."""
        self.cancelled.append((reply, heard_ms))
        self._given.set()

    def give_tool_outputs(self, outputs: Sequence[ToolOutput], *, respond: bool) -> None:
        """Keep what came of tools."""
        self.outputs.append((tuple(outputs), respond))

    def check(self) -> None:
        """Count, and show life unless the script ends it."""
        self.checks += 1
        self._life.tell(LinkAlive(self.call))

    def close(self) -> None:
        """End the call without a problem."""
        self._life.end(None)


class FakeLinks:
    """A LinkMaker: each call plays the next script, and further calls the last one."""

    def __init__(self, *scripts: Script) -> None:
        self.made: list[FakeLink] = []
        self._scripts = scripts

    def __call__(self, call: int, history: Sequence[Turn], post: Post, *, trial: bool) -> FakeLink:
        """The next call; a trial is noted, and plays the script like any other."""
        script = self._scripts[min(len(self.made), len(self._scripts) - 1)]
        link = FakeLink(script, call, history, post)
        link.trial = trial
        self.made.append(link)
        return link
