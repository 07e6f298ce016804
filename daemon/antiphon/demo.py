"""Floor 5. `antiphon demo`: a whole turn of the unmodified daemon, with what this machine has, the rest simulated.

It starts the stage, says something into the room (or asks you to), and draws what every part tells as a timeline. With
`--failover` it cuts the cloud off in the middle of the question, and a server on the LAN answers.
"""

import argparse
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from antiphon.config_files import KEY_VARIABLE, find_key, read_layers, stepfun_urls
from antiphon.conversation.states import State
from antiphon.errors import AudioFileError, MissingKeyError, SettingsError
from antiphon.faces import face, word
from antiphon.pcm import LINK_RATE_HZ, WAKE_RATE_HZ, Samples
from antiphon.settings import Settings, load
from antiphon.simulator.room import Room
from antiphon.simulator.speech import synthesise
from antiphon.snapshot import Snapshot
from antiphon.staging import DEMO_SETTINGS, Line, Spoken, Stage, StageError
from antiphon.staying import Somebody, free_card, said, what_to_try
from antiphon.tape import check_place

_ROOM_SETS = ("microphone.device=mic", "speaker.device=spk")  # the simulated card's ends
_READ_SETS = ("log.level=info",)  # the timeline is drawn from the log's lines
_FAILOVER_SETS = ("links=[realtime, generate]",)
_TURN_S = 60.0
_FOR_EVER_S = 1e8
_SEEN_AFTER_S = 0.1  # a pulse begins dark: its lamps are drawn as they are a moment later
_MOMENT_S = 1e-6  # the log's clock has as many digits
_DARK = 20  # of 255


@dataclass(frozen=True, slots=True)
class _Plan:
    """What of the world is real, and what is set."""

    real_card: bool
    real_service: bool
    wake: str
    """The wake word, as it is spoken."""
    owners: bool
    """The owner's settings hold; otherwise the demo has its own."""
    settings: Settings
    sets: list[str]
    config: Path | None


def run_demo(options: argparse.Namespace) -> int:
    """0 when the turn was answered and heard, 1 when not. Raises what the owner can mend."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the stage is cleared on the way out
    screen = Console(stderr=options.json, highlight=False, soft_wrap=True)
    reason = " for --failover" if options.failover else " for --stay" if options.stay else ""
    asked = ", as asked" if options.simulate else reason
    options.simulate = options.simulate or options.failover or options.stay
    plan = _plan(options)
    room = None if plan.real_card else Room()
    output = options.output or Path("build") / "demo.wav"
    if room is not None:
        _check_words(options.say, options.voice)
        _check_output(output)
    if options.stay and (options.failover or options.json):
        raise SettingsError("--stay goes with neither --failover nor --json: it has no end to tell")
    stage = Stage(
        room=room,
        settings=[*plan.sets, *(_FAILOVER_SETS if options.failover else ())],
        config=plan.config,
        simulate=None if plan.real_service else (),
        lan=() if options.failover else None,
        owners_variables=plan.owners,
    )
    screen.print("[bold]Antiphon[/bold]: one turn of the unmodified daemon.")
    for line in _what_is_real(plan, asked):
        screen.print(f"  {line}")
    if options.failover:
        screen.print("  a server on the LAN, simulated, over real HTTP; the service will be killed under the question")
    with stage:
        if room is None:
            screen.print(f'\nSay [bold]"{escape(plan.wake)}"[/bold] and a question; Ctrl-C ends.')
            return _watch(stage, screen)
        if options.stay:
            return _stay(stage, room, screen, plan.wake, options.voice)
        return _play(stage, room, screen, plan.wake, options, output)


def _plan(options: argparse.Namespace) -> _Plan:
    """Look at the machine, and at its owner's settings."""
    real_card = real_service = False
    if not options.simulate:
        real_card = _has_card()
        real_service = _has_service(load(read_layers(options.config, os.environ, options.set)).settings)
    owners = real_card or real_service or options.config is not None
    config = options.config if owners else DEMO_SETTINGS
    sets = [*(() if real_card else _ROOM_SETS), *options.set, *_READ_SETS]
    settings = load(read_layers(config, os.environ if owners else {}, sets)).settings
    return _Plan(real_card, real_service, _spoken(settings), owners, settings, sets, config)


def _spoken(settings: Settings) -> str:
    """The first wake word that is set, as a person says it: "hey_jarvis" is "Hey Jarvis"."""
    if not settings.wake.words:
        raise SettingsError("wake.words is empty: the demo begins with a wake word; set one, such as hey_jarvis")
    return Path(settings.wake.words[0].model).stem.replace("_", " ").title()


def _has_card() -> bool:
    from antiphon.devices.sound_devices import list_devices

    devices = list_devices()
    return any(device.input_channels for device in devices) and any(device.output_channels for device in devices)


def _has_service(settings: Settings) -> bool:
    """Whether there is a key, or no need of one. Raises SettingsError for one that cannot be used."""
    try:
        find_key(settings, os.environ)
    except MissingKeyError:
        return False
    return True


def _what_is_real(plan: _Plan, asked: str) -> list[str]:
    """Card, services, lamps; `asked`: why what there may be is simulated all the same, "" when it is not."""
    if plan.real_card:
        card = "your sound card"
    elif asked:
        card = f"a sound card, simulated{asked}, in a room with a voice in it"
    else:
        card = "no sound card here: a simulated one, in a room with a voice in it"
    simulated = "StepFun's service, simulated{}, on a real WebSocket of this machine"
    cloud = stepfun_urls(plan.settings)
    if plan.real_service and not cloud:
        urls = plan.settings.generate.urls
        service = f"your own server{'s' * (len(urls) > 1)} at {escape(', '.join(urls))}, as set"
    elif plan.real_service:
        service = f"the service at {escape(cloud[0])}, as set"
    elif asked:
        service = simulated.format(asked)
    else:
        service = f"no API key in ${KEY_VARIABLE}: {simulated.format('')}"
    lamps = "your lamps, as set" if plan.settings.lamps.kind == "gpio" else "no GPIO needed: the lamps are drawn here"
    return [card, service, lamps]


# ── the simulated room ───────────────────────────────────────────────────────────────────────────


def _check_words(question: str, voice: str) -> None:
    """Raises SettingsError or DeviceError, before anything is started, when the question cannot be spoken."""
    if not question.strip():
        raise SettingsError("--say: there is no question in it; give one, as in --say 'What time is it?'")
    synthesise(question, voice)


def _check_output(output: Path) -> None:
    """Make its directory. Raises AudioFileError, before anything is started, when it cannot be written."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AudioFileError(f"{output} cannot be written: there is no directory, nor can it be made") from error
    check_place(output)


def _play(stage: Stage, room: Room, screen: Console, wake: str, options: argparse.Namespace, output: Path) -> int:
    """Say something into the room, and follow it to its end."""
    if stage.lan is not None:
        stage.lan.wait_for("reply_sent")  # the daemon has tried it
    spoken = stage.speak(wake, options.say, options.voice)
    timeline = _Timeline(stage, spoken.begins_s, screen)
    timeline.catch_up(before_s=spoken.begins_s)
    words = escape(f'"{wake}. {options.say}"')
    timeline.tell(spoken.begins_s, f"the room says [bold]{words}[/bold] ({escape(options.voice)})")
    answered = False
    try:
        if options.failover:
            timeline.follow(_TURN_S, until="woke")
            _cut_off(stage, spoken)
        answered = timeline.follow(_TURN_S)
    except StageError as error:
        screen.print(f"[red]the turn did not end[/red]: {escape(str(error))}")
    try:
        room.save_speaker_wav(output)
    except OSError as error:
        raise AudioFileError(f"{output} cannot be written: {error.strerror}") from error
    stage.end_daemon()
    report = _report(stage, spoken, answered, output)
    if options.json:
        print(json.dumps({"timeline": timeline.rows, **report}, indent=2))
    screen.print(f"\nspeech lost between the wake word and {report['link']}: [bold]{report['lost']}[/bold]")
    screen.print(f"what the room heard, chime and reply: {escape(str(output))}")
    return 0 if answered and report["whole"] else 1


def _cut_off(stage: Stage, spoken: Spoken) -> None:
    """Kill the simulated service half way from now to the last word."""
    assert stage.service is not None
    threading.Timer(max(0.0, spoken.ends_s - time.monotonic()) / 2, stage.service.kill).start()


def _report(stage: Stage, spoken: Spoken, answered: bool, output: Path) -> dict[str, object]:
    """What the service that was to answer has received, against what the room said."""
    overs = stage.daemon.said("turn-over")
    link = "the service" if stage.lan is None or not overs else overs[-1]["link"]
    report = {
        "answered": answered,
        "whole": stage.service is None,
        "lost": "not known",
        "link": link,
        "wav": str(output),
    }
    received = _sent_to_service(stage) if stage.lan is None else _asked_of_lan(stage)
    if received is None:
        return report
    verdict = stage.verdict(spoken, *received)
    whole = verdict.whole and verdict.first_frame <= spoken.first_frame and verdict.last_frame >= spoken.last_frame
    frames = spoken.last_frame - spoken.first_frame + 1
    return report | {"whole": whole, "lost": f"0 of {frames} samples" if whole else str(verdict)}


def _sent_to_service(stage: Stage) -> tuple[Samples, int] | None:
    """What was sent first, and its rate; None when that is not known."""
    stretches = stage.received() if stage.service is not None and stage.service.said("kept") else []
    return (stretches[0], LINK_RATE_HZ) if stretches else None


def _asked_of_lan(stage: Stage) -> tuple[Samples, int] | None:
    """The one question with speech in it, and its rate; None when there is none, or more than one."""
    assert stage.lan is not None
    questions = [line["request"] for line in stage.lan.said("request") if line["audio_s"]]
    return (stage.asked(questions[0]), WAKE_RATE_HZ) if len(questions) == 1 else None


# ── your own card ────────────────────────────────────────────────────────────────────────────────


def _stay(stage: Stage, room: Room, screen: Console, wake: str, voice: str) -> int:
    """Keep the stage, and a second card, for other verbs until Ctrl-C."""
    with free_card(stage) as (free, file):
        for line in what_to_try(stage, file):
            screen.print(escape(line))
        say = said(stage, wake, voice, lambda line: screen.print(escape(line)))
        with Somebody([room, free], say):
            return _watch(stage, screen)


def _watch(stage: Stage, screen: Console) -> int:
    """Follow turn after turn until Ctrl-C."""
    timeline = _Timeline(stage, float(stage.daemon.lines[0]["t"]), screen)
    try:
        while True:
            timeline.follow(_FOR_EVER_S)
            screen.print()
    except StageError as error:
        screen.print(f"[red]the daemon has ended[/red]: {escape(str(error))}")
    except KeyboardInterrupt:
        return 0
    return 1


# ── the timeline ─────────────────────────────────────────────────────────────────────────────────

_WORDS: dict[str, Callable[[Line], str]] = {
    "ready": lambda _: "the daemon is ready",
    "link-opened": lambda line: f"link open: call {line['call']}",
    "woke": lambda line: f"[bold]wake word[/bold] {escape(line['word'])} heard, score {line['score']:.2f}",
    "first_append": lambda _: "[bold]speech is being sent[/bold]: its first piece reaches the service",
    "append_resumed": lambda _: "sound goes to the service again",
    "only-the-wake-word": lambda _: "a pause after the wake word: still listening",
    "turn-over": lambda line: f"the question is over: {line['speech_ms'] / 1000:.1f} s, pre-roll included",
    "reply-started": lambda _: "the service begins a reply",
    "tool": lambda line: f"the tool {escape(line['tool'])} has " + ("[red]failed[/red]" if line["failed"] else "run"),
    "first-audio": lambda _: "[bold]first reply audio[/bold] arrives",
    "sounded": lambda _: "[bold]the reply can be heard[/bold]",
    "heard": lambda line: f"[bold]heard[/bold] to its end: {line['heard_ms'] / 1000:.2f} s",
    "lingering": lambda _: "a follow-up would need no wake word",
    "problem": lambda line: f"[red]{escape(line['sentence'])}[/red]",
    "asleep": lambda _: "[bold]asleep[/bold]",
}
"""What a line of the daemon's log or the service's means to a person; lines that are not here are not told."""


def _lost(line: Line) -> str:
    who = "[red]the cloud is cut off[/red]" if line["link"] == "realtime" else f"{escape(line['link'])} is lost"
    return f"{who}: {escape(line['why'])}"


def _asked(line: Line) -> str:
    if not line["audio_s"]:
        return "the LAN server is tried: its model must speak"
    return f"[bold]the next link gets the question[/bold]: {line['audio_s']:.1f} s, pre-roll included"


_FAILOVER_WORDS: dict[str, Callable[[Line], str]] = {
    **_WORDS,
    "link-opened": lambda line: f"link open: call {line['call']}, {escape(line['link'])}",
    "link-closed": _lost,
    "turn-over": lambda line: f"the question is over; it is for {escape(line['link'])} to answer",
    "request": _asked,
}
del _FAILOVER_WORDS["reply-started"]  # it is one with the question
"""The same where a server on the LAN is there as well, whose lines are told too."""


class _Timeline:
    """Rows of time, lamps and words, as they happen."""

    def __init__(self, stage: Stage, zero_s: float, screen: Console) -> None:
        self.rows: list[dict[str, object]] = []
        self._stage = stage
        self._zero_s = zero_s
        self._screen = screen
        self._told: Counter[str] = Counter()
        self._words = _WORDS if stage.lan is None else _FAILOVER_WORDS
        self._state = State.ASLEEP
        screen.print(f"\n[dim]{'seconds':>8}  lamps  {'':16} what[/dim]")

    def follow(self, patience_s: float, until: str = "asleep") -> bool:
        """Tell each line as it comes, until the daemon says `until`; True when a reply was heard. Raises StageError."""
        heard = False
        while True:
            told = self._told["daemon"]
            self._stage.daemon.wait_until(lambda _: True, after=told, timeout_s=patience_s)
            last = next((line for line in self._stage.daemon.lines[told:] if line["what"] == until), None)
            news = self.catch_up() if last is None else self.catch_up(before_s=last["t"] + _MOMENT_S)
            heard = heard or any(line["what"] == "heard" for line in news)
            if last is not None:
                return heard

    def catch_up(self, before_s: float = float("inf")) -> list[Line]:
        """Tell what daemon and services have said since the last time, in its order; returns it."""
        news: list[Line] = []
        for actor in (self._stage.daemon, self._stage.service, self._stage.lan):
            if actor is not None:
                fresh = [line for line in actor.lines[self._told[actor.name] :] if line["t"] < before_s]
                self._told[actor.name] += len(fresh)
                news += fresh
        news.sort(key=_moment)
        for line in news:
            if "after" in line:
                self._state = State(line["what"])
            if line["what"] in self._words:
                self.tell(_moment(line), self._words[line["what"]](line))
        return news

    def tell(self, at_s: float, words: str) -> None:
        """One row."""
        since_s = at_s - self._zero_s
        self.rows.append({"s": round(since_s, 3), "state": self._state.value, "what": Text.from_markup(words).plain})
        snapshot = Snapshot(self._state, at_s, "open", deaf=self._state is State.DEAF)
        lamps = "".join(_dot(*colour) for colour in face(snapshot, at_s + _SEEN_AFTER_S, 3, 1.0))
        self._screen.print(f"{since_s:8.2f}  {lamps} {word(snapshot):16} {words}")


def _moment(line: Line) -> float:
    """When it happened; the line may have been written a little later."""
    return float(line["detected_at"] if "detected_at" in line else line["t"])


def _dot(red: int, green: int, blue: int) -> str:
    return f"[rgb({red},{green},{blue})]●[/] " if max(red, green, blue) > _DARK else "[dim]○[/] "
