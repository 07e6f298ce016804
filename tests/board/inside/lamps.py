"""In the machine: how GPIO lines stand, over and over, at moments that no lamp's pulses can fall in step with.

`lamps.py SECONDS LINE...` prints JSON: [[t, [level, ...]], ...], with t in seconds since the machine was switched on.
"""

import json
import os
import random
import sys
import time


def main(seconds, *lines):
    files = [os.open(f"/run/board/lines/sim_gpio{line}/value", os.O_RDONLY) for line in lines]
    end = time.monotonic() + float(seconds)
    seen = []
    while (now := time.monotonic()) < end:
        seen.append([round(now, 4), [int(os.pread(file, 8, 0)) for file in files]])
        time.sleep(random.uniform(0.001, 0.005))
    print(json.dumps(seen))


main(*sys.argv[1:])
