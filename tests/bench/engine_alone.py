"""A process that does nothing but run the wake word engine over the microphone's file, at the pace of the clock.

Arguments: the file (mono, 16 kHz, s16le), the frame to begin at, and the moment of time.monotonic() at which that frame
sounds. It hears 80 ms at a time, each block when it has sounded, as a daemon on a card does; it runs until it is ended.
"""

import sys
import time

from antiphon.devices.wake_openwakeword import STEP_FRAMES, open_engine
from antiphon.pcm import SAMPLE_BYTES, WAKE_RATE_HZ, samples_of


def main(path: str, first_frame: int, begins_s: float) -> None:
    """Hear, for ever."""
    engine = open_engine(["hey_jarvis"])
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - one read, one block
        file.seek(first_frame * SAMPLE_BYTES)
        due_s = begins_s
        while True:
            due_s += STEP_FRAMES / WAKE_RATE_HZ
            time.sleep(max(0.0, due_s - time.monotonic()))
            engine.hear(samples_of(file.read(STEP_FRAMES * SAMPLE_BYTES)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
