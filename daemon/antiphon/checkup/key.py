"""The key, found where the appliance would find it: as the service that is installed, where these settings are its own.

An encrypted credential can be read by systemd alone, so of that only the name is told.
"""

from collections.abc import Mapping
from pathlib import Path

from antiphon.config_files import (
    CREDENTIAL,
    DEFAULT_PATH,
    KEY_VARIABLE,
    SERVICE_KEY,
    find_key,
    service_key,
    stepfun_urls,
)
from antiphon.errors import SettingsError
from antiphon.secret import Secret
from antiphon.settings import Settings

_ENCRYPTED = ("LoadCredentialEncrypted=", "SetCredentialEncrypted=")
_ROOT = Path("/")
_STORES = ("etc/credstore.encrypted", "run/credstore.encrypted", "usr/lib/credstore.encrypted")
_DROP_INS = ("etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system")


class EncryptedKeyError(SettingsError):
    """There is a key, and nobody but systemd can read it; `str()` is where it is."""


def key_in_use(
    settings: Settings, config: Path | None, environ: Mapping[str, str], service: Path = SERVICE_KEY, root: Path = _ROOT
) -> Secret | None:
    """As `find_key`, and with the settings of the service (`config` None, or theirs) also where its unit has the key.

    Raises as `find_key`, and EncryptedKeyError. `root` is where the folders of systemd are.
    """
    of_service = config in (None, DEFAULT_PATH) and bool(stepfun_urls(settings))
    if of_service and not environ.get(KEY_VARIABLE, "").strip() and not environ.get("CREDENTIALS_DIRECTORY"):
        if (key := service_key(service)) is not None:
            return key
        if (place := encrypted_at(root)) is not None:
            raise EncryptedKeyError(str(place))
    return find_key(settings, environ)


def encrypted_at(root: Path = _ROOT) -> Path | None:
    """Where the service has an encrypted key: a file of a credential store, or a drop-in of the unit that names it."""
    drop_ins = [file for folder in _DROP_INS for file in sorted((root / folder / "antiphon.service.d").glob("*.conf"))]
    for path in drop_ins:
        if any(_names_key(line) for line in _lines(path)):
            return path
    stored = [root / folder / CREDENTIAL for folder in _STORES]
    return next((path for path in stored if _exists(path)), None)


def _names_key(line: str) -> bool:
    return any(line.strip().startswith(f"{word}{CREDENTIAL}") for word in _ENCRYPTED)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # only root may read it
        return []


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # of the folder that it is in
        return False
