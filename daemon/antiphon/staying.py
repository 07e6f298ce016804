"""Floor 5. What `antiphon demo --stay` keeps for trying the other verbs: the stage, with somebody in its room who asks
what is typed, and a second simulated card that nobody holds. The daemon is unmodified, and so are the verbs.
"""

import os
import select
import shlex
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from antiphon.clone import program
from antiphon.config_files import KEY_VARIABLE
from antiphon.errors import AntiphonError
from antiphon.simulator.acoustics import Acoustics, room_response
from antiphon.simulator.room import Room
from antiphon.staging import DEMO_SETTINGS, KEY, Stage

NOISE_DB: Final = -60.0
NOISE_S, NOISE_EVERY_S = 61.0, 60.0
BUFFER: Final = 12_000
"""Half a second in the card, so that a machine that is a little busy loses nothing."""
LISTENS_S = 0.5
DECAY_MS, DELAY_MS, GAIN_DB, DRIFT_PPM = 300.0, 30.0, -12.0, 40
"""What `antiphon doctor --acoustic` should find in the second card's room."""


@contextmanager
def free_card(stage: Stage) -> Iterator[tuple[Room, Path]]:
    """A card in a room of its own, whose microphone hears its speaker; and a file that a shell can source to use it,
    with the stage's service.
    """
    with Room(mic_buffer_frames=BUFFER, spk_buffer_frames=BUFFER) as room:
        room.acoustics(Acoustics(room_response(room.mic.rate_hz, DECAY_MS), DELAY_MS, GAIN_DB, drift_ppm=DRIFT_PPM))
        variables = {
            **room.environment(),
            KEY_VARIABLE: KEY,
            "ANTIPHON_REALTIME__URL": stage.url,
            "ANTIPHON_CONTROL__SOCKET": "null",  # the daemon on the stage, or this machine's, has another card
        }
        file = room.folder / "card"
        file.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()))
        yield room, file


def what_to_try(stage: Stage, file: Path) -> list[str]:
    """Lines for whoever sits there; `file` is the second card's."""
    command, socket = program(), f"--socket {stage.control}"
    return [
        "",
        "It stays until Ctrl-C. Type a question and Enter, and the voice in the room asks it. In another terminal:",
        f"  {command} status {socket} --watch",
        f"  {command} volume 40 {socket}",
        f'  {command} say "Dinner is ready." {socket}',
        "and on a second card, in a room that echoes, which nobody holds:",
        f"  source {file}",
        f"  {command} doctor --acoustic --config {DEMO_SETTINGS}",
        f"  {command} doctor --config {DEMO_SETTINGS}",
    ]


class Somebody:
    """In the room: says what is typed, after the wake word, and sees to it that the rooms are never quite still."""

    def __init__(self, rooms: list[Room], say: Callable[[str], object], typed: IO[str] = sys.stdin) -> None:
        """`say` speaks a question; as a context manager there is somebody inside."""
        self._rooms, self._say, self._typed = rooms, say, typed
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, name="somebody")

    def __enter__(self) -> None:
        """Begin."""
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        """Go out."""
        self._over.set()
        self._thread.join()

    def _live(self) -> None:
        listens, noisy_until_s = True, time.monotonic()
        while not self._over.is_set():
            if time.monotonic() >= noisy_until_s:
                for room in self._rooms:
                    room.noise(NOISE_DB, NOISE_S)
                noisy_until_s += NOISE_EVERY_S
            if listens:
                listens = self._hears()
            else:
                self._over.wait(LISTENS_S)

    def _hears(self) -> bool:
        """Whether more may be typed."""
        if not select.select([self._typed], [], [], LISTENS_S)[0]:
            return True
        line = os.read(self._typed.fileno(), 4096)
        words = line.decode(errors="replace").strip()
        if words:
            self._say(words)
        return bool(line)


def said(stage: Stage, wake: str, voice: str, tell: Callable[[str], None]) -> Callable[[str], None]:
    """For Somebody: speaks on this stage, and tells why he could not."""

    def say(words: str) -> None:
        try:
            stage.speak(wake, words, voice)
        except (AntiphonError, ValueError) as error:  # no such sounds; or this machine was too busy
            tell(f"that could not be said: {error}")

    return say
