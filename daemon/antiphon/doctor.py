"""Floor 5. `antiphon doctor`: tries everything that the appliance needs, one line each, and the remedy of each failure.

It only puts the checks (checkup/) in order and prints what they find; exit 0 when nothing failed, else 1.
"""

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from antiphon.app import make_sound_card
from antiphon.checkup.acoustic import STOP_IT, Outcome, measure_acoustics
from antiphon.checkup.advice import unsure
from antiphon.checkup.cable import check_cable
from antiphon.checkup.finding import Finding, in_time
from antiphon.checkup.host import check_clock, check_echo, check_systemd, check_wake_words
from antiphon.checkup.key import EncryptedKeyError, key_in_use
from antiphon.checkup.lan import check_lan, lan_targets
from antiphon.checkup.network import check_network, target_of
from antiphon.checkup.pins import check_gpio
from antiphon.checkup.questions import check_questions, question_targets
from antiphon.checkup.sound import NOT_IN_TIME, check_microphone, check_speaker
from antiphon.checkup.suggestion import as_yaml
from antiphon.checkup.telling import drawn, printed
from antiphon.checkup.tools import check_tools
from antiphon.config_files import read_layers, stepfun_urls
from antiphon.errors import MissingKeyError, SettingsError
from antiphon.secret import Secret
from antiphon.settings import Loaded, Settings, idle, load

SOUND_LIMIT_S = 10.0
"""A driver that hangs is given up after this long."""


def run_doctor(config: Path | None, environ: Mapping[str, str], sets: Sequence[str], *, as_json: bool) -> int:
    """Run every check, print as each ends; 0 when none failed. `environ` is where variables and the key come from."""
    show = _shown(as_json=as_json)
    findings: list[Finding] = []
    for finding in examine(config, environ, sets):
        findings.append(finding)
        show(finding)
    failed = sum(finding.verdict == "fail" for finding in findings)
    if as_json:
        print(json.dumps(_as_data(findings), indent=2, ensure_ascii=False))
    else:
        print(f"{failed} of {len(findings)} checks failed." if failed else "The appliance has all it needs.")
    return 1 if failed else 0


def _as_data(findings: Sequence[Finding]) -> dict[str, Any]:
    told = [{name: getattr(one, name) for name in Finding.__dataclass_fields__} for one in findings]
    return {"ok": all(finding.verdict != "fail" for finding in findings), "findings": told}


def run_acoustic(settings: Settings, *, as_json: bool, runs: bool) -> int:
    """Only measure the way from the speaker to the microphone; 0 when nothing failed. `runs`: the appliance does, and
    holds the card.
    """
    show = _shown(as_json=as_json)
    if runs:
        outcome = Outcome([Finding("acoustics", "fail", "the appliance runs, and holds the sound card", STOP_IT)], [])
    else:
        if not as_json:
            print("It will sound for ten seconds, quietly first; keep still, and do not move anything.", flush=True)
        outcome = measure_acoustics(settings)
    for finding in outcome.findings:
        show(finding)
    if as_json:
        print(json.dumps(_acoustic_data(outcome), indent=2, ensure_ascii=False))
    elif outcome.suggestions:
        print(f"\nIt suggests, for /etc/antiphon/antiphon.yaml:\n\n{as_yaml(outcome.suggestions)}", end="")
    elif outcome.measured is not None:
        why = unsure(outcome.measured)
        print(f"\nIt suggests nothing, as {why}: try again." if why else "\nIt suggests no other settings.")
    return 1 if any(finding.verdict == "fail" for finding in outcome.findings) else 0


def _shown(*, as_json: bool) -> Callable[[Finding], None]:
    """How each finding is told as it comes."""
    return _ignore if as_json else drawn if sys.stdout.isatty() else printed


def _acoustic_data(outcome: Outcome) -> dict[str, Any]:
    measured = None if outcome.measured is None else finite(asdict(outcome.measured))
    suggested = [asdict(one) for one in outcome.suggestions]
    return _as_data(outcome.findings) | {"measured": measured, "suggested": suggested}


def finite(value: Any) -> Any:
    """JSON knows no infinity: null stands for it."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def examine(config: Path | None, environ: Mapping[str, str], sets: Sequence[str]) -> Iterator[Finding]:
    """All checks, each as it ends. Where the settings are wrong, the rest is tried with the defaults."""
    try:
        loaded = load(read_layers(config, environ, sets))
    except SettingsError as error:
        yield from _wrong_settings(error)
        settings = Settings()
    else:
        yield Finding("settings", "ok", _origin(loaded))
        settings = loaded.settings
        yield from (Finding("settings", "warn", says, remedy) for says, remedy in idle(settings))
        yield from _check_links(settings, config, environ)
    yield check_clock()
    microphone, speaker = make_sound_card(settings)
    rates_hz: list[int] = []
    yield _check_sound("microphone", lambda: check_microphone(microphone, opened=rates_hz.append))
    yield _check_sound("speaker", lambda: check_speaker(speaker, settings.speaker.chime_level_db))
    yield check_echo(settings, rates_hz[0] if rates_hz else None)
    yield check_wake_words(settings)
    yield check_gpio(settings)
    yield from check_tools(settings, environ)
    yield check_systemd(environ)


def _wrong_settings(error: SettingsError) -> Iterator[Finding]:
    for line in str(error).splitlines():
        yield Finding("settings", "fail", line, "mend it; `antiphon check` shows what is in effect")
    # A key is never sent to an address that the owner may not have meant.
    for check in ("key", "service"):
        yield Finding(check, "skip", "not tried, as the settings are wrong")


def _origin(loaded: Loaded) -> str:
    """Where the settings come from: files, variables and --set, without lines."""
    origins = sorted({origin.partition(":")[0] for origin in loaded.origins.values()} - {"default"})
    return f"from {', '.join(origins)}" if origins else "the defaults"


def _check_links(settings: Settings, config: Path | None, environ: Mapping[str, str]) -> Iterator[Finding]:
    """The network, the key, and the way to everybody who may be asked."""
    targets = [*lan_targets(settings), *question_targets(settings)]
    if "realtime" in settings.links:
        targets.append(target_of(settings))
    if all(target.is_here for target in targets):
        cable = Finding("network", "ok", "not needed: what is asked is on this machine")
    else:
        cable = check_cable()
    yield cable
    connected = cable.verdict != "fail"
    key, finding = _find_key(settings, config, environ)
    yield finding
    usable = finding.verdict == "ok"
    if "realtime" in settings.links:
        yield from check_network(settings, key, connected=connected, call=usable)
    else:
        yield Finding("service", "skip", "not in use: links leaves realtime out")
    yield from check_questions(settings, key, connected=connected, call=usable)
    yield from check_lan(settings, connected=connected)


def _find_key(settings: Settings, config: Path | None, environ: Mapping[str, str]) -> tuple[Secret | None, Finding]:
    """The key, and what is to be said of it: "ok" where it, or doing without, is as it should be."""
    if not stepfun_urls(settings):
        return None, Finding("key", "skip", "not in use: links asks nobody who wants one")
    try:
        key = key_in_use(settings, config, environ)
    except SettingsError as error:
        return None, _unusable_key(error)
    says = f"found in {key.origin}" if key else "none, and this machine's own service needs none"
    return key, Finding("key", "ok", says)


def _unusable_key(error: SettingsError) -> Finding:
    if isinstance(error, EncryptedKeyError):
        says = f"the service has an encrypted one ({error}), which only systemd can read: it cannot be tried from here"
        return Finding("key", "skip", says, "the journal says whether it is taken: journalctl -u antiphon")
    says, _, remedy = str(error).partition(": " if isinstance(error, MissingKeyError) else "; ")
    remedy = remedy.replace("use sudo", "sudo antiphon doctor", 1)  # whoever may read it
    return Finding("key", "fail", says, remedy or "give the key alone, as its maker shows it: sudo antiphon setup")


def _check_sound(check: str, work: Callable[[], Finding]) -> Finding:
    """In time, whatever the driver does: PortAudio may hang for ever."""
    try:
        return in_time(work, SOUND_LIMIT_S)
    except TimeoutError:
        return Finding(check, "fail", f"the sound system has not answered in {SOUND_LIMIT_S:g} s", NOT_IN_TIME)


def _ignore(_: Finding) -> None:
    """Data is printed when all is known."""
