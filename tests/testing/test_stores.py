"""Every check of stores notices a store that breaks its promise."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Success

from pipeline.adapters.memory import MemoryQuarantine, MemoryStore
from pipeline.errors import ImageNotFound, StoreUnavailable
from pipeline.ports import RemoteEntry
from pipeline.results import NoProof, QuarantinedBlob, Validators
from pipeline.testing.conformance import NonConformance, check_store, store
from pipeline.testing.conformance.store_bench import Bench
from pipeline.testing.fakes import FixedClock
from tests.testing.mutants import Method, Mutant, told


def _first_commit_alone(right: Method, self: MemoryStore, extracted: Any) -> Any:
    if extracted.image_id in self._kept:
        return Failure(StoreUnavailable("memory", "commit", "it is there"))
    return right(self, extracted)


def _any_size(right: Method, self: MemoryStore, wanted: Any) -> Any:
    for holder in self._sessions:
        wanted = {
            digest: QuarantinedBlob(blob.key, len(holder.blobs.get(blob.key, b"")))
            for digest, blob in wanted.items()
        }
    return right(self, wanted)


def _any_key(right: Method, self: MemoryStore, wanted: Any) -> Any:
    taken = right(self, wanted)
    return taken if is_successful(taken) else Success(frozenset(wanted))


def _one_of_several(right: Method, self: MemoryStore, *given: Any) -> Any:
    outcome = right(self, *given)
    if is_successful(outcome) or isinstance(outcome.failure(), ImageNotFound):
        return outcome
    return right(self, outcome.failure().candidates[0].hex)


def _half_named(right: Method, self: MemoryStore, *given: Any) -> Any:
    return right(self, *given).alt(
        lambda error: (
            replace(error, candidates=error.candidates[:1])
            if hasattr(error, "candidates")
            else error
        )
    )


def _no_defaults(right: Method, self: MemoryStore, name: Any, labels: Any, *_: Any) -> Any:
    return right(self, name, labels)


def _touching(right: Method, self: MemoryStore, image_id: Any) -> Any:
    if image_id in self._kept:
        kept = self._kept[image_id]
        kept.image = replace(kept.image, imported_at=kept.image.imported_at + timedelta(1))


def _by_time_alone(right: Method, self: MemoryStore) -> Any:
    return sorted(self._kept.values(), key=lambda kept: kept.image.imported_at, reverse=True)


def _merging(right: Method, self: MemoryStore, url: Any, validators: Any, freshness: Any) -> Any:
    if url in self._remotes:
        self._remotes[url] = (self._remotes[url][0], validators, freshness)
    return Success(None)


def _stale(right: Method, self: MemoryStore, url: Any, validators: Any, freshness: Any) -> Any:
    row = self._remotes.get(url)
    return right(self, url, validators, freshness if row is None else row[2])


def _knowing_better(right: Method, self: MemoryStore, url: Any, *given: Any) -> Any:
    return right(self, url, *given) if url in self._remotes else Failure(ImageNotFound(url))


def _keeping_parts(right: Method, self: MemoryStore, image_id: Any) -> Any:
    before = dict(self._blobs)
    outcome = right(self, image_id)
    self._blobs.update(before)
    return outcome


def _taking_all(right: Method, self: MemoryStore, image_id: Any) -> Any:
    outcome = right(self, image_id)
    if is_successful(outcome):
        self._blobs.clear()
    return outcome


def _forgetting_all_urls(right: Method, self: MemoryStore, image_id: Any) -> Any:
    outcome = right(self, image_id)
    if is_successful(outcome):
        self._remotes.clear()
    return outcome


def _secret_source(right: Method, self: MemoryStore, extracted: Any) -> Any:
    url = extracted.origin.downloaded.source.image
    return right(self, extracted).map(lambda stored: replace(stored, source=url))


def _half_committed(right: Method, self: MemoryStore, wanted: Any) -> Any:
    taken = right(self, wanted)
    for digest, blob in () if is_successful(taken) else wanted.items():
        for holder in self._sessions:
            if blob.key in holder.blobs:
                self._blobs[digest] = holder.blobs[blob.key]
    return taken


def _finding_all(right: Method, self: MemoryStore, name: Any, labels: Any, *given: Any) -> Any:
    for kept in self._kept.values():
        if kept.image.name == name and kept.image.labels == labels:
            return Success(kept.image)
    return right(self, name, labels, *given)


def _archives_of_all(right: Method, self: MemoryStore, image_id: Any) -> Any:
    return self.open_blob(image_id)


def _images_alone(right: Method, self: MemoryStore, digest: Any) -> Any:
    kept = self._kept.get(digest)
    if kept is None or kept.image.media_type.startswith("application/vnd.appc"):
        return Failure(ImageNotFound(str(digest)))
    return right(self, digest)


def _parts_as_images(right: Method, self: MemoryStore, image_id: Any) -> Any:
    if image_id in self._blobs and image_id not in self._kept:
        return Success(next(iter(self._kept.values())).image)
    return right(self, image_id)


def _same_prefix_of_all(right: Method, self: MemoryStore, prefix: str, *given: Any) -> Any:
    outcome = right(self, prefix, *given)
    if is_successful(outcome) or not isinstance(outcome.failure(), ImageNotFound):
        return outcome
    return right(self, prefix, "sha512" if given == ("sha256",) else "sha256")


def _adopting(right: Method, self: MemoryQuarantine, digest: Any, size: Any) -> Any:
    content = self.stored.get(digest, b"x" * size)
    key = self._next_key("adopted")
    self.blobs[key] = content
    return Success(QuarantinedBlob(key, size))


def _adopting_any_size(right: Method, self: MemoryQuarantine, digest: Any, size: Any) -> Any:
    return right(self, digest, len(self.stored.get(digest, b"")))


def _adopting_names(right: Method, self: MemoryQuarantine, digest: Any, size: Any) -> Any:
    adopted = right(self, digest, size).unwrap()
    if adopted is not None:
        self.blobs.pop(adopted.key)
    return Success(adopted)


MUTANTS: Final = {
    "commits fail the second time": Mutant(
        MemoryStore, "commit", _first_commit_alone, "could not commit"
    ),
    "a source with secrets": Mutant(MemoryStore, "commit", _secret_source, "is not kept"),
    "a commit tells little": Mutant(
        MemoryStore,
        "commit",
        told(lambda stored: replace(stored, provenance=NoProof("?"))),
        "returns what was stored",
    ),
    "any size": Mutant(MemoryStore, "_take", _any_size, "another size"),
    "any key": Mutant(MemoryStore, "_take", _any_key, "refused|is no file|cannot be committed"),
    "half committed": Mutant(MemoryStore, "_take", _half_committed, "cannot be committed"),
    "one of several": Mutant(MemoryStore, "resolve", _one_of_several, "is ambiguous"),
    "half named": Mutant(MemoryStore, "resolve", _half_named, "every candidate"),
    "IDs of any algorithm": Mutant(
        MemoryStore, "resolve", _same_prefix_of_all, "its own algorithm"
    ),
    "no defaults": Mutant(MemoryStore, "find", _no_defaults, "default that the image contradicts"),
    "registry images, too": Mutant(MemoryStore, "find", _finding_all, "does not mean a registry"),
    "a use is an import": Mutant(MemoryStore, "touch", _touching, "a use changes nothing"),
    "times alone": Mutant(MemoryStore, "_newest_first", _by_time_alone, "the later commit"),
    "nothing is listed": Mutant(
        MemoryStore, "list_images", told(lambda images: ()), "a listing has the image"
    ),
    "the oldest first": Mutant(
        MemoryStore, "list_images", told(lambda images: images[::-1]), "newest import first|later"
    ),
    "another manifest": Mutant(
        MemoryStore, "manifest", told(lambda raw: raw + b" "), "manifest is kept byte by byte"
    ),
    "validators get lost": Mutant(MemoryStore, "refresh", _merging, "replaces the validators"),
    "a refresh renews nothing": Mutant(MemoryStore, "refresh", _stale, "renews the freshness"),
    "the unknown cannot be refreshed": Mutant(
        MemoryStore, "refresh", _knowing_better, "refreshing an unknown URL"
    ),
    "old validators": Mutant(
        MemoryStore,
        "lookup",
        told(lambda row: row and RemoteEntry(row.url, row.image, Validators(), row.freshness)),
        "validators are remembered",
    ),
    "parts stay": Mutant(MemoryStore, "remove", _keeping_parts, "no image needs"),
    "parts of others go": Mutant(MemoryStore, "remove", _taking_all, "could not open"),
    "parts are images": Mutant(MemoryStore, "remove", _parts_as_images, "a part is no image"),
    "URLs of others go": Mutant(
        MemoryStore, "remove", _forgetting_all_urls, "other images' URLs stay"
    ),
    "archives of all": Mutant(MemoryStore, "open_archive", _archives_of_all, "has no archive"),
    "an archive is no blob": Mutant(MemoryStore, "open_blob", _images_alone, "could not open"),
    "anything is adopted": Mutant(MemoryQuarantine, "adopt", _adopting, "byte by byte"),
    "adopted in any size": Mutant(MemoryQuarantine, "adopt", _adopting_any_size, "not adopted"),
    "adopted in name alone": Mutant(
        MemoryQuarantine, "adopt", _adopting_names, "could not open what was adopted"
    ),
}
"""Each way to break a promise of a store."""


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_store_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant = MUTANTS[name]
    mutant.put(monkeypatch)
    with pytest.raises(NonConformance, match=mutant.promise):
        check_store(MemoryStore)


@pytest.mark.parametrize("check", store._CHECKS, ids=lambda check: str(check.__name__))
def test_every_check_notices_something(check: Callable[[Bench], None]) -> None:
    for mutant in MUTANTS.values():
        clock = FixedClock()
        with pytest.MonkeyPatch.context() as patch:
            mutant.put(patch)
            try:
                check(Bench(MemoryStore(clock), clock))
            except NonConformance:
                return
    pytest.fail("no broken store fails this check")
