"""What is kept across restarts, on disks that are well and on disks that are not."""

import json
from pathlib import Path

import pytest

from antiphon.runtime.kept import KeptVolume, kept_path


class Lines(list):
    def write(self, level, what, **fields) -> None:
        self.append((level, what, fields))


def test_where_it_is_kept():
    assert kept_path({"STATE_DIRECTORY": "/var/lib/antiphon"}) == Path("/var/lib/antiphon/state.json")
    assert kept_path({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b", "XDG_STATE_HOME": "/s"}) == Path(
        "/var/lib/a/state.json"
    )
    assert kept_path({"XDG_STATE_HOME": "/home/me/.local/state"}) == Path("/home/me/.local/state/antiphon/state.json")
    assert kept_path({}) is None
    assert kept_path({"STATE_DIRECTORY": "", "XDG_STATE_HOME": ""}) is None


def test_what_is_saved_is_loaded_and_nothing_else_is_left(tmp_path):
    log = Lines()
    kept = KeptVolume(tmp_path / "antiphon" / "state.json", log)
    assert kept.load() is None  # a first start is nothing to speak of
    kept.save(40)
    kept.save(0)
    assert KeptVolume(tmp_path / "antiphon" / "state.json", log).load() == 0
    assert [one.name for one in (tmp_path / "antiphon").iterdir()] == ["state.json"]
    assert log == []


def test_without_a_place_nothing_is_kept():
    log = Lines()
    kept = KeptVolume(None, log)
    assert kept.save(40)
    assert kept.load() is None
    assert log == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 4096,
        b"\xff\xfe{}",
        b"{}",
        b"[]",
        b"17",
        b'{"volume": "40"}',
        b'{"volume": true}',
        b'{"volume": 101}',
        b'{"volume": -1}',
        b'{"volume": 40.0}',
        b'{"volume": NaN}',
        b"[" * 60_000,
        b'{"volume": 40' + b" " * 70_000 + b"}",
    ],
)
def test_garbage_is_said_and_mended_by_the_next_volume(tmp_path, content):
    path, log = tmp_path / "state.json", Lines()
    path.write_bytes(content)
    kept = KeptVolume(path, log)
    assert kept.load() is None
    [(level, what, fields)] = log
    assert (level, what) == ("warning", "not-kept")
    assert str(path) in fields["sentence"]
    assert fields["sentence"].endswith("kept anew")
    assert kept.save(55)
    assert json.loads(path.read_text()) == {"volume": 55}


def test_a_disk_that_takes_nothing_is_said_once_until_it_takes_something_again(tmp_path):
    path, log = tmp_path / "state.json", Lines()
    kept = KeptVolume(path, log)
    blocked = tmp_path / ".state.json.new"
    blocked.mkdir()  # as good as a disk that is read-only: root may write to those
    assert not any(kept.save(percent) for percent in (1, 2, 3))
    assert [level for level, _, _ in log] == ["warning"]
    blocked.rmdir()
    assert kept.save(4)
    assert kept.load() == 4
    blocked.mkdir()
    kept.save(5)
    assert len(log) == 2
    assert kept.load() == 4  # what was kept is whole


def test_a_file_that_cannot_be_read(tmp_path):
    log = Lines()
    (tmp_path / "state.json").mkdir()
    assert KeptVolume(tmp_path / "state.json", log).load() is None
    assert "cannot be read (Is a directory)" in log[0][2]["sentence"]
