"""Faces: what each state looks like, also on one lamp of one colour, and when the picture changes."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.conversation.states import State
from antiphon.faces import (
    FALLBACK,
    LOOKS,
    MUTED,
    MUTED_BY_SWITCH,
    NO_SERVICE,
    PICTURES_PER_S,
    RINGING,
    VOLUME,
    Rgb,
    face,
    look,
    next_change,
    word,
)
from antiphon.snapshot import Snapshot
from eyes import EYES, beats, difference, lab

SINCE_S = 1000.125
CALM = {"link": "none", "deaf": False}


def seen(state: State, **changes) -> Snapshot:
    return Snapshot(state, SINCE_S, **(CALM | changes))


VIA = {"via": "generate nas:8000", "fallback": True}
EVERY_FACE = [
    *[seen(state) for state in State],
    *[seen(state, link="open", **VIA) for state in FALLBACK],
    seen(State.ASLEEP, link="failing"),
    seen(State.SPEAKING, half_duplex=True),
    seen(State.DEAF, deaf=True),
    seen(State.ASLEEP, ringing="timer"),
]

snapshots = st.builds(
    Snapshot,
    state=st.sampled_from(State),
    since_s=st.floats(0, 1e7),
    link=st.sampled_from(["none", "opening", "open", "failing"]),
    deaf=st.booleans(),
    via=st.sampled_from(["realtime", "generate nas:8000"]),
    fallback=st.booleans(),
    voiceless=st.booleans(),
    half_duplex=st.booleans(),
    volume=st.integers(0, 100),
    volume_shown=st.booleans(),
    switched_off=st.booleans(),
    ringing=st.sampled_from(["", "tea"]),
)
counts = st.integers(1, 24)
elapsed = st.floats(-5, 100)


def is_red(colour: Rgb) -> bool:
    return colour[0] > 0 and colour[1] == colour[2] == 0


def one_lamp(snapshot: Snapshot) -> tuple[int, ...]:
    """What a single white lamp does in 12 s, picture by picture."""
    return tuple(max(face(snapshot, SINCE_S + n / PICTURES_PER_S, 1, 1.0)[0]) for n in range(12 * PICTURES_PER_S))


@given(snapshots, elapsed, counts, st.floats(0, 1))
def test_every_state_has_a_picture_of_n_colours(snapshot, elapsed_s, count, brightness):
    colours = face(snapshot, snapshot.since_s + elapsed_s, count, brightness)
    assert len(colours) == count
    assert all(isinstance(channel, int) and 0 <= channel <= 255 for colour in colours for channel in colour)


@given(snapshots, elapsed, counts)
def test_red_is_shown_only_while_the_capture_stream_is_closed(snapshot, elapsed_s, count):
    reds = [is_red(colour) for colour in face(snapshot, snapshot.since_s + elapsed_s, count, 1.0)]
    assert all(reds) if snapshot.deaf and snapshot.state in (State.ASLEEP, State.DEAF) else not any(reds)


@given(snapshots, elapsed, counts)
def test_the_next_change_is_the_first_picture_that_differs(snapshot, elapsed_s, count):
    now_s = snapshot.since_s + elapsed_s
    due_s = next_change(snapshot, now_s, count)
    until_s = now_s + 12 if due_s is None else due_s
    now = face(snapshot, now_s, count, 1.0)
    for step in range(int(max(0, until_s - now_s - 0.001) * 100)):
        assert face(snapshot, now_s + step / 100, count, 1.0) == now
    if due_s is not None:
        assert due_s > now_s
        assert face(snapshot, due_s, count, 1.0) != now


@given(snapshots, elapsed, counts)
def test_at_most_25_pictures_a_second(snapshot, elapsed_s, count):
    due_s = next_change(snapshot, snapshot.since_s + elapsed_s, count)
    if due_s is not None:
        after_s = next_change(snapshot, due_s, count)
        assert after_s is not None
        assert after_s - due_s >= 0.999 / PICTURES_PER_S


@pytest.mark.parametrize("snapshot", [seen(State.ASLEEP), seen(State.LISTENING), seen(State.DEAF, deaf=True)])
def test_what_stands_still_costs_nothing(snapshot):
    assert next_change(snapshot, SINCE_S + 3, 12) is None
    assert len(set(one_lamp(snapshot))) == 1


def test_asleep_is_dark_and_listening_is_a_steady_blue():
    assert set(face(seen(State.ASLEEP), SINCE_S, 24, 1.0)) == {(0, 0, 0)}
    ((red, green, blue),) = set(face(seen(State.LISTENING), SINCE_S, 24, 1.0))
    assert blue > green > red


def test_asleep_without_service_winks_and_is_dark_otherwise():
    levels = one_lamp(seen(State.ASLEEP, link="failing"))
    assert 1 <= sum(level > 0 for level in levels[: 4 * PICTURES_PER_S]) <= 3


def test_asleep_with_another_link_is_quieter_than_without_service():
    quiet, alarmed = (one_lamp(seen(State.ASLEEP, **changes)) for changes in (VIA, {"link": "failing"}))
    assert rises((0, *quiet[: 8 * PICTURES_PER_S])) == 2  # two short winks, then nothing
    assert not any(quiet[PICTURES_PER_S : 8 * PICTURES_PER_S])
    assert max(quiet) <= max(alarmed) / 2
    assert sum(quiet[: 8 * PICTURES_PER_S]) <= sum(alarmed[: 8 * PICTURES_PER_S]) / 2


@pytest.mark.parametrize("state", [State.LISTENING, State.SPEAKING])
def test_a_nod_tells_that_another_link_answers(state):
    plain, nodding = one_lamp(seen(state)), one_lamp(seen(state, **VIA))
    beat = 60  # pictures: 2.4 s
    dark = [n for n, (mine, theirs) in enumerate(zip(nodding, plain, strict=True)) if mine != theirs]
    assert dark == [start + n for start in range(0, len(plain), beat) for n in range(30, 42)]
    assert not any(nodding[n] for n in dark)


def test_who_answers_is_told_in_words_only_if_it_is_another():
    assert word(seen(State.ASLEEP, link="open", via="realtime")) == "asleep"
    assert word(seen(State.ASLEEP, link="open", **VIA)) == "asleep, via generate nas:8000"
    assert word(seen(State.THINKING, link="open", **VIA)) == "thinking, via generate nas:8000"
    assert word(seen(State.SORRY, link="open", **VIA)) == "sorry"


def test_who_would_answer_does_not_matter_while_nobody_can_or_may():
    assert look(seen(State.ASLEEP, link="failing", **VIA)) is NO_SERVICE
    assert word(seen(State.ASLEEP, link="failing", **VIA)) == "asleep, no service"
    for state in (State.ASLEEP, State.DEAF):
        assert look(seen(state, deaf=True, **VIA)) is MUTED
        assert word(seen(state, deaf=True, **VIA)) == "muted"


def test_a_speaker_that_is_gone_winks_as_a_service_that_is_gone_and_says_so():
    gone = seen(State.ASLEEP, link="open", voiceless=True)
    assert one_lamp(gone) == one_lamp(seen(State.ASLEEP, link="failing"))
    assert word(gone) == "asleep, no speaker"
    assert word(seen(State.ASLEEP, link="failing", voiceless=True)) == "asleep, no service"


def test_what_rings_is_told_at_rest_and_muted_in_words_alone():
    assert look(seen(State.ASLEEP, ringing="tea", link="failing", **VIA)) is RINGING
    assert word(seen(State.ASLEEP, ringing="tea", **VIA)) == "tea!"
    assert look(seen(State.DEAF, ringing="tea", deaf=True)) is MUTED
    assert word(seen(State.DEAF, ringing="tea", deaf=True)) == "muted, tea!"
    assert word(seen(State.SPEAKING, ringing="tea")) == "speaking", "it rings afterwards"
    levels = one_lamp(seen(State.ASLEEP, ringing="tea"))
    assert rises((0, *levels)) == 23, "three flashes in 1.6 s"


def test_a_single_lamp_of_one_colour_tells_the_faces_apart():
    """Any two faces: peak, low or mean differ by a fifth of full scale, or rhythm by half a beat a second."""
    for one, other in itertools.combinations(EVERY_FACE, 2):
        assert differ(one_lamp(one), one_lamp(other)), f"{word(one)} looks like {word(other)}"


def differ(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    def brightness(levels: tuple[int, ...]) -> tuple[float, float, float]:
        return max(levels), min(levels), sum(levels) / len(levels)

    if abs(rises(one) - rises(other)) >= 6:  # in 12 s
        return True
    return any(abs(mine - theirs) >= 255 / 5 for mine, theirs in zip(brightness(one), brightness(other), strict=True))


def rises(levels: tuple[int, ...]) -> int:
    """How often the lamp goes up through its middle level."""
    middle = (max(levels) + min(levels)) / 2
    return sum(before <= middle < after for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("brightness", [1.0, 0.1])
@pytest.mark.parametrize("eye", EYES)
def test_a_single_lamp_tells_the_faces_apart_to_every_eye(eye, brightness):
    """Any two faces: by eight times what is just noticeable in colour or lightness, or by half a beat a second."""
    films = {word(snapshot): lab(film(snapshot, brightness), eye, white=brightness) for snapshot in EVERY_FACE}
    for (one, mine), (other, theirs) in itertools.combinations(films.items(), 2):
        told = difference(mine, theirs) >= 18 or abs(beats(mine[:, 0]) - beats(theirs[:, 0])) >= 6
        assert told, f"{one} looks like {other}: {difference(mine, theirs):.1f}"


def test_the_simulated_eyes_confuse_what_such_eyes_confuse():
    """Red with green for two of them, bluish green with grey for one, and blue with green for the third."""
    for eye, one, other in (
        ("no red", (150, 60, 0), (50, 80, 0)),
        ("no green", (200, 90, 0), (110, 120, 0)),
        ("no green", (0, 255, 140), (180, 180, 170)),
        ("no blue", (0, 90, 255), (0, 110, 110)),
    ):
        seen, fully = (difference(*(lab([colour], which) for colour in (one, other))) for which in (eye, "all three"))
        assert seen < fully / 2, (eye, one, other)


def film(snapshot: Snapshot, brightness: float) -> list[Rgb]:
    """What one lamp shows in 12 s, picture by picture."""
    return [face(snapshot, SINCE_S + n / PICTURES_PER_S, 1, brightness)[0] for n in range(12 * PICTURES_PER_S)]


# ── lamps that only switch ───────────────────────────────────────────────────────────────────────

SWITCHED = {word(snapshot): snapshot for snapshot in EVERY_FACE}
STEADY = {"listening", "go on?", "muted"}
"""Lit without a rhythm: it listens, and not for long; or it does not, and that stays so."""


def switching(snapshot: Snapshot) -> tuple[bool, ...]:
    """When a lamp that only switches is lit, picture by picture for 12 s."""
    times_s = (SINCE_S + n / PICTURES_PER_S for n in range(12 * PICTURES_PER_S))
    return tuple(any(face(snapshot, now_s, 1, 1.0, dimmable=False)[0]) for now_s in times_s)


def longest(switched: tuple[bool, ...], lit: bool) -> int:
    return max((len(list(run)) for level, run in itertools.groupby(switched) if level is lit), default=1)


def test_a_lamp_that_only_switches_tells_the_faces_apart_by_rhythm():
    """By how long it is lit or dark at most, more than half as long again; or by half a beat a second."""
    films = {name: switching(snapshot) for name, snapshot in SWITCHED.items()}
    for (one, mine), (other, theirs) in itertools.combinations(films.items(), 2):
        lengths = [sorted((longest(mine, lit), longest(theirs, lit))) for lit in (True, False)]
        told = abs(rises(mine) - rises(theirs)) >= 6 or any(long > 1.5 * short for short, long in lengths)
        assert told != ({one, other} <= STEADY), f"{one}, {other}"


@given(snapshots, elapsed, counts)
def test_a_lamp_that_only_switches_is_dark_or_full(snapshot, elapsed_s, count):
    now_s = snapshot.since_s + elapsed_s
    colours = face(snapshot, now_s, count, 0.25, dimmable=False)
    full = max(look(snapshot).colour) * 0.25
    assert {max(colour) for colour in colours} <= {0, math.ceil(full)}
    due_s = next_change(snapshot, now_s, count, dimmable=False)
    if due_s is not None:
        assert face(snapshot, due_s, count, 0.25, dimmable=False) != colours


@pytest.mark.parametrize("snapshot", EVERY_FACE, ids=word)
def test_nothing_flashes_more_than_three_times_a_second(snapshot):
    levels = one_lamp(snapshot)
    for start in range(len(levels) - PICTURES_PER_S):
        assert rises(levels[start : start + PICTURES_PER_S]) <= 3


def test_brightness_scales_and_what_is_faint_is_still_seen():
    assert face(seen(State.LISTENING), SINCE_S, 1, 0.5) == ((0, 45, 128),)
    assert face(seen(State.DEAF, deaf=True), SINCE_S, 1, 0.001) == ((1, 0, 0),)
    assert face(seen(State.LISTENING), SINCE_S, 1, 0.0) == ((0, 0, 0),)


def test_each_face_has_its_own_word():
    words = [word(snapshot) for snapshot in EVERY_FACE]
    assert len(set(words)) == len(words)
    assert all(words)


def test_muting_is_not_yet_muted():
    assert look(seen(State.DEAF, deaf=False)) is LOOKS[State.DEAF]
    assert look(seen(State.DEAF, deaf=True)) is MUTED
    assert look(seen(State.ASLEEP, deaf=True)) is MUTED


def test_the_switch_is_told_in_words_and_in_the_same_red():
    seen_off = seen(State.DEAF, deaf=True, switched_off=True)
    assert look(seen_off) is MUTED_BY_SWITCH
    assert word(seen_off) == "muted by its switch"
    assert one_lamp(seen_off) == one_lamp(seen(State.DEAF, deaf=True))
    assert word(seen(State.DEAF, deaf=False, switched_off=True)) == "muting", "red is a fact, not a wish"


def volume(percent: int, count: int) -> list[int]:
    loud = seen(State.LISTENING, volume=percent, volume_shown=True)
    return [red for red, _, _ in face(loud, SINCE_S + 1, count, 1.0)]


def test_the_volume_is_a_bar_over_the_lamps():
    assert volume(50, 4) == [255, 255, 0, 0]
    assert volume(60, 4) == [255, 255, 102, 0]
    assert volume(100, 3) == [255, 255, 255]
    assert volume(0, 3) == [11, 0, 0], "faint, and not off"


def test_on_one_lamp_the_volume_is_its_brightness():
    assert [volume(percent, 1)[0] for percent in (0, 20, 50, 100)] == [11, 51, 128, 255]


def test_the_volume_is_shown_in_a_conversation_and_at_rest_but_over_no_failure_and_no_mute():
    for state in set(State) - {State.SORRY, State.DEAF}:
        assert look(seen(state, volume=40, volume_shown=True, link="failing")) is VOLUME
        assert look(seen(state, volume=40)) is not VOLUME
    assert word(seen(State.SPEAKING, volume=40, volume_shown=True, **VIA)) == "volume 40"
    assert look(seen(State.SORRY, volume=40, volume_shown=True)) is LOOKS[State.SORRY]
    for state in (State.ASLEEP, State.DEAF):
        assert look(seen(state, deaf=True, volume=40, volume_shown=True)) is MUTED
    assert look(seen(State.DEAF, volume=40, volume_shown=True)) is LOOKS[State.DEAF]


@pytest.mark.parametrize("shown", [*LOOKS.values(), *FALLBACK.values()], ids=lambda shown: shown.word)
def test_a_period_is_a_whole_number_of_pictures(shown):
    pictures = shown.period_s * PICTURES_PER_S
    assert math.isclose(pictures, round(pictures))
