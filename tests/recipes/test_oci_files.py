"""Stored registry images as files: rendered, exported, converted; every digest compared."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.layout import LayoutStore, open_store
from pipeline.adapters.memory import MemoryStore
from pipeline.digest import Digest
from pipeline.errors import (
    ArchiveTooLarge,
    CorruptArchive,
    DiffIDMismatch,
    InvalidDocument,
    NotExportable,
    OutputExists,
    PipelineError,
    StoreCorrupt,
    StoreError,
    StoreUnavailable,
)
from pipeline.limits import Limits
from pipeline.names import ImageName
from pipeline.recipes.image_files import ImageFiles
from pipeline.reference import ImagePathReference, OciReference
from pipeline.reference.docker import parse_docker_reference
from pipeline.results import ManifestEvidence, ManifestProof, NoProof, Stored
from pipeline.stages.convert import convert_to_aci
from pipeline.testing.archives import make_entry, make_tar
from pipeline.testing.fakes import FixedClock
from pipeline.testing.oci import MadeImage, digest_of, make_artifact, make_image, make_layer
from pipeline.trust import Decision
from tests.recipes.test_fetcher import Setting
from tests.support.oci_images import HOST, REFERENCE, extracted
from tests.support.trees import snapshot

IMAGE = make_image(
    {"bin/app": b"#!/bin/sh\n" * 9, "etc/gone": b"old", "manifest": b"a file of the image's own"},
    make_layer({"etc/app": b"setting", "etc/.wh.gone": b""}, compression="zstd"),
)
ROOTFS = {
    "bin/app": b"#!/bin/sh\n" * 9,
    "etc/app": b"setting",
    "manifest": b"a file of the image's own",
}


@dataclass(slots=True)
class World:
    """A store, and what writes its images to files."""

    store: MemoryStore | LayoutStore
    files: ImageFiles
    folder: Path
    changed: dict[Digest, Callable[[], Result[BinaryIO, StoreError]]]

    @property
    def target(self) -> Path:
        return self.folder / "target"

    def keep(self, made: MadeImage, reference: OciReference = REFERENCE) -> Stored:
        with self.store.quarantine() as opened:
            return self.store.commit(extracted(made, opened.unwrap(), reference)).unwrap()

    def archive_id(self, made: MadeImage, reference: OciReference = REFERENCE) -> Digest:
        """Return the ID of the archive that a fetch as one would have stored."""
        with self.store.quarantine() as opened:
            quarantine = opened.unwrap()
            image = extracted(made, quarantine, reference)
            return convert_to_aci(quarantine=quarantine)(image).unwrap().image_id

    def change(self, digest: Digest, content: bytes) -> None:
        self.changed[digest] = lambda: Success(io.BytesIO(content))

    def refusals(self, image: Stored, *, without: str = "") -> list[PipelineError]:
        """Return why nothing can be made of an image; nothing is left, either."""
        *_, last = self.files.chunks(image)
        outcomes: dict[str, Result[Any, PipelineError]] = {
            "chunks": last,
            "export": self.files.export(image, self.target, overwrite=False),
            "render": self.files.render(image, self.target),
            "extract": self.files.extract(image, self.target, rootfs_only=True),
        }
        if without != "layout":
            outcomes["layout"] = self.files.export_layout(image, self.target, overwrite=False)
        assert {path.name for path in self.folder.iterdir()} <= {"store", "kept"}
        return [outcome.failure() for outcome in outcomes.values()]


@pytest.fixture(params=["memory", "layout"])
def world(request: pytest.FixtureRequest, maker_key: Any, tmp_path: Path) -> World:
    setting = Setting(maker_key)
    clock: FixedClock = setting.clock
    store = (
        MemoryStore(clock)
        if request.param == "memory"
        else open_store(tmp_path / "store", clock=clock).unwrap()
    )
    changed: dict[Digest, Callable[[], Result[BinaryIO, StoreError]]] = {}

    def open_blob(digest: Digest) -> Result[BinaryIO, StoreError]:
        return changed.get(digest, lambda: store.open_blob(digest))()

    fetcher = replace(setting.fetcher("never", unsigned="a test"), store=store)
    return World(store, ImageFiles(fetcher, open_blob), tmp_path, changed)


def files_in(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


class TestTrees:
    def test_the_root_filesystem(self, world: World) -> None:
        image = world.keep(IMAGE)
        for write in (world.files.render, world.files.extract):
            report = write(image, world.target, rootfs_only=True, overwrite=True).unwrap()
            assert report.entries == 4
            assert files_in(world.target) == ROOTFS

    def test_the_whole_image(self, world: World) -> None:
        image = world.keep(IMAGE)
        assert is_successful(world.files.render(image, world.target))
        wanted: Mapping[str, bytes] = {f"rootfs/{path}": ROOTFS[path] for path in ROOTFS}
        assert files_in(world.target) == {**wanted, "manifest": IMAGE.raw}

    def test_no_layers(self, world: World) -> None:
        image = world.keep(make_image())
        assert is_successful(world.files.render(image, world.target))
        assert set(snapshot(world.target)) == {".", "manifest", "rootfs"}

    def test_layers_do_not_reach_beside_the_root(self, world: World) -> None:
        """Opaque roots, and names of what is beside it, are the root's own."""
        top = make_layer({".wh..wh..opq": b"", "rootfs/x": b"x", ".wh.manifest": b""})
        image = world.keep(make_image({"a": b"a", "manifest": b"m"}, top))
        assert is_successful(world.files.render(image, world.target))
        assert files_in(world.target) == {
            "manifest": make_image({"a": b"a", "manifest": b"m"}, top).raw,
            "rootfs/rootfs/x": b"x",
        }

    def test_a_root_that_is_none(self, world: World) -> None:
        layer = make_layer(make_tar(make_entry(b"./", type_flag=b"6")))
        image = world.keep(make_image(layer))
        errors = world.refusals(image, without="layout")
        assert {type(each) for each in errors} == {CorruptArchive}

    def test_a_layer_without_an_end(self, world: World) -> None:
        image = world.keep(make_image(make_layer(make_tar(make_entry(b"a", b"x"), end=b""))))
        assert is_successful(world.files.render(image, world.target, rootfs_only=True))
        assert files_in(world.target) == {"a": b"x"}


class TestLayouts:
    def test_the_very_blobs(self, world: World) -> None:
        image = world.keep(IMAGE)
        assert is_successful(world.files.export_layout(image, world.target, overwrite=False))
        found = files_in(world.target)
        blobs = {f"blobs/sha256/{digest.hex}": blob for digest, blob in IMAGE.blobs.items()}
        assert {path: found.pop(path) for path in blobs} == blobs
        assert json.loads(found.pop("index.json")) == {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [
                IMAGE.descriptor.document
                | {
                    "platform": {"os": "linux", "architecture": "amd64"},
                    "annotations": {"org.opencontainers.image.ref.name": "1.0"},
                }
            ],
        }
        assert found == {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
        modes = {oct(path.stat().st_mode & 0o777) for path in world.target.rglob("*")}
        assert modes == {"0o644", "0o755"}
        assert world.target.stat().st_mode & 0o777 == 0o755

    def test_what_is_no_filesystem(self, world: World) -> None:
        """An artifact is copied as it is, and cannot be anything else."""
        made = make_artifact()
        image = world.keep(made)
        assert is_successful(world.files.export_layout(image, world.target, overwrite=False))
        assert len(files_in(world.target)) == len(made.blobs) + 2
        index = json.loads((world.target / "index.json").read_bytes())
        assert "platform" not in index["manifests"][0]
        world.target.rename(world.folder / "kept")
        errors = world.refusals(image, without="layout")
        assert {type(each) for each in errors} == {NotExportable}

    @pytest.mark.parametrize("end", [f"@{IMAGE.descriptor.digest}", ":_x"])
    def test_without_a_tag(self, world: World, end: str) -> None:
        """Or with one that is none to the image-spec."""
        image = world.keep(IMAGE, parse_docker_reference(f"{HOST}/team/app{end}").unwrap())
        assert is_successful(world.files.export_layout(image, world.target, overwrite=False))
        index = json.loads((world.target / "index.json").read_bytes())
        assert "annotations" not in index["manifests"][0]

    def test_a_layer_twice_and_another_algorithm(self, world: World) -> None:
        layer = make_layer({"a": b"a"}, algorithm="sha512")
        made = make_image(layer, layer, algorithm="sha512")
        image = world.keep(made)
        assert is_successful(world.files.export_layout(image, world.target, overwrite=False))
        blobs = {path.name for path in (world.target / "blobs/sha512").iterdir()}
        assert blobs == {digest.hex for digest in made.blobs}


class TestArchives:
    @pytest.mark.parametrize(
        "reference",
        [REFERENCE, parse_docker_reference(f"{HOST}/team/app").unwrap(),
         ImagePathReference("oci", "/images", "app:1.0")],
    )  # fmt: skip
    def test_the_same_as_fetching_one(self, world: World, reference: OciReference) -> None:
        image = world.keep(IMAGE, reference)
        wanted = world.archive_id(IMAGE, reference)
        assert is_successful(world.files.export(image, world.target, overwrite=False))
        exported = world.target.read_bytes()
        assert hashlib.sha512(exported).hexdigest() == wanted.hex
        assert b"".join(chunk.unwrap() for chunk in world.files.chunks(image)) == exported
        with tarfile.open(world.target) as archive:
            assert archive.getnames()[0] == "manifest"
            assert "rootfs/manifest" in archive.getnames()

    def test_one_that_nobody_proved(self, world: World) -> None:
        """Its provenance does not say where it is from; the store does."""
        image = replace(world.keep(IMAGE), provenance=NoProof("asked for"))
        assert is_successful(world.files.export(image, world.target, overwrite=False))
        exported = world.target.read_bytes()
        assert hashlib.sha512(exported).hexdigest() == world.archive_id(IMAGE).hex
        assert b"team/app:1.0" in exported

    def test_one_that_is_judged_under_another_reference(self, world: World) -> None:
        """The one by which it was asked for now, that is."""
        image = world.keep(IMAGE)
        asked = parse_docker_reference("registry.example.org/mirror/app:1.0").unwrap()
        evidence = ManifestEvidence(asked.subject, (IMAGE.raw,))
        proof = ManifestProof((), Decision("policy", "scope", "signedBy"), evidence)
        image = replace(image, name=asked.image_name, provenance=proof)
        assert is_successful(world.files.export(image, world.target, overwrite=False))
        assert b"registry.example.org/mirror/app:1.0" in world.target.read_bytes()

    def test_under_another_name(self, world: World) -> None:
        """Where an image came from is not said of one that is asked for elsewhere."""
        image = replace(world.keep(IMAGE), name=ImageName("registry.example.org/other"))
        assert is_successful(world.files.export(image, world.target, overwrite=False))
        with tarfile.open(world.target) as archive:
            opened = archive.extractfile("manifest")
            assert opened is not None
            manifest = json.loads(opened.read())
        assert manifest["name"] == "registry.example.org/other"
        names = {each["name"].rpartition("/")[2] for each in manifest["annotations"]}
        assert "registryurl" not in names

    def test_a_file_in_the_way(self, world: World) -> None:
        image = world.keep(IMAGE)
        world.target.write_bytes(b"old")
        refused = world.files.export(image, world.target, overwrite=False)
        assert refused.failure() == OutputExists(str(world.target))
        assert is_successful(world.files.export(image, world.target, overwrite=True))
        assert world.target.stat().st_size > 1000


class TestDigests:
    """What the store gives out is compared on its way, whoever changed it."""

    def test_documents(self, world: World) -> None:
        image = world.keep(IMAGE)
        config = json.loads(IMAGE.raw)["config"]["digest"].removeprefix("sha256:")
        for digest in (image.image_id, Digest("sha256", config)):
            world.change(digest, IMAGE.blobs[digest] + b" ")
            assert {type(each) for each in world.refusals(image)} == {StoreCorrupt}
            world.changed.clear()

    def test_layers(self, world: World) -> None:
        image = world.keep(IMAGE)
        layer = make_layer({"bin/app": b"evil"})
        named = json.loads(IMAGE.raw)["layers"][0]["digest"].removeprefix("sha256:")
        world.change(Digest("sha256", named), layer.content)
        errors = world.refusals(image)
        # What is converted is known by its diffID, what is unpacked or copied by its digest, too.
        assert {type(each) for each in errors} == {StoreCorrupt, DiffIDMismatch}
        assert isinstance(errors[-1], StoreCorrupt)

    def test_layers_that_unpack_alike(self, world: World) -> None:
        """A blob is known by its own digest where it is read alone, whatever it unpacks to."""
        image = world.keep(make_image({"a": b"a"}))
        layer = make_layer({"a": b"a"})
        world.change(layer.descriptor.digest, layer.tar)
        rendered = world.files.render(image, world.target)
        assert isinstance(rendered.failure(), StoreCorrupt)
        copied = world.files.export_layout(image, world.target, overwrite=False)
        assert isinstance(copied.failure(), StoreCorrupt)

    def test_layers_that_are_not_what_the_configuration_says(self, world: World) -> None:
        first, second = make_layer({"a": b"1"}), make_layer({"a": b"2"})
        lie = replace(first, tar=second.tar)
        image = world.keep(make_image(first, lie))
        wanted = DiffIDMismatch(2, digest_of(second.tar), digest_of(first.tar))
        assert world.refusals(image, without="layout") == [wanted] * 4

    def test_blobs_that_cannot_be_read(self, world: World) -> None:
        class Breaking(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                raise OSError(5, "Input/output error")

        image = world.keep(IMAGE)
        gone = StoreUnavailable("blob", "read", "gone")
        for digest in IMAGE.blobs:
            openers: tuple[Callable[[], Result[BinaryIO, StoreError]], ...] = (
                lambda: Failure(gone),
                lambda: Success(Breaking()),
            )
            for opener in openers:
                world.changed[digest] = opener
                assert {type(each) for each in world.refusals(image)} == {StoreUnavailable}
            world.changed.clear()

    def test_documents_that_are_none(self, world: World) -> None:
        """An older version may have stored what this one refuses."""
        for raw in (b"{}", make_image().raw[:-1], b'{"schemaVersion":2,"manifests":[]}'):
            image = replace(world.keep(IMAGE), image_id=digest_of(raw), media_type="")
            world.change(digest_of(raw), raw)
            assert {type(each) for each in world.refusals(image)} == {InvalidDocument}

    def test_a_configuration_that_is_none(self, world: World) -> None:
        """One that does not speak of all layers, above all."""
        made = make_image({"a": b"a"})
        for rootfs in ({"type": "layers", "diff_ids": []}, {"type": "other"}):
            config = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": rootfs}).encode()
            document = json.loads(made.raw)
            document["config"] |= {"digest": str(digest_of(config)), "size": len(config)}
            raw = json.dumps(document).encode()
            image = replace(world.keep(IMAGE), image_id=digest_of(raw))
            world.change(digest_of(raw), raw)
            world.change(digest_of(config), config)
            errors = world.refusals(image, without="layout")
            assert {type(each) for each in errors} == {InvalidDocument}

    def test_limits(self, world: World) -> None:
        image = world.keep(IMAGE)
        fetcher = replace(world.files.fetcher, limits=Limits(archive_bytes=1000))
        world.files = replace(world.files, fetcher=fetcher)
        errors = world.refusals(image, without="layout")
        assert errors == [ArchiveTooLarge("bytes", 1000)] * 4
