"""Reads uploads off the wire: a multipart form, whose file is measured as it comes and not kept."""

from aiohttp import BodyPartReader, web

from antiphon.simulator.stepfun.clips import Meter
from antiphon.simulator.stepfun.forms import FilePart, Form
from antiphon.simulator.stepfun.judging import WrongError

MAX_TEXT_BYTES = 64 * 1024
_PIECE_BYTES = 64 * 1024


async def read_form(request: web.BaseRequest, most: int) -> Form:
    """The form that `request` posts. Raises WrongError for what is none, and for a file of more than `most` bytes."""
    if not request.content_type.startswith("multipart/form-data"):
        raise WrongError("Content-Type is not multipart/form-data")
    texts: dict[str, str] = {}
    file: FilePart | None = None
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader) or not part.name:
                raise WrongError("the form has a part without a name")
            if part.name in texts or (part.name == "file" and file is not None):
                raise WrongError(f"{part.name} comes twice")
            if part.name == "file":
                file = await _file(part, most)
            else:
                texts[part.name] = await _text(part)
    except ValueError as error:  # from the library: no boundary, or headers that are none
        raise WrongError("the body is not a multipart form") from error
    return Form(texts, file)


async def _file(part: BodyPartReader, most: int) -> FilePart:
    if not part.filename:
        raise WrongError("file has no filename")
    meter = Meter()
    while piece := await part.read_chunk(_PIECE_BYTES):
        meter.feed(piece)
        if meter.bytes > most:
            raise WrongError(f"file is larger than {most} bytes")
    return FilePart(part.filename, part.headers.get("Content-Type", ""), meter)


async def _text(part: BodyPartReader) -> str:
    if part.filename:
        raise WrongError(f"{part.name} is a file")
    data = b""
    while piece := await part.read_chunk(MAX_TEXT_BYTES):
        data += piece
        if len(data) > MAX_TEXT_BYTES:
            raise WrongError(f"{part.name} is too long")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise WrongError(f"{part.name} is not UTF-8") from error
