"""Settings and the key are found in files, variables and the command line, or it is said why not."""

import errno
from pathlib import Path

import pytest

from antiphon.config_files import board_files, find_board, find_key, read_layers, service_key, token_from
from antiphon.errors import MissingKeyError, SettingsError
from antiphon.settings import Generate, Realtime, Settings, load

KEY = "sk-hunter2"
HERE = Realtime(url="ws://127.0.0.1:1/")


def key_file(folder: Path, text: str = f"{KEY}\n", mode: int = 0o600, name: str = "key") -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return path


def named(path: Path) -> Settings:
    return Settings(realtime=Realtime(key_file=str(path)))


def why_no_key(settings: Settings, environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        find_key(settings, environ)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def why_no_layers(*args, **kwargs) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read_layers(*args, **kwargs)
    return str(caught.value).split("\n")


# ── layers ───────────────────────────────────────────────────────────────────────────────────────


def test_each_layer_overrides_the_one_below(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("realtime:\n  voice: file\n  model: file\n  instructions: file\n")
    environ = {"ANTIPHON_REALTIME__MODEL": "variable", "ANTIPHON_REALTIME__INSTRUCTIONS": "variable", "HOME": "/"}
    loaded = load(read_layers(file, environ, ["realtime.instructions=set: it = so"]))
    assert loaded.settings.realtime.voice == "file"
    assert loaded.settings.realtime.model == "variable"
    assert loaded.settings.realtime.instructions == "set: it = so"
    assert loaded.origins["realtime.voice"] == f"{file}:2"
    assert loaded.origins["realtime.model"] == "ANTIPHON_REALTIME__MODEL"
    assert loaded.origins["realtime.instructions"] == "--set"


@pytest.mark.parametrize("value", ['["http://nas:8000"]', "[http://nas:8000]", "http://nas:8000", " http://nas:8000/ "])
def test_a_list_in_a_variable_or_set(value: str) -> None:
    for environ, sets in (({"ANTIPHON_GENERATE__URLS": value}, []), ({}, [f"generate.urls={value}"])):
        assert load(read_layers(Path("/dev/null"), environ, sets)).settings.generate.urls == ("http://nas:8000",)


def test_links_in_a_variable_or_set() -> None:
    variables = {"ANTIPHON_LINKS": "generate, realtime"}
    assert load(read_layers(Path("/dev/null"), variables, [])).settings.links == ("generate", "realtime")
    assert load(read_layers(Path("/dev/null"), variables, ["links=realtime"])).settings.links == ("realtime",)


def test_the_usual_file_is_read_when_it_is_there(tmp_path: Path) -> None:
    usual = tmp_path / "antiphon.yaml"
    assert read_layers(None, {}, [], usual) == []
    usual.write_bytes(b"\xef\xbb\xbflog:\r\n  level: debug\r\n")
    assert load(read_layers(None, {}, [], usual)).settings.log.level == "debug"
    other = tmp_path / "other.yaml"
    other.write_text("")
    assert load(read_layers(other, {}, [], usual)).settings == Settings()


def test_the_last_set_wins() -> None:
    assert load(read_layers(None, {}, ["log.level=debug", "log.level=error"])).settings.log.level == "error"


def test_unknown_variables_and_sets_are_reported() -> None:
    with pytest.raises(SettingsError) as caught:
        load(read_layers(None, {"ANTIPHON_REALTIME_VOICE": "x", "ANTIPHON_": "y"}, ["log.levle=debug", "a..b=1"]))
    lines = str(caught.value).split("\n")
    assert "ANTIPHON_REALTIME_VOICE: realtime_voice: unknown key; did you mean ANTIPHON_REALTIME__VOICE?" in lines
    assert "--set: log.levle: unknown key; did you mean log.level?" in lines
    assert len(lines) == 4


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"log:\n  level: caf\xe9\n")
    missing = tmp_path / "missing.yaml"
    assert why_no_layers(missing, {}, []) == [f"{missing}: there is no such file; give --config a settings file"]
    assert why_no_layers(tmp_path, {}, []) == [
        f"{tmp_path}: cannot be read (Is a directory); give a settings file that can"
    ]
    assert why_no_layers(None, {}, [], tmp_path)[0].startswith(f"{tmp_path}: cannot be read")
    assert why_no_layers(latin / "x", {}, [])[0].startswith(f"{latin}/x: cannot be read (Not a directory)")
    assert why_no_layers(latin, {}, []) == [f"{latin}:2: is not UTF-8 text; save the file as UTF-8"]
    assert why_no_layers(Path("/dev/zero"), {}, []) == [
        "/dev/zero: is larger than 250000 bytes; this is not a settings file"
    ]


def test_what_cannot_be_read_is_told_at_once_and_not_repeated(tmp_path: Path) -> None:
    lines = why_no_layers(tmp_path / "no", {}, [KEY, "log.level"])
    assert len(lines) == 3
    assert not any("hunter2" in line for line in lines)
    assert lines[1].startswith("--set: has no equals sign; write --set section.key=value")


def test_what_is_no_text_is_told_as_that() -> None:
    variables = {"ANTIPHON_SPEECH__MODEL": "caf\udce9"}
    assert why_no_layers(Path("/dev/null"), variables, ["speech.voice=caf\udce9", "log.level=debug"]) == [
        "ANTIPHON_SPEECH__MODEL: is not UTF-8 text; write it in UTF-8",
        "--set: is not UTF-8 text; write it in UTF-8",
    ]


# ── the key ──────────────────────────────────────────────────────────────────────────────────────


def test_the_key_comes_from_the_first_place_that_has_it(tmp_path: Path) -> None:
    settings = named(key_file(tmp_path, "sk-from-file"))
    key_file(tmp_path, " sk-from-systemd\n", 0o440, "stepfun_api_key")
    places = {"STEPFUN_API_KEY": f" {KEY}\r\n", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    key = find_key(settings, places)
    assert key is not None
    assert (key.reveal(), key.origin) == (KEY, "$STEPFUN_API_KEY")
    key = find_key(settings, places | {"STEPFUN_API_KEY": " "})
    assert key is not None
    assert (key.reveal(), key.origin) == ("sk-from-systemd", str(tmp_path / "stepfun_api_key"))
    for none in ("", str(tmp_path / "none")):
        key = find_key(settings, {"CREDENTIALS_DIRECTORY": none})
        assert key is not None
        assert (key.reveal(), key.origin) == ("sk-from-file", str(tmp_path / "key"))


def test_a_blank_line_of_systemd_is_no_key(tmp_path: Path) -> None:
    key_file(tmp_path, "\n", 0o400, "stepfun_api_key")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert "/etc/antiphon/stepfun_api_key" in why_no_key(Settings(), environ)
    assert find_key(Settings(realtime=HERE), environ) is None
    key = find_key(named(key_file(tmp_path)), environ)
    assert key is not None
    assert key.origin == str(tmp_path / "key")


def test_no_key_is_one_sentence_that_names_the_three_places() -> None:
    said = why_no_key(Settings(), {})
    assert all(place in said for place in ("$STEPFUN_API_KEY", "systemd credential", "realtime.key_file"))


def test_no_key_is_another_error_than_one_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(MissingKeyError, match="antiphon setup asks for it"):
        find_key(Settings(), {})
    for settings, environ in ((named(tmp_path / "none"), {}), (Settings(), {"STEPFUN_API_KEY": "two words"})):
        with pytest.raises(SettingsError) as caught:
            find_key(settings, environ)
        assert not isinstance(caught.value, MissingKeyError)


def test_this_machine_needs_no_key() -> None:
    assert find_key(Settings(realtime=HERE), {}) is None
    key = find_key(Settings(realtime=HERE), {"STEPFUN_API_KEY": KEY})
    assert key is not None
    assert key.reveal() == KEY


def test_servers_on_the_lan_need_no_key(tmp_path: Path) -> None:
    lan = Generate(urls=("http://nas:8000",))
    alone = Settings(links=("generate",), generate=lan, realtime=Realtime(key_file=str(tmp_path / "none")))
    assert find_key(alone, {}) is None
    assert find_key(alone, {"STEPFUN_API_KEY": KEY}) is None, "what nobody asks for is not read"
    for links in (("realtime", "generate"), ("generate", "realtime")):
        assert why_no_key(Settings(links=links, generate=lan), {}).endswith(", or leave realtime out of links")


@pytest.mark.parametrize("settings", [Settings(), Settings(links=("realtime",), generate=Generate(urls=("http://a",)))])
def test_realtime_is_not_left_out_where_nothing_else_is(settings: Settings) -> None:
    assert "leave" not in why_no_key(settings, {})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = key_file(tmp_path, mode=mode)
    assert why_no_key(named(path), {}).endswith(f"(mode {mode:04o}); run: chmod 600 {path}")


def test_a_key_file_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    assert "there is no such file" in why_no_key(named(tmp_path / "none"), {})
    assert "is empty" in why_no_key(named(key_file(tmp_path, " \n")), {})
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    assert "Is a directory" in why_no_key(named(folder), {})
    (folder / "stepfun_api_key").mkdir()
    assert "Is a directory" in why_no_key(Settings(), {"CREDENTIALS_DIRECTORY": str(folder)})


def test_a_key_that_only_root_may_read_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = key_file(tmp_path)
    assert (found := service_key(path)) is not None
    assert found.reveal() == KEY

    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    assert "(Permission denied); use sudo" in why_no_key(named(path), {})
    with pytest.raises(SettingsError, match="use sudo"):
        service_key(path)


@pytest.mark.parametrize(
    "key", [f"{KEY}\nX: y", f"Bearer {KEY}", f"{KEY}\x00", f"{KEY}\x7f", f"{KEY}é", f"{KEY}\u200b"]
)
def test_a_key_that_could_not_be_sent_is_refused(tmp_path: Path, key: str) -> None:
    assert why_no_key(Settings(), {"STEPFUN_API_KEY": key}).startswith(
        "$STEPFUN_API_KEY: does not hold an API key alone"
    )
    assert "does not hold an API key alone" in why_no_key(named(key_file(tmp_path, key)), {})


# ── boards ───────────────────────────────────────────────────────────────────────────────────────

BOARD = "title: {}\ntried: so\nsettings:\n  buttons:\n    talk: {}\n"


def boards_in(folder: Path, **lines: int) -> Path:
    folder.mkdir()
    for name, line in lines.items():
        (folder / f"{name}.yaml").write_text(BOARD.format(name.title(), line))
    return folder


def talk_line(sets: list[str], *folders: Path) -> int | None:
    return load(read_layers(Path("/dev/null"), {}, sets, board_folders=folders)).settings.buttons.talk


def test_a_board_is_found_by_name_the_owners_first(tmp_path: Path) -> None:
    own, ours = boards_in(tmp_path / "own", hat=5), boards_in(tmp_path / "ours", hat=6, ring=7)
    assert talk_line(["board=hat"], own, ours) == 5
    assert talk_line(["board=ring"], own, ours) == 7
    assert talk_line(["board=ring", "board=hat"], own, ours) == 5
    assert talk_line(["board=ring", "buttons.talk=9"], own, ours) == 9
    assert talk_line(["board=none"], own, ours) is None
    assert talk_line([], own, tmp_path / "no such folder") is None


def test_a_board_is_found_by_path(tmp_path: Path) -> None:
    folder = boards_in(tmp_path / "own", hat=5)
    assert talk_line([f"board={folder}/hat.yaml"]) == 5
    loaded = load(read_layers(None, {"ANTIPHON_BOARD": f"{folder}/hat.yaml"}, [], Path("/no/such")))
    assert loaded.origins["buttons.talk"] == f"{folder}/hat.yaml:5"


def test_a_path_in_a_settings_file_is_seen_from_that_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    boards_in(tmp_path / "own", hat=5)
    file = tmp_path / "a.yaml"
    file.write_text("board: own/hat.yaml\n")
    monkeypatch.chdir("/")
    assert load(read_layers(file, {}, [])).settings.buttons.talk == 5
    monkeypatch.chdir(tmp_path / "own")
    assert talk_line(["board=./hat.yaml"]) == 5


def test_seen_from_the_root_folder_a_path_keeps_its_slash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = boards_in(tmp_path / "boards", mine=5) / "mine.yaml"
    monkeypatch.chdir("/")
    assert find_board(str(board)).origin == str(board)
    monkeypatch.chdir(tmp_path)
    assert find_board(str(board)).origin == str(board.relative_to(tmp_path))


def test_a_board_that_is_not_there_is_told_where_it_was_chosen(tmp_path: Path) -> None:
    folder = boards_in(tmp_path / "own", hat=5, ring=6)
    file = tmp_path / "a.yaml"
    file.write_text("log: {}\nboard: Haat\n")
    assert why_no_layers(file, {}, [], board_folders=[folder]) == [
        f"{file}:2: board: there is no board of that name; did you mean hat? There are hat, none, ring, or give a path"
    ]
    assert why_no_layers(None, {}, ["board=zzz"], board_folders=[folder]) == [
        "--set: board: there is no board of that name; there are hat, none, ring, or give a path"
    ]
    missing = tmp_path / "missing.yaml"
    assert why_no_layers(None, {}, [f"board={missing}"]) == [
        f"--set: board: {missing}: there is no such file; give the path of a board file"
    ]
    assert why_no_layers(None, {}, ["board=/dev/zero"]) == [
        "--set: board: /dev/zero: is larger than 250000 bytes; this is not a board file"
    ]


def test_all_board_files_are_listed_even_one_that_does_not_fit(tmp_path: Path) -> None:
    own, ours = boards_in(tmp_path / "own", hat=5), boards_in(tmp_path / "ours", hat=6, ring=7)
    (own / "bad.yaml").write_text("titel: x\n")
    (own / "latin.yaml").write_bytes(b"\xe9")
    entries = board_files([own, ours])
    assert [(entry.name, entry.path.parent.name) for entry in entries] == [
        ("bad", "own"), ("hat", "own"), ("latin", "own"), ("ring", "ours")
    ]  # fmt: skip
    assert [entry.title for entry in entries if entry.board] == ["Hat", "Ring"]
    assert entries[0].title == "(does not fit: antiphon boards bad)"


def test_the_boards_of_this_clone_are_found() -> None:
    assert "led-button" in [entry.name for entry in board_files()]


def test_a_token_is_read_from_a_file_of_its_owner_s_alone(tmp_path):
    path = tmp_path / "token"
    with pytest.raises(SettingsError, match=r"the token that tools\.servers names cannot be read"):
        token_from(path, "tools.servers")
    path.write_text("  token-1234\n")
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="run: chmod 600"):
        token_from(path, "tools.servers")
    path.chmod(0o600)
    token = token_from(path, "tools.servers")
    assert (token.reveal(), token.origin, repr(token)) == ("token-1234", str(path), "***")
    path.write_text("two words")
    with pytest.raises(SettingsError, match="does not hold") as caught:
        token_from(path, "tools.servers")
    assert "two words" not in str(caught.value)
    path.write_text("\n")
    with pytest.raises(SettingsError, match="is empty"):
        token_from(path, "tools.servers")
