"""A form out of the body of a request: multipart/form-data and urlencoded. Pure.

It is as lenient as python-multipart under Starlette 0.47, and refuses with its words: a part counts only when the next
boundary has come, a body of another type is an empty form.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import parse_qsl

MAX_FIELD_BYTES = 1024 * 1024
UNPARSABLE = "There was an error parsing the body"

_PARAMETER = re.compile(r';\s*([^\s=;]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class FormError(Exception):
    """The body cannot be read; `str()` is what the server says, with status 400."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A part with a file name, which may be blank; `headers` are the part's, names in lower case."""

    filename: str
    content: bytes
    headers: tuple[tuple[str, str], ...] = ()


Form: TypeAlias = dict[str, str | Upload]
"""Each field by name. Of those that are repeated the last one wins."""


def parse_form(content_type: str, body: bytes) -> Form:
    """The form in `body`. Raises FormError."""
    kind, parameters = _split(content_type)
    if kind == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="utf-8", errors="replace"))
    if kind != "multipart/form-data":
        return {}
    if "boundary" not in parameters:
        raise FormError("Missing boundary in multipart.")
    return _parse_multipart(body, parameters["boundary"].encode("latin-1"))


def _split(value: str) -> tuple[str, dict[str, str]]:
    """A header's value, and its parameters. A path before a file name is taken off, as old browsers sent one."""
    parameters = {}
    for name, raw in _PARAMETER.findall(value):
        text = raw.strip()
        if text.startswith('"'):
            text = text[1:-1]
            if name.lower() == "filename" and (text[1:3] == ":\\" or text[:2] == "\\\\"):
                text = text.rpartition("\\")[2]
            text = text.replace("\\\\", "\\").replace('\\"', '"')
        parameters[name.lower()] = text
    return value.partition(";")[0].strip().lower(), parameters


def _parse_multipart(body: bytes, boundary: bytes) -> Form:
    if not boundary:
        raise FormError(UNPARSABLE)
    body = body.lstrip(b"\r\n")
    opening = b"--" + boundary
    if not body or opening.startswith(body) or body.startswith(opening + b"--"):
        return {}
    if not body.startswith(opening + b"\r\n"):
        raise FormError(UNPARSABLE)
    # "--boundary" within a part is a boundary only when a line ends there, or the form does
    ends = re.compile(rb"\r\n--" + re.escape(boundary) + rb"(\r\n|--)")
    form: Form = {}
    start = len(opening) + 2
    while end := ends.search(body, start - 2):  # a part may be empty: its boundary begins with its header's line end
        _add_part(form, body[start : max(start, end.start())])
        if end[1] == b"--":
            return form
        start = end.end()
    if len(_partial(body[start:])) > MAX_FIELD_BYTES:
        raise FormError("Part exceeded maximum size of 1024KB.")
    return form


def _partial(part: bytes) -> bytes:
    """The content of a part that has no end: nothing of it counts but its size, unless it is a file."""
    headers, _, content = part.partition(b"\r\n\r\n")
    return b"" if b"filename=" in headers else content


def _add_part(form: Form, part: bytes) -> None:
    raw, _, content = part.partition(b"\r\n\r\n") if not part.startswith(b"\r\n") else (b"", b"", part[2:])
    headers: list[tuple[str, str]] = []
    for line in filter(None, raw.split(b"\r\n")):
        name, colon, value = line.partition(b":")
        if not (colon and _TOKEN.fullmatch(name)):
            raise FormError(UNPARSABLE)
        headers.append((name.decode("latin-1").lower(), value.strip().decode("latin-1")))
    parameters = _split(dict(headers).get("content-disposition", ""))[1]
    if "name" not in parameters:
        raise FormError('The Content-Disposition header field "name" must be provided.')
    field = _text(parameters["name"].encode("latin-1"))
    if "filename" in parameters:
        form[field] = Upload(_text(parameters["filename"].encode("latin-1")), content, tuple(headers))
    elif len(content) > MAX_FIELD_BYTES:
        raise FormError("Part exceeded maximum size of 1024KB.")
    else:
        form[field] = _text(content)


def _text(raw: bytes) -> str:
    """UTF-8, or what is none as latin-1."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
