"""A connection to a scheduler of Dask's: ``address -> Client | EngineUnavailable``.

Dask's exceptions become errors here and in the engine, and its log stays silent meanwhile: what
matters of it is in the error. ``tls://`` addresses are for Dask's own configuration to set up
(``distributed.comm.tls``, https://distributed.dask.org/en/stable/tls.html).
"""

import asyncio
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from distributed import Client
from distributed.comm import connect
from distributed.security import Security
from returns.result import Failure, Result, Success

from pipeline.adapters.dask.task import difference_of, own_versions, versions_of
from pipeline.errors import EngineUnavailable
from pipeline.limits import ENGINE_STOP_SECONDS, SCHEDULER_SECONDS

_SCHEMES: Final = ("tcp", "tls")

FAILURES: Final = (OSError, RuntimeError, TypeError, ValueError, ImportError)
"""What Dask raises where a scheduler is not there, speaks otherwise, or its TLS is not set up."""


def is_exposed(address: str) -> bool:
    """Whether what goes to the scheduler can be read and changed on the way.

    Whoever does that, or reaches the scheduler at all, runs what they like on its workers.

    >>> is_exposed("tcp://10.0.0.1:8786"), is_exposed("tcp://127.0.0.1:8786")
    (True, False)
    >>> is_exposed("tls://10.0.0.1:8786")
    False
    """
    if address.startswith("tls://"):
        return False
    try:
        host = urlsplit(address).hostname or ""
        return host != "localhost" and not ip_address(host).is_loopback
    except ValueError:
        return True


@contextmanager
def connected(address: str) -> Iterator[Result[Client, EngineUnavailable]]:
    """Give a client of the scheduler; at the end all that it asked for is taken back.

    That is how work is stopped: a scheduler forgets what a client wanted that is gone, and has its
    workers forget it, however the client went.

    Errors: EngineUnavailable.
    """
    if not _is_address(address):
        # Of others Dask makes something of its own: a cluster on this machine, or an exception.
        yield Failure(EngineUnavailable(address, "its address is tls:// or tcp://, host and port"))
        return
    with _quiet():
        try:
            # A client that cannot be made says so once more when it is forgotten, on stderr; so
            # what can be wrong is found without one.
            asyncio.run(_reach(address))
            with warnings.catch_warnings():
                # Of versions that differ: they are refused, in words of ours.
                warnings.simplefilter("ignore")
                client = Client(address, timeout=SCHEDULER_SECONDS, set_as_default=False)
        except FAILURES as error:
            yield Failure(EngineUnavailable(address, _words(error)))
            return
        try:
            yield Success(client)
        finally:
            with suppress(*FAILURES):
                client.close(timeout=ENGINE_STOP_SECONDS)


def workers_of(client: Client, address: str) -> Result[int, EngineUnavailable]:
    """Return how many pieces of work the workers take at a time; 0 where there are no workers.

    Errors: EngineUnavailable where the scheduler does not answer in time.
    """
    try:
        threads = client.sync(client.scheduler.ncores, callback_timeout=SCHEDULER_SECONDS)
    except FAILURES as error:
        return Failure(EngineUnavailable(address, _words(error)))
    return Success(sum(threads.values()))


def check_versions(client: Client, address: str) -> Result[None, EngineUnavailable]:
    """See that scheduler and workers are what this process is.

    Errors: EngineUnavailable.
    """
    try:
        found = client.get_versions(packages=["image-pipeline"])
    except FAILURES as error:
        return Failure(EngineUnavailable(address, _words(error)))
    wanted = own_versions()
    for place, versions in found["workers"].items():
        difference = difference_of(wanted, versions_of(versions["packages"]))
        if difference:
            return Failure(refusal(address, place, difference))
    # A scheduler never does the work, and needs no package of ours.
    needed = tuple(each for each in wanted if each[0] != "image-pipeline")
    difference = difference_of(needed, versions_of(found["scheduler"]["packages"]))
    if difference:
        return Failure(refusal(address, "the scheduler", difference))
    return Success(None)


def refusal(address: str, place: str, difference: str) -> EngineUnavailable:
    """Return the error for a process whose versions differ."""
    return EngineUnavailable(address, f"{place} may not do it: {difference}")


async def _reach(address: str) -> None:
    """Connect and let go again, as a client does."""
    arguments = Security().get_connection_args("client")
    comm = await connect(address, timeout=SCHEDULER_SECONDS, **arguments)
    await comm.close()


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        known = parts.scheme in _SCHEMES and parts.hostname and parts.port and not parts.username
    except ValueError:
        return False
    return bool(known) and text == f"{parts.scheme}://{parts.netloc}"


def _words(error: BaseException) -> str:
    """Return the first line of what Dask says, or what kind of exception it is."""
    return str(error).partition("\n")[0] or type(error).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's and tornado's own handlers from writing, for a while."""
    handlers = {
        handler
        for name in ("distributed", "distributed.client", "tornado", "tornado.application")
        for handler in logging.getLogger(name).handlers
    }
    for handler in handlers:
        handler.addFilter(_nothing)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(_nothing)


def _nothing(record: logging.LogRecord) -> bool:  # noqa: ARG001 - a filter's form
    return False
