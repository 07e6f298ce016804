"""Which microphone and speaker, how loud, and how they sound: by the owner's own ears, and by measure."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from antiphon.app import make_mixer, make_sound_card
from antiphon.audio.chime import chime
from antiphon.audio.level import level_db
from antiphon.checkup.acoustic import measure_acoustics
from antiphon.checkup.by_ear import at_rate, hear, play
from antiphon.checkup.finding import in_time
from antiphon.checkup.suggestion import as_yaml
from antiphon.checkup.telling import drawn
from antiphon.devices.sound_devices import Device, Direction, choose, list_devices
from antiphon.errors import DeviceError
from antiphon.pcm import Samples
from antiphon.setting_up.draft import Draft
from antiphon.setting_up.loudness import Loudness
from antiphon.setting_up.talk import Talk

CHIME_DB = -20.0
"""As loud as a reply."""
SAY_MS = 3000.0
STEP = 10
TOO_QUIET_DB = -55.0
LIMIT_S = 30.0
"""A driver that hangs is given up after this long."""


class Trying:
    """The questions about sound; the answers go into the draft."""

    def __init__(self, talk: Talk, draft: Draft) -> None:
        """Nothing is opened yet."""
        self._talk, self._draft = talk, draft

    @contextmanager
    def done(self) -> Iterator[None]:
        """Ask them all. A volume that was turned for it is turned back, if it was not written down inside."""
        devices = _listed(self._talk)
        speaks = self._device("output", devices)
        settings = self._draft.settings()
        loudness = Loudness(make_mixer(settings), settings.speaker.volume)
        try:
            heard = speaks and self._speaker(loudness)
            if loudness.was_turned:
                self._draft.put({"speaker.volume": loudness.percent})
            if hears := self._device("input", devices):
                self._microphone(devices)
            if hears and speaks:
                self._measure(heard=heard)
            yield
        finally:
            if not self._draft.written:
                loudness.back()

    def _device(self, direction: Direction, devices: Sequence[Device]) -> bool:
        """Which it is to be; whether there is any."""
        talk, key = self._talk, "microphone.device" if direction == "input" else "speaker.device"
        able = [one for one in devices if one.channels(direction)]
        talk.head("The microphone" if direction == "input" else "The speaker")
        if not able:
            talk.say("There is none on this machine, or another program holds it; it can be chosen later.")
            return False
        section = self._draft.settings().microphone if direction == "input" else self._draft.settings().speaker
        values: list[int | str | None] = [None, *(_named(one, able) for one in able)]
        titles = ["what the system takes by default", *(one.name for one in able)]
        try:
            now = None if section.device is None else choose(list(devices), direction, section.device)
            at = 0 if now is None else 1 + able.index(now)
        except DeviceError:
            values, titles, at = [section.device, *values], [f"as it is ({section.device})", *titles], 0
        self._draft.put({key: values[talk.choose("Which is it?", titles, at)]})
        return True

    def _speaker(self, loudness: Loudness) -> bool:
        """A chime, until the owner is content; whether he hears it."""
        talk = self._talk
        while True:
            talk.say(f"A chime, at volume {loudness.percent} of 100.")
            if not self._played(lambda rate_hz: loudness.of(chime("wake", rate_hz, CHIME_DB))):
                return False
            answer = talk.one_of("Did you hear it? (y)es, (n)o, (l)ouder, (q)uieter, (a)gain", "ynlqa", "y")
            if answer == "y":
                return True
            if answer in "lq":
                loudness.turn(STEP if answer == "l" else -STEP)
            if answer == "n":
                talk.say(
                    "See that it is plugged in, switched on and the one that was meant, and its mixer open (alsamixer)."
                )
                if not talk.yes("Try again?", default=False):
                    return False

    def _microphone(self, devices: Sequence[Device]) -> None:
        """What the owner says, played back to him."""
        talk = self._talk
        while True:
            talk.ask(f"Say something for {SAY_MS / 1000:.0f} seconds after Enter; it is played back to you", "")
            heard = self._heard()
            if heard is not None:
                samples, rate_hz = heard
                talk.say(f"It heard {level_db(samples):.0f} dBFS.{_hint(samples)}")
                self._played(at_rate(samples, rate_hz))
                answer = talk.one_of("Did you hear yourself? (y)es, (n)o, (a)gain", "yna", "y")
                if answer == "y":
                    return
                if answer == "a":
                    continue
            if not talk.yes("Choose another microphone?", default=heard is not None):
                return
            self._device("input", devices)

    def _measure(self, *, heard: bool) -> None:
        talk, draft = self._talk, self._draft
        talk.head("Measuring the way from the speaker to the microphone")
        if not talk.yes("It sounds for ten seconds, quietly first. Begin?", default=True):
            return
        outcome = measure_acoustics(draft.settings())
        for finding in outcome.findings:
            drawn(finding)
        if outcome.measured is not None and outcome.measured.gain_db is None and heard:
            if talk.yes("You heard it, and it did not: does it take the sound out by itself?", default=False):
                draft.put({"echo.cancel": "hardware"})
        elif outcome.suggestions:
            talk.say(f"\nIt suggests:\n\n{as_yaml(outcome.suggestions)}")
            if talk.yes("Take these settings?", default=True):
                for one in outcome.suggestions:
                    draft.put({one.key: one.value})

    def _played(self, sound: Callable[[int], Samples]) -> bool:
        """Whether the card took it."""
        try:
            _, speaker = make_sound_card(self._draft.settings())
            in_time(lambda: play(speaker, sound), LIMIT_S)
        except (DeviceError, TimeoutError) as error:
            self._talk.say(str(error) or "The sound system does not answer.")
            return False
        return True

    def _heard(self) -> tuple[Samples, int] | None:
        try:
            microphone, _ = make_sound_card(self._draft.settings())
            return in_time(lambda: hear(microphone, SAY_MS), LIMIT_S)
        except (DeviceError, TimeoutError) as error:
            self._talk.say(str(error) or "The sound system does not answer.")
            return None


def _listed(talk: Talk) -> list[Device]:
    try:
        return in_time(list_devices, LIMIT_S)
    except (DeviceError, TimeoutError) as error:
        talk.say(str(error) or "The sound system does not answer.")
        return []


def _named(device: Device, able: Sequence[Device]) -> int | str:
    """Its name, which stays; its index, where another has the same name."""
    return device.name if sum(one.name == device.name for one in able) == 1 else device.index


def _hint(samples: Samples) -> str:
    return " That is very quiet: its channel in alsamixer (F4)?" if level_db(samples) < TOO_QUIET_DB else ""
