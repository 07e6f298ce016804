"""Floor 4. What the ear makes of sound, without its thread: samples of one capture stream in, events out.

At rest nothing comes out but wake words. From a wake word on, or when told to stream, each sample comes out once.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from antiphon.audio.endpoint import Endpointer
from antiphon.audio.level import SPEECH_PIECE_FRAMES, speech_levels_db
from antiphon.audio.marks import MARK_MS, Mark, Marker
from antiphon.audio.preroll import Preroll
from antiphon.audio.resample import Resampler
from antiphon.audio.trigger import Detection, Trigger
from antiphon.conversation.events import Captured, Endpointed, Event, Woke
from antiphon.pcm import LINK_RATE_HZ, WAKE_RATE_HZ, Samples, bytes_of, frames_in, ms_of
from antiphon.ports import VoiceDetector, WakeEngine

_NOTHING: Samples = np.zeros(0, np.int16)
_REST_FRAMES = frames_in(480, WAKE_RATE_HZ)
"""At rest marks are made this many frames at a time: they are for later only, and cost a third so."""


class Hearing:
    """One capture stream's worth of hearing.

    The pre-roll is kept as the card gave it and resampled only when it is wanted; the same resampler then goes on with
    what follows, so there is no seam.
    """

    def __init__(
        self,
        rate_hz: int,
        engine: WakeEngine | None,
        detector: VoiceDetector,
        trigger: Trigger | None,
        endpoint: Endpointer | None,
        preroll_ms: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """For sound at `rate_hz`; without engine and trigger no wake word is heard, without endpoint no turn judged."""
        self._rate_hz = rate_hz
        self._engine, self._trigger = engine, trigger
        self._detector, self._endpoint = detector, endpoint
        self._clock = clock
        self._kept = Preroll(max(1, frames_in(preroll_ms, rate_hz)))
        self._marks: deque[Mark] = deque(maxlen=math.ceil(preroll_ms / MARK_MS))
        self._marker = Marker()
        self._unmarked: list[Samples] = [_NOTHING]
        self._to_wake = Resampler(rate_hz, WAKE_RATE_HZ)
        self._to_link: Resampler | None = None  # while streaming
        self._sent = 0  # position in the stream up to which all was sent that ever will be
        self._forget_words()

    @property
    def streaming(self) -> bool:
        """Whether every sample comes out."""
        return self._to_link is not None

    def hear(self, samples: Samples) -> list[Event]:
        """The next samples of the stream."""
        self._kept.add(samples)
        wake_samples = self._to_wake.take(samples)
        self._unmarked.append(wake_samples)
        detection = self._detect(wake_samples)
        if detection is not None:
            return self._wake(detection)
        if self._to_link is not None:
            return self._pass_on(self._to_link, samples)
        if sum(map(len, self._unmarked)) >= _REST_FRAMES:
            self._mark()
        return []

    def stream(self, preroll_ms: float = 0.0) -> list[Event]:
        """Let every sample out from here on, and first the last `preroll_ms` that are kept and were never sent.

        They are part of the turn, so its beginning may be in them.
        """
        if self._to_link is not None:
            return []
        self._restart_endpoint()
        self._sent = max(self._sent, self._kept.end - frames_in(preroll_ms, self._rate_hz))
        frames = self._kept.end - max(self._sent, self._kept.start)
        pcm = self._unsent()
        self._mark()
        if not pcm:
            return []
        marks = list(self._marks)[-math.ceil(ms_of(frames, self._rate_hz) / MARK_MS) :]
        return [Captured(pcm, _voiced_ms(marks)), *self._edges(marks)]

    def rest(self) -> None:
        """Only wake words from here on."""
        if self._to_link is not None:
            self._sent = self._kept.end - self._to_link.held_frames
            self._to_link = None

    def forget(self) -> None:
        """Overwrite what is kept, and let go of all that was heard."""
        self._kept.zero()
        self._marks.clear()
        self._marker = Marker()
        self._unmarked = [_NOTHING]
        self._to_wake = Resampler(self._rate_hz, WAKE_RATE_HZ)
        self._to_link = None
        self._forget_words()

    def _forget_words(self) -> None:
        if self._engine is not None:
            self._engine.forget()
        if self._trigger is not None:
            self._trigger.restart()
        self._restart_endpoint()

    def _restart_endpoint(self) -> None:
        if self._endpoint is not None:
            self._endpoint.restart()

    def _mark(self) -> list[Mark]:
        """Mark what was heard. At rest too: by the time of a wake word the noise of the room is known."""
        heard = np.concatenate(self._unmarked)
        end = len(heard) - len(heard) % SPEECH_PIECE_FRAMES
        self._unmarked, heard = [heard[end:]], heard[:end]
        marks = self._marker.hear(self._detector.voiced(heard), speech_levels_db(heard))
        self._marks.extend(marks)
        return marks

    def _detect(self, wake_samples: Samples) -> Detection | None:
        if self._engine is None or self._trigger is None:
            return None
        return self._trigger.hear(self._engine.hear(wake_samples), len(wake_samples))

    def _wake(self, detection: Detection) -> list[Event]:
        """The word, with all that was not sent yet up to now; from here on everything is."""
        detected_at = self._clock()
        under_way = self.streaming
        woke = Woke(detection.word, detection.score, self._unsent(), detected_at)
        marks = self._mark()
        if under_way:  # the word is part of a turn that is being judged
            return [woke, *self._edges(marks)]
        self._restart_endpoint()
        return [woke]

    def _unsent(self) -> bytes:
        """What is kept and was never sent, at the link's rate; from here on the stream is being sent."""
        if self._to_link is None:
            self._to_link = Resampler(self._rate_hz, LINK_RATE_HZ)
        pcm = bytes_of(self._to_link.take(self._kept.since(self._sent)))
        self._sent = self._kept.end
        return pcm

    def _pass_on(self, to_link: Resampler, samples: Samples) -> list[Event]:
        self._sent = self._kept.end
        marks = self._mark()
        captured = Captured(bytes_of(to_link.take(samples)), _voiced_ms(marks))
        return [captured, *self._edges(marks)]

    def _edges(self, marks: list[Mark]) -> list[Event]:
        """What the next marks tell of the turn."""
        return [Endpointed(edge) for edge in self._endpoint.hear(marks)] if self._endpoint is not None else []


def _voiced_ms(marks: Sequence[Mark]) -> float:
    """How much speech there is in `marks`. Steady noise is none: it would hold a turn open for ever."""
    return float(MARK_MS * sum(mark.speech for mark in marks))
