"""Work on chunks in a helper thread, in order: ``background(consume) -> worker.put(chunk)``.

Hashing, decompression and file writes release the interpreter's lock, so two of them in two
threads use two cores. A worker is one thread behind a bounded queue: a slow consumer holds its
producer back, and memory does not grow.

Shape: ``consume: bytes -> Result[None, Err]``; its first failure is what ``put`` and ``finish``
return from then on, and no later chunk is consumed. What ``consume`` raises, a mistake in the
program, is raised again by ``put`` or ``finish``, never lost in the thread. Leaving the ``with``
block always ends the thread: chunks that still wait are dropped, the one at work is waited for.

This is not a pool: chunks are never worked on out of order, and one consumer is one thread.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar, final

from returns.pipeline import is_successful
from returns.result import Result, Success

from pipeline.limits import BACKGROUND_CHUNKS

Err = TypeVar("Err")


@final
class Worker(Generic[Err]):
    """A consumer in its own thread; made by :func:`background`, used by one producer."""

    __slots__ = ("_consume", "_depth", "_outcome", "_pending", "_pool")

    def __init__(
        self, consume: Callable[[bytes], Result[None, Err]], pool: ThreadPoolExecutor, depth: int
    ) -> None:
        """Take a pool of one thread; ``depth`` is the most chunks that wait or are at work."""
        self._consume = consume
        self._pool = pool
        self._depth = depth
        self._pending: deque[Future[None]] = deque()
        # Written by the helper thread alone; reading a reference needs no lock.
        self._outcome: Result[None, Err] = Success(None)

    def put(self, chunk: bytes) -> Result[None, Err]:
        """Hand over a chunk; wait while the queue is full.

        Errors: the consumer's first failure, as soon as it is known; the chunk is then dropped.
        """
        self._wait(self._depth - 1)
        if is_successful(self._outcome):
            self._pending.append(self._pool.submit(self._step, chunk))
        return self._outcome

    def finish(self) -> Result[None, Err]:
        """Wait until every chunk is consumed.

        Errors: the consumer's first failure.
        """
        self._wait(0)
        return self._outcome

    def _wait(self, most: int) -> None:
        while len(self._pending) > most:
            self._pending.popleft().result()

    def _step(self, chunk: bytes) -> None:
        if is_successful(self._outcome):
            self._outcome = self._consume(chunk)


@contextmanager
def background(
    consume: Callable[[bytes], Result[None, Err]], *, depth: int = BACKGROUND_CHUNKS
) -> Iterator[Worker[Err]]:
    """Run ``consume`` on chunks in a helper thread, for as long as the ``with`` block lasts.

    >>> from returns.result import Success
    >>> seen = []
    >>> with background(lambda chunk: Success(seen.append(chunk))) as worker:
    ...     outcomes = [worker.put(b"a"), worker.put(b"b"), worker.finish()]
    >>> seen
    [b'a', b'b']
    """
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pipeline-background")
    try:
        yield Worker(consume, pool, depth)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
