"""The energy VAD: edges at exact samples, whatever the size of the pieces."""

import numpy as np
import pytest

from antiphon.simulator.stepfun.vad import EnergyVad, VadSettings, energies
from simulator.stepfun.bench import silence, tone


def ear(**settings):
    return EnergyVad(VadSettings(**settings), per_rms=5.0, attack_ms=60)


def edges(vad, samples, piece=480):
    return [
        (edge.edge, edge.frame)
        for first in range(0, len(samples), piece)
        for edge in vad.feed(samples[first : first + piece])
    ]


@pytest.mark.parametrize("piece", [1, 479, 480, 481, 1200, 10**6])
def test_edges_do_not_depend_on_the_pieces(piece):
    heard = np.concatenate([silence(1.0), tone(0.5), silence(0.3)])
    vad = ear(prefix_padding_ms=200, silence_duration_ms=200)
    assert edges(vad, heard, piece) == [("began", 24_000 - 4800), ("ended", 36_000 + 4800)]


def test_the_defaults_are_those_of_the_reference():
    assert VadSettings() == VadSettings(500, 100, 2500)


def test_the_padding_never_reaches_into_the_turn_before_or_before_the_session():
    vad = ear(prefix_padding_ms=5000, silence_duration_ms=100)
    heard = np.concatenate([tone(0.5), silence(0.2), tone(0.5), silence(0.2)])
    assert edges(vad, heard) == [("began", 0), ("ended", 14_400), ("began", 14_400), ("ended", 31_200)]


def test_a_pause_shorter_than_the_silence_does_not_end_the_turn():
    vad = ear(silence_duration_ms=300)
    assert [edge for edge, _ in edges(vad, np.concatenate([tone(0.5), silence(0.28), tone(0.2)]))] == ["began"]


def test_without_enough_silence_that_arrives_the_turn_never_ends():
    vad = ear(silence_duration_ms=800)
    assert [edge for edge, _ in edges(vad, np.concatenate([tone(1.0), silence(0.7)]))] == ["began"]
    assert vad.speaking


def test_a_click_is_no_speech():
    assert edges(ear(), np.concatenate([tone(0.04), silence(0.5)])) == []


def test_the_threshold_divides():
    quiet = tone(0.5, peak=690)  # an RMS of 488: an energy of 2440
    assert edges(ear(), quiet) == []
    assert edges(ear(energy_awakeness_threshold=2400), quiet) != []


def test_energy_is_the_factor_times_the_rms():
    assert energies(np.full(2 * 480 + 7, 100, np.int16), 5.0) == [500.0, 500.0]
    assert energies(np.full(2 * 320 + 7, 100, np.int16), 5.0, 16_000) == [500.0, 500.0]
    assert energies(np.zeros(10, np.int16), 5.0) == []


def test_a_silence_of_nothing_still_needs_a_window():
    assert edges(ear(silence_duration_ms=0, prefix_padding_ms=0), np.concatenate([tone(0.1), silence(0.04)])) == [
        ("began", 0),
        ("ended", 2880),
    ]


def test_what_was_cleared_belongs_to_no_turn():
    vad = ear(prefix_padding_ms=1000, silence_duration_ms=100)
    vad.feed(tone(0.51))
    vad.forget()
    assert not vad.speaking
    assert edges(vad, tone(0.2)) == [("began", 12_240)]
