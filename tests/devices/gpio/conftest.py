"""A chip on mock lines for every test here."""

import pytest

from devices.gpio.lines import Heard, chip_with


@pytest.fixture
def chip_and_lines(monkeypatch):
    with chip_with(monkeypatch) as pair:
        yield pair


@pytest.fixture
def chip(chip_and_lines):
    return chip_and_lines[0]


@pytest.fixture
def lines(chip_and_lines):
    return chip_and_lines[1]


@pytest.fixture
def log():
    return Heard()
