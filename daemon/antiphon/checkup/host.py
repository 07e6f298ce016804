"""This machine: its clock, its wake word models, its echo cancellers and its service manager."""

import ctypes
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from antiphon.app import open_wake_words
from antiphon.checkup.finding import Finding
from antiphon.devices.echo_speex import SpeexEchoCanceller
from antiphon.devices.echo_webrtc import WebrtcEchoCanceller
from antiphon.errors import DeviceError, ModelError
from antiphon.pcm import WAKE_RATE_HZ
from antiphon.runtime.echo_path import RATES_HZ
from antiphon.runtime.wall import FIRST_YEAR
from antiphon.settings import Settings

LAST_YEAR = 2099
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_TIMEX_BYTES = 512  # struct timex is 208 bytes where long has 64 bits
_SYSTEMD = Path("/run/systemd/system")


def check_clock(now: datetime | None = None, synchronised: bool | None = None) -> Finding:
    """Certificates are good for a span of time, so a clock that is far off breaks the call to the service."""
    now = now or datetime.now(UTC)
    told = f"{now:%Y-%m-%d %H:%M} UTC"
    if not FIRST_YEAR <= now.year <= LAST_YEAR:
        return Finding("clock", "fail", f"it says {told}", "set it: sudo timedatectl set-ntp true, or date -s")
    synchronised = _is_synchronised() if synchronised is None else synchronised
    if not synchronised:
        return Finding("clock", "warn", f"{told}, which no time server vouches for", "sudo timedatectl set-ntp true")
    return Finding("clock", "ok", f"{told}, synchronised")


def _is_synchronised() -> bool:
    """What the kernel knows of it, adjtimex(2): asking with modes 0 changes nothing."""
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)
    state: int = ctypes.CDLL(None).adjtimex(timex)
    return 0 <= state < _TIME_ERROR


def check_wake_words(settings: Settings) -> Finding:
    """Load the models, as the appliance does when it starts."""
    began_s = time.monotonic()
    try:
        engine, _ = open_wake_words(settings)
    except ModelError as error:
        return Finding("wake words", "fail", str(error), "mend wake.words in the settings")
    if engine is None:
        return Finding("wake words", "ok", "none is set: only the talk button wakes it")
    took_ms = (time.monotonic() - began_s) * 1000
    return Finding("wake words", "ok", f"{', '.join(engine.words)} loaded in {took_ms:.0f} ms")


def check_echo(settings: Settings, opened_hz: int | None = None) -> Finding:
    """Make the echo cancellers that are asked for, at the rate at which the microphone opened, if it did."""
    wanted = settings.echo.cancel
    if wanted == "none":
        return Finding("echo", "ok", "not cancelled: while it speaks, only the wake word and the button interrupt it")
    rate_hz = opened_hz or settings.microphone.rate_hz
    rates = " or ".join(map(str, RATES_HZ))
    if rate_hz is not None and rate_hz not in RATES_HZ:
        says = f"the microphone runs at {rate_hz} Hz, where its echo can be neither cancelled nor judged"
        return Finding("echo", "fail", says, f"set microphone.rate_hz to {rates}")
    if wanted == "software" and (missing := _missing(rate_hz or WAKE_RATE_HZ)):
        return Finding("echo", "fail", missing, "until then set echo.cancel to none")
    says = "both cancellers can be used" if wanted == "software" else "the microphone is said to cancel it by itself"
    if rate_hz is None:
        remedy = f"mend the microphone first; it must run at {rates} Hz"
        return Finding("echo", "warn", f"{says}, but at which rate the microphone runs is not known", remedy)
    return Finding("echo", "ok", f"{says}, at {rate_hz} Hz")


def _missing(rate_hz: int) -> str:
    """What the cancellers lack; nothing as a rule."""
    wrong = []
    for maker in (SpeexEchoCanceller, WebrtcEchoCanceller):
        try:
            maker(rate_hz)
        except DeviceError as error:
            wrong.append(str(error))
    return ". ".join(wrong)


def check_systemd(environ: Mapping[str, str] = os.environ, booted: Path = _SYSTEMD) -> Finding:
    """Whether a service manager that waits for word from the appliance will get it."""
    installed = find_spec("systemd") is not None
    if not booted.exists() and not environ.get("NOTIFY_SOCKET"):
        return Finding("systemd", "ok", "this machine is not run by systemd: nobody waits for word")
    if installed:
        return Finding("systemd", "ok", "it will be told when the appliance is ready, and that it lives")
    says = "systemd runs this machine, and systemd-python is missing: it would take the service for hung"
    return Finding("systemd", "warn", says, "pip install antiphon[systemd]")
