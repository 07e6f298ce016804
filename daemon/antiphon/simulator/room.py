"""A room with a simulated sound card in it: what can be heard there, and what was played into it, on one timeline.

The card is the ALSA plugin of hardware/simulated-card. The room speaks into its microphone by writing ahead of the
clock, and hears its speaker by reading behind it; with acoustics, the microphone hears the speaker too. It knows
samples and frames, and nothing of who uses the card.
"""

import fcntl
import mmap
import os
import tempfile
import time
import wave
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

import numpy as np

from antiphon.clone import CLONE, WITHOUT_A_CARD
from antiphon.errors import DeviceError
from antiphon.pcm import FULL_SCALE, SAMPLE_BYTES, Floats, Samples, bytes_of, first_channel, samples_of, spread
from antiphon.simulator.acoustics import Acoustics, at_level

PLUGIN = "libasound_module_pcm_antiphon.so"

EndName = Literal["mic", "spk"]

LEAD_S: Final = 0.25
"""How far ahead of the clock something is said when no moment is given: time enough to write it."""

_NS: Final = 1_000_000_000
_MILLION: Final = 1_000_000
_POLL_S: Final = 0.005
_NOISE_CHUNK_S: Final = 30
_FLOAT_NS: Final = 5  # more than a float of seconds is wrong by, after a year of uptime

# The ctl page, as the card's room.h has it.
_LAYOUT: Final = 2
_CTL_BYTES: Final = 4096
_BLOCKS: Final[dict[EndName, int]] = {"mic": 16, "spk": 48}
_BLOCK_WORDS: Final = 32
_UNPLUGGED_NS, _CLOCKS, _CLOCK_0 = 0, 1, 2
_CLOCK_WORDS, _CLOCK_SLOTS = 3, 4
_OPENS, _STARTS, _XRUNS, _FIRST_FRAME, _END_FRAME = 14, 15, 16, 17, 18
_AIR: Final = 80
_PLACES, _SPK_RATE, _PLACE_0 = _AIR, _AIR + 1, _AIR + 2
_PLACE_WORDS, _PLACE_SLOTS = 4, 16
_MIXER: Final = 160
_LOWERED, _OFF, _WRITES = 0, 1, 2
_MIXER_WORDS: Final = 3
_AIR_BYTES: Final = 4096 + 4 * SAMPLE_BYTES * 2**18  # a head, and a ring for each program that plays


def find_plugin(path: Path | None = None) -> Path:
    """The card's library: `path`, else $SIMULATED_CARD, else build/ of the source tree. Raises DeviceError."""
    named = path or (Path(card) if (card := os.environ.get("SIMULATED_CARD")) else None)
    if named is None and CLONE is None:
        remedy = f"Plug in a real one, or run the demo in a clone of the sources; {WITHOUT_A_CARD}"
        raise DeviceError("simulated sound card", "it is not part of an installed Antiphon", remedy)
    plugin = (named or Path(__file__).resolve().parents[3] / "build" / PLUGIN).absolute()
    if not plugin.is_file():
        raise DeviceError(
            "simulated sound card",
            f"there is no library at {plugin}",
            "Run `make card` in the source tree, or name the library in SIMULATED_CARD.",
        )
    return plugin


class End:
    """One end of the card, microphone or speaker: its clock, its cable, its counters and its file."""

    def __init__(
        self, name: EndName, folder: Path, ctl: memoryview, rate_hz: int, channels: int, epoch_ns: int
    ) -> None:
        """`ctl` is the page as int64; the end's clock shows frame 0 at `epoch_ns` of CLOCK_MONOTONIC."""
        self.name = name
        self.rate_hz = rate_hz
        self.channels = channels
        self.path = folder / f"{name}.raw"
        self._block = ctl[_BLOCKS[name] : _BLOCKS[name] + _BLOCK_WORDS]
        self._set_clock(epoch_ns, 0, 0)
        self._file = self.path.open("w+b", buffering=0)

    # ── the clock ──

    def now_frame(self) -> int:
        """The frame that sounds now."""
        return self._frame_at_ns(time.monotonic_ns())

    def frame_at(self, monotonic_s: float) -> int:
        """The frame that sounds at `monotonic_s` of time.monotonic()."""
        return self._frame_at_ns(round(monotonic_s * _NS))

    def time_of(self, frame: int) -> float:
        """When `frame` begins to sound, on time.monotonic(), to some nanoseconds; `frame_at` of it is `frame`."""
        return (self._ns_of(frame) + _FLOAT_NS) / _NS

    def drift(self, ppm: int) -> None:
        """From now on the end's clock runs `ppm` parts in a million too fast; its frame now stays what it is."""
        frame = self.now_frame()
        self._set_clock(self._ns_of(frame), frame, ppm)

    @property
    def drift_ppm(self) -> int:
        """How many parts in a million the clock runs too fast."""
        return self._clock()[2]

    def _speed(self, ppm: int) -> int:
        return self.rate_hz * (_MILLION + ppm)

    def _clock(self) -> tuple[int, int, int]:
        at = _CLOCK_0 + _CLOCK_WORDS * ((self._block[_CLOCKS] - 1) % _CLOCK_SLOTS)
        return self._block[at], self._block[at + 1], self._block[at + 2]

    def _set_clock(self, ns: int, frame: int, ppm: int) -> None:
        # The card reads the last of the clocks that were set, and for the past the ones before it.
        at = _CLOCK_0 + _CLOCK_WORDS * (self._block[_CLOCKS] % _CLOCK_SLOTS)
        self._block[at], self._block[at + 1], self._block[at + 2] = ns, frame, ppm
        self._block[_CLOCKS] += 1

    def _ns_of(self, frame: int) -> int:
        """The first nanosecond at which the clock shows `frame`."""
        ns, anchor, ppm = self._clock()
        return ns - (anchor - frame) * _NS * _MILLION // self._speed(ppm)

    def _frame_at_ns(self, now_ns: int) -> int:
        ns, frame, ppm = self._clock()
        return frame + (now_ns - ns) * self._speed(ppm) // (_NS * _MILLION)

    # ── the cable and the counters ──

    def unplug(self) -> None:
        """Pull the cable: whoever uses this end gets ENODEV, and so does who opens it, until `replug`."""
        self._block[_UNPLUGGED_NS] = time.monotonic_ns()

    def replug(self) -> None:
        """Put the cable back. Streams that were open stay dead, as with a USB card."""
        self._block[_UNPLUGGED_NS] = 0

    def is_open(self) -> bool:
        """Whether any living process holds this end open; streams forgotten by killed processes do not count."""
        with self.path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    @property
    def opens(self) -> int:
        """How often the end was opened in all; PortAudio opens it several times when it looks for devices."""
        return self._block[_OPENS]

    @property
    def starts(self) -> int:
        """How often a stream began to run in all."""
        return self._block[_STARTS]

    @property
    def xruns(self) -> int:
        """Overflows of the microphone, underflows of the speaker, in all."""
        return self._block[_XRUNS]

    @property
    def stretch(self) -> tuple[int, int]:
        """The last stream: its first frame, and the frame after the last one taken by the program, or sounded.

        It is as new as the program's last call into ALSA: a period old, while a stream runs.
        """
        return self._block[_FIRST_FRAME], self._block[_END_FRAME]

    # ── the file ──

    def read(self, first: int, end: int) -> Samples:
        """Frames `first` to `end` of the file's first channel; silence where there is nothing. First must be >= 0."""
        if not 0 <= first <= end:
            raise ValueError(f"frames {first} to {end} are not a stretch of the timeline")
        return first_channel(_read(self._file.fileno(), first, end, self.channels), self.channels)

    def mix(self, samples: Samples, first: int) -> None:
        """Add `samples` to every channel of the file from frame `first` on; clipped, not wrapped."""
        had = _read(self._file.fileno(), first, first + len(samples), self.channels)
        mixed = _sum(had, spread(samples, self.channels))
        os.pwrite(self._file.fileno(), bytes_of(mixed), first * SAMPLE_BYTES * self.channels)

    def close(self) -> None:
        """Release file and page."""
        self._file.close()
        self._block.release()


class MixerControl:
    """The card's one mixer control, "Master": 0 to -64 dB in half decibels, and a switch. The speaker obeys it."""

    def __init__(self, ctl: memoryview) -> None:
        """`ctl` is the page as int64. At first it is as loud as it can be."""
        self._block = ctl[_MIXER : _MIXER + _MIXER_WORDS]

    @property
    def volume_db(self) -> float:
        """How loud it is set, whatever the switch says."""
        return -self._block[_LOWERED] / 2

    @property
    def on(self) -> bool:
        """What the switch says; off is silence."""
        return not self._block[_OFF]

    @property
    def writes(self) -> int:
        """How often a program has set volume or switch."""
        return self._block[_WRITES]

    def turn(self, volume_db: float, *, on: bool = True) -> None:
        """Set it by hand, as another program would."""
        self._block[_LOWERED], self._block[_OFF] = round(-2 * volume_db), int(not on)

    def close(self) -> None:
        """Release the page."""
        self._block.release()


class Room:
    """A directory with a card in it; as a context manager it begins at frame 0, and the directory goes with it.

    `mic` and `spk` are the ends of the card, `mixer` its mixer; positions are frames of an end, moments are
    time.monotonic().
    """

    mic: End
    spk: End
    mixer: MixerControl
    folder: Path

    def __init__(
        self,
        mic_rate_hz: int = 16_000,
        spk_rate_hz: int = 24_000,
        *,
        mic_channels: int = 1,
        spk_channels: int = 1,
        mic_buffer_frames: int = 64,
        spk_buffer_frames: int = 64,
        folder: Path | None = None,
        plugin: Path | None = None,
    ) -> None:
        """Make nothing yet. A `folder` that is given is kept afterwards. Raises DeviceError without a plugin.

        Each end buffers its `…_buffer_frames` at the least, whatever a program asks for, as sound servers do.
        """
        self._plugin = find_plugin(plugin)
        self._rates_hz: dict[EndName, int] = {"mic": mic_rate_hz, "spk": spk_rate_hz}
        self._channels: dict[EndName, int] = {"mic": mic_channels, "spk": spk_channels}
        self._buffer_frames: dict[EndName, int] = {"mic": mic_buffer_frames, "spk": spk_buffer_frames}
        self._folder = folder
        self._own: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        """Make the directory, start the clocks."""
        if self._folder is None:
            self._own = tempfile.TemporaryDirectory(prefix="antiphon-room-")
        self.folder = Path(self._own.name if self._own else self._folder or "").absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "ctl").open("w+b") as file:
            file.truncate(_CTL_BYTES)
            self._page = mmap.mmap(file.fileno(), _CTL_BYTES)
        self._ctl = memoryview(self._page).cast("q")
        self._ctl[0] = _LAYOUT
        epoch_ns = time.monotonic_ns()
        self.mic, self.spk = (
            End(name, self.folder, self._ctl, self._rates_hz[name], self._channels[name], epoch_ns)
            for name in ("mic", "spk")
        )
        self.mixer = MixerControl(self._ctl)
        self._echo = (self.folder / "echo.raw").open("w+b", buffering=0)
        with (self.folder / "air").open("wb") as file:
            file.truncate(_AIR_BYTES)
        self._ctl[_SPK_RATE] = self.spk.rate_hz
        (self.folder / "asound.conf").write_text(self._asound_conf(), encoding="utf-8")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Pull both cables, so that no one goes on in a room that is gone, and remove the directory if it is ours."""
        for end in (self.mic, self.spk):
            end.unplug()
            end.close()
        self._echo.close()
        self.mixer.close()
        self._ctl.release()
        self._page.close()
        if self._own:
            self._own.cleanup()

    def _asound_conf(self) -> str:
        # It does not include the system's alsa.conf: real cards and sound servers are not in this room, and a
        # default that the machine's owner has set cannot take the place of ours.
        return "".join(_pcm(end, self.folder, self._buffer_frames[end.name]) for end in (self.mic, self.spk)) + (
            f'pcm_type.antiphon {{ lib "{self._plugin}" }}\n'
            f'ctl_type.antiphon {{ lib "{self._plugin}" }}\n'
            f'ctl.default {{ type antiphon room "{self.folder}" }}\n'
            'pcm.default { type asym capture.pcm "mic" playback.pcm "spk" }\n'
        )

    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to hear and play in this room, through ALSA or PortAudio.

        Set it before the process starts: ALSA does not look again. The devices are `mic`, `spk` and `default`;
        `hwmic` and `hwspk` are the same without conversion of rate, format and channels.
        """
        # libjack, which PortAudio asks as well, would otherwise start a sound server of its own where there is one.
        return {"ALSA_CONFIG_PATH": str(self.folder / "asound.conf"), "JACK_NO_START_SERVER": "1"}

    # ── what the room hears ──

    def say(self, samples: Samples, at_s: float | None = None, *, level_db: float | None = None) -> int:
        """Mix `samples`, at the microphone's rate, into what the microphone will hear from `at_s` on; made so loud
        that their `active_level_db` is `level_db`, or as they are.

        Returns their exact first frame. ValueError when the moment has passed by the time it is written: give more
        notice. Without a moment: LEAD_S from now.
        """
        first = self._noticed(at_s)
        if first > self.mic.now_frame():
            self.mic.mix(samples if level_db is None else at_level(samples, level_db, self.mic.rate_hz), first)
        self._still_ahead(first)
        return first

    def _noticed(self, at_s: float | None) -> int:
        return self.mic.frame_at(time.monotonic() + LEAD_S if at_s is None else at_s)

    def _still_ahead(self, first: int) -> None:
        late = self.mic.now_frame() - first
        if late >= 0:
            raise ValueError(f"that moment passed {late} frames ago: what is said needs notice, {LEAD_S} s is plenty")

    def noise(self, level_db: float, for_s: float = 60.0, seed: int = 1) -> int:
        """White noise of `level_db` dBFS (RMS) for `for_s` seconds from LEAD_S on; returns its first frame."""
        first = at = self.mic.frame_at(time.monotonic() + LEAD_S)
        end = first + round(for_s * self.mic.rate_hz)
        chance = np.random.default_rng(seed)
        scale = np.float32(FULL_SCALE * 10 ** (level_db / 20))
        while at < end:
            count = min(end - at, _NOISE_CHUNK_S * self.mic.rate_hz)
            loud = chance.standard_normal(count, dtype=np.float32) * scale
            self.mic.mix(np.clip(np.rint(loud), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16), at)
            at += count
        return first

    def spoken(self, first: int, end: int) -> Samples:
        """What the microphone was, or will be, given to hear, frames `first` to `end` of its timeline: people and
        noise, without the echo.
        """
        return self.mic.read(first, end)

    # ── what the microphone hears of the speaker ──

    def acoustics(self, acoustics: Acoustics, at_s: float | None = None) -> int:
        """From `at_s` on the microphone hears the speaker, as `acoustics` has it; again for a moved microphone.

        Returns the microphone's exact first frame of it. What the speaker plays before this call may not be heard,
        and a new drift begins at once. ValueError for a response that is too long, or a moment that has passed: as
        with `say`.
        """
        taps = acoustics.taps(self.mic.rate_hz)
        if self.spk.drift_ppm != acoustics.drift_ppm:
            self.spk.drift(acoustics.drift_ppm)
        return self._set_place(at_s, taps, acoustics.delay_frames(self.mic.rate_hz), acoustics.soft_clip or 0.0)

    def no_acoustics(self, at_s: float | None = None) -> int:
        """From `at_s` on the microphone hears no echo; the speaker's clock stays as it is. As `acoustics`."""
        return self._set_place(at_s, np.zeros(0, np.float32), 0, 0.0)

    def _set_place(self, at_s: float | None, taps: Floats, delay_frames: int, limit: float) -> int:
        first = self._noticed(at_s)
        number = self._ctl[_PLACES]
        (self.folder / f"response-{number}.f32").write_bytes(taps.tobytes())
        at = _PLACE_0 + _PLACE_WORDS * (number % _PLACE_SLOTS)
        for word, value in enumerate((first, len(taps), delay_frames, round(limit * _MILLION))):
            self._ctl[at + word] = value
        self._ctl[_PLACES] = number + 1  # last: the card reads up to this
        self._still_ahead(first)
        return first

    def echo(self, first: int, end: int) -> Samples:
        """The echo alone, frames `first` to `end` of the microphone's timeline, as it was added for the program.

        Complete up to `mic.stretch[1]` while a stream runs, and only there: echo that nobody took is not computed.
        """
        return _read(self._echo.fileno(), first, end)

    def sensed(self, first: int, end: int) -> Samples:
        """What the microphone gave the program, frames `first` to `end`: what was spoken, and its echo."""
        return _sum(self.spoken(first, end), self.echo(first, end))

    # ── what was played into it ──

    def heard(self, first: int, end: int) -> Samples:
        """What sounded in the room, frames `first` to `end` of the speaker's timeline.

        Complete up to `spk.stretch[1]` while a stream runs; what was written and dropped again never sounds.
        """
        return self.spk.read(first, end)

    def save_speaker_wav(self, path: Path) -> None:
        """Everything that has sounded so far as a mono WAV, from the room's first frame on."""
        frames = self.spk.path.stat().st_size // (SAMPLE_BYTES * self.spk.channels)
        step = _NOISE_CHUNK_S * self.spk.rate_hz
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(SAMPLE_BYTES)
            file.setframerate(self.spk.rate_hz)
            for at in range(0, frames, step):
                file.writeframes(bytes_of(self.heard(at, min(at + step, frames))))

    # ── counters, by the names that users of sound know ──

    @property
    def overflows(self) -> int:
        """How often captured frames were lost because nobody fetched them in time."""
        return self.mic.xruns

    @property
    def underflows(self) -> int:
        """How often the speaker ran dry."""
        return self.spk.xruns


def _read(file: int, first: int, end: int, channels: int = 1) -> Samples:
    """Frames `first` to `end` of a file of interleaved samples; silence where there is nothing."""
    frame_bytes = SAMPLE_BYTES * channels
    raw = os.pread(file, (end - first) * frame_bytes, first * frame_bytes)
    return samples_of(raw.ljust((end - first) * frame_bytes, b"\0"))


def _sum(one: Samples, other: Samples) -> Samples:
    """Both together; clipped, not wrapped."""
    both = np.clip(one.astype(np.int32) + other, -FULL_SCALE, FULL_SCALE - 1)
    return np.asarray(both, np.int16)


def _pcm(end: End, folder: Path, buffer_frames: int) -> str:
    """ALSA's configuration of one end: the card itself, and its name for programs, which takes any format."""
    return (
        f'pcm.hw{end.name} {{ type antiphon room "{folder}" end "{end.name}"'
        f" rate {end.rate_hz} channels {end.channels} buffer {buffer_frames} }}\n"
        f'pcm.{end.name} {{ type plug slave.pcm "hw{end.name}" }}\n'
    )


def wait_for_frame(end: End, frame: int, timeout_s: float = 10.0) -> None:
    """Block until the program at `end` has taken (microphone) or the card has sounded (speaker) `frame`.

    Raises TimeoutError, with where the stream stands.
    """
    limit_s = time.monotonic() + timeout_s
    while end.stretch[1] <= frame:
        if time.monotonic() > limit_s:
            raise TimeoutError(f"{end.name} stands at {end.stretch} of frame {frame} after {timeout_s} s")
        time.sleep(_POLL_S)
