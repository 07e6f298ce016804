"""Asks for what an appliance needs, and has the answers written down; the sound is tried by trying.py.

Nothing is written before the last question, so that Ctrl-C leaves everything as it was. The key is never shown.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from antiphon.checkup.acoustic import STOP_IT
from antiphon.checkup.network import check_service
from antiphon.checkup.telling import drawn
from antiphon.clone import page, program
from antiphon.config_files import KEY_VARIABLE, as_key, board_files
from antiphon.errors import SettingsError
from antiphon.secret import Secret
from antiphon.setting_up.draft import Draft, must_be_writable
from antiphon.setting_up.service import Service
from antiphon.setting_up.talk import Talk
from antiphon.setting_up.trying import Trying

LEAST_KEY = 8
CLOUD = {True: "wss://api.stepfun.com/step_plan/v1/realtime", False: "wss://api.stepfun.com/v1/realtime"}
"""The service's address by whether the key is a Step Plan key."""
SPEECH = {True: "https://api.stepfun.com/step_plan/v1", False: "https://api.stepfun.com/v1"}
"""Likewise of its text to speech."""


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
    service = Service()
    if not service.is_here():
        draft.key_owner = _behind_sudo(environ)
    if defaults:
        return _written(draft, "" if not draft.told() else _next_start(service))
    try:
        return Dialogue(Talk(), draft, service, runs=runs(draft.settings().control.socket)).run()
    except (KeyboardInterrupt, EOFError):
        print("" if draft.written else "\nNothing was changed.")
        return 0 if draft.written else 130


def _behind_sudo(environ: Mapping[str, str]) -> tuple[int, int] | None:
    """User and group of whoever called sudo: without a service it is his daemon that must read the key."""
    ids = environ.get("SUDO_UID", ""), environ.get("SUDO_GID", "")
    return (int(ids[0]), int(ids[1])) if all(one.isdecimal() for one in ids) else None


def _next_start(service: Service) -> str:
    """What makes the settings hold."""
    start = "sudo systemctl restart antiphon" if service.is_here() else f"{program()} run"
    return f"They hold from the next start on: {start}"


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
        if self._service.runs() and talk.yes("Stop it meanwhile?", default=True):
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
        if not sound:
            return self._end()
        with Trying(self._talk, self._draft).done():
            return self._end()

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
        while draft.key is not None:
            self._plan()
            if not talk.yes("Try the key now?", default=True):
                return
            finding = check_service(draft.settings(), draft.key)
            drawn(finding)
            if finding.verdict == "ok" or not talk.yes("Type it again?", default=False):
                return
            draft.key = self._typed_key("Key (it is not shown; Enter keeps this one): ") or draft.key

    def _plan(self) -> None:
        """Which address the key is for; the service is one of those to be asked."""
        talk, draft = self._talk, self._draft
        url = draft.settings().realtime.url
        if url in CLOUD.values():
            plan = talk.yes("Is it a Step Plan key?", default=url == CLOUD[True])
            draft.put({"realtime.url": CLOUD[plan]})
            if draft.settings().speech.url in SPEECH.values():
                draft.put({"speech.url": SPEECH[plan]})
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
        talk.head(f"A server of your own on the LAN ({page('docs/lan-server.md')})")
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

    # ── the end ──

    def _end(self) -> int:
        talk, draft = self._talk, self._draft
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
        _written(draft, "")
        talk.say(self._started())
        return 0

    def _started(self) -> str:
        """Start it, where that is wanted, and say what has become of it."""
        talk, service = self._talk, self._service
        if service.pauses:
            return f"The appliance starts again with them. {_TRY}"
        if not service.is_here() or not talk.yes("Start the appliance now, and at every boot?", default=True):
            return f"{_next_start(service)}. {_TRY}"
        came_up = service.start()
        return f"It runs. {_TRY}" if came_up else "It did not come up: systemctl status antiphon says why."


_TRY = f"This tries it all: sudo {program()} doctor"


def _written(draft: Draft, last: str) -> int:
    for line in [*draft.write(), *([f"{last}. {_TRY}"] if last else [])]:
        print(line)
    return 0
