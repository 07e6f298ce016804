"""Floor 5. The composition root: the only file that knows concrete names. It builds the appliance, and ends it well.

Start, in order: mouth, ear, hands, face, mind. Stop in reverse, each with a limit; what does not stop is named.
"""

import asyncio
import faulthandler
import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias
from urllib.parse import urlsplit

from antiphon.audio.endpoint import Endpointer
from antiphon.audio.jitter import JitterPlan
from antiphon.audio.trigger import Trigger, WakeWord
from antiphon.calls import Calls, LinkPlan
from antiphon.config_files import token_from
from antiphon.conversation.events import Button, Commanded, Event, MouthOpened
from antiphon.conversation.machine import Machine
from antiphon.conversation.overlap import Duplex
from antiphon.devices.fake_hands import NoButtons, NoLamps
from antiphon.devices.mixer_alsa import AlsaMixer, card_of, cards
from antiphon.devices.quiet import own_stderr
from antiphon.devices.terminal import TerminalLamps
from antiphon.devices.vad_webrtc import WebrtcVoiceDetector
from antiphon.devices.wake_joined import JoinedWakeEngine
from antiphon.gestures import Gestures
from antiphon.links.realtime.link import RealtimeLinkMaker, RealtimePlan
from antiphon.night import Brightness, Night
from antiphon.ports import (
    Buttons,
    Catalogue,
    Lamps,
    LinkMaker,
    Log,
    Microphone,
    Mixer,
    Notifier,
    Outputs,
    Speaker,
    Speech,
    Tools,
    ToolSpec,
    WakeEngine,
    Watcher,
)
from antiphon.runtime.control import ControlServer, places
from antiphon.runtime.ear import Ear, EarPlan
from antiphon.runtime.echo_path import EchoPath
from antiphon.runtime.echo_stream import EchoPlan
from antiphon.runtime.face_painter import FacePainter
from antiphon.runtime.inbox import Inbox
from antiphon.runtime.kept import KeptVolume, kept_path
from antiphon.runtime.late_speech import LateSpeech
from antiphon.runtime.liveness import Progress
from antiphon.runtime.log import libraries_into, open_log
from antiphon.runtime.mouth import Mouth, MouthPlan
from antiphon.runtime.notify import open_notifier
from antiphon.runtime.orders import Orders
from antiphon.runtime.record import Record
from antiphon.runtime.shell import Errands, Shell
from antiphon.runtime.status import Facts, Status
from antiphon.runtime.thread import ZombieThread
from antiphon.runtime.timers import TimerKeeper, timers_path
from antiphon.runtime.volume import SoftMixer, VolumeKeeper, VolumeMeans
from antiphon.runtime.wall import local_time
from antiphon.secret import Secret
from antiphon.settings import Lamps as LampSettings
from antiphon.settings import McpServer as McpServerSettings
from antiphon.settings import Settings
from antiphon.settings import Tools as ToolSettings
from antiphon.tools.builtin import builtin_tools
from antiphon.tools.host import ToolHost
from antiphon.tools.late import LateBox
from antiphon.tools.tool import Toolbox

if TYPE_CHECKING:
    from antiphon.tools.mcp_client import McpServer

THREAD_ENDS_S = 3.0
LOOKUP_ENDS_S = 0.5
TASK_ENDS_S = 0.5
_LOOKUP = "lookup"
TERMINAL_LAMPS = 3
_LINK_FIRST_MS = 2000
NO_MCP = "tools.servers needs it: pip install 'antiphon[mcp]'"
_BACKLOG_MS = 30_000  # of speech may wait for a slow network, beyond the longest turn


BeginAnew: TypeAlias = Callable[[bool, Log, Notifier], NoReturn]
"""Puts a new program into this process, muted or not."""


@dataclass(frozen=True, slots=True)
class World:
    """What an appliance is made of: adapters, or fakes."""

    microphone: Microphone
    speaker: Speaker
    lamps: Lamps
    buttons: Buttons
    engine: WakeEngine | None
    trigger: Trigger | None
    links: Mapping[str, LinkMaker]
    """By name, as `link_plans` names them."""
    endpoint: Endpointer | None
    """Who judges the end of a turn on this side; None where all services do."""
    echo: EchoPath | None = None
    """What knows our own sound; None where nobody takes it out of what is heard."""
    volume: VolumeMeans | None = None
    """What makes it louder and quieter; None where nobody does."""
    speech: Speech | None = None
    """What speaks a text; None where nothing can."""
    tools: Tools | None = None
    """What a model may do; None where that is nothing."""
    orders: Orders | None = None
    """By which tools give orders; they are led to the mind of the appliance."""
    timers: TimerKeeper | None = None


class Appliance:
    """One appliance from start to end. `failed` is set when a thread died of a fault of ours."""

    def __init__(
        self,
        settings: Settings,
        world: World,
        log: Log,
        notifier: Notifier,
        watchers: Iterable[Watcher] = (),
        *,
        muted: bool = False,
        record: Record | None = None,
    ) -> None:
        """`muted`: it begins with the microphone closed, until somebody opens it. With a `record`, which then is its
        log, it tells its status and takes orders at the control socket.
        """
        self._muted = muted
        self._record = record
        self._inbox: Inbox | None = None
        self._settings = settings
        self._world = world
        self._log = log
        self._notifier = notifier
        self._watchers = [*([] if record is None else [record]), *watchers]
        self._shell: Shell | None = None
        self.failed = False
        self.begin_anew: Literal["no", "open", "muted"] = "no"
        """Whether the program should begin anew in this process, and how: only that frees a hung sound system."""
        self.zombies: list[str] = []

    async def run(self) -> None:
        """Until `stop`."""
        inbox = self._inbox = Inbox()
        ear, mouth = self._ear(inbox), self._mouth(inbox, lambda: None if volume is None else volume.look())
        volume = self._volume(inbox, mouth)
        painter = make_painter(self._world.lamps, self._settings.lamps)
        machine = make_machine(self._settings, muted=self._muted, announces=self._world.speech is not None)
        orders = self._world.orders or Orders(inbox.post)
        orders.post = inbox.post
        control = self._control(orders, ear, mouth)
        errands = Errands(speech=self._world.speech, answer=orders.answer, tools=self._world.tools)
        if volume is not None:
            errands = replace(errands, set_volume=volume.set)
        shell = self._shell = Shell(
            machine,
            inbox,
            ear,
            mouth,
            self._world.links,
            [painter, *self._watchers, *([] if control is None else [control])],
            self._log,
            self._notifier,
            errands=errands,
        )

        def progress() -> Progress:
            return Progress(ear.progress, mouth.progress, inbox.posted, shell.handled)

        def losses() -> dict[str, int]:
            return {
                "overflows": ear.losses.overflows,
                "silent_losses": ear.losses.silent_losses,
                "lost_frames": ear.losses.lost_frames,
                "underflows": mouth.underflows,
                "underruns": mouth.underruns,
                "own_words": ear.own_words,
            }

        with self._threads(ear, mouth, *([] if volume is None else [volume])), self._hands(inbox):
            try:
                beside = [painter.run(), shell.watch_over(progress), shell.tell_losses(losses)]
                beside += [] if control is None else [control.serve()]
                beside += [one.run(inbox.post) for one in (self._world.timers, self._world.tools) if one is not None]
                await shell.run(*beside)
            finally:
                if shell.replace is not None:
                    self.begin_anew = "muted" if shell.replace.muted else "open"
                self._world.lamps.close()

    def stop(self) -> None:
        """Let `run` return soon. On the loop's thread."""
        if self._shell is not None:
            self._notifier.stopping()
            self._shell.stop()

    def tell_to_stop(self) -> None:
        """Whatever it says or listens to, it stops. On the loop's thread."""
        if self._inbox is not None:
            self._inbox.post(Commanded("stop"))

    def _ear(self, inbox: Inbox) -> Ear:
        plan = EarPlan(preroll_ms=self._settings.microphone.preroll_ms)
        world = self._world
        return Ear(
            world.microphone,
            world.engine,
            WebrtcVoiceDetector(),
            world.trigger,
            world.endpoint,
            inbox.post,
            plan,
            world.echo,
        )

    def _mouth(self, inbox: Inbox, back: Callable[[], None]) -> Mouth:
        """`back` is called when a speaker that had failed plays again."""

        def post(event: Event) -> None:
            inbox.post(event)
            if isinstance(event, MouthOpened):
                back()

        speaker = self._settings.speaker
        jitter = JitterPlan(start_ms=speaker.jitter_ms, most_ms=speaker.jitter_max_ms)
        level_db = speaker.chime_level_db
        plan = MouthPlan(level_db if speaker.chimes else None, ring_level_db=level_db, jitter=jitter)
        echo = self._world.echo
        return Mouth(self._world.speaker, post, plan, None if echo is None else echo.played)

    def _volume(self, inbox: Inbox, mouth: Mouth) -> VolumeKeeper | None:
        """Who sees to the volume, where somebody is to."""
        means = self._world.volume
        if means is None:
            return None
        return VolumeKeeper(means, SoftMixer(mouth.set_gain), self._settings.speaker.volume, inbox.post, self._log)

    def _control(self, orders: Orders, ear: Ear, mouth: Mouth) -> ControlServer | None:
        """The door for other programs of this machine, where there is to be one."""
        wanted, record = self._settings.control.socket, self._record
        if wanted is None or record is None:
            return None
        engine, echo = self._world.engine, self._world.echo
        facts = Facts(self._settings.board, [] if engine is None else engine.words, self._settings.echo.cancel)
        status = Status(facts, record, ear, mouth, echo, self._notifier, timers=self._world.timers)
        return ControlServer(places(wanted, os.environ)[0], orders, status, self._log)

    @contextmanager
    def _threads(self, ear: Ear, mouth: Mouth, *others: VolumeKeeper) -> Iterator[None]:
        """Mouth, ear and others live inside; one of them dying of a fault ends the appliance."""
        loop = asyncio.get_running_loop()

        def died(fault: threading.ExceptHookArgs) -> None:
            self.failed = True
            sys.excepthook(fault.exc_type, fault.exc_value or fault.exc_type(), fault.exc_traceback)
            loop.call_soon_threadsafe(self.stop)

        before, threading.excepthook = threading.excepthook, died
        threads: list[Mouth | VolumeKeeper | Ear] = [mouth, *others, ear]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for thread in reversed(threads):
                try:
                    thread.stop(THREAD_ENDS_S)
                except ZombieThread as zombie:
                    self.zombies.append(str(zombie))
                    self._log.write("error", "zombie", sentence=str(zombie))
            threading.excepthook = before

    @contextmanager
    def _hands(self, inbox: Inbox) -> Iterator[None]:
        """Buttons live inside. One that cannot be used is said, and the rest goes on."""
        for error in self._world.buttons.open(inbox.post):
            self._log.write("error", "no-button", sentence=str(error))
        try:
            yield
        finally:
            self._world.buttons.close()


def run_appliance(settings: Settings, key: Secret | None, begin_anew: BeginAnew, *, muted: bool = False) -> int:
    """`antiphon run`: the appliance of these settings, until a signal. Raises what the owner can mend.

    `begin_anew` puts a new program into this process, muted or not; it is called when the sound system hangs.
    """
    with own_stderr() as stderr:
        log = Record(open_log(settings.log.format, settings.log.level, stderr))
        faulthandler.enable(stderr)  # the watchdog's SIGABRT shows where each thread hangs
        faulthandler.register(signal.SIGUSR1, stderr, all_threads=True, chain=False)
        with libraries_into(log):
            world = open_world(settings, key, log)
            notifier = open_notifier(log)
            appliance = Appliance(settings, world, log, notifier, muted=muted, record=log)

            def leave() -> None:
                """Returns when the process is to end."""
                if appliance.begin_anew != "no":
                    begin_anew(appliance.begin_anew == "muted", log, notifier)

            started_s = time.monotonic()
            log.write("info", "starting", pid=os.getpid())
            asyncio.run(_until_signalled(appliance, log, leave))
            signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # nothing is said any more
            log.write("info", "stopped", ran_s=round(time.monotonic() - started_s, 1))
            leave()
        faulthandler.unregister(signal.SIGUSR1)
        faulthandler.disable()
        if appliance.zombies:  # a thread hangs in a driver, and an orderly exit would wait for it
            os._exit(1)
    return 1 if appliance.failed else 0


async def _until_signalled(appliance: Appliance, log: Log, leave: Callable[[], None]) -> None:
    """The first SIGTERM or SIGINT is a request, the second an order. `leave`: nothing more is waited for."""
    loop = asyncio.get_running_loop()
    asked: list[int] = []

    def signalled(number: int) -> None:
        asked.append(number)
        log.write("info", "signal", name=signal.Signals(number).name, times=len(asked))
        if len(asked) > 1:
            os._exit(128 + number)
        appliance.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled, number)
    loop.add_signal_handler(signal.SIGUSR2, appliance.tell_to_stop)
    lookups = ThreadPoolExecutor(4, thread_name_prefix=_LOOKUP)
    loop.set_default_executor(lookups)
    await appliance.run()
    if asked:  # whoever wants it to end does not want it to begin anew
        appliance.begin_anew = "no"

    def leave_behind(left: str) -> NoReturn:
        """What the loop and the interpreter would wait for at their end."""
        log.write("info", "stopped", left=left)
        leave()
        os._exit(1 if appliance.failed else 0)

    if stubborn := await _those_that_do_not_end():
        leave_behind(stubborn)
    lookups.shutdown(wait=False, cancel_futures=True)
    for thread in threading.enumerate():
        if thread.name.startswith(_LOOKUP):
            thread.join(LOOKUP_ENDS_S)
            if thread.is_alive():  # a name that nobody resolves
                leave_behind("name resolution")


async def _those_that_do_not_end() -> str:
    """The names of the other tasks that go on though they are told to end, as a package's tool may; "" for none."""
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    if not tasks:
        return ""
    _, late = await asyncio.wait(tasks, timeout=TASK_ENDS_S)
    return ", ".join(sorted(task.get_name() for task in late))


def make_machine(settings: Settings, *, muted: bool = False, announces: bool = False) -> Machine:
    """The mind of these settings; `muted` from the start, perhaps. `announces`: texts can be spoken."""
    manners = settings.conversation
    return Machine(
        manners,
        Calls(link_plans(settings), manners.switch_ms / 1000),
        Gestures(settings.buttons.double_ms, settings.buttons.hold_ms),
        Duplex(full=settings.echo.cancel != "none" and settings.echo.barge_in, decay_ms=settings.echo.decay_ms),
        muted=muted,
        announces=announces,
        tool_limit_ms=settings.tools.limit_ms,
    )


def link_plans(settings: Settings) -> list[LinkPlan]:
    """The links in the owner's order, for choosing among them; `make_links` makes those that are named here."""
    realtime, generate = settings.realtime, settings.generate
    renew_after_s = realtime.renew_after_min * 60.0
    cloud = LinkPlan("realtime", realtime.connection == "warm", renew_after_s, realtime.turn_detection == "own")
    # The link's own limit ends first: it knows what is wrong.
    first_sound_ms = generate.first_sound_ms + _LINK_FIRST_MS
    lan = [
        LinkPlan(_server_name(url), False, renew_after_s, True, tried=True, first_sound_ms=first_sound_ms)
        for url in generate.urls
    ]
    chat = LinkPlan("chat", False, renew_after_s, True, first_sound_ms=settings.chat.first_sound_ms + _LINK_FIRST_MS)
    cascade = LinkPlan(
        "cascade", False, renew_after_s, True, first_sound_ms=settings.cascade.first_sound_ms + _LINK_FIRST_MS
    )
    kinds = {"realtime": [cloud], "generate": lan, "chat": [chat], "cascade": [cascade]}
    return [plan for kind in settings.links for plan in kinds[kind]]


def _no_tools() -> Sequence[ToolSpec]:
    return ()


def make_links(settings: Settings, key: Secret | None, tools: Catalogue = _no_tools) -> dict[str, LinkMaker]:
    """Who opens calls, by the name of the link; those whose services know tools tell them of `tools`."""
    makers: dict[str, LinkMaker] = {}
    if "realtime" in settings.links:
        names = RealtimePlan.__dataclass_fields__.keys() & type(settings.realtime).model_fields.keys()
        given = {name: getattr(settings.realtime, name) for name in names}
        # A turn that was kept while the call was opening is sent at once.
        backlog_ms = settings.conversation.max_turn_ms + _BACKLOG_MS
        makers["realtime"] = RealtimeLinkMaker(RealtimePlan(**given, backlog_ms=backlog_ms), key, tools)
    if "generate" in settings.links and settings.generate.urls:
        from antiphon.links.generate.link import GenerateLinkMaker, GeneratePlan

        names = GeneratePlan.__dataclass_fields__.keys() & type(settings.generate).model_fields.keys()
        given = {name: getattr(settings.generate, name) for name in names}
        for url in settings.generate.urls:
            makers[_server_name(url)] = GenerateLinkMaker(GeneratePlan(url=url, **given))
    if "chat" in settings.links:
        from antiphon.links.chat.link import ChatLinkMaker, ChatPlan

        names = ChatPlan.__dataclass_fields__.keys() & type(settings.chat).model_fields.keys()
        given = {name: getattr(settings.chat, name) for name in names}
        makers["chat"] = ChatLinkMaker(ChatPlan(**given, proxy=settings.realtime.proxy), key, tools)
    if "cascade" in settings.links:
        from antiphon.links.cascade.link import CascadeLinkMaker
        from antiphon.links.cascade.stages import CascadePlan

        names = CascadePlan.__dataclass_fields__.keys() & type(settings.cascade).model_fields.keys()
        given = {name: getattr(settings.cascade, name) for name in names}
        makers["cascade"] = CascadeLinkMaker(CascadePlan(**given, proxy=settings.realtime.proxy), key, tools)
    return makers


def _server_name(url: str) -> str:
    parts = urlsplit(url)
    return f"generate {parts.netloc}{parts.path}"


def open_world(settings: Settings, key: Secret | None, log: Log) -> World:
    """The adapters that the settings name; wake word models are loaded. Raises ModelError."""
    engine, trigger = open_wake_words(settings)
    lamps, buttons = open_board(settings, log)
    microphone, speaker = make_sound_card(settings)
    orders, timers = Orders(_nowhere), TimerKeeper(timers_path(os.environ), log)
    tools = make_tools(settings, orders, timers, log)
    links = make_links(settings, key, tools.specs)
    endpoint, echo = _make_endpoint(settings), make_echo(settings)
    volume = VolumeMeans(
        make_mixer(settings), settings.speaker.mixer != "auto", KeptVolume(kept_path(os.environ), log), cards
    )
    speech = make_speech(settings, key)
    return World(
        microphone,
        speaker,
        lamps,
        buttons,
        engine,
        trigger,
        links,
        endpoint,
        echo,
        volume,
        speech,
        tools,
        orders,
        timers,
    )


def _nowhere(_: Event) -> None:
    """There is no mind yet."""


def make_tools(settings: Settings, orders: Orders, timers: TimerKeeper, log: Log) -> Tools:
    """What a model may do. What cannot be had is said, and the rest goes on."""
    wanted = settings.tools
    own = builtin_tools(wanted.builtin, orders, timers, local_time)
    boxes: list[Toolbox] = []
    if wanted.plugins:
        from antiphon.tools.plugins import Plugins

        boxes.append(Plugins(wanted.plugins, log))
    if wanted.switches:
        boxes.append(_make_switchboard(wanted, log))
    if wanted.commands:
        from antiphon.tools.commands import ArgumentPlan, CommandPlan, command_tools

        plans = [
            CommandPlan(
                one.name,
                one.description,
                one.argv,
                [ArgumentPlan(of.name, of.pattern, of.description, of.secret) for of in one.arguments],
                one.limit_ms,
            )
            for one in wanted.commands
        ]
        own += command_tools(plans, os.environ)
    return ToolHost(own, log, wanted.limit_ms, [*boxes, *_make_servers(wanted, log)])


def _make_switchboard(wanted: ToolSettings, log: Log) -> Toolbox:
    from antiphon.tools.switches import Switchboard

    return Switchboard(open_outputs(wanted, log))


def open_outputs(wanted: ToolSettings, log: Log) -> Outputs:
    """The outputs of the board, off."""
    from antiphon.devices.gpio.chip import Chip
    from antiphon.devices.gpio.outputs import GpioOutputs, OutputPlan

    chip = Chip("mock" if os.environ.get("GPIOZERO_PIN_FACTORY") == "mock" else "real")
    plans = {one.name: OutputPlan(one.pin, one.active_high) for one in wanted.switches}
    return GpioOutputs(plans, chip, log)


def _make_servers(wanted: ToolSettings, log: Log) -> list[Toolbox]:
    return [LateBox(functools.partial(make_server, one, log), NO_MCP, log) for one in wanted.servers]


def make_server(one: McpServerSettings, log: Log) -> "McpServer":
    """An MCP server. Its package is an extra, and heavy: nobody has it who has no server. Raises ImportError."""
    from antiphon.tools.mcp_client import McpPlan, McpServer

    def token() -> Secret | None:
        return None if one.token_file is None else token_from(Path(one.token_file), "tools.servers")

    has_token = one.token_file is not None
    return McpServer(McpPlan(one.name, one.argv, one.url, one.tools, one.secret, token, has_token), log)


def make_sound_card(settings: Settings) -> tuple[Microphone, Speaker]:
    """The sound card's two ends; neither is opened yet."""
    from antiphon.devices.pyaudio import PyAudioMicrophone, PyAudioSpeaker

    mic, spk = settings.microphone, settings.speaker
    return (
        PyAudioMicrophone(mic.device, mic.rate_hz, mic.block_ms, mic.channels),
        PyAudioSpeaker(spk.device, spk.rate_hz, spk.block_ms, spk.channels),
    )


def make_mixer(settings: Settings) -> Mixer | None:
    """The mixer of the speaker's card, whether it has one or not; None where the sound itself is to be turned."""
    wanted = settings.speaker
    if wanted.mixer == "none":
        return None

    @functools.cache  # an error is not kept
    def card() -> str:
        from antiphon.devices.sound_devices import choose, list_devices

        return "default" if wanted.device is None else card_of(choose(list_devices(), "output", wanted.device).name)

    return AlsaMixer(card, None if wanted.mixer == "auto" else wanted.mixer)


def make_speech(settings: Settings, key: Secret | None) -> Speech | None:
    """What speaks a text; None without a key, as where only servers on the LAN are asked."""
    if key is None:
        return None

    def load() -> Speech:
        from antiphon.speech.client import SpeechPlan, StepFunSpeech

        wanted = settings.speech
        plan = SpeechPlan(
            wanted.url,
            wanted.model,
            wanted.voice,
            settings.realtime.proxy,
            instruction=wanted.instruction,
            speed=wanted.speed,
        )
        return StepFunSpeech(plan, key)

    return LateSpeech(load)


def make_echo(settings: Settings) -> EchoPath | None:
    """What takes our own sound out of what is heard, or knows at least how well the microphone does."""
    wanted = settings.echo
    if wanted.cancel == "none":
        return None
    if wanted.cancel == "hardware":
        return EchoPath(EchoPlan(wanted.least_erle_db, wanted.decay_ms))
    from antiphon.devices.echo_speex import SpeexEchoCanceller
    from antiphon.devices.echo_webrtc import LATE_FRAMES, WebrtcEchoCanceller

    cancellers = (WebrtcEchoCanceller, SpeexEchoCanceller)
    return EchoPath(EchoPlan(wanted.least_erle_db, wanted.decay_ms, cancellers, LATE_FRAMES))


def _make_endpoint(settings: Settings) -> Endpointer | None:
    """The judge of a turn's end, where this device is to judge it."""
    judge = settings.endpointing
    own = any(plan.own_turns for plan in link_plans(settings))
    if not own:
        return None
    return Endpointer(judge.min_speech_ms, judge.trailing_silence_ms, settings.conversation.max_turn_ms)


def open_wake_words(settings: Settings) -> tuple[WakeEngine | None, Trigger | None]:
    """The engines of the words that are set, as one, and the trigger that judges their scores. Raises ModelError."""
    from antiphon.devices import wake_microwakeword, wake_openwakeword

    openers: dict[str, Callable[[list[str]], WakeEngine]] = {
        "openwakeword": wake_openwakeword.open_engine,
        "microwakeword": wake_microwakeword.open_engine,
    }
    by_engine = {name: [word for word in settings.wake.words if word.engine == name] for name in openers}
    opened = [(openers[name]([word.model for word in words]), words) for name, words in by_engine.items() if words]
    if not opened:
        return None, None
    engine = opened[0][0] if len(opened) == 1 else JoinedWakeEngine([one for one, _ in opened])
    words = [
        WakeWord(name, one.default_threshold(name) if word.threshold is None else word.threshold, word.refractory_ms)
        for one, words in opened
        for name, word in zip(one.words, words, strict=True)
    ]
    return engine, Trigger(words)


def make_painter(lamps: Lamps, wanted: LampSettings) -> FacePainter:
    """Who paints the faces, as bright as is wanted by day and by night."""
    night = None if wanted.night_from is None else Night.between(wanted.night_from, wanted.night_to)
    brightness = Brightness(wanted.brightness, wanted.night_brightness, night)
    return FacePainter(lamps, brightness, dimmable=wanted.dimmable or wanted.kind not in ("gpio", "rgb"))


def open_board(settings: Settings, log: Log) -> tuple[Lamps, Buttons]:
    """Lamps and buttons; what cannot be had is said, tried again, and the rest goes on."""
    wanted = settings.buttons
    pins: dict[Button, int | None] = {
        "talk": wanted.talk,
        "mute": wanted.mute,
        "volume_up": wanted.volume_up,
        "volume_down": wanted.volume_down,
    }
    there = {button: pin for button, pin in pins.items() if pin is not None}
    lit = settings.lamps
    powered = lit.power_pin is not None and lit.kind not in ("none", "terminal")
    if not (powered or lit.kind in ("gpio", "rgb") or there or wanted.mute_switch is not None):
        return _open_lamps(lit, log), NoButtons()
    from antiphon.devices.gpio.buttons import GpioButtons
    from antiphon.devices.gpio.chip import Chip
    from antiphon.devices.gpio.lamps import GpioLamps
    from antiphon.devices.gpio.power import PoweredLamps
    from antiphon.devices.gpio.switch import MuteSwitch

    chip = Chip("mock" if os.environ.get("GPIOZERO_PIN_FACTORY") == "mock" else "real")
    if lit.kind in ("gpio", "rgb"):
        lamps: Lamps = GpioLamps(lit.pins, lit.kind, lit.active_high, lit.dimmable, chip, log)
    else:
        lamps = _open_lamps(lit, log)
    if powered and lit.power_pin is not None:
        lamps = PoweredLamps(lamps, lit.power_pin, chip, log)
    switch = None
    if wanted.mute_switch is not None:
        switch = MuteSwitch(wanted.mute_switch, wanted.pull_up, wanted.mute_switch_closed, chip)
    return lamps, GpioButtons(there, wanted.pull_up, switch, chip, log)


def _open_lamps(lit: LampSettings, log: Log) -> Lamps:
    """Lamps that are on no GPIO line."""
    if lit.kind in ("apa102", "ws2812"):
        from antiphon.devices.spi_lamps import SpiLamps

        return SpiLamps(lit.kind, lit.leds, lit.spi, log)
    return TerminalLamps(sys.stdout, TERMINAL_LAMPS) if lit.kind == "terminal" else NoLamps()
