"""Layers become settings that fit, or one error that names all that does not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import SettingsError
from antiphon.settings import Lamps, Layer, Loaded, Settings, Typed, default_yaml, load


def wrong(*layers: Layer) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(layers)
    return str(caught.value).split("\n")


def wrong_in(text: str) -> list[str]:
    return wrong(Layer("f.yaml", text))


def test_nothing_given_is_the_defaults() -> None:
    loaded = load([])
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"default"}
    assert load([Layer("f.yaml", "realtime:\n  # voice: x\nwake:\n")]) == loaded


def test_each_value_knows_where_it_was_given() -> None:
    loaded = load(
        [
            Layer("f.yaml", "realtime:\n  voice: one\n  append_ms: 30\nlamps:\n  pins:\n    - 17\n"),
            Layer("ANTIPHON_REALTIME__VOICE", {"realtime": {"voice": Typed("two")}}),
            Layer("--set", {"log": {"level": Typed("debug")}}),
        ]
    )
    assert loaded.settings.realtime.voice == "two"
    assert loaded.settings.realtime.append_ms == 30
    assert loaded.settings.lamps.pins == (17,)
    assert loaded.origins["links"] == "default"
    given_keys = {key: origin for key, origin in loaded.origins.items() if origin != "default"}
    assert given_keys == {
        "realtime.voice": "ANTIPHON_REALTIME__VOICE",
        "realtime.append_ms": "f.yaml:3",
        "lamps.pins": "f.yaml:5",
        "log.level": "--set",
    }


def test_all_errors_at_once_in_the_order_of_the_layers() -> None:
    lines = wrong(
        Layer("f.yaml", "realtime:\n  vioce: x\n  append_ms: 200\n  append_ms: 20\nlamps: [1]\nproxy: y\n"),
        Layer("ANTIPHON_LOG__LEVEL", {"log": {"level": Typed("loud")}}),
        Layer("--set", {"speaker": {"jitter_ms": Typed("900")}}),
    )
    assert lines == [
        "f.yaml:2: realtime.vioce: unknown key; did you mean realtime.voice?",
        "f.yaml:3: realtime.append_ms: is 200; give a whole number from 20 to 100",
        "f.yaml:4: realtime.append_ms: is given twice, first in line 3; keep one",
        "f.yaml:5: lamps: is a list; give a mapping with the keys " + ", ".join(Lamps.model_fields),
        "f.yaml:6: proxy: unknown key; did you mean proxy, indented under realtime?",
        'ANTIPHON_LOG__LEVEL: log.level: is "loud"; give debug, info, warning or error',
        "--set: speaker.jitter_ms: jitter_ms is 900 and jitter_max_ms is 500; the second must not be less",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("realtime:\n  voice: 42", "f.yaml:2: realtime.voice: is 42; give text, in quotes"),
        ("realtime:\n  voice: no", "f.yaml:2: realtime.voice: is false; give text, in quotes"),
        ("realtime:\n  voice: ''", "f.yaml:2: realtime.voice: is empty; give text"),
        ("realtime:\n  voice:", "f.yaml:2: realtime.voice: is null; give text"),
        ("realtime:\n  voice: {a: 1}", "f.yaml:2: realtime.voice: is a mapping; give text"),
        ("realtime:\n  silence_ms: '700'",
         "f.yaml:2: realtime.silence_ms: is text, by its quotes or the 0 in front; give a whole number"),
        ("realtime:\n  silence_ms: 700 ms",
         "f.yaml:2: realtime.silence_ms: is text; give a whole number from 100 to 5000"),
        ("realtime:\n  silence_ms: 700.5",
         "f.yaml:2: realtime.silence_ms: is 700.5; give a whole number from 100 to 5000"),
        ("realtime:\n  silence_ms: yes",
         "f.yaml:2: realtime.silence_ms: is true; give a whole number from 100 to 5000"),
        ("realtime:\n  turn_detection: sever",
         'f.yaml:2: realtime.turn_detection: is "sever" (perhaps server?); give server or own'),
        ("realtime: wss://x", "f.yaml:1: realtime: is text; give a mapping with the keys url, "),
        ("speaker:\n  chimes: 1", "f.yaml:2: speaker.chimes: is 1; give true or false"),
        ("speaker:\n  chimes: 'yes'",
         "f.yaml:2: speaker.chimes: is text, by its quotes or the 0 in front; give true or false"),
        ("microphone:\n  device: on",
         "f.yaml:2: microphone.device: is true; give a whole number not below 0, text or null"),
        ("microphone:\n  rate_hz: 44.1k",
         "f.yaml:2: microphone.rate_hz: is text; give a whole number from 8000 to 192000 or null"),
        ("buttons:\n  talk: 017",
         "f.yaml:2: buttons.talk: is text, by its quotes or the 0 in front; give a whole number from 0 to 27 or null"),
        ("lamps:\n  pins: {a: 17}",
         "f.yaml:2: lamps.pins: is a mapping; give a list, [] for none, of a whole number from 0 to 27, at most 28"),
        ("lamps:\n  pins: 99", "f.yaml:2: lamps.pins.0: is 99; give a whole number from 0 to 27"),
        ("lamps:\n  pins: 17, x", "f.yaml:2: lamps.pins.1: is text; give a whole number from 0 to 27"),
        ("links:\n  - realtime\n  - genrate",
         'f.yaml:3: links.1: is "genrate" (perhaps generate?); give realtime, generate, chat or cascade'),
        ("links: genrate",
         'f.yaml:1: links.0: is "genrate" (perhaps generate?); give realtime, generate, chat or cascade'),
        ("links: [realtime,\n  realtime]", "f.yaml:2: links.1: is in the list twice; keep one of the two"),
        ("links: []",
         "f.yaml:1: links: is empty, which leaves nobody to ask; give realtime, generate, chat or cascade"),
        ("links:", "f.yaml:1: links: is null; give a list of realtime, generate, chat or cascade"),
        ("links: {generate: yes}", "f.yaml:1: links: is a mapping; give a list of realtime, generate, chat or cascade"),
        ("link: generate", "f.yaml:1: link: unknown key; did you mean links?"),
        ("generate:\n  urls: [8000]", "f.yaml:2: generate.urls.0: is 8000; give text, in quotes"),
        ("generate:\n  urls:\n    - http://nas\n    - nas:8000",
         "f.yaml:4: generate.urls.1: is not a URL that can be used here; one like http://nas:8000 is"),
        ("generate:\n  urls: [http://nas:8000/generate]",
         "f.yaml:2: generate.urls.0: ends in /generate, which goes without saying; give only http://host:port"),
        ("generate:\n  urls: [http://nas, http://nas:8000/health/]",
         "f.yaml:2: generate.urls.1: ends in /health, which"),
        ("generate:\n  urls: [http://a, http://b, http://c, http://d, http://e, http://f, http://g, http://h, http://i]",
         "f.yaml:2: generate.urls: has 9 entries; give a list, [] for none, of text, at most 8"),
        ("generate:\n  url: http://nas:8000", "f.yaml:2: generate.url: unknown key; did you mean generate.urls?"),
        ("lamps:\n  pins: [17,\n    99]", "f.yaml:3: lamps.pins.1: is 99; give a whole number from 0 to 27"),
        ("lamps:\n  kind: gpio", "f.yaml:2: lamps.kind: names no pin, and lamps.kind is gpio; give the pins"),
        ("wake:\n  words: hey_jarvis", "f.yaml:2: wake.words: is text; give a list, [] for none, of mappings"),
        ("wake:\n  words:\n    - hey_jarvis", "f.yaml:3: wake.words.0: is text; give a mapping with the keys engine"),
        ("wake:\n  words:\n    - threshold: 0.5", "f.yaml:3: wake.words.0.model: is missing; give text"),
        ("wake:\n  words:\n    - model: a\n    - model: a", "f.yaml:4: wake.words.1.model: is in the list twice"),
        ("conversation:\n  thinking_ms: '9000'",
         "f.yaml:2: conversation.thinking_ms: is text, by its quotes or the 0 in front; give a whole number"),
        ("lamps:\n  spi: 0.1", "f.yaml:2: lamps.spi: is 0.1; give 0.0, 0.1, 1.0, 1.1 or 1.2, in quotes"),
        ("lamps:\n  spi: '0.2'", 'f.yaml:2: lamps.spi: is "0.2" (perhaps 1.2?); give 0.0, 0.1, 1.0'),
        ("lamps:\n  night_from: 9pm", 'f.yaml:2: lamps.night_from: is text; give text like "22:00" or null'),
        ("lamps:\n  night_to: 7", 'f.yaml:2: lamps.night_to: is 7; give text like "22:00", in quotes'),
        ("control:\n  socket: here", "f.yaml:2: control.socket: is no absolute path; give one like /run/"),
        ("realtime:\n  allow_plain: false\n  url: ws://lan", "f.yaml:3: realtime.url: sends key and speech"),
    ],
)  # fmt: skip
def test_what_people_type_wrong(text: str, line: str) -> None:
    (said,) = wrong_in(text)
    assert said.startswith(line)


def test_keys_at_odds_are_shown_at_the_one_given_last() -> None:
    (said,) = wrong(
        Layer("f.yaml", "lamps:\n  kind: gpio\n  pins: [17]\n"),
        Layer("--set", {"buttons": {"mute": 17}}),
    )
    assert said.startswith("--set: buttons.mute: pin 17 is already used by lamps.pins")
    (said,) = wrong(Layer("f.yaml", "buttons:\n  mute: 17\nlamps:\n  kind: gpio\n  pins: [17]\n"))
    assert said.startswith("f.yaml:5: lamps.pins.0: pin 17 is already used by buttons.mute")


def test_of_a_number_in_a_text_s_place_the_quotes_must_reach_us() -> None:
    for origin in ("--set", "ANTIPHON_REALTIME__RETRIEVAL_STORE"):
        (said,) = wrong(Layer(origin, {"realtime": {"retrieval_store": Typed("123")}}))
        sentence = """realtime.retrieval_store: is 123; give text, in quotes, and these in the shell's: '"123"'"""
        assert said == f"{origin}: {sentence}"


def test_nobody_to_ask_is_shown_where_the_links_were_given() -> None:
    sentence = (
        "links: leaves nobody to ask: links is generate alone, and generate.urls names no server; "
        "give one, like http://nas:8000, or put realtime into links"
    )
    assert wrong_in("links: [generate]\n") == [f"f.yaml:1: {sentence}"]
    assert wrong(Layer("--link", {"links": Typed("generate")})) == [f"--link: {sentence}"]
    assert wrong_in("links: [generate]\ngenerate:\n  urls: []\n")[0].startswith(
        "f.yaml:3: generate.urls: leaves nobody"
    )


@pytest.mark.parametrize(
    ("text", "links", "urls"),
    [
        ("links: generate\ngenerate: {urls: http://nas:8000/}", ("generate",), ("http://nas:8000",)),
        ("links: generate, realtime", ("generate", "realtime"), ()),
        ("generate:\n  urls: http://a:1, http://b:2", ("realtime", "generate"), ("http://a:1", "http://b:2")),
        ("generate: {urls: [http://a]}", ("realtime", "generate"), ("http://a",)),
    ],
)
def test_a_list_may_lack_its_brackets(text: str, links: tuple[str, ...], urls: tuple[str, ...]) -> None:
    settings = load([Layer("f.yaml", text)]).settings
    assert settings.links == links
    assert settings.generate.urls == urls


def test_other_sections_do_not_hide_keys_at_odds() -> None:
    lines = wrong_in("realtime:\n  voice: 1\nbuttons:\n  talk: 5\n  mute: 5\n")
    assert [line.split(" ")[1] for line in lines] == ["realtime.voice:", "buttons.mute:"]


@pytest.mark.parametrize(
    "text",
    [
        "realtime: {key: sk-hunter2}",
        "realtime: {key_file: sk-hunter2}",
        "realtime: {api_kye: sk-hunter2}",
        "sk-hunter2",
        "realtime: sk-hunter2",
        "realtime: {proxy: 'http://u:sk-hunter2@'}",
        "realtime: {proxy: [sk-hunter2]}",
        "realtime: {url: 'wss://sk-hunter2@host/'}",
        "realtime: {append_ms: sk-hunter2}",
        "realtime: {key: sk-hunter2: x}",
    ],
)
def test_no_error_repeats_a_secret(text: str) -> None:
    for layer in (Layer("f.yaml", text), Layer("--set", {"realtime": {"key": Typed("sk-hunter2")}})):
        with pytest.raises(SettingsError) as caught:
            load([layer])
        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert "hunter2" not in repr(caught.value.__context__)


WORDS = st.sampled_from(
    [*default_yaml().split(), "\n", "\n  ", "\n\t", "- ", "[", "]", "{", "}", "'", '"', "|", ">", "&a", "*a", "!!int",
     "? ", ": ", ", ", "# ", "---", "...", "%", "@", "0x1", "1e999", "-", "~", "\x00", "\u2028", "é", "<<: "]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=12).map(" ".join), st.lists(WORDS).map("".join)))
def test_any_text_is_settings_or_one_line_for_each_error(text: str) -> None:
    for layer in (Layer("f.yaml", text), Layer("--set", {"realtime": {"voice": Typed(text)}})):
        try:
            loaded = load([layer])
        except SettingsError as error:
            for line in str(error).split("\n"):
                assert line.startswith(layer.origin)
                assert line.isprintable()
        else:
            assert isinstance(loaded, Loaded)


def test_of_very_many_mistakes_the_first_are_told() -> None:
    lines = wrong_in("".join(f"k{number}: 1\n" for number in range(20_000)))
    assert len(lines) == 51
    assert lines[0].startswith("f.yaml:1: k0: unknown key; ")
    assert lines[-1] == "f.yaml:51: from here on there are 19950 more mistakes; mend these first"


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ("builtin: [mute, mute]", "tools.builtin.1: is in the list twice"),
        ("switches: [{name: Lamp, pin: 5}]", 'tools.switches.0.name: is "Lamp"; give text like "kitchen_lamp"'),
        ("switches: [{name: lamp, pin: 5}, {name: lamp, pin: 6}]", "tools.switches.1.name: is the name of another"),
        ("switches: [{name: mute, pin: 5}]", "tools.switches.0.name: is the name of a tool of its own already"),
        ("commands: [{name: lights, description: d, argv: []}]", "tools.commands.0.argv"),
        ("commands: [{name: lights, description: d, argv: [bin/x]}]", "argv.0: begins with no program"),
        ("commands: [{name: lights, description: d, argv: ['{x}']}]", "argv.0: begins with no program"),
        ("commands: [{name: lights, description: d, argv: [x, '{room}']}]", "argv.1: has {room} in it, and arguments"),
        ("commands: [{name: lights, description: d, argv: [x], arguments: [{name: room, pattern: a}]}]",
         "tools.commands.0.arguments.0.name: stands nowhere in argv"),
        ("commands: [{name: lights, description: d, argv: [x, '{r}'], arguments: [{name: r, pattern: (a+)+}]}]",
         "arguments.0.pattern: has a repetition or a choice inside a repetition"),
        (("commands: [{name: l, description: d, argv: [x, '{r}'], arguments: [{name: r, pattern: a},"
         " {name: r, pattern: a}]}]"), "arguments.1.name: is in the list twice"),
        ("servers: [{name: home}]", "needs argv or url, the one or the other"),
        ("servers: [{name: home, argv: [x], url: 'http://nas/mcp'}]", "needs argv or url, the one or the other"),
        ("servers: [{name: home, url: 'http://tools.example.com/mcp'}]", "is unencrypted, and not on your own network"),
        ("servers: [{name: home, url: 'http://8.8.8.8/mcp'}]", "is unencrypted, and not on your own network"),
        ("servers: [{name: home, url: 'https://me:pw@nas/mcp'}]", "a token is given by token_file"),
        ("servers: [{name: home, url: 'ftp://nas/mcp'}]", "is not a URL that can be used here"),
        ("servers: [{name: home, url: 'http://nas/mcp', token_file: token}]", "is not an absolute path"),
        ("servers: [{name: home, argv: [x], token_file: /etc/token}]", "is for a server with a url"),
        ("servers: [{name: home, argv: [./x]}]", "servers.0.argv.0: begins with no program"),
        ("servers: [{name: a, argv: [x]}, {name: a, argv: [y]}]", "tools.servers.1.name: is the name of another of"),
    ],
)  # fmt: skip
def test_tools_that_cannot_be(tools: str, words: str) -> None:
    (complaint,) = wrong_in(f"tools:\n  {tools}\n")
    assert words in complaint
    assert complaint.startswith("f.yaml:2: tools.")


def test_tools_that_can_be() -> None:
    text = """
tools:
  switches: [{name: lamp, pin: 5}]
  commands:
    - {name: lights, description: d, argv: [/bin/x, '--room={room}', '{"a": 1}'], arguments: [{name: room, pattern: a}]}
  servers:
    - {name: home, url: 'http://homeassistant.local:8123/api/mcp', token_file: /etc/antiphon/token}
    - {name: near, url: 'http://192.168.1.4/mcp'}
    - {name: far, url: 'https://tools.example.com/mcp'}
    - {name: files, argv: [npx, server]}
"""
    tools = load([Layer("f.yaml", text)]).settings.tools
    assert [one.name for one in tools.servers] == ["home", "near", "far", "files"]
    assert tools.commands[0].arguments[0].name == "room"


def test_a_switch_needs_a_line_of_its_own() -> None:
    tools = "tools: {switches: [{name: lamp, pin: 5}, {name: fan, pin: 6}]}\n"
    sentence = "give each LED, button and switch a pin of its own"
    said = wrong_in(tools + "lamps: {kind: gpio, pins: [5]}\nbuttons: {talk: 6}\n")
    assert said == [
        f"f.yaml:2: lamps.pins.0: pin 5 is already used by tools.switches.0.pin; {sentence}",
        f"f.yaml:3: buttons.talk: pin 6 is already used by tools.switches.1.pin; {sentence}",
    ]
    assert wrong_in("tools: {switches: [{name: lamp, pin: 5}, {name: fan, pin: 5}]}") != []


def test_a_text_in_quotes_may_be_empty() -> None:
    loaded = load([Layer("--set", {"speech": {"instruction": Typed('""')}})])
    assert loaded.settings.speech.instruction == ""
