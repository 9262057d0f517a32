"""OCI images in the store on disk: shared blobs, damage to them, and what brings them back."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from returns.pipeline import is_successful

from pipeline.adapters.layout import records
from pipeline.adapters.layout.facts import Description
from pipeline.adapters.layout.failures import Refused
from pipeline.adapters.layout.findings import Checked, Kind
from pipeline.adapters.layout.maintenance import (
    Rebuilt,
    list_unused,
    measure_store,
)
from pipeline.digest import Digest
from pipeline.errors import DiskFull, ImageNotFound, StoreUnavailable
from pipeline.names import Platform
from pipeline.oci import DOCKER_MANIFEST_TYPE, OciPlatform
from pipeline.results import ACI_TYPE, NoProof
from pipeline.testing.conformance import expect_success, extracted_of, put
from pipeline.testing.fakes import EPOCH, FixedClock
from pipeline.testing.oci import digest_of, make_layer
from pipeline.testing.oci_samples import OciSample
from pipeline.testing.samples import Sample, put_into
from tests.adapters.store_world import StoppingFilesystem, assert_sound, io_error, opened
from tests.adapters.test_layout_maintenance import (
    DATABASE,
    collect,
    cut_off,
    everything,
    execute,
    flip,
    kinds,
    make_old,
    put_a_link,
    rebuild,
    record_of,
    verify,
)

ONE = OciSample(layers=(b"shared", b"one"), signers="a*", max_age_seconds=5)
TWO = OciSample(repository="two", layers=(b"shared", b"two"), platform=OciPlatform("linux", "arm"))
BIG = OciSample(repository="big", layers=(b"sha512",), algorithm="sha512", signers="b")
BARE = OciSample(repository="bare", tag=None, layers=())
OTHER = OciSample(repository="other", layers=(b"shared", b"other"))
ARCHIVE = Sample(content=b"archive", signers="a")
IMAGES = (ONE, TWO, BIG, BARE)
SHARED = next(iter(ONE.blobs.keys() & TWO.blobs.keys()))


def path_of(root: Path, digest: Digest) -> Path:
    return root / "blobs" / digest.algorithm / digest.hex


def own_of(sample: OciSample, *others: OciSample) -> list[Digest]:
    """What only one of them is made of, the manifest apart."""
    shared = {digest for other in others for digest in other.blobs}
    return [each for each in sample.blobs if each not in shared and each != sample.image_id]


LAYER = own_of(ONE, TWO)[0]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    for sample in (*IMAGES, ARCHIVE):
        expect_success(put(opened(folder), sample, EPOCH), "commit")
    return folder


class TestBlobs:
    """What is shared is there once, and goes with the last image that needs it."""

    def test_each_is_there_once(self, root: Path) -> None:
        names = {digest for sample in IMAGES for digest in sample.blobs} | {ARCHIVE.image_id}
        found = {path.name for path in (root / "blobs").glob("*/*")}
        assert found == {digest.hex for digest in names}
        measured = measure_store(root).unwrap()
        assert measured.blobs == len(names)
        assert measured.image_bytes == sum(each.size for each in IMAGES) + len(ARCHIVE.archive)
        assert measured.blob_bytes < measured.image_bytes
        assert measured.unverified == 2

    def test_they_go_with_the_last(self, root: Path) -> None:
        expect_success(opened(root).remove(ONE.image_id), "remove")
        assert not path_of(root, LAYER).exists()
        assert path_of(root, SHARED).exists()
        expect_success(opened(root).remove(TWO.image_id), "remove")
        assert not path_of(root, SHARED).exists()
        assert kinds(root) == []

    def test_what_is_a_layer_here_may_be_an_image_there(self, tmp_path: Path) -> None:
        """An archive is a tar with a sha512 digest, as a layer may be."""
        archive = Sample(content=b"both")
        layer = make_layer(archive.archive, compression="none", algorithm="sha512")
        layered = replace(BIG, layers=(layer,))
        store = opened(tmp_path)
        for sample in (layered, archive):
            expect_success(put(store, sample, EPOCH), "commit")
        assert layer.descriptor.digest == archive.image_id
        assert kinds(tmp_path) == []
        (tmp_path / DATABASE).unlink()
        assert rebuild(tmp_path) == Rebuilt(2, (), ())
        for removed, kept in ((layered, archive), (archive, layered)):
            expect_success(store.remove(removed.image_id), "remove")
            with store.open_blob(archive.image_id).unwrap() as file:
                assert file.read() == archive.archive
            assert kinds(tmp_path) == []
            assert [each.image_id for each in store.list_images().unwrap()] == [kept.image_id]
            expect_success(put(store, removed, EPOCH), "commit")

    @pytest.mark.parametrize(
        "harm",
        [
            lambda path: path.unlink(),
            cut_off,
            put_a_link,
        ],
    )
    @pytest.mark.parametrize("digest", ONE.blobs)
    def test_an_image_that_lacks_one_is_not_there_and_heals(
        self, root: Path, digest: Digest, harm: Callable[[Path], None]
    ) -> None:
        harm(path_of(root, digest))
        store = opened(root)
        sharing = {sample.image_id for sample in IMAGES if digest in sample.blobs}
        listed = {image.image_id for image in store.list_images().unwrap()}
        assert not listed & sharing
        assert len(listed) == 5 - len(sharing)
        assert {image.image_id for image in store.list_lost().unwrap()} == sharing
        prefix = ONE.image_id.hex[:20]
        assert isinstance(store.resolve(prefix, "sha256").failure(), ImageNotFound)
        assert isinstance(store.find(ONE.name, ONE.labels).failure(), ImageNotFound)
        assert isinstance(store.manifest(ONE.image_id).failure(), ImageNotFound)
        assert isinstance(store.open_blob(digest).failure(), ImageNotFound)
        assert store.lookup(ONE.url).unwrap() is None
        assert expect_success(put(store, ONE, EPOCH), "commit").outcome == "new"
        assert len(store.list_images().unwrap()) == 5
        assert kinds(root) == []
        assert_sound(root)

    def test_a_part_is_no_image(self, root: Path) -> None:
        store = opened(root)
        for digest in own_of(ONE):
            assert isinstance(store.resolve(digest.hex, "sha256").failure(), ImageNotFound)
            assert isinstance(store.remove(digest).failure(), ImageNotFound)
            assert isinstance(store.manifest(digest).failure(), ImageNotFound)
            assert path_of(root, digest).exists()

    def test_what_no_image_needs_is_not_opened(self, root: Path) -> None:
        path = path_of(root, digest_of(b"theirs"))
        path.write_bytes(b"theirs")
        assert isinstance(opened(root).open_blob(digest_of(b"theirs")).failure(), ImageNotFound)

    def test_a_blob_that_no_image_needs_is_replaced_by_what_was_verified(self, root: Path) -> None:
        content = OTHER.blobs[own_of(OTHER, ONE)[0]]
        path = path_of(root, own_of(OTHER, ONE)[0])
        path.write_bytes(b"x" * len(content))
        with opened(root).quarantine() as session:
            quarantine = session.unwrap()
            path.rename(path.with_suffix(".away"))
            extracted = extracted_of(OTHER, quarantine, EPOCH)
            path.with_suffix(".away").rename(path)
            expect_success(opened(root).commit(extracted), "commit")
        assert path.read_bytes() == content

    def test_without_its_index_nothing_is_removed(self, root: Path) -> None:
        (root / DATABASE).unlink()
        assert not is_successful(opened(root).remove(ONE.image_id))
        assert path_of(root, ONE.image_id).exists()
        assert not (root / DATABASE).exists()
        assert rebuild(root).images == 5


class TestAdoption:
    """What the store has is linked to, not copied, and outlasts its removal."""

    def adopted(self, root: Path, size: int | None = None) -> tuple[object, list[str]]:
        with opened(root).quarantine() as session:
            size = len(ONE.blobs[LAYER]) if size is None else size
            blob = session.unwrap().adopt(LAYER, size).unwrap()
            (folder,) = (root / "quarantine").iterdir()
            return blob, [path.name for path in folder.iterdir() if path.name != "lock"]

    def test_it_is_a_link(self, root: Path) -> None:
        blob, files = self.adopted(root)
        assert blob is not None
        assert len(files) == 1
        assert path_of(root, LAYER).stat().st_nlink == 1

    @pytest.mark.parametrize(
        "harm", [cut_off, put_a_link, lambda path: path.unlink(), lambda path: path.chmod(0o644)]
    )
    def test_what_is_not_whole_is_not_adopted(
        self, root: Path, harm: Callable[[Path], None]
    ) -> None:
        kept = path_of(root, LAYER)
        harm(kept)
        whole = (
            kept.is_file()
            and not kept.is_symlink()
            and kept.stat().st_size > len(ONE.blobs[LAYER]) - 1
        )
        blob, files = self.adopted(root)
        assert (blob is not None) == whole
        assert len(files) == whole

    @pytest.mark.parametrize(
        "code", [errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES]
    )
    def test_where_links_are_impossible_nothing_is_adopted(self, root: Path, code: int) -> None:
        with opened(root, Unlinkable(code=code)).quarantine() as session:
            assert session.unwrap().adopt(LAYER, len(ONE.blobs[LAYER])).unwrap() is None

    def test_a_full_disk_is_no_reason_to_fetch_more(self, root: Path) -> None:
        with opened(root, Unlinkable(code=errno.ENOSPC)).quarantine() as session:
            error = session.unwrap().adopt(LAYER, len(ONE.blobs[LAYER])).failure()
        assert isinstance(error, DiskFull)

    def test_it_is_stored_again_where_it_was_removed_meanwhile(self, root: Path) -> None:
        store = opened(root)
        with store.quarantine() as session:
            extracted = extracted_of(OTHER, session.unwrap(), EPOCH)
            for sample in (ONE, TWO):
                expect_success(store.remove(sample.image_id), "remove")
            assert not path_of(root, SHARED).exists()
            expect_success(store.commit(extracted), "commit")
        with store.open_blob(SHARED).unwrap() as file:
            assert file.read() == OTHER.blobs[SHARED]
        assert kinds(root) == []

    def test_a_commit_that_fails_gives_it_back(self, root: Path) -> None:
        """Nothing was stored, so nothing may have come to lie in the store."""
        store = opened(root)
        with store.quarantine() as session:
            extracted = extracted_of(OTHER, session.unwrap(), EPOCH)
            for sample in (ONE, TWO):
                expect_success(store.remove(sample.image_id), "remove")
            refused = opened(root, Uncommitted()).commit(extracted)
            assert isinstance(refused.failure(), StoreUnavailable)
            assert not any(path_of(root, digest).exists() for digest in OTHER.blobs)
            assert not record_of(root, OTHER).exists()
            expect_success(store.commit(extracted), "commit")
        assert kinds(root) == []

    def test_many_threads_may_use_one_session(self, root: Path) -> None:
        with opened(root).quarantine() as session, ThreadPoolExecutor(8) as pool:
            quarantine = session.unwrap()
            blobs = list(
                pool.map(
                    lambda number: put_into(quarantine, "layer", b"%d" % number).unwrap(),
                    range(64),
                )
            )
            assert len({blob.key for blob in blobs}) == 64
            for number, blob in enumerate(blobs):
                with quarantine.open(blob).unwrap() as file:
                    assert file.read() == b"%d" % number


class Uncommitted(StoppingFilesystem):
    """A disk that breaks where everything else is done."""

    def note(self, call: str) -> None:
        if call == "sql COMMIT":
            io_error()
        super().note(call)


@dataclass
class Unlinkable(StoppingFilesystem):
    """A file system where no link can be made."""

    code: int = 0

    def link(self, source: Path, target: Path) -> None:
        raise OSError(self.code, os.strerror(self.code))


class TestVerify:
    """Every kind of damage is found, and nothing else is called so."""

    def test_each_blob_is_read_once(self, root: Path) -> None:
        names = {digest: content for sample in IMAGES for digest, content in sample.blobs.items()}
        size = sum(map(len, names.values())) + len(ARCHIVE.archive)
        assert verify(root) == Checked(5, len(names) + 1, size, ())

    @pytest.mark.parametrize(
        ("kind", "harm"),
        [
            ("blob-missing", lambda root: path_of(root, LAYER).unlink()),
            ("blob-missing", lambda root: path_of(root, SHARED).unlink()),
            ("blob-missing", lambda root: path_of(root, ONE.image_id).unlink()),
            ("blob-damaged", lambda root: flip(path_of(root, LAYER), 9)),
            ("blob-damaged", lambda root: flip(path_of(root, ONE.image_id), 9)),
            ("blob-damaged", lambda root: flip(path_of(root, BIG.image_id), 9)),
            ("blob-damaged", lambda root: cut_off(path_of(root, LAYER))),
            ("blob-damaged", lambda root: put_a_link(path_of(root, SHARED))),
            ("record-missing", lambda root: record_of(root, ONE).unlink()),
            ("record-damaged", lambda root: cut_off(record_of(root, ONE))),
            (
                "record-damaged",
                lambda root: shutil.copyfile(record_of(root, TWO), record_of(root, ONE)),
            ),
            ("record-differs", lambda root: execute(root, "UPDATE images SET name = 'a/b'")),
            ("record-differs", lambda root: execute(root, "UPDATE images SET platform = NULL")),
            (
                "record-differs",
                lambda root: execute(root, "UPDATE images SET unverified_reference = NULL"),
            ),
            ("row-differs", lambda root: execute(root, "UPDATE blobs SET size = size + 1")),
            ("row-differs", lambda root: execute(root, "DELETE FROM blobs WHERE hex = ?", LAYER)),
            ("row-differs", lambda root: execute(root, "UPDATE images SET archive_bytes = 1")),
            (
                "row-differs",
                lambda root: execute(
                    root,
                    "UPDATE manifests SET raw = X'7b7d' "
                    "WHERE image = (SELECT id FROM images WHERE hex = ?)",
                    ONE.image_id,
                ),
            ),
            (
                "row-damaged",
                lambda root: execute(root, "UPDATE manifest_proofs SET document = '{}'"),
            ),
        ],
    )
    def test_damage(self, root: Path, kind: Kind, harm: Callable[[Path], object]) -> None:
        harm(root)
        checked = verify(root)
        assert kind in [finding.kind for finding in checked.findings]
        assert checked.is_damaged
        if "execute" not in harm.__code__.co_names:
            assert len(checked.findings) == 1

    @pytest.mark.parametrize(
        ("kind", "leave"),
        [
            ("blob-unknown", lambda root: path_of(root, digest_of(b"x")).write_bytes(b"x")),
            ("file-unknown", lambda root: (root / "blobs" / "sha256" / "notes").touch()),
            ("record-unknown", lambda root: record_of(root, OTHER).touch()),
            ("file-unknown", lambda root: (root / "records" / "sha256" / "notes").touch()),
            ("draft", lambda root: record_of(root, OTHER).with_suffix(".json.new").touch()),
            ("draft", lambda root: (root / "index.json.new").touch()),
        ],
    )
    def test_leftovers_are_no_damage(
        self, root: Path, kind: Kind, leave: Callable[[Path], object]
    ) -> None:
        leave(root)
        assert kinds(root) == [kind]
        assert not verify(root).is_damaged
        collected = collect(root, 0)
        assert len(collected) == (kind != "file-unknown")

    def test_a_record_that_is_ahead_is_no_damage(self, root: Path) -> None:
        execute(root, "DELETE FROM manifest_proofs")
        assert set(kinds(root)) == {"record-ahead"}
        assert not verify(root).is_damaged

    def test_without_an_index_every_digest_is_computed(self, root: Path) -> None:
        (root / DATABASE).unlink()
        assert kinds(root) == ["database-missing"]
        flip(path_of(root, LAYER), 9)
        flip(path_of(root, ONE.image_id), 9)
        assert kinds(root) == ["database-missing", "blob-damaged", "blob-damaged"]

    def test_a_removal_that_a_full_disk_kept_from_ending_is_no_damage(self, root: Path) -> None:
        for digest in (*own_of(ONE, TWO), ONE.image_id):
            path_of(root, digest).unlink()
        record_of(root, ONE).unlink()
        record_of(root, ONE).with_suffix(".removed").touch()
        assert set(kinds(root)) == {"removal-unfinished"}
        assert not verify(root).is_damaged
        assert [each.kind for each in collect(root)] == ["removal"]
        assert kinds(root) == []
        assert len(opened(root).list_images().unwrap()) == 4

    def test_what_an_image_that_stays_needs_is_damage(self, root: Path) -> None:
        path_of(root, SHARED).unlink()
        record_of(root, ONE).with_suffix(".removed").touch()
        assert "blob-missing" in kinds(root)


class TestRebuild:
    """Everything is there again, out of blobs and records."""

    @pytest.mark.parametrize(
        "harm",
        [
            lambda root: (root / DATABASE).unlink(),
            lambda root: (root / DATABASE).write_bytes(b"junk" * 9999),
            lambda root: execute(root, "DELETE FROM blobs"),
            lambda root: execute(root, "DELETE FROM images"),
            lambda root: (root / "index.json").write_bytes(b"junk"),
            lambda root: None,
        ],
    )
    def test_everything_comes_back(self, root: Path, harm: Callable[[Path], object]) -> None:
        before = everything(root)
        listed = opened(root).list_images().unwrap()
        files = {path: path.read_bytes() for path in (root / "records").glob("*/*")}
        index = (root / "index.json").read_bytes().partition(b'"manifests"')[2]
        harm(root)
        assert rebuild(root) == Rebuilt(5, (), ())
        assert everything(root) == before
        assert opened(root).list_images().unwrap() == listed
        assert opened(root).lookup(ONE.url).unwrap() is not None
        assert {path: path.read_bytes() for path in (root / "records").glob("*/*")} == files
        assert (root / "index.json").read_bytes().partition(b'"manifests"')[2] == index
        assert measure_store(root).unwrap().listing_lag == 0
        assert kinds(root) == []
        assert_sound(root)

    def test_what_no_record_describes_is_left_and_named(self, root: Path) -> None:
        record_of(root, ONE).unlink()
        (root / DATABASE).unlink()
        rebuilt = rebuild(root)
        assert (rebuilt.images, rebuilt.unproven) == (4, ())
        left = {finding.path.rsplit("/", 1)[1] for finding in rebuilt.left_out}
        assert left == {digest.hex for digest in (*own_of(ONE, TWO), ONE.image_id)}
        assert {finding.kind for finding in rebuilt.left_out} == {"blob-unknown"}
        for digest in ONE.blobs:
            assert path_of(root, digest).exists()

    def test_a_lost_record_comes_from_the_old_index(self, root: Path) -> None:
        kept = record_of(root, ONE).read_bytes()
        record_of(root, ONE).unlink()
        assert rebuild(root) == Rebuilt(5, (), ())
        assert record_of(root, ONE).read_bytes() == kept

    @pytest.mark.parametrize(
        ("harm", "wanted"),
        [
            (lambda root: path_of(root, LAYER).unlink(), {"blob-missing", "blob-unknown"}),
            (lambda root: flip(path_of(root, LAYER), 9), {"blob-missing", "blob-damaged"}),
            (lambda root: flip(path_of(root, ONE.image_id), 9), {"blob-damaged", "blob-unknown"}),
            (lambda root: path_of(root, ONE.image_id).unlink(), {"blob-unknown"}),
            (lambda root: cut_off(record_of(root, ONE)), {"record-damaged", "blob-unknown"}),
        ],
    )
    def test_an_image_that_is_not_whole_is_none(
        self, root: Path, harm: Callable[[Path], object], wanted: set[Kind]
    ) -> None:
        (root / DATABASE).unlink()
        harm(root)
        rebuilt = rebuild(root)
        assert rebuilt.images == 4
        assert {finding.kind for finding in rebuilt.left_out} <= wanted
        assert wanted - {"blob-unknown"} <= {finding.kind for finding in rebuilt.left_out}
        prefix = ONE.image_id.hex[:20]
        assert isinstance(opened(root).resolve(prefix, "sha256").failure(), ImageNotFound)
        assert opened(root).resolve(TWO.image_id.hex, "sha256").unwrap().name == TWO.name
        assert not verify(root).is_damaged

    def test_a_manifest_that_lies_about_a_size_makes_no_image(self, root: Path) -> None:
        """It would never be whole; no commit lets it in."""
        document = json.loads(ONE.manifest)
        document["layers"][0]["size"] += 1
        raw = json.dumps(document).encode()
        path_of(root, digest_of(raw)).write_bytes(raw)
        facts = records.read(root, ONE.image_id)
        assert facts is not None
        records.write(StoppingFilesystem(), root, digest_of(raw), replace(facts, order=0))
        rebuilt = rebuild(root)
        assert rebuilt.images == 5
        assert [finding.kind for finding in rebuilt.left_out] == ["blob-missing"]


class TestRecord:
    """A record is exactly what this program writes, or it is refused."""

    @pytest.mark.parametrize(
        "changed",
        [
            {"version": 1},
            {"version": 3},
            {"description": None},
            {"description": {}},
            {"description": {"media_type": ACI_TYPE}},
            {"description": {"labels": [["os", "linux"], ["os", "linux"]]}},
            {"description": {"labels": "[]"}},
            {"description": {"platform": ["linux"]}},
            {"description": {"platform": ["linux", 1, ""]}},
            {"description": {"name": 1}},
            {"description": {"unknown": 1}},
            {"provenance": {"documents": ["!"]}},
            {"provenance": {"documents": "e30="}},
            {"provenance": {"decision": {}}},
            {"provenance": {"signers": [{"key_sha256": 1}]}},
            {"provenance": {"signatures": [{"format": "new"}]}},
            {"provenance": {"unverified_reason": "both"}},
            {"remotes": [{"reference": 1}]},
        ],
    )
    def test_a_member(self, root: Path, changed: dict[str, Any]) -> None:
        document = json.loads(record_of(root, ONE).read_bytes())
        assert document["version"] == 2
        for member, value in changed.items():
            both = isinstance(document[member], dict) and isinstance(value, dict) and value
            document[member] = {**document[member], **value} if both else value
        record_of(root, ONE).write_text(json.dumps(document, sort_keys=True, separators=(",", ":")))
        assert kinds(root) == ["record-damaged"]

    def test_an_archives_is_what_it_was_before(self, root: Path) -> None:
        document = json.loads(record_of(root, ARCHIVE).read_bytes())
        assert document["version"] == 1
        assert "description" not in document

    def test_an_archive_has_no_description(self, root: Path) -> None:
        facts = records.read(root, ARCHIVE.image_id)
        assert facts is not None
        described = Description(ACI_TYPE, ARCHIVE.name, ARCHIVE.labels, None)
        content = records.encode(ARCHIVE.image_id, replace(facts, description=described))
        with pytest.raises(Refused):
            records.decode(ARCHIVE.image_id, content)

    def test_what_nobody_vouched_for_says_what_the_policy_was_asked_about(self, root: Path) -> None:
        (root / DATABASE).unlink()
        rebuild(root)
        provenance = opened(root).resolve(TWO.image_id.hex, "sha256").unwrap().provenance
        assert provenance == NoProof("a test needs it", "docker://registry.example.com/two:1.0")

    def test_a_huge_one_is_not_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(records, "RECORD_BYTES", 1000)
        assert isinstance(put(opened(tmp_path), ONE, EPOCH).failure(), StoreUnavailable)
        assert not any((tmp_path / "blobs").glob("*/*"))


def test_docker_images_keep_their_media_type(tmp_path: Path) -> None:
    sample = OciSample(layers=(b"docker",), docker=True)
    expect_success(put(opened(tmp_path), sample, EPOCH), "commit")
    (tmp_path / DATABASE).unlink()
    assert rebuild(tmp_path) == Rebuilt(1, (), ())
    (image,) = opened(tmp_path).list_images().unwrap()
    assert image.media_type == DOCKER_MANIFEST_TYPE
    assert kinds(tmp_path) == []


def test_unused_images_are_those_of_registries_too(root: Path) -> None:
    clock = FixedClock(EPOCH + timedelta(days=10))
    opened(root, clock=clock).touch(TWO.image_id)
    found = list_unused(
        root, clock=clock, age=timedelta(days=5), platform=Platform("linux", "amd64")
    )
    unused = {image.image_id for image in found.unwrap()}
    assert unused == {ONE.image_id, BIG.image_id, BARE.image_id, ARCHIVE.image_id}
    assert opened(root).uses().unwrap()[TWO.image_id][0] == clock.now()


def test_orphans_go_and_what_others_need_stays(root: Path) -> None:
    execute(root, "DELETE FROM images WHERE hex = ?", ONE.image_id)
    assert set(kinds(root)) == {"blob-unknown", "record-unknown"}
    for digest in ONE.blobs:
        make_old(path_of(root, digest))
    collected = {each.path.rsplit("/", 1)[1] for each in collect(root)}
    lost = {digest.hex for digest in (*own_of(ONE, TWO), ONE.image_id)}
    assert collected == lost | {f"{ONE.image_id.hex}.json"}
    assert kinds(root) == []
    assert len(opened(root).list_images().unwrap()) == 4
