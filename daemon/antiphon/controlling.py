"""Floor 5. A client of the running daemon: asks its control socket, and shows the status on one screen.

What the daemon refuses is told apart from a daemon that is not there: the owner mends them elsewhere.
"""

import json
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedRWPair
from pathlib import Path
from typing import Any, TypeAlias

from antiphon.errors import AntiphonError
from antiphon.runtime.control import ANSWER_S, SAY_S

Tree: TypeAlias = dict[str, Any]

STATUS_S = 10.0
LONGEST_REPLY = 1_000_000  # a status has some thousands
CLEAR = "\x1b[H\x1b[2J"
UNIT_FOLDERS = tuple(map(Path, ("/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")))
_GRACE_S = 5.0
_WIDTH = 13
_LOUDER = re.compile(r"([+-]?)([0-9]{1,3})%?")


class NoDaemonError(AntiphonError):
    """Nobody answers at the control socket, or not to us."""


class NotRunningError(NoDaemonError):
    """Nobody is there to answer."""


def ask(paths: Sequence[Path], request: Tree) -> Tree:
    """The daemon's reply; `paths` are where it may be, tried in order. Raises NoDaemonError."""
    limit_s = {"status": STATUS_S, "say": SAY_S + _GRACE_S}.get(request["do"], ANSWER_S + _GRACE_S)
    with _connected(paths, limit_s) as stream:
        _send(stream, request)
        return _reply(stream)


def watch(paths: Sequence[Path]) -> Iterator[Tree]:
    """The status, now and at every change, until the daemon ends. Raises NoDaemonError."""
    with _connected(paths, STATUS_S) as stream:
        _send(stream, {"do": "watch"})
        while True:
            yield _reply(stream)


def volume_request(text: str) -> Tree:
    """`40` is how loud, `+5` and `-5` are how much louder; "" only asks. Raises ValueError."""
    if not text:
        return {"do": "volume"}
    found = _LOUDER.fullmatch(text)
    if found is None or int(found[2]) > 100:
        raise ValueError(text)
    if found[1]:
        return {"do": "volume", "change": int(found[1] + found[2])}
    return {"do": "volume", "percent": int(found[2])}


# ── the connection ───────────────────────────────────────────────────────────────────────────────


@contextmanager
def _connected(paths: Sequence[Path], limit_s: float) -> Iterator[BufferedRWPair]:
    with _caller(paths) as caller:
        caller.settimeout(limit_s)
        with caller.makefile("rwb") as stream:
            try:
                yield stream
            except TimeoutError:
                raise NoDaemonError(f"the daemon has not answered in {limit_s:g} s: {_SEE}") from None
            except OSError as error:
                raise NoDaemonError(f"the daemon has gone ({error.strerror}): {_SEE}") from None


_SEE = "see what it says (systemctl status antiphon)"


def _caller(paths: Sequence[Path]) -> socket.socket:
    """Connected to the first of `paths` where somebody listens."""
    closed = ""
    busy: Path | None = None
    for path in paths:
        caller = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        caller.settimeout(STATUS_S)
        try:
            caller.connect(str(path))
        except PermissionError:
            caller.close()
            closed = closed or str(path)
        except BlockingIOError:  # it listens, and takes nobody: it hangs, or many call at once
            caller.close()
            busy = busy or path
        except (OSError, ValueError):  # not there, nobody listens, or no place for a socket
            caller.close()
        else:
            return caller
    if busy is not None:
        raise NoDaemonError(f"the daemon at {busy} takes no more callers: try again, or {_SEE}")
    if closed:
        remedy = "join it (sudo usermod -aG antiphon $USER, and log in again), or use sudo"
        raise NoDaemonError(f"{closed}: only root and the group antiphon may use it: {remedy}")
    tried = " or ".join(map(str, paths))
    raise NotRunningError(f"the daemon does not run: nobody answers at {tried}. {how_to_start()}")


def how_to_start(folders: Sequence[Path] = UNIT_FOLDERS) -> str:
    """What to do where the daemon does not run; `folders` are where its unit may be installed."""
    if not any((folder / "antiphon.service").exists() for folder in folders):
        return "It is not installed as a service; start it: antiphon run"
    return (
        "Start it: sudo systemctl start antiphon; if it ends at once, journalctl -u antiphon -n 5 says why, "
        "antiphon check tries the settings, and sudo antiphon setup asks for a key"
    )


def _send(stream: BufferedRWPair, request: Tree) -> None:
    stream.write(json.dumps(request).encode() + b"\n")
    stream.flush()


def _reply(stream: BufferedRWPair) -> Tree:
    line = stream.readline(LONGEST_REPLY)
    if not line.endswith(b"\n") and len(line) < LONGEST_REPLY:
        raise NoDaemonError(f"the daemon ended before it had answered: {_SEE}")
    try:
        reply = json.loads(line)
    except (ValueError, RecursionError):
        reply = None
    if not isinstance(reply, dict) or not (reply.get("ok") is True or isinstance(reply.get("why"), str)):
        raise NoDaemonError("what answers there is no antiphon: name its socket by --socket or control.socket")
    return reply


# ── for people ───────────────────────────────────────────────────────────────────────────────────


def shown(status: Tree) -> str:
    """The status on one screen; `status` is a reply to {"do": "status"} that is ok.

    Raises NoDaemonError for that of another version, as of a daemon that was not restarted after an upgrade.
    """
    try:
        return _shown(status)
    except (LookupError, TypeError, ValueError, AttributeError):
        version = plain(str(status.get("version", "unknown")))
        remedy = "restart it (sudo systemctl restart antiphon), or read its status with --json"
        raise NoDaemonError(f"the daemon is of another version ({version}): {remedy}") from None


def _shown(status: Tree) -> str:
    rows = [
        ("antiphon", f"{status['version']}, process {status['pid']}, for {_length(status['uptime_s'])}"),
        ("state", f"{_state(status)}, for {_length(status['since_s'])}"),
        ("link", _link(status["link"])),
        ("microphone", _microphone(status["microphone"])),
        ("speaker", _speaker(status["speaker"])),
        ("own echo", _echo(status["echo"])),
        ("wake words", ", ".join(status["wake_words"]) or "none"),
        ("board", status["board"]),
        ("watchdog", _watchdog(status["watchdog"])),
        *_counters(status["counters"]),
    ]
    if status["problem"]:
        rows.append(("problem", status["problem"]))
    if status["timers"]:
        rows.append(("timers", ", ".join(_timer(one) for one in status["timers"])))
    if status["ringing"]:
        rows.append(("ringing", status["ringing"]))
    lines = [f"{name:{_WIDTH}}{words}" for name, words in rows]
    if status["troubles"]:
        lines.append("last warnings and errors, the newest first")
        lines += [_trouble(one) for one in status["troubles"]]
    return "".join(plain(line) + "\n" for line in lines)


def plain(words: str) -> str:
    """One line with nothing in it that moves a terminal's cursor: a service may have said it."""
    return "".join(one if one.isprintable() else " " for one in words)


def _timer(one: Tree) -> str:
    """`1 (tea) in 12 min 5 s`."""
    label = f" ({one['label']})" if one["label"] else ""
    return f"{one['timer']}{label} in {_length(one['left_s'])}"


def _length(seconds: float) -> str:
    """`2 d 4 h`, `4 h 12 min`, `12 min 5 s`, `5 s`."""
    whole = round(seconds)
    for unit, size, lesser, part in (("d", 86_400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part} {lesser}"
    return f"{whole} s"


def _state(status: Tree) -> str:
    """`deaf` is what it is by its own wish; without a microphone it is no less so."""
    state, mic = status["state"], status["microphone"]
    if state == "deaf":
        return "deaf (muted)"
    unheard = state != "starting" and not mic["open"] and not mic["muted"]
    return f"{state}, but it hears nothing" if unheard else str(state)


def _link(link: Tree) -> str:
    call = f", call {link['call']}" if link["call"] is not None else ""
    fallback = ", as the first of the links does not answer" if link["fallback"] else ""
    return f"{link['name'] or 'none'}: {link['health']}{call}{fallback}"


def _microphone(mic: Tree) -> str:
    if mic["switched_off"]:
        return "closed: the switch on the device says muted"
    if not mic["open"]:
        return "closed: muted" if mic["muted"] else "closed: it cannot be used"
    level = f"{mic['level_db']:.0f} dBFS now, {mic['loudest_db']:.0f} the loudest of the last seconds"
    return f"{level}; {mic['device']}, {mic['rate_hz']} Hz"


def _speaker(speaker: Tree) -> str:
    volume = "volume unknown" if speaker["volume"] is None else f"volume {speaker['volume']}"
    if not speaker["usable"]:
        return f"cannot be used; {volume}"
    return f"{volume}; {speaker['device']}" if speaker["open"] else f"{volume}; closed while nobody speaks"


def _echo(echo: Tree) -> str:
    how = {"none": "not taken out", "hardware": "taken out by the microphone", "software": "taken out here"}
    words = how.get(echo["cancel"], str(echo["cancel"]))
    if echo["half_duplex"]:
        words += ", and not well: it hears nothing while it speaks"
    if echo["erle_db"] is None:
        return words
    drift = "" if echo["drift_ppm"] is None else f", clocks {echo['drift_ppm']:+.0f} ppm apart"
    return f"{words}: {echo['erle_db']:.0f} dB less of it, {echo['delay_ms']:.0f} ms late{drift}"


def _watchdog(watchdog: Tree) -> str:
    return f"{watchdog['limit_s']:g} s, fed {watchdog['fed']} times" if watchdog["limit_s"] else "none"


def _counters(counters: Tree) -> list[tuple[str, str]]:
    """What every appliance counts, and what no appliance should."""
    usual = ("wakes", "turns", "replies", "interruptions", "calls_opened")
    told = [f"{name.replace('_', ' ')} {counters[name]}" for name in usual if name in counters]
    rest = [f"{name.replace('_', ' ')} {count}" for name, count in counters.items() if name not in usual and count]
    return [("counted", ", ".join(told)), *([("lost", ", ".join(rest))] if rest else [])]


def _trouble(trouble: Tree) -> str:
    times = f" ({trouble['times']} times)" if trouble["times"] > 1 else ""
    words = f": {trouble['words']}" if trouble["words"] else ""
    return f"  {_length(trouble['ago_s'])} ago{times}  {trouble['what']}{words}"
