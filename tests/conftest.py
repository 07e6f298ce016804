"""For the whole suite: no test is judged by wall-clock speed, so hypothesis sets no deadline."""

from hypothesis import settings

settings.register_profile("antiphon", deadline=None)
settings.load_profile("antiphon")
