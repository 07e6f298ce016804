"""What the device makes of its own voice: hours of its own replies, and nobody else, in five rooms.

The real echo path, its judges and the wake word engine, faster than real time in a room of numbers (closed_room.py): a
dry and a reverberant one, a loud speaker that distorts, a microphone that is moved every minute, and two cards whose
clocks run apart. A reply is two to five sentences in one of eight voices; between replies there are some seconds of
silence. As nobody else speaks, whatever is heard is wrong:

`own_speech.false_wakes` wake words; `own_speech.interrupted` replies that were ended; both are to be none.
`own_speech.held` how often in an hour a reply was held for an instant; all went on where they were.
`own_speech.half_duplex` the share of the time in which the device did not trust its cancelling.
"""

import random
from collections.abc import Iterable, Iterator

import numpy as np

from antiphon.devices.wake_openwakeword import open_engine
from antiphon.pcm import Samples
from antiphon.simulator.acoustics import Acoustics, room_response
from antiphon.simulator.speech import synthesise
from bench.closed_room import MIC_HZ, SPK_HZ, ClosedRoom
from bench.figure import Plan, Row, counted, figure
from bench.household import SENTENCES, VOICES

HOURS = 0.2
"""So long, where no HOURS are asked for."""
ROOMS = {
    "dry": Acoustics(room_response(MIC_HZ, 120.0), gain_db=-10.0),
    "reverberant": Acoustics(room_response(MIC_HZ, 300.0, direct_db=0.0, seed=2), gain_db=-6.0),
    "distorting": Acoustics(room_response(MIC_HZ, 200.0, seed=3), gain_db=-6.0, soft_clip=0.15),
    "moved": Acoustics(room_response(MIC_HZ, 200.0, seed=4), gain_db=-10.0),
    "drifting": Acoustics(room_response(MIC_HZ, 200.0, seed=5), delay_ms=60.0, gain_db=-10.0, drift_ppm=80),
}
_ABOUT_US = ("My name is Jarvis.", "You can wake me by my name.", "Hey there, how can I help you?")


@figure
def own_speech(plan: Plan) -> Iterable[Row]:
    """In all rooms together."""
    hours = plan.hours or HOURS
    rooms = {name: _listen_to_itself(name, acoustics, hours / len(ROOMS)) for name, acoustics in ROOMS.items()}
    for name, room in rooms.items():
        told = {what: room.count(what) for what in ("woke", "interrupted", "held", "resumed", "alarm")}
        print(f"  {name}: {room.now_s / 3600:.2f} h, {told}")
    seconds = sum(room.now_s for room in rooms.values())
    spoken = f"in {seconds / 3600:.2g} h"
    replies = sum(room.count("finished") + room.count("hushed") for room in rooms.values())
    wakes, ended, held = (sum(room.count(what) for room in rooms.values()) for what in ("woke", "interrupted", "held"))
    yield counted("own_speech.false_wakes", spoken, wakes, replies, reach=0)
    yield counted("own_speech.interrupted", spoken, ended, replies, reach=0)
    yield counted("own_speech.held", "an hour", held / seconds * 3600, replies)
    distrust_s = sum(_distrusted_s(room) for room in rooms.values())
    yield counted("own_speech.half_duplex", "% of the time", 100 * distrust_s / seconds, replies)


def _listen_to_itself(name: str, acoustics: Acoustics, hours: float) -> ClosedRoom:
    room = ClosedRoom(acoustics, engine=open_engine(["hey_jarvis"]))
    chance = random.Random(name)
    minute = 0
    for reply in _replies(chance):
        room.reply(reply)
        room.run_out()
        room.run(chance.uniform(0.3, 3.0))
        if name == "moved" and room.now_s // 60 > minute:
            minute = int(room.now_s // 60)
            room.move(Acoustics(room_response(MIC_HZ, 200.0, seed=100 + minute), 20.0 + minute % 7, -10.0))
        if room.now_s > hours * 3600:
            return room
    raise AssertionError


def _replies(chance: random.Random) -> Iterator[Samples]:
    sentences = (*SENTENCES, *_ABOUT_US)
    while True:
        voice = chance.choice(VOICES)
        said = [synthesise(text, voice, SPK_HZ) for text in chance.sample(sentences, chance.randint(2, 5))]
        yield np.concatenate(said)


def _distrusted_s(room: ClosedRoom) -> float:
    """How long it did not trust its cancelling."""
    total_s, since_s = 0.0, None
    for at_s, what in [*room.told, (room.now_s, "cancelled")]:
        if what == "alarm":
            since_s = at_s
        elif what == "cancelled" and since_s is not None:
            total_s, since_s = total_s + at_s - since_s, None
    return total_s
