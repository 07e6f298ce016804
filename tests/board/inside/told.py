"""In the machine: what a unit has written to the journal, from a cursor on, until it says what is waited for.

`told.py UNIT CURSOR SECONDS WHAT [FIELD=VALUE...]`: an entry as JSON a line. Status 0 when it was said, else 1.
An empty CURSOR begins with this boot; with an empty WHAT there is nothing to wait for.
"""

import json
import select
import subprocess
import sys
import time


def entry(line):
    """What is the appliance's own in an entry; times in seconds since the machine was switched on."""
    fields = json.loads(line)
    own = {
        name.removeprefix("ANTIPHON_").lower(): value for name, value in fields.items() if name.startswith("ANTIPHON_")
    }
    head = {
        "t": int(fields["__MONOTONIC_TIMESTAMP"]) / 1e6,
        "cursor": fields["__CURSOR"],
        "message": fields.get("MESSAGE"),
        "pid": fields.get("_PID"),
        "priority": int(fields.get("PRIORITY", 6)),
    }
    return {"what": "", **own, **head}


def main(unit, cursor, seconds, what="", *wanted):
    end = time.monotonic() + float(seconds)
    place = [f"--after-cursor={cursor}"] if cursor else ["-b"]
    follow = ["-f", "-n", "all"] if what else []
    command = ["journalctl", "-u", unit, "-o", "json", "--no-pager", "-q", *place, *follow]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as journal:
        rest = b""
        try:
            while time.monotonic() < end:
                if not select.select([journal.stdout], [], [], max(0.0, end - time.monotonic()))[0]:
                    break
                news = journal.stdout.read1()
                if not news:
                    break
                *lines, rest = (rest + news).split(b"\n")
                for line in lines:
                    told = entry(line)
                    print(json.dumps(told))
                    if what and told.get("what") == what and all(str(told.get(k)) == v for k, v in wanted):
                        return 0
        finally:
            journal.terminate()
    return 1 if what else 0


if __name__ == "__main__":
    first, pairs = sys.argv[1:5], [word.split("=", 1) for word in sys.argv[5:]]
    sys.exit(main(*first, *pairs))
