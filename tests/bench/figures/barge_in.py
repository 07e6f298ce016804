"""A turn of the unmodified daemon, interrupted at every 100 ms, by button, wake word and command, and what comes of it.

From the end of the wake word, through question, waiting and a reply of three seconds, until one second into the
follow-up: at each point somebody presses talk and asks another question, or says the wake word and another question,
or tells it to stop. tests/interruption.py does it, tests/interruption_judge.py says what is right: `wrong` counts what
is not, and `lost` the samples of the new words that are not in what is answered.

Half duplex is a board that cannot tell its own sound from others' (`echo.cancel: none`); full duplex a speakerphone
that takes it out (`hardware`), where a voice interrupts before the wake word that it says is over. The room carries no
sound from speaker to microphone: what is heard over an echo is another figure's subject.

The times are to the last audible frame of the reply: from the press and the signal as we give them, from the wake word
as the daemon detects it (`detected_at`), from the voice's first sample. A turn under which the sound card was not
served in time proves nothing, and is played again; `not_played` are those for which this machine was always too busy.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from antiphon.simulator.room import Room
from antiphon.staging import Stage
from bench.figure import Plan, Row, counted, figure, measured
from interruption import ENVIRON, PROGRAM, SERVICE, SETTINGS, DisturbedError, How, Interruption, interrupt
from interruption_judge import Judgement, Sign, judge

_STEP_MS = 600
_STEP_ALONE_MS = 100  # an hour
_LAST_MS = 7300
_HOWS: tuple[How, ...] = ("button", "word", "command")
_VOICES = ("slt", "rms", "kal16")
_ROOMS = 2
_TRIES = 4
_TURNS = 16  # of one daemon's life
_CODE_S = 900.0  # every turn of them twice, and more
_BOARDS = {"half": "echo.cancel=none", "full": "echo.cancel=hardware"}
_REACH_MS: dict[Sign, float] = {"button": 60, "word": 100, "voice": 350, "command": 60}


@figure
def barge_in(plan: Plan) -> Iterable[Row]:
    """In half duplex and in full duplex."""
    for board, setting in _BOARDS.items():
        points = range(0, _LAST_MS + 1, _STEP_ALONE_MS if plan.alone else _STEP_MS)
        judged = play(points, setting)
        yield from _rows(board, judged)
        asked = len(points) * len(_HOWS)
        yield counted(f"barge_in.{board}.not_played", f"of {asked}", asked - len(judged), asked)


def play(points_ms: Iterable[float], setting: str, hows: Sequence[How] = _HOWS, rooms: int = _ROOMS) -> list[Judgement]:
    """Interrupt at each point in each way, in several rooms side by side; those it is too busy for are left out."""
    turns = [
        (how, at_ms, _VOICES[(point + number) % len(_VOICES)])
        for point, at_ms in enumerate(points_ms)
        for number, how in enumerate(hows)
    ]
    with ThreadPoolExecutor(rooms, thread_name_prefix="room") as pool:
        stages = [turns[at : at + _TURNS] for at in range(0, len(turns), _TURNS)]
        shares = pool.map(partial(_one_room, setting), stages)
        return [judgement for share in shares for judgement in share]


def _one_room(setting: str, turns: Sequence[tuple[How, float, str]]) -> list[Judgement]:
    settings = (*SETTINGS, "speaker.block_ms=20", setting)
    with Stage(
        room=Room(), settings=settings, simulate=SERVICE, code_s=_CODE_S, program=PROGRAM, environ=ENVIRON
    ) as stage:
        played = [_undisturbed(stage, *turn) for turn in turns]
        stage.end_daemon()
        return [judge(stage, turn) for turn in played if turn is not None]


def _undisturbed(stage: Stage, how: How, at_ms: float, voice: str) -> Interruption | None:
    for _ in range(_TRIES):
        try:
            return interrupt(stage, how, at_ms, voice)
        except DisturbedError as error:
            print(f"  again: {error}")
    return None


def _rows(board: str, judged: Sequence[Judgement]) -> Iterable[Row]:
    noticed = [one for one in judged if not one.not_noticed]
    for one in judged:
        if one.wrong:
            print(f"  wrong, {board} duplex: {one}")
    for sign, reach_ms in _REACH_MS.items():
        silences = [one.silence_ms for one in noticed if one.sign == sign]
        if silences:
            yield measured(f"barge_in.{board}.{sign}", "ms", silences, reach=reach_ms)
    errors = [one.heard_error_ms for one in noticed if one.sign is not None]
    yield measured(f"barge_in.{board}.heard_error", "ms", errors, reach=20)
    lost = sum(one.lost_frames for one in noticed)
    yield counted(f"barge_in.{board}.lost", "samples", lost, len(noticed), reach=0)
    wrong = [one for one in noticed if one.wrong]
    yield counted(f"barge_in.{board}.wrong", f"of {len(noticed)}", len(wrong), len(noticed), reach=0)
    yield counted(f"barge_in.{board}.not_noticed", f"of {len(judged)}", len(judged) - len(noticed), len(judged))
