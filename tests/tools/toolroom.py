"""What tests of tools share: a log that is a list, and a host that is asked and answers."""

import asyncio
import json
from contextlib import asynccontextmanager

from antiphon.conversation.events import ToolAnswered
from antiphon.ports import ToolSpec
from antiphon.tools.host import ToolHost
from antiphon.tools.tool import Tool, schema

BOUND_S = 30


class Lines(list):
    def write(self, level, what, **fields) -> None:
        self.append((level, what, fields))

    def named(self, what):
        return [fields for _, one, fields in self if one == what]


def tool(name, run, parameters=None, secret=()):
    return Tool(ToolSpec(name, "does it", parameters or schema({})), run, frozenset(secret))


class Room:
    """A host and its log; `ask` is what the mind does."""

    def __init__(self, own=(), boxes=(), limit_ms=20_000):
        self.log = Lines()
        self.posted = []
        self.host = ToolHost(own, self.log, limit_ms, boxes)

    async def ask(self, name, /, **arguments):
        """What the tool says: plain values, and whether it failed."""
        return await self.ask_text(name, json.dumps(arguments))

    async def ask_text(self, name, text):
        answers = []
        async with asyncio.timeout(BOUND_S):
            await self.host.call(7, name, text, answers.append)
        (answer,) = answers
        assert isinstance(answer, ToolAnswered)
        assert answer.run == 7
        try:
            return json.loads(answer.output), answer.failed
        except ValueError:
            return answer.output, answer.failed

    @asynccontextmanager
    async def running(self):
        async with asyncio.timeout(BOUND_S), asyncio.TaskGroup() as group:
            task = group.create_task(self.host.run(self.posted.append))
            yield self
            task.cancel()
