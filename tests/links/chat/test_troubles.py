"""Each sentence says whose fault it is, and which setting to mend."""

import pytest
from aiohttp import ClientPayloadError

from antiphon.errors import Blocked, Lost, Refused
from antiphon.links.chat.troubles import WHERE, no_voice, shortened, silent, soundless, stalled
from antiphon.speech.meanings import explain_status
from antiphon.speech.troubles import explain


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (no_voice("m has no voice 'v': did you mean w?"), Refused, ["chat.voice", "w?"]),
        (silent("api.example", 8000, stream=True), Lost, ["8 s", "chat.first_sound_ms"]),
        (silent("api.example", 8000, stream=False), Lost, ["chat.stream", "chat.first_sound_ms"]),
        (stalled("api.example", 5000), Lost, ["5 s", "api.example"]),
        (soundless("api.example"), Lost, ["chat.model", "step-audio-2"]),
        (shortened(120_000, 2500), Refused, ["120 s", "2.5 s"]),
        (explain_status(404, b"", "api.example", WHERE), Refused, ["chat.url", "chat.model"]),
        (explain_status(402, b"", "api.example", WHERE, "/step_plan/v1"), Refused, ["chat.url with /v1"]),
        (explain_status(451, b"", "api.example", WHERE), Blocked, ["ask it in other words"]),
        (explain(ClientPayloadError(), "api.example", WHERE), Lost, ["broke off in the middle of its answer"]),
    ],
)
def test_each_says_what_to_do(error, kind, words):
    assert isinstance(error, kind)
    assert all(word in str(error) for word in words), str(error)
