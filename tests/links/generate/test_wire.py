"""Questions as a form parser reads them; answers however they are cut up; and nonsense."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import Garbled
from antiphon.links.generate.wire import (
    HEADER_BYTES,
    MAX_DETAIL,
    MAX_TEXT_BYTES,
    AnswerStream,
    detail,
    harmless,
    is_healthy,
    is_page,
    media_type,
    spoken,
    wav_file,
    written,
)
from antiphon.pcm import bytes_of
from links.generate.forms import fields_of, header, pcm_of

PCM = bytes_of(np.arange(-3000, 3000, dtype=np.int16))

# ── the question ─────────────────────────────────────────────────────────────────────────────────


def test_a_spoken_question_is_a_form_of_exactly_three_parts():
    form = spoken(PCM)
    fields = fields_of(form.content_type, form.body)
    assert fields == {"text": "", "streaming": "true", "audio": ("audio.wav", wav_file(PCM))}


def test_a_written_question_has_no_file():
    form = written("What time is it?")
    assert fields_of(form.content_type, form.body) == {"text": "What time is it?", "streaming": "true"}


def test_the_file_says_its_true_length_and_holds_every_sample():
    wav = wav_file(PCM)
    assert pcm_of(wav) == PCM
    assert int.from_bytes(wav[4:8], "little") == len(wav) - 8
    assert int.from_bytes(wav[40:44], "little") == len(PCM)


def test_half_a_sample_is_not_sent():
    assert wav_file(PCM + b"\x01") == wav_file(PCM)


def test_the_head_of_the_form_is_as_servers_want_it():
    body = spoken(PCM).body
    assert body.startswith(b'--antiphon-0\r\nContent-Disposition: form-data; name="text"\r\n\r\n\r\n')
    assert body.endswith(b"\r\n--antiphon-0--\r\n")


def test_a_boundary_that_is_in_the_speech_is_not_used():
    pcm = b"\r\n--antiphon-0--\r\n" + b"\r\n--antiphon-1\r\n" + PCM
    form = spoken(pcm)
    assert form.content_type == "multipart/form-data; boundary=antiphon-2"
    assert pcm_of(fields_of(form.content_type, form.body)["audio"][1]) == pcm


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("a|b", "a\uff5cb"),
        ("<|EOT|>", "<\uff5cEOT\uff5c>"),
        ("x" * 5000, "x" * MAX_TEXT_BYTES),
        ("\u5c71" * 5000, "\u5c71" * (MAX_TEXT_BYTES // 3)),
        ("x" + "\u5c71" * 5000, "x" + "\u5c71" * ((MAX_TEXT_BYTES - 1) // 3)),
        ("half \ud800 a pair", "half ? a pair"),
    ],
    ids=["bar", "marker", "long", "long Chinese", "cut in a letter", "surrogate"],
)
def test_text_that_would_harm_the_server_is_made_harmless(text, sent):
    assert harmless(text) == sent


@given(st.text(st.characters(codec="utf-8")), st.binary(max_size=300))
def test_any_question_survives_the_way(text, pcm):
    form = written(text)
    fields = fields_of(form.content_type, form.body)
    assert set(fields) == {"text", "streaming"}
    assert b"|" not in form.body
    form = spoken(pcm)
    assert pcm_of(fields_of(form.content_type, form.body)["audio"][1]) == pcm[: len(pcm) // 2 * 2]


# ── the answer ───────────────────────────────────────────────────────────────────────────────────


def hear(pieces):
    """All the speech of an answer that comes in these pieces, and its length."""
    stream = AnswerStream()
    speech = b"".join(stream.take(piece) for piece in pieces) + stream.end()
    return speech, stream.length_ms


def cut(body, places):
    edges = [0, *sorted(min(place, len(body)) for place in places), len(body)]
    return [body[start:end] for start, end in itertools.pairwise(edges)]


CUTS = st.lists(st.integers(0, 700), max_size=12)


@given(CUTS)
def test_an_answer_is_the_same_however_it_is_cut(places):
    assert hear(cut(header() + PCM[:600], places)) == (PCM[:600], 12.5)


@given(CUTS, st.sampled_from([(16_000, 1, 16), (48_000, 2, 16), (22_050, 1, 24), (8000, 1, 8), (24_000, 1, 32)]))
def test_an_answer_of_another_kind_is_the_same_however_it_is_cut(places, kind):
    body = header(*kind) + PCM[:600]
    speech, length_ms = hear(cut(body, places))
    whole, whole_ms = hear([body])
    assert length_ms == whole_ms
    assert len(speech) == len(whole)
    difference = np.frombuffer(speech, "<i2").astype(int) - np.frombuffer(whole, "<i2")
    assert np.abs(difference).max(initial=0) <= 1


def test_byte_by_byte():
    assert hear([bytes([one]) for one in header() + PCM[:100]])[0] == PCM[:100]


@pytest.mark.parametrize("size", [0, 2, 0xFFFFFFFF])
def test_the_sizes_in_the_header_are_not_believed(size):
    assert hear([header(size=size) + PCM])[0] == PCM


def test_half_a_sample_at_the_end_is_dropped():
    assert hear([header() + PCM + b"\x7f"])[0] == PCM


def test_another_rate_is_resampled_to_ours():
    speech, length_ms = hear([header(16_000) + PCM])
    assert length_ms == 375.0
    assert len(speech) // 2 == 9000


def test_of_several_channels_the_first_is_heard():
    stereo = np.stack([np.arange(500), np.zeros(500)], axis=1).astype("<i2")
    assert hear([header(channels=2) + stereo.tobytes()])[0] == bytes_of(np.arange(500, dtype=np.int16))


@pytest.mark.parametrize("length", range(HEADER_BYTES + 2))
def test_nothing_is_heard_before_the_first_whole_sample(length):
    assert hear([(header() + PCM)[:length]]) == (b"", 0.0)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<html>" + bytes(100), "not a WAV"),
        (b"RIFX" + header()[4:], "not a WAV"),
        (header()[:8] + b"AVI " + header()[12:], "not a WAV"),
        (header()[:16] + b"\x28" + header()[17:], "not a WAV"),
        (header()[:36] + b"LIST" + header()[40:], "not a WAV"),
        (header()[:20] + b"\x03" + header()[21:], "codec 3"),
        (header(bits=12), "12 bit"),
        (header(channels=0), "0 x"),
        (header(channels=9), "9 x"),
        (header(rate_hz=0), " 0 Hz"),
        (header(rate_hz=10**9), "1000000000 Hz"),
    ],
)
def test_what_is_no_speech_is_garbled(body, why):
    with pytest.raises(Garbled, match=why):
        AnswerStream().take(body)


@given(st.lists(st.one_of(st.binary(max_size=80), st.just(header()), st.just(header(44_100, 2))), max_size=6))
def test_nonsense_is_heard_or_garbled_and_nothing_else(pieces):
    stream = AnswerStream()
    try:
        speech = b"".join(stream.take(piece) for piece in pieces) + stream.end()
    except Garbled:
        return
    assert len(speech) % 2 == 0


# ── what else it says ────────────────────────────────────────────────────────────────────────────

NOT_FOUND = [{"type": "missing", "loc": ["body", "text"], "msg": "Field required", "input": None}]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (json.dumps({"detail": "Generation timed out"}).encode(), "Generation timed out"),
        (json.dumps({"detail": NOT_FOUND}).encode(), "body.text: Field required"),
        (json.dumps({"detail": NOT_FOUND * 2}).encode(), "body.text: Field required; body.text: Field required"),
        (json.dumps({"detail": ["odd", {"msg": "m"}, {"loc": 3}]}).encode(), "odd; m;"),
        (json.dumps({"detail": None}).encode(), "None"),
        (json.dumps({"detail": "two\nlines \x07"}).encode(), "two lines"),
        (b"Internal Server Error", "Internal Server Error"),
        (b"<html><body>Welcome", ""),
        (b'{"error": "x"}', ""),
        (b'{"detail": "cut of', ""),
        (b"[1, 2]", ""),
        (b"", ""),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"[" * 9000, ""),
    ],
)
def test_what_an_error_says_in_one_line(body, said):
    assert detail(body) == said


@given(st.binary(max_size=400))
def test_any_error_says_one_printable_line(body):
    assert detail(body).isprintable()
    assert len(detail(b"long " + body.hex().encode() * 9)) <= MAX_DETAIL


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("audio/wav", "audio/wav"),
        ("Audio/WAV ; codecs=1", "audio/wav"),
        ("", ""),
        (" ;charset=utf-8", ""),
        ("te\x1b[31mxt", "te [31mxt"),
        ("x" * 500, "x" * (MAX_DETAIL - 3) + "..."),
    ],
)
def test_a_media_type_is_one_printable_line(header, kind):
    assert media_type(header) == kind


@pytest.mark.parametrize(
    ("kind", "body", "page"),
    [
        ("text/html", b"", True),
        ("application/xhtml+xml", b"", True),
        ("", b" <!DocType HTML>", True),
        ("", b"<html lang=en>", True),
        ("", b"<htm", False),
        ("text/plain", b"<html>", False),
        ("application/json", b"{}", False),
    ],
)
def test_what_is_a_web_page(kind, body, page):
    assert is_page(kind, body) is page


@pytest.mark.parametrize(
    ("body", "healthy"),
    [
        (b'{"status":"healthy"}', True),
        (b'{"status": "healthy", "more": 1}', True),
        (b'{"status":"ill"}', False),
        (b'"healthy"', False),
        (b"[]", False),
        (b"<html>", False),
        (b"", False),
        (b"\xff", False),
        (b"[" * 9000, False),
    ],
)
def test_only_vox_serve_is_healthy(body, healthy):
    assert is_healthy(body) is healthy
