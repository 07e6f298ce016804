"""Streams that hang as they are opened: their owner does not, and what comes too late is closed again.

How they are closed, and how devices come back, is tested on the simulated card by test_pyaudio.
"""

import threading

import pytest

from antiphon.devices import streams
from antiphon.devices.sound_devices import Device
from antiphon.devices.streams import Wanted, nothing_opens, open_stream
from antiphon.errors import DeviceError
from antiphon.ports import StreamFormat

BOUND_S = 20
MICROPHONE = Wanted("input", None, 16_000, 1, 80)
SPEAKER = Wanted("output", None, 16_000, 1, 20)


class Library:
    """PortAudio whose next opening hangs until it is let go."""

    def __init__(self):
        self.hangs = False
        self.let_go = threading.Event()
        self.closed = threading.Semaphore(0)

    def begin(self):
        return self

    def terminate(self):
        pass

    def close(self):
        self.closed.release()

    def open(self, *_):
        if self.hangs:
            self.let_go.wait(BOUND_S)
        return self, StreamFormat("card", 16_000, 1, 320)


@pytest.fixture
def library(monkeypatch):
    made = Library()
    monkeypatch.setattr(streams, "_sound", streams._Sound())
    monkeypatch.setattr(streams, "PORTAUDIO", threading.Lock())
    monkeypatch.setattr(streams, "begin_library", made.begin)
    monkeypatch.setattr(streams, "devices_of", lambda _: [Device(0, "card", 1, 1, 16_000, True, True)])
    monkeypatch.setattr(streams, "_open", made.open)
    monkeypatch.setattr(streams, "OPEN_S", 0.2)
    monkeypatch.setattr(streams, "CLOSE_S", 0.2)
    yield made
    made.let_go.set()
    for thread in threading.enumerate():
        if thread.name == "opens a stream":
            thread.join(BOUND_S)


def opened(wanted):
    return open_stream(wanted, lambda *_: None, lambda: None)


def test_an_opening_that_hangs_is_given_up_and_so_is_every_other(library):
    library.hangs = True
    with pytest.raises(DeviceError, match="the microphone: the sound system has not answered for"):
        opened(MICROPHONE)
    with pytest.raises(DeviceError, match="the speaker: the sound system has not answered"):
        opened(SPEAKER)
    assert not nothing_opens()


def test_one_that_is_never_over_is_said_to_hang(library, monkeypatch):
    monkeypatch.setattr(streams, "HUNG_S", 0.0)
    library.hangs = True
    with pytest.raises(DeviceError):
        opened(MICROPHONE)
    assert nothing_opens()


def test_what_comes_too_late_is_closed_and_the_next_is_opened(library):
    library.hangs = True
    with pytest.raises(DeviceError):
        opened(MICROPHONE)
    library.hangs = False
    library.let_go.set()
    assert library.closed.acquire(timeout=BOUND_S)
    assert not nothing_opens()
    stream = opened(MICROPHONE)
    assert stream.close()


def test_a_stream_can_be_closed_while_an_nothing_opens(library):
    microphone = opened(MICROPHONE)
    library.hangs = True
    with pytest.raises(DeviceError):
        opened(SPEAKER)
    assert microphone.close()
    assert library.closed.acquire(timeout=BOUND_S)
    assert microphone._called(1, bytes(640), 320, {}, 0)[0] == bytes(640), "and nothing captured passes any more"
