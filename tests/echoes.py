"""What the tests of both echo cancellers need: a reply, a room to hear it in, figures, and a look at memory."""

import gc
import subprocess
import sys
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np

from antiphon.pcm import frames_in
from antiphon.simulator.acoustics import Acoustics, heard_in_room, room_response
from antiphon.simulator.speech import synthesise

RATES_HZ = (16_000, 32_000, 48_000)


def reply(rate_hz, length_s):
    """So many seconds of our own speech, without a pause at the end."""
    text = "It will be sunny in the morning, with some clouds in the afternoon and a light wind from the west."
    return np.resize(_spoken(text, "slt", rate_hz), round(length_s * rate_hz))


def voice(rate_hz):
    """Somebody else, for whole frames of 10 ms."""
    said = _spoken("Hey Jarvis, what time is it?", "rms", rate_hz)
    return said[: len(said) // frames_in(10, rate_hz) * frames_in(10, rate_hz)]


@cache
def _spoken(text, name, rate_hz):
    return synthesise(text, name, rate_hz)


def hearing(far, rate_hz, *, drift_ppm=0):
    """What the microphone hears of what is played: 20 ms later, in a room that sounds on for 120 ms."""
    acoustics = Acoustics(room_response(rate_hz), 20.0, drift_ppm=drift_ppm)
    mic = heard_in_room(far, acoustics, mic_rate_hz=rate_hz, spk_rate_hz=rate_hz, noise_db=-80.0).mic
    return np.pad(mic, (0, len(far) - len(mic)))  # what is played too fast is over sooner


def erle_db(near, clean, since=0):
    """How much less of the echo is left, from sample `since` on."""
    return float(10 * np.log10(_power(near[since:]) / _power(clean[since:])))


def likeness_db(said, clean):
    """How much stronger what was said is than what else is in `clean`."""
    return float(10 * np.log10(_power(said) / _power(clean.astype(np.float64) - said)))


def _power(samples):
    return np.mean(np.square(samples, dtype=np.float64)) + 1e-3


def lateness(said, clean, rate_hz):
    """By how many samples `clean` comes later than `said`, judged by what is between 1 and 6 kHz."""
    size = 2 * len(said)
    both = np.fft.rfft(clean, size) * np.fft.rfft(said, size).conj()
    hz = np.fft.rfftfreq(size, 1 / rate_hz)
    both[(hz < 1000) | (hz > 6000)] = 0
    return int(np.argmax(np.fft.irfft(both, size)))


# ── memory ───────────────────────────────────────────────────────────────────────────────────────


def noise(rate_hz):
    """Two seconds like no others."""
    return (np.random.default_rng(7).standard_normal(2 * rate_hz) * 3000).astype(np.int16)


def left_in_memory(adapter, rate_hz, forms):
    """How many pieces of what was played are in a process that has heard it, and when it has forgotten it.

    `forms`: what it may look like there, as arrays made of `noise`.
    """
    pieces = np.unique(np.concatenate([_words(form) for form in forms]))
    command = [sys.executable, __file__, adapter, str(rate_hz)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        counts = []
        for _ in ("heard", "forgotten"):
            assert child.stdout.readline(), "the child has failed"
            counts.append(_found(child.pid, pieces))
            child.stdin.write("\n")
            child.stdin.flush()
    return counts


def _words(raw, offset=0):
    """Its bytes from `offset` on, eight by eight."""
    return np.frombuffer(raw, np.uint64, (raw.nbytes - offset) // 8, offset)


def _found(pid, forms):
    """How often two words of the forms stand side by side in what process `pid` can write to (proc(5))."""
    found = 0
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            if " rw" in line and "[v" not in line:
                first, end = (int(address, 16) for address in line.split()[0].split("-"))
                memory.seek(first)
                there = np.frombuffer(memory.read(end - first), np.uint8)
                found += sum(_pairs(_words(there, at), forms) for at in (0, 2, 4, 6))
    return found


def _pairs(words, forms):
    words = words[words != 0]
    known = forms[np.searchsorted(forms, words) % len(forms)] == words
    return int((known[:-1] & known[1:]).sum())


def _hear_and_forget(adapter, rate_hz):
    """The child: its own arrays are overwritten before anybody looks."""
    module, _, name = adapter.rpartition(".")
    canceller = getattr(import_module(f"antiphon.devices.{module}"), name)(rate_hz)
    sound = noise(rate_hz)
    clean = canceller.cancel(sound, sound)
    sound[:] = clean[:] = 0
    for do in (gc.collect, canceller.forget):
        do()
        print("look", flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    _hear_and_forget(sys.argv[1], int(sys.argv[2]))
