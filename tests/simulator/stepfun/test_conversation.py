"""Items and transcripts."""

import random

import pytest

from antiphon.simulator.stepfun.agenda import Agenda
from antiphon.simulator.stepfun.conversation import Item, Items, Transcriber
from antiphon.simulator.stepfun.grammar import ComplaintError
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.wording import Wording


def test_items_are_kept_in_order():
    items = Items()
    assert items.last_asked is None
    assert items.add(Item("a", "user")) is None
    assert items.add(Item("b", "assistant")) == "a"
    assert items.add(Item("c", "tool"), after="a") == "a"
    assert items.add(Item("d", "assistant")) == "b"
    assert items.last_asked == Item("c", "tool")
    items.remove("c")
    assert items.last_asked == Item("a", "user")
    assert items.find("d") == Item("d", "assistant")


def test_unknown_items_are_complained_about():
    items = Items()
    with pytest.raises(ComplaintError, match="cannot find previous item"):
        items.add(Item("a", "user"), after="root")
    with pytest.raises(ComplaintError, match="cannot find item"):
        items.remove("a")


def transcripts(*, cues=("before", "between", "after"), turns=1, **options):
    """What is sent for each turn, with its time: the cues come at 1, 2 and 3 seconds."""
    options = SimulatorOptions(**options)
    rng, agenda = random.Random(1), Agenda()
    scribe = Transcriber(options, agenda, Wording(options, rng), rng)
    for turn in range(turns):
        scribe.heard(f"i{turn}", 1.5)
        for at_s, cue in enumerate(cues, start=1):
            scribe.cue(cue, f"i{turn}", float(at_s))
    said = []
    while agenda.deadline is not None:
        now = agenda.deadline
        agenda.run(now)
        said += [(now, event) for event in agenda.take()]
    return said


@pytest.mark.parametrize(("when", "at_s"), [("before", 1.0), ("between", 2.0), ("after", 3.0)])
def test_the_transcript_comes_at_its_cue(when, at_s):
    ((at, event),) = transcripts(transcription=when)
    assert (at, event["transcript"], event["item_id"]) == (at_s, "(1.5 seconds of speech)", "i0")


def test_never_and_mixed():
    assert transcripts(transcription="never") == []
    assert {at for at, _ in transcripts(transcription="mixed", turns=20)} == {1.0, 2.0, 3.0}


def test_transcripts_are_given_in_turn_and_some_are_blank():
    texts = [event["transcript"] for _, event in transcripts(turns=2, transcripts=("yes",))]
    assert texts == ["yes", "(1.5 seconds of speech)"]
    assert transcripts(empty_transcript_chance=1.0)[0][1]["transcript"] == ""


def test_deltas_hold_the_whole_text_so_far_and_some_repeat():
    said = [event for _, event in transcripts(transcription_deltas=True, transcripts=("turn on the light",))]
    assert [event.get("delta") for event in said] == [
        "turn",
        "turn",
        "turn on",
        "turn on the",
        "turn on the",
        "turn on the light",
        None,
    ]
    assert said[-1]["transcript"] == "turn on the light"
