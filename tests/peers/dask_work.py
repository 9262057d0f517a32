"""Work for workers of Dask's, and a client that has it done: ``ADDRESS FOLDER COUNT``."""

import os
import sys
import threading
import time
from pathlib import Path

from pipeline.adapters.dask import DaskEngine
from pipeline.engine import Job


def double(item: int, stop: threading.Event) -> int:
    """Do something small, in a moment."""
    stop.wait(0.1)
    return 2 * item


def die(item: int, stop: threading.Event) -> int:
    """End the worker where the item is 0."""
    if item == 0:
        os._exit(1)
    return item


def crowd(folder: str, stop: threading.Event) -> int:
    """Return how many are under way, this one among them."""
    mine = Path(folder, f"{os.getpid()}-{threading.get_ident()}")
    mine.touch()
    time.sleep(0.1)
    count = len(list(Path(folder).iterdir()))
    mine.unlink()
    return count


def wait(item: tuple[str, float], stop: threading.Event) -> bool:
    """Say where one begins, and where one is told to stop; end after some seconds otherwise."""
    place, seconds = item
    with Path(place).open("a") as file:
        print("begun", file=file, flush=True)
        stopped = stop.wait(seconds)
        print("stopped" if stopped else "ended", file=file)
    return stopped


def main(address: str, folder: str, seconds: str) -> None:
    """Have eight places waited for, and say where all is done."""
    jobs = [Job((f"{folder}/{number}", float(seconds))) for number in range(8)]
    done = DaskEngine(address, per_host=2).run(wait, jobs, lambda place, outcome: True)
    print(done)


if __name__ == "__main__":
    main(*sys.argv[1:])
