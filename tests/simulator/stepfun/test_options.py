"""The options: safe to print, quick in tests, and the same orders either way."""

import dataclasses

from antiphon.simulator.stepfun.options import DEFAULT_KEY, SimulatorOptions, Timing


def test_the_default_key_is_accepted_and_not_shown():
    assert SimulatorOptions().keys == {DEFAULT_KEY: "normal"}
    assert DEFAULT_KEY not in repr(SimulatorOptions())


def test_quick_is_never_slower():
    slow, quick = Timing(), Timing.quick()
    times = "first_audio_ms transcript_ahead_ms word_ms cancel_ms transcription_ms sentence_ms search_ms"
    for name in times.split():
        assert getattr(quick, name) < getattr(slow, name)


def test_live_figures_are_the_defaults():
    timing = Timing()
    assert (timing.answer_ms, timing.cancel_ms, timing.late_deltas) == ((4.0, 8.0), (50.0, 60.0), (0, 2))
    assert all(field.name in Timing.__slots__ for field in dataclasses.fields(timing))
