"""The scripted tools and timers do what their ports promise."""

import asyncio

from antiphon.conversation.events import ToolAnswered
from antiphon.tools.fake import FakeTimers, FakeTools


def test_what_is_scripted_is_answered_and_all_else_fails():
    tools, posted = FakeTools({"lights": "on"}), []
    asyncio.run(tools.run(posted.append))
    asyncio.run(tools.call(1, "lights", "{}", posted.append))
    asyncio.run(tools.call(2, "oven", "{}", posted.append))
    assert posted == [ToolAnswered(1, "on"), ToolAnswered(2, "there is none", failed=True)]
    assert tools.called == [("lights", "{}"), ("oven", "{}")]
    assert [spec.name for spec in tools.specs()] == ["lights"]


def test_timers_that_never_run_out():
    timers = FakeTimers()
    timers.set(60, "tea")
    timers.set(30, "")
    assert [one.timer for one in timers.list()] == [2, 1]
    assert timers.cancel(1)
    assert not timers.cancel(1)
