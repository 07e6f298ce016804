"""Every service of StepFun's that this product asks, on each family of paths, as commands to run: data, and no more.

A row is a command of a user's, a simulated service that is strict, what that must have received, and what came back.
The same command is then run into each error that is documented of the service.
"""

from dataclasses import dataclass, field, replace

NORMAL, PLAN = "/v1", "/step_plan/v1"
KEYS = {"sk-normal": "normal", "sk-plan": "plan"}
OWN_KEY = {NORMAL: "sk-normal", PLAN: "sk-plan"}
ASKED = "what time is it"
BLOCKED = "forbidden"
BUSY, BARRED = (429, 500, 503, 504), 451
"""What is asked again, and what moderation answers."""


@dataclass(frozen=True)
class Row:
    """`{clip}`, `{reference}` and `{out}` in the command are files of the run."""

    service: str
    family: str
    command: tuple[str, ...]
    received: str
    """What the simulator must have received, as it tells it (a part)."""
    back: str = ""
    """A part of what the command printed: on stdout, or, of an error, on stderr."""
    case: str = "works"
    options: dict = field(default_factory=dict)
    """Of the simulator."""
    key: str = ""
    """Else the one that the family wants."""
    path: str = ""
    """Else the family's."""
    status: int = 0
    """The command's, or any other than 0."""
    sound: bool = False
    """It leaves speech in {out}."""
    patient: bool = False
    """It asks again and again, and mostly waits."""

    @property
    def name(self):
        return f"{self.service} {self.family}: {self.case}"


def _fault(text):
    return {"faults": (text,)}


SAY = ("say", "Good night.", "-o", "{out}")
STREAM = ("say", "--stream", "Good night.", "-o", "{out}")
TRANSCRIBE = ("transcribe", "{clip}")
LIVE = ("transcribe", "--live", "{clip}", "--model", "stepaudio-2.5-asr-stream")
CHAT = ("ask", "{clip}", "--link", "chat", "-o", "{out}")
CASCADE = ("ask", "{clip}", "--link", "cascade", "-o", "{out}")
REALTIME = ("ask", "{clip}", "--link", "realtime", "-o", "{out}")
SEARCH = (*REALTIME, "--set", "realtime.web_search=true")
_STORE, _WHAT = "realtime.retrieval_store=store-1646", "realtime.retrieval_description=recipes"
RETRIEVAL = (*REALTIME, "--set", _STORE, "--set", _WHAT)
LIST = ("voices", "list")
PREVIEW = ("voices", "preview", "{reference}", "--text", "Hello there.", "-o", "{out}")
CLONE = ("voices", "clone", "{reference}", "--yes")
TOOL = {"replies": ("Let me see.|get_time", "It is {output}")}
TTS_2 = ("--set", "speech.model=step-tts-2")


def _chat(model, *more, voice=None):
    sets = [f"chat.model={model}", *([f"chat.voice={voice}"] if voice else []), *more]
    return (*CHAT, *(part for one in sets for part in ("--set", one)))


WORKS = [
    *(
        Row("realtime", family, REALTIME, "realtime stepaudio-2.5-realtime", ASKED, sound=True)
        for family in (NORMAL, PLAN)
    ),
    *(
        Row(f"realtime {tool}", family, command, f"tools get_time {tool}", sound=True)
        for tool, command in (("web_search", SEARCH), ("retrieval", RETRIEVAL))
        for family in (NORMAL, PLAN)
    ),
    *(
        Row(f"{link} function tools", family, command, "tool get_time", options=TOOL, sound=True)
        for link, command, families in (
            ("realtime", REALTIME, (NORMAL, PLAN)),
            ("chat", CHAT, (NORMAL,)),
            ("cascade", CASCADE, (NORMAL, PLAN)),
        )
        for family in families
    ),
    *(
        Row(
            f"chat {model}, {how}",
            NORMAL,
            _chat(model, f"chat.stream={stream}", voice=voice),
            f"POST chat {model} {how}",
            sound=True,
        )
        for model, voice in (("step-audio-2", None), ("step-audio-2-mini", None), ("step-1o-audio", "jingdiannvsheng"))
        for how, stream in (("streamed", "true"), ("whole", "false"))
    ),
    *(
        Row(
            "cascade (recognition, stepaudio-2.5-chat, speech)",
            family,
            CASCADE,
            "stepaudio-2.5-chat streamed",
            ASKED,
            sound=True,
        )
        for family in (NORMAL, PLAN)
    ),
    *(Row("speech over HTTP", family, SAY, "POST speech stepaudio-2.5-tts", sound=True) for family in (NORMAL, PLAN)),
    Row("speech over HTTP, step-tts-2", NORMAL, (*SAY, *TTS_2), "POST speech step-tts-2", sound=True),
    *(
        Row("speech over a WebSocket", family, STREAM, "stream stepaudio-2.5-tts", sound=True)
        for family in (NORMAL, PLAN)
    ),
    Row("voices", NORMAL, LIST, "voices 200; voices 200", "linjiajiejie"),
    Row("voices", PLAN, LIST, "voices 200", "linjiajiejie"),
    Row("preview of a voice", NORMAL, PREVIEW, "preview", sound=True),
    Row("clone of a voice", NORMAL, CLONE, "clone stepaudio-2.5-tts", "voice-tone-"),
    *(Row("recognition of files", family, TRANSCRIBE, "asr stepaudio-2.5-asr", ASKED) for family in (NORMAL, PLAN)),
    Row("recognition while it is spoken", NORMAL, LIVE, "dictation stepaudio-2.5-asr-stream", ASKED),
]


def _at(service, family=None):
    return next(row for row in WORKS if row.service == service and family in (None, row.family))


def _fails(row, case, says, received="", **changes):
    status = changes.pop("status", 1)
    return replace(row, case=case, back=says, received=received, status=status, sound=not status, **changes)


def _refused(row, fault, code, says=None, **changes):
    """Answered with the HTTP status `code`, by the fault of the simulator's that is called so."""
    busy = code in BUSY
    case = f"{code} for good" if busy else f"{code}, moderation" if code == BARRED else str(code)
    told = f"({code})" if says is None else says
    return _fails(row, case, told, str(code), options=_fault(f"{fault}={code}"), patient=busy, **changes)


def _keys_and_paths(service, setting, fault):
    """What every service answers alike: another key, a Step Plan key on the normal path, moderation, overload."""
    rows = [row for row in WORKS if row.service == service]
    for row in rows:
        yield _fails(row, "401, key of another site", "(401)", "401", key="sk-other")
        if row.family == NORMAL:
            yield _fails(row, "402, Step Plan key on the normal path", setting, "402", key="sk-plan")
    for code in (*BUSY, BARRED):
        yield _refused(rows[-1], fault, code)


def _with(row, case, says, *command, received="", **changes):
    """The same with more of a command."""
    return _fails(row, case, says, received, command=(*row.command, *command), **changes)


def _set(row, case, says, setting, received="", **changes):
    return _with(row, case, says, "--set", setting, received=received, **changes)


_CASCADED = "cascade (recognition, stepaudio-2.5-chat, speech)"
_REALTIME, _CHAT, _CASCADE = _at("realtime", PLAN), _at("chat step-audio-2, streamed"), _at(_CASCADED, PLAN)
_WHOLE = _at("chat step-audio-2, whole")
_SPEECH, _SOCKET = _at("speech over HTTP", PLAN), _at("speech over a WebSocket", PLAN)
_ASR, _LIVE = _at("recognition of files", PLAN), _at("recognition while it is spoken")
_VOICES, _VOICES_NORMAL = _at("voices", PLAN), _at("voices", NORMAL)
_PREVIEW, _CLONE = _at("preview of a voice"), _at("clone of a voice")

_OF_REALTIME = [
    *_keys_and_paths("realtime", "realtime.url", "status"),
    _set(_REALTIME, "400, unknown model", "realtime.model", "realtime.model=nobody", "400"),
    _set(_REALTIME, "404, model not on the Step Plan", "realtime.url", "realtime.model=step-audio-2", "404"),
    _set(_REALTIME, "voice is not valid: told, and answered", "realtime.voice", "realtime.voice=nobody", status=0),
    _fails(_REALTIME, "no speech found", "held no speech", options=_fault("no-speech=1")),
    _fails(_REALTIME, "server error in a response", "speech engine failed", options=_fault("server-error=1")),
    _fails(
        _REALTIME,
        "server error, and nothing more",
        "speech engine failed",
        options=_fault("server-error=1:nothing"),
        patient=True,
    ),
    _fails(
        _REALTIME, "breaks off", "hung up in the middle of the call: try it again", options=_fault("cut-at-event=9")
    ),
]
_OF_CHAT = [
    *_keys_and_paths("chat step-audio-2, streamed", "chat.url", "chat-status"),
    _fails(_CHAT, "404, not on the Step Plan", "chat.url", "404", family=PLAN),
    _set(_CHAT, "400, unknown model", "chat.model", "chat.model=nobody", "400"),
    _set(_CHAT, "voice that the model lacks", "chat.voice", "chat.voice=linjiajiejie"),
    _set(_CHAT, "400, a model that only writes", "chat.model", "chat.model=stepaudio-2.5-chat", "400"),
    _fails(_CHAT, "429, then answered", "", "chat 429; chat 200", options=_fault("chat-status=429@0"), status=0),
    _fails(
        _CHAT,
        "content_filter",
        "(content_filter)",
        options={"replies": ("It is forbidden fruit.",), "blocked": (BLOCKED,)},
    ),
    _fails(
        _WHOLE,
        "content_filter",
        "(content_filter)",
        options={"replies": ("It is forbidden fruit.",), "blocked": (BLOCKED,)},
    ),
    _fails(_CHAT, "error within a 200 stream", "content blocked", options=_fault("chat-error-event=3:content blocked")),
    _fails(_CHAT, "breaks off", "broke off", options=_fault("chat-cut=3")),
    _fails(_WHOLE, "breaks off", "broke off", options=_fault("chat-cut=1")),
]
_UNHURRIED = replace(_CASCADE, command=(*CASCADE, "--set", "cascade.first_sound_ms=20000"))
_OF_CASCADE = [
    *_keys_and_paths(_CASCADED, "cascade.url", "asr-status"),
    *(
        _refused(_UNHURRIED, fault, code, stage, service=f"cascade, {what}")
        for what, fault, stage in (
            ("its chat", "chat-status", "Answering it"),
            ("its speech", "stream-status", "Speaking the answer"),
        )
        for code in (429, 503, BARRED)
    ),
    _set(_CASCADE, "400, recognition's model", "cascade.recognise_model", "cascade.recognise_model=nobody"),
    _set(_CASCADE, "400, chat's model", "cascade.chat_model", "cascade.chat_model=nobody"),
    _set(_CASCADE, "404, speech's model", "cascade.speak_model", "cascade.speak_model=step-tts-2"),
    _set(_CASCADE, "400, unknown voice", "cascade.voice", "cascade.voice=nobody"),
    _fails(
        _CASCADE,
        "recognition fails in its stream",
        "Recognising what was said: ",
        options=_fault("asr-error-event=0:content blocked"),
    ),
    _fails(
        _CASCADE,
        "chat fails in its stream",
        "Answering it: ",
        options=_fault("chat-error-event=2:content blocked"),
    ),
    _fails(
        _CASCADE,
        "content_filter",
        "Answering it: ",
        options={"replies": ("forbidden fruit.",), "blocked": (BLOCKED,)},
    ),
    _fails(
        _CASCADE,
        "speech fails in its stream",
        "Speaking the answer: ",
        options=_fault("stream-error=1:451"),
    ),
    _fails(
        _CASCADE, "recognition breaks off", "Recognising what was said: ", options=_fault("asr-cut=1"), patient=True
    ),
    _fails(_CASCADE, "chat breaks off", "Answering it: ", options=_fault("chat-cut=2"), patient=True),
    _fails(_CASCADE, "speech breaks off", "Speaking the answer: ", options=_fault("stream-cut=9000"), patient=True),
]
_OF_SPEECH = [
    *_keys_and_paths("speech over HTTP", "speech.url", "speech-status"),
    _set(_SPEECH, "404, model not on the plan", "speech.model", "speech.model=step-tts-2", "404"),
    _set(_SPEECH, "400, unknown model", "speech.model", "speech.model=nobody", "400"),
    _with(_SPEECH, "unknown voice", "--voice", "--voice", "nobody"),
    _fails(_SPEECH, "451, moderation of the text", "(451)", options={"blocked": ("night",)}),
    _fails(_SPEECH, "breaks off", "broke off", options=_fault("speech-cut=9000")),
    *_keys_and_paths("speech over a WebSocket", "speech.url", "stream-status"),
    _set(_SOCKET, "404, model not on the plan", "speech.model", "speech.model=step-tts-2"),
    _set(_SOCKET, "400, unknown model", "speech.model", "speech.model=nobody"),
    _with(_SOCKET, "unknown voice", "--voice", "--voice", "nobody"),
    _fails(_SOCKET, "451 in the stream", "(451)", options={"blocked": ("night",)}),
    _fails(_SOCKET, "503 in the stream", "overloaded", options=_fault("stream-error=0:503"), patient=True),
    _fails(_SOCKET, "breaks off", "hung up", options=_fault("stream-cut=9000")),
]
_OF_RECOGNITION = [
    *_keys_and_paths("recognition of files", "speech.url", "asr-status"),
    _with(_ASR, "404, --model not on the plan", "--model", "--model", "stepaudio-2-asr-pro", received="404"),
    _set(
        _ASR,
        "404, model not on the plan",
        "speech.recognise_model",
        "speech.recognise_model=stepaudio-2-asr-pro",
        "404",
    ),
    _set(
        _ASR,
        "400, model of another service",
        "speech.recognise_model",
        "speech.recognise_model=stepaudio-2.5-asr-stream",
        "400",
    ),
    _fails(_ASR, "error within a 200 stream", "content blocked", options=_fault("asr-error-event=1:content blocked")),
    _fails(_ASR, "stream breaks off", "broke off", options=_fault("asr-cut=1"), patient=True),
    *_keys_and_paths("recognition while it is spoken", "speech.url", "status"),
    _fails(_LIVE, "404, not on the Step Plan", "speech.url", family=PLAN),
    _with(_LIVE, "model of another service", "--model", "--model", "stepaudio-2.5-asr"),
    _fails(_LIVE, "risk_blocked", "content rules", options=_fault("dictation-error=1")),
    _fails(_LIVE, "max_idle_timeout", "waited too long for us", options=_fault("dictation-error=1:max_idle_timeout")),
    _fails(_LIVE, "breaks off", "hung up", options=_fault("cut-at-event=4")),
]
_OF_VOICES = [
    *(
        # The Step Plan's list is known, and shown whatever becomes of one's own voices.
        replace(row, status=0) if row.family == PLAN and row.case.startswith(("401", "451")) else row
        for row in _keys_and_paths("voices", "speech.url", "voices-status")
    ),
    _with(_VOICES_NORMAL, "400, unknown model", "--model", "--model", "nobody"),
    *_keys_and_paths("preview of a voice", "speech.url", "voices-status"),
    _fails(_PREVIEW, "404, files are not on the plan", "speech.url", "404", family=PLAN),
    _with(_PREVIEW, "400, unknown model", "--model", "--model", "nobody"),
    _fails(_PREVIEW, "451, moderation of the text", "(451)", options={"blocked": ("Hello",)}),
    *_keys_and_paths("clone of a voice", "speech.url", "files-status"),
    _refused(_CLONE, "voices-status", 451, "another recording", service="clone of a voice, uploaded"),
    _fails(_CLONE, "404, files are not on the plan", "speech.url", "404", family=PLAN),
    _with(
        _CLONE, "451, moderation of the words", "(451)", "--text", "forbidden fruit", options={"blocked": (BLOCKED,)}
    ),
    _fails(_CLONE, "reference too short", "5", command=("voices", "clone", "{clip}", "--yes")),
    _fails(_CLONE, "upload breaks off", "broke off", options=_fault("files-cut=1")),
]
ERRORS = [*_OF_REALTIME, *_OF_CHAT, *_OF_CASCADE, *_OF_SPEECH, *_OF_RECOGNITION, *_OF_VOICES]
ROWS = WORKS + ERRORS
