"""Run by test_room in the room's environment: half a second of capture and playback, told as JSON on stdout."""

import json
import sys
import threading
import time

import pyaudio

BLOCKS = 12
heard: list[bytes] = []
dac: list[tuple[int, float]] = []
overflows: list[bool] = []
enough_heard, enough_played = threading.Event(), threading.Event()


def capture(data, frames, times, status):
    overflows.append(bool(status & pyaudio.paInputOverflow))
    heard.append(data)
    if len(heard) == BLOCKS:
        enough_heard.set()
    return None, pyaudio.paContinue


def play(data, frames, times, status):
    now_s = time.monotonic()
    number = len(dac) + 1
    dac.append((number, now_s + times["output_buffer_dac_time"] - times["current_time"]))
    if number == BLOCKS:
        enough_played.set()
    return number.to_bytes(2, "little") * frames, pyaudio.paContinue


audio = pyaudio.PyAudio()
devices = {info["name"]: info for info in map(audio.get_device_info_by_index, range(audio.get_device_count()))}
microphone = audio.open(
    16_000, 1, pyaudio.paInt16, input=True, frames_per_buffer=640, stream_callback=capture,
    input_device_index=devices["mic"]["index"],
)  # fmt: skip
speaker = audio.open(
    24_000, 1, pyaudio.paInt16, output=True, frames_per_buffer=960, stream_callback=play,
    output_device_index=devices["spk"]["index"],
)  # fmt: skip
done = enough_heard.wait(20) and enough_played.wait(20)
microphone.close()
speaker.close()
audio.terminate()
told = {
    "devices": {name: [info["maxInputChannels"], info["maxOutputChannels"]] for name, info in devices.items()},
    "heard": [block.hex() for block in heard[:BLOCKS]],
    "dac": dac,
    "overflows": sum(overflows),
}
print(json.dumps(told))
sys.exit(not done)
