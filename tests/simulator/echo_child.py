"""Run by test_echo in the room's environment: plays the samples of a file, and keeps what it hears meanwhile.

echo_child.py PLAYED HEARD MIC_HZ SPK_HZ: both files are raw mono samples. It hears on for half a second.
"""

import sys
import threading
from pathlib import Path

import pyaudio

MIC_HZ, SPK_HZ = map(int, sys.argv[3:])
rest = [Path(sys.argv[1]).read_bytes()]
heard: list[bytes] = []
afterwards: list[int] = []
played, done = threading.Event(), threading.Event()


def play(data, frames, times, status):
    block, rest[0] = rest[0][: 2 * frames], rest[0][2 * frames :]
    if not rest[0]:
        played.set()
    return block.ljust(2 * frames, b"\0"), pyaudio.paContinue


def capture(data, frames, times, status):
    heard.append(data)
    if played.is_set():
        afterwards.append(frames)
    if sum(afterwards) > MIC_HZ / 2:
        done.set()
    return None, pyaudio.paContinue


audio = pyaudio.PyAudio()
devices = {info["name"]: info["index"] for info in map(audio.get_device_info_by_index, range(audio.get_device_count()))}
microphone = audio.open(
    MIC_HZ, 1, pyaudio.paInt16, input=True, frames_per_buffer=MIC_HZ // 25, stream_callback=capture,
    input_device_index=devices["hwmic"],
)  # fmt: skip
speaker = audio.open(
    SPK_HZ, 1, pyaudio.paInt16, output=True, frames_per_buffer=SPK_HZ // 25, stream_callback=play,
    output_device_index=devices["hwspk"],
)  # fmt: skip
over = done.wait(30)
microphone.close()
speaker.close()
audio.terminate()
Path(sys.argv[2]).write_bytes(b"".join(heard))
sys.exit(not over)
