"""Objects in memory, and what may happen before any request: a stop, or what somebody else does."""

import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pipeline.adapters.bucket import BucketStore, committing, keys, records
from pipeline.adapters.bucket.failures import Refused
from pipeline.adapters.bucket.objects import ABSENT, Found, Objects
from pipeline.adapters.layout import QuarantineFolder
from pipeline.digest import Digest
from pipeline.errors import StoreCorrupt
from pipeline.ports import Clock


@dataclass(slots=True)
class MemoryObjects:
    """What a service does, as far as the store knows it."""

    name: str = "s3://images/mirror"
    held: dict[str, bytes] = field(default_factory=dict)
    ignores: frozenset[str] = frozenset()
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: str, max_bytes: int) -> Found | None:
        content = self.held.get(key)
        if content is None:
            return None
        if len(content) > max_bytes:
            raise Refused(StoreCorrupt(key, f"wanted at most {max_bytes} bytes"))
        return Found(content, version_of(content))

    def put(self, key: str, content: bytes, only_over: str | None = None) -> bool:
        with self.lock:
            there = self.held.get(key)
            wanted = None if only_over == ABSENT else only_over
            kind = "If-None-Match" if only_over == ABSENT else "If-Match"
            met = wanted == (None if there is None else version_of(there))
            if only_over is not None and not met and kind not in self.ignores:
                return False
            self.held[key] = content
            return True

    def upload(self, key: str, file: BinaryIO, size: int, digest: Digest) -> None:
        content = file.read()
        assert len(content) == size
        assert hashlib.new(digest.algorithm, content).hexdigest() == digest.hex
        self.put(key, content)

    def size_of(self, key: str) -> int | None:
        content = self.held.get(key)
        return None if content is None else len(content)

    def open(self, key: str) -> BinaryIO | None:
        content = self.held.get(key)
        return None if content is None else io.BytesIO(content)

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        with self.lock:
            listed = sorted(key for key in self.held if key.startswith(prefix) and key > after)
        yield from listed

    def delete(self, keys: tuple[str, ...]) -> None:
        with self.lock:
            for key in keys:
                self.held.pop(key, None)


@dataclass(slots=True)
class Watched:
    """Objects of which ``before`` is told, and the number of the request, from 1."""

    objects: Objects
    before: Callable[[int], None]
    count: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def name(self) -> str:
        return self.objects.name

    def get(self, key: str, max_bytes: int) -> Found | None:
        self._tell()
        return self.objects.get(key, max_bytes)

    def put(self, key: str, content: bytes, only_over: str | None = None) -> bool:
        self._tell()
        return self.objects.put(key, content, only_over)

    def upload(self, key: str, file: BinaryIO, size: int, digest: Digest) -> None:
        self._tell()
        self.objects.upload(key, file, size, digest)

    def size_of(self, key: str) -> int | None:
        self._tell()
        return self.objects.size_of(key)

    def open(self, key: str) -> BinaryIO | None:
        self._tell()
        return self.objects.open(key)

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        self._tell()
        return self.objects.keys(prefix, after)

    def delete(self, keys: tuple[str, ...]) -> None:
        self._tell()
        self.objects.delete(keys)

    def _tell(self) -> None:
        with self.lock:
            self.count += 1
            number = self.count
        self.before(number)


def stopping_at(objects: Objects, number: int) -> Watched:
    """Objects that are out of reach from the ``number``-th request on, as for a killed process."""

    def stop(count: int) -> None:
        if count >= number:
            raise KeyboardInterrupt

    return Watched(objects, stop)


def with_interlude(objects: Objects, number: int, act: Callable[[], object]) -> Watched:
    """Objects before whose ``number``-th request somebody else does something whole."""

    def before(count: int) -> None:
        if count == number:
            act()

    return Watched(objects, before)


def store_over(objects: Objects, folder: Path, clock: Clock) -> BucketStore:
    return BucketStore(objects, QuarantineFolder(folder), clock)


def assert_sound(objects: MemoryObjects) -> None:
    """Whatever image is there is there wholly, with all by which it is found."""
    for key, content in objects.held.items():
        if not key.startswith(f"{keys.IMAGES}/"):
            continue
        record = records.decode(key, content)
        for digest, size in record.blobs:
            blob = objects.held[keys.blob(digest)]
            assert len(blob) == size
            assert hashlib.new(digest.algorithm, blob).hexdigest() == digest.hex
        for entry in committing.entries_of(record):
            assert entry in objects.held, entry


def version_of(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()}"'
