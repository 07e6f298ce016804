"""What the simulated model answers: replies given by its owner, or a sentence about what it heard. Pure."""

from antiphon.simulator.numerals import in_words

NAME = "This is the local server."


def answer_to_sound(speech_s: float) -> str:
    """The answer to an upload in which somebody spoke for `speech_s`."""
    if not speech_s:
        return f"{NAME} I heard nothing."
    return f"{NAME} I heard {in_words(speech_s)} seconds."


def answer_to_text(text: str) -> str:
    """The answer to a turn that was written."""
    return f"{NAME} You wrote: {text}" if text.strip() else f"{NAME} You wrote nothing."
