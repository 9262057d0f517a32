"""The keystore's folders and files: ``Place -> Result[Scan, KeystoreUnavailable]``, and writes.

    {system,local}/trustedkeys/root.d/<fingerprint>
    {system,local}/trustedkeys/prefix.d/<image name prefix>/<fingerprint>

A prefix is a path of folders, a key a regular file named by exactly 40 lower-case hex digits; an
empty file is a mask. Inside ``trustedkeys`` no link is followed, and each folder is opened from
its parent, so that nothing outside is ever read, written or removed. A file is written whole and
durably before it has its name.

Whose word counts is not decided here, and no key is parsed.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from errno import ELOOP, ENAMETOOLONG, ENOTDIR
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Final, Literal, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import KeystoreUnavailable
from pipeline.limits import KEYRING_BYTES
from pipeline.names import ImageName, parse_identifier, parse_image_name
from pipeline.trust import Fingerprint, KeyEntry, SkippedKey, parse_fingerprint

Origin: TypeAlias = Literal["system", "local"]

KEYSTORE: Final = "trustedkeys"
ROOT: Final = "root.d"
PREFIXES: Final = "prefix.d"


@final
@dataclass(frozen=True, slots=True)
class Place:
    """A folder of a keystore: ``root.d``, or ``prefix.d`` and any folder in it."""

    origin: Origin
    config: Path
    parts: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.config.joinpath(KEYSTORE, *self.parts)

    @property
    def is_root(self) -> bool:
        """Whether its keys speak for every name."""
        return self.parts == (ROOT,)

    @property
    def prefix(self) -> Result[ImageName | None, str]:
        """The names that its keys speak for, None for all; a Failure where for no name."""
        return Success(None) if self.is_root else parse_image_name("/".join(self.parts[1:]))


@final
@dataclass(frozen=True, slots=True)
class Word:
    """What one file says of its fingerprint: a key, a mask (no bytes), or nothing usable (None)."""

    origin: Origin
    prefix: ImageName | None
    fingerprint: Fingerprint
    path: str
    content: bytes | None

    @property
    def is_mask(self) -> bool:
        """Whether it takes trust away on purpose."""
        return self.content == b""

    @property
    def entry(self) -> KeyEntry:
        """The file as a keystore entry."""
        digest = sha256(self.content or b"").hexdigest()
        return KeyEntry(self.origin, self.prefix, self.fingerprint, self.path, digest)


@final
@dataclass(frozen=True, slots=True)
class Scan:
    """What a folder held, in order of name, or several folders in load order."""

    words: tuple[Word, ...] = ()
    skipped: tuple[SkippedKey, ...] = ()
    folders: tuple[str, ...] = ()


def place_of(origin: Origin, config: Path, prefix: ImageName | None) -> Place:
    """Return the folder of a prefix, or of root for None. A checked name cannot lead out of it."""
    return Place(origin, config, (ROOT,) if prefix is None else (PREFIXES, *prefix.split("/")))


def scan_folder(place: Place) -> Result[Scan, KeystoreUnavailable]:
    """Read one folder. One that is not there is empty; a link in its place is reported.

    Errors: KeystoreUnavailable where it is there and cannot be read.
    """
    words: list[Word] = []
    skipped: list[SkippedKey] = []
    folders: list[str] = []
    try:
        with _open_folder(place) as folder, os.scandir(folder) as listing:
            for found in sorted(listing, key=lambda found: found.name):
                is_folder = found.is_dir(follow_symlinks=False)
                if is_folder and not place.is_root and _is_segment(found.name):
                    folders.append(found.name)
                    continue
                path = str(place.path / found.name)
                about = _judge_name(place, found.name)
                if not is_successful(about):
                    skipped.append(SkippedKey(path, about.failure()))
                    continue
                fingerprint, prefix = about.unwrap()
                content = _read_file(folder, found)
                if not is_successful(content):
                    skipped.append(SkippedKey(path, content.failure()))
                usable = content.value_or(None)
                words.append(Word(place.origin, prefix, fingerprint, path, usable))
    except FileNotFoundError:
        return Success(Scan())
    except OSError as error:
        if error.errno == ENAMETOOLONG:
            # No folder can have such a name, so none has.
            return Success(Scan())
        where = error.filename if isinstance(error.filename, str) else str(place.path)
        if error.errno in {ENOTDIR, ELOOP}:
            reason = "not a folder; links are not followed"
            return Success(Scan(skipped=(SkippedKey(where, reason),)))
        return Failure(KeystoreUnavailable(where, "read", _reason(error)))
    return Success(Scan(tuple(words), tuple(skipped), tuple(folders)))


def write_file(place: Place, fingerprint: Fingerprint, content: bytes) -> Result[None, str]:
    """Put a file in its place, replacing what was there: whole and durably, or not at all.

    Errors: the system's reason.
    """
    temporary = f".{fingerprint}.{token_hex(8)}"
    try:
        with _open_folder(place, make=True) as folder:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            try:
                with os.fdopen(os.open(temporary, flags, 0o600, dir_fd=folder), "wb") as file:
                    file.write(content)
                    file.flush()
                    # The mode is set, not left to the umask: other users verify, too.
                    os.fchmod(file.fileno(), 0o644)
                    os.fsync(file.fileno())
                os.replace(temporary, fingerprint.hex, src_dir_fd=folder, dst_dir_fd=folder)
            finally:
                # It is gone already where the rename was done.
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=folder)
            os.fsync(folder)
    except OSError as error:
        return Failure(_reason(error))
    return Success(None)


def remove_file(place: Place, fingerprint: Fingerprint) -> Result[None, str]:
    """Remove a file, durably. Errors: the system's reason."""
    try:
        with _open_folder(place) as folder:
            os.unlink(fingerprint.hex, dir_fd=folder)
            os.fsync(folder)
    except OSError as error:
        return Failure(_reason(error))
    return Success(None)


def _is_segment(name: str) -> bool:
    """Tell whether a folder's name can stand inside an image name."""
    return is_successful(parse_identifier(f"a/{name}/a"))


def _judge_name(place: Place, name: str) -> Result[tuple[Fingerprint, ImageName | None], str]:
    """Return what a file's word is about; its name or its folder may let it say nothing."""
    fingerprint = parse_fingerprint(name)
    if not is_successful(fingerprint) or fingerprint.unwrap().hex != name:
        return Failure("not named by a fingerprint, wanted 40 lower-case hex digits")
    prefix = place.prefix
    if not is_successful(prefix):
        return Failure(f"its folder is no prefix of image names: {prefix.failure()}")
    return Success((fingerprint.unwrap(), prefix.unwrap()))


def _read_file(folder: int, found: "os.DirEntry[str]") -> Result[bytes, str]:
    """Return a file's bytes, or why they cannot be had."""
    # Asked before it is opened: to open a device or a pipe may do something.
    if not found.is_file(follow_symlinks=False):
        return Failure("not a regular file; links are not followed")
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        with os.fdopen(os.open(found.name, flags, dir_fd=folder), "rb") as file:
            content = file.read(KEYRING_BYTES + 1)
    except OSError as error:
        return Failure(_reason(error))
    if len(content) > KEYRING_BYTES:
        return Failure(f"larger than {KEYRING_BYTES} bytes")
    return Success(content)


@contextmanager
def _open_folder(place: Place, *, make: bool = False) -> Iterator[int]:
    """Yield a folder's descriptor; raises OSError, with the path of the folder that failed.

    ``trustedkeys`` itself may be a link, as whoever owns the configuration likes it; inside it
    none is followed.
    """
    if make:
        place.config.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(str(place.config), os.O_RDONLY | os.O_DIRECTORY)
    try:
        for depth, part in enumerate((KEYSTORE, *place.parts)):
            if make:
                _make_folder(part, descriptor)
            links = os.O_NOFOLLOW if depth else 0
            try:
                child = os.open(part, os.O_RDONLY | os.O_DIRECTORY | links, dir_fd=descriptor)
            except OSError as error:
                error.filename = str(place.config.joinpath(KEYSTORE, *place.parts[:depth]))
                raise
            os.close(descriptor)
            descriptor = child
        yield descriptor
    finally:
        os.close(descriptor)


def _make_folder(name: str, parent: int) -> None:
    """Make a folder that everybody can read, durably; one that is there stays as it is."""
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=parent)
        os.chmod(name, 0o755, dir_fd=parent)  # noqa: S103 - public keys are for everybody
        os.fsync(parent)


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
