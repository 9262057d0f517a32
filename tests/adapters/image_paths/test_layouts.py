"""OCI image layouts, as folders and as tars: the same image, or the same refusal."""

import bz2
import gzip
import json
import lzma
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

import pytest
import zstandard

from pipeline.digest import Digest
from pipeline.errors import (
    BlobSizeMismatch,
    BodyTooLarge,
    CorruptArchive,
    DigestMismatch,
    FileUnreadable,
    InvalidDocument,
    ManifestMissing,
    NoSuchImage,
    PlatformNotFound,
    UnsupportedManifest,
)
from pipeline.limits import DEFAULT_LIMITS, INDEX_DEPTH
from pipeline.oci import INDEX_TYPE, MANIFEST_TYPE, Descriptor, OciPlatform
from pipeline.testing.oci import (
    MadeImage,
    describe_blob,
    layout_files,
    make_artifact,
    make_image,
    make_index,
    make_layer,
    make_oci_index,
    make_oci_manifest,
    make_tar_of,
)
from tests.adapters.image_paths.support import contents_of, error_of, write_folder, write_tar

Kind: TypeAlias = Literal["oci", "oci-archive"]
Write: TypeAlias = Callable[[Mapping[str, bytes]], Path]

ONE = make_image({"a": b"1"}, {"b": b"2"})
OTHER = make_image({"a": b"other"})
ARM = OciPlatform("linux", "arm", "v7")
SEVERAL = make_index(ONE, make_image({"a": b"arm"}, platform=ARM))


@pytest.fixture(params=["oci", "oci-archive"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Which kind of layout."""
    return "oci" if request.param == "oci" else "oci-archive"


@pytest.fixture
def write(kind: Kind, tmp_path: Path) -> Write:
    """Write the files of a layout."""

    def written(files: Mapping[str, bytes]) -> Path:
        if kind == "oci":
            return write_folder(tmp_path / "layout", files)
        return write_tar(tmp_path / "layout.tar", files)

    return written


def replaced(files: dict[str, bytes], digest: Digest, content: bytes) -> dict[str, bytes]:
    """Return the files with another blob in place of one."""
    path = f"blobs/{digest.algorithm}/{digest.hex}"
    assert path in files
    return files | {path: content}


class TestImages:
    def test_the_only_one(self, kind: Kind, write: Write) -> None:
        path = write(layout_files({"": ONE}))
        image, blobs = contents_of(kind, path)
        assert blobs == ONE.blobs
        assert image.digest == ONE.descriptor.digest
        assert image.documents == (ONE.raw,)
        assert image.media_type == MANIFEST_TYPE
        described = json.loads(ONE.raw)
        wanted = [described["config"], *described["layers"]]
        assert [content.descriptor.document for content in image.contents] == wanted

    def test_one_of_several_by_name(self, kind: Kind, write: Write) -> None:
        path = write(layout_files({"app:1": ONE, "app:2": OTHER}))
        assert contents_of(kind, path, "app:1")[1] == ONE.blobs
        assert contents_of(kind, path, "app:2")[1] == OTHER.blobs

    @pytest.mark.parametrize("name", ["", "app:3", "app"])
    def test_several_and_none_of_them(self, kind: Kind, write: Write, name: str) -> None:
        path = write(layout_files({"app:1": ONE, "app:2": OTHER}))
        error = error_of(kind, path, name)
        end = f":{name}" if name else ""
        assert error == NoSuchImage(f"{kind}:{path}{end}", ("app:1", "app:2"))

    def test_no_image_at_all(self, kind: Kind, write: Write) -> None:
        assert isinstance(error_of(kind, write(layout_files({}))), NoSuchImage)

    def test_several_names_of_one(self, kind: Kind, write: Write) -> None:
        assert contents_of(kind, write(layout_files({"a": ONE, "b": ONE})))[1] == ONE.blobs

    def test_the_one_for_the_platform(self, kind: Kind, write: Write) -> None:
        path = write(layout_files({"app": SEVERAL, "other": OTHER}))
        image, blobs = contents_of(kind, path, "app")
        assert blobs == ONE.blobs
        assert image.documents == (SEVERAL.raw, ONE.raw)
        assert contents_of(kind, path, "app", platform=ARM)[0].documents[0] == SEVERAL.raw

    def test_none_for_the_platform(self, kind: Kind, write: Write) -> None:
        path = write(layout_files({"app": SEVERAL}))
        error = error_of(kind, path, platform=OciPlatform("linux", "s390x"))
        listed = ("linux/amd64", "linux/arm/v7")
        assert error == PlatformNotFound(f"{kind}:{path}", "linux/s390x", listed)

    def test_one_name_for_several_platforms(self, kind: Kind, write: Write) -> None:
        arm = make_image({"a": b"arm"}, platform=ARM)
        files = layout_files({"": arm}) | layout_files({"": ONE})
        entries = [(arm.descriptor, ARM), (ONE.descriptor, ONE.platform)]
        named: list[dict[str, str]] = [{"org.opencontainers.image.ref.name": "app"}] * 2
        files["index.json"] = make_oci_index(entries, annotations=named)
        path = write(files)
        assert contents_of(kind, path, "app")[1] == ONE.blobs
        assert contents_of(kind, path, "app", platform=ARM)[1] == arm.blobs
        windows = OciPlatform("windows", "amd64")
        assert isinstance(error_of(kind, path, "app", platform=windows), PlatformNotFound)

    def test_one_name_twice_for_one_platform(self, kind: Kind, write: Write) -> None:
        files = layout_files({"": OTHER}) | layout_files({"": ONE})
        for platform in (ONE.platform, None):
            entries = [(OTHER.descriptor, platform), (ONE.descriptor, platform)]
            files["index.json"] = make_oci_index(entries)
            assert isinstance(error_of(kind, write(files)), NoSuchImage)

    def test_several_names_for_several_platforms(self, kind: Kind, write: Write) -> None:
        arm = make_image({"a": b"arm"}, platform=ARM)
        path = write(layout_files({"app:1": ONE, "app:2": arm}))
        assert isinstance(error_of(kind, path), NoSuchImage)

    def test_attestations_are_no_images(self, kind: Kind, write: Write) -> None:
        files = layout_files({"": ONE}) | layout_files({"": OTHER})
        for platform in (ONE.platform, None):
            attestation = (OTHER.descriptor, OciPlatform("unknown", "unknown"))
            files["index.json"] = make_oci_index([attestation, (ONE.descriptor, platform)])
            assert contents_of(kind, write(files))[1] == ONE.blobs

    def test_docker_manifests(self, kind: Kind, write: Write) -> None:
        image = make_index(make_image({"a": b"1"}, docker=True), docker=True)
        loaded, _ = contents_of(kind, write(layout_files({"": image})))
        assert loaded.media_type == "application/vnd.docker.distribution.manifest.v2+json"

    def test_an_artifact(self, kind: Kind, write: Write) -> None:
        artifact = make_artifact(b"text")
        assert contents_of(kind, write(layout_files({"": artifact})))[1] == artifact.blobs

    def test_sha512(self, kind: Kind, write: Write) -> None:
        image = make_image({"a": b"1"}, algorithm="sha512")
        loaded, blobs = contents_of(kind, write(layout_files({"": image})))
        assert loaded.digest.algorithm == "sha512"
        assert blobs == image.blobs

    def test_one_layer_twice(self, kind: Kind, write: Write) -> None:
        layer = make_layer({"a": b"1"})
        image = make_image(layer, layer)
        loaded, _ = contents_of(kind, write(layout_files({"": image})))
        _, first, second = loaded.contents
        assert first == second

    def test_a_foreign_layer_that_is_there(self, kind: Kind, write: Write) -> None:
        layer = make_layer({"a": b"1"})
        described = replace(
            layer.descriptor,
            media_type="application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        )
        image = make_image(replace(layer, descriptor=described))
        assert contents_of(kind, write(layout_files({"": image})))[1] == image.blobs


class TestDepth:
    def nested(self, count: int) -> MadeImage:
        image = ONE
        for _ in range(count):
            image = make_index(image)
        return image

    def test_up_to_the_limit(self, kind: Kind, write: Write) -> None:
        path = write(layout_files({"": self.nested(INDEX_DEPTH)}))
        image, blobs = contents_of(kind, path)
        assert blobs == ONE.blobs
        assert len(image.documents) == INDEX_DEPTH + 1

    def test_beyond(self, kind: Kind, write: Write) -> None:
        error = error_of(kind, write(layout_files({"": self.nested(INDEX_DEPTH + 1)})))
        assert isinstance(error, InvalidDocument)
        assert f"more than {INDEX_DEPTH} indexes" in error.message


class TestDamage:
    """Whatever was changed in a layout, somebody's digest says so."""

    @pytest.mark.parametrize("position", range(4))
    def test_another_blob_of_that_size(self, kind: Kind, write: Write, position: int) -> None:
        described = json.loads(ONE.raw)
        parts = [described["config"], *described["layers"], ONE.descriptor.document]
        digest = Digest("sha256", parts[position]["digest"][7:])
        content = bytearray(ONE.blobs[digest])
        content[len(content) // 2] ^= 1
        error = error_of(kind, write(replaced(layout_files({"": ONE}), digest, bytes(content))))
        assert isinstance(error, DigestMismatch)
        assert error.wanted == digest
        assert error.url.startswith("file:///")

    @pytest.mark.parametrize("position", range(4))
    @pytest.mark.parametrize("longer", [True, False])
    def test_another_size(self, kind: Kind, write: Write, position: int, longer: bool) -> None:
        described = json.loads(ONE.raw)
        parts = [described["config"], *described["layers"], ONE.descriptor.document]
        digest = Digest("sha256", parts[position]["digest"][7:])
        content = ONE.blobs[digest]
        other = content + b" " if longer else content[:-1]
        error = error_of(kind, write(replaced(layout_files({"": ONE}), digest, other)))
        assert isinstance(error, BlobSizeMismatch)
        assert (error.wanted, error.got) == (len(content), len(other))

    def test_a_size_that_was_lied_about(self, kind: Kind, write: Write) -> None:
        files = layout_files({"": ONE})
        described = replace(ONE.descriptor, size=ONE.descriptor.size + 1)
        files["index.json"] = make_oci_index([(described, None)])
        assert isinstance(error_of(kind, write(files)), BlobSizeMismatch)

    def test_an_image_within_an_index_that_was_changed(self, kind: Kind, write: Write) -> None:
        files = layout_files({"": SEVERAL})
        digest = ONE.descriptor.digest
        error = error_of(kind, write(replaced(files, digest, OTHER.raw)))
        assert isinstance(error, DigestMismatch | BlobSizeMismatch)

    def test_a_blob_that_is_not_there(self, kind: Kind, write: Write) -> None:
        digest = json.loads(ONE.raw)["layers"][1]["digest"][7:]
        files = layout_files({"": ONE})
        del files[f"blobs/sha256/{digest}"]
        error = error_of(kind, write(files))
        assert isinstance(error, FileUnreadable if kind == "oci" else CorruptArchive)
        assert digest in error.message

    @pytest.mark.parametrize("missing", ["index.json", "oci-layout"])
    def test_no_layout(self, kind: Kind, write: Write, missing: str) -> None:
        files = layout_files({"": ONE})
        del files[missing]
        error = error_of(kind, write(files))
        assert isinstance(error, FileUnreadable | CorruptArchive | ManifestMissing)
        assert missing in error.message

    @pytest.mark.parametrize(
        "content",
        [b'{"imageLayoutVersion":"2.0.0"}', b"{}", b"[]", b"", b'{"imageLayoutVersion":1}'],
    )
    def test_another_version(self, kind: Kind, write: Write, content: bytes) -> None:
        error = error_of(kind, write(layout_files({"": ONE}) | {"oci-layout": content}))
        assert isinstance(error, InvalidDocument)
        assert error.document == "oci-layout"

    def test_an_index_that_is_a_manifest(self, kind: Kind, write: Write) -> None:
        raw = json.loads(ONE.raw)
        del raw["mediaType"]
        for content in (ONE.raw, json.dumps(raw).encode(), b"{}"):
            error = error_of(kind, write(layout_files({"": ONE}) | {"index.json": content}))
            assert isinstance(error, InvalidDocument)
            assert error.document == "index.json"

    def test_an_entry_that_calls_a_manifest_an_index(self, kind: Kind, write: Write) -> None:
        files = layout_files({"": ONE})
        described = replace(ONE.descriptor, media_type=INDEX_TYPE)
        files["index.json"] = make_oci_index([(described, None)])
        assert isinstance(error_of(kind, write(files)), InvalidDocument)

    def test_schema_1(self, kind: Kind, write: Write) -> None:
        raw = b'{"schemaVersion":1,"fsLayers":[]}'
        media_type = "application/vnd.docker.distribution.manifest.v1+json"
        described = describe_blob(media_type, raw)
        old = MadeImage(described, {described.digest: raw})
        error = error_of(kind, write(layout_files({"": old})))
        assert isinstance(error, UnsupportedManifest)
        assert "schema 1" in error.message


class TestLimits:
    def test_what_a_manifest_promises(self, kind: Kind, write: Write) -> None:
        """Before a byte of it is read (threat 11)."""
        config = Descriptor("application/octet-stream", Digest("sha256", "0" * 64), 10**6)
        raw = make_oci_manifest(config, [config])
        described = describe_blob(MANIFEST_TYPE, raw)
        path = write(layout_files({"": MadeImage(described, {described.digest: raw})}))
        limits = replace(DEFAULT_LIMITS, image_bytes=2 * 10**6)
        error = error_of(kind, path, limits=limits)
        assert isinstance(error, BodyTooLarge)
        assert error.announced == 2 * 10**6 + len(raw)


class TestFolders:
    """What is special where the layout is a folder."""

    def test_what_is_no_regular_file(self, tmp_path: Path) -> None:
        path = write_folder(tmp_path / "layout", layout_files({"": ONE}))
        blob = path / "blobs" / "sha256" / ONE.descriptor.digest.hex
        blob.unlink()
        os.mkfifo(blob)
        error = error_of("oci", path)
        assert isinstance(error, FileUnreadable)
        assert "not a regular file" in error.message

    def test_a_folder_with_odd_characters(self, tmp_path: Path) -> None:
        path = write_folder(tmp_path / "a%20b?c#d é", layout_files({"": ONE}))
        assert contents_of("oci", path)[1] == ONE.blobs

    def test_no_folder(self, tmp_path: Path) -> None:
        assert isinstance(error_of("oci", tmp_path / "none"), FileUnreadable)

    def test_an_index_that_is_too_large(self, tmp_path: Path) -> None:
        files = layout_files({"": ONE}) | {"index.json": b" " * (4 * 2**20 + 1)}
        assert isinstance(error_of("oci", write_folder(tmp_path, files)), BodyTooLarge)


class TestArchives:
    """What is special where the layout is a tar."""

    TAR = make_tar_of(layout_files({"": ONE}))

    @pytest.mark.parametrize(
        "compress",
        [bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.ZstdCompressor().compress],
    )
    def test_compressed(self, tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
        path = write_tar(tmp_path / "a.tar", compress(self.TAR))
        assert contents_of("oci-archive", path)[1] == ONE.blobs

    def test_in_any_order(self, tmp_path: Path) -> None:
        files = layout_files({"": ONE})
        reverse = dict(reversed(files.items()))
        for each in (files, reverse, {"index.json": files["index.json"]} | files):
            path = write_tar(tmp_path / "a.tar", each)
            assert contents_of("oci-archive", path)[1] == ONE.blobs

    def test_beside_other_files(self, tmp_path: Path) -> None:
        """As docker saves both ways in one."""
        files = {"manifest.json": b"[]", "./x/": b"", "x/y": b"1"} | layout_files({"": ONE})
        path = write_tar(tmp_path / "a.tar", {f"./{each}": files[each] for each in files})
        assert contents_of("oci-archive", path)[1] == ONE.blobs
