"""Fifty turns of the unmodified daemon, in each of which the cloud dies at a random moment, and the LAN has to answer.

Four rooms with a daemon, a cloud and a LAN server each. Half of the deaths are of a process that is killed (what is
open is reset, what is new is refused), half of one that is stopped (nothing comes back, and nobody hangs up: a cable,
a firewall, a crash of the other machine). Each comes at a random moment between the wake word's detection and 2 s after
the last word. Between two such turns the cloud is back and answers one.

The times are from the later of the death and the end of the turn to the first audible sample of the LAN's reply, less
the LAN server's own time from request to first sample. The turn ends when the daemon says so, or 700 ms after the last
word if it finds out later: the search for a lost cloud is no part of it. What the LAN server was asked is compared with
what the microphone was given, by the numbered chirp code: from the first sample of the wake word to the last of the
question. A turn that the cloud had begun to answer audibly is not asked again; it counts as answered.
"""

import os
import random
import signal
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from antiphon.pcm import WAKE_RATE_HZ
from antiphon.simulator.room import Room
from antiphon.simulator.speech import FLITE_VOICES
from antiphon.staging import Actor, Spoken, Stage, StageError
from bench.figure import Plan, Row, counted, figure, measured
from bench.figures.turns import QUESTIONS

_ROUNDS = 13  # in each of four rooms
_TURN_S = 20.0
_BACK_S = 40.0
_AFTER_WORDS_S = 2.0
_SILENCE_S = 0.7  # realtime.silence_ms and endpointing.trailing_silence_ms
_SETTINGS = ("conversation.follow_up_ms=0", "conversation.nothing_said_ms=3000")
_SERVICE = ("--reply", "Yes.")


@dataclass(slots=True)
class _Death:
    spoken: Spoken
    signal: signal.Signals
    lan: bool = False
    """The LAN answered."""
    cloud: bool = False
    """Something of the cloud's reply was heard."""
    took_ms: float | None = None
    lost_frames: int | None = None


@dataclass(slots=True)
class _Household:
    stage: Stage
    stack: ExitStack
    port: int
    deaths: list[_Death] = field(default_factory=list)
    asked: list[tuple[_Death, int]] = field(default_factory=list)


@figure
def failover(_: Plan) -> Iterable[Row]:
    """Killed and stopped, in all rooms."""
    chance = random.Random(3)
    with ExitStack() as stack:
        homes = [_home(stack) for _ in FLITE_VOICES]
        for number in range(_ROUNDS):
            _let_them_die(homes, number, chance)
            _bring_them_back(homes)
        for home in homes:
            home.stage.daemon.stop()
            for death, request in home.asked:
                verdict = home.stage.verdict(death.spoken, home.stage.asked(request), WAKE_RATE_HZ)
                ends = max(0, verdict.first_frame - death.spoken.first_frame)
                ends += max(0, death.spoken.last_frame - verdict.last_frame)
                death.lost_frames = verdict.lost_frames + verdict.inserted_frames + verdict.damaged_frames + ends
                if death.lost_frames:
                    said = f"{death.spoken.voice}, {death.spoken.text!r}, {death.signal.name}"
                    print(f"  {said}: {death.lost_frames} samples did not arrive as they were said: {verdict}")
    yield from _rows(homes)


def _home(stack: ExitStack) -> _Household:
    stage = stack.enter_context(Stage(room=Room(), settings=_SETTINGS, simulate=_SERVICE, lan=_SERVICE, code_s=900))
    assert stage.lan is not None
    stage.lan.wait_for("reply_sent")  # the daemon has tried it
    return _Household(stage, stack, int(stage.url.rpartition(":")[2].partition("/")[0]))


def _let_them_die(homes: Sequence[_Household], number: int, chance: random.Random) -> None:
    """One turn in every room at the same time, each with its own death."""
    starts = [len(home.stage.daemon.lines) for home in homes]
    question = QUESTIONS[number % len(QUESTIONS)]
    spoken = [home.stage.speak("Hey Jarvis", question, voice) for home, voice in zip(homes, FLITE_VOICES, strict=True)]
    due: list[tuple[float, int, signal.Signals]] = []
    for index, (home, one, start) in enumerate(zip(homes, spoken, starts, strict=True)):
        try:
            woke_s = float(home.stage.daemon.wait_for("woke", after=start, timeout_s=6)["t"])
        except StageError:  # the word was not heard, which is the model's and the voice's doing
            continue
        kind = signal.SIGKILL if (number + index) % 2 else signal.SIGSTOP
        due.append((chance.uniform(woke_s, one.ends_s + _AFTER_WORDS_S), index, kind))
    for at_s, index, kind in sorted(due):
        time.sleep(max(0.0, at_s - time.monotonic()))
        cloud = homes[index].stage.service
        assert cloud is not None
        died_s = time.monotonic()
        os.kill(cloud.pid, kind)
        homes[index].deaths.append(death := _Death(spoken[index], kind))
        death.took_ms = -died_s  # until it is known
    for _, index, _ in due:
        _outcome(homes[index], starts[index])


def _outcome(home: _Household, start: int) -> None:
    """What became of the last turn: who answered, and how long that took."""
    death, daemon, lan = home.deaths[-1], home.stage.daemon, home.stage.lan
    assert lan is not None
    assert death.took_ms is not None
    died_s, death.took_ms = -death.took_ms, None
    try:
        daemon.wait_for("asleep", after=start, timeout_s=_TURN_S)
    except StageError:
        return
    sounded = daemon.said("sounded", after=start)
    if not sounded:
        return
    overs = daemon.said("turn-over", after=start)
    if not overs or not str(overs[-1]["link"]).startswith("generate"):
        death.cloud = bool(daemon.said("heard", after=start))
        return
    death.lan = bool(daemon.said("heard", after=start))
    request = lan.said("request")[-1]
    first_audio = lan.wait_for("first_audio", request=request["request"])
    own_s = float(first_audio["t"]) - float(request["t"])
    over_s = min(float(overs[0]["t"]), death.spoken.ends_s + _SILENCE_S)
    from_s = max(died_s, over_s)
    death.took_ms = (float(sounded[-1]["t"]) - from_s - own_s) * 1000
    death.cloud = len(sounded) > 1
    home.asked.append((death, int(request["request"])))


def _bring_them_back(homes: Sequence[_Household]) -> None:
    """New clouds in the old places, and a turn that they answer."""
    starts = []
    for home in homes:
        cloud = home.stage.service
        assert isinstance(cloud, Actor)
        cloud.process.kill()
        cloud.end()
        starts.append(len(home.stage.daemon.lines))
        home.stage.start_service(home.stack, home.port)
    for home, start in zip(homes, starts, strict=True):
        home.stage.daemon.wait_for("link-opened", after=start, timeout_s=_BACK_S, link="realtime")
    starts = [len(home.stage.daemon.lines) for home in homes]
    for home in homes:
        home.stage.speak("Hey Jarvis", "What time is it?", "slt")
    for home, start in zip(homes, starts, strict=True):
        home.stage.daemon.wait_for("heard", after=start, timeout_s=_TURN_S)
        home.stage.daemon.wait_for("asleep", after=start, timeout_s=_TURN_S)


def _rows(homes: Sequence[_Household]) -> Iterable[Row]:
    deaths = [death for home in homes for death in home.deaths]
    unanswered = [death for death in deaths if not (death.lan or death.cloud)]
    both = [death for death in deaths if death.lan and death.cloud]
    lost = sum(death.lost_frames or 0 for death in deaths)
    asked = sum(len(home.asked) for home in homes)
    for name, kind, reach in (("refused", signal.SIGKILL, 300), ("silent", signal.SIGSTOP, 1500)):
        took = [death.took_ms for death in deaths if death.signal == kind and death.lan and death.took_ms is not None]
        yield measured(f"failover.{name}", "ms", took, reach=reach)
    yield counted("failover.not_answered", f"of {len(deaths)}", len(unanswered), len(deaths), reach=0)
    yield counted("failover.answered_twice", f"of {len(deaths)}", len(both), len(deaths), reach=0)
    yield counted("failover.lost", "samples", lost, asked, reach=0)
