"""Floor 4. Where settings, boards and the API key come from: files, variables, the command line. It never judges a
setting.
"""

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from stat import S_IMODE
from typing import BinaryIO, NamedTuple

from antiphon.clone import SETUP
from antiphon.errors import MissingKeyError, SettingsError
from antiphon.secret import Secret
from antiphon.settings import Board, BoardLayer, Layer, Settings, Typed, chosen_board, is_loopback, read_board

DEFAULT_PATH = Path("/etc/antiphon/antiphon.yaml")
BOARD_FOLDERS = (
    Path("/etc/antiphon/boards"),  # the owner's own, which may stand for one of ours
    Path(__file__).parent / "boards",  # of an installed package
    Path(__file__).parents[2] / "hardware" / "boards",  # of a clone
)
VARIABLE_PREFIX = "ANTIPHON_"
KEY_VARIABLE = "STEPFUN_API_KEY"
CREDENTIAL = "stepfun_api_key"
SERVICE_KEY = DEFAULT_PATH.with_name(CREDENTIAL)
"""The unit gives it to the service as its credential."""
MAX_BYTES = 250_000  # of a settings file; a stop for a wrong path, such as a recording
MAX_KEY_BYTES = 10_000


class BoardEntry(NamedTuple):
    """A board file that there is."""

    name: str
    title: str
    """Its name for people; a sentence in brackets where the file does not fit."""
    path: Path
    board: Board | None
    """What it says; None where it does not fit."""


def read_layers(
    config: Path | None,
    environ: Mapping[str, str],
    sets: Sequence[str],
    default_path: Path = DEFAULT_PATH,
    board_folders: Sequence[Path] = BOARD_FOLDERS,
) -> list[Layer]:
    """The layers over the defaults, lowest first: the board that the others choose, the file, the ANTIPHON_ variables,
    each `--set a.b=c`.

    `config` is the file of --config; without it `default_path` is read if it is there. Raises SettingsError, with one
    line for each thing that cannot be read at all.
    """
    wrong: list[str] = []
    layers: list[Layer] = []
    try:
        layers += _file_layer(config or default_path, needed=config is not None)
    except SettingsError as error:
        wrong.append(str(error))
    for name in sorted(name for name in environ if name.startswith(VARIABLE_PREFIX)):
        path = name.removeprefix(VARIABLE_PREFIX).lower().split("__")
        if _is_text(environ[name]):
            layers.append(Layer(name, _tree(path, environ[name])))
        else:
            wrong.append(f"{name}: is not UTF-8 text; write it in UTF-8")
    for one in sets:
        key, equals, value = one.partition("=")
        if equals and _is_text(one):
            layers.append(Layer("--set", _tree(key.strip().split("."), value)))
        elif equals:
            wrong.append("--set: is not UTF-8 text; write it in UTF-8")
        else:
            # Not repeated: it may be a key.
            wrong.append("--set: has no equals sign; write --set section.key=value, as in --set log.level=debug")
    if wrong:
        raise SettingsError("\n".join(wrong))
    if choice := chosen_board(layers):
        name, place = choice
        beside = Path(place.origin).parent if place.line else Path()  # a file has lines
        try:
            layers.insert(0, find_board(name, board_folders, beside))
        except SettingsError as error:
            raise SettingsError(f"{place}: board: {error}") from None
    return layers


def find_board(name: str, folders: Sequence[Path] = BOARD_FOLDERS, beside: Path = Path()) -> BoardLayer:
    """The board file of that name; or the file itself, where `name` is a path, which has a slash or ends in .yaml.

    A relative path is seen from `beside`: in a settings file it must mean the same to whoever reads that. Raises
    SettingsError, with a sentence, when there is none or it cannot be read.
    """
    if "/" in name or name.endswith(".yaml"):
        return _board_layer(beside / name)
    there = _board_paths(folders)
    if name in there:
        return _board_layer(there[name])
    near = get_close_matches(name.lower(), there, n=1)
    meant = f"did you mean {near[0]}? There are" if near else "there are"
    raise SettingsError(
        f"there is no board of that name; {meant} {', '.join(sorted({'none', *there}))}, or give a path"
    )


def board_files(folders: Sequence[Path] = BOARD_FOLDERS) -> list[BoardEntry]:
    """Every board file that there is, by name."""
    entries = []
    for name, path in sorted(_board_paths(folders).items()):
        try:
            board = read_board(_board_layer(path)).board
        except SettingsError:
            board = None
        title = board.title if board else f"(does not fit: antiphon boards {name})"
        entries.append(BoardEntry(name, title, path, board))
    return entries


def _board_paths(folders: Sequence[Path]) -> dict[str, Path]:
    """By name, the file of each board; the first folder that has a name wins."""
    return {path.stem: path for folder in reversed(folders) for path in sorted(folder.glob("*.yaml"))}


def _board_layer(path: Path) -> BoardLayer:
    (layer,) = _file_layer(path, needed=True, what="board file")
    here = Path.cwd()
    origin = path.relative_to(here) if path.is_relative_to(here) and here.name else path  # of /, all is below it
    return BoardLayer(str(origin), layer.data)


def find_key(settings: Settings, environ: Mapping[str, str], urls: Sequence[str] | None = None) -> Secret | None:
    """The API key, from the first of: $STEPFUN_API_KEY, the systemd credential, realtime.key_file.

    It is for the services at `urls`, or those of the links. None only when no key is needed: nobody asks StepFun
    (links), or all that are asked are on this machine. Raises MissingKeyError
    when none of them names a key, SettingsError when the key that is named cannot be used; the error never holds a
    part of it.
    """
    asked = stepfun_urls(settings) if urls is None else urls
    if not asked:
        return None
    if environ.get(KEY_VARIABLE, "").strip():
        return as_key(environ[KEY_VARIABLE], f"${KEY_VARIABLE}")
    if directory := environ.get("CREDENTIALS_DIRECTORY"):
        key = _key_from(Path(directory, CREDENTIAL), from_systemd=True)
        if key is not None:
            return key
    if settings.realtime.key_file is not None:
        return _key_from(Path(settings.realtime.key_file), from_systemd=False)
    if all(map(is_loopback, asked)):
        return None
    raise MissingKeyError(
        f"there is no API key for the service: {SETUP} asks for it; or put it in ${KEY_VARIABLE}, "
        f"in the systemd credential {CREDENTIAL} "
        f"(the installed service gets it from {SERVICE_KEY}), "
        "or in a file named by realtime.key_file"
        + (", or leave realtime out of links" if _has_another(settings) else "")
    )


def stepfun_urls(settings: Settings) -> list[str]:
    """Where StepFun's services are that the links ask."""
    urls = {"realtime": settings.realtime.url, "chat": settings.chat.url, "cascade": settings.cascade.url}
    return [urls[link] for link in settings.links if link in urls]


def service_key(path: Path = SERVICE_KEY) -> Secret | None:
    """The key that the installed service is given; None where there is none, or a blank one. Raises SettingsError for
    one that this user may not read.
    """
    return _key_from(path, from_systemd=True)


def _has_another(settings: Settings) -> bool:
    """Whether there is a link that needs no key."""
    return "generate" in settings.links and bool(settings.generate.urls)


def _file_layer(path: Path, *, needed: bool, what: str = "settings file") -> list[Layer]:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        if not needed:
            return []
        remedy = "give --config a settings file" if what == "settings file" else f"give the path of a {what}"
        raise SettingsError(f"{path}: there is no such file; {remedy}") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); give a {what} that can") from None
    if len(raw) > MAX_BYTES:
        raise SettingsError(f"{path}: is larger than {MAX_BYTES} bytes; this is not a {what}")
    try:
        return [Layer(str(path), raw.decode("utf-8-sig"))]
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{path}:{line}: is not UTF-8 text; save the file as UTF-8") from None


def _is_text(text: str) -> bool:
    """Whether what the system gave as text is any: bytes that are none come as surrogates."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


def _tree(path: Sequence[str], text: str) -> dict[str, object]:
    """`text` as the one leaf of a tree."""
    tree: object = Typed(text)
    for part in reversed(path):
        tree = {part: tree}
    assert isinstance(tree, dict)
    return tree


def _key_from(path: Path, *, from_systemd: bool) -> Secret | None:
    """The key in a file; None when systemd was given none. Systemd itself sees to who may read its credentials.

    Of systemd a blank one is none: the unit asks for one so, as a file that is not there would else be its failure.
    """
    try:
        with path.open("rb") as file:
            if not from_systemd:
                _refuse_if_open_to_others(file, path)
            raw = file.read(MAX_KEY_BYTES)
    except FileNotFoundError:
        if from_systemd:
            return None
        raise SettingsError(f"{path}: realtime.key_file names it for the API key, and there is no such file") from None
    except OSError as error:
        remedy = f"; use sudo, or give a key in ${KEY_VARIABLE}" if isinstance(error, PermissionError) else ""
        raise SettingsError(f"{path}: the API key cannot be read from it ({error.strerror}){remedy}") from None
    if not raw.strip():
        if from_systemd:
            return None
        raise SettingsError(f"{path}: should hold the API key, and is empty")
    return as_key(raw.decode("ascii", errors="replace"), str(path))


def token_from(path: Path, key: str) -> Secret:
    """The access token in a file that `key` of the settings names. Raises SettingsError."""
    try:
        with path.open("rb") as file:
            _refuse_if_open_to_others(file, path)
            raw = file.read(MAX_KEY_BYTES)
    except OSError as error:
        raise SettingsError(f"{path}: the token that {key} names cannot be read ({error.strerror})") from None
    token = as_key(raw.decode("ascii", errors="replace"), str(path))
    if not token.reveal():
        raise SettingsError(f"{path}: should hold a token, and is empty")
    return token


def _refuse_if_open_to_others(file: BinaryIO, path: Path) -> None:
    mode = S_IMODE(os.fstat(file.fileno()).st_mode)
    if mode & 0o077:
        raise SettingsError(f"{path}: others than its owner may read this key (mode {mode:04o}); run: chmod 600 {path}")


def as_key(text: str, origin: str) -> Secret:
    """The key without the space around it. What could not stand in an HTTP header is refused, and not repeated."""
    key = text.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise SettingsError(f"{origin}: does not hold an API key alone: there are spaces or strange characters in it")
    return Secret(key, origin)
