"""Floor 5. `antiphon ask`: one turn without a sound card, through the appliance's own mind, shell and link.

A file is the microphone, and takes no longer than reading it; another is the speaker. The turn begins with a press of
the talk button and is over where the file is, so a pause inside the question does not end it.
"""

import asyncio
import json
import sys
import wave
from collections.abc import Callable
from pathlib import Path

from antiphon.app import Appliance, World, make_links, make_tools
from antiphon.conversation.events import ButtonMoved, SwitchMoved
from antiphon.conversation.states import State
from antiphon.devices.fake_hands import NoLamps
from antiphon.devices.wav import wav_blocks, wav_format
from antiphon.errors import AudioFileError, DeviceError
from antiphon.overhearing import AskedTurn, Narrator, in_words, overheard
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, ms_of
from antiphon.reasons import by_hand
from antiphon.runtime.log import open_log
from antiphon.runtime.notify import NoNotifier
from antiphon.runtime.orders import Orders
from antiphon.runtime.timers import TimerKeeper
from antiphon.secret import Secret
from antiphon.settings import Settings
from antiphon.snapshot import Snapshot
from antiphon.tape import BLOCK_MS, LEAST_MS, TAIL_MS, QuestionMicrophone, ReplySpeaker, WholeQuestion, check_place

TRANSCRIPT_MS = 700
"""The transcript of the question often comes only after the reply; so long it is waited for."""
WHOLE_REPLY_MS = 600_000
"""The jitter buffer's depth: a reply is played when all of it has come, and then without a break. Until then another
link can take over.
"""
PATIENCE_S = 3.0
"""Who sits before a terminal is told what is being waited for after so long."""


def run_ask(settings: Settings, key: Secret | None, question: Path, output: Path | None, *, as_json: bool) -> int:
    """Ask the question; 0, or 1 with a sentence on stderr when there was no answer.

    Raises AudioFileError for a question that cannot be heard, or an answer that cannot be written.
    """
    check_question(question, settings.conversation.max_turn_ms)
    check_output(question, output)
    turn = asyncio.run(ask(settings, key, question, _say, PATIENCE_S if sys.stderr.isatty() else None))
    for sentence in turn.complaints:
        _say(by_hand(sentence))
    if turn.problem:
        _say(by_hand(turn.problem))
        return 1
    if output is not None and turn.reply:
        write_wav(output, turn.reply)
    told = turn.told(question, output)
    print(json.dumps(told, ensure_ascii=False) if as_json else in_words(told))
    return 0


def _say(sentence: str) -> None:
    print(f"antiphon: {sentence}", file=sys.stderr, flush=True)


def check_question(question: Path, most_ms: float) -> None:
    """Raises AudioFileError, before any of it is sent, when the file cannot be a turn."""
    rate_hz, frames = wav_format(question)
    if ms_of(frames, rate_hz) > most_ms:
        raise AudioFileError(
            f"{question} lasts {_length(frames / rate_hz)}, and a turn {_length(most_ms / 1000)} at most: "
            "cut it, or raise conversation.max_turn_ms"
        )
    if next(wav_blocks(question, BLOCK_MS), None) is None:
        raise AudioFileError(f"{question} cannot be heard: it holds no sound, whatever its header says")


def check_output(question: Path, output: Path | None) -> None:
    """Raises AudioFileError, before anybody is asked, when the reply could not be written."""
    if output is None:
        return
    check_place(output)
    if output.exists() and output.samefile(question):
        raise AudioFileError(f"{output} is the question: give the reply another name")


def write_wav(path: Path, pcm: bytes) -> None:
    """`pcm`, mono s16le 24 kHz, as a WAV file."""
    try:
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(SAMPLE_BYTES)
            file.setframerate(LINK_RATE_HZ)
            file.writeframes(pcm)
    except OSError as error:
        raise AudioFileError(f"{path} cannot be written: {error.strerror}") from error


async def ask(
    settings: Settings, key: Secret | None, question: Path, say: Callable[[str], None], patience_s: float | None
) -> AskedTurn:
    """One turn, from the talk button to sleep. `say` and `patience_s` are the Narrator's."""
    settings = _for_one_turn(settings)
    turn = AskedTurn()
    microphone, speaker = QuestionMicrophone(question), ReplySpeaker()
    hand, narrator = _Hand(turn, microphone), Narrator(turn, say, patience_s)
    log = open_log(settings.log.format, "error")
    orders = Orders(lambda _: None)
    tools = make_tools(settings, orders, TimerKeeper(None, log), log)
    world = World(
        microphone,
        speaker,
        NoLamps(),
        hand,
        engine=None,
        trigger=None,
        links=overheard(make_links(settings, key, tools.specs), turn),
        endpoint=WholeQuestion(microphone),
        tools=tools,
        orders=orders,
    )
    appliance = Appliance(settings, world, log, NoNotifier(), [hand, narrator])
    hand.when_over = appliance.stop
    try:
        await appliance.run()
    finally:
        narrator.close()
    turn.question_ms, turn.reply = microphone.length_ms or 0.0, speaker.pcm
    if appliance.failed:
        microphone.close()  # whoever died with them did not
        speaker.close()
        turn.problem = "a part of antiphon has died of a fault of its own, shown above: please report it"
    if not (turn.problem or turn.reply or turn.answer):
        turn.problem = f"there is no answer, as if {question} held no speech: listen to it, or raise its volume"
    return turn


def _for_one_turn(settings: Settings) -> Settings:
    """The owner's settings, but: the file ends the turn, one turn is all, the reply plays as a whole, and no tool
    is there that is about the device itself."""
    manners = settings.conversation
    fill_ms = round(LEAST_MS + TAIL_MS)
    most_ms = manners.max_turn_ms + fill_ms
    one_turn = {"follow_up_ms": TRANSCRIPT_MS, "hang_ms": most_ms, "max_turn_ms": most_ms}
    clock = tuple(name for name in settings.tools.builtin if name == "get_time")
    changes = {
        "conversation": manners.model_copy(update=one_turn),
        "realtime": settings.realtime.model_copy(update={"turn_detection": "own", "connection": "on_demand"}),
        "speaker": settings.speaker.model_copy(
            update={"jitter_ms": WHOLE_REPLY_MS, "jitter_max_ms": WHOLE_REPLY_MS, "chimes": False}
        ),
        # What changes or keeps something of a device that goes on has no sense here.
        "tools": settings.tools.model_copy(update={"builtin": clock, "switches": ()}),
    }
    return settings.model_copy(update=changes)


def _length(seconds: float) -> str:
    """As people say it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


# ── the hand and the eye ─────────────────────────────────────────────────────────────────────────


class _Hand:
    """Presses talk as soon as the ear is open, starts the question when it is listened to, and sees the end."""

    def __init__(self, turn: AskedTurn, microphone: QuestionMicrophone) -> None:
        self.when_over: Callable[[], None] = _nothing
        self._turn = turn
        self._microphone = microphone
        self._moved: Callable[[ButtonMoved | SwitchMoved], None] | None = None
        self._pressed = self._begun = False

    def open(self, moved: Callable[[ButtonMoved | SwitchMoved], None]) -> list[DeviceError]:
        """See ports.Buttons."""
        self._moved = moved
        return []

    def close(self) -> None:
        """See ports.Buttons."""
        self._moved = None

    def see(self, snapshot: Snapshot) -> None:
        """See ports.Watcher."""
        self._turn.see(snapshot)
        match snapshot.state:
            case State.OPENING | State.LISTENING:
                self._begun = True
                self._microphone.begin()
            case State.SORRY:
                self._turn.problem = snapshot.problem
                self.when_over()
            case State.LINGERING if self._turn.words:
                self.when_over()
            case State.ASLEEP if self._begun:
                self.when_over()
            case State.ASLEEP if not snapshot.deaf:
                self._press()

    def _press(self) -> None:
        if not self._pressed and self._moved is not None:
            self._pressed = True
            self._moved(ButtonMoved("talk", down=True))
            self._moved(ButtonMoved("talk", down=False))


def _nothing() -> None:
    """What is done at the end of a turn that nobody waits for."""
