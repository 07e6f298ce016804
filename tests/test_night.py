"""The night: over midnight or not, and when it changes next."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.night import DAY_S, Brightness, Night

seconds = st.integers(0, DAY_S - 1)
nights = st.builds(Night, seconds, seconds)


def at(time):
    return Night.between(time, time).begins_s


@pytest.mark.parametrize(
    ("begins", "ends", "dark", "light"),
    [
        ("22:00", "07:00", ["22:00", "23:59", "00:00", "06:59"], ["07:00", "12:00", "21:59"]),
        ("00:30", "05:00", ["00:30", "04:59"], ["00:29", "05:00", "23:59"]),
        ("00:00", "00:01", ["00:00"], ["00:01", "23:59"]),
        ("23:59", "00:00", ["23:59"], ["00:00", "23:58"]),
        ("07:00", "07:00", [], ["07:00", "19:00"]),
    ],
)
def test_it_holds_from_its_beginning_to_its_end(begins, ends, dark, light):
    night = Night.between(begins, ends)
    assert all(night.holds(at(time)) for time in dark)
    assert not any(night.holds(at(time)) for time in light)


@given(nights, seconds)
def test_until_it_changes_nothing_changes(night, second):
    wait_s = night.changes_in_s(second)
    assert 1 <= wait_s <= DAY_S
    now = night.holds(second)
    assert night.holds((second + wait_s - 1) % DAY_S) == now
    assert night.holds((second + wait_s) % DAY_S) != now or night.begins_s == night.ends_s


def test_it_is_dim_at_night_and_bright_by_day():
    brightness = Brightness(0.8, 0.1, Night.between("22:00", "07:00"))
    assert [brightness.at(at(time)) for time in ("21:59", "22:00", "06:59", "07:00")] == [0.8, 0.1, 0.1, 0.8]


def test_without_a_night_or_a_clock_it_is_day():
    assert Brightness(0.8).at(at("23:00")) == 0.8
    assert Brightness(0.8, 0.0, Night.between("22:00", "07:00")).at(None) == 0.8
