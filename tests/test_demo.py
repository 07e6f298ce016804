"""`antiphon demo` as a newcomer runs it: a process, on simulated hardware."""

import json
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from antiphon.pcm import samples_of

ROWS_IN_ORDER = [
    'the room says "Hey Jarvis. What time is it?"',
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
    run = subprocess.run(
        [sys.executable, "-m", "antiphon", "demo", "--simulate", "--json", "--voice", "rms", "-o", str(wav)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
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


def test_a_mistake_is_one_line() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "antiphon", "demo", "--set", "realtime.voise=x"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 2
    assert "did you mean" in run.stderr
    assert "Traceback" not in run.stderr
