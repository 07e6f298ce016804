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
    "shenchennanyin"
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


def default_voice(model: str) -> str:
    """The voice a session of `model` begins with."""
    return next(name for name in ("linjiajiejie", "wenrounansheng") if name in MODELS[model])


def accepts(model: str, voice: str) -> bool:
    """True for a system voice of the model, and for a cloned voice."""
    return voice in MODELS[model] or voice.startswith(_CLONE)


def speaks(voice: str) -> bool:
    """True for a voice of text to speech: any system voice, and a cloned one."""
    return any(voice in names for names in MODELS.values()) or voice.startswith(_CLONE)


def speaker(voice: str) -> str:
    """Which flite voice speaks for `voice`."""
    return "rms" if voice in _MEN else "slt"
