"""Forms: what is read, what is dropped in silence, what is refused."""

import pytest

from antiphon.simulator.voxserve.form import FormError, Upload, parse_form
from simulator.voxserve.bench import part

MULTIPART = "multipart/form-data; boundary=XX"
URLENCODED = "application/x-www-form-urlencoded"


def parsed(*parts, end=b"--XX--\r\n", kind=MULTIPART):
    return parse_form(kind, b"".join(parts) + end)


def test_fields_and_files():
    form = parsed(part("text", "né"), part("audio", b"\0\r\n--X\xff", "a.wav"), part("blank", ""))
    assert form["text"] == "né"
    assert (form["audio"].filename, form["audio"].content) == ("a.wav", b"\0\r\n--X\xff")
    assert form["blank"] == ""


def test_the_last_of_a_name_wins():
    assert parsed(part("text", "a"), part("text", "b")) == {"text": "b"}
    assert parse_form(URLENCODED, b"text=a&text=b") == {"text": "b"}


def test_a_file_name_may_be_blank_and_loses_its_folder_of_windows():
    assert parsed(part("audio", b"x", ""))["audio"].filename == ""
    assert parsed(part("audio", b"x", "C:\\a\\b.wav"))["audio"].filename == "b.wav"
    assert parsed(part("audio", b"x", 'a\\"b;c'))["audio"].filename == 'a"b;c'


def test_bytes_that_are_no_utf8_are_latin1():
    assert parsed(part("text", b"a\xff")) == {"text": "aÿ"}


def test_a_part_counts_when_the_next_boundary_has_come():
    assert parsed(part("text", "a"), part("more", "b"), end=b"") == {"text": "a"}
    assert parsed(part("text", "a"), end=b"--XX--") == {"text": "a"}
    assert parsed(part("text", "a"), end=b"--XX--\r\nepilogue\r\n--XX\r\n") == {"text": "a"}
    assert parsed(part("text", "a"), part("text", "--XXy\r\n--XX-")) == {"text": "--XXy\r\n--XX-"}


@pytest.mark.parametrize("body", [b"", b"\r\n", b"--XX--\r\n", b"--X"])
def test_an_empty_form(body):
    assert parse_form(MULTIPART, body) == {}


def test_boundaries_in_quotes_and_lines_before_the_first():
    kind = 'multipart/form-data; charset=utf-8; boundary="XX"'
    assert parse_form(kind, b"\r\n\r\n" + part("text", "a") + b"--XX--") == {"text": "a"}


def test_urlencoded():
    assert parse_form(URLENCODED + "; charset=utf-8", b"&&text=a+%62%c3%a9&flag&=x") == {
        "text": "a bé",
        "flag": "",
        "": "x",
    }
    assert len(parse_form(URLENCODED, b"text=" + b"a" * (1024 * 1024 + 1))["text"]) == 1024 * 1024 + 1


@pytest.mark.parametrize("kind", ["", "application/json", "text/plain"])
def test_a_body_of_another_kind_is_an_empty_form(kind):
    assert parse_form(kind, b'{"text": "a"}') == {}


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("multipart/form-data", b"--XX\r\n", "Missing boundary in multipart."),
        ("multipart/form-data; boundary=", b"--XX\r\n", "There was an error parsing the body"),
        (MULTIPART, b"junk\r\n" + part("text", "a"), "There was an error parsing the body"),
        (MULTIPART, b"--XX\n\n\n", "There was an error parsing the body"),
        (MULTIPART, b"--XX\r\nNo Token: x\r\n\r\na\r\n--XX--", "There was an error parsing the body"),
        (MULTIPART, b"--XX\r\nX: y\r\n\r\na\r\n--XX--", 'field "name" must be provided'),
        (MULTIPART, part("text", "a" * (1024 * 1024 + 1)) + b"--XX--", "Part exceeded maximum size of 1024KB."),
        (MULTIPART, part("text", "a" * (1024 * 1024 + 3)), "Part exceeded maximum size of 1024KB."),
    ],
)
def test_what_is_refused(kind, body, words):
    with pytest.raises(FormError, match=words):
        parse_form(kind, body)


def test_sizes_that_are_allowed():
    mega = 1024 * 1024
    assert len(parsed(part("text", "a" * mega))["text"]) == mega
    assert len(parsed(part("audio", b"a" * 3 * mega, "a"))["audio"].content) == 3 * mega
    assert parsed(part("audio", b"a" * 3 * mega, "a"), end=b"") == {}
    assert Upload("a", b"").headers == ()
