"""What chains of LEDs hear, bit by bit, as the makers' data sheets have it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.devices.led_chains import WS2812_HZ, apa102, ws2812

colours = st.lists(st.tuples(*[st.integers(0, 255)] * 3), max_size=64)


def bits(data):
    return "".join(f"{byte:08b}" for byte in data)


def test_an_apa102_hears_its_frame_in_its_order():
    """Start of 32 zeros; 111, five bits of current, blue, green, red; an end of zeros."""
    heard = bits(apa102([(1, 2, 4)]))
    assert heard[:32] == "0" * 32
    assert heard[32:64] == "111" + "11111" + "00000100" + "00000010" + "00000001"
    assert set(heard[64:]) == {"0"}


@given(colours)
def test_an_apa102_chain_hears_every_led_and_clocks_for_the_last(chain):
    told = apa102(chain)
    frames = [told[at : at + 4] for at in range(4, 4 + 4 * len(chain), 4)]
    assert [(red, green, blue) for _, blue, green, red in frames] == chain
    assert all(frame[0] == 0xFF for frame in frames)
    end = told[4 + 4 * len(chain) :]
    assert not any(end)
    assert len(end) * 8 >= 32 + len(chain) / 2  # half a clock an LED, after the reset of an SK9822
    assert len(end) * 8 < 32 + len(chain) / 2 + 8


def test_an_apa102_chain_ends_by_half_a_clock_an_led_rounded_up():
    assert [len(apa102([(0, 0, 0)] * count)) - 4 - 4 * count for count in (1, 16, 17, 64)] == [5, 5, 6, 8]


def pulses(heard):
    """The lengths of high and low in bits on the bus, from the first high on."""
    runs, level = [], "1"
    for bit in heard.lstrip("0"):
        if bit == level and runs:
            runs[-1] += 1
        else:
            runs.append(1)
            level = bit
    return list(zip(runs[::2], runs[1::2], strict=True))


def decoded(told):
    """What a WS2812 takes it for: a high of less than 480 ns is 0, and 24 bits are green, red, blue."""
    ones = "".join("01"[high * 1e9 / WS2812_HZ > 480] for high, _ in pulses(bits(told)))
    values = [int(ones[at : at + 8], 2) for at in range(0, len(ones), 8)]
    return [(values[at + 1], values[at], values[at + 2]) for at in range(0, len(values), 3)]


@given(colours)
def test_a_ws2812_chain_hears_every_led(chain):
    assert decoded(ws2812(chain)) == chain


@pytest.mark.parametrize("slower", [1.0, 0.96])  # the bus of a Pi divides its clock, and is never faster than asked
def test_the_pulses_of_a_ws2812_are_within_both_data_sheets(slower):
    ns = 1e9 / (WS2812_HZ * slower)
    told = pulses(bits(ws2812([(0b01010101, 0b00110011, 0b11110000)] * 2)))
    for high, low in told[:-1]:  # the last low is the silence
        one = high * ns > 480
        assert 580 <= high * ns <= 950 if one else 250 <= high * ns <= 380
        assert low * ns >= 580
        assert 650 <= (high + low) * ns <= 1850  # 1.25 µs, 600 ns more or less


def test_a_ws2812_chain_shows_after_280_us_of_silence_at_both_ends():
    told = bits(ws2812([(255, 255, 255)]))
    for silence in (told, told[::-1]):
        assert silence.index("1") / WS2812_HZ >= 280e-6


def test_every_symbol_of_a_ws2812_ends_low():
    """So a pause of the bus between two bytes makes no bit longer."""
    assert not any(byte & 1 for byte in ws2812([(255, 0, 129)]))


def test_the_longest_chain_is_one_write_to_the_bus():
    """spidev cuts what is longer than 4096 bytes, and a pause would be a silence."""
    assert max(len(encode([(255, 255, 255)] * 64)) for encode in (apa102, ws2812)) <= 4096
