"""The fakes keep what they promise, as other tests lean on them."""

import numpy as np
import pytest

from antiphon.devices.fake_sound import FakeMicrophone, FakeSpeaker
from antiphon.errors import DeviceError
from antiphon.pcm import samples_of


def test_microphone_cuts_blocks_and_tells_device_time():
    microphone = FakeMicrophone(rate_hz=16_000, channels=2, block_frames=160)
    blocks = []
    microphone.hear(np.zeros(160, np.int16))  # nobody listens yet
    microphone.open(blocks.append)
    microphone.lose(1600)
    microphone.hear(np.arange(400).astype(np.int16), overflowed=True)
    assert [len(block.pcm) // 4 for block in blocks] == [160, 160, 80]
    assert [block.overflowed for block in blocks] == [True, False, False]
    assert blocks[0].device_s == pytest.approx(0.11)
    assert samples_of(blocks[0].pcm)[:4].tolist() == [0, 0, 1, 1]
    microphone.end()
    assert blocks[-1] is None
    microphone.close()
    microphone.close()
    assert not microphone.is_open


def test_speaker_pulls_when_played():
    speaker = FakeSpeaker(block_frames=4)
    times = []

    def pull(frames, heard_at_s):
        times.append(heard_at_s)
        return bytes(range(2 * frames))

    speaker.open(pull)
    assert len(speaker.play(2, heard_at_s=5.0)) == 8
    assert times == [5.0, 5.0 + 4 / 24_000]
    speaker.close()
    assert not speaker.is_open


@pytest.mark.parametrize("device", [FakeMicrophone(), FakeSpeaker()])
def test_both_can_refuse(device):
    device.refusal = DeviceError("it", "is gone", "Look for it")
    with pytest.raises(DeviceError, match=r"it: is gone\. Look for it"):
        device.open(print)
    assert device.opened == 0
