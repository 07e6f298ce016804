"""What a request is to the model: the sound it hears, what it answers, or why its process dies of it. Pure."""

from dataclasses import dataclass

from antiphon.simulator.voxserve.fields import Asked
from antiphon.simulator.voxserve.hearing import (
    MAX_PROMPT_TOKENS,
    Sound,
    UndecodableError,
    decode_upload,
    prompt_tokens,
    text_tokens,
)
from antiphon.simulator.voxserve.script import answer_to_sound, answer_to_text


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request as the model process takes it up."""

    sound: Sound | None = None
    """The upload, as far as it can be decoded; with one, the text is ignored."""
    answer: str = ""
    """What is said, if its owner has written nothing else."""
    doom: str = ""
    """Why the model process dies of it, or ""."""


def prompt_of(asked: Asked) -> Prompt:
    """The prompt that `asked` is."""
    sound: Sound | None = None
    doom = ""
    if asked.audio is None:
        tokens = text_tokens(asked.text)
        answer = answer_to_text(asked.text)
    else:
        try:
            sound = decode_upload(asked.audio.content)
        except UndecodableError as error:
            return Prompt(doom=f"the upload cannot be decoded: {error}")
        tokens = prompt_tokens(sound.duration_s)
        answer = answer_to_sound(sound.speech_s)
    if tokens > MAX_PROMPT_TOKENS:
        doom = f"a prompt of {tokens} tokens is more than {MAX_PROMPT_TOKENS}"
    if asked.extras:
        doom = f"the model knows no {asked.extras[0]}"
    return Prompt(sound, answer, doom)
