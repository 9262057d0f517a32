"""What a store promises of commits: whole, byte by byte, once; or not at all."""

from dataclasses import replace

from returns.pipeline import is_successful

from pipeline.names import Labels
from pipeline.results import Freshness, Stored, Validators
from pipeline.testing.conformance.promises import expect, expect_success
from pipeline.testing.conformance.store_bench import Bench, extracted_of
from pipeline.testing.fakes import EPOCH
from pipeline.testing.samples import NAME, URL, Sample


def check_empty(bench: Bench) -> None:
    """Nothing is in a fresh store."""
    image_id = Sample().image_id
    expect(bench.listed() == (), "an empty store lists nothing")
    bench.not_found(bench.store.resolve("ab"), "an empty store resolves nothing")
    bench.not_found(bench.store.find(NAME, Labels()), "an empty store finds nothing")
    bench.not_found(bench.store.manifest(image_id), "an empty store has no manifest")
    bench.not_found(bench.store.open_archive(image_id), "an empty store has no archive")
    bench.not_found(bench.store.remove(image_id), "an empty store has nothing to remove")
    expect(bench.remembered() is None, "an empty store remembers no URL")
    refreshed = bench.store.refresh(URL, Validators(), Freshness(EPOCH))
    expect(is_successful(refreshed), "refreshing an unknown URL does nothing")


def check_commit(bench: Bench) -> None:
    """What was committed is there, as it was."""
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
    expect(bench.listed() == (kept,), "a listing has the image")
    bench.clock.advance(10**6)
    bench.store.touch(sample.image_id)
    bench.store.touch(Sample(version="never").image_id)
    expect(bench.listed() == (kept,), "a use changes nothing of an image")
    expect(bench.found(sample.labels) == sample.image_id, "the image is found by all its labels")
    manifest = expect_success(bench.store.manifest(sample.image_id), "read the manifest")
    expect(manifest == sample.manifest, "the manifest is kept byte by byte")
    with expect_success(bench.store.open_archive(sample.image_id), "open the archive") as file:
        expect(file.read() == sample.archive, "the archive is kept byte by byte")


def check_commit_again(bench: Bench) -> None:
    """A second commit changes nothing."""
    first = bench.put(Sample())
    again = bench.put(Sample())
    expect(again == replace(first, outcome="already-stored"), "a commit again changes nothing")
    expect(len(bench.listed()) == 1, "an image is there once")
    with bench.store.quarantine() as opened:
        quarantine = expect_success(opened, "open a quarantine")
        extracted = extracted_of(Sample(content=b"other"), quarantine, bench.clock.now())
        expect_success(bench.store.commit(extracted), "commit")
        # The archive has left quarantine by now.
        expect_success(bench.store.commit(extracted), "commit the same value again")


def check_not_in_quarantine(bench: Bench) -> None:
    """What is not whole in quarantine is refused."""
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
    expect(bench.listed() == (), "nothing was stored")
