"""The store in a bucket, over objects in memory: stops, other writers, damage, weak services."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import pytest
from returns.pipeline import is_successful

from pipeline.adapters.bucket import BucketStore, keys, records
from pipeline.adapters.bucket.objects import ABSENT
from pipeline.digest import Digest
from pipeline.errors import ImageNotFound, StoreCorrupt, StoreTooNew, StoreUnavailable
from pipeline.names import Labels
from pipeline.ports import Clock
from pipeline.results import Freshness, Stored, Validators
from pipeline.testing.conformance import check_store, put
from pipeline.testing.fakes import EPOCH, FixedClock
from pipeline.testing.oci_samples import OciSample
from pipeline.testing.samples import NAME, URL, Sample
from tests.adapters.bucket_world import (
    MemoryObjects,
    Watched,
    assert_sound,
    stopping_at,
    store_over,
    with_interlude,
)
from tests.adapters.store_world import quick_folder

SAMPLES: tuple[Sample | OciSample, ...] = (Sample(signers="a"), OciSample(signers="a"))
SHARING = OciSample(repository="other", layers=(*OciSample().layers, b"other"))


@pytest.fixture
def folder() -> Iterator[Path]:
    with quick_folder() as path:
        yield path


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def objects() -> MemoryObjects:
    return MemoryObjects()


@pytest.fixture
def store(objects: MemoryObjects, folder: Path, clock: FixedClock) -> BucketStore:
    return store_over(objects, folder, clock)


def requests_of(store: BucketStore, action: Callable[[BucketStore], object]) -> int:
    """How many requests an action makes."""
    counting = Watched(store.objects, lambda _: None)
    action(replace(store, objects=counting))
    return counting.count


def blobs_are_there(store: BucketStore, sample: Sample | OciSample) -> bool:
    blobs = sample.blobs if isinstance(sample, OciSample) else {sample.image_id: sample.archive}
    for digest, content in blobs.items():
        opened = store.open_blob(digest)
        if not is_successful(opened):
            return False
        with opened.unwrap() as file:
            assert file.read() == content
    return True


def test_conforms(folder: Path) -> None:
    numbers = itertools.count()

    def make_store(clock: Clock) -> BucketStore:
        return store_over(MemoryObjects(), folder / str(next(numbers)), clock)

    check_store(make_store)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_commit_that_stops_before_any_request(folder: Path, sample: Sample | OciSample) -> None:
    """Nothing is there until everything is; whoever comes next ends it."""
    clock = FixedClock()
    for number in itertools.count(1):
        objects = MemoryObjects()
        store = store_over(objects, folder, clock)
        stopping = stopping_at(objects, number)
        with suppress(KeyboardInterrupt):
            put(replace(store, objects=stopping), sample, clock.now())
        assert_sound(objects)
        is_there = is_successful(store.manifest(sample.image_id))
        assert blobs_are_there(store, sample) == is_there
        assert len(store.list_images().unwrap()) == is_there
        if not is_there:
            assert isinstance(store.open_blob(sample.image_id).failure(), ImageNotFound)
        again = put(store, sample, clock.now()).unwrap()
        assert again.outcome == ("already-stored" if is_there else "new")
        assert blobs_are_there(store, sample)
        assert store.lookup(sample.url).unwrap() is not None
        if stopping.count < number:
            break
    assert number > 8


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_removal_that_stops_before_any_request(folder: Path, sample: Sample | OciSample) -> None:
    clock = FixedClock()
    for number in itertools.count(1):
        objects = MemoryObjects()
        store = store_over(objects, folder, clock)
        put(store, sample, clock.now())
        put(store, SHARING, clock.now())
        stopping = stopping_at(objects, number)
        with suppress(KeyboardInterrupt):
            replace(store, objects=stopping).remove(sample.image_id)
        assert_sound(objects)
        is_there = is_successful(store.manifest(sample.image_id))
        assert is_successful(store.find(NAME, Labels())) == (
            is_there and isinstance(sample, Sample)
        )
        assert len(store.list_images().unwrap()) == 1 + is_there
        assert blobs_are_there(store, SHARING)
        assert put(store, sample, clock.now()).unwrap().outcome == (
            "already-stored" if is_there else "new"
        )
        assert blobs_are_there(store, sample)
        if stopping.count < number:
            break
    assert number > 3


def _writes(store: BucketStore, sample: Sample | OciSample) -> Callable[[], object]:
    return lambda: put(store, sample, EPOCH).unwrap()


def _removes(store: BucketStore, sample: Sample | OciSample) -> Callable[[], object]:
    return lambda: store.remove(sample.image_id)


def _replaces(store: BucketStore, sample: Sample | OciSample) -> Callable[[], object]:
    def act() -> None:
        store.remove(sample.image_id)
        put(store, sample, EPOCH).unwrap()

    return act


@pytest.mark.parametrize("act", [_writes, _removes, _replaces])
@pytest.mark.parametrize("there_before", [True, False])
@pytest.mark.parametrize("other", ["itself", "better", "sharing"])
def test_others_act_between_any_two_requests(
    folder: Path,
    act: Callable[[BucketStore, Sample | OciSample], Callable[[], object]],
    there_before: bool,
    other: str,
) -> None:
    """Whoever commits, and whatever others do meanwhile: every image is whole or not there."""
    sample = OciSample(signers="")
    others = {"itself": sample, "better": OciSample(signers="a"), "sharing": SHARING}
    for number in itertools.count(1):
        objects = MemoryObjects()
        store = store_over(objects, folder, FixedClock())
        if there_before:
            put(store, sample, EPOCH)
        interlude = with_interlude(objects, number, act(store, others[other]))
        outcome = put(replace(store, objects=interlude), sample, EPOCH)
        assert is_successful(outcome), (number, outcome)
        assert_sound(objects)
        removed = other != "sharing" and act is _removes
        if is_successful(store.manifest(sample.image_id)):
            assert blobs_are_there(store, sample)
        else:
            assert removed
        if interlude.count < number:
            break


@pytest.mark.parametrize("act", [_writes, _removes, _replaces])
def test_others_act_while_a_proof_becomes_better(
    folder: Path, act: Callable[[BucketStore, Sample | OciSample], Callable[[], object]]
) -> None:
    unsigned, signed = OciSample(signers=""), OciSample(signers="a")
    for number in itertools.count(1):
        objects = MemoryObjects()
        store = store_over(objects, folder, FixedClock())
        put(store, unsigned, EPOCH)
        interlude = with_interlude(objects, number, act(store, unsigned))
        stored = put(replace(store, objects=interlude), signed, EPOCH).unwrap()
        assert stored.provenance == signed.provenance
        assert_sound(objects)
        if act is not _removes:
            assert blobs_are_there(store, signed)
        if interlude.count < number:
            break


def test_what_a_stopped_removal_left_counts_for_nothing(
    objects: MemoryObjects, store: BucketStore, clock: FixedClock
) -> None:
    put(store, Sample(), clock.now())
    del objects.held[keys.record(Sample().image_id)]
    clock.advance(1)
    put(store, Sample(url=f"{URL}?2"), clock.now())
    assert len(store.list_images().unwrap()) == 1
    assert store.lookup(URL).unwrap() is None


def test_an_object_of_another_size_is_replaced(
    objects: MemoryObjects, store: BucketStore, clock: FixedClock
) -> None:
    sample = OciSample()
    for digest in sample.blobs:
        objects.held[keys.blob(digest)] = b"cut off"
    assert is_successful(put(store, sample, clock.now()))
    assert_sound(objects)


@pytest.mark.parametrize("act", [_writes, _removes, _replaces])
def test_others_act_while_an_image_is_removed(
    folder: Path, act: Callable[[BucketStore, Sample | OciSample], Callable[[], object]]
) -> None:
    sample = OciSample(signers="a")
    for number in itertools.count(1):
        objects = MemoryObjects()
        store = store_over(objects, folder, FixedClock())
        put(store, sample, EPOCH)
        interlude = with_interlude(objects, number, act(store, sample))
        replace(store, objects=interlude).remove(sample.image_id)
        assert_sound(objects)
        if is_successful(store.manifest(sample.image_id)):
            assert blobs_are_there(store, sample)
        if interlude.count < number:
            break


def test_a_write_that_was_sent_twice(
    objects: MemoryObjects, store: BucketStore, clock: FixedClock
) -> None:
    """An answer that got lost, and the retry that is refused, are no other writer."""

    @dataclass
    class Forgetful(MemoryObjects):
        lost: list[str] = field(default_factory=list)

        def put(self, key: str, content: bytes, only_over: str | None = None) -> bool:
            written = MemoryObjects.put(self, key, content, only_over)
            if only_over == ABSENT and key.startswith(keys.IMAGES) and not self.lost:
                self.lost.append(key)
                return MemoryObjects.put(self, key, content, only_over)
            return written

    forgetful = Forgetful()
    sample = Sample(signers="a")
    stored = put(replace(store, objects=forgetful), sample, clock.now()).unwrap()
    assert stored.outcome == "new"
    assert forgetful.lost
    assert_sound(forgetful)


@pytest.mark.parametrize("ignored", ["If-None-Match", "If-Match"])
def test_a_service_that_ignores_conditions_is_refused(store: BucketStore, ignored: str) -> None:
    objects = MemoryObjects(ignores=frozenset({ignored}))
    refused = put(replace(store, objects=objects), Sample(), EPOCH).failure()
    assert isinstance(refused, StoreUnavailable)
    assert ignored in refused.reason
    assert set(objects.held) <= {keys.FORMAT}


def test_a_later_format_is_refused(objects: MemoryObjects, store: BucketStore) -> None:
    objects.held[keys.FORMAT] = b'{"format":2}'
    assert put(store, Sample(), EPOCH).failure() == StoreTooNew(objects.name, 2, 1)
    objects.held[keys.FORMAT] = b"{}"
    assert isinstance(put(store, Sample(), EPOCH).failure(), StoreCorrupt)


def test_what_the_bucket_has_does_not_travel(
    objects: MemoryObjects, store: BucketStore, clock: FixedClock
) -> None:
    sample = OciSample()
    put(store, sample, clock.now()).unwrap()
    written: list[str] = []

    @dataclass
    class Noting(MemoryObjects):
        def upload(self, key: str, file: BinaryIO, size: int, digest: Digest) -> None:
            written.append(key)
            MemoryObjects.upload(self, key, file, size, digest)

    noting = Noting(held=objects.held)
    with store.quarantine() as opened:
        quarantine = opened.unwrap()
        extracted = sample.in_quarantine(quarantine, clock.now()).unwrap()
        adopted = tuple(
            replace(each, blob=blob)
            for each in extracted.contents
            if (blob := quarantine.adopt(each.descriptor.digest, each.blob.size).unwrap())
        )
        assert len(adopted) == len(extracted.contents)
        carried = replace(extracted, contents=adopted)
        put(store, SHARING, clock.now())
        store.remove(sample.image_id)
        assert replace(store, objects=noting).commit(carried).unwrap().outcome == "new"
        assert written == []
        # Somebody cleared the bucket by hand: the image must not be there without its layers.
        for each in extracted.contents:
            del objects.held[keys.blob(each.descriptor.digest)]
        gone = store.commit(carried).failure()
        assert isinstance(gone, StoreUnavailable)
        assert "no more" in gone.reason
    # Who brings them along heals it.
    assert put(store, sample, clock.now()).unwrap().outcome == "already-stored"
    assert_sound(objects)


def test_blobs_of_no_image_are_not_adopted(
    objects: MemoryObjects, store: BucketStore, clock: FixedClock
) -> None:
    sample = OciSample()
    put(store, sample, clock.now())
    store.remove(sample.image_id)
    digest, content = next(iter(sample.blobs.items()))
    assert keys.blob(digest) in objects.held
    with store.quarantine() as opened:
        assert opened.unwrap().adopt(digest, len(content)).unwrap() is None


def test_a_damaged_record(objects: MemoryObjects, store: BucketStore, clock: FixedClock) -> None:
    """It is named as damage wherever it is read, and replaced by the next commit."""
    sample = Sample(signers="a")
    put(store, sample, clock.now())
    key = keys.record(sample.image_id)
    content = objects.held[key]
    document = json.loads(content)
    for wrong in (
        b"",
        b"[]",
        content + b" ",
        content.replace(b'"order":', b'"order":1'),
        json.dumps(document | {"more": 1}, sort_keys=True, separators=(",", ":")).encode(),
        json.dumps(document | {"version": 2}, sort_keys=True, separators=(",", ":")).encode(),
        json.dumps(document | {"size": "1"}, sort_keys=True, separators=(",", ":")).encode(),
    ):
        objects.held[key] = wrong
        for outcome in (
            store.manifest(sample.image_id),
            store.resolve(sample.image_id.hex),
            store.list_images(),
            store.find(NAME, Labels()),
            store.open_blob(sample.image_id),
            store.remove(sample.image_id),
        ):
            assert isinstance(outcome.failure(), StoreCorrupt), (wrong, outcome)
        assert put(store, sample, clock.now()).unwrap().outcome == "new"
        assert is_successful(store.manifest(sample.image_id))


def test_a_record_under_another_key(objects: MemoryObjects, store: BucketStore) -> None:
    one, other = Sample(signers="a"), Sample(version="2")
    put(store, one, EPOCH)
    objects.held[keys.record(other.image_id)] = objects.held[keys.record(one.image_id)]
    assert isinstance(store.manifest(other.image_id).failure(), StoreCorrupt)


def test_foreign_keys_are_passed_over(objects: MemoryObjects, store: BucketStore) -> None:
    sample = Sample()
    put(store, sample, EPOCH)
    digits = sample.image_id.hex
    for key in (
        f"{keys.NEWEST}x",
        f"{keys.NEWEST}{'0' * 19}-{'0' * 19}.sha512-{digits[:-1]}.{'0' * 32}",
        f"{keys.needed(sample.image_id)}x",
        f"{keys.IMAGES}/sha512/{digits}.bak",
        f"{keys.IMAGES}/sha512/{digits[:4]}/x",
        f"{keys.named(sample.name)}x",
    ):
        objects.held[key] = b""
    assert len(store.list_images().unwrap()) == 1
    assert is_successful(store.resolve(digits[:4]))
    assert is_successful(store.find(NAME, Labels()))
    assert is_successful(store.open_blob(sample.image_id))


def test_no_url_and_no_secret_is_written(objects: MemoryObjects, store: BucketStore) -> None:
    put(store, Sample(url="https://example.com/app.aci?token=hidden"), EPOCH)
    put(store, Sample(url="https://user:secret@example.com/app.aci"), EPOCH)
    for key, content in objects.held.items():
        assert b"hidden" not in content
        assert b"secret" not in content
        assert "example" not in key


def test_an_older_answer_does_not_undo_a_newer_one(
    objects: MemoryObjects, store: BucketStore, clock: FixedClock
) -> None:
    put(store, Sample(), clock.now())
    other = Sample(version="2")
    interlude = with_interlude(objects, 3, _writes(store, other))
    refreshed = replace(store, objects=interlude).refresh(URL, Validators('"e"'), Freshness(EPOCH))
    assert is_successful(refreshed)
    entry = store.lookup(URL).unwrap()
    assert entry is not None
    assert entry.image.image_id == other.image_id


def test_pages(store: BucketStore, clock: FixedClock) -> None:
    for number in range(20):
        put(store, Sample(version=str(number)), clock.now())
        clock.advance(number % 2)
    whole = store.list_images().unwrap()
    assert [image.labels.get("version") for image in whole] == [str(n) for n in range(19, -1, -1)]
    paged: list[Stored] = []
    while page := store.list_page(7, paged[-1].image_id if paged else None).unwrap():
        paged.extend(page)
    assert tuple(paged) == whole
    assert store.list_page(7, Sample(version="none").image_id).unwrap() == ()
    # A page costs a listing and its records, in one batch more than the page at most.
    assert requests_of(store, lambda each: each.list_page(1)) <= 9


def test_records_and_urls_are_read_as_written(objects: MemoryObjects, store: BucketStore) -> None:
    sample = OciSample(signers="a*", max_age_seconds=5)
    put(store, sample, EPOCH)
    for key, content in objects.held.items():
        if key.startswith("urls/"):
            remembered = records.decode_remembered(key, content)
            assert records.encode_remembered(remembered) == content
            assert remembered.entry.image_id == sample.image_id
    put(store, Sample(signers="a"), EPOCH)
    url = keys.url(URL)
    objects.held[url] += b" "
    assert isinstance(store.lookup(URL).failure(), StoreCorrupt)
