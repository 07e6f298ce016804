"""A hotel's network: every call ends at a login page, until somebody has logged in. Names are told as ever."""

import pytest

from network.lab import CLOUD, why_no_lab
from network.scenery import LAN_LINK, LAN_URL, PATIENCE_S, at_home
from network.services import PAGE

pytestmark = [pytest.mark.network, pytest.mark.skipif(bool(why_no_lab()), reason=why_no_lab())]


def test_a_login_page_with_a_certificate_of_its_own():
    """What TLS makes of it; the words must tell of the page, as nobody who is told of a certificate thinks of it."""
    with at_home("realtime.connection=on_demand", f"generate.urls=[{LAN_URL}]") as scene:
        scene.lab.open_portal()
        failed = scene.failing()
        assert set(failed) == {"tls", "lan door"}
        assert "signed by nobody we trust" in failed["tls"]["says"]
        assert "log in" in failed["tls"]["remedy"]
        assert "web page (200)" in failed["lan door"]["says"]
        assert "log in" in failed["lan door"]["remedy"]

        spoken = scene.speak()
        sorry = scene.daemon.wait_for("problem", timeout_s=PATIENCE_S)
        assert "log in" in sorry["sentence"], "what is shown is what to do"
        whys = {line["link"]: line["why"] for line in scene.daemon.said("link-closed")}
        assert "log in" in whys["realtime"]
        assert "web page (200)" in whys[LAN_LINK]
        scene.daemon.wait_for("asleep", why="shown")
        scene.let_pass(spoken)

        scene.lab.clear()
        scene.take_turn()
        assert scene.ends_well()


def test_a_login_page_in_the_place_of_a_service_in_the_clear():
    """The WebSocket's upgrade is answered by 200 and a page."""
    url = f"realtime.url=ws://{CLOUD}/v1/realtime"
    with at_home("realtime.connection=on_demand", url, "realtime.allow_plain=true") as scene:
        scene.lab.open_portal()
        failed = scene.failing()
        assert set(failed) == {"service"}
        assert "web page (200)" in failed["service"]["says"]
        assert "log in" in failed["service"]["remedy"]
        scene.speak()
        sorry = scene.daemon.wait_for("problem", timeout_s=PATIENCE_S)
        assert "web page (200)" in sorry["sentence"]
        assert PAGE.decode() not in "\n".join(scene.daemon.words)
        assert scene.ends_well()


def test_a_warm_call_is_missed_while_the_page_is_there():
    """Nobody speaks: what is refused is tried again patiently, and nothing of it fills the log."""
    with at_home("log.level=info") as scene:
        scene.daemon.wait_for("link-opened")
        after = len(scene.daemon.lines)
        scene.lab.open_portal()
        scene.hang_up()
        scene.daemon.wait_until(
            lambda line: line["what"] == "link-closed" and "log in" in line["why"], after, PATIENCE_S, "log in"
        )
        scene.lab.clear()
        turn = scene.take_turn()
        assert "link-opened" in turn.story, "a turn does not wait for the next trial"
        assert scene.ends_well()
