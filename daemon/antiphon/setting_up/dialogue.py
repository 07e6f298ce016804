"""Asks for what an appliance needs, lets ears and figures judge the sound, and has the answers written down.

Nothing is written before the last question, so that Ctrl-C leaves everything as it was. The key is never shown.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from antiphon.app import make_mixer, make_sound_card
from antiphon.audio.chime import chime
from antiphon.audio.level import level_db
from antiphon.checkup.acoustic import STOP_IT, measure_acoustics
from antiphon.checkup.by_ear import at_rate, hear, play
from antiphon.checkup.finding import in_time
from antiphon.checkup.suggestion import as_yaml
from antiphon.checkup.telling import drawn
from antiphon.config_files import KEY_VARIABLE, as_key, board_files
from antiphon.devices.sound_devices import Device, Direction, choose, list_devices
from antiphon.errors import DeviceError, SettingsError
from antiphon.pcm import Samples
from antiphon.secret import Secret
from antiphon.setting_up.draft import Draft, must_be_writable
from antiphon.setting_up.loudness import Loudness
from antiphon.setting_up.service import Service
from antiphon.setting_up.talk import Talk

TEST_CHIME_DB = -20.0
"""As loud as a reply."""
SAY_MS = 3000.0
LEAST_KEY = 8
STEP = 10
TOO_QUIET_DB = -55.0
SOUND_LIMIT_S = 30.0
CLOUD = {True: "wss://api.stepfun.com/step_plan/v1/realtime", False: "wss://api.stepfun.com/v1/realtime"}
"""The service's address by whether the key is a Step Plan key."""


def run_setup(
    config: Path,
    environ: Mapping[str, str],
    sets: Sequence[str],
    *,
    defaults: bool,
    runs: Callable[[str | None], bool],
) -> int:
    """The whole of it; 0 when it is written, or nothing was to be. `sets` are answers that are given already; with
    `defaults` nothing is asked. `runs` tells, by control.socket, whether the appliance does, and so holds the card.
    Raises SettingsError.
    """
    if not defaults and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SettingsError("antiphon setup asks questions, and needs a terminal; with --defaults it asks none")
    must_be_writable(config)
    draft = Draft(config, sets)
    if environ.get(KEY_VARIABLE, "").strip():
        draft.key = as_key(environ[KEY_VARIABLE], f"${KEY_VARIABLE}")
    if defaults:
        return _written(draft)
    try:
        return Dialogue(Talk(), draft, Service(), runs=runs(draft.settings().control.socket)).run()
    except (KeyboardInterrupt, EOFError):
        print("\nNothing was changed.")
        return 130


class Dialogue:
    """The questions, in their order."""

    def __init__(self, talk: Talk, draft: Draft, service: Service, *, runs: bool) -> None:
        """`runs`: the appliance does, and holds the card."""
        self._talk, self._draft, self._service, self._runs = talk, draft, service, runs

    def run(self) -> int:
        """Until all is written; 0. Raises KeyboardInterrupt, and EOFError, when it is not to be."""
        talk = self._talk
        talk.say(f"Antiphon's setup. It writes to {self._draft.config}, at the end and not before; Ctrl-C ends it.")
        if not self._runs:
            return self._ask_all(sound=True)
        talk.say("The appliance runs, and holds the sound card.")
        if self._service.is_here() and talk.yes("Stop it meanwhile?", default=True):
            with self._service.stopped():
                return self._ask_all(sound=True)
        talk.say(f"To try the sound: {STOP_IT}.")
        if not talk.yes("Go on without trying the sound?", default=False):
            raise KeyboardInterrupt
        return self._ask_all(sound=False)

    def _ask_all(self, *, sound: bool) -> int:
        self._key()
        self._servers()
        self._board()
        if sound:
            devices = _listed(self._talk)
            self._device("output", devices)
            with self._volume_comes_back() as loudness:
                heard = self._speaker(loudness)
                self._device("input", devices)
                self._microphone(devices)
                self._measure(heard=heard)
                return self._end(loudness)
        return self._end(None)

    # ── key, servers, board ──

    def _key(self) -> None:
        talk, draft = self._talk, self._draft
        talk.head("The key of your account at platform.stepfun.com")
        if draft.key is not None:
            talk.say(f"The one in {draft.key.origin} is taken.")
        else:
            kept = (
                "keeps the one that is there" if draft.has_key_file() else "for none, if only your own server is asked"
            )
            draft.key = self._typed_key(f"Key (it is not shown; Enter {kept}): ")
        if draft.key is None:
            return
        url = draft.settings().realtime.url
        if url in CLOUD.values():
            plan = talk.yes("Is it a Step Plan key?", default=url == CLOUD[True])
            draft.put({"realtime.url": CLOUD[plan]})
        if draft.settings().links == ("generate",):
            draft.put({"links": ["realtime", "generate"]})

    def _typed_key(self, question: str) -> Secret | None:
        while True:
            text = self._talk.hidden(question)
            if not text.strip():
                return None
            try:
                key = as_key(text, "what was typed")
            except SettingsError as error:
                self._talk.say(f"{error}. Try again.")
                continue
            if len(key.reveal()) >= LEAST_KEY:
                return key
            self._talk.say("That is too short for a key. Try again.")

    def _servers(self) -> None:
        """A server on the LAN; without a key it is the only one to be asked."""
        talk, draft = self._talk, self._draft
        talk.head("A server of your own on the LAN (docs/lan-server.md)")
        now = ", ".join(draft.settings().generate.urls) or "none"
        while True:
            text = talk.ask("Its address, like http://nas:8000", now)
            try:
                urls = [] if text == "none" else [one.strip() for one in text.split(",")]
                alone = bool(urls) and not draft.knows_key()
                both = draft.settings().links if urls else ("realtime", "generate")
                draft.put({"generate.urls": urls, "links": ["generate"] if alone else list(both)})
            except SettingsError as error:
                talk.say(str(error))
                continue
            break
        if not draft.knows_key() and not draft.settings().generate.urls:
            talk.say(f"Nobody can answer yet: run this again with a key, or put it into {draft.key_path} (chmod 600).")

    def _board(self) -> None:
        talk, draft = self._talk, self._draft
        talk.head("The board: lamps, buttons and sound as they are wired")
        entries = [entry for entry in board_files() if entry.board is not None]
        names, titles = [entry.name for entry in entries], [f"{entry.title} ({entry.name})" for entry in entries]
        board = draft.settings().board
        if board not in names:
            names, titles = [board, *names], [f"as it is ({board})", *titles]
        chosen = names[talk.choose("Which is it?", titles, names.index(board))]
        draft.put({"board": chosen})
        if chosen not in ("none", board):
            talk.say(f"Its wires, and what else it needs: antiphon boards {chosen}")

    # ── sound ──

    def _device(self, direction: Direction, devices: Sequence[Device]) -> None:
        talk, key = self._talk, "microphone.device" if direction == "input" else "speaker.device"
        able = [one for one in devices if one.channels(direction)]
        talk.head("The microphone" if direction == "input" else "The speaker")
        if not able:
            talk.say("There is none on this machine, or another program holds it; it can be chosen later.")
            return
        section = self._draft.settings().microphone if direction == "input" else self._draft.settings().speaker
        values: list[int | str | None] = [None, *(_named(one, able) for one in able)]
        titles = ["what the system takes by default", *(one.name for one in able)]
        try:
            now = None if section.device is None else choose(list(devices), direction, section.device)
            at = 0 if now is None else 1 + able.index(now)
        except DeviceError:
            values, titles, at = [section.device, *values], [f"as it is ({section.device})", *titles], 0
        self._draft.put({key: values[talk.choose("Which is it?", titles, at)]})

    def _speaker(self, loudness: Loudness) -> bool:
        """A chime, until the owner is content; whether he hears it."""
        talk = self._talk
        while True:
            talk.say(f"A chime, at volume {loudness.percent} of 100.")
            if not self._played(lambda rate_hz: loudness.of(chime("wake", rate_hz, TEST_CHIME_DB))):
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
            if not talk.yes("Choose another microphone?", default=True):
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
            in_time(lambda: play(speaker, sound), SOUND_LIMIT_S)
        except (DeviceError, TimeoutError) as error:
            self._talk.say(str(error) or "The sound system does not answer.")
            return False
        return True

    def _heard(self) -> tuple[Samples, int] | None:
        try:
            microphone, _ = make_sound_card(self._draft.settings())
            return in_time(lambda: hear(microphone, SAY_MS), SOUND_LIMIT_S)
        except (DeviceError, TimeoutError) as error:
            self._talk.say(str(error) or "The sound system does not answer.")
            return None

    @contextmanager
    def _volume_comes_back(self) -> Iterator[Loudness]:
        """Unless it was written down."""
        settings = self._draft.settings()
        loudness = Loudness(make_mixer(settings), settings.speaker.volume)
        try:
            yield loudness
        finally:
            if not self._draft.written:
                loudness.back()

    # ── the end ──

    def _end(self, loudness: Loudness | None) -> int:
        talk, draft = self._talk, self._draft
        if loudness is not None and loudness.was_turned:
            draft.put({"speaker.volume": loudness.percent})
        talk.head("What will be written")
        lines = draft.told()
        if not lines:
            talk.say("Nothing: all is as it was.")
            return 0
        for line in lines:
            talk.say(f"  {line}")
        if any(line.startswith("speaker.volume") for line in lines):
            talk.say("A volume that was set by button or by `antiphon volume` is kept, and goes before.")
        if not talk.yes("Write it?", default=True):
            raise KeyboardInterrupt
        _written(draft)
        self._start()
        return 0

    def _start(self) -> None:
        """Of itself it starts again where it was stopped for the questions."""
        talk, service = self._talk, self._service
        if (
            service.pauses
            or not service.is_here()
            or not talk.yes("Start the appliance now, and at every boot?", default=True)
        ):
            return
        came_up = service.start()
        talk.say("It runs." if came_up else "It did not come up: systemctl status antiphon says why.")


def _written(draft: Draft) -> int:
    for line in draft.write():
        print(line)
    return 0


def _listed(talk: Talk) -> list[Device]:
    try:
        return in_time(list_devices, SOUND_LIMIT_S)
    except (DeviceError, TimeoutError) as error:
        talk.say(str(error) or "The sound system does not answer.")
        return []


def _named(device: Device, able: Sequence[Device]) -> int | str:
    """Its name, which stays; its index, where another has the same name."""
    return device.name if sum(one.name == device.name for one in able) == 1 else device.index


def _hint(samples: Samples) -> str:
    return " That is very quiet: its channel in alsamixer (F4)?" if level_db(samples) < TOO_QUIET_DB else ""
