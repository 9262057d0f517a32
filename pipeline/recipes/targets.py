"""Where images are kept, as it is named and opened: a folder, or ``s3://bucket/prefix``.

    str -> Result[Target, InvalidSetting]; Settings, Target -> Result[WholeStore, PipelineError]

``--store`` and ``mirror --to`` take the same words.
"""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol, TypeAlias

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.layout import QuarantineFolder, open_store
from pipeline.bucket_path import SCHEME, BucketPath, parse_bucket_path
from pipeline.digest import Digest
from pipeline.errors import InvalidSetting, PipelineError, StoreError
from pipeline.ports import Clock
from pipeline.recipes.fetcher import ImageStore
from pipeline.recipes.settings import Insecure, Settings
from pipeline.results import Stored

Target: TypeAlias = Path | BucketPath
"""Where a store is."""

_FOLDER_DIGITS: Final = 32


class WholeStore(ImageStore, Protocol):
    """Everything that a store of this package can do, wherever it is."""

    def open_blob(self, digest: Digest) -> Result[BinaryIO, StoreError]:
        """Open anything that an image is made of; the caller closes it."""
        ...

    def remove(self, image_id: Digest) -> Result[Stored, StoreError]:
        """Remove an image and return what it was."""
        ...

    def list_page(
        self, limit: int, after: Digest | None = None
    ) -> Result[tuple[Stored, ...], StoreError]:
        """Return up to ``limit`` images, the newest import first, from the one after ``after``."""
        ...

    def list_lost(self) -> Result[tuple[Stored, ...], StoreError]:
        """Return the images that count as not there, as something of them is gone."""
        ...

    def uses(self) -> Result[dict[Digest, tuple[datetime | None, datetime | None]], StoreError]:
        """Return when images were last used, and last fetched as the latest; what is known."""
        ...


def parse_target(untrusted_text: str) -> Result[Target, InvalidSetting]:
    """Read a folder's path, or ``s3://bucket/prefix``.

    >>> parse_target("s3://images").unwrap(), parse_target("images").unwrap()
    (BucketPath(bucket='images', prefix=''), PosixPath('images'))
    """
    if not untrusted_text.startswith(SCHEME):
        return Success(Path(untrusted_text))
    parsed = parse_bucket_path(untrusted_text)
    if not is_successful(parsed):
        return Failure(InvalidSetting("the store", untrusted_text, parsed.failure()))
    return Success(parsed.unwrap())


def open_target(settings: Settings, untrusted_text: str) -> Result[WholeStore, PipelineError]:
    """Open the store that is named in the words of ``--store``, with all else as it is set.

    What it returns may be pickled. A folder need not exist; a bucket must.

    Errors: InvalidSetting for what is no target, or cannot be used as it is set; what opening
    fails with.
    """
    target = parse_target(untrusted_text)
    if not is_successful(target):
        return Failure(target.failure())
    return open_at(settings, target.unwrap(), SystemClock())


def open_at(settings: Settings, target: Target, clock: Clock) -> Result[WholeStore, PipelineError]:
    """Open the store at a target. Errors: as :func:`open_target`."""
    if isinstance(target, Path):
        opened = open_store(target, clock=clock, quarantine=settings.quarantine)
        return Success(opened.unwrap()) if is_successful(opened) else Failure(opened.failure())
    from pipeline.adapters.bucket import open_bucket

    found = open_bucket(
        target,
        clock=clock,
        rooms=QuarantineFolder(settings.quarantine or _default_quarantine(target)),
        ca_file=settings.ca_file,
        allow_http=Insecure.HTTP in settings.insecure,
        checks_certificates=Insecure.TLS not in settings.insecure,
        retries=settings.retries,
    )
    return Success(found.unwrap()) if is_successful(found) else Failure(found.failure())


def _default_quarantine(target: BucketPath) -> Path:
    """Return a folder of the user's own on this machine, another one for each target."""
    import platformdirs

    name = hashlib.sha256(str(target).encode()).hexdigest()[:_FOLDER_DIGITS]
    return Path(platformdirs.user_cache_dir("image-pipeline", appauthor=False), "buckets", name)
