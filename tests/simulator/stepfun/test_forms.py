"""What an upload is."""

import pytest

from antiphon.simulator.stepfun.clips import Meter
from antiphon.simulator.stepfun.forms import FilePart
from simulator.stepfun.http_bench import mp3_of, wav_of


@pytest.mark.parametrize(("data", "kind"), [(wav_of(1), "wav"), (mp3_of(1), "mp3"), (b"text", None)])
def test_the_sound_of_a_file_is_known_by_its_bytes(data, kind):
    meter = Meter()
    meter.feed(data)
    clip = FilePart("any.name", "", meter).clip
    assert (clip.kind if clip else None) == kind
