"""A sound that is like no other, and the search for it in the memory of a running process (proc(5): /proc/PID/mem).

It repeats itself every 4 ms, so that any piece of it, however it was cut, holds a whole period: one small window a
look is enough, whatever its phase. All of it lies below 3 kHz, so that it is the same sound at every rate, and stays it
through a bad resampler.
"""

import base64
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PERIOD_S = 0.004
LEVEL = 0.25  # of full scale, at its loudest
HIGHEST_HZ = 3000
_RATES_HZ = (16_000, 24_000, 44_100, 48_000)
_ALIKE = 0.9
_CHUNK_BYTES = 1 << 22
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{256,}")


@dataclass(frozen=True)
class Copy:
    """Where in memory, in what mapping, and as what, the canary was found."""

    address: int
    mapping: str
    form: str
    samples: int

    def __str__(self):
        return f"{self.address:#x} {self.mapping or 'anonymous'}: {self.samples} samples as {self.form}"


def sound(rate_hz, length_s):
    """The canary, as a microphone of that rate hears it."""
    t = np.arange(round(rate_hz * length_s)) / rate_hz
    return np.rint(32_767 * _at(t)).astype(np.int16)


def _at(t):
    chance = np.random.default_rng(4)
    hz = np.arange(1, int(HIGHEST_HZ * PERIOD_S) + 1) / PERIOD_S
    phases = chance.uniform(0, 2 * np.pi, len(hz))
    period = np.arange(4800) * PERIOD_S / 4800
    loudest = np.abs(np.sin(2 * np.pi * np.outer(period, hz) + phases).sum(1)).max()
    return LEVEL * np.sin(2 * np.pi * np.outer(t, hz) + phases).sum(1) / loudest


_SPECTRA = {
    rate: np.fft.rfft(sound(rate, PERIOD_S) / np.linalg.norm(sound(rate, PERIOD_S).astype(float))).astype(np.complex64)
    for rate in _RATES_HZ
}


def copies_in(pid):
    """All that is left of the canary in what process `pid` can write to: as samples, 16 bit or float, or as base64."""
    found = []
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for first, end, mapping in _writable(pid):
            for at in range(first, end, _CHUNK_BYTES):
                try:
                    memory.seek(at)
                    chunk = memory.read(min(_CHUNK_BYTES, end - at))
                except OSError:  # [vvar] and the like, or gone by now
                    continue
                if chunk.strip(b"\0"):
                    found += [Copy(at + offset, mapping, form, samples) for offset, form, samples in _look(chunk)]
    return found


def _writable(pid):
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        addresses, may, _, _, _, *name = line.split(maxsplit=5)
        if may.startswith("rw"):
            first, end = (int(address, 16) for address in addresses.split("-"))
            yield first, end, "".join(name)


def _look(chunk):
    for offset in (0, 1):
        yield from _as(np.int16, chunk, offset)
    yield from _as(np.float32, chunk, 0)
    for match in _BASE64.finditer(chunk):
        for shift in range(4):
            text = match[0][shift : shift + (len(match[0]) - shift) // 4 * 4]
            for odd in (0, 1):
                for _, form, samples in _as(np.int16, base64.b64decode(text), odd):
                    yield match.start(), f"base64 of {form}", samples


def _as(kind, chunk, offset):
    """Where the canary is, in some phase, in windows of one period that are half a period apart."""
    size = np.dtype(kind).itemsize
    values = np.frombuffer(chunk, kind, (len(chunk) - offset) // size, offset)
    for rate, spectrum in _SPECTRA.items():
        half = round(rate * PERIOD_S / 2)
        halves = values[: len(values) // half * half].reshape(-1, half)
        likely = _as_loud_as_it(halves)
        windows = np.concatenate((halves[:-1][likely], halves[1:][likely]), axis=1).astype(np.float32)
        alike = np.fft.irfft(np.fft.rfft(windows) * spectrum.conj(), 2 * half).max(1)
        hits = np.flatnonzero(likely)[alike > _ALIKE * np.linalg.norm(windows, axis=1)]
        for run in np.split(hits, np.flatnonzero(np.diff(hits) > 1) + 1):
            if len(run):
                yield offset + int(run[0]) * half * size, f"{np.dtype(kind)} at {rate} Hz", (len(run) + 1) * half


def _as_loud_as_it(halves):
    """Which pairs of neighbours may be the canary, by their loudest sample: most of a memory is not."""
    with np.errstate(invalid="ignore"):  # not everything that is read as a float is one
        highest, lowest = halves.max(1).astype(np.float64), halves.min(1).astype(np.float64)
        swing = np.maximum(np.abs(highest), np.abs(lowest))
    least, most = LEVEL / 4, LEVEL * 1.1
    loud = np.zeros(len(swing), bool)
    for scale in (1.0, 32_768.0):  # floats are scaled to -1..1, or are as the samples
        loud |= (swing > least * scale) & (swing < most * scale)
    return loud[:-1] & loud[1:]
