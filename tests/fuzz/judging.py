"""What holds for every stream, whatever is in it."""

import json

from antiphon.errors import LinkError
from fuzz.mutations import KEY, UNTOLD, letters_of


def is_sentence(sentence, *, secret=True):
    """One line that its reader can use, without the key (where that is known) and without a trace of the program."""
    assert sentence, "an error in no words"
    assert sentence.isprintable(), sentence
    assert len(sentence) <= 900, sentence
    for trace in (*((KEY, KEY[:20]) if secret else ()), "Traceback", 'File "'):
        assert trace not in sentence, sentence


def is_error(error):
    assert isinstance(error, LinkError), repr(error)
    is_sentence(str(error))


def can_be_told(*texts):
    """A log, a terminal and a socket take it, and it is no thought."""
    for text in texts:
        text.encode("utf-8")
        assert not any(letter >= UNTOLD for letter in letters_of(text)), text


def sound_of(pcm):
    """What of it is ours."""
    return [byte for byte in pcm if byte]


def is_part(told, came):
    """Whether each of `told` is one of `came`, in the same order, each once."""
    rest = iter(came)
    return all(one in rest for one in told)


def in_order(told, came):
    """The same, as a demand."""
    assert is_part(told, came), f"told {told}, of {came}"


def once(told):
    """No letter of the text `told` twice."""
    letters = letters_of(told)
    assert len(set(letters)) == len(letters), f"told twice: {letters}"


def event_of(text):
    """A frame as the object it may be; {} for what is none."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}
