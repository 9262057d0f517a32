"""What a store promises of OCI images: every part is kept, as long as an image needs it."""

from dataclasses import replace

from returns.pipeline import is_successful

from pipeline.digest import DigestAlgorithm
from pipeline.oci import MANIFEST_TYPE
from pipeline.results import Stored
from pipeline.testing.conformance.promises import expect, expect_success
from pipeline.testing.conformance.store_bench import Bench, extracted_of
from pipeline.testing.oci import digest_of
from pipeline.testing.oci_samples import OciSample
from pipeline.testing.samples import Sample


def check_oci_commit(bench: Bench) -> None:
    """All parts of an image are kept."""
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
        listed = bench.listed()
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


def _expect_blobs(bench: Bench, sample: OciSample) -> None:
    for digest, content in sample.blobs.items():
        with expect_success(bench.store.open_blob(digest), "open a blob") as file:
            expect(file.read() == content, "a blob is kept byte by byte")


def check_oci_remove(bench: Bench) -> None:
    """Parts that another image needs stay."""
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


def check_oci_incomplete(bench: Bench) -> None:
    """An image without all its parts is refused."""
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
        expect(bench.listed() == (), "nothing was stored")
        for content in extracted.contents:
            bench.not_found(bench.store.open_blob(content.descriptor.digest), "nothing was stored")
        expect_success(bench.store.commit(extracted), "commit what was refused in part")


def check_adoption(bench: Bench) -> None:
    """What the store has can be taken into quarantine."""
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
