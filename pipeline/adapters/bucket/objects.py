"""What a store needs of a service of objects: six kinds of requests.

The store's rules know this alone; :mod:`.service` speaks S3, and tests put something in between.
Keys are below the store's prefix. For whatever goes wrong a call raises
:class:`~.failures.Refused`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol, final

from pipeline.digest import Digest

ABSENT: Final = "*"
"""In place of a version: an object is written only where there is none."""


@final
@dataclass(frozen=True, slots=True)
class Found:
    """A small object: its bytes, and the version that a later write may demand."""

    content: bytes
    version: str


class Objects(Protocol):
    """The objects below one prefix of one bucket; any number of threads may use them."""

    @property
    def name(self) -> str:
        """What the place is called, for people: ``s3://bucket/prefix``."""
        ...

    def get(self, key: str, max_bytes: int) -> Found | None:
        """Return a small object whole; None where there is none. Refuses one that is larger."""
        ...

    def put(self, key: str, content: bytes, only_over: str | None = None) -> bool:
        """Write a small object whole, or not at all.

        ``only_over`` is the version that is there, or ``ABSENT``; False says that it is not so.
        """
        ...

    def upload(self, key: str, file: BinaryIO, size: int, digest: Digest) -> None:
        """Write ``size`` bytes, large or not, whose digest is known: wholly, or not at all."""
        ...

    def size_of(self, key: str) -> int | None:
        """Return an object's size in bytes; None where there is none."""
        ...

    def open(self, key: str) -> BinaryIO | None:
        """Open an object for reading, from any place in it; None where there is none."""
        ...

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """Yield the keys that begin with ``prefix``, in order, those behind ``after`` alone."""
        ...

    def delete(self, keys: tuple[str, ...]) -> None:
        """Delete objects; what is not there is none the worse."""
        ...
