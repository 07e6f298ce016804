"""What can go wrong with a cascade, as sentences: in which of its three services, whose fault, and what to do next.

What can go wrong in each is said where it is asked (antiphon.speech, antiphon.links.completions); here it is told which
it was, and what goes wrong between them.
"""

from typing import Final, Literal

from antiphon.errors import Garbled, LinkError, Lost
from antiphon.speech.meanings import Where

Stage = Literal["recognise", "answer", "speak"]

RECOGNISE: Final = Where(
    url="cascade.url",
    model="cascade.recognise_model",
    voice="",
    given="the sound",
    answer="text",
    rules="put it in other words",
    models="for this it is stepaudio-2.5-asr",
)
ANSWER: Final = Where(url="cascade.url", model="cascade.chat_model", voice="", given="the question", answer="text")
SPEAK: Final = Where(url="cascade.url", model="cascade.speak_model", voice="cascade.voice")

_DOING: Final[dict[Stage, str]] = {
    "recognise": "Recognising what was said",
    "answer": "Answering it",
    "speak": "Speaking the answer",
}


def at(stage: Stage, error: LinkError) -> LinkError:
    """`error`, saying in which of the three it was."""
    return type(error)(f"{_DOING[stage]}: {error}")


def slow(stage: Stage, host: str, after_ms: float) -> Lost:
    """This is what the turn's time ran out in, before anything of the reply sounded."""
    return Lost(
        f"{_DOING[stage]}: {host} was not done within {after_ms / 1000:g} s of the end of the turn: check the network, "
        "or raise cascade.first_sound_ms"
    )


def stalled(stage: Stage, host: str, after_ms: float) -> Lost:
    """It stopped in the middle of a reply."""
    return Lost(
        f"{_DOING[stage]}: {host} fell silent in the middle of a reply, for {after_ms / 1000:g} s: ask it again"
    )


def no_answer(host: str) -> Lost:
    """The model has written nothing at all."""
    return Lost(f"{_DOING['answer']}: {host} answered nothing: say it again")


def soundless(host: str) -> Lost:
    """There was an answer, and no sound came of it."""
    return Lost(f"{_DOING['speak']}: {host} spoke without a sound: try it again, or another cascade.voice")


def endless(host: str) -> Garbled:
    """More text than anybody listens to; who asked for it says so."""
    return Garbled(f"{host} does not come to an end: check cascade.chat_model")
