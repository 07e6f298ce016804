"""The composition root, with fakes for the world: a whole turn in one process, and what is said of what is missing."""

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import verbs
from antiphon import app
from antiphon.app import (
    Appliance,
    World,
    link_plans,
    make_links,
    make_machine,
    make_mixer,
    make_speech,
    make_tools,
    open_board,
    open_wake_words,
)
from antiphon.audio.trigger import Trigger, WakeWord
from antiphon.config_files import read_layers
from antiphon.conversation.effects import CommitTurn, OpenLink
from antiphon.conversation.events import EarOpened, Endpointed, LinkOpened, Started, SwitchMoved, Woke
from antiphon.conversation.states import State
from antiphon.devices.fake import ScriptedWakeEngine
from antiphon.devices.fake_hands import FakeButtons, FakeLamps, NoButtons, NoLamps
from antiphon.devices.fake_sound import FakeMicrophone, FakeSpeaker
from antiphon.devices.gpio import chip
from antiphon.devices.gpio.power import PoweredLamps
from antiphon.devices.mixer_alsa import AlsaMixer
from antiphon.devices.terminal import TerminalLamps
from antiphon.errors import DeviceError, ModelError
from antiphon.links.fake import FakeLinks, one_turn
from antiphon.pcm import bytes_of, ms_of
from antiphon.runtime.notify import NoNotifier
from antiphon.runtime.orders import Orders
from antiphon.runtime.record import Record
from antiphon.runtime.timers import TimerKeeper
from antiphon.secret import Secret
from antiphon.settings import load
from antiphon.simulator.speech import synthesise
from antiphon.speech.fake import FakeSpeech

BOUND_S = 60
WAKE_AT = 16_000  # the sample at which the scripted engine hears its word
REPLY = np.arange(1, 4801).astype(np.int16)  # 200 ms, of which no sample is like another

MCP_EXAMPLE = Path(__file__).with_name("tools") / "mcp_example.py"


def settings_of(*sets):
    return load(read_layers(None, {}, sets, default_path=Path("/nowhere"))).settings


class KeptLog:
    dropped = 0

    def __init__(self):
        self.lines, self.standing = [], {}

    def write(self, level, what, **fields):
        self.lines.append((level, what, fields))

    def said(self, what):
        return [fields for _, said, fields in self.lines if said == what]


class PlayingSpeaker(FakeSpeaker):
    """Asks for its periods by itself, each when it is due, as a card does."""

    def __init__(self):
        super().__init__()
        self.played = [np.zeros(0, np.int16)]

    def open(self, pull):
        stream = super().open(pull)
        self._over = threading.Event()
        self._card = threading.Thread(target=self._ask, name="card")
        self._card.start()
        return stream

    def _ask(self):
        due_s = time.monotonic()
        while not self._over.wait(max(0.0, due_s - time.monotonic())):
            self.played.append(self.play(1, due_s))
            due_s += self.format.block_frames / self.format.rate_hz

    def close(self):
        if self.is_open:
            self._over.set()
            self._card.join()
        super().close()


@dataclass
class Rig:
    """A watcher as well: it sees every snapshot, on the loop."""

    appliance: Appliance
    world: World
    log: KeptLog
    seen: list = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def see(self, snapshot):
        self.seen.append(snapshot)
        self.news.set()

    async def until(self, fits):
        at = 0
        while True:
            for snapshot in self.seen[at:]:
                at += 1
                if fits(snapshot):
                    return
            self.news.clear()
            await self.news.wait()

    async def until_state(self, *states):
        """The states have been gone through, in this order."""
        for count in range(1, len(states) + 1):
            wanted = list(states[:count])
            await self.until(lambda _, wanted=wanted: has_gone_through(self.seen, wanted))


def has_gone_through(snapshots, states):
    gone = iter(snapshot.state for snapshot in snapshots)
    return all(state in gone for state in states)


@asynccontextmanager
async def running(
    *sets, links=None, engine=None, notifier=None, microphone=None, buttons=None, speaks=None, recorded=False
):
    engine = engine or ScriptedWakeEngine(["hey"], {WAKE_AT: "hey"})
    world = World(
        microphone=microphone or FakeMicrophone(),
        speaker=PlayingSpeaker(),
        lamps=FakeLamps(3),
        buttons=buttons or FakeButtons(),
        engine=engine,
        trigger=Trigger([WakeWord("hey", 0.5, refractory_ms=1000)]),
        links={"realtime": links or FakeLinks(one_turn(bytes_of(REPLY)))},
        endpoint=None,
        speech=speaks,
    )
    log = KeptLog()
    rig = Rig(None, world, log)
    record = Record(log) if recorded else None
    rig.appliance = Appliance(settings_of(*sets), world, record or log, notifier or NoNotifier(), [rig], record=record)
    async with asyncio.timeout(BOUND_S), asyncio.TaskGroup() as group:
        rig.running = group.create_task(rig.appliance.run())
        yield rig
        rig.appliance.stop()
    assert not world.microphone.is_open
    assert not world.speaker.is_open
    assert world.lamps.closed


def within(story):
    asyncio.run(story())


def speech():
    """A second of quiet, in which the engine is told that the word was, and then a sentence and more quiet."""
    quiet = np.zeros(WAKE_AT + 1280, np.int16)
    return np.concatenate([quiet, synthesise("What time is it, please?", "slt", 16_000), quiet])


# ── the whole appliance ──────────────────────────────────────────────────────────────────────────


def test_a_whole_turn():
    async def story():
        said = speech()
        links = FakeLinks(one_turn(bytes_of(REPLY), speech_ms=ms_of(len(said), 16_000) - 200))
        async with running("conversation.follow_up_ms=0", "speaker.chimes=false", links=links) as rig:
            await rig.until(lambda snapshot: not snapshot.deaf and snapshot.link == "open")
            rig.world.microphone.hear(said)
            await rig.until_state(State.LISTENING, State.THINKING, State.SPEAKING, State.ASLEEP)
            [link] = links.made
            assert ms_of(len(link.heard) // 2, 24_000) == pytest.approx(ms_of(len(said), 16_000), abs=3)
            sound = np.concatenate(rig.world.speaker.played)
            [first] = np.flatnonzero(np.all(np.lib.stride_tricks.sliding_window_view(sound, 5) == REPLY[:5], axis=1))
            assert np.array_equal(sound[first : first + len(REPLY)], REPLY)
            words = [word for _, word in rig.world.lamps.shown]
            assert [words.index(word) for word in ("listening", "thinking", "speaking")] == sorted(
                words.index(word) for word in ("listening", "thinking", "speaking")
            )
        assert not rig.appliance.failed
        assert rig.appliance.zombies == []
        assert rig.log.said("heard") == [{"reply": "reply", "heard_ms": 200, "length_ms": 200}]

    within(story)


def test_hands_reach_the_mind():
    async def story():
        async with running() as rig:
            await rig.until(lambda snapshot: not snapshot.deaf)
            rig.world.buttons.press("mute")
            await rig.until(lambda snapshot: snapshot.state is State.DEAF and snapshot.deaf)
            assert not rig.world.microphone.is_open
        rig.world.buttons.release("mute")  # nobody listens any more

    within(story)


def test_it_can_be_asked_and_told_while_it_runs(tmp_path):
    async def story():
        path = tmp_path / "control.sock"
        async with running(f"control.socket={path}", "board=none", recorded=True) as rig:
            await rig.until(lambda snapshot: not snapshot.deaf and snapshot.link == "open")
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b'{"do": "status"}\n{"do": "mute"}\n{"do": "status"}\n')
            before, muted, after = [json.loads(await reader.readline()) for _ in range(3)]
            writer.close()
            assert (before["state"], before["wake_words"], before["board"]) == ("asleep", ["hey"], "none")
            assert before["microphone"]["open"]
            assert muted == {"ok": True}
            assert (after["state"], after["microphone"]["open"]) == ("deaf", False)
            assert not rig.world.microphone.is_open
        assert rig.log.standing["state"] == "deaf"

    within(story)


def test_a_text_is_said_and_its_teller_hears_of_it(tmp_path):
    async def story():
        path = tmp_path / "control.sock"
        speaks = FakeSpeech([bytes_of(REPLY)])
        async with running(f"control.socket={path}", "speaker.chimes=false", speaks=speaks, recorded=True) as rig:
            await rig.until(lambda snapshot: not snapshot.deaf and snapshot.link == "open")
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b'{"do": "say", "text": "Dinner is ready"}\n')
            assert json.loads(await reader.readline()) == {"ok": True}
            writer.close()
            assert speaks.texts == ["Dinner is ready"]
            sound = np.concatenate(rig.world.speaker.played)
            [first] = np.flatnonzero(np.all(np.lib.stride_tricks.sliding_window_view(sound, 5) == REPLY[:5], axis=1))
            assert np.array_equal(sound[first : first + len(REPLY)], REPLY)
            await rig.until_state(State.SPEAKING, State.ASLEEP)
        assert rig.log.said("heard") == [{"reply": "say-1", "heard_ms": 200, "length_ms": 200}]

    within(story)


def test_the_switch_says_where_it_is_before_anything_is_heard():
    class SwitchedOff(FakeButtons):
        def open(self, moved):
            super().open(moved)
            self.switch(muted=True)
            return []

    async def story():
        async with running(buttons=SwitchedOff()) as rig:
            await rig.until(lambda snapshot: snapshot.switched_off and snapshot.deaf)
            assert [snapshot for snapshot in rig.seen if not snapshot.deaf] == []
            rig.world.buttons.switch(muted=False)
            await rig.until(lambda snapshot: snapshot.state is State.ASLEEP and not snapshot.deaf)

    within(story)


@pytest.mark.parametrize(("setting", "recorded"), [("control.socket=null", True), ("control.socket={}", False)])
def test_it_can_be_asked_nothing_where_it_should_not(setting, recorded, tmp_path):
    async def story():
        path = tmp_path / "control.sock"
        async with running(setting.format(path), recorded=recorded) as rig:
            await rig.until(lambda snapshot: not snapshot.deaf)
            assert list(tmp_path.iterdir()) == []

    within(story)


def test_the_manager_is_told_when_it_begins_to_stop():
    class Manager(NoNotifier):
        def __init__(self):
            self.told = []

        def ready(self):
            self.told.append("ready")

        def stopping(self):
            self.told.append("stopping")

    async def story():
        manager = Manager()
        async with running(notifier=manager) as rig:
            await rig.until(lambda snapshot: not snapshot.deaf)
            assert manager.told == ["ready"]
            rig.appliance.stop()
            assert manager.told == ["ready", "stopping"], "at once: the calls may take a while to end"

    within(story)


# ── faults of ours, and of the world ─────────────────────────────────────────────────────────────


class FaultyEngine(ScriptedWakeEngine):
    def hear(self, samples):
        raise ZeroDivisionError("a fault of ours")


def test_the_death_of_a_thread_ends_the_appliance(capsys):
    async def story():
        async with running(engine=FaultyEngine(["hey"], {})) as rig:
            await rig.until(lambda snapshot: not snapshot.deaf)
            rig.world.microphone.hear(np.zeros(1280, np.int16))
            await rig.running
            assert rig.appliance.failed
            rig.world.microphone.close()  # its thread is no more to do it

    before = threading.excepthook
    within(story)
    assert "a fault of ours" in capsys.readouterr().err
    assert threading.excepthook is before


def test_a_thread_that_hangs_is_named(monkeypatch):
    class Hung(FakeMicrophone):
        released = threading.Event()

        def close(self):
            self.released.wait(BOUND_S)
            super().close()

    monkeypatch.setattr(app, "THREAD_ENDS_S", 0.05)

    async def story():
        microphone = Hung()
        try:
            async with running(microphone=microphone) as rig:
                await rig.until(lambda snapshot: not snapshot.deaf)
                rig.appliance.stop()
                await rig.running
                [zombie] = rig.appliance.zombies
                assert "'ear'" in zombie
                assert rig.log.said("zombie") == [{"sentence": zombie}]
                microphone.released.set()
                FakeMicrophone.close(microphone)
        finally:
            microphone.released.set()

    within(story)


def test_buttons_that_cannot_be_used_are_said_and_the_rest_goes_on():
    class Broken(FakeButtons):
        def open(self, moved):
            return [DeviceError("talk button on GPIO 17", "the line is in use", "Give it a free line")]

    async def story():
        async with running(buttons=Broken()) as rig:
            await rig.until(lambda snapshot: not snapshot.deaf)
        [said] = rig.log.said("no-button")
        assert "GPIO 17" in said["sentence"]

    within(story)


# ── what the settings name ───────────────────────────────────────────────────────────────────────


def test_the_words_of_both_engines_are_heard():
    words = (
        '[{"engine": "microwakeword", "model": "alexa"}, {"engine": "openwakeword", "model": "hey_jarvis", '
        '"threshold": 0.4}]'
    )
    engine, trigger = open_wake_words(settings_of(f"wake.words={words}"))
    assert engine is not None
    assert trigger is not None
    assert sorted(engine.words) == ["alexa", "hey_jarvis"]
    heard = []
    quiet = np.zeros(32_000, np.int16)
    for word in ("Hey Jarvis.", "Alexa."):
        sound = np.concatenate([quiet, synthesise(word, "slt", 16_000), quiet])
        for at in range(0, len(sound), 1280):
            block = sound[at : at + 1280]
            if (detection := trigger.hear(engine.hear(block), len(block))) is not None:
                heard.append(detection.word)
    assert heard == ["hey_jarvis", "alexa"]


def test_no_words_need_no_engine():
    assert open_wake_words(settings_of("wake.words=[]")) == (None, None)


def test_a_model_that_is_not_there_is_an_error_of_the_owners():
    with pytest.raises(ModelError, match="hey_nobody"):
        open_wake_words(settings_of('wake.words=[{"engine": "openwakeword", "model": "hey_nobody"}]'))


def test_a_board_without_lamps_and_buttons():
    lamps, buttons = open_board(settings_of(), KeptLog())
    assert isinstance(lamps, NoLamps)
    assert isinstance(buttons, NoButtons)
    lamps, _ = open_board(settings_of("lamps.kind=terminal"), KeptLog())
    assert isinstance(lamps, TerminalLamps)


def test_a_machine_without_gpio_is_said_and_its_microphone_stays_closed(monkeypatch):
    def absent(_kind):
        raise DeviceError("GPIO", "python3-lgpio is missing", "Install it")

    monkeypatch.setattr(chip, "pin_factory", absent)
    log, moved = KeptLog(), []
    wanted = settings_of("lamps.kind=gpio", "lamps.pins=[5]", "buttons.talk=17", "buttons.mute_switch=16")
    lamps, buttons = open_board(wanted, log)
    assert lamps.count == 1
    assert "lgpio" in log.said("no-lamp")[0]["sentence"]
    [error] = buttons.open(moved.append)
    assert moved == [SwitchMoved(True, error.problem())]
    buttons.close()
    lamps.close()


ON_LINES = {
    "gpio": ("lamps.pins=[5, 6]", 2),
    "rgb": ("lamps.pins=[5, 6, 13]", 1),
    "none": ("lamps.pins=[]", 1),
}


@pytest.mark.parametrize("kind", ON_LINES)
def test_lamps_and_hands_on_mock_pins(monkeypatch, kind):
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    log, moved = KeptLog(), []
    pins, count = ON_LINES[kind]
    hands = [f"buttons.{name}={pin}" for pin, name in enumerate(("talk", "mute", "volume_up", "volume_down"), 17)]
    switch = ("buttons.mute_switch=22", "buttons.mute_switch_closed=unmuted")
    lamps, buttons = open_board(settings_of(f"lamps.kind={kind}", pins, "lamps.power_pin=12", *hands, *switch), log)
    assert buttons.open(moved.append) == []
    assert moved == [SwitchMoved(True)]
    assert lamps.count == count
    assert isinstance(lamps, NoLamps if kind == "none" else PoweredLamps)
    assert log.lines == []
    buttons.close()
    lamps.close()


@pytest.mark.parametrize("kind", ["apa102", "ws2812"])
def test_lamps_on_a_bus(monkeypatch, kind):
    monkeypatch.setitem(sys.modules, "spidev", None)
    log = KeptLog()
    lamps, buttons = open_board(settings_of(f"lamps.kind={kind}", "lamps.leds=12", 'lamps.spi="0.1"'), log)
    assert lamps.count == 12
    assert "/dev/spidev0.1" in log.said("no-lamp")[0]["sentence"]
    assert isinstance(buttons, NoButtons)
    lamps.close()


@pytest.mark.parametrize("own", [False, True])
def test_the_mind_is_made_as_the_settings_say(own):
    judge = "own" if own else "server"
    machine = make_machine(settings_of("realtime.connection=on_demand", f"realtime.turn_detection={judge}"))
    assert not any(
        isinstance(effect, OpenLink) for effect in machine.handle(Started(), 1.0) + machine.handle(EarOpened(), 1.1)
    )
    assert OpenLink(1, "realtime", ()) in machine.handle(Woke("hey", 0.9, bytes(4800), 2.0), 2.0)
    machine.handle(LinkOpened(1), 2.1)
    machine.handle(Endpointed("began"), 2.2)
    assert (CommitTurn(1) in machine.handle(Endpointed("ended"), 3.0)) is own


def test_links_are_made_as_the_settings_say():
    links = make_links(settings_of("realtime.voice=lucy", "conversation.max_turn_ms=50000"), None)
    assert list(links) == ["realtime"]
    assert links["realtime"]._plan.voice == "lucy"
    assert links["realtime"]._plan.backlog_ms > 50_000


def test_links_and_their_plans_have_the_same_names_in_the_owners_order():
    settings = settings_of(
        'generate.urls=["http://nas:8000", "https://den.example/voice"]',
        "links=[generate, realtime]",
        "generate.gap_ms=700",
    )
    plans = link_plans(settings)
    assert [plan.name for plan in plans] == ["generate nas:8000", "generate den.example/voice", "realtime"]
    assert [(plan.warm, plan.own_turns) for plan in plans] == [(False, True), (False, True), (True, False)]
    assert [plan.first_sound_ms for plan in plans] == [17_000, 17_000, 0]
    links = make_links(settings, None)
    assert sorted(links) == sorted(plan.name for plan in plans)
    assert links["generate nas:8000"]._plan.gap_ms == 700


def test_a_chat_model_is_asked_through_the_proxy_and_told_of_the_tools():
    settings = settings_of("links=[realtime, chat]", "chat.clips=5", "realtime.proxy=http://proxy:3128")
    (_, plan), links = link_plans(settings), make_links(settings, None, lambda: ["a tool"])
    assert (plan.name, plan.warm, plan.own_turns, plan.first_sound_ms) == ("chat", False, True, 10_000)
    assert list(links) == ["realtime", "chat"]
    assert (links["chat"]._plan.clips, links["chat"]._plan.proxy) == (5, "http://proxy:3128")
    assert links["chat"](1, (), lambda _: None, trial=False)._tools == ("a tool",)


def test_a_cascade_is_asked_through_the_proxy_and_told_of_the_tools():
    settings = settings_of("links=[cascade]", "cascade.hotwords=[Antiphon]", "realtime.proxy=http://proxy:3128")
    (plan,), links = link_plans(settings), make_links(settings, None, lambda: ["a tool"])
    assert (plan.name, plan.warm, plan.own_turns, plan.first_sound_ms) == ("cascade", False, True, 10_000)
    assert list(links) == ["cascade"]
    asked = links["cascade"]._plan
    assert (asked.hotwords, asked.proxy, asked.voice) == (("Antiphon",), "http://proxy:3128", settings.cascade.voice)
    assert links["cascade"](1, (), lambda _: None, trial=False)._tools == ("a tool",)


def test_without_a_server_of_ones_own_its_library_is_not_loaded():
    script = "import sys; from antiphon.app import make_links; from antiphon.settings import Settings; "
    script += "make_links(Settings(), None); print('aiohttp' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
    )


def test_the_owner_s_tools_are_made(monkeypatch):
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    settings = settings_of(
        "tools.builtin=[get_time, set_timer]",
        "tools.switches=[{name: lamp, pin: 5}, {name: fan, pin: 6}]",
        "tools.commands=[{name: lights, description: Lights., argv: [echo, '{room}'],"
        " arguments: [{name: room, pattern: hall}]}]",
        "tools.plugins=[there_is_none]",
        f"tools.servers=[{{name: home, argv: [{sys.executable}, {MCP_EXAMPLE}], tools: [add]}}]",
    )
    log, answers = KeptLog(), []
    orders, timers = Orders(lambda _: None), TimerKeeper(None, log)
    tools = make_tools(settings, orders, timers, log)
    assert [spec.name for spec in tools.specs()] == ["get_time", "set_timer", "run_lights", "switch"]

    async def story():
        come = asyncio.Event()
        async with asyncio.timeout(BOUND_S), asyncio.TaskGroup() as group:
            running = group.create_task(tools.run(lambda _: come.set()))
            await come.wait()
            assert [spec.name for spec in tools.specs()][-1] == "home_add"
            for number, (name, arguments) in enumerate(
                [
                    ("switch", '{"name": "fan", "on": true}'),
                    ("run_lights", '{"room": "hall"}'),
                    ("set_timer", '{"seconds": 60}'),
                    ("home_add", '{"a": 2, "b": 3}'),
                ]
            ):
                await tools.call(number, name, arguments, answers.append)
            running.cancel()

    within(story)
    assert [answer.failed for answer in answers] == [False] * 4
    assert json.loads(answers[0].output) == {"name": "fan", "on": True}
    assert json.loads(answers[1].output)["output"] == "hall"
    assert answers[3].output == "5"
    assert [one.timer for one in timers.list()] == [1]
    assert [line[1] for line in log.lines if line[0] == "error"] == ["plugin-missing"]


def test_without_tools_of_the_owner_s_nothing_is_loaded_for_them():
    script = """
import sys
from antiphon import app
from antiphon.runtime.orders import Orders
from antiphon.runtime.timers import TimerKeeper
from antiphon.settings import Settings
app.make_tools(Settings(), Orders(None), TimerKeeper(None, None), None)
heavy = ("mcp", "gpiozero", "antiphon.tools.plugins", "antiphon.tools.commands")
print([name for name in heavy if name in sys.modules])
"""
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


NOBODY_RESOLVES = """
import socket, sys, threading
socket.getaddrinfo = lambda *_, **__: threading.Event().wait()
from antiphon.cli import main
sys.exit(main(["run", "--set", "wake.words=[]", "--set", "log.format=json"]))
"""


def test_a_name_that_nobody_resolves_does_not_hold_up_the_end(tmp_path):
    """A dead DNS server: the lookup's thread never ends, and neither loop nor interpreter may wait for it."""
    environ = verbs.environment(None, tmp_path, STEPFUN_API_KEY="sk-test")
    with subprocess.Popen(
        [sys.executable, "-c", NOBODY_RESOLVES], env=environ, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if '"ready"' in line:
                    process.send_signal(signal.SIGTERM)
                    break
            assert process.wait(timeout=60) == 0
            assert '"left": "name resolution"' in process.stderr.read()
        finally:
            process.kill()


STUBBORN = """
import asyncio
from antiphon.app import _until_signalled
from antiphon.runtime.log import JsonLog

class Appliance:
    failed, begin_anew = False, "no"

    def stop(self):
        pass

    tell_to_stop = stop

    async def run(self):
        self.task = asyncio.create_task(self.go_on(), name="tool-weather")
        await asyncio.sleep(0)

    async def go_on(self):
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass

asyncio.run(_until_signalled(Appliance(), JsonLog(2), lambda: print("left")))
"""


def test_a_tool_that_will_not_end_does_not_hold_up_the_end():
    ended = subprocess.run(
        [sys.executable, "-u", "-c", STUBBORN], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout == "left\n"
    assert '"left": "tool-weather"' in ended.stderr


# ── loudness and speech ──────────────────────────────────────────────────────────────────────────


def test_the_mixer_is_the_cards_or_none_at_all():
    assert make_mixer(settings_of("speaker.mixer=none")) is None
    assert isinstance(make_mixer(settings_of()), AlsaMixer)
    absent = make_mixer(settings_of("speaker.device=no-such-card"))
    with pytest.raises(DeviceError):  # it is looked for when it is used, and not before
        absent.get()


def test_a_text_is_spoken_with_a_key_alone():
    assert make_speech(settings_of(), None) is None
    assert make_speech(settings_of(), Secret("sk-1", "a test")) is not None
