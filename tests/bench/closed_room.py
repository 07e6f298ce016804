"""A device that speaks and hears itself, in virtual time and as fast as the machine can: the real echo path, ear and
jitter buffer, without threads and a card, in a room of numbers.

Both clocks, the card's periods and the ear's blocks are as a card has them. What the mind would do about who speaks
over a reply (hold it, go on, end it) is done here, with the mind's own `Overlap` and the simulated service's own ear.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from antiphon.audio.jitter import JitterBuffer, JitterPlan
from antiphon.audio.trigger import Trigger, WakeWord
from antiphon.conversation.events import Captured, EchoJudged, Event, NearEnd, Woke
from antiphon.conversation.manners import Manners
from antiphon.conversation.overlap import Duplex, Overlap
from antiphon.devices.echo_speex import SpeexEchoCanceller
from antiphon.devices.echo_webrtc import LATE_FRAMES, WebrtcEchoCanceller
from antiphon.devices.vad_webrtc import WebrtcVoiceDetector
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, Samples, clipped, frames_in, samples_of
from antiphon.ports import WakeEngine
from antiphon.runtime.echo import Cleaned
from antiphon.runtime.echo_path import EchoPath
from antiphon.runtime.echo_stream import EchoPlan
from antiphon.runtime.hearing import Hearing
from antiphon.simulator.acoustics import Acoustics
from antiphon.simulator.acoustics import EchoPath as Air
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.vad import EnergyVad, VadSettings

MIC_HZ, SPK_HZ = 16_000, 24_000
BLOCK_MS, PERIOD_MS = 80, 20  # as the settings have them
BOTH = EchoPlan(10.0, 250.0, (WebrtcEchoCanceller, SpeexEchoCanceller), LATE_FRAMES)
"""echo.cancel: software, as the settings have it."""
_BEGUN_S = 1000.0
_JITTER_S = 30e-6  # of what a card says of its time


@dataclass(slots=True)
class Record:
    """What was heard, from the microphone's frame 0 on: what came out of the echo path is a little shorter."""

    mic: list[Samples] = field(default_factory=list)
    echo: list[Samples] = field(default_factory=list)
    heard: list[Samples] = field(default_factory=list)
    wake: list[Samples] = field(default_factory=list)

    def whole(self) -> tuple[Samples, Samples, Samples, Samples]:
        """mic, echo, heard and wake, as long as each other."""
        parts = [np.concatenate(part) for part in (self.mic, self.echo, self.heard, self.wake)]
        length = min(map(len, parts))
        mic, echo, heard, wake = (part[:length] for part in parts)
        return mic, echo, heard, wake


class ClosedRoom:
    """One device in one room. `told` is what has happened, with the second of it; all times are since the beginning."""

    def __init__(
        self,
        acoustics: Acoustics,
        *,
        plan: EchoPlan = BOTH,
        engine: WakeEngine | None = None,
        threshold: float = 0.5,
        noise_db: float | None = -60.0,
        yields: bool = True,
        keep: bool = False,
        seed: int = 1,
    ) -> None:
        """With `engine` wake words are heard; what is `kept` is in `record`; one that does not yield speaks on,
        whoever speaks over it.
        """
        self.told: list[tuple[float, str]] = []
        self.record = Record() if keep else None
        self.path = _Kept(plan, self.record)
        trigger = None if engine is None else Trigger([WakeWord(engine.words[0], threshold, 2000.0)])
        self._hearing = Hearing(MIC_HZ, engine, WebrtcVoiceDetector(), trigger, None, 2000.0, self.path)
        self._air = Air(acoustics, MIC_HZ, SPK_HZ)
        self._pace = 1 + acoustics.drift_ppm / 1e6
        self._chance = np.random.default_rng(seed)
        self._noise = 0.0 if noise_db is None else 32_768 * 10 ** (noise_db / 20)
        self._echo = np.zeros(0, np.int16)  # of the frames that were not heard yet
        self._said: list[tuple[int, Samples]] = []
        self._mouth = JitterBuffer(SPK_HZ, JitterPlan(60.0, 400.0))
        self._played = 0
        self.frame = 0
        """The microphone's next frame."""
        self._yields = yields
        self._overlap = Overlap(Duplex(full=True))
        self._doubt_until_s = math.inf
        self._reply: str | None = None
        self._replies = 0
        self._service = _service_ear()
        for event in self._hearing.begin():
            self._tell(event)
        self._hearing.stream()

    # ── what happens in it ───────────────────────────────────────────────────────────────────────

    @property
    def now_s(self) -> float:
        """Seconds since the beginning."""
        return self.frame / MIC_HZ

    @property
    def speaks(self) -> bool:
        """A reply is not over."""
        return self._reply is not None

    def reply(self, sound: Samples) -> None:
        """The device begins to say this (24 kHz)."""
        self._replies += 1
        self._reply = f"reply {self._replies}"
        self._overlap.begin()
        self._doubt_until_s = math.inf
        self._service = _service_ear()
        self._mouth.push(self._reply, sound)
        self._mouth.end(self._reply)

    def say(self, sound: Samples, at_frame: int) -> None:
        """Somebody in the room says this (16 kHz, as loud as it is at the microphone) from that frame on."""
        self._said.append((at_frame, sound))

    def move(self, acoustics: Acoustics) -> None:
        """The microphone is at another place from now on."""
        self._air.move(acoustics)

    def run(self, seconds: float) -> None:
        """Let so much time pass, in whole blocks."""
        for _ in range(round(seconds * 1000 / BLOCK_MS)):
            self._block()

    def run_out(self) -> None:
        """Until the reply is over."""
        while self.speaks:
            self._block()

    def count(self, what: str, since_s: float = 0.0) -> int:
        """How often that was told."""
        return sum(told == what for at_s, told in self.told if at_s >= since_s)

    # ── a block of the microphone ────────────────────────────────────────────────────────────────

    def _block(self) -> None:
        block = frames_in(BLOCK_MS, MIC_HZ)
        self._play(self.now_s + (BLOCK_MS + 2 * PERIOD_MS) / 1000)
        mic = self._sensed(block)
        captured_s = _BEGUN_S + self.now_s + self._jitter_s()
        self.frame += block
        for event in self._hearing.hear(mic, captured_s):
            self._tell(event)
        self._mind()

    def _play(self, until_s: float) -> None:
        """The card asks for periods two periods before they sound."""
        period = frames_in(PERIOD_MS, SPK_HZ)
        while (at_s := self._played / (SPK_HZ * self._pace)) < until_s:
            heard_at_s = _BEGUN_S + at_s + self._jitter_s()
            sound = self._mouth.take(period, heard_at_s)
            self.path.played(sound, SPK_HZ, heard_at_s)
            self._echo = np.concatenate((self._echo, clipped(self._air.hear(sound))))
            self._played += period

    def _sensed(self, block: int) -> Samples:
        echo, self._echo = self._echo[:block], self._echo[block:]
        people = np.zeros(block, np.float32)
        for first, sound in self._said:
            begin, end = max(first, self.frame), min(first + len(sound), self.frame + block)
            if begin < end:
                people[begin - self.frame : end - self.frame] += sound[begin - first : end - first]
        self._said = [(first, sound) for first, sound in self._said if first + len(sound) > self.frame + block]
        noise = self._chance.standard_normal(block, dtype=np.float32) * np.float32(self._noise)
        mic = np.clip(np.rint(echo + people + noise), -32_768, 32_767).astype(np.int16)
        if self.record is not None:
            self.record.mic.append(mic)
            self.record.echo.append(echo)
        return mic

    def _jitter_s(self) -> float:
        return abs(float(self._chance.normal(0, _JITTER_S)))

    # ── what the mind does about it ──────────────────────────────────────────────────────────────

    def _tell(self, event: Event) -> None:
        if isinstance(event, Captured):
            self._hear_as_service(event.pcm)
        elif isinstance(event, Woke):
            self._note("woke")
            self._hear_as_service(event.preroll)
        elif isinstance(event, EchoJudged):
            self._note("cancelled" if event.cancelled else "alarm")
            self._overlap.cancelled = event.cancelled
        elif isinstance(event, NearEnd) and self.speaks:
            self._note(event.edge)
            if event.edge == "ended":
                self._overlap.begin()
            else:
                self._overlap.near = event.edge

    def _hear_as_service(self, pcm: bytes) -> None:
        for edge in self._service.feed(samples_of(pcm[: len(pcm) // SAMPLE_BYTES * SAMPLE_BYTES])):
            self._overlap.service = edge.edge == "began"
            if self.speaks and edge.edge == "began":
                self._note("service")

    def _mind(self) -> None:
        now_s = _BEGUN_S + self.now_s
        for fact in self._mouth.due(now_s):
            if fact.what in ("finished", "hushed") and fact.reply == self._reply:
                self._reply = None
                self._note(fact.what)
        if self._reply is None or not self._yields:
            return
        verdict = self._overlap.verdict if self._overlap.full else "nothing"
        if verdict == "speech":
            self._mouth.hush(self._reply, now_s)
            self._overlap.begin()
            self._note("interrupted")
        elif verdict == "perhaps" and self._doubt_until_s == math.inf:
            self._mouth.duck(self._reply)
            self._doubt_until_s = self.now_s + Manners().doubt_ms / 1000
            self._note("held")
        elif self._doubt_until_s < math.inf and (verdict == "nothing" or self.now_s >= self._doubt_until_s):
            self._mouth.resume(self._reply)
            self._overlap.begin()
            self._doubt_until_s = math.inf
            self._note("resumed")

    def _note(self, what: str) -> None:
        self.told.append((self.now_s, what))


class _Kept(EchoPath):
    """An echo path, and what came out of it."""

    def __init__(self, plan: EchoPlan, record: Record | None) -> None:
        super().__init__(plan)
        self._record = record

    def clean(self, samples: Samples, captured_s: float) -> Cleaned:
        cleaned = super().clean(samples, captured_s)
        if self._record is not None:
            self._record.heard.append(cleaned.heard)
            self._record.wake.append(cleaned.wake)
        return cleaned


def _service_ear() -> EnergyVad:
    options = SimulatorOptions()
    return EnergyVad(VadSettings(), per_rms=options.energy_per_rms, attack_ms=options.vad_attack_ms)


def left_db(echo: Samples, left: Samples, length_s: float = 1.0, active_db: float = -50.0) -> list[float]:
    """How much of `echo` is in `left`, in dB, stretch by stretch of those in which there is echo: less is better."""
    frames = round(length_s * MIC_HZ)
    before, after = (_powers(sound, frames) for sound in (echo, left))
    loud = before > (32_768 * 10 ** (active_db / 20)) ** 2
    return [float(one) for one in 10 * np.log10((after[loud] + 1e-3) / before[loud])]


def _powers(sound: Samples, frames: int) -> NDArray[np.float64]:
    whole = sound[: len(sound) // frames * frames].astype(np.float64)
    return np.asarray(np.mean(whole.reshape(-1, frames) ** 2, axis=1))


assert LINK_RATE_HZ == SPK_HZ, "replies are played as they come"
