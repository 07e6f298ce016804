"""`antiphon` as it is, on gpiozero's mock pins, with a person at them: standard input says which pin goes down or up.

A line is a BCM number and `down` or `up`; a pressed button connects its pin to ground.
"""

import sys
import threading

from antiphon.cli import main
from antiphon.devices.gpio import chip

made = []


def kept(kind):
    """The pin factory that the daemon asks for; we keep a hand on it."""
    made.append(make_factory(kind))
    return made[-1]


def move_pins():
    for line in sys.stdin:
        number, way = line.split()
        pin = made[0].pin(int(number))
        (pin.drive_low if way == "down" else pin.drive_high)()


if __name__ == "__main__":
    make_factory, chip.pin_factory = chip.pin_factory, kept
    threading.Thread(target=move_pins, name="person", daemon=True).start()
    sys.exit(main())
