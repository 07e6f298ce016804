"""For the whole suite: no property test is judged by wall-clock speed, and each tries the same examples every time.

`pytest --hypothesis-profile explore` tries others, and `--hypothesis-profile fuzz` very many of them (`make fuzz`).
"""

from hypothesis import settings

settings.register_profile("antiphon", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=10_000, print_blob=True)
settings.load_profile("antiphon")
