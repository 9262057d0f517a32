"""Reading the archives that lie in a store whole, to see whether they are what their names say.

    Path -> Examined | None

The digest is computed again, the tar scanned and the manifest parsed, in one pass and in constant
memory, several archives at a time: hashing lets other threads run. A manifest is parsed only once
the digest is right, so nothing is parsed here that was not verified, or accepted, before.
"""

import os
import re
import stat
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha512
from pathlib import Path
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result

from pipeline.archive.scanner import ArchiveScanner
from pipeline.digest import Digest
from pipeline.errors import PipelineError
from pipeline.limits import CHUNK_BYTES
from pipeline.manifest import ImageManifest, parse_manifest

_HEX: Final = re.compile(r"[0-9a-f]{128}", re.ASCII)
_AHEAD: Final = 64
"""Archives that wait for a thread, or whose manifests wait to be taken."""


@final
@dataclass(frozen=True, slots=True)
class Examined:
    """An archive as it lies there. ``manifest`` is None where ``problem`` says what is wrong."""

    image_id: Digest
    size: int
    modified_at: datetime
    manifest: ImageManifest | None
    problem: str = ""


def digest_named(name: str) -> Digest | None:
    """Return the image ID that a blob's name is; None for any other name."""
    return Digest("sha512", name) if _HEX.fullmatch(name) else None


def digests_named(names: Iterable[str]) -> Iterator[Digest]:
    """Yield the image IDs among names."""
    return (image_id for image_id in map(digest_named, names) if image_id is not None)


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, sorted; none where there is no such folder."""
    try:
        return sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return []


def examine_all(folder: Path, image_ids: Iterable[Digest]) -> Iterator[Examined]:
    """Yield what lies in ``folder`` under these IDs, in their order; what is gone is left out."""
    stopping = threading.Event()
    waiting: deque[Future[Examined | None]] = deque()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        try:
            for image_id in image_ids:
                waiting.append(pool.submit(examine, folder, image_id, stopping))
                if len(waiting) > _AHEAD:
                    yield from _present(waiting.popleft())
            while waiting:
                yield from _present(waiting.popleft())
        finally:
            # Whoever has enough, or presses Ctrl-C, does not wait for 64 archives to be read.
            stopping.set()
            pool.shutdown(cancel_futures=True)


def examine(folder: Path, image_id: Digest, stopping: threading.Event) -> Examined | None:
    """Read one archive whole; None where there is none."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(folder / image_id.hex, flags)
    except FileNotFoundError:
        return None
    except OSError as error:
        return _wrong(image_id, os.lstat(folder / image_id.hex), error.strerror or str(error))
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return _wrong(image_id, status, "it is no regular file")
        manifest = _read(descriptor, image_id, stopping)
        if not is_successful(manifest):
            return _wrong(image_id, status, manifest.failure())
        return Examined(image_id, status.st_size, _modified_at(status), manifest.unwrap())
    except OSError as error:
        return _wrong(image_id, os.fstat(descriptor), error.strerror or str(error))
    finally:
        os.close(descriptor)


def _read(
    descriptor: int, image_id: Digest, stopping: threading.Event
) -> Result[ImageManifest, str]:
    hasher, scanner = sha512(), ArchiveScanner()
    problem: PipelineError | None = None
    while chunk := os.read(descriptor, CHUNK_BYTES):
        if stopping.is_set():
            return Failure("it was not read to its end")
        hasher.update(chunk)
        if problem is None:
            fed = scanner.feed(chunk)
            problem = None if is_successful(fed) else fed.failure()
    if hasher.hexdigest() != image_id.hex:
        return Failure(f"its digest is sha512:{hasher.hexdigest()}")
    if problem is not None:
        return Failure(problem.message)
    finished = scanner.finish()
    if not is_successful(finished):
        return Failure(finished.failure().message)
    return parse_manifest(finished.unwrap()).alt(
        lambda wrong: f"its manifest is wrong at {wrong.path}: {wrong.reason}"
    )


def _present(future: "Future[Examined | None]") -> Iterator[Examined]:
    examined = future.result()
    if examined is not None:
        yield examined


def _wrong(image_id: Digest, status: os.stat_result, problem: str) -> Examined:
    return Examined(image_id, status.st_size, _modified_at(status), None, problem)


def _modified_at(status: os.stat_result) -> datetime:
    return datetime.fromtimestamp(status.st_mtime, UTC)
