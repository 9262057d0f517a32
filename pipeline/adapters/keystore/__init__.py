"""The keystore on disk: which keys may speak for which image names, in rkt's layout.

Shape: ``TrustScope -> Result[KeySet, ConfigurationError]``, and the ways to change it.

Every file is a word on its fingerprint, for all names (root) or for those under a prefix: a key,
or a mask. For a name, the last word counts, in the order system root, local root, system
prefixes, local prefixes; a longer prefix speaks after a shorter one. A well-named file that
cannot be used (a link, unreadable, too large) is reported and counts as a mask: it may have been
meant as one. What else lies there is reported and left out, and breaks nothing.

No key is parsed: whether a file holds the key that it is named by is for the verifier to say, and
one that does not grants nothing.
Source: rkt 1.30.0 ``Documentation/signing-and-verification-guide.md``; what differs from rkt is
listed in ``docs/differences-from-rkt.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.keystore.folders import (
    PREFIXES,
    ROOT,
    Place,
    Scan,
    Word,
    place_of,
    remove_file,
    scan_folder,
    write_file,
)
from pipeline.errors import ConfigurationError, InvalidKey, KeyNotFound, KeystoreUnavailable
from pipeline.limits import KEYRING_BYTES
from pipeline.names import ImageName, covers
from pipeline.trust import (
    AnyScope,
    Fingerprint,
    KeyEntry,
    KeySet,
    NamedScope,
    SkippedKey,
    TrustedKey,
    TrustScope,
)


@final
@dataclass(frozen=True, slots=True)
class KeystoreFile:
    """A usable file of the keystore, as it stands among the others.

    ``overridden_by`` is the path of the file whose word counts instead, for every name that this
    one speaks for; None where its own word counts for some name at least.
    """

    entry: KeyEntry
    keyring: bytes = field(repr=False)
    overridden_by: str | None

    @property
    def is_mask(self) -> bool:
        """Whether it takes trust away: it is empty."""
        return not self.keyring


@final
@dataclass(frozen=True, slots=True)
class KeystoreListing:
    """Every usable file of both keystores, in load order, and what was left out."""

    files: tuple[KeystoreFile, ...]
    skipped: tuple[SkippedKey, ...]


@final
@dataclass(frozen=True, slots=True)
class FileKeystore:
    """A :class:`~pipeline.ports.Keyring` over two folders that each may hold ``trustedkeys``.

    The system's is only read; changes go into the local one.
    """

    system: Path
    local: Path

    def keys_for(self, scope: TrustScope) -> Result[KeySet, ConfigurationError]:
        """Return the keys trusted for ``scope``, in load order.

        For a name, only the folders that may speak for it are read. For :class:`AnyScope`, a
        key is in when its word counts for some name.
        Errors: KeystoreUnavailable where a folder that may hold a mask for the name is unreadable.
        """
        if isinstance(scope, AnyScope):
            scan = self._scan_all()
            chosen = tuple(word for word, by in _with_overriding(scan.words) if by is None)
        else:
            outcome = self._scan_named(scope.name)
            if not is_successful(outcome):
                return Failure(outcome.failure())
            scan = outcome.unwrap()
            last = {word.fingerprint: word for word in scan.words}
            chosen = tuple(word for word in scan.words if last[word.fingerprint] is word)
        keys = tuple(TrustedKey(word.entry, word.content) for word in chosen if word.content)
        spoken_for = {word.fingerprint for word in scan.words}
        masked = spoken_for - {key.entry.fingerprint for key in keys}
        return Success(KeySet(keys, scan.skipped, frozenset(masked)))

    def entries(self) -> KeystoreListing:
        """List both keystores; a folder that cannot be read is among what was left out."""
        scan = self._scan_all()
        files = tuple(
            KeystoreFile(word.entry, word.content, None if by is None else by.path)
            for word, by in _with_overriding(scan.words)
            if word.content is not None
        )
        return KeystoreListing(files, scan.skipped)

    def still_trusted(
        self, fingerprint: Fingerprint, prefix: ImageName | None
    ) -> Result[tuple[KeyEntry, ...], ConfigurationError]:
        """Return what lets a key speak for ``prefix`` or names under it (None: for any name).

        For whoever took a key away, and has to know that another file still grants it trust.
        Errors: KeystoreUnavailable.
        """
        live = tuple(
            file.entry
            for file in self.entries().files
            if file.entry.fingerprint == fingerprint
            and not file.is_mask
            and file.overridden_by is None
        )
        if prefix is None:
            return Success(live)
        below = tuple(
            entry
            for entry in live
            if entry.prefix is not None and entry.prefix != prefix and covers(prefix, entry.prefix)
        )
        return self.keys_for(NamedScope(prefix)).map(
            lambda found: (
                tuple(key.entry for key in found.keys if key.entry.fingerprint == fingerprint)
                + below
            )
        )

    def add(
        self, prefix: ImageName | None, certificates: Mapping[Fingerprint, bytes]
    ) -> Result[tuple[KeyEntry, ...], ConfigurationError]:
        """Trust keys for the names under ``prefix``, or for all names where it is None.

        Each certificate, binary or armored, is kept as it is, in a file named by the fingerprint
        of its primary key; what lay in its place, a mask too, is replaced.
        Errors: InvalidKey, before anything is written; KeystoreUnavailable.
        """
        for fingerprint, certificate in certificates.items():
            if not 0 < len(certificate) <= KEYRING_BYTES:
                # An empty file would be a mask, and a larger one would not be read.
                reason = f"it has {len(certificate)} bytes, wanted 1 to {KEYRING_BYTES}"
                return Failure(InvalidKey(str(fingerprint), reason))
        entries: list[KeyEntry] = []
        for fingerprint, certificate in certificates.items():
            written = self._write(prefix, fingerprint, certificate)
            if not is_successful(written):
                return Failure(written.failure())
            entries.append(written.unwrap())
        return Success(tuple(entries))

    def mask(
        self, fingerprint: Fingerprint, prefix: ImageName | None
    ) -> Result[KeyEntry, ConfigurationError]:
        """Say that a key does not speak for the names under ``prefix`` (None: root).

        A local key in the same place is replaced. Errors: KeystoreUnavailable.
        """
        return self._write(prefix, fingerprint, b"")

    def unmask(
        self, fingerprint: Fingerprint, prefix: ImageName | None
    ) -> Result[KeyEntry, ConfigurationError]:
        """Take a local mask away. Errors: KeyNotFound, KeystoreUnavailable."""
        return self._remove(fingerprint, prefix, mask=True)

    def remove(
        self, fingerprint: Fingerprint, prefix: ImageName | None
    ) -> Result[KeyEntry, ConfigurationError]:
        """Take a local key for ``prefix`` (None: root) away.

        A mask stays, since without it a key of the system may speak again: only :meth:`unmask`
        takes it away. Errors: KeyNotFound, KeystoreUnavailable.
        """
        return self._remove(fingerprint, prefix, mask=False)

    def remove_everywhere(
        self, fingerprint: Fingerprint
    ) -> Result[tuple[KeyEntry, ...], ConfigurationError]:
        """Take a local key away for root and every prefix; masks stay.

        Errors: KeyNotFound where there is none, KeystoreUnavailable.
        """
        found = tuple(
            file.entry
            for file in self.entries().files
            if (file.entry.origin, file.entry.fingerprint) == ("local", fingerprint)
            and not file.is_mask
        )
        if not found:
            return Failure(KeyNotFound(str(fingerprint)))
        for entry in found:
            removed = self.remove(fingerprint, entry.prefix)
            if not is_successful(removed):
                return Failure(removed.failure())
        return Success(found)

    def _scan_named(self, name: ImageName) -> Result[Scan, KeystoreUnavailable]:
        """Read the folders whose keys speak for one name."""
        segments = name.split("/")
        above = tuple((PREFIXES, *segments[:end]) for end in range(1, len(segments) + 1))
        total = Scan()
        for place in self._places(((ROOT,),)) + self._places(above):
            outcome = scan_folder(place)
            if not is_successful(outcome):
                return Failure(outcome.failure())
            total = _joined(total, outcome.unwrap())
        return Success(total)

    def _scan_all(self) -> Scan:
        """Read every folder; what cannot be read is reported.

        That may hide a mask, and does no harm: people look at the outcome, or the keys are
        judged again by :meth:`_scan_named` once the image's name is known.
        """
        total = Scan()
        # Taken from the end: children come after their parent and before its next sibling.
        waiting = [*reversed(self._places(((ROOT,),)) + self._places(((PREFIXES,),)))]
        while waiting:
            place = waiting.pop()
            outcome = scan_folder(place)
            if not is_successful(outcome):
                failure = outcome.failure()
                unread = SkippedKey(failure.path, failure.reason)
                total = _joined(total, Scan(skipped=(unread,)))
                continue
            scan = outcome.unwrap()
            total = _joined(total, scan)
            waiting += (
                Place(place.origin, place.config, (*place.parts, folder))
                for folder in reversed(scan.folders)
            )
        return total

    def _places(self, chains: tuple[tuple[str, ...], ...]) -> list[Place]:
        """Name folders in load order: the system's, then the local ones."""
        system = [Place("system", self.system, parts) for parts in chains]
        return system + [Place("local", self.local, parts) for parts in chains]

    def _write(
        self, prefix: ImageName | None, fingerprint: Fingerprint, content: bytes
    ) -> Result[KeyEntry, KeystoreUnavailable]:
        place = place_of("local", self.local, prefix)
        path = str(place.path / fingerprint.hex)
        written = write_file(place, fingerprint, content)
        if not is_successful(written):
            return Failure(KeystoreUnavailable(path, "write", written.failure()))
        return Success(Word("local", prefix, fingerprint, path, content).entry)

    def _remove(
        self, fingerprint: Fingerprint, prefix: ImageName | None, *, mask: bool
    ) -> Result[KeyEntry, ConfigurationError]:
        place = place_of("local", self.local, prefix)
        outcome = scan_folder(place)
        if not is_successful(outcome):
            return Failure(outcome.failure())
        for word in outcome.unwrap().words:
            if word.fingerprint == fingerprint and (word.is_mask if mask else word.content):
                removed = remove_file(place, fingerprint)
                if not is_successful(removed):
                    return Failure(KeystoreUnavailable(word.path, "remove", removed.failure()))
                return Success(word.entry)
        sought = f"{fingerprint} for {'all names' if prefix is None else prefix}"
        return Failure(KeyNotFound(f"mask of {sought}" if mask else sought))


def _joined(first: Scan, second: Scan) -> Scan:
    # A folder that is none is met once for each folder that would be in it.
    skipped = tuple(dict.fromkeys(first.skipped + second.skipped))
    return Scan(first.words + second.words, skipped)


def _with_overriding(words: tuple[Word, ...]) -> tuple[tuple[Word, Word | None], ...]:
    """Pair each word with the last later one on its fingerprint that covers all its names."""
    pairs: list[tuple[Word, Word | None]] = []
    later: dict[Fingerprint, list[Word]] = {}
    for word in reversed(words):
        after = later.setdefault(word.fingerprint, [])
        pairs.append((word, next((by for by in after if _speaks_for_all_of(by, word)), None)))
        after.append(word)
    return tuple(reversed(pairs))


def _speaks_for_all_of(by: Word, word: Word) -> bool:
    if by.prefix is None:
        return True
    return word.prefix is not None and covers(by.prefix, word.prefix)
