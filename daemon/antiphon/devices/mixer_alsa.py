"""Turns the volume of a sound card: ALSA's simple mixer (alsa-lib, mixer.h), through ctypes, so nothing is built.

libasound is there wherever PortAudio is. The card is opened for each call and held between none: a card that was away
is found again, a driver can be unloaded, and what others have set is seen.
"""

import ctypes
import functools
import math
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_void_p
from pathlib import Path
from typing import Any

from antiphon.audio.loudness import db_of, percent_of
from antiphon.errors import DeviceError

LIBRARY = "libasound.so.2"
LIKELY = (
    *("master", "pcm", "playback", "digital", "dac", "analogue"),
    *("speaker", "headphone", "headset", "line out", "lineout", "front", "hdmi"),
)
"""What the control of the whole sound may be called, the likeliest first: that of all outputs before that of one."""
UNLIKELY = ("mic", "capture", "boost", "beep", "sidetone", "loopback", "bypass", "input")
"""What only sounds like it."""

_MUTE_DB = -99_999.99  # SND_CTL_TLV_DB_GAIN_MUTE: the least volume is silence
_LEFT = 0  # SND_MIXER_SCHN_FRONT_LEFT, and of one channel the only one
_AT_LEAST = 1  # rounds up
_LONG = POINTER(c_long)
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "snd_strerror": (c_char_p, [c_int]),
    "snd_mixer_open": (c_int, [POINTER(c_void_p), c_int]),
    "snd_mixer_attach": (c_int, [c_void_p, c_char_p]),
    "snd_mixer_selem_register": (c_int, [c_void_p, c_void_p, c_void_p]),
    "snd_mixer_load": (c_int, [c_void_p]),
    "snd_mixer_close": (c_int, [c_void_p]),
    "snd_mixer_first_elem": (c_void_p, [c_void_p]),
    "snd_mixer_elem_next": (c_void_p, [c_void_p]),
    "snd_mixer_selem_get_name": (c_char_p, [c_void_p]),
    "snd_mixer_selem_has_playback_volume": (c_int, [c_void_p]),
    "snd_mixer_selem_has_playback_switch": (c_int, [c_void_p]),
    "snd_mixer_selem_get_playback_volume_range": (c_int, [c_void_p, _LONG, _LONG]),
    "snd_mixer_selem_get_playback_dB_range": (c_int, [c_void_p, _LONG, _LONG]),
    "snd_mixer_selem_get_playback_volume": (c_int, [c_void_p, c_int, _LONG]),
    "snd_mixer_selem_get_playback_switch": (c_int, [c_void_p, c_int, POINTER(c_int)]),
    "snd_mixer_selem_ask_playback_vol_dB": (c_int, [c_void_p, c_long, _LONG]),
    "snd_mixer_selem_ask_playback_dB_vol": (c_int, [c_void_p, c_long, c_int, _LONG]),
    "snd_mixer_selem_set_playback_volume_all": (c_int, [c_void_p, c_long]),
    "snd_mixer_selem_set_playback_switch_all": (c_int, [c_void_p, c_int]),
}


def card_of(device: str, proc: Path = Path("/proc/asound")) -> str:
    """The ALSA card behind PortAudio's `device`, by its id, as its number may be another tomorrow.

    "USB Audio: - (hw:1,0)" and "sysdefault:CARD=Device" name a card; what names none, a plug, is on the default one.
    """
    if named := re.search(r"\bCARD=([^,)\s]+)", device):
        return f"hw:CARD={named[1]}"
    if numbered := re.search(r"\bhw:(\d+)\b", device):
        try:
            return f"hw:CARD={(proc / f'card{numbered[1]}' / 'id').read_text(encoding='utf-8').strip()}"
        except OSError:
            return f"hw:{numbered[1]}"
    return "default"


def cards(folder: Path = Path("/dev/snd")) -> list[tuple[str, int]]:
    """The kernel's sound devices: another list when a card has come or gone, be it the same one again."""
    try:
        return sorted((entry.name, entry.inode()) for entry in os.scandir(folder))
    except OSError:
        return []


class AlsaMixer:
    """A ports.Mixer. One thread at a time may use it."""

    def __init__(self, card: Callable[[], str], control: str | None = None, *, library: str = LIBRARY) -> None:
        """`card()` names the card, as `card_of` does, and may raise DeviceError; it is asked at each use.

        `control` is the name of the control; None takes the likeliest.
        """
        self._card, self._wanted, self._library = card, control, library
        self._set: tuple[int, int] | None = None  # the card's own value that was set last, and the percent it is for

    def set(self, percent: int) -> None:
        """See ports.Mixer. Above 0 it is never silent, and its switch is on; at 0 that is off."""
        with self._control() as control:
            value = control.value_of(percent)
            control.set(value, on=percent > 0)
            self._set = value, percent

    def get(self) -> int:
        """See ports.Mixer. What was set, as long as nobody else sets it: a card's steps may be coarser than ours."""
        with self._control() as control:
            value = control.get()
            if value is None:
                return 0
            if self._set is not None and self._set[0] == value and self._set[1] > 0:
                return self._set[1]
            return control.percent_of(value)

    def close(self) -> None:
        """See ports.Mixer: nothing is held."""

    @contextmanager
    def _control(self) -> Iterator["_Control"]:
        alsa, card = _load(self._library), self._card()
        mixer = c_void_p()
        calls = _Calls(alsa, card)
        calls.must("snd_mixer_open", byref(mixer), 0)
        try:
            calls.must("snd_mixer_attach", mixer, card.encode())
            calls.must("snd_mixer_selem_register", mixer, None, None)
            calls.must("snd_mixer_load", mixer)
            yield _Control(calls, self._found(alsa, mixer, card))
        finally:
            alsa.snd_mixer_close(mixer)

    def _found(self, alsa: Any, mixer: c_void_p, card: str) -> int:
        controls: dict[str, int] = {}
        element = alsa.snd_mixer_first_elem(mixer)
        while element:
            if alsa.snd_mixer_selem_has_playback_volume(element):
                controls.setdefault(alsa.snd_mixer_selem_get_name(element).decode(errors="replace"), element)
            element = alsa.snd_mixer_elem_next(element)
        name = choose(list(controls), self._wanted)
        if name is not None:
            return controls[name]
        there = f"It has {', '.join(controls)}" if controls else "It has none at all"
        wanted = "control for its volume" if self._wanted is None else f"volume control named {self._wanted!r}"
        raise DeviceError(
            f"the mixer of {card}", f"it has no {wanted}", f"{there}; name one in speaker.mixer, or set that to none"
        )


def choose(names: list[str], wanted: str | None) -> str | None:
    """Of the controls `names` the one that is `wanted`, whatever the case, or for None the likeliest."""
    if wanted is not None:
        return next((name for name in names if name.casefold() == wanted.casefold()), None)
    able = [name for name in names if not any(word in name.casefold() for word in UNLIKELY)]
    exactly = [name for likely in LIKELY for name in able if name.casefold() == likely]
    within = [name for likely in LIKELY for name in able if likely in name.casefold()]
    return next(iter(exactly + within), None)


class _Calls:
    """ALSA's functions, and its complaints in words."""

    def __init__(self, alsa: Any, card: str) -> None:
        self.alsa, self._card = alsa, card

    def must(self, name: str, *arguments: Any) -> None:
        code = getattr(self.alsa, name)(*arguments)
        if code < 0:
            wrong = self.alsa.snd_strerror(code).decode(errors="replace")
            remedy = "Check that the card is plugged in; `amixer scontrols` shows what it has"
            raise DeviceError(f"the mixer of {self._card}", f"{wrong} ({name})", remedy)

    def asked(self, name: str, *arguments: Any) -> int:
        value = c_long()
        self.must(name, *arguments, byref(value))
        return value.value

    def range(self, name: str, element: int) -> tuple[int, int]:
        least, most = c_long(), c_long()
        self.must(name, element, byref(least), byref(most))
        return least.value, most.value


class _Control:
    """One control of an open mixer. Values are the card's own steps."""

    def __init__(self, calls: _Calls, element: int) -> None:
        self._calls, self._element = calls, element
        self._least, self._most = calls.range("snd_mixer_selem_get_playback_volume_range", element)
        try:
            least, most = calls.range("snd_mixer_selem_get_playback_dB_range", element)
        except DeviceError:  # a card that does not know its decibels
            least = most = 0
        self._db = (-math.inf if least / 100 <= _MUTE_DB else least / 100, most / 100) if most > least else None

    def value_of(self, percent: int) -> int:
        if self._db is None:
            value = self._least + math.ceil(percent * (self._most - self._least) / 100)
        elif percent <= 0:
            value = self._least
        else:
            hundredths = round(100 * db_of(percent, *self._db))
            value = self._calls.asked("snd_mixer_selem_ask_playback_dB_vol", self._element, hundredths, _AT_LEAST)
        return min(max(value, self._least + (percent > 0)), self._most)

    def percent_of(self, value: int) -> int:
        if self._db is None:
            return round(100 * (value - self._least) / max(1, self._most - self._least))
        db = self._calls.asked("snd_mixer_selem_ask_playback_vol_dB", self._element, value) / 100
        return round(percent_of(db, *self._db))

    def set(self, value: int, *, on: bool) -> None:
        self._calls.must("snd_mixer_selem_set_playback_volume_all", self._element, value)
        if self._switched():
            self._calls.must("snd_mixer_selem_set_playback_switch_all", self._element, int(on))

    def get(self) -> int | None:
        """None: it is switched off."""
        if self._switched():
            on = c_int()
            self._calls.must("snd_mixer_selem_get_playback_switch", self._element, _LEFT, byref(on))
            if not on.value:
                return None
        return self._calls.asked("snd_mixer_selem_get_playback_volume", self._element, _LEFT)

    def _switched(self) -> bool:
        return bool(self._calls.alsa.snd_mixer_selem_has_playback_switch(self._element))


@functools.cache
def _load(library: str) -> Any:
    try:
        alsa = ctypes.CDLL(library)
    except OSError as error:
        remedy = "Install Debian's libasound2, or set speaker.mixer to none"
        raise DeviceError("the sound card's mixer", f"{library} cannot be loaded ({error})", remedy) from error
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(alsa, name)
        function.restype, function.argtypes = result, arguments
    return alsa
