"""``python -m pipeline`` and the script ``image-pipeline``: the command line."""

import gc
import signal
from typing import Final, NoReturn

_COLLECT_AFTER: Final = 50_000
"""New objects between two collections. Modules make many that last, and looking at them again and
again, as after Python's own 700, was a sixth of what a command costs to start."""


def main() -> NoReturn:
    """Run the command and exit."""
    gc.set_threshold(_COLLECT_AFTER)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # While modules are read there is nothing to undo: Ctrl-C ends the process as it is,
        # rather than with a traceback from the middle of an import.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from pipeline.cli import main as run

    run()


if __name__ == "__main__":
    main()
