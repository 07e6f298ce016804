"""The fakes: they keep the ports' promises."""

import pytest

from antiphon.conversation.events import ButtonMoved
from antiphon.devices.fake_hands import FakeButtons, FakeLamps, NoButtons, NoLamps

BLUE = (0, 0, 255)


def test_fake_lamps_remember_pictures():
    lamps = FakeLamps(2)
    lamps.show([BLUE, BLUE], "listening")
    lamps.close()
    lamps.close()
    assert lamps.shown == [((BLUE, BLUE), "listening")]
    assert lamps.closed


def test_fake_lamps_refuse_a_wrong_number_of_colours():
    with pytest.raises(ValueError, match="1 colours for 2 lamps"):
        FakeLamps(2).show([BLUE], "listening")


def test_fake_buttons_report_only_while_open():
    buttons, moved = FakeButtons(), []
    buttons.press("talk")
    buttons.open(moved.append)
    buttons.press("talk")
    buttons.release("talk")
    buttons.press("mute")
    buttons.close()
    buttons.close()
    buttons.release("mute")
    assert moved == [ButtonMoved("talk", True), ButtonMoved("talk", False), ButtonMoved("mute", True)]


def test_what_is_not_there_does_nothing():
    lamps = NoLamps()
    buttons = NoButtons()
    moved = []
    lamps.show([BLUE], "listening")
    buttons.open(moved.append)
    lamps.close()
    buttons.close()
    assert moved == []
