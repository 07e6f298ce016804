"""Presses add up, facts are shown for a moment, and whoever asked is told."""

from antiphon.conversation.effects import Answer, SetVolume
from antiphon.conversation.volume import SHOWN_S, Volume


def volume_of(percent: int) -> Volume:
    volume = Volume()
    assert volume.changed(percent, 0.0) == (False, []), "what it is at the start is nobody's wish"
    assert not volume.shown
    return volume


def test_nothing_is_changed_while_nobody_knows_how_loud_it_is() -> None:
    volume = Volume()
    ((asked),) = volume.want(None, 5, 7, 10.0)
    assert isinstance(asked, Answer)
    assert asked.problem
    assert volume.step(10.0, up=True, again=False) == []
    assert volume.want(30, 0, 8, 10.0) == [SetVolume(30)], "but it may be said how loud it should be"


def test_steps_add_up_before_the_mixer_has_told() -> None:
    volume = volume_of(50)
    assert volume.step(10.0, up=True, again=False) == [SetVolume(55)]
    assert volume.step(10.2, up=True, again=True) == [SetVolume(60)]
    assert volume.changed(55, 10.3) == (True, [])
    assert volume.step(10.4, up=True, again=True) == [SetVolume(65)]
    assert volume.changed(65, 10.5) == (True, []), "of several at once the keeper tells the last"
    assert volume.step(10.6, up=False, again=False) == [SetVolume(60)]


def test_a_wish_that_was_not_fulfilled_is_forgotten() -> None:
    volume = volume_of(50)
    volume.step(10.0, up=True, again=False)
    assert volume.step(20.0, up=True, again=False) == [SetVolume(55)]


def test_it_ends_at_both_ends() -> None:
    volume = volume_of(98)
    assert volume.want(None, 5, None, 10.0) == [SetVolume(100)]
    volume.changed(100, 10.1)
    assert volume.step(10.2, up=True, again=True) == [], "holding on means nothing"
    assert volume.step(10.3, up=True, again=False) == [SetVolume(100)], "a press is shown"
    assert volume.want(-40, 0, None, 10.4) == [SetVolume(0)]


def test_a_change_is_shown_for_a_moment_whoever_made_it() -> None:
    volume = volume_of(50)
    volume.changed(50, 5.0)
    assert not volume.shown, "that is no change"
    volume.changed(40, 10.0)
    assert (volume.percent, volume.shown, volume.deadline) == (40, True, 10.0 + SHOWN_S)
    volume.tick(10.0 + SHOWN_S)
    assert (volume.shown, volume.deadline) == (False, None)


def test_who_asked_is_told_when_it_is_so_or_when_the_mixer_is_silent() -> None:
    volume = volume_of(50)
    volume.want(30, 0, 1, 10.0)
    assert volume.changed(30, 10.1) == (True, [Answer(1)])
    volume.want(40, 0, 2, 20.0)
    assert volume.deadline is not None
    (late,) = volume.tick(30.0)
    assert isinstance(late, Answer)
    assert (late.ask, bool(late.problem)) == (2, True)
    volume.want(50, 0, 3, 40.0)
    assert volume.forget("over") == [Answer(3, "over")]


def test_who_asked_waits_until_the_last_wish_is_fulfilled() -> None:
    volume = volume_of(50)
    assert volume.want(20, 0, 1, 10.0) == [SetVolume(20)]
    assert volume.want(90, 0, 2, 10.01) == [SetVolume(90)]
    assert volume.changed(20, 10.02) == (True, []), "else the second would be told 20"
    assert volume.changed(90, 10.03) == (True, [Answer(1), Answer(2)])
