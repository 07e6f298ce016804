"""What is said of this machine: its clock, wake word models, echo cancellers and service manager."""

import sys
from datetime import UTC, datetime

import pytest

from antiphon.checkup.host import check_clock, check_echo, check_systemd, check_wake_words
from antiphon.settings import Microphone, Settings, Wake, WakeWord
from antiphon.settings.sections import Echo


@pytest.mark.parametrize(
    ("year", "synchronised", "verdict", "words"),
    [
        (1970, True, "fail", "1970-01-02 03:04 UTC"),
        (2024, True, "fail", "2024"),
        (2100, True, "fail", "2100"),
        (2031, False, "warn", "no time server"),
        (2031, True, "ok", "synchronised"),
    ],
)
def test_clock(year, synchronised, verdict, words):
    finding = check_clock(datetime(year, 1, 2, 3, 4, tzinfo=UTC), synchronised)
    assert finding.verdict == verdict
    assert words in finding.says
    assert bool(finding.remedy) is (verdict != "ok")


def test_the_kernel_is_asked_whether_the_clock_is_synchronised():
    assert check_clock(datetime(2031, 1, 1, tzinfo=UTC)).verdict in ("ok", "warn")


def heard(*models, engine="microwakeword"):
    return Settings(wake=Wake(words=tuple(WakeWord(engine=engine, model=model) for model in models)))


def test_wake_words_are_loaded():
    finding = check_wake_words(heard("hey_jarvis", "alexa"))
    assert finding.verdict == "ok"
    assert "hey_jarvis, alexa loaded in" in finding.says


def test_no_wake_word_is_no_failure():
    assert check_wake_words(heard()).verdict == "ok"


def test_a_model_that_is_not_there():
    finding = check_wake_words(heard("hey_nobody"))
    assert finding.verdict == "fail"
    assert "hey_nobody" in finding.says
    assert "wake.words" in finding.remedy


@pytest.mark.parametrize(
    ("cancel", "rate_hz", "opened_hz", "verdict", "words"),
    [
        ("none", 44_100, 44_100, "ok", "not cancelled"),
        ("hardware", 48_000, 48_000, "ok", "by itself"),
        ("hardware", 44_100, None, "fail", "44100"),
        ("hardware", None, None, "warn", "not known"),
        ("hardware", None, 44_100, "fail", "44100"),
        ("software", 16_000, None, "ok", "both cancellers"),
        ("software", None, 48_000, "ok", "at 48000 Hz"),
        ("software", None, None, "warn", "not known"),
        ("software", None, 44_100, "fail", "44100"),
        ("software", 44_100, None, "fail", "44100"),
    ],
)
def test_echo(cancel, rate_hz, opened_hz, verdict, words):
    finding = check_echo(Settings(echo=Echo(cancel=cancel), microphone=Microphone(rate_hz=rate_hz)), opened_hz)
    assert finding.verdict == verdict
    assert words in finding.says
    assert ("16000 or 32000 or 48000" in finding.remedy) is (verdict != "ok")


def test_a_canceller_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "livekit.rtc", None)
    finding = check_echo(Settings(echo=Echo(cancel="software")))
    assert finding.verdict == "fail"
    assert "antiphon[echo]" in finding.says
    assert "echo.cancel" in finding.remedy


def test_nobody_waits_for_word_without_systemd(tmp_path):
    finding = check_systemd({}, tmp_path / "absent")
    assert finding.verdict == "ok"
    assert "not run by systemd" in finding.says


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "/run/systemd/notify"}])
def test_systemd_is_told_if_it_can_be(tmp_path, environ):
    booted = tmp_path if not environ else tmp_path / "absent"
    finding = check_systemd(environ, booted)
    assert finding.verdict in ("ok", "warn")
    assert "will be told" in finding.says or "systemd-python" in finding.says
    assert bool(finding.remedy) is (finding.verdict == "warn")
