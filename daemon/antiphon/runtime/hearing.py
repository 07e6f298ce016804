"""Floor 4. What the ear makes of sound, without its thread: samples of one capture stream in, events out.

At rest nothing comes out but wake words. From a wake word on, or when told to stream, each sample comes out once.
Where our own sound is taken out of what the microphone hears (echo.py), all of this is about what is left.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from antiphon.audio.endpoint import Endpointer
from antiphon.audio.level import SPEECH_PIECE_FRAMES, speech_levels_db
from antiphon.audio.marks import MARK_MS, Mark, Marker
from antiphon.audio.preroll import Preroll
from antiphon.audio.resample import Resampler
from antiphon.audio.trigger import Detection, Trigger
from antiphon.conversation.events import Captured, Endpointed, Event, NearEnd, Woke
from antiphon.pcm import LINK_RATE_HZ, WAKE_RATE_HZ, Samples, bytes_of, frames_in, ms_of
from antiphon.ports import VoiceDetector, WakeEngine
from antiphon.runtime.echo import Cleaned, Echo

_NOTHING: Samples = np.zeros(0, np.int16)
_REST_FRAMES = frames_in(480, WAKE_RATE_HZ)
"""At rest marks are made this many frames at a time: they are for later only, and cost a third so."""


class Hearing:
    """One capture stream's worth of hearing.

    The pre-roll is kept as the card gave it and resampled only when it is wanted; the same resampler then goes on with
    what follows, and after a rest with what came meanwhile, so there is no seam.
    """

    def __init__(
        self,
        rate_hz: int,
        engine: WakeEngine | None,
        detector: VoiceDetector,
        trigger: Trigger | None,
        endpoint: Endpointer | None,
        preroll_ms: float,
        echo: Echo | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """For sound at `rate_hz`; without engine and trigger no wake word is heard, without endpoint no turn judged,
        without echo our own sound is heard as any other.
        """
        self._rate_hz = rate_hz
        self._engine, self._trigger = engine, trigger
        self._detector, self._endpoint = detector, endpoint
        self._echo = echo
        self._clock = clock
        self._kept = Preroll(max(1, frames_in(preroll_ms, rate_hz)))
        self._marks: deque[Mark] = deque(maxlen=math.ceil(preroll_ms / MARK_MS))
        self._marker = Marker()
        self._unmarked: list[Samples] = [_NOTHING]
        self._to_marks = Resampler(rate_hz, WAKE_RATE_HZ)
        self._to_wake: Resampler | None = None  # while the wake words are heard in other sound than the marks
        self._to_link: Resampler | None = None  # while streaming
        self._rested: tuple[Resampler, int, int] | None = None  # that of the last, what it was given, and has sent
        self._sent = 0  # position in the stream up to which all was sent that ever will be
        self._gate: int | None = None  # position, still to come, from which on the stream is to be sent
        self._taken = 0  # frames that came in, of which echo may hold some back
        self._taken_s = 0.0  # when the last of them was at the microphone
        self.own_words = 0
        """Wake words that our own speaker said, and that were passed over."""
        self._forget_words()

    @property
    def streaming(self) -> bool:
        """Whether every sample comes out, now or from a moment on that was named."""
        return self._to_link is not None or self._gate is not None

    def begin(self) -> list[Event]:
        """A capture stream begins."""
        return self._echo.begin(self._rate_hz) if self._echo is not None else []

    def hear(self, samples: Samples, captured_s: float) -> list[Event]:
        """The next samples of the stream; the first was at the microphone at `captured_s` of the machine's time."""
        self._taken += len(samples)
        self._taken_s = captured_s + len(samples) / self._rate_hz
        cleaned = Cleaned(samples, samples) if self._echo is None else self._echo.clean(samples, captured_s)
        self._kept.add(cleaned.heard)
        to_mark = self._to_marks.take(cleaned.heard)
        self._unmarked.append(to_mark)
        detection = self._detect(cleaned, to_mark)
        if detection is not None:
            return self._wake(detection)
        if self._gate is not None and self._kept.end > self._gate:
            self._to_link, self._sent, self._gate = Resampler(self._rate_hz, LINK_RATE_HZ), self._gate, None
        if self._to_link is not None:
            return self._pass_on(self._to_link, cleaned.heard)
        sounding = self._echo is not None and self._echo.sounding
        if self.streaming or sounding or sum(map(len, self._unmarked)) >= _REST_FRAMES:
            return self._mark()[1]
        return self._judge_echo([])

    def stream(self, preroll_ms: float = 0.0, after_s: float | None = None) -> list[Event]:
        """Let every sample out from here on, and first the last `preroll_ms` that are kept and were never sent.

        They are part of the turn, so its beginning may be in them. What was at the microphone before `after_s`, which
        may be yet to come, is neither sent nor judged, unless a wake word is heard or `rest` is told until then.
        """
        if self.streaming:
            return []
        self._restart_endpoint()
        begin = max(self._sent, self._kept.end - frames_in(preroll_ms, self._rate_hz), self._frame_at(after_s))
        if begin > self._kept.end:
            self._gate = begin
            return self._mark()[1]
        self._sent = begin
        frames = self._kept.end - max(begin, self._kept.start)
        pcm = self._unsent()
        _, judged = self._mark()
        if not pcm:
            return judged
        marks = self._newest(self._marks, frames)
        return [Captured(pcm, _voiced_ms(marks)), *self._edges(marks), *judged]

    def rest(self) -> None:
        """Only wake words from here on."""
        self._gate = None  # what it kept back was never sent, and may be yet
        if self._to_link is not None:
            self._sent = self._kept.end - self._to_link.held_frames
            self._rested = self._to_link, self._kept.end, self._sent
            self._to_link = None

    def forget(self) -> None:
        """Overwrite what is kept, and let go of all that was heard."""
        self._kept.zero()
        self._marks.clear()
        self._marker = Marker()
        self._unmarked = [_NOTHING]
        self._detector.forget()
        self._to_marks = Resampler(self._rate_hz, WAKE_RATE_HZ)
        self._to_wake = self._to_link = self._rested = self._gate = None
        if self._echo is not None:
            self._echo.forget()
        self._forget_words()

    def _frame_at(self, moment_s: float | None) -> int:
        """The position in the stream that is at the microphone at that moment; 0 for None."""
        if moment_s is None:
            return 0
        return self._taken + round((moment_s - self._taken_s) * self._rate_hz)

    def _forget_words(self) -> None:
        if self._engine is not None:
            self._engine.forget()
        if self._trigger is not None:
            self._trigger.restart()
        self._restart_endpoint()

    def _restart_endpoint(self) -> None:
        if self._endpoint is not None:
            self._endpoint.restart()

    def _mark(self) -> tuple[list[Mark], list[Event]]:
        """Mark what was heard, and what is to be said of us and others by that.

        At rest too: by the time of a wake word the noise of the room is known.
        """
        heard = np.concatenate(self._unmarked)
        end = len(heard) - len(heard) % SPEECH_PIECE_FRAMES
        self._unmarked, heard = [heard[end:]], heard[:end]
        marks = self._marker.hear(self._detector.voiced(heard), speech_levels_db(heard))
        self._marks.extend(marks)
        return marks, self._judge_echo(marks)

    def _judge_echo(self, marks: list[Mark]) -> list[Event]:
        """What is to be said of us and others, by the next marks, if there are any."""
        if self._echo is None:
            return []
        judged = self._echo.judge(marks)
        # At rest nobody asks who else speaks.
        return judged if self.streaming else [event for event in judged if not isinstance(event, NearEnd)]

    def _detect(self, cleaned: Cleaned, marked: Samples) -> Detection | None:
        """A wake word, and not from our own speaker, in sound that as a rule is the very same as is marked."""
        if self._engine is None or self._trigger is None:
            return None
        if cleaned.wake is cleaned.heard:
            self._to_wake, wake_samples = None, marked
        else:
            # It begins and ends with the difference; the 1.2 ms of the resampler's delay are then missing, once.
            self._to_wake = self._to_wake or Resampler(self._rate_hz, WAKE_RATE_HZ)
            wake_samples = self._to_wake.take(cleaned.wake)
        detection = self._trigger.hear(self._engine.hear(wake_samples), len(wake_samples))
        if detection is not None and self._echo is not None and self._echo.own_word(detection.word):
            self.own_words += 1
            return None
        return detection

    def _wake(self, detection: Detection) -> list[Event]:
        """The word, with all that was not sent yet up to now; from here on everything is.

        Also what was to be kept back as the tail of our own sound: whoever says the word is to be heard from it on.
        """
        detected_at = self._clock()
        under_way, self._gate = self._to_link is not None, None
        woke = Woke(detection.word, detection.score, self._unsent(), detected_at)
        marks, judged = self._mark()
        if under_way:  # the word is part of a turn that is being judged
            return [woke, *self._edges(marks), *judged]
        self._restart_endpoint()
        return [woke, *judged]

    def _unsent(self) -> bytes:
        """What is kept and was never sent, at the link's rate; from here on the stream is being sent."""
        begin = self._sent
        if self._to_link is None:
            rested, self._rested = self._rested, None
            if rested is not None and rested[2] == self._sent and rested[1] >= self._kept.start:
                self._to_link, begin, _ = rested  # it goes on where that ended
            else:
                self._to_link = Resampler(self._rate_hz, LINK_RATE_HZ)
        pcm = bytes_of(self._to_link.take(self._kept.since(begin)))
        self._sent = self._kept.end
        return pcm

    def _pass_on(self, to_link: Resampler, samples: Samples) -> list[Event]:
        before = max(0, len(samples) - (self._kept.end - self._sent))  # of what is sent; none, as a rule
        wanted = samples[before:]
        marks, judged = self._mark()
        if not len(wanted):
            return judged
        self._sent = self._kept.end
        if before:
            marks = self._newest(marks, len(wanted))
        captured = Captured(bytes_of(to_link.take(wanted)), _voiced_ms(marks))
        return [captured, *self._edges(marks), *judged]

    def _newest(self, marks: Iterable[Mark], frames: int) -> list[Mark]:
        """Those of `marks` that are about the last `frames` frames."""
        return list(marks)[-math.ceil(ms_of(frames, self._rate_hz) / MARK_MS) :]

    def _edges(self, marks: list[Mark]) -> list[Event]:
        """What the next marks tell of the turn."""
        return [Endpointed(edge) for edge in self._endpoint.hear(marks)] if self._endpoint is not None else []


def _voiced_ms(marks: Sequence[Mark]) -> float:
    """How much speech there is in `marks`. Steady noise is none: it would hold a turn open for ever."""
    return float(MARK_MS * sum(mark.speech for mark in marks))
