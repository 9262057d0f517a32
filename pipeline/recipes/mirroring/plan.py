"""In which order images are fetched, so that what several of them need travels once. Pure.

    what each needs and the target lacks -> Plan

Of the images that need a blob, the first in the list fetches it, and the others wait for that one.
They wait for nobody longer: where it fails, each fetches the blob itself. Costs as much as there
are blobs, all told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

from pipeline.digest import Digest

Blobs: TypeAlias = Iterable[tuple[Digest, int]]
"""Digests and sizes in bytes."""


@final
@dataclass(frozen=True, slots=True)
class Plan:
    """The order: for each image the places of those that it waits for, all before it.

    ``blobs`` distinct ones with ``size`` bytes in all are what will travel.
    """

    after: tuple[tuple[int, ...], ...]
    blobs: int
    size: int


def plan_fetches(lacking: Sequence[Blobs]) -> Plan:
    """Plan fetches by what each image needs and the target lacks.

    >>> base, app = Digest("sha256", "0" * 64), Digest("sha256", "1" * 64)
    >>> plan_fetches([[(base, 5)], [(base, 5), (app, 2)], [(app, 2)]])
    Plan(after=((), (0,), (1,)), blobs=2, size=7)
    """
    carriers: dict[Digest, int] = {}
    after: list[tuple[int, ...]] = []
    size = 0
    for place, blobs in enumerate(lacking):
        awaited: set[int] = set()
        for digest, bytes_of_it in blobs:
            carrier = carriers.setdefault(digest, place)
            if carrier != place:
                awaited.add(carrier)
                continue
            size += bytes_of_it
        after.append(tuple(sorted(awaited)))
    return Plan(tuple(after), len(carriers), size)
