"""`antiphon demo` as a newcomer runs it: a process, on simulated hardware."""

import json
import os
import re
import shlex
import signal
import wave
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from antiphon import cli, demo
from antiphon.cli import main
from antiphon.errors import SettingsError
from antiphon.pcm import samples_of
from antiphon.simulator.room import Room
from antiphon.simulator.speech import synthesise
from antiphon.staging import DEMO_SETTINGS, Actor
from verbs import ALONE, antiphon, environment, own_words

README = Path(__file__).parents[1] / "README.md"
ROWS_IN_ORDER = [
    'the room says "Hey Jarvis. What time is it? [/]" (rms)',
    "wake word hey_jarvis heard",
    "speech is being sent",
    "the question is over",
    "the service begins a reply",
    "first reply audio arrives",
    "the reply can be heard",
    "heard to its end",
    "asleep",
]


@pytest.mark.appliance
def test_the_demo_tells_the_turn_and_leaves_what_the_room_heard(tmp_path: Path) -> None:
    wav = tmp_path / "sub" / "heard.wav"
    run = antiphon(
        *("demo", "--simulate", "--json", "--voice", "rms", "--say", "What time is it? [/]", "-o", wav),
        environ=environment(folder=tmp_path, STEPFUN_API_KEY="sk-of-the-owner"),
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr.count("as asked") == 2
    assert "no sound card" not in run.stderr
    told = json.loads(run.stdout)
    assert told["answered"]
    assert told["whole"], told["lost"]
    rows = [row["what"] for row in told["timeline"]]
    places = [next((at for at, row in enumerate(rows) if row.startswith(start)), None) for start in ROWS_IN_ORDER]
    assert None not in places, rows
    assert places == sorted(places), rows
    assert "speech lost between the wake word and the service: 0 of" in run.stderr
    with wave.open(str(wav), "rb") as file:
        heard = samples_of(file.readframes(file.getnframes()))
        loud = np.flatnonzero(np.abs(heard.astype(np.int32)) > 1000)
        assert (loud[-1] - loud[0]) / file.getframerate() > 1.0, "a spoken reply"


FAILOVER_ROWS_IN_ORDER = [
    "the LAN server is tried",
    'the room says "Hey Jarvis. What time is it?" (slt)',
    "wake word hey_jarvis heard",
    "speech is being sent",
    "the cloud is cut off",
    "the question is over; it is for generate 127.0.0.1:",
    "the next link gets the question",
    "the reply can be heard",
    "heard to its end",
    "asleep",
]


@pytest.mark.appliance
def test_the_demo_of_failing_over_proves_that_nothing_was_lost(tmp_path: Path) -> None:
    """Whatever the owner has set; and README shows what it tells, figures apart."""
    wav = tmp_path / "heard.wav"
    environ = environment(folder=tmp_path, STEPFUN_API_KEY="sk-of-the-owner", ANTIPHON_LINKS="[realtime]")
    run = antiphon("demo", "--failover", "--json", "-o", wav, environ=environ)
    assert run.returncode == 0, run.stderr
    assert run.stderr.count("simulated for --failover") == 2
    assert "as asked" not in run.stderr
    told = json.loads(run.stdout)
    assert told["answered"]
    assert told["whole"], told["lost"]
    assert told["link"].startswith("generate 127.0.0.1:")
    rows = [row["what"] for row in told["timeline"]]
    places = [
        next((at for at, row in enumerate(rows) if row.startswith(start)), None) for start in FAILOVER_ROWS_IN_ORDER
    ]
    assert None not in places, rows
    assert places[0] < places[1], rows
    assert places[1:] == sorted(places[1:]), rows
    assert f"speech lost between the wake word and {told['link']}: 0 of" in run.stderr
    assert wav.exists()
    shown = README.read_text(encoding="utf-8").partition("antiphon demo --failover")[2].split("```")[2]
    shown_rows = [line[34:] for line in shown.splitlines() if re.match(r" +-?\d+\.\d\d  [○●]", line)]
    assert sorted(map(figures_apart, shown_rows)) == sorted(map(figures_apart, rows))


def figures_apart(row: str) -> str:
    return re.sub(r"\d+", "0", row)


def test_the_demo_as_readme_tells_it_is_a_command() -> None:
    """And so is every other that README tells to type."""
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line.partition("#")[0] for block in blocks for line in block.splitlines()]
    commands = [shlex.split(line) for line in lines if re.match(r"(\.venv/bin/)?antiphon ", line)]
    assert any("--failover" in command for command in commands)
    for _, *arguments in commands:
        cli._parser(arguments[:2]).parse_args(arguments)


# ── mistakes ──


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--set", "realtime.voise=x"), "did you mean"),
        (("--say", ""), "--say"),
        (("--say", " "), "--say"),
        (("--voice", "nobody"), "voice nobody"),
        (("-o", "/dev/null/x.wav"), "/dev/null/x.wav cannot be written"),
        (("-o", "/tmp"), "/tmp cannot be written"),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_started(arguments, says, capsys):
    assert main(["demo", "--simulate", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert says in said.err
    assert said.err.count("\n") == 1


def test_a_key_that_cannot_be_used_is_said(tmp_path):
    """And not taken for a missing one: nothing is simulated."""
    environ = environment(folder=tmp_path, STEPFUN_API_KEY="two words")
    run = antiphon("demo", *ALONE, environ=environ)
    assert run.returncode == 2
    assert run.stdout == ""
    (line,) = own_words(run.stderr)
    assert line.startswith("antiphon: $STEPFUN_API_KEY: does not hold an API key alone")


# ── what is real ──


@pytest.fixture
def plan(monkeypatch):
    """What the demo plans and says on a machine with this card and these variables."""
    for name in [name for name in os.environ if name.startswith(("ANTIPHON_", "STEPFUN_", "CREDENTIALS_"))]:
        monkeypatch.delenv(name)

    def made(*sets, card=False, simulate=False, config=Path(os.devnull), **variables):
        monkeypatch.setattr(demo, "_has_card", lambda: card)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        made = demo._plan(Namespace(simulate=simulate, config=config, set=list(sets)))
        return made, demo._what_is_real(made, ", as asked" if simulate else "")

    return made


def test_with_a_card_the_owner_s_lamps_are_used_as_set(plan):
    made, says = plan("lamps.kind=gpio", card=True, ANTIPHON_LAMPS__PINS="[5, 6]")
    assert (made.settings.lamps.kind, made.settings.lamps.pins) == ("gpio", (5, 6))
    assert made.owners
    assert not any("lamps" in one or "device" in one for one in made.sets if one != "lamps.kind=gpio")
    assert says[0] == "your sound card"
    assert says[2] == "your lamps, as set"


def test_a_missing_key_leads_to_the_simulation(plan):
    made, says = plan(config=None, simulate=False)
    assert (made.real_card, made.real_service, made.owners, made.config) == (False, False, False, DEMO_SETTINGS)
    assert says[0].startswith("no sound card here")
    assert says[1].startswith("no API key")


def test_a_key_in_a_file_that_others_may_read_is_said(plan, tmp_path):
    key = tmp_path / "key"
    key.write_text("sk-owner")
    key.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        plan(ANTIPHON_REALTIME__KEY_FILE=str(key))


def test_with_a_key_the_owner_s_settings_hold_but_for_the_card(plan, tmp_path):
    settings = tmp_path / "antiphon.yaml"
    settings.write_text("microphone:\n  device: USB\nrealtime:\n  voice: file\n")
    made, says = plan(config=settings, STEPFUN_API_KEY="sk-owner", ANTIPHON_SPEAKER__DEVICE="USB")
    assert made.real_service
    assert (made.settings.microphone.device, made.settings.speaker.device) == ("mic", "spk")
    assert made.settings.realtime.voice == "file"
    assert made.owners
    assert says[1] == f"the service at {made.settings.realtime.url}, as set"


@pytest.mark.parametrize("link", ["chat", "cascade"])
def test_the_service_of_another_link_is_named(plan, link):
    made, says = plan(f"links=generate,{link}", STEPFUN_API_KEY="sk-owner")
    assert says[1] == f"the service at {getattr(made.settings, link).url}, as set"


@pytest.mark.parametrize(
    ("failed", "says"), [(0, "the tool run_[/] has run"), (1, "the tool run_[/] has [red]failed[/red]")]
)
def test_a_tool_is_told(failed, says):
    assert demo._WORDS["tool"]({"tool": "run_[/]", "failed": failed}) == says.replace("[/]", r"\[/]")


@pytest.mark.parametrize(
    ("urls", "says"),
    [
        ("http://nas:8000", "your own server at http://nas:8000, as set"),
        ("http://nas:8000, http://box", "your own servers at http://nas:8000, http://box, as set"),
    ],
)
def test_where_the_lan_alone_is_asked_its_servers_are_named_and_not_the_service(plan, urls, says):
    made, told = plan("links=generate", f"generate.urls={urls}")
    assert made.real_service
    assert told[1] == says
    assert not any("key" in line or "stepfun" in line for line in told)


def test_what_is_simulated_as_asked_is_said_so(plan):
    made, says = plan(simulate=True, card=True, config=None, STEPFUN_API_KEY="two words", ANTIPHON_LOG__LEVEL="loud")
    assert (made.real_card, made.real_service, made.owners) == (False, False, False)
    assert ["as asked" in line for line in says] == [True, True, False]
    assert not any(line.startswith("no sound card") or "API key" in line for line in says)


# ── a card of one's own ──

_IN_A_TERMINAL = """
import os, signal, sys
from antiphon.cli import main
os.setsid()
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main())
"""


@pytest.mark.appliance
def test_turn_after_turn_is_told_until_ctrl_c(tmp_path):
    """The simulated card stands for a real one: the demo finds it as any other. A wake word alone ends nothing."""
    with Room() as room:
        room.noise(-60.0)
        environ = environment(
            room,
            ANTIPHON_CONVERSATION__NOTHING_SAID_MS="2000",
            ANTIPHON_CONVERSATION__FOLLOW_UP_MS="0",
            ANTIPHON_LOG__LEVEL="error",
        )
        run = Actor(
            "demo",
            ["demo", *ALONE, "--set", "realtime.url=wss://api.example.org/v1/realtime"],
            environ,
            ("-c", _IN_A_TERMINAL),
        )
        try:
            run.wait_for_words("your sound card")
            run.wait_for_words('Say "Hey Jarvis"')
            room.say(synthesise("Hey Jarvis.", "slt", room.mic.rate_hz))
            run.wait_for_words(f"{'asleep':16} asleep")
            room.say(synthesise("Hey Jarvis. What time is it?", "slt", room.mic.rate_hz))
            run.wait_for_words("heard to its end")
            os.killpg(run.pid, signal.SIGINT)  # as a terminal does, to all of them
            assert run.end() == 0, run.last_words()
        finally:
            if run.process.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
    assert run.words[0].startswith("Antiphon")
    assert not any("follow-up" in line for line in run.words), "the owner's variables hold"
    assert not any("Traceback" in line for line in run.words)


def test_the_demo_says_the_wake_word_that_is_set() -> None:
    words = "wake.words=[{model: okay_nabu}]"
    run = antiphon("demo", "--simulate", "--json", "--voice", "kal16", "--set", words)
    assert run.returncode == 0, run.stderr
    assert any(row["what"].startswith("wake word okay_nabu heard") for row in json.loads(run.stdout)["timeline"])
