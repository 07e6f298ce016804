"""Floor 5. `antiphon voices`: which voices there are, how a new one would sound, and how it is made of a recording.

A clone costs money, so the recording is measured first, the price is named, and the owner says yes.
"""

import asyncio
import io
import json
import sys
import wave
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from antiphon.audio.resample import Resampler
from antiphon.errors import AntiphonError, AudioFileError, LinkError, Refused
from antiphon.pcm import LINK_RATE_HZ, bytes_of, decode
from antiphon.reasons import by_hand
from antiphon.references import Reference, open_reference
from antiphon.secret import Secret
from antiphon.settings import Settings
from antiphon.sounding import mouth_plan, play, replacing
from antiphon.speech.voice_lists import NAMES, VOICES, voices_of
from antiphon.speech.voices import Voices, VoicesPlan
from antiphon.speech.voices_wire import MAX_SAMPLE_CHARACTERS, OwnVoice, SystemVoice
from antiphon.tape import check_place

PRICE: Final = "9.9 yuan"
"""StepFun's price list, 2026."""
SAMPLE: Final = "你好。很高兴认识你。Hello, nice to meet you."
"""What a preview says, where nothing else is wanted."""
SECTIONS: Final = ("speech", "cascade", "realtime")
"""Where a voice of one's own can be set."""

T = TypeVar("T")


class VoicesFailedError(AntiphonError):
    """It could not be done, for the reason given."""


def plan_of(settings: Settings, model: str | None) -> VoicesPlan:
    """How the service is asked."""
    proxy = settings.realtime.proxy
    if model:
        return VoicesPlan(settings.speech.url, model, proxy, "--model")
    return VoicesPlan(settings.speech.url, settings.speech.model, proxy)


def _asked(plan: VoicesPlan, key: Secret | None, ask: Callable[[Voices], Awaitable[T]]) -> T:
    """What comes of it. Raises VoicesFailedError."""

    async def session() -> T:
        async with Voices(plan, key) as voices:
            return await ask(voices)

    try:
        return asyncio.run(session())
    except LinkError as error:
        raise VoicesFailedError(by_hand(str(error))) from error


def _remark(sentence: str) -> None:
    print(f"antiphon: {sentence}", file=sys.stderr)


# ── list ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Listing:
    """What there is."""

    model: str
    source: str
    """Where the system voices are from: "service", or "table", which is what StepFun has documented."""
    system: tuple[SystemVoice, ...]
    own: tuple[OwnVoice, ...] | None
    """None where it could not be told."""
    remarks: tuple[str, ...]


def run_list(plan: VoicesPlan, key: Secret | None, *, as_json: bool) -> int:
    """Print the voices. Raises AntiphonError."""
    listing = _asked(plan, key, lambda voices: _list(plan, voices))
    for sentence in listing.remarks:
        _remark(sentence)
    if as_json:
        told = asdict(listing)
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return 0
    print(f"{listing.model}:" if listing.system else f"{listing.model}: no system voice is known")
    wide = max((len(one.voice) for one in listing.system), default=0)
    for one in listing.system:
        more = "  ".join(part for part in (one.name, one.description, one.scene) if part)
        print(f"  {one.voice:{wide}}  {more}".rstrip())
    if listing.own is not None:
        print("your own:" if listing.own else "your own: none ('antiphon voices clone' makes one of a recording)")
    for own in listing.own or ():
        print(f"  {own.voice}  from {own.file}".removesuffix("  from "))
    return 0


async def _list(plan: VoicesPlan, voices: Voices) -> Listing:
    remarks: list[str] = []
    system, source = _documented(plan.model), "table"
    if plan.on_plan:
        remarks.append("the Step Plan has no list of system voices: these are the ones that StepFun has documented")
    elif plan.model in VOICES["speech"] or not system:
        try:
            system, source = await voices.system(), "service"
        except Refused as error:
            if not system:
                raise
            remarks.append(f"these are the documented voices, as the service does not list them: {error}")
    own: tuple[OwnVoice, ...] | None = None
    try:
        own = await voices.own()
    except Refused as error:
        if source == "service" or not plan.on_plan:
            raise
        remarks.append(f"your own voices cannot be listed: {error}")
    return Listing(plan.model, source, system, own, tuple(remarks))


def _documented(model: str) -> tuple[SystemVoice, ...]:
    known = voices_of("speech", model) or voices_of("realtime", model) or voices_of("chat", model)
    return tuple(SystemVoice(voice, NAMES.get(voice, "")) for voice in known)


# ── preview ──────────────────────────────────────────────────────────────────────────────────────


def run_preview(
    settings: Settings,
    plan: VoicesPlan,
    key: Secret | None,
    recording: Path,
    sample: str | None,
    output: Path | None,
    *,
    as_json: bool,
) -> int:
    """Let the voice of the recording be heard; it is neither made nor paid for. Raises AntiphonError."""
    words = SAMPLE if sample is None else sample.strip()
    if not 0 < len(words) <= MAX_SAMPLE_CHARACTERS:
        raise AudioFileError(f"--text has {len(words)} characters: give 1 to {MAX_SAMPLE_CHARACTERS}")
    if output is not None:
        if output.suffix.lower() != ".wav":
            raise AudioFileError(f"{output}: a preview is a WAV file: end its name in .wav")
        check_place(output)
    reference = _measured(recording)
    instruction = settings.speech.instruction

    async def ask(voices: Voices) -> bytes:
        file = await voices.upload(reference.name, reference.sound)
        return await voices.preview(file, words, instruction)

    sound = _asked(plan, key, ask)
    if output is not None:
        with replacing(output) as half:
            half.write_bytes(sound)
        told = {"recording": str(recording), "seconds": round(reference.seconds, 3), "output": str(output)}
        print(json.dumps(told, ensure_ascii=False) if as_json else f"{output}: how {reference.name} would sound")
        return 0
    pcm = _played_form(sound)

    async def give(hear: Callable[[bytes], None]) -> None:
        hear(pcm)

    from antiphon.app import make_sound_card

    play(make_sound_card(settings)[1], mouth_plan(settings), give)
    if as_json:
        print(json.dumps({"recording": str(recording), "seconds": round(reference.seconds, 3), "output": None}))
    return 0


def _measured(recording: Path) -> Reference:
    reference = open_reference(recording)
    _remark(reference.told())
    for sentence in reference.remarks:
        _remark(f"{reference.name}: {sentence}")
    return reference


def _played_form(sound: bytes) -> bytes:
    """A WAV file as mono s16le 24 kHz. Raises VoicesFailedError."""
    try:
        with wave.open(io.BytesIO(sound)) as file:
            samples = decode(file.readframes(file.getnframes()), file.getsampwidth(), file.getnchannels())
            rate_hz = file.getframerate()
    except (wave.Error, EOFError):
        raise VoicesFailedError("the preview is no WAV file, and cannot be played here: write it with -o") from None
    if rate_hz == LINK_RATE_HZ:
        return bytes_of(samples)
    resampler = Resampler(rate_hz, LINK_RATE_HZ)
    return bytes_of(resampler.take(samples)) + bytes_of(resampler.flush())


# ── clone ────────────────────────────────────────────────────────────────────────────────────────


def run_clone(
    plan: VoicesPlan, key: Secret | None, recording: Path, words: str | None, *, yes: bool, as_json: bool
) -> int:
    """Have the voice of the recording made, when the owner agrees to the price. Raises AntiphonError."""
    reference = _measured(recording)
    if not yes and not _agreed(reference.name):
        _remark("no voice was made, and nothing is to be paid")
        return 1

    async def ask(voices: Voices) -> dict[str, Any]:
        file = await voices.upload(reference.name, reference.sound)
        made = await voices.clone(file, words or "")
        return {"voice": made.voice, "file": file, "model": plan.model, "duplicated": made.duplicated}

    told = _asked(plan, key, ask)
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
        return 0
    had = "had been made of this recording before, and is not paid for again" if told["duplicated"] else "is made"
    print(f"{told['voice']} {had}. To speak in it, set")
    print(f"  voice: {told['voice']}")
    print(f"in the section {', '.join(SECTIONS[:-1])} or {SECTIONS[-1]} of the settings; or try it:")
    print(f"  antiphon say --voice {told['voice']} Hello")
    return 0


def _agreed(name: str) -> bool:
    """Whether the owner says yes to the price. Raises VoicesFailedError where there is nobody to ask."""
    if not sys.stdin.isatty():
        raise VoicesFailedError(f"a voice costs {PRICE}, and nobody is here to agree: add --yes if you do")
    print(f"Making a voice of {name} costs {PRICE}. Make it? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
