"""The keys, their defaults, and the checks of one key against another."""

import inspect
from collections.abc import Callable

import pytest
from pydantic import BaseModel, ValidationError

from antiphon.audio.chime import chime
from antiphon.audio.jitter import JitterPlan
from antiphon.audio.trigger import WakeWord as HeardWord
from antiphon.calls import LinkPlan
from antiphon.checkup.sound import check_speaker
from antiphon.conversation.manners import Manners
from antiphon.devices.pyaudio import PyAudioMicrophone, PyAudioSpeaker
from antiphon.links.generate.link import GeneratePlan
from antiphon.runtime.ear import EarPlan
from antiphon.runtime.mouth import MouthPlan
from antiphon.settings.sections import Generate, Realtime, Section, Settings, Speaker, WakeWord, is_loopback


def sections() -> list[type[BaseModel]]:
    return [type(section) for _, section in Settings() if isinstance(section, BaseModel)] + [WakeWord, Settings]


def sentences(section: type[BaseModel], **values: object) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        section(**values)
    return [error["msg"] for error in caught.value.errors()]


@pytest.mark.parametrize(
    ("taker", "names"),
    [
        (LinkPlan, "name warm renew_after_s own_turns"),
        (EarPlan, "preroll_ms"),
        (GeneratePlan, "url open_timeout_ms first_sound_ms gap_ms"),
        (HeardWord, "threshold refractory_ms"),
        (JitterPlan, "start_ms most_ms"),
        (MouthPlan, "chime_level_db jitter"),
        (PyAudioMicrophone, "device rate_hz block_ms channels"),
        (PyAudioSpeaker, "device rate_hz block_ms channels"),
        (check_speaker, "chime_db"),
        (chime, "level_db"),
    ],
)
def test_what_takes_a_setting_has_no_default_of_its_own(taker: Callable[..., object], names: str) -> None:
    parameters = inspect.signature(taker).parameters
    assert [name for name in names.split() if parameters[name].default is not inspect.Parameter.empty] == []


@pytest.mark.parametrize("section", sections())
def test_every_key_says_what_it_is(section: type[BaseModel]) -> None:
    assert section.__doc__
    for key, field in section.model_fields.items():
        description = field.description or getattr(field.annotation, "__doc__", None)  # a section describes itself
        assert description, key
        assert description.rstrip().endswith("."), key


@pytest.mark.parametrize("section", sections())
def test_settings_never_change_and_never_repeat_a_value(section: type[BaseModel]) -> None:
    assert section.model_config["frozen"]
    assert section.model_config["extra"] == "forbid"
    assert issubclass(section, Section) or section is Manners


def test_a_time_says_its_unit() -> None:
    for section in sections():
        for key, field in section.model_fields.items():
            if key.endswith(("_ms", "_s", "_min", "_hz", "_db")) and section is not Manners:
                unit = {"ms": "millisecond", "s": "second", "min": "minute", "hz": "hertz", "db": "decibel"}
                assert unit[key.rpartition("_")[2]] in (field.description or ""), key


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("ws://127.0.0.1:8765/v1/realtime", True),
        ("ws://127.8.9.1/", True),
        ("ws://[::1]:80/", True),
        ("ws://localhost:1/", True),
        ("ws://LOCALHOST/", True),
        ("wss://api.stepfun.com/v1/realtime", False),
        ("ws://192.168.1.5/", False),
        ("ws://localhost.example.com/", False),
        ("ws://127.0.0.1.example.com/", False),
    ],
)
def test_what_stays_on_this_machine(url: str, here: bool) -> None:
    assert is_loopback(url) is here


@pytest.mark.parametrize("url", ["ws://localhost:1/x", "ws://[::1]/x", "wss://lan.example/x", "WSS://lan.example/x"])
def test_urls_that_can_be_used(url: str) -> None:
    assert Realtime(url=url).url == url


@pytest.mark.parametrize("url", ["ws://lan.example/x", "WS://lan.example/x", "ws://192.168.1.5:80/"])
def test_plain_to_another_machine_must_be_allowed(url: str) -> None:
    (sentence,) = sentences(Realtime, url=url)
    assert "use wss://, or set allow_plain: true" in sentence
    assert Realtime(url=url, allow_plain=True).url == url


@pytest.mark.parametrize(
    "url",
    ["", "api.stepfun.com", "https://api.stepfun.com/v1", "wss://", "wss://[::1", "wss://h:x/", "wss://h:99999/",
     "wss://a b/", "wss://h/\n", "wss://hunter2@h/", "wss://h/?model=x", "wss://h/#x"],
)  # fmt: skip
def test_urls_that_cannot_be_used_are_not_repeated(url: str) -> None:
    (sentence,) = sentences(Realtime, url=url)
    assert "hunter2" not in sentence


@pytest.mark.parametrize("proxy", ["proxy:3128", "socks5://h:1", "http://u:hunter2@", "http://u:1/hunter2@h", ""])
def test_proxies_that_cannot_be_used_are_not_repeated(proxy: str) -> None:
    (sentence,) = sentences(Realtime, proxy=proxy)
    assert "hunter2" not in sentence


def test_a_proxy_does_not_show_in_a_repr() -> None:
    assert "hunter2" not in repr(Settings(realtime=Realtime(proxy="http://u:hunter2@h:1")))


@pytest.mark.parametrize("key_file", ["sk-1234", "etc/key", "~/key", "", "/etc/\x00key"])
def test_a_key_in_place_of_its_file_is_not_repeated(key_file: str) -> None:
    (sentence,) = sentences(Realtime, key_file=key_file)
    assert "is not an absolute path" in sentence
    assert "sk-1234" not in sentence


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://nas:8000", "http://nas:8000"),
        ("http://nas:8000/", "http://nas:8000"),
        ("HTTP://NAS:80", "http://nas"),
        ("https://nas:443/vox/", "https://nas/vox"),
        ("https://nas:80/Vox", "https://nas:80/Vox"),
        ("http://192.168.1.5:8000", "http://192.168.1.5:8000"),
        ("http://[fd00::5]:8000//", "http://[fd00::5]:8000"),
    ],
)
def test_a_server_is_written_in_one_way(given: str, used: str) -> None:
    assert Generate(urls=(given,)).urls == (used,)


@pytest.mark.parametrize(
    "url",
    ["", "nas:8000", "ws://nas:8000", "http://", "http://[::1", "http://h:x", "http://h:0", "http://a b", "http://h\n",
     "http://hunter2@h", "http://u:hunter2@h", "http://h/?hunter2", "http://h?", "http://h/#hunter2", "http://h#"],
)  # fmt: skip
def test_servers_that_cannot_be_used_are_not_repeated(url: str) -> None:
    (sentence,) = sentences(Generate, urls=("http://nas", url))
    assert "hunter2" not in sentence


@pytest.mark.parametrize("again", ["http://nas:8000", "http://NAS:8000/"])
def test_a_server_is_listed_once(again: str) -> None:
    assert sentences(Generate, urls=("http://nas:8000", again)) == ["is in the list twice; keep one of the two"]
    assert len(Generate(urls=("http://nas:8000", "http://nas:8001", "http://nas:8000/b")).urls) == 3


def test_servers_are_at_most_eight() -> None:
    urls = tuple(f"http://nas:{port}" for port in range(8000, 8008))
    assert Generate(urls=urls).urls == urls
    assert sentences(Generate, urls=(*urls, "http://nas:9000"))


def test_the_links_are_an_order() -> None:
    assert Settings().links == ("realtime", "generate")
    assert Settings(links=("generate", "realtime")).links == ("generate", "realtime")
    assert sentences(Settings, links=("realtime", "realtime")) == ["is in the list twice; keep one of the two"]
    assert sentences(Settings, links=()) == [
        "is empty, which leaves nobody to ask; give realtime, generate, chat or cascade"
    ]


def test_there_is_somebody_to_ask() -> None:
    (sentence,) = sentences(Settings, links=("generate",))
    assert "generate.urls" in sentence
    assert "realtime" in sentence
    alone = Settings.model_validate({"links": ["generate"], "generate": {"urls": ["http://nas:8000"]}})
    assert alone.links == ("generate",)
    for links in (("realtime",), ("generate", "realtime")):
        assert Settings(links=links).generate.urls == ()


def test_the_jitter_buffer_can_only_grow() -> None:
    assert Speaker(jitter_ms=500, jitter_max_ms=500).jitter_ms == 500
    assert sentences(Speaker, jitter_ms=501) == [
        "jitter_ms is 501 and jitter_max_ms is 500; the second must not be less"
    ]


@pytest.mark.parametrize(
    ("lamps", "buttons", "sentence"),
    [
        ([17, 17], {}, "pin 17 is already used by lamps.pins.0"),
        ([17, 27], {"mute": 27}, "pin 27 is already used by lamps.pins.1"),
        ([17], {"talk": 5, "mute": 5}, "pin 5 is already used by buttons.talk"),
    ],
)
def test_a_pin_has_one_use(lamps: list[int], buttons: dict[str, int], sentence: str) -> None:
    (said,) = sentences(Settings, lamps={"kind": "gpio", "pins": lamps}, buttons=buttons)
    assert said == f"{sentence}; give each LED, button and switch a pin of its own"


def test_pins_count_only_when_they_are_used() -> None:
    settings = Settings.model_validate({"lamps": {"kind": "none", "pins": [17]}, "buttons": {"talk": 17}})
    assert settings.buttons.talk == 17
    (said,) = sentences(Settings, lamps={"kind": "gpio"})
    assert "names no pin" in said


def test_a_wake_word_is_listed_once() -> None:
    word = {"model": "hey_jarvis"}
    (said,) = sentences(Settings, wake={"words": [word, word]})
    assert "twice" in said
    other = {"model": "hey_jarvis", "engine": "microwakeword"}
    assert len(Settings.model_validate({"wake": {"words": [word, other]}}).wake.words) == 2
    assert Settings.model_validate({"wake": {"words": []}}).wake.words == ()
