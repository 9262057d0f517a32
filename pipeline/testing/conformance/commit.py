"""Conformance checks for whoever writes a store that only takes images: :func:`check_commit`.

Durability cannot be seen from inside one process and is not checked here.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import final

from returns.pipeline import is_successful

from pipeline.digest import Digest
from pipeline.ports import Quarantine, Store
from pipeline.results import Extracted
from pipeline.testing.conformance.promises import expect, expect_success
from pipeline.testing.conformance.store_bench import extracted_of
from pipeline.testing.fakes import EPOCH
from pipeline.testing.oci_samples import OciSample
from pipeline.testing.samples import Sample


@final
@dataclass(frozen=True, slots=True)
class CommitUnderTest:
    """A fresh, empty store, the quarantine that it takes images from, and a look inside.

    ``read`` returns what is kept under a digest, None for nothing: an archive under its image ID,
    of an OCI image each blob and the manifest.
    """

    store: Store
    quarantine: Quarantine
    read: Callable[[Digest], bytes | None]


def check_commit(make: Callable[[], AbstractContextManager[CommitUnderTest]]) -> None:
    """Check that a store takes images as the port promises: wholly, or not at all.

    Errors: NonConformance.
    """
    samples: tuple[Sample | OciSample, ...] = (Sample(content=b"a" * 3000), OciSample())
    for sample in samples:
        for check in (_check_whole, _check_again, _check_nothing):
            with make() as bench:
                check(bench, sample)
    for check_provenance in (_check_better, _check_worse):
        with make() as bench:
            check_provenance(bench)


def _check_whole(bench: CommitUnderTest, sample: Sample | OciSample) -> None:
    for digest in _contents(sample):
        expect(bench.read(digest) is None, "an empty store has nothing")
    stored = expect_success(bench.store.commit(_quarantined(bench, sample)), "commit")
    expect(stored.image_id == sample.image_id, "a commit returns the image's ID")
    expect(stored.name == sample.name and stored.labels == sample.labels, "and name and labels")
    expect(stored.archive_bytes == _size(sample), "and the size of all of it")
    expect(stored.provenance == sample.provenance, "and how it was proven")
    expect(stored.outcome == "new", "and that it is new")
    _expect_kept(bench, sample)


def _check_again(bench: CommitUnderTest, sample: Sample | OciSample) -> None:
    first = expect_success(bench.store.commit(_quarantined(bench, sample)), "commit")
    again = expect_success(bench.store.commit(_quarantined(bench, sample)), "commit again")
    wanted = replace(first, outcome="already-stored")
    expect(again == wanted, "an image that is there already stays as it is")
    _expect_kept(bench, sample)


def _check_nothing(bench: CommitUnderTest, sample: Sample | OciSample) -> None:
    extracted = _quarantined(bench, sample)
    blob = extracted.archive
    bad = [
        replace(extracted, archive=replace(blob, size=blob.size + 1)),
        replace(extracted, archive=replace(blob, size=blob.size - 1)),
        *(
            replace(extracted, archive=replace(blob, key=key))
            for key in ("", "/etc/passwd", "../../etc/passwd", f"{blob.key}/../{blob.key}")
        ),
    ]
    if extracted.contents:
        first, *others = extracted.contents
        gone = replace(first, blob=replace(first.blob, key="gone"))
        bad += [
            replace(extracted, contents=(gone, *others)),
            replace(extracted, contents=tuple(others)),
            replace(extracted, contents=()),
        ]
    for each in bad:
        refused = bench.store.commit(each)
        expect(not is_successful(refused), "an image that is not whole in quarantine is refused")
        for digest in _contents(sample):
            expect(bench.read(digest) is None, "of an image that is refused, nothing is kept")
    expect_success(bench.store.commit(extracted), "commit what was refused in part")
    _expect_kept(bench, sample)


def _check_better(bench: CommitUnderTest) -> None:
    unsigned, signed = Sample(), Sample(signers="a")
    expect_success(bench.store.commit(_quarantined(bench, unsigned)), "commit")
    stored = expect_success(bench.store.commit(_quarantined(bench, signed)), "commit again")
    expect(stored.provenance == signed.provenance, "a proof replaces none")


def _check_worse(bench: CommitUnderTest) -> None:
    unsigned, signed = Sample(), Sample(signers="a")
    expect_success(bench.store.commit(_quarantined(bench, signed)), "commit")
    stored = expect_success(bench.store.commit(_quarantined(bench, unsigned)), "commit again")
    expect(stored.provenance == signed.provenance, "no proof never replaces a proof")


def _quarantined(bench: CommitUnderTest, sample: Sample | OciSample) -> Extracted:
    return extracted_of(sample, bench.quarantine, EPOCH)


def _contents(sample: Sample | OciSample) -> dict[Digest, bytes]:
    if isinstance(sample, OciSample):
        return dict(sample.blobs)
    return {sample.image_id: sample.archive}


def _size(sample: Sample | OciSample) -> int:
    return sample.size if isinstance(sample, OciSample) else len(sample.archive)


def _expect_kept(bench: CommitUnderTest, sample: Sample | OciSample) -> None:
    for digest, content in _contents(sample).items():
        expect(bench.read(digest) == content, "what is committed is kept byte by byte")
