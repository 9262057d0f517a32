"""``index.json``: what other programs find in the store, under which names, and when."""

import errno
import json
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.adapters.layout import listing
from pipeline.adapters.layout.maintenance import (
    collect_store,
    measure_store,
    rebuild_store,
    verify_store,
    write_index,
)
from pipeline.oci import OciPlatform
from pipeline.results import Freshness, Validators
from pipeline.testing.conformance import expect_success, put
from pipeline.testing.fakes import EPOCH, FixedClock
from pipeline.testing.oci_samples import HOST, OciSample
from pipeline.testing.samples import Sample
from tests.adapters.store_world import StoppingFilesystem, opened

APP = OciSample()
NAME = f"{HOST}/app:1.0"
ARM = OciPlatform("linux", "arm64", "v8")


def store_all(root: Path, *samples: OciSample | Sample) -> None:
    for sample in samples:
        expect_success(put(opened(root), sample, EPOCH), "commit")


def entries(root: Path) -> list[dict[str, object]]:
    document = json.loads((root / "index.json").read_bytes())
    assert document["schemaVersion"] == 2
    assert document["mediaType"] == "application/vnd.oci.image.index.v1+json"
    return list(document["manifests"])


def names(root: Path) -> dict[str, str]:
    """Which digest has which name."""
    found = {}
    for entry in entries(root):
        annotations = entry["annotations"]
        assert isinstance(annotations, dict)
        found[annotations["org.opencontainers.image.ref.name"]] = str(entry["digest"])
    assert len(found) == len(entries(root))
    return found


def lag(root: Path) -> int:
    return measure_store(root).unwrap().listing_lag


class TestNames:
    def test_an_entry_says_what_an_image_is(self, tmp_path: Path) -> None:
        arm = replace(APP, repository="arm", platform=ARM)
        store_all(tmp_path, Sample(), APP, arm)
        assert entries(tmp_path) == [
            {
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": str(APP.image_id),
                "size": len(APP.manifest),
                "platform": {"architecture": "amd64", "os": "linux"},
                "annotations": {"org.opencontainers.image.ref.name": NAME},
            },
            {
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": str(arm.image_id),
                "size": len(arm.manifest),
                "platform": {"architecture": "arm64", "os": "linux", "variant": "v8"},
                "annotations": {"org.opencontainers.image.ref.name": f"{HOST}/arm:1.0"},
            },
        ]

    def test_archives_are_not_listed(self, tmp_path: Path) -> None:
        store_all(tmp_path, Sample())
        assert entries(tmp_path) == []

    def test_one_image_may_have_several(self, tmp_path: Path) -> None:
        store_all(tmp_path, APP, replace(APP, tag="latest"))
        assert names(tmp_path) == dict.fromkeys((NAME, f"{HOST}/app:latest"), str(APP.image_id))

    def test_a_tag_that_has_moved_is_the_later_images(self, tmp_path: Path) -> None:
        later = replace(APP, layers=(b"later",))
        store_all(tmp_path, APP, later)
        digest = str(APP.image_id)
        assert names(tmp_path) == {NAME: str(later.image_id), digest: digest}
        expect_success(opened(tmp_path).remove(later.image_id), "remove")
        # Where the tag led before is not remembered.
        assert names(tmp_path) == {digest: digest}

    def test_it_may_move_to_an_image_that_is_there(self, tmp_path: Path) -> None:
        other = replace(APP, tag="2.0", layers=(b"other",))
        store_all(tmp_path, APP, other, replace(other, tag="1.0"))
        digest = str(APP.image_id)
        both = dict.fromkeys((NAME, f"{HOST}/app:2.0"), str(other.image_id))
        assert names(tmp_path) == both | {digest: digest}

    def test_of_several_platforms_the_last_to_come_has_the_name(self, tmp_path: Path) -> None:
        arm = replace(APP, platform=ARM)
        store_all(tmp_path, APP, arm)
        digest = str(APP.image_id)
        assert names(tmp_path) == {NAME: str(arm.image_id), digest: digest}
        expect_success(opened(tmp_path).remove(arm.image_id), "remove")
        assert names(tmp_path) == {NAME: digest}

    @pytest.mark.parametrize("first", [True, False])
    def test_a_digest_beside_the_tag_takes_it_from_nobody(
        self, tmp_path: Path, first: bool
    ) -> None:
        pinned = replace(APP, layers=(b"older",), asked_digest=True)
        store_all(tmp_path, *((pinned, APP) if first else (APP, pinned)))
        digest = str(pinned.image_id)
        assert names(tmp_path) == {NAME: str(APP.image_id), digest: digest}
        expect_success(opened(tmp_path).remove(APP.image_id), "remove")
        assert names(tmp_path) == {NAME: digest}

    def test_one_without_a_tag_is_listed_by_its_digest(self, tmp_path: Path) -> None:
        bare = replace(APP, tag=None)
        store_all(tmp_path, bare)
        assert names(tmp_path) == dict.fromkeys([str(bare.image_id)], str(bare.image_id))

    @pytest.mark.parametrize(("tag", "listed"), [("1", "localhost:5000/app:1"), (None, None)])
    def test_a_port_is_no_tag(self, tmp_path: Path, tag: str | None, listed: str | None) -> None:
        local = replace(APP, host="localhost:5000", tag=tag)
        store_all(tmp_path, local)
        assert list(names(tmp_path)) == [listed or str(local.image_id)]

    @pytest.mark.parametrize(
        ("repository", "tag"),
        [("a__b", "1"), ("a---b", "1"), ("app", "_1"), ("app", "1-"), ("app", "1..2")],
    )
    def test_so_is_one_whose_name_other_programs_do_not_take(
        self, tmp_path: Path, repository: str, tag: str
    ) -> None:
        odd = replace(APP, repository=repository, tag=tag)
        store_all(tmp_path, odd)
        assert list(names(tmp_path)) == [str(odd.image_id)]

    def test_what_says_nothing_of_its_platform_has_none(self, tmp_path: Path) -> None:
        artifact = replace(APP, platform=OciPlatform("", ""))
        store_all(tmp_path, artifact)
        assert "platform" not in entries(tmp_path)[0]


class TestFollowing:
    def test_it_is_made_with_each_change(self, tmp_path: Path) -> None:
        store_all(tmp_path, APP)
        assert list(names(tmp_path)) == [NAME]
        assert lag(tmp_path) == 0
        expect_success(opened(tmp_path).remove(APP.image_id), "remove")
        assert entries(tmp_path) == []
        assert lag(tmp_path) == 0

    def test_what_changes_nothing_of_it_does_not_make_it(self, tmp_path: Path) -> None:
        store_all(tmp_path, APP)
        filesystem = StoppingFilesystem()
        store = opened(tmp_path, filesystem)
        expect_success(put(store, APP, EPOCH), "commit")
        expect_success(put(store, Sample(), EPOCH), "commit")
        expect_success(store.refresh(APP.url, Validators(), Freshness(EPOCH)), "refresh")
        expect_success(store.remove(Sample().image_id), "remove")
        assert not any("index.json" in call for call in filesystem.calls)

    @pytest.mark.parametrize("content", [None, b"", b"junk", b'{"manifests": []}'])
    def test_what_became_of_it_is_mended_by_the_next_change(
        self, tmp_path: Path, content: bytes | None
    ) -> None:
        store_all(tmp_path, APP)
        (tmp_path / "index.json").unlink()
        if content is not None:
            (tmp_path / "index.json").write_bytes(content)
        assert lag(tmp_path) == 2
        store_all(tmp_path, Sample())
        assert list(names(tmp_path)) == [NAME]

    def test_one_of_a_later_database_is_made_again(self, tmp_path: Path) -> None:
        """As where a copy of the database was put back."""
        store_all(tmp_path, APP)
        content = (tmp_path / "index.json").read_bytes()
        (tmp_path / "index.json").write_bytes(content.replace(b'changes":"2"', b'changes":"9"'))
        assert lag(tmp_path) == 3
        store_all(tmp_path, Sample())
        assert lag(tmp_path) == 0

    def test_a_change_does_not_fail_with_it(self, tmp_path: Path) -> None:
        store_all(tmp_path, APP)
        other = replace(APP, tag="2.0", layers=(b"other",))
        full = opened(tmp_path, Unlisted())
        assert expect_success(put(full, other, EPOCH), "commit").outcome == "new"
        assert list(names(tmp_path)) == [NAME]
        assert not (tmp_path / "index.json.new").exists()
        assert lag(tmp_path) == 2
        expect_success(full.remove(other.image_id), "remove")
        assert lag(tmp_path) == 3
        assert verify_store(tmp_path).unwrap().findings == ()
        store_all(tmp_path, Sample())
        assert lag(tmp_path) == 0

    def test_beyond_the_limit_it_lags_by_a_share(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listing, "LISTED_AT_ONCE", 4)
        monkeypatch.setattr(listing, "LISTING_SHARE", 1)
        seen = []
        for number in range(20):
            store_all(tmp_path, replace(APP, tag=str(number), layers=(b"%d" % number,)))
            assert lag(tmp_path) == 2 * (number + 1 - len(entries(tmp_path)))
            seen.append(len(entries(tmp_path)))
        assert seen == [1, 2, 3, 4, 5, 5, 5, *[8] * 4, *[12] * 6, *[18] * 3]
        assert write_index(tmp_path).unwrap() == 20
        assert (lag(tmp_path), len(names(tmp_path))) == (0, 20)

    def test_a_collection_makes_it(self, tmp_path: Path) -> None:
        store_all(tmp_path, APP)
        (tmp_path / "index.json").unlink()
        clock = FixedClock(datetime.now(UTC))
        day = timedelta(days=1)
        expect_success(collect_store(tmp_path, clock=clock, grace=day, dry_run=True), "look")
        assert not (tmp_path / "index.json").exists()
        expect_success(collect_store(tmp_path, clock=clock, grace=day), "collect")
        assert list(names(tmp_path)) == [NAME]

    def test_a_rebuild_makes_it(self, tmp_path: Path) -> None:
        store_all(tmp_path, APP)
        (tmp_path / "image-pipeline.db").unlink()
        (tmp_path / "index.json").write_bytes(b"junk")
        expect_success(rebuild_store(tmp_path, clock=FixedClock()), "rebuild")
        assert list(names(tmp_path)) == [NAME]
        assert lag(tmp_path) == 0

    def test_one_that_a_rebuild_left_undone_is_made_by_the_next_change(
        self, tmp_path: Path
    ) -> None:
        """Also where the new index has counted as many changes as the file goes up to."""
        store_all(tmp_path, APP)
        other = replace(APP, tag="2.0", layers=(b"other",))
        full = opened(tmp_path, Unlisted())
        expect_success(full.remove(APP.image_id), "remove")
        expect_success(put(full, other, EPOCH), "commit")
        rebuilt = rebuild_store(tmp_path, clock=FixedClock(), filesystem=Unlisted())
        assert rebuilt.failure().kind == "disk-full"
        assert list(names(tmp_path)) == [NAME]
        assert lag(tmp_path) > 0
        store_all(tmp_path, Sample())
        assert list(names(tmp_path)) == [f"{HOST}/app:2.0"]

    def test_no_store_has_none(self, tmp_path: Path) -> None:
        assert write_index(tmp_path / "store").unwrap() == 0
        assert not (tmp_path / "store").exists()

    def test_an_empty_store_has_an_empty_one(self, tmp_path: Path) -> None:
        assert write_index(tmp_path).unwrap() == 0
        assert lag(tmp_path) == 0


@dataclass
class Unlisted(StoppingFilesystem):
    """A disk that is full whenever ``index.json`` is to be named."""

    def rename(self, source: Path, target: Path) -> None:
        if target.name == "index.json" and json.loads(source.read_bytes())["annotations"]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().rename(source, target)
