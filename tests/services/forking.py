"""The command without its start: a process that has imported all of it forks for each time that it is to run.

What a verb does, says and leaves is the same; only the half of a second that a start takes is saved. Run as a program
this is that process.
"""

import faulthandler
import gc
import json
import os
import socket
import subprocess
import sys
import tempfile
import traceback
from contextlib import contextmanager, suppress

MOST_BYTES = 128 * 1024
"""Of arguments and environment."""
PARTS = (
    "asking cli dictating saying speech.stream transcribing voicing links.cascade.link links.chat.link speech.voices"
)


@contextmanager
def forker(folder):
    """Yields `run(arguments, environ, limit_s)`, which is the end of `antiphon ARGUMENTS`."""
    place = folder / "forker.sock"
    with subprocess.Popen(
        [sys.executable, "-P", __file__, str(place)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout.readline() == b"ready\n"
            yield lambda arguments, environ, limit_s: _run(place, arguments, environ, limit_s)
        finally:
            process.kill()


def _run(place, arguments, environ, limit_s):
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asker,
    ):
        asker.settimeout(limit_s + 10)  # by then it has ended
        asker.connect(str(place))
        order = json.dumps([arguments, environ, limit_s]).encode()
        socket.send_fds(asker, [order], [out.fileno(), err.fileno()])
        status = int(asker.recv(16))
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
    assert "Timeout (" not in texts[1], texts[1]
    return subprocess.CompletedProcess(arguments, status, *texts)


# ── the process that forks ───────────────────────────────────────────────────────────────────────


def _serve(place):
    """For each that asks: a child that waits for the command, which is a child of its own."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(place)
        door.listen(64)
        for part in PARTS.split():
            __import__(f"antiphon.{part}")
        gc.freeze()  # or each child would copy all that is here, to look through it
        print("ready", flush=True)
        while True:
            asker, _ = door.accept()
            if not os.fork():
                _attend(asker)
            asker.close()
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def _attend(asker):
    order, files, _, _ = socket.recv_fds(asker, MOST_BYTES, 2)
    arguments, environ, limit_s = json.loads(order)
    command = os.fork()
    if not command:
        _become(arguments, environ, limit_s, files)
    asker.send(str(os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])).encode())
    os._exit(0)


def _become(arguments, environ, limit_s, files):
    """As `python -m antiphon`, but for the interpreter's own end; after `limit_s` it says where it stands, and ends."""
    from antiphon.cli import main

    os.environ.clear()
    os.environ.update(environ)
    for number, file in enumerate(files, 1):
        os.dup2(file, number)
        os.close(file)
    faulthandler.dump_traceback_later(limit_s, exit=True)
    status = 1
    try:
        status = main(arguments)
    except Exception:  # noqa: BLE001 (whatever it is: a command of its own would show it, and so do we)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve(sys.argv[1])
