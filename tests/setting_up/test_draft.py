"""The answers until they are written, and what is then in the files."""

import os
import stat
from pathlib import Path

import pytest

from antiphon.config_files import as_key, find_key, read_layers
from antiphon.errors import SettingsError
from antiphon.setting_up.draft import Draft, must_be_writable
from antiphon.settings import load

KEY = "sk-hunter2-hunter2"


@pytest.fixture
def config(tmp_path):
    return tmp_path / "etc" / "antiphon.yaml"


def loaded(config):
    return load(read_layers(config, {}, [])).settings


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_only_what_differs_is_written(config):
    draft = Draft(config)
    draft.put({"echo.decay_ms": 250})  # the default
    draft.put({"speaker.device": "USB Audio: - (hw:1,0)"})
    draft.put({"speaker.volume": 60})
    draft.put({"speaker.volume": None})  # and back
    assert draft.told() == ['speaker.device: "USB Audio: - (hw:1,0)"']
    assert not config.exists()
    draft.write()
    assert loaded(config).speaker.device == "USB Audio: - (hw:1,0)"
    lines = [line for line in config.read_text().splitlines() if not line.startswith("#")]
    assert lines == ["speaker:", '  device: "USB Audio: - (hw:1,0)"']
    assert mode(config) == 0o644
    assert Draft(config).told() == []


def test_what_the_owner_wrote_stays_and_what_was_there_before_is_kept(config):
    config.parent.mkdir()
    before = "# mine\nlog: {level: debug}  # for now\necho:\n  decay_ms: 400\n"
    config.write_text(before)
    config.chmod(0o640)
    draft = Draft(config)
    draft.put({"echo.decay_ms": 250})
    draft.write()
    after = config.read_text()
    assert "# mine" in after
    assert "# for now" in after
    assert (loaded(config).echo.decay_ms, loaded(config).log.level) == (250, "debug")
    assert mode(config) == 0o640
    kept = config.with_name("antiphon.yaml.before-setup")
    assert kept.read_text() == before
    draft = Draft(config)
    draft.put({"echo.decay_ms": 300})
    draft.write()
    assert kept.read_text() == before
    assert config.with_name("antiphon.yaml.before-setup.2").read_text() == after


def test_comments_that_cannot_be_kept_are_told(config):
    config.parent.mkdir()
    config.write_text("{echo: {decay_ms: 400}}  # mine\n")
    draft = Draft(config)
    draft.put({"echo.decay_ms": 300})
    assert any("comments are kept only beside it" in line for line in draft.told())
    draft.write()
    assert loaded(config).echo.decay_ms == 300
    assert "# mine" in config.with_name("antiphon.yaml.before-setup").read_text()


def test_the_key_is_for_its_owner_alone_and_is_found_again(config):
    draft = Draft(config)
    assert not draft.knows_key()
    draft.key = as_key(KEY, "what was typed")
    assert draft.knows_key()
    told, done = draft.told(), draft.write()
    assert KEY not in "".join(told + done) + config.read_text()
    path = config.with_name("stepfun_api_key")
    assert mode(path) == 0o600
    found = find_key(loaded(config), {})
    assert found.reveal() == KEY
    assert found.origin == str(path)
    assert Draft(config).has_key_file()


def test_a_key_goes_where_the_owner_has_his(config, tmp_path):
    config.parent.mkdir()
    config.write_text(f"realtime: {{key_file: {tmp_path}/mine/key}}\n")
    draft = Draft(config)
    draft.key = as_key(KEY, "what was typed")
    draft.write()
    assert (tmp_path / "mine" / "key").read_text().strip() == KEY
    assert config.read_text() == f"realtime: {{key_file: {tmp_path}/mine/key}}\n"


def test_a_key_that_was_readable_by_others_is_not_any_more(config):
    config.parent.mkdir()
    path = config.with_name("stepfun_api_key")
    path.write_text("old")
    path.chmod(0o644)
    draft = Draft(config)
    draft.key = as_key(KEY, "what was typed")
    draft.write()
    assert mode(path) == 0o600
    assert path.read_text().strip() == KEY


def test_what_does_not_fit_changes_nothing(config):
    draft = Draft(config)
    draft.put({"speaker.volume": 60})
    with pytest.raises(SettingsError, match=r"^speaker\.volume"):
        draft.put({"speaker.volume": 160})
    assert draft.settings().speaker.volume == 60


def test_answers_that_are_given_already(config):
    draft = Draft(
        config, ["board=led-button", "microphone.device=USB", "links=generate", "generate.urls=http://nas:8000"]
    )
    assert draft.settings().lamps.kind == "gpio"  # as the board has it
    draft.write()
    settings = loaded(config)
    assert (settings.board, settings.links, settings.microphone.device) == ("led-button", ("generate",), "USB")
    assert "lamps" not in config.read_text()


def test_a_board_and_what_differs_from_it(config):
    draft = Draft(config, ["board=led-button"])
    draft.put({"buttons.talk": 23})  # as on the board
    assert draft.told() == ["board: led-button"]
    draft.put({"buttons.talk": 25})
    assert draft.told() == ["board: led-button", "buttons.talk: 25"]
    draft.put({"board": "none"})
    assert draft.told() == ["buttons.talk: 25"]


def test_a_file_with_mistakes_is_to_be_mended_first(config):
    config.parent.mkdir()
    config.write_text("echo: {decay_ms: long}\n")
    with pytest.raises(SettingsError, match=r"antiphon\.yaml:1"):
        Draft(config)


# ── where it can be written ──


def test_a_place_that_can_be_written(tmp_path):
    must_be_writable(tmp_path / "new" / "folder" / "antiphon.yaml")


def test_a_place_that_is_roots_asks_for_sudo(tmp_path):
    asked = []

    def may(folder, how):
        asked.append((folder, how))
        return False

    with pytest.raises(SettingsError, match="run it with sudo"):
        must_be_writable(tmp_path / "new" / "antiphon.yaml", may)
    assert asked == [(tmp_path, os.W_OK | os.X_OK)]


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="is no folder"):
        must_be_writable(tmp_path / "file" / "antiphon.yaml")


def test_a_disk_that_takes_nothing_is_told_in_one_line(config):
    draft = Draft(config)
    draft.put({"speaker.volume": 60})
    config.parent.write_text("")  # a file, where the folder was to be
    with pytest.raises(SettingsError, match="cannot be written") as error:
        draft.write()
    assert "\n" not in str(error.value)
    assert not draft.written
    assert list(Path(config.parent.parent).iterdir()) == [config.parent]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_new_key_is_its_owners_and_an_old_one_stays_whose_it_was(config):
    path = config.with_name("stepfun_api_key")
    for owner, whose in (((1234, 1235), (1234, 1235)), ((1, 1), (1234, 1235))):
        draft = Draft(config)
        draft.key, draft.key_owner = as_key(KEY, "what was typed"), owner
        draft.write()
        assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (*whose, 0o600)
