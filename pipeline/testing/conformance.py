"""Conformance checks for whoever writes a store or a quarantine.

:func:`check_store` and :func:`check_quarantine` take a maker of fresh, empty ones, try what the
ports promise, and raise :class:`NonConformance` with a sentence for the first promise that is
not kept. Durability cannot be seen from inside one process and is not checked here.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol, TypeVar, final

from returns.pipeline import is_successful
from returns.result import Result

from pipeline.digest import Digest, DigestAlgorithm
from pipeline.errors import AmbiguousImage, ImageNotFound, StoreError
from pipeline.names import ImageName, Label, LabelName, Labels
from pipeline.oci import MANIFEST_TYPE
from pipeline.ports import (
    Catalog,
    Clock,
    Quarantine,
    RemoteCache,
    RemoteEntry,
    Store,
)
from pipeline.results import (
    Extracted,
    Freshness,
    Stored,
    Validators,
)
from pipeline.testing.fakes import EPOCH, FixedClock
from pipeline.testing.oci import digest_of
from pipeline.testing.oci_samples import OciSample
from pipeline.testing.quarantines import NonConformance as NonConformance
from pipeline.testing.quarantines import check_quarantine as check_quarantine
from pipeline.testing.quarantines import expect as expect
from pipeline.testing.quarantines import expect_success as expect_success
from pipeline.testing.samples import NAME, URL, Sample

Value = TypeVar("Value")


class StoreUnderTest(Store, Catalog, RemoteCache, Protocol):
    """Everything that a whole store can do."""

    def quarantine(self) -> AbstractContextManager[Result[Quarantine, StoreError]]:
        """Open a quarantine that is emptied on leaving."""
        ...

    def manifest(self, image_id: Digest) -> Result[bytes, StoreError]:
        """Return a stored image's manifest, byte by byte."""
        ...

    def open_archive(self, image_id: Digest) -> Result[BinaryIO, StoreError]:
        """Open a stored image's archive, which an OCI image has not; the caller closes it."""
        ...

    def open_blob(self, digest: Digest) -> Result[BinaryIO, StoreError]:
        """Open whatever stored images are made of; the caller closes it."""
        ...

    def remove(self, image_id: Digest) -> Result[Stored, StoreError]:
        """Remove an image and return what it was."""
        ...

    def touch(self, image_id: Digest) -> None:
        """Note that an image was used; never fails."""
        ...


def check_store(make_store: Callable[[Clock], StoreUnderTest]) -> None:
    """Check that a store keeps what its ports promise.

    Errors: NonConformance.
    """
    for check in _CHECKS:
        clock = FixedClock()
        check(_Bench(make_store(clock), clock))
    check_quarantine(make_store(FixedClock()).quarantine)


def put(
    store: StoreUnderTest, sample: Sample | OciSample, now: datetime
) -> Result[Stored, StoreError]:
    """Commit a sample through a quarantine of its own."""
    with store.quarantine() as opened:
        quarantine = expect_success(opened, "open a quarantine")
        return store.commit(extracted_of(sample, quarantine, now))


def extracted_of(sample: Sample | OciSample, quarantine: Quarantine, now: datetime) -> Extracted:
    """Put a sample into quarantine; return it as the stages before the store would."""
    return expect_success(sample.in_quarantine(quarantine, now), "put an image into quarantine")


@final
@dataclass(frozen=True, slots=True)
class _Bench:
    store: StoreUnderTest
    clock: FixedClock

    def put(self, sample: Sample | OciSample) -> Stored:
        self.clock.advance(1)
        return expect_success(put(self.store, sample, self.clock.now()), "commit")

    def found(self, labels: Labels = Labels()) -> Digest:
        return expect_success(self.store.find(NAME, labels), "find").image_id

    def not_found(self, outcome: Result[object, StoreError], promise: str) -> None:
        missed = not is_successful(outcome) and isinstance(outcome.failure(), ImageNotFound)
        expect(missed, promise)

    def remembered(self, url: str = URL) -> RemoteEntry | None:
        return expect_success(self.store.lookup(url), "look up a URL")


def _check_empty(bench: _Bench) -> None:
    image_id = Sample().image_id
    expect(bench.store.list_images().unwrap() == (), "an empty store lists nothing")
    bench.not_found(bench.store.resolve("ab"), "an empty store resolves nothing")
    bench.not_found(bench.store.find(NAME, Labels()), "an empty store finds nothing")
    bench.not_found(bench.store.manifest(image_id), "an empty store has no manifest")
    bench.not_found(bench.store.open_archive(image_id), "an empty store has no archive")
    bench.not_found(bench.store.remove(image_id), "an empty store has nothing to remove")
    expect(bench.remembered() is None, "an empty store remembers no URL")
    refreshed = bench.store.refresh(URL, Validators(), Freshness(EPOCH))
    expect(is_successful(refreshed), "refreshing an unknown URL does nothing")


def _check_commit(bench: _Bench) -> None:
    sample = Sample(content=b"content")
    stored = bench.put(sample)
    wanted = Stored(
        sample.image_id,
        sample.name,
        sample.labels,
        len(sample.archive),
        bench.clock.now(),
        sample.provenance,
        URL,
        "new",
    )
    expect(stored == wanted, f"a commit returns what was stored, got {stored}")
    kept = replace(wanted, outcome="already-stored")
    expect(bench.store.list_images().unwrap() == (kept,), "a listing has the image")
    bench.clock.advance(10**6)
    bench.store.touch(sample.image_id)
    bench.store.touch(Sample(version="never").image_id)
    expect(bench.store.list_images().unwrap() == (kept,), "a use changes nothing of an image")
    expect(bench.found(sample.labels) == sample.image_id, "the image is found by all its labels")
    manifest = expect_success(bench.store.manifest(sample.image_id), "read the manifest")
    expect(manifest == sample.manifest, "the manifest is kept byte by byte")
    with expect_success(bench.store.open_archive(sample.image_id), "open the archive") as file:
        expect(file.read() == sample.archive, "the archive is kept byte by byte")


def _check_commit_again(bench: _Bench) -> None:
    first = bench.put(Sample())
    again = bench.put(Sample())
    expect(again == replace(first, outcome="already-stored"), "a commit again changes nothing")
    expect(len(bench.store.list_images().unwrap()) == 1, "an image is there once")
    with bench.store.quarantine() as opened:
        quarantine = expect_success(opened, "open a quarantine")
        extracted = extracted_of(Sample(content=b"other"), quarantine, bench.clock.now())
        expect_success(bench.store.commit(extracted), "commit")
        # The archive has left quarantine by now.
        expect_success(bench.store.commit(extracted), "commit the same value again")


def _check_not_in_quarantine(bench: _Bench) -> None:
    with bench.store.quarantine() as opened:
        quarantine = expect_success(opened, "open a quarantine")
        extracted = extracted_of(Sample(), quarantine, bench.clock.now())
        wrong_size = replace(extracted.archive, size=extracted.archive.size - 1)
        refused = bench.store.commit(replace(extracted, archive=wrong_size))
        expect(not is_successful(refused), "a file of another size is refused")
    expect(not is_successful(bench.store.commit(extracted)), "what is gone cannot be committed")
    for key in ("../../etc/passwd", "/etc/passwd", "", "0/../archive-1"):
        elsewhere = replace(extracted.archive, key=key)
        refused = bench.store.commit(replace(extracted, archive=elsewhere))
        expect(not is_successful(refused), f"{key!r} is no file in quarantine")
    expect(bench.store.list_images().unwrap() == (), "nothing was stored")


def _check_prefix(bench: _Bench) -> None:
    samples = [Sample(content=bytes([number])) for number in range(40)]
    for sample in samples:
        bench.put(sample)
    digits = sorted(sample.image_id.hex for sample in samples)
    for whole in digits:
        for length in (2, 3, 12, 32, 64, 128):
            fitting = [other for other in digits if other.startswith(whole[:length])]
            outcome = bench.store.resolve(whole[:length])
            if len(fitting) == 1:
                found = expect_success(outcome, "resolve a prefix").image_id.hex
                expect(found == whole, f"{whole[:length]} is {whole}, got {found}")
                continue
            error = outcome.failure()
            expect(isinstance(error, AmbiguousImage), f"{whole[:length]} is ambiguous")
            if isinstance(error, AmbiguousImage):
                named = [candidate.hex for candidate in error.candidates]
                expect(named == fitting, "an ambiguity names every candidate")
    for bad in ("", digits[0][0], digits[0][:2].upper() + "A", "zz", "%%", digits[0] + "0"):
        bench.not_found(bench.store.resolve(bad), f"{bad!r} resolves to nothing")


def _check_find(bench: _Bench) -> None:
    one, two = Sample(version="1"), Sample(version="2")
    bench.put(one)
    bench.put(two)
    bench.put(Sample(name=ImageName("example.com/app/more"), version="9"))
    expect(bench.found() == two.image_id, "without labels, the newest import is found")
    expect(bench.found(one.labels) == one.image_id, "labels choose the image")
    for name, value in (("version", "3"), ("version", ""), ("os", "plan9"), ("arch", "amd64")):
        labels = Labels((Label(LabelName(name), value),))
        missed = bench.store.find(NAME, labels)
        bench.not_found(missed, f"a label {name}={value} that no image has finds nothing")
    linux, plan9 = (Labels((Label(LabelName("os"), value),)) for value in ("linux", "plan9"))
    arch = Labels((Label(LabelName("arch"), "amd64"),))
    for defaults in (linux, arch):
        found = expect_success(bench.store.find(NAME, one.labels, defaults), "find").image_id
        expect(found == one.image_id, "a default that the image does not contradict finds it")
    asked = Labels(tuple(label for label in one.labels.items if label.name == "version"))
    missed = bench.store.find(NAME, asked, plan9)
    bench.not_found(missed, "a default that the image contradicts does not find it")
    found = expect_success(bench.store.find(NAME, one.labels, plan9), "find").image_id
    expect(found == one.image_id, "what is asked for goes before a default")
    versions = [image.labels.get("version") for image in bench.store.list_images().unwrap()]
    expect(versions == ["9", "2", "1"], "a listing has the newest import first")


def _check_equal_times(bench: _Bench) -> None:
    samples = [Sample(version=str(number)) for number in range(5)]
    for sample in samples:
        expect_success(put(bench.store, sample, bench.clock.now()), "commit")
    listed = [image.image_id for image in bench.store.list_images().unwrap()]
    wanted = [sample.image_id for sample in reversed(samples)]
    expect(listed == wanted, "of equal times, the later commit goes first")
    expect(bench.found() == wanted[0], "of equal times, the later commit is found")


def _check_latest(bench: _Bench) -> None:
    latest = Sample(version="2", asked_version=None)
    bench.put(latest)
    bench.put(Sample(version="1", asked_version="1"))
    expect(bench.found() == latest.image_id, "what was fetched as the latest goes first")
    bench.put(replace(latest, by_name=False))
    expect(bench.found() == latest.image_id, "a fetch by URL does not end being the latest")
    newer = Sample(version="3", asked_version=None)
    bench.put(newer)
    expect(bench.found() == newer.image_id, "of several latest ones, the last fetched is found")
    bench.put(latest)
    expect(bench.found() == latest.image_id, "one that is the latest again is found again")
    one = Labels((Label(LabelName("version"), "1"),))
    expect(bench.found(one) == Sample(version="1").image_id, "a version goes before the latest")
    bench.put(replace(newer, asked_version="3"))
    linux = Labels((Label(LabelName("os"), "linux"),))
    expect(bench.found(linux) == latest.image_id, "other labels leave the latest rule alone")


def _check_provenance(bench: _Bench) -> None:
    unsigned, lenient = Sample(), Sample(signers="a", leniency=("weak-hash",))
    by_a, by_b = Sample(signers="a"), Sample(signers="bc")
    for offered, wanted, promise in (
        (unsigned, unsigned, "no proof is kept as such, with its reason"),
        (lenient, lenient, "a proof replaces none"),
        (by_a, by_a, "a strict proof replaces a lenient one"),
        (unsigned, by_a, "no proof never replaces a proof"),
        (lenient, by_a, "a lenient proof never replaces a strict one"),
        (by_b, by_b, "a proof by other signers replaces an equally strong one"),
    ):
        returned = bench.put(offered)
        listed = expect_success(bench.store.resolve(returned.image_id.hex), "resolve")
        expect(returned.provenance == wanted.provenance, f"{promise}, as returned")
        expect(listed.provenance == wanted.provenance, f"{promise}, as kept")


def _check_remote(bench: _Bench) -> None:
    sample = Sample(validators=Validators('"one"', "yesterday"), max_age_seconds=10)
    bench.put(sample)
    entry = bench.remembered()
    if entry is None:
        raise NonConformance("a fetched URL is remembered")
    fetched = Freshness(bench.clock.now(), 10)
    expect(entry.url == URL and entry.image.image_id == sample.image_id, "a URL gives its image")
    expect(entry.validators == sample.validators, "validators are remembered")
    expect(entry.freshness == fetched, "freshness is remembered")
    later = Freshness(bench.clock.now() + timedelta(days=1), 20)
    expect_success(bench.store.refresh(URL, Validators('"two"'), later), "refresh")
    entry = bench.remembered()
    expect(entry is not None and entry.freshness == later, "a refresh renews the freshness")
    merged = Validators('"two"', "yesterday")
    expect(
        entry is not None and entry.validators == merged,
        "a refresh replaces the validators that it has",
    )
    other = Sample(version="2", max_age_seconds=10**30)
    bench.put(other)
    entry = bench.remembered()
    expect(
        entry is not None
        and entry.image.image_id == other.image_id
        and entry.validators == Validators(),
        "a URL that gives another image is remembered with that one alone",
    )


def _check_secrets(bench: _Bench) -> None:
    secret = "https://user:secret@example.com/app.aci?token=hidden"  # noqa: S105 - an example
    stored = bench.put(Sample(url=secret))
    expect("secret" not in stored.source, "a password in a URL is not kept")
    expect("hidden" not in stored.source, "a token in a URL is not shown as the source")
    expect(bench.remembered(secret) is None, "a URL with a password is not remembered")
    bench.put(Sample(url="file:///srv/app.aci"))
    expect(bench.remembered("file:///srv/app.aci") is None, "a file is not remembered")


def _check_remove(bench: _Bench) -> None:
    gone, stays = Sample(version="1"), Sample(version="2", url=f"{URL}?2")
    bench.put(gone)
    bench.put(stays)
    removed = expect_success(bench.store.remove(gone.image_id), "remove")
    expect(removed.image_id == gone.image_id, "a removal returns what it removed")
    bench.not_found(bench.store.remove(gone.image_id), "what was removed is not there")
    bench.not_found(bench.store.resolve(gone.image_id.hex), "a removed image has no ID")
    bench.not_found(bench.store.find(NAME, gone.labels), "a removed image has no name")
    bench.not_found(bench.store.manifest(gone.image_id), "a removed image has no manifest")
    bench.not_found(bench.store.open_archive(gone.image_id), "a removed image has no archive")
    expect(bench.remembered() is None, "a removed image's URL is forgotten")
    expect(bench.found() == stays.image_id, "other images stay")
    expect(bench.remembered(f"{URL}?2") is not None, "other images' URLs stay")
    expect(bench.put(gone).outcome == "new", "a removed image can be stored again")


def _check_oci_commit(bench: _Bench) -> None:
    for sample in (
        OciSample(signers="a*", max_age_seconds=5),
        OciSample(tag=None, layers=(), asked_digest=True),
        OciSample(layers=(b"empty", b"empty", b"other"), algorithm="sha512"),
    ):
        stored = bench.put(sample)
        wanted = Stored(
            sample.image_id,
            sample.name,
            sample.labels,
            sample.size,
            bench.clock.now(),
            sample.provenance,
            sample.source,
            "new",
            MANIFEST_TYPE,
        )
        expect(stored == wanted, f"a commit returns what was stored, got {stored}")
        kept = replace(wanted, outcome="already-stored")
        listed = expect_success(bench.store.list_images(), "list")
        expect(listed[0] == kept, "a listing has the image")
        expect(bench.put(sample).outcome == "already-stored", "a commit again changes nothing")
        digits, algorithm = sample.image_id.hex, sample.image_id.algorithm
        found = expect_success(bench.store.resolve(digits[:12], algorithm), "resolve a prefix")
        expect(found.image_id == sample.image_id, "an image is found by its ID")
        other: DigestAlgorithm = "sha512" if algorithm == "sha256" else "sha256"
        bench.not_found(bench.store.resolve(digits[:12], other), "an ID has its own algorithm")
        missed = bench.store.find(sample.name, sample.labels)
        bench.not_found(missed, "an appc name does not mean a registry image")
        entry = bench.remembered(sample.url)
        expect(entry is not None and entry.image == kept, "a reference gives its image")
        manifest = expect_success(bench.store.manifest(sample.image_id), "read the manifest")
        expect(manifest == sample.manifest, "the manifest is kept byte by byte")
        _expect_blobs(bench, sample)
        refused = bench.store.open_archive(sample.image_id)
        expect(not is_successful(refused), "an OCI image has no archive")
    archive = Sample()
    bench.put(archive)
    with expect_success(bench.store.open_blob(archive.image_id), "open a blob") as file:
        expect(file.read() == archive.archive, "an archive is a blob, too")


def _expect_blobs(bench: _Bench, sample: OciSample) -> None:
    for digest, content in sample.blobs.items():
        with expect_success(bench.store.open_blob(digest), "open a blob") as file:
            expect(file.read() == content, "a blob is kept byte by byte")


def _check_oci_remove(bench: _Bench) -> None:
    one = OciSample(repository="one", layers=(b"shared", b"one"))
    other = OciSample(repository="other", layers=(b"shared", b"other"))
    bench.put(one)
    bench.put(other)
    expect_success(bench.store.remove(one.image_id), "remove")
    bench.not_found(bench.store.manifest(one.image_id), "a removed image has no manifest")
    for digest in one.blobs.keys() - other.blobs.keys():
        bench.not_found(bench.store.open_blob(digest), "what no image needs is not there")
    _expect_blobs(bench, other)
    for digest in other.blobs:
        if digest != other.image_id:
            bench.not_found(bench.store.remove(digest), "a part is no image")
    _expect_blobs(bench, other)
    expect(bench.put(one).outcome == "new", "a removed image can be stored again")
    _expect_blobs(bench, one)


def _check_oci_incomplete(bench: _Bench) -> None:
    with bench.store.quarantine() as opened:
        quarantine = expect_success(opened, "open a quarantine")
        extracted = extracted_of(OciSample(), quarantine, bench.clock.now())
        first, *others = extracted.contents
        again = replace(first.blob, size=first.blob.size + 1)
        gone = replace(first.blob, key=first.blob.key[:-1])
        for contents in (
            tuple(others),
            (replace(first, blob=again), *others),
            (replace(first, blob=gone), *others),
            (),
        ):
            refused = bench.store.commit(replace(extracted, contents=contents))
            expect(not is_successful(refused), "an image without all its parts is refused")
        refused = bench.store.commit(replace(extracted, archive=first.blob))
        expect(not is_successful(refused), "another file in the manifest's place is refused")
        expect(bench.store.list_images().unwrap() == (), "nothing was stored")
        for content in extracted.contents:
            bench.not_found(bench.store.open_blob(content.descriptor.digest), "nothing was stored")
        expect_success(bench.store.commit(extracted), "commit what was refused in part")


def _check_adoption(bench: _Bench) -> None:
    sample = OciSample()
    bench.put(sample)
    digest, content = next(iter(sample.blobs.items()))
    with bench.store.quarantine() as opened:
        quarantine = expect_success(opened, "open a quarantine")
        for unknown, size in ((digest_of(b"unknown"), len(content)), (digest, len(content) + 1)):
            adopted = expect_success(quarantine.adopt(unknown, size), "ask for a blob")
            expect(adopted is None, "what the store has not is not adopted")
        adopted = expect_success(quarantine.adopt(digest, len(content)), "adopt a blob")
        if adopted is None:
            # Where links are impossible, nothing can be adopted.
            return
        expect(adopted.size == len(content), "what is adopted has its size")
        extracted = extracted_of(sample, quarantine, bench.clock.now())
        expect_success(bench.store.remove(sample.image_id), "remove")
        with expect_success(quarantine.open(adopted), "open what was adopted") as file:
            expect(file.read() == content, "what was adopted outlasts its removal from the store")
        expect_success(bench.store.commit(extracted), "commit what was adopted")
    _expect_blobs(bench, sample)


_CHECKS = (
    _check_empty,
    _check_commit,
    _check_commit_again,
    _check_not_in_quarantine,
    _check_prefix,
    _check_find,
    _check_equal_times,
    _check_latest,
    _check_provenance,
    _check_remote,
    _check_secrets,
    _check_remove,
    _check_oci_commit,
    _check_oci_remove,
    _check_oci_incomplete,
    _check_adoption,
)
