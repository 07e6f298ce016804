"""What a chain of LEDs wants to hear on an SPI bus: colours become bytes. Pure; it knows no bus.

APA102 and its kin (SK9822) have a clock of their own: Shiji Lighting, "APA102 RGB full color LED control IC".
WS2812 has none, and tells bits by how long the line is high: Worldsemi, "WS2812B" and "WS2812B-V5".
"""

from collections.abc import Sequence

from antiphon.faces import Rgb

APA102_HZ = 4_000_000
"""Far below what the chips take; 64 LEDs are told in half a millisecond."""
WS2812_HZ = 6_000_000
"""Eight bits on the bus, 167 ns each, make one of the chain's. A bus that can only be a little slower may be."""
WS2812_RESET_BYTES = 225
"""300 µs of silence: with 280 a V5 shows what it has heard, older ones with 50."""

_FULL = 0b111_11111
"""Three bits that mark an LED's frame, and its current: 31 of 31. Less is pulsed at a rate that cameras and the corner
of an eye can see, while colours are not, so that only colours make an LED dim."""
_SYMBOLS = (0b11000000, 0b11110000)
"""A 0 is high for 333 ns (220 to 380 in V5, 250 to 550 before), a 1 for 667 ns (580 to 1000, 650 to 950). Both end
low, so that a bus which rests between bytes makes no bit longer."""
_ENCODED = [bytes(_SYMBOLS[byte >> bit & 1] for bit in range(7, -1, -1)) for byte in range(256)]


def apa102(colours: Sequence[Rgb]) -> bytes:
    """A start of 32 zeros, a frame an LED (blue, green, red), and an end.

    Each LED hands the data on half a clock late, so the last needs half a clock more for each before it. The end's
    bits are zeros, which an SK9822 takes for the reset that it wants, and an APA102 for nothing.
    """
    frames = b"".join(bytes((_FULL, blue, green, red)) for red, green, blue in colours)
    end_bits = 32 + (len(colours) + 1) // 2
    return bytes(4) + frames + bytes((end_bits + 7) // 8)


def ws2812(colours: Sequence[Rgb]) -> bytes:
    """Silence, eight bits on the bus for each of the chain (green, red, blue, highest bit first), and silence.

    The first silence ends what a line that idles high may have said; at the second the LEDs show what they heard.
    """
    silence = bytes(WS2812_RESET_BYTES)
    return (
        silence
        + b"".join(_ENCODED[channel] for red, green, blue in colours for channel in (green, red, blue))
        + silence
    )
