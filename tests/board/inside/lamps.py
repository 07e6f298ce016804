"""In the machine: how GPIO lines stand, over and over, as fast as it can be read and at most every millisecond.

`lamps.py SECONDS LINE...` prints JSON: [[t, [level, ...]], ...], with t in seconds since the machine was switched on.
"""

import json
import os
import sys
import time


def main(seconds, *lines):
    files = [os.open(f"/run/board/lines/sim_gpio{line}/value", os.O_RDONLY) for line in lines]
    end = time.monotonic() + float(seconds)
    seen = []
    while (now := time.monotonic()) < end:
        seen.append([round(now, 4), [int(os.pread(file, 8, 0)) for file in files]])
        time.sleep(max(0.0, now + 0.001 - time.monotonic()))
    print(json.dumps(seen))


main(*sys.argv[1:])
