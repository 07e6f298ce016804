"""A turn of the real mind, shell, mouth and links, or its follow-up, while the cloud's connection is cut at a place.

The services are the simulated ones, on loopback sockets; the room is here: an ear that hears a numbered sound and then
silence, and a sound card that plays faster than sound. Every sample tells who said it and which one it was: the cloud's
replies count up from 1, the LAN's down from -1, so what was heard needs no guessing.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import urlsplit

import numpy as np

from antiphon.app import make_links, make_machine
from antiphon.audio.jitter import JitterPlan
from antiphon.conversation.effects import ChimeName, Effect
from antiphon.conversation.events import Captured, EarClosed, EarOpened, Endpointed, Event, Woke
from antiphon.conversation.machine import Machine
from antiphon.conversation.manners import Manners
from antiphon.conversation.states import AT_REST, State
from antiphon.pcm import LINK_RATE_HZ, Samples, bytes_of, frames_in, samples_of
from antiphon.ports import Post, StreamFormat
from antiphon.runtime.inbox import Inbox
from antiphon.runtime.mouth import Mouth, MouthPlan
from antiphon.runtime.shell import Shell
from antiphon.secret import Secret
from antiphon.settings import Settings
from antiphon.settings.sections import Generate, Realtime
from antiphon.simulator import chirps
from antiphon.simulator.stepfun.handshake import NORMAL_PATH
from antiphon.simulator.stepfun.options import DEFAULT_KEY, SimulatorOptions
from antiphon.simulator.stepfun.options import Timing as CloudTiming
from antiphon.simulator.stepfun.script import Reply
from antiphon.simulator.stepfun.server import StepFunSimulator
from antiphon.simulator.voxserve.options import Timing as LanTiming
from antiphon.simulator.voxserve.options import VoxServeOptions
from antiphon.simulator.voxserve.server import VoxServeSimulator
from antiphon.snapshot import Snapshot
from wire_cutter import HOST, Cut, WireCutter

BOUND_S = 90
"""A turn that is not over by then is stuck; none of its limits is near."""

PREROLL_MS, SPEECH_MS, PIECE_MS = 320, 480, 40
SPOKEN: Samples = chirps.code(frames_in(PREROLL_MS + SPEECH_MS, LINK_RATE_HZ), LINK_RATE_HZ, level_db=-12)
"""What the user says, pre-roll first; each stretch of it tells where it belongs."""
FOLLOWED: Samples = chirps.code(frames_in(SPEECH_MS, LINK_RATE_HZ), LINK_RATE_HZ, first_slot=1000, level_db=-12)
"""What he says after the reply, without a wake word."""

REPLY_FRAMES = 4800
CLOUD_SAYS: Samples = np.arange(1, REPLY_FRAMES + 1).astype(np.int16)
LAN_SAYS: Samples = -CLOUD_SAYS
_SPEED, _DELTA_BYTES = 4.0, 1600
_DELTA_FRAMES = 1000  # at most: the simulator varies them by a quarter

TICK_S = 0.004
"""In it the room hears PIECE_MS of sound and plays a card's period: ten and five times as fast as sound."""
PERIOD_FRAMES = 480
AHEAD_S = 0.01
"""So long after the card has taken a period, it can be heard."""

_BEGAN_MS, _ENDED_MS = 120, 320  # of voice, and of silence after it: the ear's own judgement

HASTY = Manners(
    opening_ms=30_000,  # only a limit that makes the next link be asked may be short
    thinking_ms=30_000,
    switch_ms=300,
    answer_ms=600,
    link_silence_ms=300,
    nothing_said_ms=2000,
    reply_gap_ms=1500,
    hang_ms=1000,
    sorry_ms=200,
    follow_up_ms=0,
)
FOLLOWING = HASTY.model_copy(update={"follow_up_ms": 3000})
PATIENT = HASTY.model_copy(update={"switch_ms": 30_000, "answer_ms": 30_000, "link_silence_ms": 30_000})
"""The cloud answers, however slow the machine is."""


# ── the room ─────────────────────────────────────────────────────────────────────────────────────


class Ear:
    """runtime.shell.EarControl: hears SPOKEN, the wake word at PREROLL_MS, then silence, FOLLOWED when asked to, and
    then silence for ever.
    """

    def __init__(self, post: Post) -> None:
        self._post = post
        self._voice_ms = self._silence_ms = 0  # since it streams
        self._at = self._sent = 0  # frames heard, and frames that came out or never will
        self._tape = SPOKEN
        self._streams = False
        """How often it has said that somebody speaks."""

    def open(self) -> None:
        self._post(EarOpened())

    def close(self) -> None:
        self._post(EarClosed())

    def stream(self, preroll_ms: float, _after_s: float | None) -> None:
        if not self._streams:
            self._streams = True
            self._voice_ms = self._silence_ms = 0
            self._sent = max(self._sent, self._at - frames_in(preroll_ms, LINK_RATE_HZ))
            if pcm := self._unsent():
                self._post(Captured(pcm, 0.0))

    def rest(self) -> None:
        self._streams, self._sent = False, self._at

    def wake(self) -> None:
        """The wake word: what has been heard of it comes out."""
        self._streams, self._at = True, frames_in(PREROLL_MS, LINK_RATE_HZ)
        self._post(Woke("hey", 0.9, self._unsent(), time.monotonic()))

    def follow_up(self) -> None:
        """From the next piece on it hears FOLLOWED."""
        silence = np.zeros(self._at - len(self._tape), np.int16)
        self._tape = np.concatenate([self._tape, silence, FOLLOWED])

    def hear(self) -> None:
        """The next PIECE_MS, once awake."""
        if not self._at:
            return
        piece = self._tape[self._at : self._at + frames_in(PIECE_MS, LINK_RATE_HZ)]
        voiced = bool(np.any(piece))
        self._at += frames_in(PIECE_MS, LINK_RATE_HZ)
        if self._streams:
            self._post(Captured(self._unsent(), PIECE_MS if voiced else 0.0))
            self._judge(voiced)

    def _judge(self, voiced: bool) -> None:
        """The user says one thing, and then no more."""
        if voiced:
            self._voice_ms += PIECE_MS
            if self._voice_ms == _BEGAN_MS:
                self._post(Endpointed("began"))
        elif self._voice_ms >= _BEGAN_MS:
            self._silence_ms += PIECE_MS
            if self._silence_ms == _ENDED_MS:
                self._post(Endpointed("ended"))

    def _unsent(self) -> bytes:
        frames, said = self._at - self._sent, self._tape[self._sent : self._at]
        self._sent = self._at
        return bytes_of(said) + bytes(2 * (frames - len(said)))


class Card:
    """ports.Speaker, played by hand; keeps what it was given."""

    hung = False

    def __init__(self) -> None:
        self._pull: Callable[[int, float], bytes] | None = None
        self._played: list[bytes] = []

    def open(self, pull: Callable[[int, float], bytes]) -> StreamFormat:
        self._pull = pull
        return StreamFormat("card", LINK_RATE_HZ, 1, PERIOD_FRAMES)

    def play(self) -> None:
        """One period."""
        if (pull := self._pull) is not None:
            self._played.append(pull(PERIOD_FRAMES, time.monotonic() + AHEAD_S))

    def underflows(self) -> int:
        return 0

    def close(self) -> None:
        self._pull = None

    @property
    def sound(self) -> Samples:
        """All that was played but silence."""
        played = samples_of(b"".join(self._played))
        return played[played != 0]


class ToldMouth(Mouth):
    """The mouth; its chimes are told, and make no sound."""

    def __init__(self, card: Card, post: Post) -> None:
        plan = MouthPlan(chime_level_db=None, jitter=JitterPlan(start_ms=40, most_ms=500), stall_ms=1e9)
        super().__init__(card, post, plan)
        self.chimes: list[ChimeName] = []

    def chime(self, name: ChimeName) -> None:
        self.chimes.append(name)


class Mind:
    """The machine, and how often it was told that somebody begins to speak before it had gone to sleep."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.began = 0

    def handle(self, event: Event, now: float) -> list[Effect]:
        awake = self._machine.state not in AT_REST
        self.began += event == Endpointed("began") and awake
        return self._machine.handle(event, now)

    @property
    def deadline(self) -> float | None:
        return self._machine.deadline

    @property
    def snapshot(self) -> Snapshot:
        return self._machine.snapshot


class Face:
    """Watcher, log and notifier in one: what the mind shows and tells."""

    watchdog_s = 0.0

    def __init__(self) -> None:
        self.state = State.ASLEEP
        self.link_is_open = False
        self.notes: list[str] = []
        self._began_s = time.monotonic()
        self._news = asyncio.Event()

    def see(self, snapshot: Snapshot) -> None:
        self.state, self.link_is_open = snapshot.state, snapshot.link == "open"
        self.look()

    def look(self) -> None:
        """Something may have changed."""
        self._news.set()

    def write(self, level: str, what: str, **fields: str | float) -> None:
        at_ms = round(1000 * (time.monotonic() - self._began_s))
        self.notes.append(" ".join((f"{at_ms:5} {what}", *(f"{name}={value}" for name, value in fields.items()))))

    def ready(self) -> None: ...
    def status(self, line: str) -> None: ...
    def alive(self) -> None: ...
    def stopping(self) -> None: ...

    async def until(self, fact: Callable[[], bool]) -> None:
        while not fact():
            self._news.clear()
            await self._news.wait()


# ── a turn ───────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Told:
    """What came of a turn."""

    cut: Cut | None
    heard: Samples
    chimes: list[ChimeName]
    asked: list[tuple[Samples, int]]
    """The speech of each question to the LAN, and its rate in Hz."""
    cloud: list[Samples]
    """What each connection of the cloud was sent."""
    answered: list[int]
    """The connections of the cloud that began a reply, in order."""
    struck: bool
    events: dict[str, int]
    """Events that left on each way of the first connection."""
    bytes: dict[str, int]
    notes: list[str] = field(repr=False, default_factory=list)
    stuck: bool = False
    spoken: Samples = field(repr=False, default_factory=lambda: SPOKEN)
    """What the user has said."""
    noticed: bool = True
    """The ear has said that somebody speaks, before the device fell asleep."""


async def take(cut: Cut | None = None, *, warm: bool = True, seed: int = 0, manners: Manners = HASTY) -> Told:
    """One turn, from the wake word to rest. `warm`: the cloud's call is open before it, or has failed."""
    async with _staged(manners, seed, cut) as stage:
        room, stuck = stage.room, False
        try:
            async with asyncio.timeout(BOUND_S), room.living():
                if warm:
                    await room.face.until(lambda: room.face.link_is_open or stage.cutter.struck)
                room.ear.wake()
                await room.face.until(lambda: room.face.state is not State.ASLEEP)
                await room.face.until(lambda: room.face.state is State.ASLEEP)
        except TimeoutError:
            stuck = True
        return replace(stage.told(_Before()), cut=cut, stuck=stuck)


async def follow_up(cut: Cut | None = None, *, seed: int = 0, manners: Manners = FOLLOWING) -> Told | None:
    """The follow-up to a turn that nobody disturbs; `cut` counts from the end of the first reply on.

    None when the machine was so slow that the first turn was not the cloud's.
    """
    async with _staged(manners, seed, None) as stage:
        room, before, stuck = stage.room, _Before(), False
        try:
            async with asyncio.timeout(BOUND_S), room.living():
                await room.face.until(lambda: room.face.link_is_open)
                room.ear.wake()
                await room.face.until(lambda: room.face.state is not State.ASLEEP)
                await room.face.until(lambda: room.face.state in (State.LINGERING, State.ASLEEP))
                before = stage.before()
                if not np.array_equal(room.card.sound, CLOUD_SAYS) or room.face.state is State.ASLEEP:
                    return None
                stage.cutter.cut = _later(cut, stage.cutter)
                room.ear.follow_up()
                await room.face.until(lambda: room.face.state is not State.LINGERING)
                await room.face.until(lambda: room.face.state in (State.LINGERING, State.ASLEEP))
        except TimeoutError:
            stuck = True
        noticed = room.mind.began > before.began
        return replace(stage.told(before), cut=cut, stuck=stuck, spoken=FOLLOWED, noticed=noticed)


def _later(cut: Cut | None, cutter: WireCutter) -> Cut | None:
    """The same cut, as many events later as have left."""
    return None if cut is None else replace(cut, event=(cut.event or 0) + cutter.counts[cut.way].events)


@dataclass(frozen=True, slots=True)
class _Before:
    """What came before the turn that is told of."""

    heard: int = 0
    chimes: int = 0
    asked: int = 0
    began: int = 0
    sent: tuple[int, ...] = ()
    """Samples to each connection of the cloud, and likewise its replies."""
    replies: tuple[int, ...] = ()
    events: dict[str, int] = field(default_factory=lambda: {"down": 0, "up": 0})
    bytes: dict[str, int] = field(default_factory=lambda: {"down": 0, "up": 0})


@dataclass
class _Stage:
    """The services, the wire between, and the room."""

    cloud: StepFunSimulator
    lan: VoxServeSimulator
    cutter: WireCutter
    room: "_Room"

    def before(self) -> _Before:
        """Where everything is now."""
        room, counts = self.room, self.cutter.counts
        return _Before(
            heard=len(room.card.sound),
            chimes=len(room.mouth.chimes),
            asked=len(self._asked),
            began=room.mind.began,
            sent=tuple(len(one.samples()) for one in self.cloud.sessions),
            replies=tuple(len(one.responses) for one in self.cloud.sessions),
            events={way: count.events for way, count in counts.items()},
            bytes={way: count.bytes for way, count in counts.items()},
        )

    def told(self, before: _Before) -> Told:
        """All that came of it since `before`."""
        room, counts, sessions = self.room, self.cutter.counts, self.cloud.sessions
        sent, replies = (past + (0,) * len(sessions) for past in (before.sent, before.replies))
        return Told(
            cut=None,
            heard=room.card.sound[before.heard :],
            chimes=room.mouth.chimes[before.chimes :],
            asked=self._asked[before.asked :],
            cloud=[one.samples(first) for one, first in zip(sessions, sent, strict=False)],
            answered=[one.index for one, past in zip(sessions, replies, strict=False) if len(one.responses) > past],
            struck=self.cutter.struck,
            events={way: count.events - before.events[way] for way, count in counts.items()},
            bytes={way: count.bytes - before.bytes[way] for way, count in counts.items()},
            notes=room.face.notes,
        )

    @property
    def _asked(self) -> list[tuple[Samples, int]]:
        return [(one.samples, one.rate_hz) for one in self.lan.requests if one.upload is not None]


@contextlib.asynccontextmanager
async def _staged(manners: Manners, seed: int, cut: Cut | None) -> AsyncIterator[_Stage]:
    timing = replace(CloudTiming.quick(), delta_bytes=_DELTA_BYTES, speed=_SPEED)
    options = SimulatorOptions(timing=timing, seed=seed, replies=(Reply("One two three."),))
    lan_options = VoxServeOptions(timing=LanTiming.quick())
    async with (
        StepFunSimulator(options, synthesise=lambda *_: CLOUD_SAYS) as cloud,
        VoxServeSimulator(lan_options, synthesise=lambda *_: LAN_SAYS) as lan,
        WireCutter(urlsplit(cloud.url()).port or 0, cut) as cutter,
    ):
        yield _Stage(cloud, lan, cutter, _Room.furnish(manners, cutter.port, lan.url()))


@dataclass
class _Room:
    ear: Ear
    card: Card
    mouth: ToldMouth
    face: Face
    mind: Mind
    shell: Shell

    @classmethod
    def furnish(cls, manners: Manners, cloud_port: int, lan_url: str) -> "_Room":
        """Everything of an appliance that is not its sound card, and has not begun to run."""
        url = f"ws://{HOST}:{cloud_port}{NORMAL_PATH}"
        settings = Settings(
            realtime=Realtime(url=url, silence_ms=200, prefix_padding_ms=5000),
            generate=Generate(urls=(lan_url,), open_timeout_ms=30_000, first_sound_ms=30_000, gap_ms=30_000),
            conversation=manners,
        )
        inbox, face, card = Inbox(), Face(), Card()
        ear, mouth = Ear(inbox.post), ToldMouth(card, inbox.post)
        makers = make_links(settings, Secret(DEFAULT_KEY, "the test"))
        mind = Mind(make_machine(settings))
        return cls(ear, card, mouth, face, mind, Shell(mind, inbox, ear, mouth, makers, [face], face, face))

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Time goes on in the room, and the appliance runs."""
        self.mouth.start()
        try:
            async with asyncio.TaskGroup() as group:
                life = group.create_task(self.shell.run(self._go_on()))
                try:
                    yield
                finally:
                    self.shell.stop()
                    await life
        finally:
            self.mouth.stop(BOUND_S)

    async def _go_on(self) -> None:
        while True:
            self.ear.hear()
            self.card.play()
            self.face.look()
            await asyncio.sleep(TICK_S)


# ── the verdict ──────────────────────────────────────────────────────────────────────────────────

Outcome = Literal["cloud", "cloud, broken off", "LAN", "unnoticed"]
"""The last: the call was over before a follow-up had begun, by the ear's judgement; the device sleeps, and shows it."""
_LOUD = 300  # speech, and not what a resampler rings before it
_STRAY = 2
"""Damage inside the base64 of a reply may change so many of its samples, and nobody can tell."""


def verdict(told: Told) -> Outcome:
    """Who answered. AssertionError: both, or neither, or not as it should be."""
    assert not told.stuck, "the turn never ended"
    spoiled = told.cut is not None and told.cut.act == "corrupt"
    cloud, lan = (told.heard[told.heard * sign > 0] * sign for sign in (1, -1))
    stray = _STRAY if spoiled else 0
    if not told.noticed:
        assert len(told.heard) + len(told.asked) + len(told.chimes) == 0, "nobody spoke, and somebody was answered"
        return "unnoticed"
    assert min(len(cloud), len(lan)) <= stray, f"both spoke: the cloud {len(cloud)} samples, the LAN {len(lan)}"
    assert max(len(cloud), len(lan)) > stray, (
        f"nobody spoke (chimes {told.chimes}, the LAN was asked {len(told.asked)})"
    )
    if len(lan) > len(cloud):
        _check_lan(told, lan)
        return "LAN"
    return _check_cloud(told, cloud, stray, spoiled=spoiled)


def _check_lan(told: Told, heard: Samples) -> None:
    assert len(told.asked) == 1, f"the LAN was asked {len(told.asked)} times"
    wrong = whole(*told.asked[0], spoken=told.spoken)
    assert not wrong, f"the LAN got {wrong}"
    assert np.array_equal(heard, -LAN_SAYS), f"{len(heard)} samples of the LAN's reply were heard"


def _check_cloud(told: Told, heard: Samples, stray: int, *, spoiled: bool) -> Outcome:
    assert not told.asked, "the LAN was asked what the cloud has answered"
    complete = REPLY_FRAMES - int(heard.max()) <= (_DELTA_FRAMES if spoiled else 0)
    if spoiled:  # a piece that was spoiled is left out
        assert np.sum(np.diff(heard) < 1) <= 2 * stray, "the reply was heard out of order"
    else:
        assert np.array_equal(heard, CLOUD_SAYS[: len(heard)]), "the reply was heard with gaps"
    assert complete or "sorry" in told.chimes, f"{len(heard)} samples of the reply were heard, and nobody was sorry"
    by = told.answered[-1]
    damaged = told.cut is not None and told.cut.way == "up" and by == 0
    wrong = "" if damaged else whole(told.cloud[by], LINK_RATE_HZ, spoken=told.spoken)
    assert not wrong, f"the cloud got {wrong}"
    return "cloud" if complete else "cloud, broken off"


def whole(received: Samples, rate_hz: int, *, spoken: Samples = SPOKEN) -> str:
    """ "" when `received` is all of `spoken`, once, and then silence; else what is wrong with it.

    Before a follow-up there is silence too: the ear cannot know when somebody will speak.
    """
    piece, owed = frames_in(PIECE_MS, rate_hz), len(spoken) * rate_hz // LINK_RATE_HZ
    if len(received) < owed or (len(received) - owed) % piece:
        return f"{len(received)} samples of {owed} and pieces of {piece}"
    before = 0 if spoken is SPOKEN else round(int(np.argmax(np.abs(received) > _LOUD)) / piece) * piece
    after = len(received) - owed - before
    if after < 0:
        return f"the last {owed + after} samples of {owed}"
    silences = [np.zeros(count * LINK_RATE_HZ // rate_hz, np.int16) for count in (before, after)]
    found = chirps.compare(np.concatenate([silences[0], spoken, silences[1]]), LINK_RATE_HZ, received, rate_hz)
    guard, begins = frames_in(chirps.GUARD_MS + chirps.WINDOW_MS, LINK_RATE_HZ), len(silences[0])
    if found.whole and found.first_frame <= begins + guard and found.last_frame >= begins + len(spoken) - guard:
        return ""
    return str(found)
