"""Numbers as words, for simulated models that tell what they heard. Pure; it knows no service."""

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def in_words(number: float) -> str:
    """`number` (0 to 9999) to one decimal place, as words: 2.3 is "two point three"."""
    whole, tenth = divmod(round(number * 10), 10)
    return _whole(whole) + (f" point {_DIGITS[tenth]}" if tenth else "")


def _whole(number: int) -> str:
    if number < 10:
        return _DIGITS[number]
    if number < 20:
        return _TEENS[number - 10]
    if number < 100:
        return _TENS[number // 10] + (f" {_DIGITS[number % 10]}" if number % 10 else "")
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    rest = number % size
    return f"{_whole(number // size)} {name}" + (f" {_whole(rest)}" if rest else "")
