"""Where the doctor finds the key: as the installed service does, where the settings are the service's."""

from pathlib import Path

import pytest

from antiphon.checkup.key import EncryptedKeyError, encrypted_at, key_in_use
from antiphon.config_files import DEFAULT_PATH
from antiphon.errors import MissingKeyError
from antiphon.settings import Generate, Realtime, Settings

KEY = "sk-hunter2-hunter2"
HERE = Settings(realtime=Realtime(url="ws://127.0.0.1:9/v1/realtime"))


@pytest.fixture
def service(tmp_path):
    """The service's key."""
    path = tmp_path / "stepfun_api_key"
    path.write_text(f"{KEY}\n")
    return path


@pytest.mark.parametrize("config", [None, DEFAULT_PATH])
@pytest.mark.parametrize("settings", [Settings(), HERE])
def test_with_the_settings_of_the_service_its_key_is_found(service, settings, config):
    found = key_in_use(settings, config, {}, service, service.parent)
    assert (found.reveal(), found.origin) == (KEY, str(service))


def test_with_settings_of_ones_own_it_is_not(service):
    with pytest.raises(MissingKeyError):
        key_in_use(Settings(), Path("mine.yaml"), {}, service)
    assert key_in_use(HERE, Path("mine.yaml"), {}, service) is None


def test_what_is_given_in_the_environment_goes_before(service):
    assert key_in_use(Settings(), None, {"STEPFUN_API_KEY": "sk-mine-mine"}, service).reveal() == "sk-mine-mine"
    (service.parent / "given").mkdir()
    (service.parent / "given" / "stepfun_api_key").write_text("sk-given")
    environ = {"CREDENTIALS_DIRECTORY": str(service.parent / "given")}
    assert key_in_use(Settings(), None, environ, service).reveal() == "sk-given"


@pytest.mark.parametrize("blank", [True, False])
def test_without_one_it_is_looked_for_as_ever(service, blank, tmp_path):
    if blank:
        service.write_text("\n")
    else:
        service.unlink()
    with pytest.raises(MissingKeyError):
        key_in_use(Settings(), None, {}, service, tmp_path)
    mine = tmp_path / "mine"
    mine.write_text("sk-of-key-file")
    mine.chmod(0o600)
    settings = Settings(realtime=Realtime(key_file=str(mine)))
    assert key_in_use(settings, None, {}, service, tmp_path).reveal() == "sk-of-key-file"


def test_where_nobody_is_asked_no_key_is_looked_for(service):
    lan = Settings(links=("generate",), generate=Generate(urls=("http://nas:8000",)))
    assert key_in_use(lan, None, {}, service) is None


# ── encrypted ──

DROP_IN = "etc/systemd/system/antiphon.service.d/override.conf"
ENCRYPTED = {
    DROP_IN: "[Service]\n LoadCredentialEncrypted=stepfun_api_key:/etc/antiphon/stepfun_api_key.cred\n",
    "usr/lib/systemd/system/antiphon.service.d/key.conf": "[Service]\nSetCredentialEncrypted=stepfun_api_key: xyz\n",
    "etc/credstore.encrypted/stepfun_api_key": "xyz",
}


@pytest.mark.parametrize("place", ENCRYPTED)
def test_an_encrypted_one_is_told_by_its_place(tmp_path, place):
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_text(ENCRYPTED[place])
    assert encrypted_at(tmp_path) == path
    with pytest.raises(EncryptedKeyError, match=str(path)):
        key_in_use(Settings(), None, {}, tmp_path / "none", tmp_path)
    (tmp_path / "plain").write_text(KEY)
    assert key_in_use(Settings(), None, {}, tmp_path / "plain", tmp_path).reveal() == KEY


def test_another_drop_in_tells_of_no_key(tmp_path):
    path = tmp_path / DROP_IN
    path.parent.mkdir(parents=True)
    path.write_text("[Service]\n#LoadCredentialEncrypted=stepfun_api_key:/x\nMemoryMax=1G\n")
    assert encrypted_at(tmp_path) is None
