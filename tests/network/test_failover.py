"""The cloud is lost in a network and the LAN is not: the same words are answered there, then by the cloud again."""

import pytest

from network.lab import why_no_lab
from network.scenery import LAN_LINK, PATIENCE_S, at_home

pytestmark = [pytest.mark.network, pytest.mark.skipif(bool(why_no_lab()), reason=why_no_lab())]

LONG_QUESTION = "What time is it in the city of Kuala Lumpur, and what is the weather like over there today?"
OUT, BACK = 'oifname "cloud0" drop', 'iifname "cloud0" drop'


def cloud_returns(scene):
    """Mended, it is found again at rest, and answers the next turn."""
    after = len(scene.daemon.lines)
    scene.lab.clear()
    scene.daemon.wait_for("link-opened", after, PATIENCE_S, link="realtime")
    asked = len(scene.questions())
    turn = scene.take_turn()
    [over] = [line for line in turn.lines if line["what"] == "turn-over"]
    assert over["link"] == "realtime"
    assert len(scene.questions()) == asked


@pytest.mark.parametrize("rules", [(OUT,), (BACK,), (OUT, BACK)], ids=["out", "back", "both"])
def test_the_cloud_falls_into_a_black_hole_under_a_turn(rules):
    """Nobody hangs up and nothing is refused: only its silence tells."""
    with at_home(lan=()) as scene:
        scene.daemon.wait_for("link-opened", link="realtime")
        scene.stage.lan.wait_for("reply_sent", timeout_s=PATIENCE_S)
        spoken = scene.speak(LONG_QUESTION)
        scene.stage.service.wait_for("first_append", timeout_s=PATIENCE_S)
        scene.lab.rule(*rules)
        scene.daemon.wait_for("heard", timeout_s=PATIENCE_S)
        scene.daemon.wait_for("asleep", timeout_s=PATIENCE_S)
        lost = [line for line in scene.daemon.lines if line["what"] in ("link-given-up", "link-closed")]
        assert lost[0]["link"] == "realtime"
        assert scene.daemon.said("turn-over")[-1]["link"] == LAN_LINK
        assert not scene.daemon.said("sorry")
        failed = scene.failing()
        assert set(failed) == {"port"}
        assert "did not answer in time" in failed["port"]["says"]
        cloud_returns(scene)
        assert scene.ends_well()
        assert scene.asked_whole(spoken)


def test_without_names_a_server_that_is_known_by_its_address_answers():
    with at_home("realtime.connection=on_demand", lan=()) as scene:
        scene.stage.lan.wait_for("reply_sent", timeout_s=PATIENCE_S)
        scene.lab.order_names("silent")
        turn = scene.take_turn()
        assert [line["link"] for line in turn.lines if line["what"] == "turn-over"] == [LAN_LINK]
        failed = scene.failing()
        assert set(failed) == {"name"}
        assert "No DNS server answers" in failed["name"]["says"]
        assert scene.ends_well()
        assert scene.asked_whole(turn.spoken)


def test_the_cable_is_pulled_under_a_turn():
    """Nobody is left to ask, and it is said so; with the cable back, the next turn is answered."""
    with at_home("conversation.opening_ms=3000", lan=()) as scene:
        scene.daemon.wait_for("link-opened", link="realtime")
        scene.stage.lan.wait_for("reply_sent", timeout_s=PATIENCE_S)
        spoken = scene.speak(LONG_QUESTION)
        scene.stage.service.wait_for("first_append", timeout_s=PATIENCE_S)
        scene.lab.pull_cable()
        problem = scene.daemon.wait_for("problem", timeout_s=PATIENCE_S)
        assert problem["fault"] == "lost"
        after = len(scene.daemon.lines)
        scene.daemon.wait_for("asleep", timeout_s=PATIENCE_S, why="shown")
        failed = scene.failing()
        assert set(failed) == {"network"}
        scene.let_pass(spoken)
        scene.lab.plug_cable()
        scene.daemon.wait_until(
            lambda line: line["what"] in ("link-opened", "link-tried"), after, PATIENCE_S, "a link is back"
        )
        scene.take_turn()
        assert scene.failing() == {}
        assert scene.ends_well()


def test_a_server_that_is_switched_off_and_one_whose_model_is_dead():
    """The doctor tells which of the two it is."""
    with at_home("generate.first_sound_ms=1500", lan=("--fault", "dead")) as scene:
        told = scene.daemon.wait_for("spare-call-closed", timeout_s=PATIENCE_S, link=LAN_LINK)
        assert "model" in told["why"]
        failed = scene.failing()
        assert set(failed) == {"lan model"}
        assert "its model has not answered" in failed["lan model"]["says"]
        assert "restart vox-serve" in failed["lan model"]["remedy"]
        scene.lab.lan.ip("link set eth0 down")
        failed = scene.failing()
        assert set(failed) == {"lan port"}
        assert "no way to" in failed["lan port"]["says"]
        assert "switched on" in failed["lan port"]["remedy"]
        assert scene.ends_well()
