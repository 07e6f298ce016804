"""What can be set: every key with its default, its bounds and what it means. Defaults live here, and nowhere else.

The docstring under a key is its comment in config/antiphon.yaml and its help in an editor. A check of one key
against another belongs to the key that is declared later, so that it runs whenever the two are sound by themselves.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Annotated, Literal, NoReturn, TypeAlias
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from antiphon.conversation.manners import Manners
from antiphon.settings.header import SPI_LINES
from antiphon.settings.patterns import trouble

Device = Annotated[int, Field(ge=0)] | Annotated[str, Field(min_length=1)] | None
CardRate = Annotated[int, Field(ge=8000, le=192_000)] | None
Pin = Annotated[int, Field(ge=0, le=27)]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["22:00"])]
LinkKind = Literal["realtime", "generate", "chat", "cascade"]
BuiltIn = Literal["set_volume", "mute", "set_timer", "list_timers", "cancel_timer", "get_time"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", examples=["kitchen_lamp"])]

PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
"""In the argv of a command: where an argument goes."""


def wrong(sentence: str, *keys: str) -> NoReturn:
    """Refuse a value with a sentence. `keys` are the keys at odds, when it is not the checked one alone."""
    raise PydanticCustomError("wrong", "{sentence}", {"sentence": sentence, "keys": keys})


def is_loopback(url: str) -> bool:
    """True when `url` stays on this machine: its host is localhost or a loopback address."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _split(url: str, schemes: str, example: str, *keys: str) -> SplitResult:
    """The parts of a URL of one of `schemes`; it is never repeated in the error, as it may hold a password."""
    try:
        parts = urlsplit(url)
        sound = bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.scheme not in schemes.split() or not url.isprintable() or " " in url:
        wrong(f"is not a URL that can be used here; one like {example} is", *keys)
    return parts


def _service(url: str) -> str:
    """`url` of StepFun's HTTP services as it is used: without / at the end."""
    parts = _split(url, "http https", "https://api.stepfun.com/v1")
    if parts.username is not None or parts.query or parts.fragment:
        wrong("holds more than an address; give only what is like https://api.stepfun.com/v1")
    if parts.scheme == "http" and not is_loopback(url):
        wrong("sends the key unencrypted to another machine; use https://")
    return url.rstrip("/")


def _server(url: str, key: str) -> str:
    """`url` of `key` as it is used: scheme and host in small letters, no port that goes without saying, no / at the
    end. Two that are the same server are then the same text.
    """
    parts = _split(url, "http https", "http://nas:8000", key)
    if parts.username is not None:
        wrong("holds a user name or password, and none is sent; give only http://host:port", key)
    if "?" in url or "#" in url:
        wrong("has a query or fragment; give only what is before the ? or #", key)
    for end in ("/generate", "/health"):  # of vox-serve's own pages; we know where they are
        if parts.path.rstrip("/").endswith(end):
            wrong(f"ends in {end}, which goes without saying; give only http://host:port, without {end}", key)
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, {"http": 80, "https": 443}[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{name}{port}{parts.path.rstrip('/')}"


def is_near(url: str) -> bool:
    """True when the host of `url` is this machine, or of a private network as far as its name or address tells."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        address = ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".local", ".lan", ".home", ".internal", ".home.arpa"))
    return address.is_private or address.is_link_local


def _differ(names: Sequence[str], key: str, end: str = ".name") -> None:
    """Refuse a name that is given twice in the list `key`."""
    for number, name in enumerate(names):
        if name in names[:number]:
            wrong("is in the list twice; keep one of the two", f"{key}.{number}{end}")


class Section(BaseModel):
    """What all sections share: they cannot change, know all their keys, and never repeat a value in an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True, validate_default=True
    )


class Realtime(Section):
    """The StepFun Realtime service, which hears, thinks and speaks."""

    url: str = Field(default="wss://api.stepfun.com/step_plan/v1/realtime")
    """Where the service is. A Step Plan key needs /step_plan/v1/realtime, a normal key /v1/realtime; accounts made
    on the overseas site need the host api.stepfun.ai. Unencrypted ws:// only to this machine, or with allow_plain.
    """

    @field_validator("url")
    @classmethod
    def _is_websocket(cls, url: str) -> str:
        parts = _split(url, "ws wss", "wss://api.stepfun.com/v1/realtime")
        if parts.username is not None:
            wrong("holds a user name or password; the key is given elsewhere, see key_file")
        if parts.query or parts.fragment:
            wrong("ends in a query or fragment; give only what is before the ? (the model is set by realtime.model)")
        return url

    allow_plain: bool = Field(default=False)
    """Allow an unencrypted ws:// connection to another machine. Key and speech can then be read on the way."""

    @field_validator("allow_plain")
    @classmethod
    def _is_private(cls, allow_plain: bool, info: ValidationInfo) -> bool:
        url = info.data.get("url", "")
        if urlsplit(url).scheme == "ws" and not allow_plain and not is_loopback(url):
            wrong("sends key and speech unencrypted to another machine; use wss://, or set allow_plain: true", "url")
        return allow_plain

    model: str = Field(default="stepaudio-2.5-realtime", min_length=1)
    """The model that answers."""

    voice: str = Field(default="linjiajiejie", min_length=1)
    """The voice it answers in: a system voice of the model, or one of your own (voice-tone-...)."""

    instructions: str = Field(
        default="You are a voice assistant. Answer briefly, as one speaks, in the language you are spoken to."
    )
    """What the model is told about its part before the conversation."""

    key_file: str | None = Field(default=None)
    """A file that holds the API key and that only its owner can read (chmod 600). It is used when neither
    $STEPFUN_API_KEY nor the systemd credential stepfun_api_key is there. An absolute path.
    """

    @field_validator("key_file")
    @classmethod
    def _is_a_path(cls, key_file: str | None) -> str | None:
        # Not repeated in the sentence: the likeliest mistake is the key itself.
        if key_file is not None and not (key_file.startswith("/") and key_file.isprintable()):
            wrong("is not an absolute path; name a file that holds the key, like /etc/antiphon/stepfun_api_key")
        return key_file

    turn_detection: Literal["server", "own"] = Field(default="server")
    """Who notices that you have finished speaking: the service, or this device (see endpointing)."""

    silence_ms: int = Field(default=700, ge=100, le=5000)
    """The service ends your turn after this much silence, in milliseconds."""

    prefix_padding_ms: int = Field(default=500, ge=0, le=5000)
    """How much sound before the start of speech the service takes into the turn, in milliseconds."""

    energy_threshold: int = Field(default=2500, ge=0, le=5000)
    """What the service takes for speech; higher in a loud room. In the service's own unit."""

    connection: Literal["warm", "on_demand"] = Field(default="warm")
    """Keep a connection open while asleep (faster; no sound is sent), or connect at each wake word."""

    open_timeout_ms: int = Field(default=5000, ge=500, le=60_000)
    """How long one attempt to connect may take, in milliseconds."""

    ping_interval_s: float = Field(default=20.0, ge=0.1, le=300)
    """How often the connection is tried with a ping, in seconds."""

    ping_timeout_s: float = Field(default=10.0, ge=0.1, le=300)
    """How long the answer to a ping may take before the connection counts as lost, in seconds."""

    append_ms: int = Field(default=40, ge=20, le=100)
    """How much sound each message to the service carries, in milliseconds; 20 to 40 is advised."""

    web_search: bool = Field(default=False)
    """Let the service search the web where the model wants to; each search costs, and takes a while."""

    web_search_top_k: int = Field(default=5, ge=1, le=20)
    """How many pages of a search the model gets to read."""

    web_search_timeout_s: int = Field(default=3, ge=1, le=30)
    """How long a search may take, in seconds."""

    retrieval_store: str = Field(default="")
    """The id of a knowledge base (vector store) of yours at StepFun, which the model may look into; "" for none."""

    retrieval_description: str = Field(default="")
    """What is in the knowledge base, in words, so that the model knows when to look."""

    retrieval_prompt: str = Field(default="")
    """How what is found is put to the model, with {{knowledge}} and {{query}} in it; "" leaves it to the service."""

    renew_after_min: int = Field(default=25, ge=1, le=29)
    """Renew the connection after this many minutes, when idle; the service ends it after 30."""

    proxy: str | None = Field(default=None, repr=False)
    """The URL of an HTTP proxy to connect through. Proxy variables of the environment are not used."""

    @field_validator("proxy")
    @classmethod
    def _is_http(cls, proxy: str | None) -> str | None:
        if proxy is not None:
            parts = _split(proxy, "http https", "http://proxy.example:3128")
            if parts.path.strip("/") or parts.query or parts.fragment:
                wrong("has something after the host and port; give only http://host:port")
        return proxy


class Generate(Section):
    """Servers on your own network that answer speech with speech: vox-serve with Step-Audio-2-mini. docs/lan-server.md
    says how to run one. Such a server has no memory: each turn is asked without what was said before, it tells no
    transcript, and it has a voice and a system prompt of its own.
    """

    urls: tuple[str, ...] = Field(default=(), max_length=8)
    """Where the servers are, each like http://nas:8000, in the order in which they are asked; with [] there is none.
    Unencrypted http:// is normal on a LAN: speech can be read on the way.
    """

    @field_validator("urls")
    @classmethod
    def _are_servers(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        seen: list[str] = []
        for number, url in enumerate(urls):
            one = _server(url, f"urls.{number}")
            if one in seen:
                wrong("is in the list twice; keep one of the two", f"urls.{number}")
            seen.append(one)
        return tuple(seen)

    open_timeout_ms: int = Field(default=1500, ge=100, le=60_000)
    """How long a server may take to say that it is there, in milliseconds."""

    first_sound_ms: int = Field(default=15_000, ge=1000, le=120_000)
    """From the end of your turn, how long a server may take to its first sound, in milliseconds. It must have made
    1.1 s of speech before it sends any, and says nothing until then.
    """

    gap_ms: int = Field(default=5000, ge=500, le=60_000)
    """The longest silence of a server in the middle of a reply, in milliseconds; it sends a second of speech at a
    time.
    """


class Chat(Section):
    """StepFun's chat completions with audio, which hear, think and speak, one question at a time. It is asked with the
    same key, and through realtime.proxy; this device finds the end of your turn (see endpointing).
    """

    url: str = Field(default="https://api.stepfun.com/v1")
    """Where the service is. Its models are not on the Step Plan, so it needs /v1 and a normal key."""

    _is_service = field_validator("url")(_service)

    model: str = Field(default="step-audio-2", min_length=1)
    """The model that answers: step-audio-2, step-audio-2-mini or step-1o-audio."""

    voice: str = Field(default="wenrounansheng", min_length=1)
    """The voice it answers in: one that the model has."""

    instructions: str = Field(
        default="You are a voice assistant. Answer briefly, as one speaks, in the language you are spoken to."
    )
    """What the model is told about its part before the conversation."""

    stream: bool = Field(default=True)
    """Whether the reply is played as it comes, or when all of it is there."""

    clips: int = Field(default=3, ge=1, le=30)
    """How many of your last turns the model gets as sound, this one included; what was said before it gets as text."""

    first_sound_ms: int = Field(default=8000, ge=1000, le=120_000)
    """From the end of your turn, how long the first sound may take, in milliseconds, retries included."""

    gap_ms: int = Field(default=5000, ge=500, le=60_000)
    """The longest silence in the middle of a reply, in milliseconds."""


class Cascade(Section):
    """Three of StepFun's services in a row: one writes down what you say, one answers in text, one speaks that,
    sentence by sentence. It is asked with the same key, and through realtime.proxy; this device finds the end of your
    turn (see endpointing).
    """

    url: str = Field(default="https://api.stepfun.com/step_plan/v1")
    """Where the services are. A Step Plan key needs /step_plan/v1, a normal key /v1."""

    _is_service = field_validator("url")(_service)

    recognise_model: str = Field(default="stepaudio-2.5-asr", min_length=1)
    """The model that writes down what you say."""

    language: str = Field(default="", max_length=16)
    """The language you speak, as zh or en; "" lets the model find out."""

    hotwords: tuple[str, ...] = Field(default=(), max_length=100)
    """Names and words that it should know how to write."""

    chat_model: str = Field(default="stepaudio-2.5-chat", min_length=1)
    """The model that answers, in text."""

    instructions: str = Field(
        default="You are a voice assistant. Answer in a few plain sentences, in the language you are spoken to."
    )
    """What the model is told about its part before the conversation."""

    speak_model: str = Field(default="stepaudio-2.5-tts", min_length=1)
    """The model that speaks."""

    voice: str = Field(default="linjiajiejie", min_length=1)
    """The voice it speaks in."""

    instruction: str = Field(default="", max_length=500)
    """How it is said, in words, as "calm, slowly"; models before stepaudio-2.5-tts take none."""

    speed: float = Field(default=1.0, ge=0.5, le=2.0)
    """How fast it speaks."""

    first_sound_ms: int = Field(default=8000, ge=1000, le=120_000)
    """From the end of your turn, how long the first sound may take, in milliseconds, all three and retries included."""

    gap_ms: int = Field(default=5000, ge=500, le=60_000)
    """The longest silence in the middle of a reply, in milliseconds."""


class Microphone(Section):
    """The sound card's capture side."""

    device: Device = Field(default=None)
    """Which device: its index, or a part of its name (better: an index changes when devices come and go);
    null takes the default. `antiphon devices` lists them.
    """

    rate_hz: CardRate = Field(default=16_000)
    """The sample rate to open it at, in hertz; null takes the card's own."""

    channels: int = Field(default=1, ge=1, le=32)
    """How many channels to open; the first is used."""

    block_ms: int = Field(default=80, ge=20, le=80)
    """How much sound one block from the card holds, in milliseconds: 80 costs least, 20 reacts soonest."""

    preroll_ms: int = Field(default=2000, ge=200, le=10_000)
    """How much sound is kept while asleep, in milliseconds, so that no word is lost when the wake word comes."""


class Speaker(Section):
    """The sound card's playback side."""

    device: Device = Field(default=None)
    """Which device: its index, or a part of its name; null takes the default. `antiphon devices` lists them."""

    rate_hz: CardRate = Field(default=24_000)
    """The sample rate to open it at, in hertz; null takes the card's own. The service speaks at 24000."""

    channels: int = Field(default=1, ge=1, le=32)
    """How many channels to open; all play the same."""

    block_ms: int = Field(default=20, ge=5, le=80)
    """How much sound one block to the card holds, in milliseconds; less falls silent sooner when interrupted."""

    jitter_ms: int = Field(default=60, ge=0, le=2000)
    """How much of a reply is kept back at first, in milliseconds, so that it does not stutter."""

    jitter_max_ms: int = Field(default=500, ge=0, le=5000)
    """How far that may grow on a bad network, in milliseconds; not less than jitter_ms."""

    @field_validator("jitter_max_ms")
    @classmethod
    def _has_room(cls, jitter_max_ms: int, info: ValidationInfo) -> int:
        jitter_ms = info.data.get("jitter_ms", 0)
        if jitter_max_ms < jitter_ms:
            sentence = f"jitter_ms is {jitter_ms} and jitter_max_ms is {jitter_max_ms}; the second must not be less"
            wrong(sentence, "jitter_ms", "jitter_max_ms")
        return jitter_max_ms

    chimes: bool = Field(default=True)
    """Whether quiet chimes tell that it listens, has stopped listening, or has failed. A timer rings all the same."""

    chime_level_db: float = Field(default=-26.0, ge=-60, le=0)
    """How loud the chimes are, in decibels below the loudest sound possible."""

    mixer: str = Field(default="auto", min_length=1)
    """What makes it louder and quieter: a control of the card's mixer by its name (`amixer scontrols` lists them), or
    auto, which finds it. Where there is none, and with none, the sound itself is made quieter.
    """

    volume: int | None = Field(default=None, ge=0, le=100)
    """How loud it is, 0 to 100, until the owner changes it by button or command, which is kept; null leaves the card
    as it is.
    """


class Echo(Section):
    """What keeps the device from hearing itself while it speaks."""

    cancel: Literal["none", "hardware", "software"] = Field(default="none")
    """Who takes its own sound out of what the microphone hears. none: nobody, so while it speaks nothing is sent and
    only the wake word, if it is louder than the speaker, and the button interrupt it. hardware: the microphone itself,
    as a speakerphone does. software: this device, while it speaks; for that the microphone's rate must be 16000, 32000
    or 48000.
    """

    barge_in: bool = Field(default=True)
    """Whether a voice alone interrupts it, without wake word; never where cancel is none."""

    least_erle_db: float = Field(default=10.0, ge=0, le=40)
    """With less than this much of its own sound taken out, in decibels, it no longer listens while it speaks, says so,
    and listens again when it is better. With hardware it is compared with what is played, and 10 dB more are wanted.
    """

    decay_ms: int = Field(default=250, ge=0, le=2000)
    """How long the room goes on sounding after the card is silent, in milliseconds: more in a bare room."""


class WakeWord(Section):
    """One wake word."""

    engine: Literal["openwakeword", "microwakeword"] = Field(default="openwakeword")
    """What listens for it: openwakeword is the surer, microwakeword the lighter."""

    model: str = Field(min_length=1)
    """The name of a model that comes with the engine (both: alexa, hey_jarvis, hey_mycroft, okay_nabu; openwakeword
    also: hey_rhasspy), or the path of a .tflite file of your own.
    """

    threshold: float | None = Field(default=None, ge=0.01, le=1)
    """The score at which the word counts as heard, 0 to 1: higher for fewer false wakes; null is the model's own."""

    refractory_ms: int = Field(default=2000, ge=0, le=60_000)
    """After it was heard, how long it is not heard again, in milliseconds."""


class Wake(Section):
    """The wake words."""

    words: tuple[WakeWord, ...] = Field(default=(WakeWord(model="hey_jarvis", threshold=0.5),), max_length=16)
    """Any of these wakes it. With [] only the talk button does."""

    @field_validator("words")
    @classmethod
    def _differ(cls, words: tuple[WakeWord, ...]) -> tuple[WakeWord, ...]:
        seen = [(word.engine, word.model) for word in words]
        for number, one in enumerate(seen):
            if one in seen[:number]:
                wrong("is in the list twice; keep one of the two", f"words.{number}.model")
        return words


class Endpointing(Section):
    """How this device notices that you have finished speaking. It is used by links that do not find the end of a turn
    themselves: generate, and realtime with turn_detection own.
    """

    min_speech_ms: int = Field(default=120, ge=20, le=2000)
    """Speech shorter than this is taken for noise, in milliseconds; of "stop", 120 may be all that is heard."""

    trailing_silence_ms: int = Field(default=700, ge=100, le=5000)
    """Your turn ends after this much silence, in milliseconds."""


class Speech(Section):
    """StepFun's text to speech, for `antiphon say`. It is asked with the same key, and through realtime.proxy."""

    url: str = Field(default="https://api.stepfun.com/step_plan/v1")
    """Where the service is. A Step Plan key needs /step_plan/v1, a normal key /v1."""

    _is_service = field_validator("url")(_service)

    model: str = Field(default="stepaudio-2.5-tts", min_length=1)
    """The model that speaks; a Step Plan key knows only stepaudio-2.5-tts."""

    voice: str = Field(default="linjiajiejie", min_length=1)
    """The voice it speaks in: `antiphon voices list` shows them; one of your own is voice-tone-..."""

    instruction: str = Field(default="", max_length=500)
    """How it is said, in words, as "calm, slowly"; models before stepaudio-2.5-tts take none."""

    speed: float = Field(default=1.0, ge=0.5, le=2.0)
    """How fast it speaks: 2.0 is twice as fast."""

    recognise_model: str = Field(default="stepaudio-2.5-asr", min_length=1)
    """The model that writes down what is said in files, for `antiphon transcribe`."""


class Switch(Section):
    """An output of the board that can be switched by voice."""

    name: Name = Field()
    """What it is called, for the model too: small letters, digits and _."""

    pin: Pin = Field()
    """The BCM number of its GPIO pin."""

    active_high: bool = Field(default=True)
    """Whether it is on when the pin is high (true) or low (false)."""


class Argument(Section):
    """One thing that the model may put into a command."""

    name: Name = Field()
    """Its name; {name} in argv stands for it."""

    pattern: str = Field(min_length=1, max_length=200)
    """A regular expression that all of it must match, as [a-z ]{1,40}; what does not is refused, and nothing is run."""

    @field_validator("pattern")
    @classmethod
    def _is_quick(cls, pattern: str) -> str:
        if sentence := trouble(pattern):
            wrong(sentence)
        return pattern

    description: str = Field(default="")
    """What the model is told of it."""

    secret: bool = Field(default=False)
    """Whether its value is never logged, not even with log.level debug."""


class Command(Section):
    """A program that can be run by voice; never through a shell."""

    name: Name = Field()
    """What it is called; the model knows it as run_name."""

    description: str = Field(min_length=1)
    """What the model is told it does; in English it is understood best."""

    argv: tuple[str, ...] = Field(min_length=1, max_length=64)
    """The program, by its absolute path or as it is found in the PATH, and its arguments, each as it is: there is no
    shell. {name} stands for an argument of `arguments`, also within one, as --room={name}.
    """

    @field_validator("argv")
    @classmethod
    def _is_a_program(cls, argv: tuple[str, ...]) -> tuple[str, ...]:
        program = argv[0] if argv else "?"
        if not program or ("/" in program and not program.startswith("/")) or PLACEHOLDER.search(program):
            wrong("begins with no program; give its absolute path, or a name that is found in the PATH", "argv.0")
        if any("\0" in one for one in argv):
            wrong("holds a zero byte, which no argument can")
        return argv

    arguments: tuple[Argument, ...] = Field(default=(), max_length=8)
    """What the model may put in."""

    @field_validator("arguments")
    @classmethod
    def _are_those_of_argv(cls, arguments: tuple[Argument, ...], info: ValidationInfo) -> tuple[Argument, ...]:
        _differ([argument.name for argument in arguments], "arguments")
        if (argv := info.data.get("argv")) is None:
            return arguments
        named = {argument.name for argument in arguments}
        for number, one in enumerate(argv):
            for name in PLACEHOLDER.findall(one):
                if name not in named:
                    wrong(f"has {{{name}}} in it, and arguments has none of that name; declare it", f"argv.{number}")
        used = {name for one in argv for name in PLACEHOLDER.findall(one)}
        for number, argument in enumerate(arguments):
            if argument.name not in used:
                sentence = "stands nowhere in argv, in braces; put it in, or take the argument out"
                wrong(sentence, f"arguments.{number}.name")
        return arguments

    limit_ms: int = Field(default=10_000, ge=100, le=60_000)
    """The longest it may run, in milliseconds, and never longer than tools.limit_ms; then it is ended."""


class McpServer(Section):
    """A server that offers tools by the Model Context Protocol: a program (`argv`), or an address (`url`)."""

    name: Name = Field()
    """What it is called; its tools are known to the model as name_tool."""

    argv: tuple[str, ...] = Field(default=(), max_length=64)
    """The program that is started, and its arguments; it speaks on its standard input and output."""

    @field_validator("argv")
    @classmethod
    def _is_a_program(cls, argv: tuple[str, ...]) -> tuple[str, ...]:
        if argv and (not argv[0] or ("/" in argv[0] and not argv[0].startswith("/"))):
            wrong("begins with no program; give its absolute path, or a name that is found in the PATH", "argv.0")
        return argv

    url: str | None = Field(default=None)
    """The address of one that runs already (streamable HTTP), like http://homeassistant.local:8123/api/mcp.
    Unencrypted http:// on this machine and on your own network only: what is said, and the token, can be read there.
    """

    @field_validator("url")
    @classmethod
    def _is_somewhere(cls, url: str | None, info: ValidationInfo) -> str | None:
        argv = info.data.get("argv")
        if url is not None:
            parts = _split(url, "http https", "http://homeassistant.local:8123/api/mcp")
            if parts.username is not None or parts.fragment:
                wrong("holds more than an address; a token is given by token_file")
            if parts.scheme == "http" and not is_near(url):
                wrong("is unencrypted, and not on your own network as far as its name tells; use https://")
        if argv is not None and bool(argv) == (url is not None):
            wrong("needs argv or url, the one or the other", "argv", "url")
        return url

    token_file: str | None = Field(default=None)
    """With url: a file that holds its access token and that only its owner can read. An absolute path."""

    @field_validator("token_file")
    @classmethod
    def _is_a_path(cls, token_file: str | None, info: ValidationInfo) -> str | None:
        if token_file is not None and not (token_file.startswith("/") and token_file.isprintable()):
            wrong("is not an absolute path; name a file that holds the token, like /etc/antiphon/home_token")
        if token_file is not None and "url" in info.data and info.data["url"] is None:
            wrong("is for a server with a url; a program gets its token by a file or an option of its own")
        return token_file

    tools: tuple[str, ...] = Field(default=(), max_length=128)
    """Of its tools only these, by the names that the server gives them; with [] all."""

    secret: tuple[str, ...] = Field(default=(), max_length=64)
    """The names of arguments whose values are never logged, not even with log.level debug."""


class Tools(Section):
    """What it can do when it is asked to, beyond talking; docs/tools.md tells more. Not for links to generate, whose
    servers know no tools.
    """

    builtin: tuple[BuiltIn, ...] = Field(
        default=("set_volume", "mute", "set_timer", "list_timers", "cancel_timer", "get_time"),
        json_schema_extra={"uniqueItems": True},
    )
    """Its own: the volume, the microphone, timers (which ring without a network, and after a restart), the clock."""

    @field_validator("builtin")
    @classmethod
    def _are_named_once(cls, builtin: tuple[BuiltIn, ...]) -> tuple[BuiltIn, ...]:
        _differ(builtin, "builtin", "")
        return builtin

    switches: tuple[Switch, ...] = Field(default=(), max_length=16)
    """Outputs of the board that can be switched, each with a name. They are off at the start and at the end."""

    commands: tuple[Command, ...] = Field(default=(), max_length=32)
    """Programs that can be run, each with a name."""

    plugins: tuple[str, ...] = Field(default=(), max_length=32)
    """Installed Python packages that bring tools, by the names of their entry points in the group antiphon.tools. Such
    a package is a part of the daemon, and can do all that the daemon can.
    """

    servers: tuple[McpServer, ...] = Field(default=(), max_length=16)
    """MCP servers, as Home Assistant's; needs the extra antiphon[mcp]."""

    @field_validator("servers")
    @classmethod
    def _have_names_of_their_own(cls, servers: tuple[McpServer, ...], info: ValidationInfo) -> tuple[McpServer, ...]:
        seen: dict[str, str] = dict.fromkeys(info.data.get("builtin", ()), "a tool of its own")
        for kind in ("switches", "commands", "servers"):
            entries = servers if kind == "servers" else info.data.get(kind, ())
            for number, entry in enumerate(entries):
                if entry.name in seen:
                    wrong(f"is the name of {seen[entry.name]} already; give another", f"{kind}.{number}.name")
                seen[entry.name] = f"another of {kind}"
        _differ(info.data.get("plugins", ()), "plugins", "")
        return servers

    limit_ms: int = Field(default=10_000, ge=500, le=60_000)
    """How long a tool may take, in milliseconds; after that the model is told that it failed."""


class Lamps(Section):
    """What shows the state."""

    kind: Literal["none", "gpio", "rgb", "apa102", "ws2812", "terminal"] = Field(default="none")
    """No lamps, LEDs on GPIO pins (one each, or rgb: three pins each), LEDs in a chain on SPI (apa102, ws2812), or
    lamps drawn in the terminal.
    """

    pins: tuple[Pin, ...] = Field(default=(), max_length=28)
    """With kind gpio: the BCM numbers of the pins, one LED on each; with rgb: of red, green and blue, in threes."""

    @field_validator("pins")
    @classmethod
    def _are_there(cls, pins: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        kind = info.data.get("kind")
        if kind in ("gpio", "rgb") and not pins:
            wrong(
                f"names no pin, and lamps.kind is {kind}; give the pins of the LEDs, or use kind: none", "kind", "pins"
            )
        if kind == "rgb" and len(pins) % 3:
            wrong("is not in threes; with lamps.kind rgb give red, green and blue of each LED", "kind", "pins")
        return pins

    active_high: bool = Field(default=True)
    """Whether a LED lights when its pin is high (true) or low (false)."""

    dimmable: bool = Field(default=True)
    """With kind gpio or rgb: whether LEDs can be dimmed; false where a pin switches something else, as a relay."""

    leds: int = Field(default=3, ge=1, le=64)
    """With kind apa102 or ws2812: how many LEDs are in the chain."""

    spi: Literal["0.0", "0.1", "1.0", "1.1", "1.2"] = Field(default="0.0")
    """With kind apa102 or ws2812: the SPI bus and chip select, in quotes, as in /dev/spidev0.1."""

    power_pin: Pin | None = Field(default=None)
    """The pin that must be high for the LEDs to have power, on boards that have one."""

    brightness: float = Field(default=1.0, ge=0, le=1)
    """How bright the lamps are, 0 to 1."""

    night_from: TimeOfDay | None = Field(default=None)
    """When the night begins, in local time and in quotes, as "22:00"; null for never."""

    night_to: TimeOfDay = Field(default="07:00")
    """When the night ends."""

    night_brightness: float = Field(default=0.1, ge=0, le=1)
    """How bright the lamps are at night, 0 to 1; with 0 they are dark."""


class Buttons(Section):
    """The buttons, by the BCM numbers of their GPIO pins; null where there is none."""

    talk: Pin | None = Field(default=None)
    """The button that starts a turn, or interrupts a reply."""

    mute: Pin | None = Field(default=None)
    """The button that closes the microphone, and opens it again."""

    volume_up: Pin | None = Field(default=None)
    """The button that makes it louder; held, on and on."""

    volume_down: Pin | None = Field(default=None)
    """The button that makes it quieter; held, on and on."""

    mute_switch: Pin | None = Field(default=None)
    """A switch that stays where it is put: while it says muted, nothing else can open the microphone."""

    mute_switch_closed: Literal["muted", "unmuted"] = Field(default="muted")
    """What the mute switch says when its contact is closed."""

    pull_up: bool = Field(default=True)
    """Whether a button connects its pin to ground (true) or to 3.3 V (false)."""

    hold_ms: int = Field(default=800, ge=200, le=10_000)
    """A press this long is a hold, in milliseconds."""

    double_ms: int = Field(default=350, ge=100, le=2000)
    """Two taps within this time are a double tap, in milliseconds."""


class Control(Section):
    """How programs of this machine speak with the daemon: `antiphon status`, `say`, `mute` and others."""

    socket: str | None = Field(default="auto", min_length=1)
    """The path of its socket; auto is /run/antiphon/control.sock, or one in $XDG_RUNTIME_DIR for a user's own daemon;
    null for none. Members of its group may use it.
    """

    @field_validator("socket")
    @classmethod
    def _is_found_from_everywhere(cls, socket: str | None) -> str | None:
        if socket not in (None, "auto") and not (socket.startswith("/") and socket.isprintable()):
            wrong("is no absolute path; give one like /run/antiphon/control.sock, auto, or null")
        return socket


class Log(Section):
    """What is written about its life."""

    level: Literal["debug", "info", "warning", "error"] = Field(default="info")
    """The least grave line that is written."""

    format: Literal["auto", "text", "json", "journal"] = Field(default="auto")
    """Lines for people, JSON for programs, or the fields of systemd's journal; auto is journal under systemd,
    else text.
    """


Clash: TypeAlias = tuple[str, tuple[str, ...]]
"""A sentence, and the keys at odds: one, or two that share a line; "{other}" in it is the one not complained of."""


def lines_in_use(lamps: Lamps, buttons: Buttons, switches: Sequence[Switch] = ()) -> Iterator[tuple[str, int]]:
    """The key and the line (BCM number) of all that they need; the key of an entry of a list has its number."""
    if lamps.kind in ("gpio", "rgb"):
        yield from ((f"lamps.pins.{number}", pin) for number, pin in enumerate(lamps.pins))
    if lamps.kind in ("apa102", "ws2812"):
        bus, select = lamps.spi.split(".")
        selects, wires = SPI_LINES[bus]
        yield from (("lamps.spi", line) for line in (selects.get(select), *wires) if line is not None)
    if lamps.kind in ("gpio", "rgb", "apa102", "ws2812") and lamps.power_pin is not None:
        yield "lamps.power_pin", lamps.power_pin
    for name in ("talk", "mute", "volume_up", "volume_down", "mute_switch"):
        pin = getattr(buttons, name)
        if pin is not None:
            yield f"buttons.{name}", pin
    for number, switch in enumerate(switches):
        yield f"tools.switches.{number}.pin", switch.pin


def _clashes(uses: Iterator[tuple[str, int]], taken: Mapping[int, str], soldered: Mapping[int, str]) -> Iterator[Clash]:
    """Lines with two uses, or with one and a bus of the board (`taken`) or its own parts (`soldered`) too."""
    users: dict[int, str] = {}
    for key, line in uses:
        if line in taken:
            yield f"pin {line} is taken by the board: {taken[line]}; give another", (key,)
        elif line in users:
            sentence = f"pin {line} is already used by {{other}}; give each LED, button and switch a pin of its own"
            yield sentence, (key, users[line])
        elif line in soldered and _kind_of_use(key) != _kind_of_use(soldered[line]):
            its = _kind_of_use(soldered[line])
            yield f"pin {line} is soldered to the board's own {its}, used or not; give another", (key,)
        else:
            users[line] = key


def _kind_of_use(key: str) -> str:
    """What is at a line for `key`, as far as that is a matter of wires: a button is a button, whatever it does."""
    section, _, name = key.partition(".")
    if section in ("buttons", "tools"):
        return "button" if section == "buttons" else "switched output"
    return {"spi": "chain of lamps", "power_pin": "switch of the lamps' power"}.get(name, "lamps")


class Settings(Section):
    """Everything the owner can set."""

    board: str = Field(default="none", min_length=1)
    """The board this is: a name (`antiphon boards` lists them) or the path of a board file. It sets lamps, buttons and
    sound as they are on that board; whatever is set here goes over it.
    """

    links: tuple[LinkKind, ...] = Field(
        default=("realtime", "generate"), json_schema_extra={"minItems": 1, "uniqueItems": True}
    )
    """Who is asked, in this order: when one does not answer, the next gets the same speech. realtime is StepFun's
    service, which remembers the conversation; chat and cascade are StepFun's too, and asked one question at a time;
    generate are servers on your own network, which remember nothing, and it counts only where generate.urls names one.
    With [generate] alone nothing leaves your network, and no key is needed.
    """

    @field_validator("links")
    @classmethod
    def _are_some_and_differ(cls, links: tuple[LinkKind, ...]) -> tuple[LinkKind, ...]:
        if not links:  # by min_length pydantic would complain of every wrong name twice
            wrong("is empty, which leaves nobody to ask; give realtime, generate, chat or cascade")
        for number, link in enumerate(links):
            if link in links[:number]:
                wrong("is in the list twice; keep one of the two", f"links.{number}")
        return links

    realtime: Realtime = Realtime()
    generate: Generate = Generate()

    @field_validator("generate")
    @classmethod
    def _leaves_somebody_to_ask(cls, generate: Generate, info: ValidationInfo) -> Generate:
        if info.data.get("links") == ("generate",) and not generate.urls:
            wrong(
                "leaves nobody to ask: links is generate alone, and generate.urls names no server; give one, "
                "like http://nas:8000, or put realtime into links",
                "links",
                "generate.urls",
            )
        return generate

    chat: Chat = Chat()
    cascade: Cascade = Cascade()
    microphone: Microphone = Microphone()
    speaker: Speaker = Speaker()
    echo: Echo = Echo()
    wake: Wake = Wake()
    endpointing: Endpointing = Endpointing()
    conversation: Manners = Manners.model_validate({})

    @field_validator("conversation")
    @classmethod
    def _has_room_for_the_preroll(cls, conversation: Manners, info: ValidationInfo) -> Manners:
        microphone = info.data.get("microphone")
        least_ms = (microphone.preroll_ms if microphone else 0) + 2000
        if conversation.max_turn_ms < least_ms:
            wrong(
                f"is less than {least_ms}: a turn holds the pre-roll (microphone.preroll_ms) and 2000 ms more",
                "conversation.max_turn_ms",
            )
        return conversation

    speech: Speech = Speech()
    tools: Tools = Tools()
    lamps: Lamps = Lamps()
    buttons: Buttons = Buttons()
    control: Control = Control()
    log: Log = Log()

    @field_validator("buttons")
    @classmethod
    def _have_their_own_pins(cls, buttons: Buttons, info: ValidationInfo) -> Buttons:
        """In the context of the validation the board's lines may be given, as {"taken": {line: what}}, and those of its
        own lamps and buttons, as {"soldered": {line: key}}.
        """
        lamps, context = info.data.get("lamps") or Lamps(), info.context or {}
        tools = info.data.get("tools")
        uses = lines_in_use(lamps, buttons, tools.switches if tools else ())
        clashes = list(_clashes(uses, context.get("taken", {}), context.get("soldered", {})))
        if clashes:
            all_of_them = "; ".join(sentence.replace("{other}", keys[-1]) for sentence, keys in clashes)
            raise PydanticCustomError("clashes", "{sentences}", {"sentences": all_of_them, "clashes": clashes})
        return buttons
