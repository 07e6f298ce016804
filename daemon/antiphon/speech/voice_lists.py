"""The voices of StepFun's models, as data: the service itself tells of them on the pay-as-you-go path only.

Sources: StepFun's guide to text to speech, its API references "System voices", "Chat completions" and "Realtime", and
for the realtime models what its own console offers and what accounts have met. A model that is not here may have any
voice, and so may whoever made one of his own.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final, Literal, TypeAlias

Service: TypeAlias = Literal["chat", "speech", "realtime"]

OWN: Final = "voice-tone-"
"""How the name of a voice begins that was made from a recording."""

NAMES: Final[Mapping[str, str]] = {
    "elegantgentle-female": "气质温婉",
    "livelybreezy-female": "活力轻快",
    "wenrounansheng": "温柔男声",
    "wenrougongzi": "温柔公子",
    "yuanqinansheng": "元气男声",
    "jingdiannvsheng": "经典女声",
    "wenroushunv": "温柔熟女",
    "tianmeinvsheng": "甜美女声",
    "qingchunshaonv": "清纯少女",
    "cixingnansheng": "磁性男声",
    "yuanqishaonv": "元气少女",
    "linjiajiejie": "邻家姐姐",
    "zhengpaiqingnian": "正派青年",
    "qingniandaxuesheng": "青年大学生",
    "boyinnansheng": "播音男声",
    "ruyananshi": "儒雅男士",
    "shenchennanyin": "深沉男音",
    "qinqienvsheng": "亲切女声",
    "wenrounvsheng": "温柔女声",
    "jilingshaonv": "机灵少女",
    "ruanmengnvsheng": "软萌女声",
    "youyanvsheng": "优雅女声",
    "lengyanyujie": "冷艳御姐",
    "shuangkuaijiejie": "爽快姐姐",
    "wenjingxuejie": "文静学姐",
    "linjiameimei": "邻家妹妹",
    "zhixingjiejie": "知性姐姐",
}
"""What StepFun calls them, where it says so."""

_EVERY: Final = tuple(NAMES)  # what all models speak in that read texts out
_NEWER: Final = (
    "vibrant-youth",
    "lively-girl",
    "soft-spoken-gentleman",
    "magnetic-voiced-male",
    "zixinnansheng",
    "shuangkuainansheng",
    "ganliannvsheng",
    "qinhenvsheng",
    "huolinvsheng",
)
_STEP_TTS_2: Final = ("energeticconfident-female", "yingwennansheng", "yingwennvsheng")
_STEP_1O: Final = (
    "jingdiannvsheng",
    "cixingnansheng",
    "zhengpaiqingnian",
    "yuanqinansheng",
    "qingniandaxuesheng",
    "boyinnansheng",
    "ruyananshi",
    "shenchennanyin",
    "qinqienvsheng",
    "wenrounvsheng",
    "jilingshaonv",
    "yuanqishaonv",
    "ruanmengnvsheng",
    "youyanvsheng",
    "lengyanyujie",
    "shuangkuaijiejie",
    "wenjingxuejie",
    "linjiajiejie",
    "linjiameimei",
    "zhixingjiejie",
)
_AUDIO_2: Final = ("qingchunshaonv", "wenrounansheng", "elegantgentle-female", "livelybreezy-female")
# What accounts of the overseas site find in place of some of the above: the same people by other names.
_OVERSEAS: Final = (
    "lively-girl",
    "elegantgentle-female",
    "livelybreezy-female",
    "magnetic-voiced-male",
    "soft-spoken-gentleman",
    "vibrant-youth",
    "zixinnansheng",
)

VOICES: Final[Mapping[Service, Mapping[str, tuple[str, ...]]]] = {
    "speech": {
        "stepaudio-2.5-tts": (*_EVERY, *_NEWER),
        "step-tts-2": (*_EVERY, *_NEWER, *_STEP_TTS_2),
        "step-tts-mini": _EVERY,
    },
    "chat": {"step-audio-2": _AUDIO_2},
    "realtime": {
        "step-audio-2-mini": ("qingchunshaonv", "wenrounansheng"),
        "step-audio-2": _AUDIO_2,
        "step-1o-audio": _STEP_1O,
        "stepaudio-2.5-realtime": tuple(
            dict.fromkeys(
                (*(one for one in _EVERY if one not in ("tianmeinvsheng", "wenrougongzi")), *_OVERSEAS),
            )
        ),
    },
}
"""By service and model, in StepFun's order."""


def voices_of(service: Service, model: str) -> tuple[str, ...]:
    """The system voices of `model`; none where the model is not known."""
    return VOICES[service].get(model, ())


def check_voice(service: Service, model: str, voice: str) -> str | None:
    """A sentence where `model` surely has no such `voice`; None where it has, or where that cannot be told."""
    known = voices_of(service, model)
    if not known or not voice or voice in known or voice.startswith(OWN):
        return None
    near = get_close_matches(voice.lower(), known, n=3, cutoff=0.6)
    if near:
        return f"{model} has no voice {voice!r}: did you mean {' or '.join(near)}?"
    if len(known) <= len(_AUDIO_2):
        return f"{model} has no voice {voice!r}: it has {', '.join(known)}"
    return f"{model} has no voice {voice!r}: 'antiphon voices list' shows what there is, {known[0]} for one"
