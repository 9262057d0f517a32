"""What an app would see of an image: order, whitelists, cycles, and proof of everything below."""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from returns.pipeline import is_successful

from pipeline.errors import (
    ImageNotFound,
    NotExportable,
    OutputExists,
    PipelineError,
    StoreCorrupt,
    TooManyDependencies,
)
from pipeline.names import Platform
from pipeline.recipes import rendering
from pipeline.recipes.image_files import ImageFiles
from pipeline.recipes.rendering import plan_rendering
from pipeline.results import Stored
from pipeline.testing.makers import make_archive, make_manifest
from tests.recipes.test_fetcher import Setting, reference, trusted
from tests.support.world import LABELS, make_key


@pytest.fixture
def setting(maker_key: Any) -> Setting:
    return Setting(maker_key)


def store(
    setting: Setting,
    app: str,
    below: Sequence[str | Mapping[str, object]] = (),
    whitelist: Sequence[str] = (),
    files: Mapping[str, bytes] | None = None,
    labels: Mapping[str, str] = LABELS,
) -> Stored:
    """Publish an image and fetch it, without what it depends on."""
    dependencies = [
        {"imageName": f"example.com/{each}"} if isinstance(each, str) else each for each in below
    ]
    manifest = make_manifest(
        f"example.com/{app}", labels, dependencies, pathWhitelist=list(whitelist)
    )
    content = {"who": app.encode(), f"from-{app}": app.encode()} if files is None else files
    setting.publish(app, gzip.compress(make_archive(manifest, content), mtime=0))
    there = replace(setting.fetcher(), platform=Platform("linux", labels["arch"]))
    return there.fetch_image(reference(f"example.com/{app}:1.2.0")).unwrap()


def order(setting: Setting, image: Stored) -> list[str]:
    """Return the apps in the order in which they are unpacked."""
    planned = plan_rendering(setting.fetcher("never"), image, rootfs_only=False).unwrap()
    assert [layer.selection.manifest for layer in planned] == [False] * (len(planned) - 1) + [True]
    return [layer.image.name.removeprefix("example.com/") for layer in planned]


def refusal(setting: Setting, image: Stored) -> PipelineError:
    return plan_rendering(setting.fetcher("never"), image, rootfs_only=False).failure()


def render(setting: Setting, image: Stored, target: Path) -> dict[str, bytes]:
    """Render, and return every file by its path in the rootfs."""
    files = ImageFiles(setting.fetcher("never"), setting.store.open_archive)
    outcome = files.render(image, target, rootfs_only=True)
    assert is_successful(outcome), outcome.failure().message
    return {
        str(path.relative_to(target)): path.read_bytes()
        for path in target.rglob("*")
        if path.is_file()
    }


class TestOrder:
    """Depth first, then the image itself (aci.md "Dependency Matching")."""

    def test_an_image_alone(self, setting: Setting) -> None:
        assert order(setting, store(setting, "a")) == ["a"]

    def test_a_tree(self, setting: Setting) -> None:
        """The very graph of which appc/spec's issue on the order speaks."""
        store(setting, "b")
        store(setting, "e")
        store(setting, "c", ["b", "e"])
        store(setting, "d", ["b", "e"])
        # b, (b, e, c), (b, e, d), a: what comes again counts the last time.
        assert order(setting, store(setting, "a", ["b", "c", "d"])) == ["c", "b", "e", "d", "a"]

    def test_a_cycle_ends(self, setting: Setting) -> None:
        store(setting, "b", ["a", "b"])
        assert order(setting, store(setting, "a", ["b"])) == ["b", "a"]

    def test_the_later_file_stays(self, setting: Setting, tmp_path: Path) -> None:
        store(setting, "b")
        store(setting, "c")
        found = render(setting, store(setting, "a", ["b", "c"], files={"x": b"a"}), tmp_path / "t")
        assert found == {"x": b"a", "who": b"c", "from-b": b"b", "from-c": b"c"}

    def test_too_many(self, setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ways count, not images: there are 2 to the depth of them."""
        store(setting, "l0")
        for level in range(1, 5):
            store(setting, f"l{level}", [f"l{level - 1}", {"imageName": f"example.com/l{level - 1}",
                  "labels": [{"name": "version", "value": "1.2.0"}]}])  # fmt: skip
        top = store(setting, "top", ["l4"])
        assert len(order(setting, top)) == 6
        monkeypatch.setattr(rendering, "DEPENDENCIES", 31)
        assert refusal(setting, top) == TooManyDependencies(31, "dependencies")

    def test_too_deep(self, setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rendering, "DEPENDENCY_DEPTH", 2)
        store(setting, "c")
        assert order(setting, store(setting, "b", ["c"])) == ["c", "b"]
        top = store(setting, "a", ["b"])
        assert refusal(setting, top) == TooManyDependencies(2, "levels of dependencies")


class TestWhitelists:
    def test_one_holds_for_everything_below(self, setting: Setting, tmp_path: Path) -> None:
        store(setting, "c")
        store(setting, "b", ["c"], ["/who", "/from-c"])
        image = store(setting, "a", ["b"], files={"own": b"a"})
        assert render(setting, image, tmp_path / "t") == {
            "who": b"b",
            "from-c": b"c",
            "own": b"a",
        }

    def test_every_one_above_holds(self, setting: Setting, tmp_path: Path) -> None:
        """rkt takes the uppermost alone."""
        store(setting, "c")
        store(setting, "b", ["c"], ["/from-c"])
        image = store(setting, "a", ["b"], ["/from-c", "/who", "/from-b"])
        found = render(setting, image, tmp_path / "t")
        assert found == {"from-c": b"c", "who": b"a"}

    def test_on_another_way_it_does_not_hold(self, setting: Setting, tmp_path: Path) -> None:
        store(setting, "c")
        store(setting, "b", ["c"], ["/from-b"])
        image = store(setting, "a", ["b", "c"], files={})
        assert set(render(setting, image, tmp_path / "t")) == {"from-b", "who", "from-c"}


class TestDependencies:
    """Everything below is in the store, is what was meant, and is proven."""

    def test_one_that_is_missing_is_named(self, setting: Setting) -> None:
        error = refusal(setting, store(setting, "a", ["gone"]))
        assert isinstance(error, ImageNotFound)
        assert "example.com/gone" in error.sought

    def test_labels_and_size_and_id(self, setting: Setting) -> None:
        below = store(setting, "b")

        def image(**members: object) -> Stored:
            return store(setting, "a", [{"imageName": "example.com/b"} | members])

        assert order(setting, image(imageID=below.image_id.image_id)) == ["b", "a"]
        assert order(setting, image(size=below.archive_bytes)) == ["b", "a"]
        for wrong in (
            {"imageID": f"sha512-{'0' * 128}"},
            {"size": below.archive_bytes + 1},
            {"labels": [{"name": "version", "value": "2"}]},
            {"imageID": below.image_id.image_id, "imageName": "example.com/other"},
        ):
            assert isinstance(refusal(setting, image(**wrong)), ImageNotFound)

    def test_the_platform_is_the_parents(self, setting: Setting) -> None:
        store(setting, "b", labels=LABELS | {"arch": "s390x"})
        other = store(setting, "a", ["b"], labels=LABELS | {"arch": "s390x"})
        assert order(setting, other) == ["b", "a"]
        assert isinstance(refusal(setting, store(setting, "c", ["b"])), ImageNotFound)
        named = {"imageName": "example.com/b", "labels": [{"name": "arch", "value": "s390x"}]}
        assert order(setting, store(setting, "d", [named])) == ["b", "d"]

    def test_one_that_is_not_proven_any_more(self, setting: Setting) -> None:
        store(setting, "b")
        image = store(setting, "a", ["b"])
        setting.keys = (trusted(make_key("Somebody Else")),)
        assert refusal(setting, image).exit_code == 6
        unproven = setting.fetcher("never", unsigned="asked for")
        assert is_successful(plan_rendering(unproven, image, rootfs_only=False))


class TestFiles:
    """Export, and what all commands have in common."""

    def test_an_archive_that_was_changed_in_the_store(
        self, setting: Setting, tmp_path: Path
    ) -> None:
        image = store(setting, "a")
        other = store(setting, "b")
        files = ImageFiles(
            setting.fetcher("never"), lambda _: setting.store.open_archive(other.image_id)
        )
        target = tmp_path / "t"
        for outcome in (
            files.extract(image, target),
            files.render(image, target),
            files.export(image, target, overwrite=False),
            files.export_layout(image, target, overwrite=False),
        ):
            assert isinstance(outcome.failure(), StoreCorrupt)
        *chunks, last = files.chunks(image)
        assert all(map(is_successful, chunks))
        assert isinstance(last.failure(), StoreCorrupt)
        assert list(tmp_path.iterdir()) == []

    def test_a_file_in_the_way(self, setting: Setting, tmp_path: Path) -> None:
        image = store(setting, "a")
        files = ImageFiles(setting.fetcher("never"), setting.store.open_archive)
        target = tmp_path / "t"
        target.write_bytes(b"old")
        refused = files.export(image, target, overwrite=False)
        assert refused.failure() == OutputExists(str(target))
        assert target.read_bytes() == b"old"
        assert is_successful(files.export(image, target, overwrite=True))
        assert target.stat().st_size == image.archive_bytes
        folder = tmp_path / "folder"
        (folder / "old").mkdir(parents=True)
        assert not is_successful(files.export(image, folder, overwrite=True))
        assert (folder / "old").is_dir()
        assert {path.name for path in tmp_path.iterdir()} == {"t", "folder"}

    def test_what_an_oci_image_cannot_say(self, setting: Setting, tmp_path: Path) -> None:
        store(setting, "b")
        files = ImageFiles(setting.fetcher("never"), setting.store.open_archive)
        for image in (store(setting, "a", ["b"]), store(setting, "c", files={".wh.x": b""})):
            outcome = files.export_layout(image, tmp_path / "t", overwrite=False)
            assert isinstance(outcome.failure(), NotExportable)
        assert list(tmp_path.iterdir()) == []

    def test_an_image_larger_than_the_usual_limit(self, setting: Setting, tmp_path: Path) -> None:
        """It was let in by whoever fetched it, and comes out again."""
        image = store(setting, "a", files={"a": bytes(5000)})
        files = ImageFiles(setting.fetcher("never"), setting.store.open_archive)
        assert is_successful(files.extract(image, tmp_path / "t"))
        smaller = replace(image, archive_bytes=image.archive_bytes - 1)
        assert not is_successful(files.extract(smaller, tmp_path / "s"))
