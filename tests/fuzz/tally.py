"""How many examples of each stream are tried, and what became of them: counted for whoever asks for very many."""

from collections import Counter

from hypothesis import HealthCheck, settings

FEW = 200

COUNTS: Counter[str] = Counter()
"""Of the test that runs: "examples", and what was met."""

_profile = settings.default
many = settings(
    _profile,
    max_examples=max(FEW, _profile.max_examples) if _profile else FEW,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
"""Settings of every test here: as many examples as the profile has, and no fewer than FEW."""


def met(*what):
    """This happened in the example."""
    COUNTS.update(what)
