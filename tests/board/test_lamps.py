"""Every face of the appliance, read back from its lines, beside what the faces say that it should be."""

import numpy as np
import pytest

from antiphon.conversation.states import State
from antiphon.faces import face, look
from antiphon.pcm import WAKE_RATE_HZ, frames_in
from antiphon.simulator.speech import synthesise
from antiphon.snapshot import Snapshot
from board.appliance import LAMPS, MUTE, TALK
from board.patience import when_busy_again

pytestmark = pytest.mark.board

HZ = WAKE_RATE_HZ
LONG_REPLY = (
    "It is a quarter past ten in the morning, and the sun is shining on the hills, on the harbour and on the sea."
)
SLOW = {
    "lamps": {"dimmable": True},
    "realtime": {"connection": "on_demand", "turn_detection": "own"},
    "echo": {"cancel": "hardware"},
    "conversation": {"follow_up_ms": 4000, "opening_ms": 3000, "sorry_ms": 2500, "switch_ms": 3000},
}
"""Each state lasts long enough to be looked at; a voice interrupts."""
LEAST_MOMENTS = 30
"""In which a state must have been seen to be judged."""
STATES = {state.value for state in State}


def stretches(told, until_s):
    """(state, from, to) for each state that the journal tells of, in the machine's time."""
    changes = [(entry["what"], entry["t"]) for entry in told if entry["what"] in STATES and "after" in entry]
    ends = [t for _, t in changes[1:]] + [until_s]
    return [(State(what), began, ended) for (what, began), ended in zip(changes, ends, strict=True)]


def expected(snapshot, at_s):
    """How bright each lamp should be at these moments, 0 to 1, as one of one colour shows it."""
    return np.array([[max(colour) / 255 for colour in face(snapshot, t, len(LAMPS), 1.0)] for t in at_s])


def words(*parts):
    return np.concatenate(parts)


def silence(ms):
    return np.zeros(frames_in(ms, HZ), np.int16)


@when_busy_again
def test_every_state_is_seen_on_the_lines(appliance, room, pi, table):
    question = words(silence(600), synthesise("What time is it?", "slt", HZ), silence(3000))
    murmur = words(synthesise("Oh.", "slt", HZ, peak_db=-18), silence(2000))  # perhaps somebody, and nobody after all
    appliance.cloud("--reply", LONG_REPLY, "--switch", "timing.answer_ms=[1500,1500]", "--fault", "slow-upgrade=1200")
    appliance.settle(SLOW)
    appliance.start()
    watched = pi.watch(50)
    pi.tap(TALK)
    told = appliance.told("listening", 20)
    room.say(question, HZ).end()
    told += appliance.told("lingering", 40)
    told += appliance.told("asleep", 20)
    pi.tap(TALK)
    told += appliance.told("listening", 20)
    room.say(question, HZ).end()
    told += appliance.told("speaking", 20)
    room.say(murmur, HZ)
    told += appliance.told("speaking", 20, after="doubting")
    pi.tap(TALK)
    pi.tap(TALK)
    told += appliance.told("asleep", 20)
    pi.tap(MUTE)
    told += appliance.told("deaf", 20)
    pictures = pi.seen(watched)
    pi.tap(MUTE)
    appliance.machine.get("systemctl stop cloud")
    told += appliance.told("asleep", 20)
    watched = pi.watch(12)
    pi.tap(TALK)
    told += appliance.told("sorry", 20)
    told += appliance.told("asleep", 20)
    more = pi.seen(watched)
    at_s = np.array([*pictures.at_s, *more.at_s])
    levels = np.array([*pictures.levels, *more.levels])
    seen, wrong = judged(stretches(told, float(at_s[-1])), at_s, levels)
    assert wrong == []
    assert set(State) - seen == set(), "not seen"
    names = ", ".join(sorted(state.value for state in seen))
    table.add(
        "lamps",
        "every state, read from the lines",
        f"{len(seen)} of {len(State)}, as bright as they should be: {names}",
    )


def judged(states, at_s, levels):
    """Which states were seen as they should be, and a sentence for each that was not; each by its longest stretch."""
    longest, wrong, failing = {}, [], False
    for state, began_s, ended_s in states:
        failing = state is State.SORRY or (failing and state is State.ASLEEP)
        snapshot = Snapshot(state, began_s, "failing" if failing else "open", deaf=state is State.DEAF)
        inside = (at_s > began_s + 0.05) & (at_s < ended_s)
        if inside.sum() > longest.get(look(snapshot).word, (LEAST_MOMENTS,))[0]:
            longest[look(snapshot).word] = (inside.sum(), snapshot, inside)
    for word, (_, snapshot, inside) in longest.items():
        is_, should = levels[inside].mean(axis=0), expected(snapshot, at_s[inside]).mean(axis=0)
        print(f"{word:20} {is_.round(2)} of {should.round(2)}")
        if np.abs(is_ - should).max() > 0.15:
            wrong.append(f"{word}: {is_.round(2)}, and should be {should.round(2)}")
    return {snapshot.state for _, snapshot, _ in longest.values()}, wrong
