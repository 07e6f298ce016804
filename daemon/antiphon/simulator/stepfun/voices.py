"""Which models the service serves, which voices each accepts, and who speaks for a voice here. Data.

Source: StepFun's realtime API reference, its console's voice lists, and voices that were accepted live.
"""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SHARED = _names(
    "elegantgentle-female livelybreezy-female wenrounansheng yuanqinansheng jingdiannvsheng wenroushunv "
    "qingchunshaonv cixingnansheng yuanqishaonv linjiajiejie zhengpaiqingnian qingniandaxuesheng boyinnansheng "
    "ruyananshi shenchennanyin qinqienvsheng wenrounvsheng jilingshaonv ruanmengnvsheng youyanvsheng lengyanyujie "
    "shuangkuaijiejie wenjingxuejie linjiameimei zhixingjiejie"
)
_FIRST_GENERATION = _names(
    "jingdiannvsheng cixingnansheng zhengpaiqingnian yuanqinansheng qingniandaxuesheng boyinnansheng ruyananshi "
    "shenchennanyin qinqienvsheng wenrounvsheng jilingshaonv yuanqishaonv ruanmengnvsheng youyanvsheng lengyanyujie "
    "shuangkuaijiejie wenjingxuejie linjiajiejie linjiameimei zhixingjiejie"
)
_AUDIO_2 = _names("qingchunshaonv wenrounansheng elegantgentle-female livelybreezy-female")
_AUDIO_2_MINI = _names("qingchunshaonv wenrounansheng")
_THIRD_GENERATION = _names("cixingnansheng zhengpaiqingnian wenrounvsheng wenrounansheng")
_MEN = _names(
    "wenrounansheng yuanqinansheng cixingnansheng zhengpaiqingnian qingniandaxuesheng boyinnansheng ruyananshi "
    "shenchennanyin wenrougongzi soft-spoken-gentleman magnetic-voiced-male zixinnansheng shuangkuainansheng "
    "yingwennansheng"
)
_CLONE = "voice-tone-"

MODELS = {
    "stepaudio-2.5-realtime": _SHARED,
    "stepaudio-3-realtime-preview": _THIRD_GENERATION,
    "step-1o-audio": _FIRST_GENERATION,
    "step-audio-2": _AUDIO_2,
    "step-audio-2-mini": _AUDIO_2_MINI,
    "step-audio-2-think": _AUDIO_2,
    "step-audio-2-mini-think": _AUDIO_2_MINI,
    "step-audio-r1.1": _AUDIO_2,
    "step-audio-r1.5": _AUDIO_2,
}
"""Each realtime model with the system voices it accepts."""

PLAN_MODELS = frozenset({"stepaudio-2.5-realtime"})
"""What /step_plan/v1 sells; the upgrade for another model fails there."""


SPEECH_NAMES = {
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
"""The voices of every text to speech model, and what they are called."""

_SPEECH_NEWER = _names(
    "vibrant-youth lively-girl soft-spoken-gentleman magnetic-voiced-male zixinnansheng shuangkuainansheng "
    "ganliannvsheng qinhenvsheng huolinvsheng"
)
_SPEECH_WIDE = frozenset(SPEECH_NAMES) | _SPEECH_NEWER
_LISTED_ALONE = _names("energeticconfident-female yingwennansheng yingwennvsheng")

SPEECH_MODELS = {
    "step-tts-2": _SPEECH_WIDE | _LISTED_ALONE,
    "step-tts-mini": frozenset(SPEECH_NAMES),
    "step-tts-vivid": frozenset(SPEECH_NAMES),
    "stepaudio-2.5-tts": _SPEECH_WIDE,
    "stepaudio-3-tts": _SPEECH_WIDE,
}
"""Each text to speech model with the system voices it has."""

CHAT_MODELS = {
    "step-audio-2": _AUDIO_2,
    "step-audio-2-mini": _AUDIO_2,
    "step-1o-audio": _FIRST_GENERATION,
    "step-audio-r1.1": _AUDIO_2,
    "step-audio-r1.5": _AUDIO_2,
    "stepaudio-2.5-chat": frozenset[str](),
    "stepaudio-3-chat-preview": frozenset[str](),
}
"""Each model of chat completions with its voices: none writes only."""


def default_voice(model: str) -> str:
    """The voice a session of `model` begins with."""
    return next(name for name in ("linjiajiejie", "wenrounansheng") if name in MODELS[model])


def accepts(model: str, voice: str) -> bool:
    """True for a system voice of the model, and for a cloned voice."""
    return voice in MODELS[model] or voice.startswith(_CLONE)


def speaks(voice: str, model: str = "stepaudio-2.5-tts") -> bool:
    """True for a voice of this text to speech model: a system voice, or a cloned one."""
    return voice in SPEECH_MODELS[model] or voice.startswith(_CLONE)


def speaker(voice: str) -> str:
    """Which flite voice speaks for `voice`."""
    return "rms" if voice in _MEN else "slt"
