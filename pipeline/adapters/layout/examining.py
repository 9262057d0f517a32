"""Reading blobs that lie in a store whole, to see whether they are what their names say.

    (Digest, Role) -> Examined | None

The digest is computed again, in one pass and in constant memory; of an archive the tar is scanned
on the way and its manifest parsed, an OCI image's manifest is parsed, and of its other parts nobody
looks at more than the digest. Several blobs are read at a time: hashing lets other threads run. A
manifest is parsed only once the digest is right, so nothing is parsed here that was not verified,
or accepted, before.
"""

import os
import stat
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import new as new_hash
from pathlib import Path
from typing import Final, Literal, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.layout.blobs import folders_of, name_of
from pipeline.archive.scanner import ArchiveScanner
from pipeline.digest import Digest, parse_digest
from pipeline.limits import CHUNK_BYTES, MANIFEST_BYTES
from pipeline.manifest import ImageManifest, parse_manifest
from pipeline.oci import OciManifest
from pipeline.oci.documents import parse_document

Role: TypeAlias = Literal["archive", "manifest", "content"]
"""What a blob is to an image: all of it, what names its parts, or one of these."""

Said: TypeAlias = ImageManifest | OciManifest
"""What an image says of itself."""

_AHEAD: Final = 64
"""Blobs that wait for a thread, or whose manifests wait to be taken."""


@final
@dataclass(frozen=True, slots=True)
class Examined:
    """A blob as it lies there: right, or with a ``problem`` that says what is wrong.

    ``said`` is what a right archive or manifest says; None for every other blob.
    """

    digest: Digest
    size: int
    modified_at: datetime
    said: Said | None
    problem: str = ""


def digest_named(folder: Path, name: str) -> Digest | None:
    """Return the digest that a name in an algorithm's folder is; None for any other name."""
    parsed = parse_digest(f"{folder.name}:{name}")
    return parsed.unwrap() if is_successful(parsed) else None


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, sorted; none where there is no such folder."""
    try:
        return sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return []


def blobs_in(root: Path) -> tuple[frozenset[Digest], tuple[str, ...]]:
    """Return what lies where blobs do: by digest, and the paths of what is named otherwise."""
    found: set[Digest] = set()
    others: list[str] = []
    for folder in folders_of(root):
        for name in names_in(folder):
            digest = digest_named(folder, name)
            if digest is None:
                others.append(f"blobs/{folder.name}/{name}")
            else:
                found.add(digest)
    return frozenset(found), tuple(others)


def path_in_store(digest: Digest) -> str:
    """Return a blob's path below the store's folder."""
    return f"blobs/{digest.algorithm}/{digest.hex}"


def examine_all(root: Path, wanted: Iterable[tuple[Digest, Role]]) -> Iterator[Examined]:
    """Yield what lies in a store under these names, in their order; what is gone is left out."""
    stopping = threading.Event()
    waiting: deque[Future[Examined | None]] = deque()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        try:
            for digest, role in wanted:
                waiting.append(pool.submit(examine, root, digest, role, stopping))
                if len(waiting) > _AHEAD:
                    yield from _present(waiting.popleft())
            while waiting:
                yield from _present(waiting.popleft())
        finally:
            # Whoever has enough, or presses Ctrl-C, does not wait for 64 blobs to be read.
            stopping.set()
            pool.shutdown(cancel_futures=True)


def examine(root: Path, digest: Digest, role: Role, stopping: threading.Event) -> Examined | None:
    """Read one blob whole; None where there is none."""
    path = name_of(root, digest)
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        return None
    except OSError as error:
        return _examined(digest, os.lstat(path), Failure(error.strerror or str(error)))
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return _examined(digest, status, Failure("it is no regular file"))
        return _examined(digest, status, _read(descriptor, digest, role, stopping))
    except OSError as error:
        return _examined(digest, os.fstat(descriptor), Failure(error.strerror or str(error)))
    finally:
        os.close(descriptor)


def read_manifest(root: Path, digest: Digest) -> OciManifest | None:
    """Return an OCI image's manifest if it lies there, and is right."""
    examined = examine(root, digest, "manifest", threading.Event())
    said = None if examined is None else examined.said
    return said if isinstance(said, OciManifest) else None


def _read(
    descriptor: int, digest: Digest, role: Role, stopping: threading.Event
) -> Result[Said | None, str]:
    hasher, reader = new_hash(digest.algorithm), _READERS[role]()
    while chunk := os.read(descriptor, CHUNK_BYTES):
        if stopping.is_set():
            return Failure("it was not read to its end")
        hasher.update(chunk)
        reader.feed(chunk)
    if hasher.hexdigest() != digest.hex:
        return Failure(f"its digest is {digest.algorithm}:{hasher.hexdigest()}")
    return reader.said()


class _Content:
    """Looks at nothing."""

    def feed(self, chunk: bytes) -> None:
        """Take a chunk."""

    def said(self) -> Result[Said | None, str]:
        """Return that it says nothing."""
        return Success(None)


class _Manifest(_Content):
    """Keeps a manifest."""

    def __init__(self) -> None:
        self.raw = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take a chunk; what is too long is not kept."""
        if len(self.raw) <= MANIFEST_BYTES:
            self.raw += chunk

    def said(self) -> Result[Said | None, str]:
        """Return what it says."""
        parsed = parse_document(bytes(self.raw))
        if not is_successful(parsed):
            problem = parsed.failure()
            return Failure(f"it is wrong at {problem.path}: {problem.reason}")
        document = parsed.unwrap()
        return Success(document) if isinstance(document, OciManifest) else Failure("it is an index")


class _Archive(_Content):
    """Scans an archive for its manifest."""

    def __init__(self) -> None:
        self.scanner = ArchiveScanner()
        self.problem = ""

    def feed(self, chunk: bytes) -> None:
        """Take a chunk, until something is wrong."""
        if not self.problem:
            fed = self.scanner.feed(chunk)
            self.problem = "" if is_successful(fed) else fed.failure().message

    def said(self) -> Result[Said | None, str]:
        """Return what the manifest says."""
        if self.problem:
            return Failure(self.problem)
        finished = self.scanner.finish()
        if not is_successful(finished):
            return Failure(finished.failure().message)
        parsed = parse_manifest(finished.unwrap())
        if not is_successful(parsed):
            wrong = parsed.failure()
            return Failure(f"its manifest is wrong at {wrong.path}: {wrong.reason}")
        return Success(parsed.unwrap())


_READERS: Final[dict[Role, type[_Content]]] = {
    "archive": _Archive,
    "manifest": _Manifest,
    "content": _Content,
}


def _present(future: "Future[Examined | None]") -> Iterator[Examined]:
    examined = future.result()
    if examined is not None:
        yield examined


def _examined(digest: Digest, status: os.stat_result, read: Result[Said | None, str]) -> Examined:
    modified_at = datetime.fromtimestamp(status.st_mtime, UTC)
    if is_successful(read):
        return Examined(digest, status.st_size, modified_at, read.unwrap())
    return Examined(digest, status.st_size, modified_at, None, read.failure())
