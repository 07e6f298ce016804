"""Whether what came of an interrupted turn is right, by what the room has recorded, what the service has kept, and
what daemon and service have said of it.

Right is: one new turn; all of the new words in what is answered, to the sample; that answer heard to its end; of the
old reply nothing heard after the silence; and what was heard of it told to whoever remembers it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from antiphon.pcm import LINK_RATE_HZ, Samples, frames_in, ms_of
from antiphon.simulator.chirps import Verdict
from antiphon.simulator.room import Room
from antiphon.staging import Line, Spoken, Stage
from bench.playback import spoken_reply
from interruption import Interruption, state_after

Sign: TypeAlias = Literal["button", "word", "voice", "command"]
"""By what the appliance could know: of a wake word, its detection, or before that that somebody speaks."""

_APART_MS = 20.0  # what daemon and room may differ by about what was heard of a reply
_FADE_MS = 12.0  # the mouth's own is of 8
_IN_HAND_MS = 160.0  # what the ear had in hand as the button went down: two blocks of the card's, at most
_CROSSED = "no ongoing response to cancel"  # it ended by itself, while the mouth fell silent
_MORE_WORDS = 1.3  # not all are equally long
_ROUNDED_FRAMES = 4  # at both ends of a piece
_TAKEN_BACK = ("goes-on", "talk", "woke", "spoken-over")  # a turn that was over, and is not after all
_NOTICED = {"button": ("talk",), "word": ("woke", "goes-on", "spoken-over"), "command": ()}


@dataclass(slots=True)
class Judgement:
    """What came of one interruption."""

    turn: Interruption
    phase: str
    """What the appliance was doing when it was interrupted."""
    wrong: list[str] = field(default_factory=list)
    """A sentence for each thing that is not as it must be."""
    not_noticed: bool = False
    """The wake word was not detected, which is the model's and the voice's doing."""
    sign: Sign | None = None
    """By what the appliance knew that a reply should be cut; None when none was."""
    silence_ms: float = 0.0
    """From that to the reply's last audible frame: from the press, the detection, the first word or the signal on."""
    heard_error_ms: float = 0.0
    """How far the daemon is from the truth about what was heard of it."""
    lost_frames: int = 0
    """Frames of the new words that the turn which was answered does not hold as they were said."""

    def __str__(self) -> str:
        """A line for a table of what went wrong."""
        return f"{self.turn}, {self.phase}: {'; '.join(self.wrong)}"


def judge(stage: Stage, turn: Interruption) -> Judgement:
    """After `stage.end_daemon`, as the service keeps what it heard when a call is over."""
    judging = _Judging(stage, turn)
    judging.all()
    return judging.judgement


class _Judging:
    def __init__(self, stage: Stage, turn: Interruption) -> None:
        assert stage.service is not None
        assert stage.room is not None
        self.stage, self.turn, self.service, self.room = stage, turn, stage.service, stage.room
        self.lines = stage.daemon.lines[turn.lines_from : turn.lines_to]
        self.after = stage.daemon.lines[turn.lines_at : turn.lines_to]
        self.told = [line for line in self.service.lines if turn.asked.begins_s <= line["t"] <= turn.ends_s]
        self.judgement = Judgement(turn, state_after(stage.daemon.lines[turn.lines_from : turn.lines_at]))

    def all(self) -> None:
        """Everything, one after the other."""
        if not self._noticed():
            self.judgement.not_noticed = True
            return
        self._fates()
        self._sound()
        self._history()
        if self.turn.words is not None:
            self._turns()
            self._words(self.turn.words)
        if state_after(self.lines) != "asleep":
            self._wrong(f"it ends {state_after(self.lines)}")

    def _wrong(self, sentence: str) -> None:
        self.judgement.wrong.append(sentence)

    # ── what the daemon has done ─────────────────────────────────────────────────────────────────

    def _noticed(self) -> bool:
        """The first turn was begun; and where only the wake word interrupts, that was heard."""
        deaf = self.judgement.phase == "speaking" and not said("doubting", self.after)
        unheard = self.turn.how == "word" and deaf and not said("woke", self.after)
        return bool(said("woke", self.lines) or said("talk", self.lines)) and not unheard

    @property
    def _noticed_s(self) -> float:
        """When the daemon knew of it."""
        marks = _NOTICED[self.turn.how]
        return next((float(line["t"]) for line in self.after if line["what"] in marks), self.turn.at_s)

    @property
    def _new(self) -> list[Line]:
        """The replies that began to sound after it."""
        return [line for line in said("sounded", self.lines) if line["t"] > self._noticed_s]

    def _fates(self) -> None:
        """Every reply that sounded was heard to its end, or cut; and one new one, to its end."""
        fates = {line["reply"]: line["what"] for line in self.lines if line["what"] in ("heard", "hushed")}
        for line in said("sounded", self.lines):
            if line["reply"] not in fates:
                self._wrong("nothing is told of the end of a reply that sounded")
        new = self._new
        if len(new) != (self.turn.words is not None):
            self._wrong(f"{len(new)} replies began to sound after it")
        elif new and fates.get(new[0]["reply"]) == "hushed":
            self._wrong("the new reply was cut")
        for line in said("sorry", self.lines):
            self._wrong(f"sorry: {line['why']}")

    def _turns(self) -> None:
        """One turn, but for those that were taken up again before anything of their answer was heard."""
        over = 0
        for line in self.after:
            over = 0 if line["what"] in _TAKEN_BACK else over + (line["what"] == "turn-over")
        if over != 1:
            self._wrong(f"{over} turns came of it")

    # ── what the room has heard ──────────────────────────────────────────────────────────────────

    def _sound(self) -> None:
        """Every reply as it was sent, from its first frame to its last or its cut, and nothing else at all."""
        start = self.room.spk.frame_at(self.turn.asked.begins_s)
        sound = self.room.heard(start, self.room.spk.frame_at(self.turn.ends_s))
        fates = {line["reply"]: line for line in self.lines if line["what"] in ("heard", "hushed")}
        at = 0
        for name in self._audible:
            if not np.any(sound[at:]):
                self._wrong("a reply that the daemon took for audible did not sound")
                return
            reply = spoken_reply(self._created(name)["text"])
            first = at + int(np.flatnonzero(sound[at:])[0]) - int(np.flatnonzero(reply)[0])
            intact = alike(sound[first:], reply)
            at = first + min(len(reply), intact + frames_in(_FADE_MS, LINK_RATE_HZ))
            if name in fates:
                audible = int(np.flatnonzero(sound[first:at])[-1]) + 1
                silent_s = self.room.spk.time_of(start + first + audible)
                self._reply_sounded(fates[name], audible, intact, len(reply), silent_s)
        rest = np.flatnonzero(sound[at:])
        if len(rest):
            from_ms = (self.room.spk.time_of(start + at + int(rest[0])) - self.turn.at_s) * 1000
            self._wrong(f"{len(rest)} frames sounded that no reply accounts for, from {from_ms:.0f} ms on")

    @property
    def _audible(self) -> list[str]:
        """The replies that could be heard, in order; one that is cut in its first moments is told only as cut."""
        cut = [line for line in said("hushed", self.lines) if line["heard_ms"]]
        return list(
            dict.fromkeys(str(line["reply"]) for line in self.lines if line["what"] == "sounded" or line in cut)
        )

    def _reply_sounded(self, fate: Line, audible: int, intact: int, frames: int, silent_s: float) -> None:
        """A reply of `frames`, of which so many were audible and `intact` of them as they were sent, and its fate."""
        if fate["what"] == "heard":
            if intact < frames:
                self._wrong(f"a reply broke off after {ms_of(intact, LINK_RATE_HZ):.0f} ms, and was taken for heard")
            return
        heard = float(fate["heard_ms"]) * LINK_RATE_HZ / 1000
        error = max(0.0, audible - heard, heard - max(audible, intact))
        self.judgement.heard_error_ms = error * 1000 / LINK_RATE_HZ
        if self.judgement.heard_error_ms > _APART_MS:
            self._wrong(f"{fate['heard_ms']} ms are taken for heard: {self.judgement.heard_error_ms:.0f} ms wrong")
        self.judgement.sign, known_s = self._known(float(fate["t"]))
        self.judgement.silence_ms = (silent_s - known_s) * 1000

    def _known(self, hushed_s: float) -> tuple[Sign, float]:
        """By what, and when, the appliance could know that it should be silent by then."""
        if self.turn.how != "word":
            return self.turn.how, self.turn.at_s
        woke = [line for line in said("woke", self.after) if line["t"] <= hushed_s]
        return ("word", float(woke[-1]["detected_at"])) if woke else ("voice", self.turn.at_s)

    # ── what is remembered of it ─────────────────────────────────────────────────────────────────

    def _created(self, reply: str) -> Line:
        return self.service.wait_for("response_created", response=reply)

    def _history(self) -> None:
        """So much was heard of a reply that was cut: the service knows, or is told of no more in the next call."""
        for line in said("complaint", self.told):
            if line["message"] == _CROSSED:
                continue
            self._wrong(f"the service complains: {line['message']}")
        for line in said("hushed", self.lines):
            session = self._created(line["reply"])["session"]
            if self.turn.how == "command":
                self._next_call(session, line)
            else:
                self._same_call(session, line)

    def _same_call(self, session: int, hushed: Line) -> None:
        """The service was told to end it, if it had not, and to cut it in its memory."""
        cuts = [float(line["heard_ms"]) for line in said("truncated", self.told) if line["session"] == session]
        heard_ms = float(hushed["heard_ms"])
        cut = 0 < heard_ms < float(hushed["length_ms"])
        if cut and not (len(cuts) == 1 and abs(cuts[0] - heard_ms) <= 1):
            self._wrong(f"{heard_ms:g} ms of a reply were heard, and the service was told {cuts}")
        for line in said("response_done", self.told):
            if line["response"] == hushed["reply"] and line["t"] > hushed["t"] and line["status"] == "completed":
                self._wrong("a reply that was cut was not cancelled")

    def _next_call(self, session: int, hushed: Line) -> None:
        """That call is over; the next one is told of no more of the reply than was heard."""
        text = str(self._created(hushed["reply"])["text"])
        told = [line for line in said("told", self.service.lines) if line["session"] > session]
        told = [line for line in told if line["session"] == told[0]["session"] and line["role"] == "assistant"]
        words, knows = text.split(), str(told[-1]["text"]).split() if told else []
        heard = len(words) * float(hushed["heard_ms"]) / ms_of(len(spoken_reply(text)), LINK_RATE_HZ)
        if knows == words[: len(knows)] and len(knows) > _MORE_WORDS * heard + 2:
            self._wrong(f"of {len(words)} words {heard:.1f} were heard, and the next call is told {len(knows)}")

    # ── what is answered ─────────────────────────────────────────────────────────────────────────

    def _words(self, words: Spoken) -> None:
        """The turn that was answered holds all of the new words, and of those before none that were given up."""
        new = self._new
        if not new:
            return
        first_frame = self.turn.asked.first_frame if self._joined else words.first_frame
        span = Spoken(words.text, words.voice, first_frame, words.last_frame, words.begins_s, words.ends_s)
        found = self.stage.verdict(span, self._answered(new[-1]["reply"]))
        self.judgement.lost_frames = lost = _missing(found, span, self.room)
        if lost:
            self._wrong(f"{lost} of frames {first_frame} to {words.last_frame} are not in what is answered: {found}")
        starts_over = self.turn.how == "button" and self.judgement.phase in ("opening", "listening", "thinking")
        earliest = self.turn.at_frame - frames_in(_IN_HAND_MS, self.room.mic.rate_hz)
        if starts_over and found.pieces and found.first_frame < min(earliest, self.turn.asked.last_frame):
            old = self.turn.asked.last_frame - found.first_frame
            self._wrong(f"{old} samples of the old words are part of what is answered")

    @property
    def _joined(self) -> bool:
        """The wake word came into a turn under way, whose end nobody had found yet: one turn that holds both."""
        listened = self.judgement.phase in ("asleep", "opening", "listening")
        return self.turn.how == "word" and listened and not said("goes-on", self.after)

    def _answered(self, reply: str) -> Samples:
        """What the service answered with `reply`: its turn's own samples."""
        created = self._created(reply)
        turn = [
            line
            for line in said("turn", self.service.lines)
            if line["session"] == created["session"] and line["t"] <= created["t"]
        ][-1]
        whole = np.concatenate(self.stage.received(created["session"]))
        return whole[int(turn["first_frame"]) :][: int(turn["frames"])]


def said(what: str, lines: Sequence[Line]) -> list[Line]:
    """Those of `lines` that say it."""
    return [line for line in lines if line["what"] == what]


def alike(sound: Samples, reply: Samples) -> int:
    """How many frames of `sound` are those of `reply`."""
    length = min(len(sound), len(reply))
    different = np.flatnonzero(sound[:length] != reply[:length])
    return int(different[0]) if len(different) else length


def _missing(found: Verdict, span: Spoken, room: Room) -> int:
    """Frames of `span` that are not in the piece that holds most of it; what lies around it may be in pieces."""
    scale = room.mic.rate_hz / LINK_RATE_HZ
    start = max(0, span.first_frame - 3 * room.mic.rate_hz)  # where Stage.verdict begins
    held = 0
    for piece in found.pieces:
        first = max(span.first_frame, start + int((piece.received_from + piece.lag) * scale))
        last = min(span.last_frame, start + int((piece.received_to + piece.lag) * scale) + _ROUNDED_FRAMES)
        held = max(held, last - first + 1)
    return span.last_frame - span.first_frame + 1 - held
