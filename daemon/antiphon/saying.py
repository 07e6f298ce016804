"""Floor 5. `antiphon say`: a text as sound, without the daemon: into a file, or out of the speaker of the settings.

The text may be there as a whole, or still come (--stream). What the speaker plays, the mouth's own classes play.
"""

import asyncio
import codecs
import wave
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from antiphon.conversation.events import SpeechStyle
from antiphon.errors import AudioFileError, LinkError, Refused
from antiphon.mp3_frames import Joined
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES
from antiphon.reasons import by_hand
from antiphon.secret import Secret
from antiphon.settings import Settings
from antiphon.sounding import Hear, Make, NotSaidError, mouth_plan, not_written, play, replacing
from antiphon.speech import troubles, wire
from antiphon.speech.client import SpeechPlan, check, read_out
from antiphon.speech.service import Patience
from antiphon.standard_input import StandardInput
from antiphon.tape import check_place

FORMATS: Final[dict[str, wire.Kind]] = {
    ".wav": "wav",
    ".mp3": "mp3",
    ".flac": "flac",
    ".opus": "opus",
    ".pcm": "pcm",
}
"""What a file is, by how its name ends."""
JOINED: Final = ("wav", "pcm", "mp3")
"""Kinds of which a longer text is one file: the others cannot be put one behind the other."""
FILE_WAIT_MS: Final = 30_000.0
"""Nobody waits for the sound of a file, and much of it may be made and paid for."""
FILE_GAP_MS: Final = 20_000.0
FILE_MOST_BROKEN: Final = 5
"""Some ten seconds, where there is nobody to answer."""
FILE_TIMES: Final = 3
"""So often a piece is asked for that breaks off in the middle."""
READ_BYTES: Final = 4096
NO_TEXT: Final = "there is no text to say: give one, or - to have standard input said"


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be said, and how."""

    text: str | None
    """None: it comes on standard input; then `stream`."""
    stream: bool
    output: Path | None
    style: SpeechStyle


def run_say(settings: Settings, key: Secret | None, order: Order) -> int:
    """Say it. Raises AntiphonError, in words."""
    plan = plan_of(settings, order.style)
    check(plan)
    kind = None
    if order.output is not None:
        kind = kind_of(order.output, stream=order.stream)
        plan = replace(plan, first_sound_ms=FILE_WAIT_MS, gap_ms=FILE_GAP_MS, most_broken=FILE_MOST_BROKEN)
    if order.stream:
        texts = sentences(speakable(chunks_of(order.text)))

        async def make(hear: Hear) -> None:
            await stream_out(plan, key, texts, hear)

    else:
        text = wire.speakable(order.text or "")
        if not text.strip():
            raise NotSaidError(NO_TEXT)
        if order.output is not None and kind is not None:
            _check_length(text, order.output, kind)

        async def make(hear: Hear) -> None:
            if kind is None:
                await read_out(plan, key, text, hear)
            elif kind == "mp3" and len(wire.pieces(text)) > 1:
                await _joined(plan, key, text, hear)
            else:
                await _made(plan, key, text, hear, "pcm" if kind == "wav" else kind)

    try:
        if order.output is not None and kind is not None:
            write(order.output, kind, make)
        else:
            from antiphon.app import make_sound_card  # the whole appliance is behind it

            _, speaker = make_sound_card(settings)
            play(speaker, mouth_plan(settings), make)
    except LinkError as error:
        raise NotSaidError(by_hand(str(error))) from error
    return 0


def plan_of(settings: Settings, style: SpeechStyle) -> SpeechPlan:
    """How the service is asked: as set, but for what the owner wants this once."""
    speech = settings.speech
    where = replace(
        troubles.SPEAK,
        voice=troubles.SPEAK.voice if style.voice is None else "--voice",
        instruction=troubles.SPEAK.instruction if style.instruction is None else "--instruction",
    )
    plan = SpeechPlan(
        speech.url,
        speech.model,
        speech.voice,
        settings.realtime.proxy,
        instruction=speech.instruction,
        speed=speech.speed,
        where=where,
    )
    return plan.styled(style)


# ── the text ─────────────────────────────────────────────────────────────────────────────────────


async def chunks_of(text: str | None) -> AsyncIterator[str]:
    """The text, or standard input as it comes: from a pipe half a word at a time."""
    if text is not None:
        yield text
        return
    loop, came = asyncio.get_running_loop(), asyncio.Queue[bytes]()

    def give(piece: bytes) -> None:
        loop.call_soon_threadsafe(came.put_nowait, piece)

    reader = StandardInput(READ_BYTES, give)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while piece := await came.get():
        reader.taken()
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)


async def speakable(chunks: AsyncIterator[str]) -> AsyncIterator[str]:
    """What comes, without what nobody can say: services refuse it, or break."""
    async for chunk in chunks:
        yield wire.speakable(chunk)


async def sentences(chunks: AsyncIterator[str]) -> AsyncIterator[str]:
    """What comes, in whole sentences, so that each can be spoken when it is there; last what is left. What has no end
    of a sentence for too long is cut as the service wants it.
    """
    rest = ""
    async for chunk in chunks:
        whole, rest = wire.split_sentences(rest + chunk)
        if whole.strip():
            yield whole
        else:
            rest = whole + rest
        *parts, rest = wire.parts(rest) or [""]
        for part in parts:
            if part.strip():
                yield part
    if rest.strip():
        yield rest


async def stream_out(plan: SpeechPlan, key: Secret | None, texts: AsyncIterator[str], hear: Hear) -> None:
    """Speak texts as they come. Raises LinkError."""
    from antiphon.speech.stream import SpeechStream, StreamPlan

    first = await anext(texts, None)
    if first is None:
        raise Refused(NO_TEXT)

    async def all_of_them() -> AsyncIterator[str]:
        yield first
        async for text in texts:
            yield text

    asked = StreamPlan(plan.url, plan.model, plan.voice, plan.instruction, plan.speed, plan.proxy, plan.where)
    host = urlsplit(plan.url).hostname or "the server"
    by_s = asyncio.get_running_loop().time() + plan.first_sound_ms / 1000
    patience = Patience(by_s, plan.gap_ms, plan.most_broken)
    try:
        async with patience:
            await SpeechStream(asked, key).run(all_of_them(), hear, patience)
    except TimeoutError:
        if patience.began:
            raise troubles.stalled(host, plan.gap_ms) from None
        raise patience.met or troubles.silent(host, plan.first_sound_ms) from None


# ── into a file ──────────────────────────────────────────────────────────────────────────────────


def kind_of(output: Path, *, stream: bool = False) -> wire.Kind:
    """What is to be in it, by its name. Raises AudioFileError."""
    kind = FORMATS.get(output.suffix.lower())
    if kind is None:
        raise AudioFileError(f"{output}: its name does not say what it is to be: end it in {', '.join(FORMATS)}")
    if stream and kind not in ("wav", "pcm"):
        raise AudioFileError(f"{output}: with --stream a file can be .wav or .pcm; or leave --stream out")
    check_place(output)
    return kind


def _check_length(text: str, output: Path, kind: wire.Kind) -> None:
    if kind not in JOINED and len(wire.pieces(text)) > 1:
        most = wire.MAX_CHARACTERS
        raise AudioFileError(
            f"{output}: a {output.suffix} holds {most} characters at most, as two cannot be joined: use .wav or .mp3"
        )


async def _made(plan: SpeechPlan, key: Secret | None, text: str, hear: Hear, kind: wire.Kind) -> None:
    """As read_out, but each piece is given when it is whole: nobody has heard what came of one that broke off in the
    middle, so it is asked for again.
    """
    for piece in wire.pieces(text):
        sound: list[bytes] = []
        for left in reversed(range(FILE_TIMES)):
            sound.clear()
            try:
                await read_out(plan, key, piece, sound.append, kind)
                break
            except LinkError as error:
                if not (left and sound and error.problem().may_pass):
                    raise
        hear(b"".join(sound))


async def _joined(plan: SpeechPlan, key: Secret | None, text: str, hear: Hear) -> None:
    """A long text as one MP3 file. Raises AntiphonError."""
    joined = Joined()
    await _made(plan, key, text, lambda data: hear(joined.take(data)), "mp3")
    if not joined.frames:
        raise NotSaidError("what came is no MP3, and cannot be joined: use .wav")


def write(output: Path, kind: wire.Kind, make: Make) -> None:
    """Make the sound into the file; where that fails, whatever was there before stays. Raises AntiphonError."""
    size = 0
    with replacing(output) as half:
        hear, close = _opened(half, kind)

        def count(data: bytes) -> None:
            nonlocal size
            size += len(data)
            try:
                hear(data)
            except OSError as error:  # else it is taken for the connection's
                raise not_written(output, error) from error

        async def whole() -> None:
            await make(count)

        try:
            asyncio.run(whole())
        finally:
            close()
    length = f"{size / SAMPLE_BYTES / LINK_RATE_HZ:.1f} s" if kind in ("wav", "pcm") else f"{size} bytes"
    print(f"{output}: {length}")


def _opened(path: Path, kind: wire.Kind) -> tuple[Hear, Callable[[], None]]:
    """What takes the sound, and what is to be called at the end."""
    if kind != "wav":
        file = path.open("wb")
        return file.write, file.close  # type: ignore[return-value]  # the number that write returns is dropped
    wav = wave.open(str(path), "wb")  # noqa: SIM115 (closed by whoever gets it)
    wav.setnchannels(1)
    wav.setsampwidth(SAMPLE_BYTES)
    wav.setframerate(LINK_RATE_HZ)
    return wav.writeframes, wav.close
