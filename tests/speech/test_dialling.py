"""Where the WebSockets beside the dialogue are dialled, and what may not be."""

import pytest

from antiphon.errors import Refused
from antiphon.secret import Secret
from antiphon.speech.dialling import dial, socket_url
from antiphon.speech.troubles import SPEAK

PATH = "/realtime/audio"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://api.stepfun.com/v1", "wss://api.stepfun.com/v1/realtime/audio?model=m"),
        ("https://api.stepfun.com/step_plan/v1/", "wss://api.stepfun.com/step_plan/v1/realtime/audio?model=m"),
        ("http://127.0.0.1:8080/v1", "ws://127.0.0.1:8080/v1/realtime/audio?model=m"),
        ("wss://api.stepfun.com/v1/realtime/audio", "wss://api.stepfun.com/v1/realtime/audio?model=m"),
    ],
)
def test_the_address_is_that_of_the_services(url, address):
    assert socket_url(url, PATH, {"model": "m"}, SPEAK) == address


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://a/b", "https://", "https://a:0/", "https://a:x/", "https://[/"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(Refused, match=r"speech\.url is not an address"):
        socket_url(url, PATH, {}, SPEAK)


def test_a_key_that_is_none_is_not_sent():
    with pytest.raises(Refused, match="copy it again"):
        dial("http://127.0.0.1:1/v1", PATH, {}, Secret("a\nb", "a test"), SPEAK, None)


def test_no_other_address_is_gone_to():
    dialling = dial("http://127.0.0.1:1/v1", PATH, {}, None, SPEAK, None)
    refusal = OSError("301")
    assert dialling.process_redirect(refusal) is refusal
