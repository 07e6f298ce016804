"""The messages are plain values."""

from typing import get_args

import pytest

from antiphon.links.realtime import messages as m


@pytest.mark.parametrize("kind", [*get_args(m.ClientMessage), *get_args(m.ServerMessage), m.Unknown, m.Malformed])
def test_values_are_immutable_and_slotted(kind):
    assert kind.__dataclass_params__.frozen
    assert not hasattr(kind, "__dict__") or "__dict__" not in kind.__slots__


def test_equal_when_their_fields_are():
    assert m.AppendAudio(b"ab") == m.AppendAudio(b"ab")
    assert m.CreateResponse() != m.CancelResponse()
    assert m.TruncateItem("i", 0, 5, event_id="t") != m.TruncateItem("i", 0, 5)
