"""Finds the files of wake word models, and says in a sentence what is wrong with one. It runs no model.

A model is named either by a word that comes with an engine ("hey_jarvis") or by the path of a file.
"""

import difflib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from antiphon.errors import ModelError

_IDENTIFIER = b"TFL3"  # a TensorFlow Lite flatbuffer carries it at byte 4


def packaged_models(package: str) -> Path:
    """The folder `models` of an installed package, found without importing the package (and its native library).

    Raises ModelError when the package is not installed.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        name = package.replace("_", "-")
        raise ModelError(f"the package {name}, which brings the wake word models, is missing: pip install {name}")
    return Path(spec.origin).parent / "models"


def find_model(model: str, builtin: dict[str, Path], suffixes: tuple[str, ...]) -> Path:
    """The file of `model`: a name of `builtin` (spaces and capitals do not matter), or a path that ends as `suffixes`.

    Raises ModelError naming what exists.
    """
    if "/" in model or model.endswith(suffixes):
        path = Path(model).expanduser()
        if not model.endswith(suffixes):
            raise ModelError(f"wake word model {model}: the file must end in {' or '.join(suffixes)}")
        check_readable(path)
        return path
    name = model.strip().lower().replace(" ", "_")
    if name not in builtin:
        near = difflib.get_close_matches(name, builtin, n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise ModelError(
            f'wake word model "{model}" does not come with this engine: {meant}'
            f"it has {', '.join(sorted(builtin))}; or give the path of your own {suffixes[0]} file"
        )
    check_readable(builtin[name])
    return builtin[name]


def check_readable(path: Path) -> None:
    """Raises ModelError unless `path` is a file that can be read."""
    try:
        with path.open("rb") as file:
            file.read(1)
    except FileNotFoundError:
        raise ModelError(f"wake word model {path}: there is no such file; correct the path in the settings") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelError(f"wake word model {path}: it cannot be read ({reason}); check its permissions") from None


def check_flatbuffer(path: Path) -> None:
    """Raises ModelError unless the file begins as TensorFlow Lite models do. It reads eight bytes only."""
    check_readable(path)
    with path.open("rb") as file:
        head = file.read(8)
    if head[4:8] != _IDENTIFIER:
        raise ModelError(
            f"wake word model {path}: this is not a TensorFlow Lite model; "
            "fetch it again, or convert it (an ONNX model does not run here)"
        )


def check_distinct(words: Sequence[str]) -> None:
    """Raises ModelError when there is no word, or when two models would score under one name."""
    if not words:
        raise ModelError("no wake word model is named; name at least one, such as hey_jarvis")
    for number, word in enumerate(words):
        if word in words[:number]:
            raise ModelError(f"two wake word models are both called {word}; rename one file, or name it once")
