"""How answers leave: streams and whole files, to the byte, and what a timeout makes of each."""

import wave
from io import BytesIO

import pytest

from antiphon.simulator.voxserve.faults import Fault, Kind
from antiphon.simulator.voxserve.windows import header, windows_of
from simulator.voxserve.bench import SPEECH, WHOLE, answer, ask, asks, dial, exchange, part, run, said, server, voice

FIFTEEN_WORDS = " ".join(["word"] * 15)


def pcm():
    return b"".join(window.pcm for window in windows_of(voice(FIFTEEN_WORDS)))


def one(request, *faults, **changes):
    async def scene():
        async with server(*faults, replies=(FIFTEEN_WORDS,), **changes) as service:
            return await ask(service, request)

    return run(scene)


def raw(request, *faults, **changes):
    async def scene():
        async with server(*faults, replies=(FIFTEEN_WORDS,), **changes) as service:
            return await exchange(service, request), service

    return run(scene)


def test_a_stream_is_a_header_and_seconds():
    status, headers, body, sizes = one(asks(*SPEECH))
    assert status == 200
    assert headers["content-type"] == "audio/wav"
    assert headers["cache-control"] == "no-cache"
    assert headers["transfer-encoding"] == "chunked"
    assert body == header(None) + pcm()
    assert sizes == [44, 48_000, len(pcm()) - 48_000]


def test_a_whole_reply_is_a_file():
    status, headers, body, _ = one(asks(*SPEECH, WHOLE))
    assert status == 200
    assert headers["content-disposition"].endswith('.wav"')
    with wave.open(BytesIO(body)) as file:
        assert file.getframerate() == 24_000
        assert file.readframes(file.getnframes()) == pcm()


@pytest.mark.parametrize(
    ("wanted", "status", "content"),
    [
        ("bytes=0-43", 206, slice(44)),
        ("bytes = 48000-", 206, slice(48_000, None)),
        ("bytes=-4", 206, slice(-4, None)),
        ("bytes=0-9999999", 206, slice(None)),
        ("bytes=-9999999", 416, b""),
        ("bytes=9999999-", 416, b""),
        ("bytes=9-2", 400, b"Range header: start must be less than end"),
        ("bytes=-", 400, b"Range header: range must be requested"),
        ("words=0-1", 400, b"Only support bytes range"),
        ("0-1", 400, b"Malformed range header."),
    ],
)
def test_a_range(wanted, status, content):
    got = one(asks(*SPEECH, WHOLE, more=b"Range: %b\r\n" % wanted.encode()))
    whole = header(len(pcm())) + pcm()
    assert (got[0], got[2]) == (status, whole[content] if isinstance(content, slice) else content)


def test_no_sound():
    assert one(asks(*SPEECH), Fault(Kind.EMPTY))[2] == header(None)
    status, _, body, _ = one(asks(*SPEECH, WHOLE), Fault(Kind.EMPTY))
    assert (status, body) == (500, b'{"detail":"No audio generated"}')


def test_a_stream_that_takes_too_long_is_cut_without_its_last_chunk():
    got, service = raw(asks(*SPEECH), Fault(Kind.SILENCE), timeout_s=0.01)
    assert got.endswith(b"2c\r\n" + header(None) + b"\r\n")
    assert [line["what"] for line in service.log][-2:] == ["timed_out", "stopped"]


def test_a_whole_reply_that_takes_too_long_is_an_error():
    status, _, body, _ = one(asks(*SPEECH, WHOLE), Fault(Kind.SILENCE), timeout_s=0.01)
    assert (status, body) == (500, b'{"detail":"Generation timed out"}')


@pytest.mark.parametrize("size", [0, 1, 44, 45, 48_044, 60_000])
def test_a_stream_is_cut_after_so_many_bytes_of_its_body(size):
    got, service = raw(asks(*SPEECH), Fault(Kind.CUT, size))
    body = got.partition(b"\r\n\r\n")[2]
    whole = header(None) + pcm()
    for line in (b"2c\r\n", b"bb80\r\n", b"%x\r\n" % (len(pcm()) - 48_000)):
        body = body.replace(line, b"", 1)
    assert body.replace(header(None) + b"\r\n", header(None), 1)[:44] == whole[: min(size, 44)]
    (end,) = said(service, "fault")
    assert end["bytes"] == max(0, size - 44)
    assert len(said(service, "first_audio")) == (size > 44)
    assert b"\r\n0\r\n\r\n" not in got


@pytest.mark.parametrize("size", [0, 5, 100, 300])
def test_a_stream_is_cut_after_so_many_bytes_in_all(size):
    assert len(raw(asks(*SPEECH), Fault(Kind.CUT, size, "wire"))[0]) == size


def test_a_reset_is_none_of_an_end():
    assert raw(asks(*SPEECH), Fault(Kind.RESET, 0, "wire"))[0] == b"<reset>"


def test_odd_chunks_split_samples_and_header():
    _, _, body, sizes = one(asks(*SPEECH), Fault(Kind.ODD_CHUNKS, 777))
    assert body == header(None) + pcm()
    assert sizes[:2] == [44, 777]
    assert max(sizes) == 777
    assert one(asks(*SPEECH), Fault(Kind.ODD_CHUNKS, 5))[3][:9] == [5] * 8 + [4]


def test_another_rate_and_another_header():
    assert one(asks(*SPEECH), Fault(Kind.RATE, 16_000))[2][:44] == header(None, 16_000)
    assert one(asks(*SPEECH), Fault(Kind.GARBAGE, 0, "text"))[2].startswith(b"Sorry")
    assert len(one(asks(*SPEECH), Fault(Kind.GARBAGE, 0, "short"))[2]) == 20 + len(pcm())
    assert one(asks(*SPEECH, WHOLE), Fault(Kind.RATE, 8000))[2][:44] == header(len(pcm()), 8000)


def test_http_1_0_is_streamed_to_in_chunks_too_and_then_left():
    got, _ = raw(asks(*SPEECH).replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert b"\r\ntransfer-encoding: chunked\r\n" in got
    assert got.endswith(b"\r\n0\r\n\r\n")


def test_a_connection_serves_one_after_the_other():
    async def scene():
        async with server(replies=("Yes.",)) as service:
            reader, writer = await dial(service)
            writer.write(asks(*SPEECH) + asks(*SPEECH, WHOLE) + asks(part("text", "a")))
            answers = [await answer(reader) for _ in range(3)]
            writer.close()
            return [status for status, *_ in answers], len({body[44:] for _, _, body, _ in answers})

    assert run(scene) == ([200] * 3, 1)
