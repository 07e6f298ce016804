"""Every time limit has a sane default, bounds, and words for the owner."""

import pytest
from pydantic import ValidationError

from antiphon.conversation.manners import Manners

LIMITS = [name for name, field in Manners.model_fields.items() if field.annotation is int]


def test_what_is_no_limit_is_a_choice():
    assert [name for name in Manners.model_fields if name not in LIMITS] == ["talk_again"]


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_names_its_unit_says_what_it_limits_and_has_a_bound(name):
    field = Manners.model_fields[name]
    assert name.endswith(("_ms", "_s", "_ups"))
    assert field.description
    highest = max(rule.le for rule in field.metadata if hasattr(rule, "le"))
    lowest = min(rule.ge for rule in field.metadata if hasattr(rule, "ge"))
    assert lowest <= field.default <= highest
    for beyond in (lowest - 1, highest + 1):
        with pytest.raises(ValidationError, match=name):
            Manners(**{name: beyond})


def test_only_what_may_be_switched_off_may_be_zero():
    zero = [name for name in Manners.model_fields if not _refuses_zero(name)]
    assert zero == ["follow_up_ms", "talk_preroll_ms", "forget_after_s"]


def _refuses_zero(name):
    try:
        Manners(**{name: 0})
    except ValidationError:
        return True
    return False


def test_unknown_limits_are_refused_and_known_ones_stay():
    with pytest.raises(ValidationError, match="patience_ms"):
        Manners(patience_ms=1)
    with pytest.raises(ValidationError, match="frozen"):
        Manners().sorry_ms = 1
