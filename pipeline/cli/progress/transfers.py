"""The transfers that are under way, as events tell of them: ``state, event, now -> state``.

Pure; a state is never changed, so that who draws one needs no lock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias, final

from pipeline.cli.progress.meter import Meter, Pace, Sample
from pipeline.cli.progress.words import short_name
from pipeline.events import (
    Event,
    TransferFailed,
    TransferFinished,
    TransferProgressed,
    TransferRetried,
    TransferStarted,
)


@final
@dataclass(frozen=True, slots=True)
class Retry:
    """Why a request is sent again, and when."""

    reason: str
    at: float


@final
@dataclass(frozen=True, slots=True)
class Transfer:
    """One body on its way; ``began`` is when its first byte came, whatever was tried since."""

    name: str
    began: float
    received: int
    total: int | None
    meter: Meter
    retry: Retry | None = None

    def pace(self, now: float) -> Pace:
        """Return how fast it is."""
        return self.meter.pace(now, self.total)


Transfers: TypeAlias = Mapping[str, Transfer]
"""Transfers by URL, in the order in which they began."""


def following(transfers: Transfers, event: Event, now: float) -> Transfers:
    """Return the transfers after an event; those that ended are gone."""
    match event:
        case TransferStarted():
            return {**transfers, event.url: _started(transfers, event, now)}
        case TransferProgressed():
            return {**transfers, event.url: _progressed(transfers, event, now)}
        case TransferRetried() if event.url in transfers:
            retry = Retry(event.reason, now + event.wait_seconds)
            return {**transfers, event.url: replace(transfers[event.url], retry=retry)}
        case TransferFinished() | TransferFailed():
            return {url: each for url, each in transfers.items() if url != event.url}
        case _:
            return transfers


def _started(transfers: Transfers, event: TransferStarted, now: float) -> Transfer:
    earlier = transfers.get(event.url)
    began = now if earlier is None else earlier.began
    meter = Meter((Sample(now, event.resumed_at),))
    return Transfer(short_name(event.url), began, event.resumed_at, event.total, meter)


def _progressed(transfers: Transfers, event: TransferProgressed, now: float) -> Transfer:
    earlier = transfers.get(event.url)
    if earlier is None:
        start = TransferStarted(event.url, event.received, event.total)
        return _started(transfers, start, now)
    return replace(
        earlier,
        received=event.received,
        total=event.total,
        meter=earlier.meter.noting(now, event.received),
        retry=None,
    )
