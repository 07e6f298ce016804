"""In the machine, whose clock is virtual: a month of the appliance's life, and what it holds at the end of each day.

`month.py DAYS AWAKE_MIN` writes a line of JSON a day to month.jsonl. A day is four visits: the microphone is opened,
turns are taken, it listens on for its part of AWAKE_MIN minutes, and is closed until the next. On some days
the clock is set.
"""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

UNIT = "antiphon"
CONTROL = "/run/antiphon/control.sock"
VISIT_S = 6 * 3600
TURNS = 3
LEAPS = {5: 3600, 12: -3600, 19: 86_400, 24: -7200}
"""The day, and by how many seconds the clock is set then."""


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=600).stdout


def cursor():
    last = run("journalctl", "-n", "1", "-o", "json", "--no-pager", "-q").splitlines()[-1]
    return json.loads(last)["__CURSOR"]


def told(place, what, seconds=60):
    """Wait until it says so; the new place in the journal. Whoever waits longer than this has found a fault."""
    words = [sys.executable, "inside/told.py", UNIT, place, str(seconds), what]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"it did not say {what}:\n{done.stdout[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])["cursor"]


def ask(**request):
    """As the command line does, through the control socket; starting that 20 times a day costs more than the day."""
    with socket.socket(socket.AF_UNIX) as control, control.makefile("rw") as words:
        control.settimeout(60)
        control.connect(CONTROL)
        words.write(json.dumps(request) + "\n")
        words.flush()
        reply = json.loads(words.readline())
    if not reply["ok"]:
        sys.exit(f"{request}: {reply}")


def turn():
    place = cursor()
    ask(do="listen")
    run("aplay", "-q", "-D", "plughw:0,1", "month.wav")
    told(place, "heard")
    time.sleep(1)


def visit(awake_s):
    ask(do="unmute")
    for _ in range(TURNS):
        turn()
    time.sleep(awake_s)
    ask(do="mute")


def held():
    """What the process holds now."""
    pid = run("systemctl", "show", "-P", "MainPID", UNIT).strip()
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    stat = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return {
        "pid": int(pid),
        "memory_kb": int(status["VmRSS"].split()[0]),
        "threads": int(status["Threads"]),
        "descriptors": len(list(Path(f"/proc/{pid}/fd").iterdir())),
        "cpu_s": (int(stat[11]) + int(stat[12])) / 100,
        "restarts": int(run("systemctl", "show", "-P", "NRestarts", UNIT)),
    }


def lines_since(place):
    """How many lines it has written, and how often it has said each."""
    words = [sys.executable, "inside/told.py", UNIT, place, "600", ""]
    entries = [json.loads(line) for line in run(*words).splitlines() if line.startswith("{")]
    count = {}
    for entry in entries:
        count[str(entry.get("what"))] = count.get(str(entry.get("what")), 0) + 1
    return {"lines": len(entries), "said": count}


def main(days, awake_min):
    ask(do="mute")
    with Path("month.jsonl").open("w") as book:
        for day in range(1, int(days) + 1):
            place, began = cursor(), time.monotonic()
            if day in LEAPS:
                run("date", "-s", f"{LEAPS[day]:+} seconds")
            for number in range(1, 86_400 // VISIT_S + 1):
                visit(60 * float(awake_min) / (86_400 / VISIT_S))
                time.sleep(max(0.0, began + number * VISIT_S - time.monotonic()))
            leap = {"clock-set": LEAPS[day]} if day in LEAPS else {}
            row = {"day": day, **leap, "hours": (time.monotonic() - began) / 3600, **held(), **lines_since(place)}
            book.write(json.dumps(row) + "\n")
            book.flush()


main(*sys.argv[1:])
