"""Ids, forgotten fields and the shapes of errors."""

import random
import uuid

import pytest

from antiphon.simulator.stepfun.grammar import ComplaintError
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.wording import Wording

IDS = {"response_id": "R", "item_id": "I", "output_index": 0, "content_index": 0}


def wording(seed=1, **options):
    return Wording(SimulatorOptions(**options), random.Random(seed))


def test_ids_are_uuids_and_repeat_with_the_seed():
    assert uuid.UUID(wording().new_id()).version == 4
    assert wording(3).new_id() == wording(3).new_id() != wording(4).new_id()
    words = wording()
    assert [words.new_call(), words.new_call()] == ["call_0_1", "call_0_2"]


def test_fields_are_forgotten_as_often_as_asked():
    kept = wording(absent_fields_chance=0.0).loose("x", **IDS)
    assert kept.items() >= IDS.items()
    bare = wording(absent_fields_chance=1.0).loose("x", **IDS)
    assert bare.keys() == {"event_id", "type", "item_id"}
    words = wording(absent_fields_chance=0.5)
    assert {len(words.loose("x", **IDS)) for _ in range(100)} == {3, 4, 5, 6}


def test_a_complaint_carries_only_what_it_has():
    event = wording().complaint(ComplaintError("no"), None)
    assert event["type"] == "error"
    assert event["error"] == {"type": "invalid_request_error", "message": "no"}
    event = wording().complaint(ComplaintError("no", code="c", param="p"), "mine")
    assert event["error"].items() >= {"code": "c", "param": "p", "event_id": "mine"}.items()


@pytest.mark.parametrize(("shape", "flat"), [("envelope", {False}), ("flat", {True}), ("mixed", {False, True})])
def test_errors_are_in_an_envelope_or_flat(shape, flat):
    words = wording(error_shape=shape)
    assert {"error" not in words.failure("broken") for _ in range(50)} == flat
