"""The network fails under the unmodified daemon: in namespaces (tests/network), the cloud behind TLS, a LAN server.

Four appliances side by side hold a call open; the network to the cloud fails at a random moment between the wake word's
detection and 1.5 s after the last word, and nobody is told of it:

`black_hole`  a firewall drops both ways, or one: `.out` what goes to the cloud, `.in` what comes back
`cable`       the far end of the cloud's cable goes; its router finds nobody there

A fifth dials for each conversation (`realtime.connection: on_demand`), and its name server falls silent before the wake
word: `dns`. Settings are the defaults, but for follow-ups; each outage meets a daemon that has just been started, and
so knows of no other. By a fixed seed the moments are the same every time.

These rows are from the later of the outage and the end of the turn to the first audible sample of the LAN's reply, less
the LAN server's own time from request to first sample. The turn ends when the daemon says so, or after 700 ms of
silence (`silence_ms`) if it finds out later: the search for a lost cloud is no part of the turn. The budget is 1500 ms:
1200 of them are `link_silence_ms`, the rest is for dialling and the mouth. With `dns` it is `switch_ms`, of which the
user's own words hide most, so `dns.waited` tells it apart: from the wake word to the open LAN call.

`noticed` is an outage at rest, of any of these kinds, until the log's line that names it. It has no reach:
`ping_interval_s` (20 s) and `ping_timeout_s` (10 s) decide. `back` is from the mending, 0 to 4 s after a turn or after
that line, to a cloud call that opens, where one had been lost; `back.vain` calls fail before it, of which one may have
been on its way, and a resolver that waits for an old question may cost one more.

A turn that the cloud had begun to answer audibly is not asked again, and counts as answered; where only `.out` is
dropped, its reply may still come. Mended, each daemon is asked once more. Lost samples are those of the turns that the
LAN was asked.
"""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

from antiphon.pcm import WAKE_RATE_HZ
from antiphon.simulator.room import Room
from antiphon.staging import Line, Spoken, StageError
from bench.figure import Plan, Row, counted, figure, measured
from bench.figures.turns import QUESTIONS
from network.lab import CLOUD, CLOUD_V4, Lab, lab
from network.scenery import LAN_URL, LabStage

_WARM = 4
_KINDS = ("black_hole", "black_hole.out", "black_hole.in", "cable")
_OF_EACH_KIND = 7
_AT_REST = 8
_REST_S = 10.0  # a ping may be on its way, or not
_REACH_MS = 1500
_SWITCH_MS = 1500
_DIALLING_MS = 200  # to find and open the LAN's call
_SILENCE_S = 0.7
_AFTER_WORDS_S = 1.5
_MENDED_WITHIN_S = 4.0
_TURN_S = 20.0
_NOTICED_S = 40.0
_BACK_S = 60.0
_CODE_S = 400
_TRIES = 3  # a wake word that is not heard is the model's doing
_SETTINGS = (
    f"realtime.url=wss://{CLOUD}/v1/realtime",
    f"generate.urls=['{LAN_URL}']",
    "conversation.follow_up_ms=0",
    "log.level=debug",  # each call in vain is told there
)
_SERVICE = ("--reply", "Yes.")
_OUT, _IN = 'oifname "cloud0" drop', 'iifname "cloud0" drop'
_FOUND = {"link-opened", "link-tried"}
_FAILED = {"link-closed", "spare-call-closed"}
_LOST = _FAILED | {"link-given-up", "link-slow"}
_BREAK: dict[str, Callable[[Lab], None]] = {
    "black_hole": lambda network: network.rule(_OUT, _IN),
    "black_hole.out": lambda network: network.rule(_OUT),
    "black_hole.in": lambda network: network.rule(_IN),
    "cable": lambda network: network.cut_cloud_off(),
    "dns": lambda network: network.order_names("silent"),
}
_MEND: dict[str, Callable[[Lab], None]] = {
    "cable": lambda network: network.join_cloud(),
    "dns": lambda network: network.know(CLOUD, CLOUD_V4),
}


@dataclass(slots=True)
class _Turn:
    kind: str
    """Of the outage; "" for a turn in a sound network."""
    spoken: Spoken
    line: int
    """The daemon's, with which it begins."""
    woke_s: float
    answered: bool = False
    request: int | None = None
    """What the LAN server was asked, if it was."""
    took_ms: float | None = None
    waited_ms: float | None = None
    lost_frames: int = 0


@dataclass(slots=True)
class _Home:
    network: Lab
    stage: LabStage
    stack: ExitStack
    chance: random.Random
    turns: list[_Turn] = field(default_factory=list)
    noticed_ms: list[float] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)
    vain: list[int] = field(default_factory=list)


@figure
def network(_: Plan) -> Iterable[Row]:
    """Five appliances at the same time, each in a lab of its own."""
    chance = random.Random(3)
    turns = chance.sample(_KINDS * _OF_EACH_KIND, len(_KINDS) * _OF_EACH_KIND)
    rests = chance.choices(_KINDS, k=_AT_REST)
    with ThreadPoolExecutor(_WARM + 1) as pool:
        lives = [
            pool.submit(_life, number, turns[number::_WARM], rests[number::_WARM], "warm") for number in range(_WARM)
        ]
        lives.append(pool.submit(_life, _WARM, ["dns"] * _OF_EACH_KIND, [], "on_demand"))
        homes = [life.result() for life in lives]
    yield from _rows(homes)


# ── outages ──────────────────────────────────────────────────────────────────────────────────────


def _life(number: int, turns: Sequence[str], rests: Sequence[str], connection: str) -> _Home:
    """One appliance: an outage of each of these kinds, under a turn and at rest."""
    settings = (*_SETTINGS, f"realtime.connection={connection}")
    with ExitStack() as stack:
        network = stack.enter_context(lab())
        stage = LabStage(
            network, environ={}, room=Room(), settings=settings, simulate=_SERVICE, lan=_SERVICE, code_s=_CODE_S
        )
        home = _Home(network, stack.enter_context(stage), stack, random.Random(number))
        for kind in turns:
            _fail_under_turn(home, kind)
            _start_anew(home)
        for kind in rests:
            _fail_at_rest(home, kind)
            _start_anew(home)
        return _judged(home)


def _fail_under_turn(home: _Home, kind: str) -> None:
    """A turn in an outage, the mending, and a turn after it."""
    _wait_for_links(home, kind)
    if kind == "dns":
        failed_s = _fail(home, kind)
        turn = _speak(home, kind)
    else:
        turn = _speak(home, kind)
        fails_s = home.chance.uniform(turn.woke_s, turn.spoken.ends_s + _AFTER_WORDS_S)
        time.sleep(max(0.0, fails_s - time.monotonic()))
        failed_s = _fail(home, kind)
    _outcome(home, turn, failed_s)
    _mend(home, kind)
    _outcome(home, _speak(home, ""), 0.0)


def _fail_at_rest(home: _Home, kind: str) -> None:
    """An outage while nobody speaks."""
    _wait_for_links(home, kind)
    time.sleep(home.chance.uniform(0.0, _REST_S))
    failed_s = _fail(home, kind)
    told = home.stage.daemon.wait_for("link-closed", timeout_s=_NOTICED_S, link="realtime", level="warning")
    home.noticed_ms.append((float(told["t"]) - failed_s) * 1000)
    _mend(home, kind)


def _fail(home: _Home, kind: str) -> float:
    """When it has begun."""
    _BREAK[kind](home.network)
    return time.monotonic()


def _wait_for_links(home: _Home, kind: str) -> None:
    """The LAN has been tried, and the cloud's call is open where one is held."""
    home.stage.daemon.wait_until(lambda line: line["what"] == "link-tried" and not _is_cloud(line), what="link-tried")
    if kind != "dns":
        home.stage.daemon.wait_for("link-opened", link="realtime")


def _start_anew(home: _Home) -> None:
    """A daemon that knows of no outage."""
    home.stage.daemon.stop()
    home.stage.start_daemon(home.stack)


def _speak(home: _Home, kind: str) -> _Turn:
    """Somebody says wake word and question, again if the word is not heard."""
    for _try in range(_TRIES):
        start = len(home.stage.daemon.lines)
        spoken = home.stage.speak("Hey Jarvis", home.chance.choice(QUESTIONS), pause_ms=home.chance.choice((None, 400)))
        try:
            woke = home.stage.daemon.wait_for("woke", start, timeout_s=6)
        except StageError:
            continue
        home.turns.append(turn := _Turn(kind, spoken, start, float(woke["t"])))
        return turn
    raise StageError("the daemon does not hear its wake word")


def _mend(home: _Home, kind: str) -> None:
    """After a while; returns when a call of the cloud's has opened, if the outage has ended one."""
    daemon = home.stage.daemon
    time.sleep(home.chance.uniform(0.0, _MENDED_WITHIN_S))
    start, lost = len(daemon.lines), _is_lost(home)
    mended_s = time.monotonic()
    _MEND.get(kind, Lab.clear)(home.network)
    if not lost:
        return
    back = daemon.wait_until(_is_back, start, _BACK_S, "a call of the cloud's")
    home.back_s.append(float(back["t"]) - mended_s)
    lines = daemon.lines[start : daemon.lines.index(back)]
    home.vain.append(sum(line["what"] in _FAILED and _is_cloud(line) for line in lines))


def _is_lost(home: _Home) -> bool:
    """The cloud was found to be gone, and has not been found again."""
    news = [line["what"] for line in home.stage.daemon.lines if _is_cloud(line) and line["what"] in _LOST | _FOUND]
    return bool(news) and news[-1] in _LOST


def _is_back(line: Line) -> bool:
    return line["what"] in _FOUND and _is_cloud(line)


def _is_cloud(line: Line) -> bool:
    return line.get("link") == "realtime"


# ── outcomes ─────────────────────────────────────────────────────────────────────────────────────


def _outcome(home: _Home, turn: _Turn, failed_s: float) -> None:
    """What became of the turn that has begun: who answered, and how long that took."""
    daemon, lan = home.stage.daemon, home.stage.lan
    assert lan is not None
    try:
        daemon.wait_for("asleep", turn.line, _TURN_S)
    except StageError:
        return
    turn.answered = bool(daemon.said("heard", turn.line))
    overs = daemon.said("turn-over", turn.line)
    if not turn.answered or _is_cloud(overs[-1]):
        return
    sounded = daemon.said("sounded", turn.line)[-1]
    opened = [line for line in daemon.said("link-opened", turn.line) if not _is_cloud(line)][-1]
    request = [line for line in lan.said("request") if line["audio_s"]][-1]  # the others are trials
    turn.request = int(request["request"])
    first_audio = lan.wait_for("first_audio", request=turn.request)
    own_s = float(first_audio["t"]) - float(request["t"])
    over_s = min(float(overs[0]["t"]), turn.spoken.ends_s + _SILENCE_S)
    turn.took_ms = (float(sounded["t"]) - max(failed_s, over_s) - own_s) * 1000
    turn.waited_ms = (float(opened["t"]) - turn.woke_s) * 1000


def _judged(home: _Home) -> _Home:
    """With what the LAN server was asked compared with what the microphone was given."""
    home.stage.daemon.stop()
    for turn in home.turns:
        if turn.request is None:
            continue
        verdict = home.stage.verdict(turn.spoken, home.stage.asked(turn.request), WAKE_RATE_HZ)
        ends = max(0, verdict.first_frame - turn.spoken.first_frame)
        ends += max(0, turn.spoken.last_frame - verdict.last_frame)
        turn.lost_frames = verdict.lost_frames + verdict.inserted_frames + verdict.damaged_frames + ends
        if turn.lost_frames:
            overflows = home.stage.room.overflows if home.stage.room else 0
            said = f"{turn.spoken.text!r}, {turn.kind or 'sound'}: {turn.lost_frames} samples did not arrive"
            print(f"  {said} as they were said ({overflows} overflows of the card): {verdict}")
    return home


def _rows(homes: Sequence[_Home]) -> Iterable[Row]:
    turns = [turn for home in homes for turn in home.turns]
    for kind in _BREAK:
        took = [turn.took_ms for turn in turns if turn.kind == kind and turn.took_ms is not None]
        yield measured(f"network.{kind}", "ms", took, reach=_REACH_MS)
    waited = [turn.waited_ms for turn in turns if turn.kind == "dns" and turn.waited_ms is not None]
    yield measured("network.dns.waited", "ms", waited, reach=_SWITCH_MS + _DIALLING_MS)
    yield measured("network.noticed", "ms", [ms for home in homes for ms in home.noticed_ms])
    yield measured("network.back", "s", [back for home in homes for back in home.back_s])
    yield measured("network.back.vain", "calls", [vain for home in homes for vain in home.vain], reach=2)
    asked = sum(turn.request is not None for turn in turns)
    yield counted("network.not_answered", f"of {len(turns)}", sum(not turn.answered for turn in turns), len(turns), 0)
    yield counted("network.lost", "samples", sum(turn.lost_frames for turn in turns), asked, reach=0)
