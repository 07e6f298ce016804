"""What a room at home sounds like to a device that nobody speaks to: sentences, silences, noise; no wake word."""

import random
from collections.abc import Iterator
from itertools import product

import numpy as np

from antiphon.pcm import Samples
from antiphon.simulator.room import LEAD_S, Room
from antiphon.simulator.speech import FLITE_VOICES, synthesise

VOICES = (*FLITE_VOICES, "en-us", "en-us+f3", "en-gb", "en-gb-scotland")
SENTENCES = (
    "Did you remember to lock the back door?",
    "The train leaves at half past seven.",
    "I put the shopping on the kitchen table.",
    "My brother lives in a small house near the sea.",
    "Can you hand me the salt, please?",
    "They say it will snow at the weekend.",
    "Turn left after the church and then it is the second house.",
    "He has been on the telephone for an hour.",
    "The children are already in bed.",
    "How much did you pay for the bicycle?",
    "Somebody left the light on in the hall.",
    "We should invite the neighbours for dinner.",
    "The washing machine is making that noise again.",
    "I read about it in the newspaper this morning.",
    "There is some soup left in the fridge.",
    "She said she would be here by eight o'clock.",
    "Have you seen my glasses anywhere?",
    "The meeting was moved to next Thursday.",
    "Hey, are you coming or not?",
    "Let us watch the news first.",
)


def furnish(room: Room, seconds: float, seed: int = 1) -> int:
    """Lay it all under the microphone's next `seconds` at once, so that nothing is computed later; how many sentences.

    Every 30 s the noise changes between a quiet room and a kitchen's -45 dBFS; sentences come every 1 to 8 s, from
    -30 to -6 dBFS; every few minutes nobody speaks for half a minute.
    """
    chance = random.Random(seed)
    rate_hz = room.mic.rate_hz
    start = room.mic.now_frame() + round(LEAD_S * rate_hz)
    _noise(room, start, seconds, seed)
    said = 0
    speech = _sentences(chance, rate_hz)
    at_s = 1.0
    while True:
        samples = next(speech)
        if at_s + len(samples) / rate_hz > seconds:
            return said
        room.mic.mix(samples, start + round(at_s * rate_hz))
        said += 1
        at_s += len(samples) / rate_hz + chance.uniform(1, 8) + (30 if chance.random() < 0.02 else 0)


def _noise(room: Room, start: int, seconds: float, seed: int) -> None:
    chance = np.random.default_rng(seed)
    frames = 30 * room.mic.rate_hz
    for number in range(int(seconds // 30) + 1):
        level = 10 ** ((-60, -52, -45)[number % 3] / 20)
        noise = chance.standard_normal(frames, dtype=np.float32) * np.float32(32_767 * level)
        room.mic.mix(np.rint(noise).astype(np.int16), start + number * frames)


def _sentences(chance: random.Random, rate_hz: int) -> Iterator[Samples]:
    """Every voice says every sentence before any says one again."""
    while True:
        pairs = list(product(SENTENCES, VOICES))
        chance.shuffle(pairs)
        for text, voice in pairs:
            yield synthesise(text, voice, rate_hz, peak_db=chance.choice((-30.0, -20.0, -12.0, -6.0)))
