"""WebRTC's canceller in a room of numbers: what it takes out, how late it is, and what stays in memory."""

import subprocess
import sys
from types import ModuleType
from unittest.mock import Mock

import numpy as np
import pytest

from antiphon.devices.echo_webrtc import WebrtcEchoCanceller
from antiphon.errors import DeviceError
from antiphon.pcm import WAKE_RATE_HZ
from echoes import RATES_HZ, erle_db, hearing, lateness, left_in_memory, noise, reply, voice


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("drift_ppm", [0, 100])
def test_next_to_nothing_of_our_own_sound_is_left(rate_hz, drift_ppm):
    far = reply(rate_hz, 6)
    near = hearing(far, rate_hz, drift_ppm=drift_ppm)
    clean = WebrtcEchoCanceller(rate_hz).cancel(near, far)
    assert clean.dtype == np.int16
    assert len(clean) == len(near)
    assert erle_db(near[: 2 * rate_hz], clean[: 2 * rate_hz]) > 15
    assert erle_db(near, clean, 3 * rate_hz) > 25


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_with_nothing_played_speech_passes_as_late_as_is_said(rate_hz):
    canceller = WebrtcEchoCanceller(rate_hz)
    near = voice(rate_hz)
    clean = canceller.cancel(near, np.zeros_like(near))
    assert abs(lateness(near, clean, rate_hz) - canceller.late_frames) <= 1
    assert abs(erle_db(near, clean)) < 1.5


def test_frames_may_come_in_any_number():
    far = reply(WAKE_RATE_HZ, 1)
    near = hearing(far, WAKE_RATE_HZ)
    whole = WebrtcEchoCanceller(WAKE_RATE_HZ).cancel(near, far)
    canceller = WebrtcEchoCanceller(WAKE_RATE_HZ)
    parts = zip(np.split(near, [160, 160, 480, 3200]), np.split(far, [160, 160, 480, 3200]), strict=True)
    assert np.array_equal(np.concatenate([canceller.cancel(*part) for part in parts]), whole)


@pytest.mark.parametrize(("near", "far"), [(160, 320), (100, 100), (161, 161)])
def test_wrong_lengths_are_a_fault_of_the_programmer(near, far):
    with pytest.raises(AssertionError):
        WebrtcEchoCanceller(WAKE_RATE_HZ).cancel(np.zeros(near, np.int16), np.zeros(far, np.int16))


def test_who_has_forgotten_learns_anew():
    far = reply(WAKE_RATE_HZ, 2)
    near = hearing(far, WAKE_RATE_HZ)
    canceller = WebrtcEchoCanceller(WAKE_RATE_HZ)
    first = canceller.cancel(near, far)
    assert not np.array_equal(canceller.cancel(near, far), first)
    canceller.forget()
    assert np.array_equal(canceller.cancel(near, far), first)


def test_nothing_heard_is_left_in_memory():
    sound = noise(WAKE_RATE_HZ).astype(np.float32)
    scaled = sound / np.float32(32_768)
    forms = [noise(WAKE_RATE_HZ), sound, scaled]
    heard, forgotten = left_in_memory("echo_webrtc.WebrtcEchoCanceller", WAKE_RATE_HZ, forms)
    assert heard > 5000
    assert forgotten == 0


def test_a_missing_package_is_named_with_its_remedy():
    with pytest.raises(DeviceError, match=r"No module named 'nobody'.*pip install 'antiphon\[echo\]'"):
        WebrtcEchoCanceller(WAKE_RATE_HZ, package="nobody.rtc")


def broken_package(monkeypatch, **members):
    """Something that can be imported as livekit, and has no more than `members`."""
    package = ModuleType("broken_livekit")
    for name, member in members.items():
        setattr(package, name, member)
    monkeypatch.setitem(sys.modules, "broken_livekit", package)
    return "broken_livekit"


def raises(error):
    def engine(*_arguments, **_options):
        raise error

    return engine


@pytest.mark.parametrize("members", [{}, {"AudioProcessingModule": raises(RuntimeError("no\n  such\n  thing"))}])
def test_a_package_that_cannot_do_it_is_told_in_one_line(monkeypatch, members):
    with pytest.raises(DeviceError, match=r"AudioProcessingModule|no such thing") as told:
        WebrtcEchoCanceller(WAKE_RATE_HZ, broken_package(monkeypatch, **members))
    assert len(str(told.value).splitlines()) == 1


def test_one_that_gives_up_says_so():
    canceller = WebrtcEchoCanceller(WAKE_RATE_HZ)
    canceller._engine = Mock(process_stream=raises(RuntimeError("no room")))
    with pytest.raises(DeviceError, match=r"livekit cannot be used \(no room\)"):
        canceller.cancel(*np.zeros((2, 160), np.int16))


def test_it_is_found_without_being_loaded(monkeypatch):
    WebrtcEchoCanceller.seek()
    for missing in ("nobody.rtc", "livekit.nobody"):
        with pytest.raises(DeviceError, match=r"No module named.*pip install"):
            WebrtcEchoCanceller.seek(missing)
    monkeypatch.setitem(sys.modules, "livekit.rtc", None)
    with pytest.raises(DeviceError, match="pip install"):
        WebrtcEchoCanceller.seek()
    found = "from antiphon.devices.echo_webrtc import *; import sys; WebrtcEchoCanceller.seek()"
    ended = subprocess.run([sys.executable, "-c", f"{found}; sys.exit('livekit.rtc' in sys.modules)"], check=False)
    assert ended.returncode == 0


def test_who_asks_for_none_does_not_pay_for_livekit():
    loaded = "import antiphon.devices.echo_webrtc, sys; sys.exit('livekit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded], check=False).returncode == 0


def test_its_threads_call_no_python_while_the_process_ends():
    """Rust aborts a process that ends the thread in which it waits for Python."""
    told = (
        "import sys, threading; from livekit.rtc import _ffi_client as client; told = threading.Event()\n"
        "client.to_python_level = lambda level: told.set()\n"
        "from antiphon.devices.echo_webrtc import WebrtcEchoCanceller; canceller = WebrtcEchoCanceller(16_000)\n"
        "sys.exit(told.wait(0.5))"  # it tells at once, if it does
    )
    assert subprocess.run([sys.executable, "-c", told], check=False).returncode == 0
