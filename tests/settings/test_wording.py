"""What does not fit is said in words that name what is allowed."""

import pytest

from antiphon.settings.sections import Settings
from antiphon.settings.wording import allowed, keys, node_at, unknown

SCHEMA = Settings.model_json_schema()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (("realtime", "append_ms"), "a whole number from 20 to 100"),
        (("realtime", "ping_interval_s"), "a number from 0.1 to 300"),
        (("realtime", "voice"), "text"),
        (("realtime", "turn_detection"), "server or own"),
        (("log", "level"), "debug, info, warning or error"),
        (("speaker", "chimes"), "true or false"),
        (("microphone", "device"), "a whole number not below 0, text or null"),
        (("buttons", "talk"), "a whole number from 0 to 27 or null"),
        (("lamps", "pins"), "a list, [] for none, of a whole number from 0 to 27, at most 28"),
        (("wake", "words", 0, "threshold"), "a number from 0.01 to 1 or null"),
        (("wake", "words", 0), "a mapping with the keys engine, model, threshold, refractory_ms"),
        (("log",), "a mapping with the keys level, format"),
        (("links",), "a list of realtime, generate, chat or cascade"),
        (("generate", "urls"), "a list, [] for none, of text, at most 8"),
    ],
)
def test_what_is_allowed(path: tuple[str | int, ...], words: str) -> None:
    assert allowed(SCHEMA, node_at(SCHEMA, path)) == words


@pytest.mark.parametrize(
    ("path", "origin", "words"),
    [
        (("realtime", "vioce"), "f:1", "unknown key; did you mean realtime.voice?"),
        (("realtme",), "f:1", "unknown key; did you mean realtime?"),
        (("voice",), "--set", "unknown key; did you mean realtime.voice, chat.voice, cascade.voice or speech.voice?"),
        (("Voices",), "--set", "unknown key; did you mean realtime.voice?"),
        (("MODEL",), "ANTIPHON_MODEL",
         "unknown key; did you mean ANTIPHON_REALTIME__MODEL, ANTIPHON_CHAT__MODEL or ANTIPHON_SPEECH__MODEL?"),
        (("instructions",), "f:1",
         ("unknown key; did you mean instructions, indented under realtime, instructions, indented under chat "
         "or instructions, indented under cascade?")),
        (("voice",), "f:1",
         ("unknown key; did you mean voice, indented under realtime, voice, indented under chat, "
         "voice, indented under cascade or voice, indented under speech?")),
        (("realtime.voice",), "f:1", "unknown key; did you mean voice, indented under realtime?"),
        (("speaker", "preroll_ms"), "f:1", "unknown key; did you mean preroll_ms, indented under microphone?"),
        (("device",), "--set", "unknown key; did you mean microphone.device or speaker.device?"),
        (("realtime", "links"), "--set", "unknown key; did you mean links?"),
        (("realtime", "links"), "f:1", "unknown key; did you mean links, at the left edge?"),
        (("wake", "words", 0, "treshold"), "f:1", "unknown key; did you mean wake.words.0.threshold?"),
        (("realtime_voice",), "ANTIPHON_REALTIME_VOICE", "unknown key; did you mean ANTIPHON_REALTIME__VOICE?"),
        (("wake", "zzz"), "f:1", "unknown key; there are words"),
        (("log", "zzz"), "f:1", "unknown key; there are level, format"),
    ],
)  # fmt: skip
def test_what_was_perhaps_meant(path: tuple[str | int, ...], origin: str, words: str) -> None:
    assert unknown(SCHEMA, path, origin) == words


@pytest.mark.parametrize("name", ["key", "API_KEY", "token"])
def test_a_key_in_the_settings_is_sent_elsewhere(name: str) -> None:
    assert "$STEPFUN_API_KEY" in unknown(SCHEMA, ("realtime", name), "f:1")


def test_keys_are_leaves_and_lists_are_one_value() -> None:
    every = list(keys(SCHEMA))
    assert ("realtime", "url") in every
    assert ("wake", "words") in every
    alone = {("board",), ("links",)}
    assert {key for key in every if len(key) == 1} == alone
    assert all(len(key) == 2 for key in every if key not in alone)
    assert node_at(SCHEMA, ("no", "such")) == {}
