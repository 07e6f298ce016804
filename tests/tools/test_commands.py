"""Programs that the owner has named, and what a model may try with them."""

import asyncio
import os
import sys
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.settings.patterns import LONGEST_TEXT
from antiphon.tools.commands import (
    FLOOD_BYTES,
    MOST_BYTES,
    ArgumentPlan,
    CommandPlan,
    _Process,
    command_tools,
    execute,
    filled_in,
)
from antiphon.tools.tool import ToolFault
from tools.toolroom import Room

ECHO = ("/usr/bin/printf", "%s|", "{room}", "--level={level}")
ROOM = ArgumentPlan("room", "[a-z -]{1,20}", "the room", secret=False)
LEVEL = ArgumentPlan("level", r"\d{1,3}", "", secret=True)


def command(argv=ECHO, arguments=(ROOM, LEVEL), limit_ms=20_000):
    return CommandPlan("lights", "Switch the lights.", argv, arguments, limit_ms)


def python(script, **options):
    return command((sys.executable, "-c", script), (), **options)


def room_with(plan, environment=os.environ):
    return Room(command_tools([plan], environment))


def test_a_command_is_a_tool_of_its_own():
    async def main():
        room = room_with(command())
        (spec,) = room.host.specs()
        assert (spec.name, spec.description) == ("run_lights", "Switch the lights.")
        assert spec.parameters["required"] == ["room", "level"]
        said = await room.ask("run_lights", room="hall", level="40")
        assert said == ({"ok": True, "output": "hall|--level=40|"}, False)
        assert room.log.named("tool-values") == [{"tool": "run_lights", "values": "room=hall, level=***"}]

    asyncio.run(main())


@pytest.mark.parametrize(
    "value",
    ["hall; rm -rf /", "$(reboot)", "`reboot`", "a|b", "hall\n", "\x00", "HALL", "", "é", "a" * 21, "../etc", "{level}",
     "-rf", "--help"],
)  # fmt: skip
def test_what_tries_to_escape_is_refused_and_nothing_is_run(value, tmp_path):
    async def main():
        trace = tmp_path / "trace"
        plan = command(("/usr/bin/touch", str(trace), "{room}"), (ROOM,))
        output, failed = await room_with(plan).ask("run_lights", room=value)
        assert failed
        assert "nothing was run" in output["error"]
        assert not trace.exists()

    asyncio.run(main())


PATTERNS = ["[^;]*", ".*", r"[\w \-]+", "(?i)[a-z]+", "-?[0-9]+", "[-a-z]+"]


@settings(deadline=None, max_examples=500)
@given(st.text(max_size=LONGEST_TEXT + 5), st.sampled_from(PATTERNS))
def test_whatever_it_is_it_stays_one_argument_and_begins_no_option(value, pattern):
    plan = command(("/bin/x", "{room}", "fixed", "--to={room}"), (ArgumentPlan("room", pattern, "", secret=False),))
    try:
        argv = filled_in(plan, {"room": value})
    except ToolFault:
        return
    assert argv == ["/bin/x", value, "fixed", f"--to={value}"]
    assert value.isprintable()
    assert not value.startswith("-") or pattern.startswith(("-", "[-"))


def test_a_value_is_never_filled_in_itself():
    anything = (ArgumentPlan("room", ".*", "", secret=False), ArgumentPlan("level", ".*", "", secret=True))
    plan = command(("/bin/x", "{room}", "{level}", "{other}"), anything)
    assert filled_in(plan, {"room": "{level}", "level": "{room}"}) == ["/bin/x", "{level}", "{room}", "{other}"]


def test_an_empty_value_makes_no_way_for_an_option():
    parts = (ArgumentPlan("room", ".*", "", secret=False), ArgumentPlan("level", ".*", "", secret=False))
    plan = command(("/bin/x", "{room}{level}"), parts)
    assert filled_in(plan, {"room": "a", "level": "-rf"}) == ["/bin/x", "a-rf"]
    with pytest.raises(ToolFault, match="level begins with -"):
        filled_in(plan, {"room": "", "level": "-rf"})


@pytest.mark.parametrize(
    ("pattern", "value"), [(r"\d{1,3}", "٤٠"), (r"\w+", "٤"), ("(?i)[a-z]+", "\u017f"), ("(?i)k", "\u212a")]
)
def test_a_class_holds_no_more_than_it_says(pattern, value):
    plan = command(("/bin/x", "{room}"), (ArgumentPlan("room", pattern, "", secret=False),))
    with pytest.raises(ToolFault, match="nothing was run"):
        filled_in(plan, {"room": value})


def test_letters_of_a_class_that_names_them_are_taken():
    plan = command(("/bin/x", "{room}"), (ArgumentPlan("room", "[a-zäöü]+|客厅", "", secret=False),))
    assert filled_in(plan, {"room": "küche"}) == ["/bin/x", "küche"]
    assert filled_in(plan, {"room": "客厅"}) == ["/bin/x", "客厅"]


def test_a_pattern_may_allow_a_sign():
    plan = command(("/bin/x", "{room}"), (ArgumentPlan("room", "-?[0-9]+", "", secret=False),))
    assert filled_in(plan, {"room": "-5"}) == ["/bin/x", "-5"]


def test_a_program_gets_no_key_no_input_and_no_place():
    async def main():
        script = "import os, sys; print(sorted(os.environ), repr(sys.stdin.read()), os.getcwd())"
        environment = dict(os.environ) | {"STEPFUN_API_KEY": "sk-1", "CREDENTIALS_DIRECTORY": "/run/c", "TZ": "UTC"}
        output = (await room_with(python(script), environment).ask("run_lights"))[0]["output"]
        assert "STEPFUN" not in output
        assert "CREDENTIALS" not in output
        assert "'TZ'" in output
        assert output.endswith("'' /")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import sys; print('first\\nno lamp', file=sys.stderr); sys.exit(3)", "it failed with status 3: no lamp"),
        ("import sys; sys.exit(1)", "it failed with status 1"),
        ("import os; os.kill(os.getpid(), 15)", "it was ended by signal 15"),
        ("import sys; sys.stderr.write('x' * 99999 + '\\nlast\\n'); sys.exit(2)", "it failed with status 2: last"),
    ],
)  # fmt: skip
def test_a_program_that_fails_says_why(script, words):
    async def main():
        room = room_with(python(script))
        assert await room.ask("run_lights") == ({"error": words}, True)
        assert "lamp" not in str(room.log)  # the program's words may repeat what it was given

    asyncio.run(main())


@pytest.mark.parametrize("program", ["/no/such/program", "/etc/passwd", "no-such-program"])
def test_a_program_that_is_not_there_is_told(program):
    async def main():
        output, failed = await room_with(command((program,), ())).ask("run_lights")
        assert failed
        assert output["error"].startswith(f"the program {program} cannot be started (")

    asyncio.run(main())


def test_a_program_is_found_by_its_name():
    async def main():
        assert (await room_with(command(("printf", "hi"), ())).ask("run_lights"))[0]["output"] == "hi"

    asyncio.run(main())


def test_one_that_takes_too_long_ends_with_all_its_children(tmp_path):
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)

    async def main():
        reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        script = f"""
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"],
                 stdout=open({str(fifo)!r}, "w"))
time.sleep(600)
"""
        room = room_with(python(script, limit_ms=1000))
        assert await room.ask("run_lights") == ({"error": "it took longer than 1 s, and was ended"}, True)
        async with asyncio.timeout(30):  # the end of file: nobody holds it open any more
            while True:
                with suppress(BlockingIOError):
                    assert os.read(reading, 1) == b""
                    break
                await asyncio.sleep(0.01)
        os.close(reading)

    asyncio.run(main())


def test_a_child_that_does_not_want_to_end_ends_though_its_parent_went_at_once(tmp_path):
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)

    async def main():
        reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(600)"
        script = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {stubborn!r}], stdout=subprocess.PIPE, stderr=open({str(fifo)!r}, "w"))
child.stdout.readline()
time.sleep(600)
"""
        room = room_with(python(script, limit_ms=1500))
        assert (await room.ask("run_lights"))[1]
        async with asyncio.timeout(30):
            while True:
                with suppress(BlockingIOError):
                    assert os.read(reading, 1) == b""
                    break
                await asyncio.sleep(0.01)
        os.close(reading)

    asyncio.run(main())


def test_one_that_writes_without_an_end_is_ended():
    async def main():
        output, failed = await room_with(command(("yes",), ())).ask("run_lights")
        assert failed
        assert output == {"error": f"it has written more than {FLOOD_BYTES} bytes, and was ended"}

    asyncio.run(main())


def test_one_that_leaves_a_child_behind_is_not_waited_for():
    async def main():
        script = "import subprocess; subprocess.Popen(['sleep', '5']); print('done')"
        assert (await room_with(python(script)).ask("run_lights"))[0] == {"ok": True, "output": "done"}

    asyncio.run(main())


def test_what_says_too_much_is_cut():
    async def main():
        output = (await execute([sys.executable, "-c", "print('x' * 1000000)"], {}, 20))["output"]
        assert output == "x" * MOST_BYTES

    asyncio.run(main())


def test_of_errors_the_end_is_kept_however_it_comes():
    async def main():
        process = _Process()
        for data in (b"x\n" * (MOST_BYTES // 2 - 1), b"broken"):
            process.pipe_data_received(2, data)
        assert process.said[2].endswith(b"x\nbroken")
        assert len(process.said[2]) == MOST_BYTES

    asyncio.run(main())


def test_one_that_is_given_up_ends():
    async def main():
        task = asyncio.get_running_loop().create_task(execute(["sleep", "600"], {"PATH": "/bin:/usr/bin"}, 600))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
