"""The answers until they are written down: settings that differ, and the key. It asks nobody.

The owner's file keeps what he wrote, comments too, and its old text stays beside it. The key's file is its owner's
alone.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from stat import S_IMODE
from typing import Any

from antiphon.clone import program
from antiphon.config_files import CREDENTIAL, read_layers
from antiphon.errors import SettingsError
from antiphon.secret import Secret  # noqa: TC001 - the house keeps imports in one place
from antiphon.settings import Settings, effective_dict, load
from antiphon.settings.changes import Text, changed
from antiphon.settings.pages import written

HEAD = "# Antiphon's settings: what differs from the defaults. `antiphon check` shows all of them.\n"
BEFORE = ".before-setup"


def must_be_writable(config: Path, may: Callable[[Path, int], bool] = os.access) -> None:
    """Raises SettingsError where `config`, or the folders on the way to it, could not be written."""
    try:
        folder = next(one for one in config.absolute().parents if one.exists())
        is_folder = folder.is_dir()
    except PermissionError:
        raise _no_permission(config) from None
    if not is_folder:
        raise SettingsError(f"{folder} is no folder, so {config} cannot be written; give another --config")
    if not may(folder, os.W_OK | os.X_OK):
        raise _no_permission(config)


def _no_permission(path: Path) -> SettingsError:
    return SettingsError(f"{path}: you may not write there; run it with sudo: sudo {program()} setup")


class Draft:
    """What will be written to `config`, and the key beside it."""

    def __init__(self, config: Path, sets: Sequence[str] = ()) -> None:
        """`sets`, as of --set, are the first changes. Raises SettingsError when they, or what is there, do not fit."""
        self.config = config
        self.key: Secret | None = None
        self.key_owner: tuple[int, int] | None = None
        """User and group of the key's file, where there is none yet; None for whoever writes it."""
        self.written = False
        self._changes: dict[str, Any] = {}
        loaded = load(read_layers(None, {}, sets, default_path=config))
        given = [key for key, entry in effective_dict(loaded).items() if entry["origin"] == "--set"]
        self.put({key: _value(loaded.settings, key) for key in given})

    def settings(self) -> Settings:
        """As they would be."""
        return self._with(self._changes)

    def put(self, changes: Mapping[str, Any]) -> None:
        """Change settings, each "section.key", to these values; what is so already stays as it is.

        Raises SettingsError when they do not fit; then none is changed.
        """
        wanted = {**self._changes, **changes}
        try:
            self._with(wanted)
        except SettingsError as error:  # nobody has written --set
            lines = [line.removeprefix("--set: ") for line in str(error).splitlines()]
            raise SettingsError("\n".join(lines)) from None
        boards = {key: value for key, value in wanted.items() if key == "board"}
        try:
            plain, below = self._with({}), self._with(boards)
        except SettingsError:  # it is the changes that make the rest fit
            self._changes = wanted
        else:
            first = {} if boards.get("board") in (None, plain.board) else boards
            self._changes = first | {key: one for key, one in wanted.items() if _value(below, key) != one}

    def _with(self, changes: dict[str, Any]) -> Settings:
        sets = [f"{key}={written(value)}" for key, value in changes.items()]
        return load(read_layers(None, {}, sets, default_path=self.config)).settings

    # ── the key ──

    @property
    def key_path(self) -> Path:
        """Where the key is, or will be."""
        named = self.settings().realtime.key_file
        return Path(named) if named else self.config.absolute().with_name(CREDENTIAL)

    def has_key_file(self) -> bool:
        """There is one, from before."""
        try:
            return self.key_path.exists()
        except PermissionError:  # of the folder that it is in
            return True

    def knows_key(self) -> bool:
        """The service can be asked."""
        return self.key is not None or self.has_key_file()

    # ── the end ──

    def told(self) -> list[str]:
        """What `write` would change, in lines; none when nothing."""
        if self.key is not None:
            self.put({"realtime.key_file": str(self.key_path)})
        lines = [f"{key}: {written(value)}" for key, value in self._changes.items()]
        if lines and not self._text().keeps_comments:
            lines.append(
                f"(the layout of {self.config} cannot be changed in place: its comments are kept only beside it)"
            )
        if self.key is not None:
            lines.append(f"the key, to {self.key_path}, which only its owner may read")
        return lines

    def write(self) -> list[str]:
        """Write it all; what was done, in lines. Raises SettingsError."""
        if not self.told():
            return ["Nothing to write: all is as it was."]
        done = []
        with _in_words(self.config), _to_its_end():
            self.config.parent.mkdir(parents=True, exist_ok=True)
            if self.key is not None:
                _put_file(self.key_path, f"{self.key.reveal()}\n", 0o600, self.key_owner)
                done.append(f"The key is in {self.key_path}.")
            if self._changes:
                text, mode = self._text().text, 0o644
                if self.config.exists():
                    mode = S_IMODE(self.config.stat().st_mode)
                    kept = _free(self.config)
                    shutil.copy2(self.config, kept)
                    done.append(f"What {self.config} was before is in {kept}.")
                _put_file(self.config, text, mode)
                done.append(f"The settings are in {self.config}.")
            self.written = True
        return done

    def _text(self) -> Text:
        old = self.config.read_text(encoding="utf-8-sig") if self.config.exists() else HEAD
        return changed(old, self._changes)


def _value(settings: Settings, key: str) -> Any:
    value: Any = settings.model_dump(mode="json")
    for part in key.split("."):
        value = value[part]
    return value


def _free(path: Path) -> Path:
    """A name beside it that is not taken."""
    names = (path.with_name(f"{path.name}{BEFORE}{f'.{number}' if number > 1 else ''}") for number in range(1, 1000))
    return next(name for name in names if not name.exists())


def _put_file(path: Path, text: str, mode: int, owner: tuple[int, int] | None = None) -> None:
    """All of it or nothing; nobody can read it before its mode says so. It stays whose it was, or is its `owner`'s."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 - it is open already
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        whose = (path.stat().st_uid, path.stat().st_gid) if path.exists() else owner
        if whose is not None and os.geteuid() == 0:
            os.chown(name, *whose)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError:
        raise _no_permission(path) from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written ({error.strerror}); nothing more was changed") from None


@contextmanager
def _to_its_end() -> Iterator[None]:
    """What has begun to be written is not interrupted by Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
