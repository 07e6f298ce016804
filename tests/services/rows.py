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
LIST = ("voices", "list")
PREVIEW = ("voices", "preview", "{reference}", "--text", "Hello there.", "-o", "{out}")
CLONE = ("voices", "clone", "{reference}", "--yes")
TOOL = {"replies": ("Let me see.|get_time", "It is {output}")}
HASTY_CHAT = (*CHAT, "--set", "chat.first_sound_ms=1500")
TTS_2 = ("--set", "speech.model=step-tts-2")


def _chat(model, *more, voice=None):
    sets = [f"chat.model={model}", *([f"chat.voice={voice}"] if voice else []), *more]
    return (*CHAT, *(part for one in sets for part in ("--set", one)))


WORKS = [
    *(
        Row("realtime", family, REALTIME, "realtime stepaudio-2.5-realtime", ASKED, sound=True)
        for family in (NORMAL, PLAN)
    ),
    Row(
        "realtime web_search",
        PLAN,
        (*REALTIME, "--set", "realtime.web_search=true"),
        "tools get_time web_search",
        sound=True,
    ),
    Row(
        "realtime retrieval",
        PLAN,
        (*REALTIME, "--set", "realtime.retrieval_store=store-1646", "--set", "realtime.retrieval_description=recipes"),
        "tools get_time retrieval",
        sound=True,
    ),
    Row("realtime function tools", PLAN, REALTIME, "tool get_time", options=TOOL, sound=True),
    Row("chat function tools", NORMAL, CHAT, "tool get_time", options=TOOL, sound=True),
    Row("cascade function tools", PLAN, CASCADE, "tool get_time", options=TOOL, sound=True),
    Row("chat step-audio-2, streamed", NORMAL, _chat("step-audio-2"), "step-audio-2 streamed", sound=True),
    Row(
        "chat step-audio-2, whole", NORMAL, _chat("step-audio-2", "chat.stream=false"), "step-audio-2 whole", sound=True
    ),
    Row(
        "chat step-audio-2-mini, streamed", NORMAL, _chat("step-audio-2-mini"), "step-audio-2-mini streamed", sound=True
    ),
    Row(
        "chat step-audio-2-mini, whole",
        NORMAL,
        _chat("step-audio-2-mini", "chat.stream=false"),
        "step-audio-2-mini whole",
        sound=True,
    ),
    Row(
        "chat step-1o-audio, streamed",
        NORMAL,
        _chat("step-1o-audio", voice="jingdiannvsheng"),
        "step-1o-audio streamed",
        sound=True,
    ),
    Row(
        "chat step-1o-audio, whole",
        NORMAL,
        _chat("step-1o-audio", "chat.stream=false", voice="jingdiannvsheng"),
        "step-1o-audio whole",
        sound=True,
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


def _keys_and_paths(row, setting):
    """What every service refuses alike: another key, and a Step Plan key on the normal path."""
    yield _fails(row, "401, key of another site", "(401)", "401", key="sk-other")
    if row.family == NORMAL:
        yield _fails(row, "402, Step Plan key on the normal path", setting, "402", key="sk-plan")


_SPEECH, _SOCKET = _at("speech over HTTP", PLAN), _at("speech over a WebSocket", PLAN)
_SPEECH_NORMAL = _at("speech over HTTP", NORMAL)
_ASR, _ASR_NORMAL = _at("recognition of files", PLAN), _at("recognition of files", NORMAL)
_LIVE = _at("recognition while it is spoken")
_CHAT, _CASCADE = _at("chat step-audio-2, streamed"), _at("cascade (recognition, stepaudio-2.5-chat, speech)", PLAN)
_CASCADE_NORMAL = _at("cascade (recognition, stepaudio-2.5-chat, speech)", NORMAL)
_REALTIME, _REALTIME_NORMAL = _at("realtime", PLAN), _at("realtime", NORMAL)
_CLONE = _at("clone of a voice")

ERRORS = [
    *_keys_and_paths(_REALTIME_NORMAL, "realtime.url"),
    _fails(
        _REALTIME, "400, unknown model", "realtime.model", "400", command=(*REALTIME, "--set", "realtime.model=nobody")
    ),
    _fails(
        _REALTIME,
        "not on the Step Plan",
        "realtime.url",
        "",
        command=(*REALTIME, "--set", "realtime.model=step-audio-2"),
    ),
    _fails(_REALTIME, "429, too many", "(429)", "429", options=_fault("status=429")),
    _fails(
        _REALTIME,
        "voice is not valid: told, and answered",
        "realtime.voice",
        "",
        command=(*REALTIME, "--set", "realtime.voice=nobody"),
        status=0,
    ),
    *_keys_and_paths(_CHAT, "chat.url"),
    _fails(_CHAT, "404, not on the Step Plan", "chat.url", "404", family=PLAN),
    _fails(_CHAT, "400, unknown model", "chat.model", "", command=_chat("nobody")),
    _fails(_CHAT, "voice that the model lacks", "chat.voice", "", command=_chat("step-audio-2", voice="linjiajiejie")),
    _fails(_CHAT, "429, then answered", "", "chat 429; chat 200", options=_fault("chat-status=429@0"), status=0),
    _fails(_CHAT, "429 for good", "(429)", "429", command=HASTY_CHAT, options=_fault("chat-status=429")),
    _fails(_CHAT, "503 for good", "(503)", "503", command=HASTY_CHAT, options=_fault("chat-status=503")),
    _fails(_CHAT, "451, moderation", "(451)", "451", options=_fault("chat-status=451")),
    _fails(_CHAT, "breaks off", "broke off", "", options=_fault("chat-cut=3")),
    *_keys_and_paths(_CASCADE_NORMAL, "cascade.url"),
    _fails(
        _CASCADE,
        "404, recognition's model",
        "cascade.recognise_model",
        "",
        command=(*CASCADE, "--set", "cascade.recognise_model=nobody"),
    ),
    _fails(
        _CASCADE,
        "404, chat's model",
        "cascade.chat_model",
        "",
        command=(*CASCADE, "--set", "cascade.chat_model=nobody"),
    ),
    _fails(
        _CASCADE,
        "404, speech's model",
        "cascade.speak_model",
        "",
        command=(*CASCADE, "--set", "cascade.speak_model=step-tts-2"),
    ),
    _fails(_CASCADE, "recognition fails in its stream", "", "", options=_fault("asr-error-event=0:content blocked")),
    *_keys_and_paths(_SPEECH_NORMAL, "speech.url"),
    _fails(_SPEECH, "404, model not on the plan", "speech.model", "404", command=(*SAY, *TTS_2)),
    _fails(_SPEECH, "451, moderation", "(451)", "451", options={"blocked": ("night",)}),
    _fails(_SPEECH, "429 for good", "(429)", "429", options=_fault("speech-status=429")),
    _fails(_SPEECH, "503 for good", "(503)", "503", options=_fault("speech-status=503")),
    _fails(_SPEECH, "unknown voice", "speech.voice", "", command=(*SAY, "--voice", "nobody")),
    _fails(_SPEECH, "breaks off", "", "", options=_fault("speech-cut=9000")),
    _fails(_SOCKET, "401, key of another site", "(401)", "401", key="sk-other"),
    _fails(_SOCKET, "404, model not on the plan", "speech.model", "", command=(*STREAM, *TTS_2)),
    _fails(_SOCKET, "503 in the stream", "overloaded", "", options=_fault("stream-error=0:503")),
    _fails(_SOCKET, "429", "(429)", "429", options=_fault("stream-status=429")),
    *_keys_and_paths(_ASR_NORMAL, "speech.url"),
    _fails(
        _ASR,
        "404, model not on the plan",
        "speech.recognise_model",
        "404",
        command=(*TRANSCRIBE, "--set", "speech.recognise_model=stepaudio-2-asr-pro"),
    ),
    _fails(
        _ASR, "error within a 200 stream", "content blocked", "", options=_fault("asr-error-event=1:content blocked")
    ),
    _fails(_ASR, "stream breaks off", "", "", options=_fault("asr-cut=1")),
    _fails(_ASR, "429 for good", "(429)", "429", options=_fault("asr-status=429")),
    _fails(_ASR, "503 for good", "(503)", "503", options=_fault("asr-status=503")),
    _fails(_LIVE, "401, key of another site", "(401)", "401", key="sk-other"),
    _fails(_LIVE, "402, Step Plan key", "speech.url", "402", key="sk-plan"),
    _fails(_LIVE, "not on the Step Plan", "speech.url", "", family=PLAN),
    *_keys_and_paths(_CLONE, "speech.url"),
    _fails(_CLONE, "404, files are not on the plan", "speech.url", "404", family=PLAN),
    _fails(_CLONE, "reference too short", "5", "", command=("voices", "clone", "{clip}", "--yes")),
]
ROWS = WORKS + ERRORS
