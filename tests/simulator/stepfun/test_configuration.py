"""session.update: partial, strict, all or nothing."""

import pytest

from antiphon.simulator.stepfun.configuration import initial, merged
from antiphon.simulator.stepfun.grammar import ComplaintError
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.vad import VadSettings
from simulator.stepfun.bench import MODEL, VAD

OPTIONS = SimulatorOptions()
FRESH = initial(MODEL, OPTIONS)
NESTED = {"type": "function", "function": {"name": "set_timer", "parameters": {}}}
FLAT = {"type": "function", "name": "set_timer"}


def updated(update, options=OPTIONS, old=FRESH, *, voice_frozen=False):
    return merged(old, update, options, voice_frozen=voice_frozen)


def test_a_session_begins_in_manual_mode_unless_switched():
    assert FRESH.vad is None
    assert initial(MODEL, SimulatorOptions(vad_by_default=True)).vad == VadSettings()


def test_unnamed_fields_keep_their_value():
    first = updated({"instructions": "be brief", "turn_detection": VAD, "volume_ratio": 0.5})
    second = updated({"voice": "cixingnansheng"}, old=first)
    assert (second.instructions, second.vad, second.volume_ratio) == ("be brief", first.vad, 0.5)
    assert second.voice == "cixingnansheng"


def test_turn_detection_has_the_documented_defaults_and_null_is_manual():
    on = updated({"turn_detection": {"type": "server_vad"}})
    assert on.vad == VadSettings(500, 100, 2500)
    assert updated({"turn_detection": None}, old=on).vad is None


def test_the_echo_shows_what_is_kept():
    echo = updated({"turn_detection": VAD, "tools": [NESTED], "speed": 1.2, "tool_choice": "auto"}).updated(
        "S", vad_off_echo="blank"
    )
    assert (echo["id"], echo["turn_detection"], echo["tools"]) == ("S", VAD, [NESTED])
    assert echo["max_response_output_tokens"] == 4096
    assert not {"tool_choice", "speed"} & echo.keys()
    assert FRESH.updated("S", vad_off_echo="blank")["turn_detection"] == {"type": ""}
    assert FRESH.updated("S", vad_off_echo="null")["turn_detection"] is None
    assert FRESH.created("S")["max_response_output_tokens"] == "4096"


@pytest.mark.parametrize(
    "update",
    [
        "text",
        {"unknown": 1},
        {"modalities": ["audio"]},
        {"modalities": "text"},
        {"instructions": None},
        {"voice": 3},
        {"input_audio_format": "g711_ulaw"},
        {"turn_detection": {}},
        {"turn_detection": {"type": "semantic_vad"}},
        {"turn_detection": VAD | {"threshold": 0.5}},
        {"turn_detection": VAD | {"create_response": True}},
        {"turn_detection": VAD | {"energy_awakeness_threshold": 5001}},
        {"turn_detection": VAD | {"silence_duration_ms": 1.5}},
        {"turn_detection": VAD | {"prefix_padding_ms": True}},
        {"tool_choice": {"type": "function"}},
        {"tools": [FLAT]},
        {"tools": [{"type": "retrieval"}]},
        {"tools": [{"type": "code"}]},
        {"tools": [{"type": "function", "function": {"name": "t", "strict": True}}]},
        {"tools": [{"type": "function", "function": {"name": ""}}]},
        {"tools": [{"type": "function", "function": {"name": "t", "parameters": {"type": "array"}}}]},
        {"tools": [NESTED | {"name": "t"}]},
        {"tools": [{"type": "web_search", "function": {"name": "search"}}]},
        {"tools": [{"type": "web_search", "function": {"options": {"top_k": "5"}}}]},
        {"tools": [{"type": "web_search", "function": {"options": {"limit": 5}}}]},
        {"tools": [{"type": "web_search", "function": []}]},
        {"tools": [{"type": "retrieval", "function": {"options": {"prompt_template": "{{query}}"}}}]},
        {"tools": [{"type": "retrieval", "function": {"options": {"vector_store_id": 1646}}}]},
        {"tools": [{"type": "code", "function": {}}]},
        {"tools": {}},
        {"temperature": "hot"},
        {"max_response_output_tokens": 1.5},
        {"input_audio_transcription": "whisper"},
    ],
)
def test_schema_faults_are_refused(update):
    with pytest.raises(ComplaintError, match="invalid event format"):
        updated(update)


def test_tools_of_each_kind():
    search = {"type": "web_search"}
    library = {"type": "retrieval", "function": {"options": {"vector_store_id": "1"}}}
    assert updated({"tools": [NESTED, search, library]}).searches
    search["function"] = {"description": "the web", "options": {"top_k": 5, "timeout_seconds": 3}}
    library["function"]["options"]["prompt_template"] = "Use {{knowledge}} to answer {{query}}"
    assert updated({"tools": [search, library]}).tools == (search, library)
    assert not updated({"tools": [NESTED]}).searches
    assert updated({"tools": [FLAT]}, SimulatorOptions(flat_tools=True)).tools == (FLAT,)


def test_an_unknown_voice_is_named():
    with pytest.raises(ComplaintError, match="voice alloy is not valid"):
        updated({"voice": "alloy"})


def test_a_frozen_voice_stays():
    assert updated({"voice": "cixingnansheng"}, voice_frozen=True).voice == FRESH.voice
