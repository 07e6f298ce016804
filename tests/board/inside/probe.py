"""In the machine, run by the daemon as a tool: what a program may do there. docs/tools.md tells the same.

`probe.py URL` tries these things, and writes the names of those that it could do into the daemon's own folder.
"""

import ctypes
import mmap
import os
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

CREDENTIALS = Path("/run/credentials/antiphon.service")
KEPT = Path("/var/lib/antiphon")
PROT_WRITE_EXEC = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC


def main(url):
    def fetch():
        with suppress(urllib.error.HTTPError):  # an answer is an answer
            urllib.request.urlopen(url, timeout=5).close()

    def listen():
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))

    def start_a_thread():
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()

    def run_what_it_wrote():
        program = Path(tempfile.mkdtemp(), "program")
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        subprocess.run([program], check=True)

    things = {
        "start a program": lambda: subprocess.run(["/bin/true"], check=True),
        "start a thread": start_a_thread,
        "load a C library": lambda: ctypes.CDLL("libc.so.6").getpid(),
        "turn a mixer": lambda: subprocess.run(["amixer", "-q", "-c", "0", "scontrols"], check=True),
        "fetch a page": fetch,
        "write to /tmp": lambda: tempfile.TemporaryFile().close(),
        "write to what the daemon keeps": lambda: tempfile.TemporaryFile(dir=KEPT).close(),
        "write to /srv": lambda: Path("/srv/probe").write_text("x"),
        "look into /home": lambda: list(Path("/home").iterdir()),
        "listen on a port": listen,
        "write and run memory": lambda: mmap.mmap(-1, 4096, prot=PROT_WRITE_EXEC).close(),
        "run what it wrote": run_what_it_wrote,
        "become root": lambda: os.setuid(0),
        "read root's copy of the key": lambda: Path("/etc/antiphon/stepfun_api_key").read_text(),
        "read the daemon's copy of the key": (CREDENTIALS / "stepfun_api_key").read_text,
    }
    could = []
    for name, thing in things.items():
        with suppress(OSError, subprocess.SubprocessError):
            thing()
            could.append(name)
    (KEPT / "probed").write_text("\n".join(could) + "\n")


main(sys.argv[1])
