"""Becomes another program of this Python's, inside the network and mount namespaces of a process: PID ARGUMENT…

`nsenter` replaces us and is replaced itself, so that whoever started us still has the process in hand.
"""

import os
import sys

if __name__ == "__main__":
    pid, *arguments = sys.argv[1:]
    enter = ["nsenter", "--target", pid, "--user", "--preserve-credentials", "--net", "--mount", "--"]
    os.execvp("nsenter", [*enter, sys.executable, *arguments])
