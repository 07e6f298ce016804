"""The acoustic test on a sound card: plays the probe, records it, and says where the cards' own times place it.

What is heard is judged elsewhere: in numbers by audio/acoustic.py, in words by advice.py and suggestion.py.
"""

from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from threading import Event as Flag

import numpy as np

from antiphon.app import make_mixer, make_sound_card
from antiphon.audio.acoustic import LATE_MS, TAIL_MS, Measured, Recording, measure
from antiphon.audio.clock import StreamClock
from antiphon.audio.sweep import Probe
from antiphon.checkup.advice import explain
from antiphon.checkup.finding import Finding, in_time
from antiphon.checkup.sound import NOT_IN_TIME
from antiphon.checkup.suggestion import Suggestion, suggest
from antiphon.devices.echo_speex import SpeexEchoCanceller
from antiphon.devices.echo_webrtc import WebrtcEchoCanceller
from antiphon.devices.quiet import no_stderr
from antiphon.devices.sound_devices import Device, choose, list_devices
from antiphon.errors import DeviceError
from antiphon.pcm import Samples, bytes_of, floats_of, ms_of, samples_of
from antiphon.ports import Block, Microphone, Speaker, StreamFormat
from antiphon.settings import Settings

SETTLE_MS = 500.0
"""Cards click as they begin: nothing that comes so early is used."""
PATIENCE_S = 5.0
"""A card that does not go on for so long has stopped."""
LIMIT_S = 90.0
"""After this nothing more can come, and a driver hangs."""
MOST_CHANNELS = 8

STOP_IT = "sudo systemctl stop antiphon, try again, and then sudo systemctl start antiphon"
BUSY = f"if the appliance runs, it holds the card: {STOP_IT}; `antiphon devices` lists what there is"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the test came to; without figures when it could not be made."""

    findings: list[Finding]
    suggestions: list[Suggestion]
    measured: Measured | None = None
    rate_hz: int | None = None
    """The microphone's."""


def measure_acoustics(settings: Settings) -> Outcome:
    """Measure the card of the settings, as it is turned now. It is given up in time, whatever the driver does."""

    def work() -> Outcome:
        microphone, speaker = make_sound_card(with_all_channels(settings, list_devices()))
        return check_acoustics(settings, microphone, speaker, volume=_volume(settings))

    try:
        return in_time(work, LIMIT_S)
    except TimeoutError:
        says = f"the sound system has not answered in {LIMIT_S:g} s"
        return Outcome([Finding("acoustics", "fail", says, NOT_IN_TIME)], [])


def _volume(settings: Settings) -> int | None:
    """What the card's mixer says; None where it has none."""
    mixer = make_mixer(settings)
    try:
        with no_stderr():  # ALSA complains of a card that is none
            return None if mixer is None else mixer.get()
    except DeviceError:
        return None


def check_acoustics(
    settings: Settings,
    microphone: Microphone,
    speaker: Speaker,
    patience_s: float = PATIENCE_S,
    *,
    volume: int | None = None,
) -> Outcome:
    """Measure the way from the speaker to the microphone. It sounds for ten seconds, at this `volume` of the mixer."""
    try:
        recording, probe = record(microphone, speaker, patience_s)
    except DeviceError as error:
        return Outcome([Finding("acoustics", "fail", str(error), BUSY)], [])
    except TimeoutError as error:
        return Outcome([Finding("acoustics", "fail", str(error), NOT_IN_TIME)], [])
    measured = measure(without_copies(recording), probe)
    return Outcome(
        explain(measured, settings, recording.rate_hz, volume),
        suggest(measured, settings, recording.rate_hz, volume, can_cancel=_can_cancel()),
        measured,
        recording.rate_hz,
    )


def without_copies(recording: Recording) -> Recording:
    """Only the first channel, where the others are the same: ALSA gives as many of a card's one as are asked for."""
    if np.array_equal(recording.heard[1:], np.broadcast_to(recording.heard[0], recording.heard[1:].shape)):
        return replace(recording, heard=recording.heard[:1])
    return recording


def _can_cancel() -> bool:
    """Both cancellers are here. They are not begun: that takes a second of a small board."""
    try:
        SpeexEchoCanceller.seek()
        WebrtcEchoCanceller.seek()
    except DeviceError:
        return False
    return True


def record(microphone: Microphone, speaker: Speaker, patience_s: float = PATIENCE_S) -> tuple[Recording, Probe]:
    """Play the probe and record it. Raises DeviceError, and TimeoutError when a card does not go on."""
    ear = _Ear()
    mic = microphone.open(ear.blocks.put)
    try:
        mouth = _Mouth()
        spk = speaker.open(mouth.pull)
        try:
            probe = Probe(mic.rate_hz, spk.rate_hz)
            ear.hear(mic, SETTLE_MS, patience_s)
            mouth.begin(probe.sound())
            ear.hear(mic, 1000 * probe.length_s + TAIL_MS + LATE_MS + spk.output_latency_ms, patience_s)
            if not mouth.over.wait(patience_s):
                raise TimeoutError(f"{spk.device!r} has taken only a part of the sound in time")
            return ear.recording(mic, mouth.heard_at_s(spk, probe.normal.at_s), speaker.underflows()), probe
        finally:
            speaker.close()
    finally:
        microphone.close()


class _Ear:
    """Keeps all blocks, and the card's time of each."""

    def __init__(self) -> None:
        self.blocks: SimpleQueue[Block | None] = SimpleQueue()
        self._kept: list[Block] = []
        self._frames = 0

    def hear(self, stream: StreamFormat, for_ms: float, patience_s: float) -> None:
        """Keep this much more of it. Raises DeviceError when the stream ends, TimeoutError when it is too slow."""
        wanted = self._frames + round(for_ms * stream.rate_hz / 1000)
        while self._frames < wanted:
            try:
                block = self.blocks.get(timeout=patience_s)
            except Empty:
                had_ms = ms_of(self._frames, stream.rate_hz)
                raise TimeoutError(f"{stream.device!r} gave {had_ms:.0f} ms of sound, and then no more") from None
            if block is None:
                raise DeviceError(f"the microphone {stream.device!r}", "it gives no more sound", "Check its cable")
            self._kept.append(block)
            self._frames += len(samples_of(block.pcm)) // stream.channels

    def recording(self, stream: StreamFormat, heard_at_s: float, underflows: int) -> Recording:
        """All of it; the normal sweep begins to sound at `heard_at_s`."""
        clock, frame = StreamClock(stream.rate_hz), 0
        for block in self._kept:
            frames = len(samples_of(block.pcm)) // stream.channels
            arrived_s = block.arrived_s - frames / stream.rate_hz
            clock.told(frame, arrived_s if block.captured_s is None else block.captured_s)
            frame += frames
        whole = samples_of(b"".join(block.pcm for block in self._kept)).reshape(-1, stream.channels)
        overflows = sum(block.overflowed for block in self._kept)
        return Recording(
            np.ascontiguousarray(floats_of(whole).T), stream.rate_hz, clock.frame_at(heard_at_s), overflows, underflows
        )


class _Mouth:
    """Plays silence until `begin`, then a sound, then silence; `over` is set when the card has taken all."""

    def __init__(self) -> None:
        self.over = Flag()
        self._sound: Samples | None = None
        self._at = 0
        self._times: list[tuple[int, float]] = []

    def begin(self, sound: Samples) -> None:
        """The next period that the card asks for is the sound's first."""
        self._sound = sound

    def pull(self, frames: int, heard_at_s: float) -> bytes:
        """On the driver's thread."""
        sound = self._sound
        if sound is None:
            return bytes(2 * frames)
        self._times.append((self._at, heard_at_s))
        period = np.zeros(frames, np.int16)
        part = sound[self._at : self._at + frames]
        period[: len(part)] = part
        self._at += frames
        if self._at >= len(sound):
            self.over.set()
        return bytes_of(period)

    def heard_at_s(self, stream: StreamFormat, at_s: float) -> float:
        """When the sound's frame at `at_s` was heard, as the card says."""
        clock = StreamClock(stream.rate_hz)
        for frame, heard_at_s in self._times:
            clock.told(frame, heard_at_s)
        return clock.time_of(at_s * stream.rate_hz)


def with_all_channels(settings: Settings, devices: list[Device]) -> Settings:
    """The settings with all channels of the microphone, where `devices` has it: one of them may be deaf."""
    try:
        count = choose(devices, "input", settings.microphone.device).input_channels
    except DeviceError:  # to be said when it is opened
        return settings
    if count > MOST_CHANNELS:  # no card, but a name that takes any number of them
        count = 2
    channels = max(settings.microphone.channels, count)
    microphone = settings.microphone.model_copy(update={"channels": channels})
    return settings.model_copy(update={"microphone": microphone})
