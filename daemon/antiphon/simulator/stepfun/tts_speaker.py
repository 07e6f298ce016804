"""The mouth of text to speech over a WebSocket: sentences in order, each as its audio deltas, and the end. Pure.

It decides what is said and when; it does not make sound: it asks for it (`Utterance`) and is given samples later.
Source: StepFun's API reference ("Streaming TTS") and the order of events that was recorded live.
"""

import base64
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from antiphon.pcm import SAMPLE_BYTES, Samples, bytes_of, ms_of
from antiphon.simulator.stepfun import encoding, tts, voices
from antiphon.simulator.stepfun.agenda import Agenda, End
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.judging import blocked
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.responder import Utterance
from antiphon.simulator.stepfun.timeline import NO_SAMPLES, cuts, words
from antiphon.simulator.stepfun.tts_stream_grammar import Creation
from antiphon.simulator.stepfun.utterances import SpokenSentence, UtteranceRecord
from antiphon.simulator.stepfun.wording import Json, Wording

ERRORS = {
    "451": ("The content you provided or machine outputted is blocked.", "censorship_blocked"),
    "500": ("Internal server error", "internal_error"),
    "503": ("The engine is currently overloaded, please try again later", "engine_overloaded"),
}
"""The errors of the service itself by their code: message and details."""

_SOUND = "sound"
"""The tag of all that is still to be sent."""


@dataclass(slots=True)
class _Sentence:
    id: str
    record: SpokenSentence
    number: int
    samples: Samples | None = None  # None until its sound is made


class Speaker:
    """What one utterance sends."""

    def __init__(
        self,
        options: SimulatorOptions,
        agenda: Agenda,
        wording: Wording,
        rng: random.Random,
        record: UtteranceRecord,
        fault: Callable[[Kind], Fault | None],
    ) -> None:
        """`fault` finds a fault of this socket by its kind."""
        self._options, self._agenda, self._wording, self._rng, self._record = options, agenda, wording, rng, record
        self._fault = fault
        self._creation: Creation | None = None
        self._waiting: list[_Sentence | None] = []  # in order; their sound is being made; None tells of a flush
        self._wanted: list[Utterance] = []
        self._subtitles: list[Json] = []
        self._free_at = 0.0  # when the last that is scheduled has been sent
        self._spoken_ms = 0.0
        self._pcm = bytearray()
        self._finishing = False
        self.over = False
        """Nothing more is sent: by error, by fault, or at the end."""

    @property
    def busy(self) -> bool:
        """True while sound is made."""
        return bool(self._waiting)

    @property
    def quiet_from(self) -> float:
        """When the last that is scheduled has been sent."""
        return self._free_at

    def begin(self, creation: Creation) -> None:
        """Speak as `creation` has it."""
        self._creation = creation

    def say(self, text: str, now: float) -> None:
        """Speak one sentence, after those before it."""
        assert self._creation is not None
        record = SpokenSentence(text, now)
        self._record.sentences.append(record)
        sentence = _Sentence(
            f"{self._record.session}-tts.{self._wording.new_id()}", record, len(self._record.sentences)
        )
        self._record.note("sentence", now, text=text)
        self._waiting.append(sentence)
        spoken = tts.heard(self._record.model, text)
        if any(letter.isalnum() for letter in spoken):
            speaker = voices.speaker(self._creation.voice)
            self._wanted.append(Utterance(sentence.id, spoken, speaker, self._creation.rate_hz))
        else:  # a direction, or a mark that stands alone
            self.spoken(sentence.id, NO_SAMPLES, now)

    def flushed(self, now: float) -> None:
        """All that was held back has been said: tell so."""
        if self._options.stream_flushed == "at-once":
            self._tell("tts.text.flushed")
        else:
            self._waiting.append(None)
            self._flow(now)

    def finish(self, now: float) -> None:
        """No sentence follows."""
        self._finishing = True
        self._flow(now)

    def take_wanted(self) -> list[Utterance]:
        """The wishes for sound since the last time."""
        wanted, self._wanted = self._wanted, []
        return wanted

    def spoken(self, response: str, samples: Samples, now: float) -> None:
        """The sound of the sentence `response` is made."""
        for sentence in self._waiting:
            if sentence is not None and sentence.id == response:
                sentence.samples = samples
        self._flow(now)

    def failed(self, response: str, sentence: str, now: float) -> None:
        """The sound of the sentence `response` cannot be made."""
        if not self.over:
            self._agenda.withdraw(_SOUND)
            self._break("500", f"{sentence} ({response})", now)

    # ── inside ──

    def _flow(self, now: float) -> None:
        """Send what is ready, in order."""
        while self._waiting and not self.over:
            sentence = self._waiting[0]
            if sentence is not None and sentence.samples is None:
                return
            self._waiting.pop(0)
            self._free_at = max(self._free_at, now)
            if sentence is None:
                self._at(self._free_at, partial(self._tell, "tts.text.flushed"))
            else:
                self._schedule(sentence)
        if self._finishing and not self.over:
            self._finishing = False
            self._agenda.at(max(self._free_at, now), self._end, tag=_SOUND)

    def _schedule(self, sentence: _Sentence) -> None:
        slow = self._fault(Kind.STREAM_SLOW)
        wait_ms = self._options.timing.sentence_ms if slow is None else slow.at
        start = max(self._free_at, sentence.record.ready_s + wait_ms / 1000)
        if code := self._refusal(sentence):
            self._free_at = start
            self._at(start, partial(self._break, code, ""))
            return
        self._free_at = self._sound(sentence, start)
        self._at(self._free_at, partial(self._close, sentence))

    def _refusal(self, sentence: _Sentence) -> str:
        """The code of the error that comes in place of `sentence`; "" for none."""
        error = self._fault(Kind.STREAM_ERROR)
        if error is not None and error.at in (0, sentence.number):
            return error.detail or "503"
        return "451" if blocked(self._options, sentence.record.text) else ""

    def _sound(self, sentence: _Sentence, start: float) -> float:
        """Schedule the audio deltas of `sentence` from `start` on; when the last one goes out."""
        assert self._creation is not None
        assert sentence.samples is not None
        rate_hz, speed = self._creation.rate_hz, self._options.timing.speed
        pieces = list(self._pieces(sentence.samples))
        with_audio = self._options.stream_finished == "audio" and bool(pieces)
        last = pieces.pop() if with_audio else b""
        self._at(start, partial(self._open, sentence))
        at_s = start
        for piece in pieces:
            self._at(at_s, partial(self._delta, sentence, piece, "unfinished"))
            at_s += len(piece) / SAMPLE_BYTES / rate_hz / speed if speed else 0.0
        self._at(at_s, partial(self._delta, sentence, last, "finished"))
        return at_s

    def _pieces(self, samples: Samples) -> Iterator[bytes]:
        first = 0
        for frames in cuts(len(samples), self._options.timing.delta_bytes // SAMPLE_BYTES, self._rng):
            yield bytes_of(samples[first : first + frames])
            first += frames

    def _open(self, sentence: _Sentence, now: float) -> None:
        self._tell(
            "tts.response.sentence.start", now, text=sentence.record.text, **self._stamp(sentence, "started_at", now)
        )

    def _stamp(self, sentence: _Sentence, old: str, now: float) -> Json:
        """How the service marks a sentence, which has changed: the new way, the old way, or by chance."""
        ways = self._options.stream_fields
        at_ms = round(1000 * (now - self._record.opened_s))
        if ways == "old" or (ways == "mixed" and self._rng.random() < 0.5):
            return {old: at_ms}
        return {"request_id": sentence.id, "timestamp": at_ms}

    def _delta(self, sentence: _Sentence, piece: bytes, status: str, now: float) -> None:
        broken = self._breaks_within(piece)
        if broken is not None:
            piece = piece[:broken]
        fields: Json = {"status": status, "audio": self._encoded(piece)}
        if self._options.stream_fields != "new":
            assert self._creation is not None
            fields["duration"] = len(piece) / SAMPLE_BYTES / self._creation.rate_hz
        if piece and sentence.record.first_audio_s is None:
            sentence.record.first_audio_s = now
        sentence.record.frames += len(piece) // SAMPLE_BYTES
        self._pcm += piece
        if broken is None or piece:
            self._tell("tts.response.audio.delta", now, **fields)
        if broken is not None:
            self._break_off(now)

    def _breaks_within(self, piece: bytes) -> int | None:
        """How much of `piece` still leaves before the socket stalls or is cut, by fault; None when it all does."""
        faults = [fault for kind in (Kind.STREAM_STALL, Kind.STREAM_CUT) if (fault := self._fault(kind)) is not None]
        left = min((fault.at for fault in faults), default=len(self._pcm) + len(piece) + 1) - len(self._pcm)
        return left - left % SAMPLE_BYTES if left <= len(piece) else None

    def _break_off(self, now: float) -> None:
        self._agenda.withdraw(_SOUND)
        self.over = True
        stalls = self._fault(Kind.STREAM_STALL) is not None
        self._record.note("stream_broken", now, stalls=stalls, bytes=len(self._pcm))
        if not stalls:
            self._agenda.say(End(None))

    def _encoded(self, pcm: bytes) -> str:
        """Each delta is a file of its own, where the format has a header."""
        assert self._creation is not None
        if pcm and self._creation.format == "wav":
            pcm = encoding.wav(pcm, self._creation.rate_hz)
        return base64.b64encode(pcm).decode()

    def _close(self, sentence: _Sentence, now: float) -> None:
        assert self._creation is not None
        sentence.record.done_s = now
        self._tell(
            "tts.response.sentence.end", now, text=sentence.record.text, **self._stamp(sentence, "ended_at", now)
        )
        late, self._subtitles = self._subtitles, []
        for subtitle in late:
            self._subtitle(subtitle)
        if self._creation.subtitles:
            self._subtitles.append(self._timed(sentence))
            if self._options.stream_subtitles == "in-time":
                self._subtitle(self._subtitles.pop())

    def _timed(self, sentence: _Sentence) -> Json:
        """The words of `sentence` with their times, which count over all sentences."""
        assert self._creation is not None
        spoken = words(sentence.record.text)
        begin_ms = self._spoken_ms
        self._spoken_ms += ms_of(sentence.record.frames, self._creation.rate_hz)
        step_ms = (self._spoken_ms - begin_ms) / max(1, len(spoken))
        items = [
            {
                "text": word.strip(),
                "start_time": round(begin_ms + count * step_ms),
                "end_time": round(begin_ms + (count + 1) * step_ms),
            }
            for count, word in enumerate(spoken)
        ]
        return {"request_id": sentence.id, "text": sentence.record.text, "items": items}

    def _subtitle(self, data: Json) -> None:
        event = self._wording.event("tts.response.subtitle", timestamp=round(self._spoken_ms))
        self._agenda.say(event | {"data": {"session_id": self._record.session, **data}})

    def _break(self, code: str, sentence: str, now: float) -> None:
        """An error of the service itself: nothing of the utterance follows."""
        self.over = True
        self._agenda.withdraw(_SOUND)
        message, details = ERRORS.get(code, ("The service has failed", "error"))
        self._tell("tts.response.error", now, code=code, message=sentence or message, details={"error": details})
        self._record.note("stream_error", now, code=code)
        if self._options.stream_error_closes:
            self._agenda.say(End(1000))

    def _end(self, now: float) -> None:
        assert self._creation is not None or not self._record.sentences
        for subtitle in self._subtitles:
            self._subtitle(subtitle)
        everything = self._encoded(bytes(self._pcm)) if self._options.stream_done_audio and self._pcm else ""
        self._tell("tts.response.audio.done", now, audio=everything)
        self._agenda.say(End(1000))
        self.over = True

    def _at(self, at_s: float, act: Callable[[float], None]) -> None:
        self._agenda.at(at_s, act, tag=_SOUND)

    def _tell(self, kind: str, _now: float = 0.0, **data: object) -> None:
        self._agenda.say(self._wording.event(kind, data={"session_id": self._record.session, **data}))
