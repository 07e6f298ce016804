"""`python -m antiphon`, and the command `antiphon`."""

import sys


def main() -> int:
    """The exit status; Ctrl-C while the program is still being loaded ends it as quietly as later."""
    try:
        from antiphon.cli import main as command
    except KeyboardInterrupt:
        return 130
    return command()


if __name__ == "__main__":
    sys.exit(main())
