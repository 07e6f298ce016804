"""For the whole suite: no property test is judged by wall-clock speed, and each tries the same examples every time.

`pytest --hypothesis-profile explore` tries others.
"""

from hypothesis import settings

settings.register_profile("antiphon", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("antiphon")
