"""``python -m pipeline`` and the script ``image-pipeline``: the command line."""

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Run the command and exit."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # While modules are read there is nothing to undo: Ctrl-C ends the process as it is,
        # rather than with a traceback from the middle of an import.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from pipeline.cli import main as run

    run()


if __name__ == "__main__":
    main()
