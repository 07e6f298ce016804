"""The user's turn as it is kept: whole up to its bound, overwritten when muted, and judged by recent voice."""

import pytest

from antiphon.conversation.utterance import Utterance
from conversation.playbook import pcm


def test_keeps_every_sample_in_order():
    utterance = Utterance(10_000)
    utterance.begin(pcm(200, 1))
    utterance.add(pcm(80, 2), 60)
    utterance.add(pcm(80, 3), 0)
    assert utterance.pcm == pcm(200, 1) + pcm(80, 2) + pcm(80, 3)
    utterance.begin()
    assert utterance.pcm == b""


def test_is_bounded_and_says_when_it_is_full():
    utterance = Utterance(100)
    utterance.add(pcm(80, 1), 0)
    assert not utterance.full
    utterance.add(pcm(80, 2), 0)
    assert utterance.full
    for _ in range(1000):
        utterance.add(pcm(80, 3), 80)
    assert utterance.pcm == pcm(80, 1) + pcm(20, 2), "the beginning is kept, to the sample"
    assert utterance.voiced_ms == 80_000, "what is not kept is still judged"


def test_a_beginning_beyond_the_bound_is_kept_whole():
    """The pre-roll is bounded where it is made; of a wake word nothing is thrown away."""
    utterance = Utterance(100)
    utterance.begin(pcm(150, 1))
    assert utterance.full
    utterance.add(pcm(80, 2), 0)
    assert utterance.pcm == pcm(150, 1)


def test_keep_last_keeps_the_latest():
    utterance = Utterance(10_000)
    utterance.begin(pcm(100, 1) + pcm(50, 2))
    utterance.keep_last(60)
    assert utterance.pcm == pcm(10, 1) + pcm(50, 2)
    utterance.keep_last(60)
    assert utterance.pcm == pcm(10, 1) + pcm(50, 2)
    utterance.keep_last(0)
    assert utterance.pcm == b""


def test_silence_is_counted_since_the_last_voice():
    utterance = Utterance(10_000)
    for voiced_ms, silent_ms in [(0, 80), (0, 160), (20, 0), (0, 80)]:
        utterance.add(pcm(80), voiced_ms)
        assert utterance.silent_ms == silent_ms
    assert utterance.voiced_ms == 20
    utterance.begin()
    assert (utterance.voiced_ms, utterance.silent_ms, utterance.recent_voiced_ms) == (0, 0, 0)


@pytest.mark.parametrize("piece_ms", [20, 80, 300, 1000, 1500])
def test_recent_voice_is_of_about_the_last_second(piece_ms):
    utterance = Utterance(60_000)
    for _ in range(round(3000 / piece_ms)):
        utterance.add(pcm(piece_ms), piece_ms)
    assert 1000 <= utterance.recent_voiced_ms < 1000 + piece_ms
    for _ in range(-(-1000 // piece_ms)):
        utterance.add(pcm(piece_ms), 0)
    assert utterance.recent_voiced_ms == 0
    assert len(utterance._recent) <= 1000 / piece_ms + 1


def test_pieces_of_nothing_do_not_pile_up():
    utterance = Utterance(10_000)
    for _ in range(1000):
        utterance.add(b"", 0)
    assert utterance._recent == []


class Watched(bytearray):
    """A bytearray that remembers how it was overwritten."""

    def __init__(self, content):
        super().__init__(content)
        self.writes = []

    def __setitem__(self, where, what):
        self.writes.append((where, bytes(what)))
        super().__setitem__(where, what)


def test_wiping_overwrites_the_memory_itself_before_letting_go():
    utterance = Utterance(10_000)
    utterance.add(pcm(80, 7), 80)
    kept = utterance._pcm = Watched(utterance._pcm)
    utterance.wipe()
    assert utterance._pcm is kept, "in place, not by a new buffer"
    assert kept.writes == [(slice(None), bytes(len(pcm(80)))), (slice(None), b"")]
    assert (utterance.pcm, utterance.voiced_ms, utterance.recent_voiced_ms) == (b"", 0, 0)
