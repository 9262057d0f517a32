"""Tars as ``docker save`` writes them, of every age."""

import bz2
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import (
    ArchiveTooLarge,
    CorruptArchive,
    DiffIDMismatch,
    InvalidDocument,
    ManifestMissing,
    NoSuchImage,
)
from pipeline.limits import CONFIG_BYTES, INDEX_ENTRIES, LAYERS
from pipeline.oci import DOCKER_CONFIG_TYPE, DOCKER_MANIFEST_TYPE
from pipeline.oci.documents import parse_document
from pipeline.testing.archives import make_entry, make_tar
from pipeline.testing.oci import (
    MadeLayer,
    digest_of,
    docker_archive_files,
    layout_files,
    make_image,
    make_layer,
    make_oci_config,
    make_tar_of,
)
from tests.adapters.image_paths.support import contents_of, error_of, write_tar

LAYERS_OF_ONE = [make_layer({"a": b"1"}, compression="none"), make_layer({"b": b"2"})]
LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar"


def archive(
    untrusted_config: bytes, layers: Sequence[tuple[str, bytes]], **members: Any
) -> dict[str, bytes]:
    """Return an archive's files: one image, its layers by path; ``members`` say otherwise."""
    listed = {"Config": "config.json", "RepoTags": [], "Layers": [path for path, _ in layers]}
    document = {key: value for key, value in (listed | members).items() if value is not None}
    return {
        "config.json": untrusted_config,
        **dict(layers),
        "manifest.json": json.dumps([document]).encode(),
    }


def plain(*layers: MadeLayer, **members: Any) -> dict[str, bytes]:
    """Return an archive's files, the layers uncompressed."""
    listed = [(f"{number}/layer.tar", layer.tar) for number, layer in enumerate(layers)]
    return archive(make_oci_config([layer.diff_id for layer in layers]), listed, **members)


class TestImages:
    def test_a_manifest_is_made(self, tmp_path: Path) -> None:
        files = docker_archive_files({"example.com/app:1": LAYERS_OF_ONE})
        image, blobs = contents_of("docker-archive", write_tar(tmp_path / "a.tar", files))
        manifest = parse_document(image.documents[0], DOCKER_MANIFEST_TYPE).unwrap()
        assert manifest.raw == blobs[image.digest]
        assert image.media_type == DOCKER_MANIFEST_TYPE
        config = make_oci_config([layer.diff_id for layer in LAYERS_OF_ONE])
        described = [each.descriptor for each in image.contents]
        assert [(each.media_type, each.digest) for each in described] == [
            (DOCKER_CONFIG_TYPE, digest_of(config)),
            *((LAYER_TYPE, layer.diff_id) for layer in LAYERS_OF_ONE),
        ]
        assert set(blobs.values()) == {manifest.raw, config, *(one.tar for one in LAYERS_OF_ONE)}

    def test_its_bytes_are_always_the_same(self, tmp_path: Path) -> None:
        """They are what an image's ID is made of: a change of theirs is one of every ID."""
        layer = make_layer(bytes(1024), compression="none")
        path = write_tar(tmp_path / "a.tar", plain(layer))
        image, _ = contents_of("docker-archive", path)
        config = make_oci_config([layer.diff_id])
        assert image.documents == (
            b'{"config":{"digest":"%b","mediaType":"%b","size":%d},"layers":'
            b'[{"digest":"%b","mediaType":"%b","size":1024}],"mediaType":"%b","schemaVersion":2}'
            % (
                str(digest_of(config)).encode(),
                DOCKER_CONFIG_TYPE.encode(),
                len(config),
                str(layer.diff_id).encode(),
                LAYER_TYPE.encode(),
                DOCKER_MANIFEST_TYPE.encode(),
            ),
        )

    @pytest.mark.parametrize(
        ("name", "position"),
        [
            ("busybox", 0),
            ("busybox:latest", 0),
            ("docker.io/library/busybox", 0),
            ("library/busybox:1", 1),
            ("r.example:5000/a/b:V1", 2),
        ],
    )
    def test_one_of_several_by_tag(self, tmp_path: Path, name: str, position: int) -> None:
        tags = ["docker.io/library/busybox:latest", "busybox:1", "r.example:5000/a/b:V1"]
        layers = [make_layer({"a": tag.encode()}) for tag in tags]
        images = {tag: [layer] for tag, layer in zip(tags, layers, strict=True)}
        files = docker_archive_files(images)
        path = write_tar(tmp_path / "a.tar", files)
        _, blobs = contents_of("docker-archive", path, name)
        assert layers[position].tar in blobs.values()
        assert len(blobs) == 3

    @pytest.mark.parametrize("name", ["", "a", "a:3", "r.example/a:1", "a@b"])
    def test_several_and_none_of_them(self, tmp_path: Path, name: str) -> None:
        files = docker_archive_files({"a:1": LAYERS_OF_ONE, "a:2": LAYERS_OF_ONE[:1]})
        path = write_tar(tmp_path / "a.tar", files)
        error = error_of("docker-archive", path, name)
        end = f":{name}" if name else ""
        assert error == NoSuchImage(f"docker-archive:{path}{end}", ("a:1", "a:2"))

    def test_two_images_of_one_tag(self, tmp_path: Path) -> None:
        files = plain(LAYERS_OF_ONE[0], RepoTags=["a:1"])
        listed = json.loads(files["manifest.json"])
        files["manifest.json"] = json.dumps([*listed, *listed]).encode()
        path = write_tar(tmp_path / "a.tar", files)
        assert isinstance(error_of("docker-archive", path, "a:1"), NoSuchImage)

    def test_a_tag_that_is_none_names_nothing(self, tmp_path: Path) -> None:
        path = write_tar(tmp_path / "a.tar", plain(LAYERS_OF_ONE[0], RepoTags=["a b", "x:1"]))
        assert isinstance(error_of("docker-archive", path, "A"), NoSuchImage)
        contents_of("docker-archive", path, "x:1")

    @pytest.mark.parametrize("tags", [None, []])
    def test_an_image_without_tags(self, tmp_path: Path, tags: list[str] | None) -> None:
        path = write_tar(tmp_path / "a.tar", plain(LAYERS_OF_ONE[0], RepoTags=tags))
        contents_of("docker-archive", path)
        assert isinstance(error_of("docker-archive", path, "a"), NoSuchImage)

    def test_both_ways_in_one(self, tmp_path: Path) -> None:
        """docker v25 and later saves a layout, and ``manifest.json`` with its blobs' paths."""
        image = make_image(make_layer({"a": b"1"}, compression="none"), docker=True)
        described = json.loads(image.raw)

        def path_of(digest: str) -> str:
            return f"blobs/{digest.replace(':', '/')}"

        listed = {
            "Config": path_of(described["config"]["digest"]),
            "RepoTags": ["app:1"],
            "Layers": [path_of(each["digest"]) for each in described["layers"]],
            "LayerSources": {},
        }
        files = layout_files({"app:1": image}) | {"manifest.json": json.dumps([listed]).encode()}
        path = write_tar(tmp_path / "a.tar", files)
        loaded, blobs = contents_of("docker-archive", path)
        assert blobs.keys() - {loaded.digest} == image.blobs.keys() - {image.descriptor.digest}
        assert contents_of("oci-archive", path)[1] == image.blobs

    def test_a_whole_archive_compressed(self, tmp_path: Path) -> None:
        tar = make_tar_of(docker_archive_files({"": LAYERS_OF_ONE}))
        path = write_tar(tmp_path / "a.tar.gz", gzip.compress(tar))
        assert len(contents_of("docker-archive", path)[1]) == 4


class TestLayers:
    @pytest.mark.parametrize(
        ("compression", "suffix"), [("none", ""), ("gzip", ".gzip"), ("zstd", ".zstd")]
    )
    def test_as_they_lie(self, tmp_path: Path, compression: Any, suffix: str) -> None:
        layer = make_layer({"a": b"1" * 5000}, compression=compression)
        config = make_oci_config([layer.diff_id])
        path = write_tar(tmp_path / "a.tar", archive(config, [("l", layer.content)]))
        image, blobs = contents_of("docker-archive", path)
        assert image.contents[1].descriptor.media_type == LAYER_TYPE + suffix
        assert blobs[layer.descriptor.digest] == layer.content

    def test_another_compression(self, tmp_path: Path) -> None:
        tar = LAYERS_OF_ONE[0].tar
        config = make_oci_config([digest_of(tar)])
        path = write_tar(tmp_path / "a.tar", archive(config, [("l", bz2.compress(tar))]))
        error = error_of("docker-archive", path)
        assert isinstance(error, InvalidDocument)
        assert "bzip2" in error.message

    def test_a_sha512_diff_id(self, tmp_path: Path) -> None:
        layer = LAYERS_OF_ONE[0]
        config = make_oci_config([digest_of(layer.tar, "sha512")])
        path = write_tar(tmp_path / "a.tar", archive(config, [("l", layer.tar)]))
        assert len(contents_of("docker-archive", path)[1]) == 3

    @pytest.mark.parametrize("position", [0, 1])
    @pytest.mark.parametrize("compression", ["none", "gzip"])
    def test_another_diff_id(self, tmp_path: Path, position: int, compression: Any) -> None:
        layers = [make_layer({name: b"1"}, compression=compression) for name in "ab"]
        ids = [layer.diff_id for layer in layers]
        wanted, ids[position] = ids[position], digest_of(b"other")
        listed = [(f"{number}", layer.content) for number, layer in enumerate(layers)]
        path = write_tar(tmp_path / "a.tar", archive(make_oci_config(ids), listed))
        error = error_of("docker-archive", path)
        assert error == DiffIDMismatch(position + 1, digest_of(b"other"), wanted)

    def test_compressed_bytes_are_no_diff_id(self, tmp_path: Path) -> None:
        layer = make_layer({"a": b"1"}, compression="gzip")
        config = make_oci_config([layer.descriptor.digest])
        path = write_tar(tmp_path / "a.tar", archive(config, [("l", layer.content)]))
        error = error_of("docker-archive", path)
        assert error == DiffIDMismatch(1, layer.descriptor.digest, layer.diff_id)

    def test_a_layer_that_is_cut_off(self, tmp_path: Path) -> None:
        layer = make_layer({"a": b"1"}, compression="gzip")
        config = make_oci_config([layer.diff_id])
        path = write_tar(tmp_path / "a.tar", archive(config, [("l", layer.content[:-4])]))
        assert isinstance(error_of("docker-archive", path), CorruptArchive)

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_more_or_fewer_than_the_configuration_says(self, tmp_path: Path, count: int) -> None:
        config = make_oci_config([LAYERS_OF_ONE[0].diff_id] * count)
        listed = [(f"{number}", LAYERS_OF_ONE[0].tar) for number in range(2)]
        error = error_of("docker-archive", write_tar(tmp_path / "a.tar", archive(config, listed)))
        assert isinstance(error, InvalidDocument)
        assert f"got {count}, wanted 2" in error.message


class TestLinks:
    """Docker saves a layer once, and links to it; a link is a name within the tar, or nothing."""

    def written(self, path: Path, *links: bytes) -> Path:
        layer = LAYERS_OF_ONE[0]
        files = archive(make_oci_config([layer.diff_id]), [("b/layer.tar", b"")])
        return write_tar(
            path,
            make_tar(
                make_entry(b"config.json", files["config.json"]),
                *links,
                make_entry(b"a/layer.tar", layer.tar),
                make_entry(b"manifest.json", files["manifest.json"]),
            ),
        )

    @pytest.mark.parametrize(
        "links",
        [
            [make_entry(b"b/layer.tar", type_flag=b"2", link=b"../a/layer.tar")],
            [make_entry(b"b/layer.tar", type_flag=b"2", link=b"./../b/../a//layer.tar")],
            [make_entry(b"b/layer.tar", type_flag=b"1", link=b"a/layer.tar")],
            [
                make_entry(b"b/layer.tar", type_flag=b"2", link=b"c"),
                make_entry(b"b/c", type_flag=b"1", link=b"./a/layer.tar"),
            ],
        ],
    )
    def test_within(self, tmp_path: Path, links: list[bytes]) -> None:
        _, blobs = contents_of("docker-archive", self.written(tmp_path / "a.tar", *links))
        assert LAYERS_OF_ONE[0].tar in blobs.values()

    @pytest.mark.parametrize(
        "links",
        [
            [],
            [make_entry(b"b/layer.tar", type_flag=b"2", link=b"../../a/layer.tar")],
            [make_entry(b"b/layer.tar", type_flag=b"2", link=b"/a/layer.tar")],
            [make_entry(b"b/layer.tar", type_flag=b"2", link=b"/etc/passwd")],
            [make_entry(b"b/layer.tar", type_flag=b"2", link=b"../../../../../etc/passwd")],
            [make_entry(b"b/layer.tar", type_flag=b"1", link=b"../a/layer.tar")],
            [make_entry(b"b/layer.tar", type_flag=b"2", link=b"layer.tar")],
            [
                make_entry(b"b/layer.tar", type_flag=b"2", link=b"c"),
                make_entry(b"b/c", type_flag=b"2", link=b"layer.tar"),
            ],
            [
                make_entry(b"b", type_flag=b"2", link=b"a"),
            ],
            [make_entry(b"b/layer.tar", type_flag=b"5")],
            [make_entry(b"b/layer.tar", type_flag=b"6")],
            [make_entry(b"b/layer.tar", type_flag=b"3", device=(1, 3))],
        ],
    )
    def test_to_nothing(self, tmp_path: Path, links: list[bytes]) -> None:
        error = error_of("docker-archive", self.written(tmp_path / "a.tar", *links))
        assert error == CorruptArchive("it has no file b/layer.tar")


class TestList:
    @pytest.mark.parametrize(
        ("members", "path"),
        [
            ({"Config": None}, "$[0].Config"),
            ({"Config": 1}, "$[0].Config"),
            ({"RepoTags": "a"}, "$[0].RepoTags"),
            ({"RepoTags": [1]}, "$[0].RepoTags[0]"),
            ({"Layers": {}}, "$[0].Layers"),
            ({"Layers": [None]}, "$[0].Layers[0]"),
            ({"Layers": ["l"] * (LAYERS + 1)}, "$[0].Layers"),
            ({"config": "x"}, "$[0]"),
        ],
    )
    def test_each_field(self, tmp_path: Path, members: dict[str, Any], path: str) -> None:
        files = plain(LAYERS_OF_ONE[0], **members)
        error = error_of("docker-archive", write_tar(tmp_path / "a.tar", files))
        assert isinstance(error, InvalidDocument)
        assert (error.document, error.path) == ("manifest.json", path)

    @pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b'"x"', b'[{"Config":"a","Config":"b"}]'])
    def test_junk(self, tmp_path: Path, raw: bytes) -> None:
        files = plain(LAYERS_OF_ONE[0]) | {"manifest.json": raw}
        error = error_of("docker-archive", write_tar(tmp_path / "a.tar", files))
        assert isinstance(error, InvalidDocument)

    def test_images_up_to_the_limit(self, tmp_path: Path) -> None:
        files = plain(LAYERS_OF_ONE[0])
        for count, wanted in ((INDEX_ENTRIES, NoSuchImage), (INDEX_ENTRIES + 1, InvalidDocument)):
            files["manifest.json"] = json.dumps([{"Config": "x"}] * count).encode()
            error = error_of("docker-archive", write_tar(tmp_path / "a.tar", files))
            assert isinstance(error, wanted)

    @pytest.mark.parametrize("path", ["../config.json", "/config.json", "a/../x", "", "x"])
    def test_paths_that_are_none(self, tmp_path: Path, path: str) -> None:
        for member in ({"Config": path}, {"Layers": [path]}):
            files = plain(LAYERS_OF_ONE[0], **member)
            error = error_of("docker-archive", write_tar(tmp_path / "a.tar", files))
            assert isinstance(error, CorruptArchive)

    def test_no_list(self, tmp_path: Path) -> None:
        path = write_tar(tmp_path / "a.tar", layout_files({}))
        assert error_of("docker-archive", path) == ManifestMissing("manifest.json")

    @pytest.mark.parametrize("config", [b"", b"{}", b'{"rootfs":{"type":"other"}}'])
    def test_a_configuration_that_is_none(self, tmp_path: Path, config: bytes) -> None:
        path = write_tar(tmp_path / "a.tar", archive(config, []))
        error = error_of("docker-archive", path)
        assert isinstance(error, InvalidDocument)
        assert error.document == "configuration"

    def test_a_configuration_up_to_the_limit(self, tmp_path: Path) -> None:
        config = make_oci_config([])
        padded = config + b" " * (CONFIG_BYTES - len(config))
        contents_of("docker-archive", write_tar(tmp_path / "a.tar", archive(padded, [])))
        path = write_tar(tmp_path / "a.tar", archive(padded + b" ", []))
        assert isinstance(error_of("docker-archive", path), ArchiveTooLarge)
