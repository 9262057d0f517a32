"""What a store promises of URLs and removals: what is remembered, and what never is."""

from datetime import timedelta

from pipeline.results import Freshness, Validators
from pipeline.testing.conformance.promises import NonConformance, expect, expect_success
from pipeline.testing.conformance.store_bench import Bench
from pipeline.testing.samples import NAME, URL, Sample


def check_remote(bench: Bench) -> None:
    """What a URL gave is remembered."""
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


def check_secrets(bench: Bench) -> None:
    """Neither passwords nor tokens of URLs are."""
    secret = "https://user:secret@example.com/app.aci?token=hidden"  # noqa: S105 - an example
    stored = bench.put(Sample(url=secret))
    expect("secret" not in stored.source, "a password in a URL is not kept")
    expect("hidden" not in stored.source, "a token in a URL is not shown as the source")
    expect(bench.remembered(secret) is None, "a URL with a password is not remembered")
    bench.put(Sample(url="file:///srv/app.aci"))
    expect(bench.remembered("file:///srv/app.aci") is None, "a file is not remembered")


def check_remove(bench: Bench) -> None:
    """A removal takes an image and what is remembered of it."""
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
