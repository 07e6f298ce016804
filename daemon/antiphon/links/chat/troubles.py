"""What can go wrong with a question to a chat model that hears and speaks, as sentences. What any of StepFun's services
may answer is in speech/meanings.py, which names the settings by `WHERE`.
"""

from typing import Final

from antiphon.errors import Lost, Refused
from antiphon.speech.meanings import Where

WHERE: Final = Where(
    url="chat.url",
    model="chat.model",
    voice="chat.voice",
    given="the question",
    answer="speech",
    rules="ask it in other words",
    models="step-audio-2, step-audio-2-mini and step-1o-audio hear and speak",
    on_plan=False,
)


def no_voice(wrong: str) -> Refused:
    """The model has no such voice, as `wrong` says in a sentence."""
    return Refused(f"chat.voice cannot be used, as {wrong}")


def silent(host: str, after_ms: float, *, stream: bool) -> Lost:
    """Asked, and no sound came in time."""
    late = f"{host} has not begun to speak within {after_ms / 1000:g} s"
    if stream:
        return Lost(f"{late}: check the network; if it is always as slow, raise chat.first_sound_ms")
    return Lost(
        f"{late}: with chat.stream: false all of its answer must be there by then; set it to true, or raise "
        "chat.first_sound_ms"
    )


def stalled(host: str, after_ms: float) -> Lost:
    """It stopped in the middle."""
    return Lost(f"{host} fell silent in the middle of its answer, for {after_ms / 1000:g} s: ask again")


def soundless(host: str) -> Lost:
    """A whole answer with no sound in it, and no tool call."""
    return Lost(f"{host} answered without a sound: check that chat.model is one that speaks ({WHERE.models})")


def shortened(kept_ms: float, left_out_ms: float) -> Refused:
    """The question was too long."""
    return Refused(
        f"A chat model takes {kept_ms / 1000:.0f} s of speech at most: the first {left_out_ms / 1000:.1f} s were left "
        "out; ask in shorter turns"
    )
