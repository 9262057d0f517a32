"""OCI images that become archives."""

import hashlib
import io
import json
import pickle
import tarfile
from collections.abc import Mapping
from dataclasses import replace

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Result

from pipeline.adapters.memory.quarantine import MemoryQuarantine, MemoryWriter, memory_quarantine
from pipeline.archive.scanner import ArchiveScanner
from pipeline.errors import (
    ArchiveTooLarge,
    CorruptArchive,
    DiffIDMismatch,
    DiskFull,
    ImageError,
    InvalidDocument,
    InvalidManifest,
    NotExportable,
    StoreError,
)
from pipeline.limits import CHUNK_BYTES, DEFAULT_LIMITS, Limits
from pipeline.manifest import ImageManifest, parse_manifest
from pipeline.names import ImageName
from pipeline.oci import OciPlatform
from pipeline.reference import ImagePathReference
from pipeline.results import ACI_TYPE, Extracted, OciImage
from pipeline.stages.convert import convert_to_aci
from pipeline.testing.archives import make_entry, make_header, make_tar
from pipeline.testing.oci import MadeImage, digest_of, make_artifact, make_image, make_layer
from tests.support.oci_images import REFERENCE, extracted

LAYERS = (
    {"bin/": b"", "bin/app": b"#!/bin/sh\n" * 9, "etc/gone": b"old"},
    {"etc/app": b"setting", "etc/.wh.gone": b""},
)


def convert(
    made: MadeImage, quarantine: MemoryQuarantine, limits: Limits = DEFAULT_LIMITS
) -> Result[Extracted, ImageError | StoreError]:
    return convert_to_aci(quarantine=quarantine, limits=limits)(extracted(made, quarantine))


def archive_of(made: MadeImage) -> bytes:
    with memory_quarantine() as quarantine:
        converted = convert(made, quarantine).unwrap()
        return quarantine.open(converted.archive).unwrap().read()


class TestArchives:
    def test_what_becomes_of_an_image(self) -> None:
        with memory_quarantine() as quarantine:
            image = extracted(make_image(*LAYERS), quarantine)
            converted = convert_to_aci(quarantine=quarantine)(image).unwrap()
            content = quarantine.open(converted.archive).unwrap().read()
        assert converted.origin == image.origin
        assert converted.contents == ()
        assert converted.media_type == ACI_TYPE
        assert converted.archive.size == len(content)
        assert converted.archive.key.startswith("archive-")
        assert converted.image_id.hex == hashlib.sha512(content).hexdigest()
        assert isinstance(converted.manifest, ImageManifest)
        assert converted.manifest.name == REFERENCE.image_name
        assert converted.manifest.labels == image.manifest.labels
        assert {each["value"] for each in json.loads(converted.manifest.raw)["annotations"]} >= {
            str(image.image_id),
            REFERENCE.host,
            REFERENCE.repository,
        }
        scanner = ArchiveScanner()
        assert is_successful(scanner.feed(content))
        assert parse_manifest(scanner.finish().unwrap()).unwrap() == converted.manifest
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            assert archive.getnames() == [
                "manifest",
                "rootfs",
                "rootfs/etc",
                "rootfs/bin",
                "rootfs/bin/app",
                "rootfs/etc/app",
                "rootfs/dev/fd",
                "rootfs/dev/stderr",
                "rootfs/dev/stdin",
                "rootfs/dev/stdout",
            ]
            app = archive.extractfile("rootfs/bin/app")
            assert app is not None
            assert app.read() == LAYERS[0]["bin/app"]
            assert archive.getmember("rootfs/dev/stdout").linkname == "/proc/self/fd/1"

    def test_an_archive_passes(self) -> None:
        with memory_quarantine() as quarantine:
            stage = convert_to_aci(quarantine=quarantine)
            converted = stage(extracted(make_image(*LAYERS), quarantine)).unwrap()
            assert stage(converted).unwrap() is converted

    def test_the_stage_pickles(self) -> None:
        with memory_quarantine() as quarantine:
            stage = convert_to_aci(quarantine=quarantine)
            assert pickle.loads(pickle.dumps(stage)).name == stage.name == "convert"

    def test_the_same_image_makes_the_same_bytes(self) -> None:
        """However its layers travelled, but for the digests that name them."""
        tars = [make_layer(files).tar for files in LAYERS]
        first = archive_of(make_image(*LAYERS))
        assert archive_of(make_image(*LAYERS)) == first
        other = archive_of(make_image(*(make_layer(tar, compression="zstd") for tar in tars)))
        assert rootfs_of(other) == rootfs_of(first)

    def test_where_files_lay_makes_no_difference(self) -> None:
        """The archive of an image from a file names no path of this machine."""
        found = []
        for path in ("/a/images", "/b"):
            with memory_quarantine() as quarantine:
                image = extracted(
                    make_image(*LAYERS), quarantine, ImagePathReference("oci", path, "app:1")
                )
                converted = convert_to_aci(quarantine=quarantine)(image).unwrap()
                found.append(converted.image_id)
                assert b"images" not in converted.manifest.raw
        assert found[0] == found[1]

    @pytest.mark.parametrize(
        ("files", "wanted"),
        [
            ({"dev/": b"", "dev/fd": b"mine"}, {"fd": "0", "stderr": "2", "stdin": "2"}),
            ({"dev": b"a file"}, {}),
            ({}, {"fd": "2", "stdout": "2"}),
        ],
    )
    def test_links_that_programs_expect(
        self, files: Mapping[str, bytes], wanted: Mapping[str, str]
    ) -> None:
        with tarfile.open(fileobj=io.BytesIO(archive_of(make_image(files)))) as archive:
            types = {entry.name: entry.type.decode() for entry in archive}
        assert {name: types[f"rootfs/dev/{name}"] for name in wanted} == dict(wanted)
        assert ("rootfs/dev/stdin" in types) is bool(wanted)

    def test_a_root_with_attributes_of_its_own(self) -> None:
        tar = make_tar(make_entry(b"./", type_flag=b"5", mode=0o2711, owner=(5, 6), mtime=7))
        with tarfile.open(fileobj=io.BytesIO(archive_of(make_image(make_layer(tar))))) as archive:
            roots = [entry for entry in archive if entry.name == "rootfs"]
        assert [(each.mode, each.uid, each.gid, each.mtime) for each in roots] == [
            (0o2711, 5, 6, 7)
        ]

    def test_no_layers(self) -> None:
        with tarfile.open(fileobj=io.BytesIO(archive_of(make_image()))) as archive:
            assert archive.getnames()[:2] == ["manifest", "rootfs"]


def rootfs_of(archive: bytes) -> bytes:
    """Return what stands behind the manifest."""
    return archive[archive.index(b"rootfs/") :]


class TestRefusals:
    """Nothing is left in quarantine but what was there."""

    def refusal(self, made: MadeImage, limits: Limits = DEFAULT_LIMITS) -> ImageError | StoreError:
        with memory_quarantine() as quarantine:
            image = extracted(made, quarantine)
            before = set(quarantine.blobs)
            outcome = convert_to_aci(quarantine=quarantine, limits=limits)(image)
            assert set(quarantine.blobs) == before
        return outcome.failure()

    def test_an_artifact(self) -> None:
        error = self.refusal(make_artifact())
        assert isinstance(error, NotExportable)
        assert "artifact" in error.message

    def test_layers_that_are_not_what_was_said(self) -> None:
        first, second, third = (make_layer({name: b""}) for name in "abc")
        lie = replace(second, tar=third.tar)
        error = self.refusal(make_image(first, lie))
        assert error == DiffIDMismatch(2, digest_of(third.tar), digest_of(second.tar))

    def test_a_layer_that_is_broken(self) -> None:
        whole = make_layer({"a": b"x" * 9000})
        cut = make_layer(whole.tar[:8000])
        assert isinstance(self.refusal(make_image(whole, cut)), CorruptArchive)

    def test_a_header_that_is_found_wrong_in_the_second_pass(self) -> None:
        """Files that are left are written only if they can be."""
        tar = make_tar(make_entry(b"a", type_flag=b"3", device=(8**7 - 1, 8**7 - 1)))
        assert archive_of(make_image(make_layer(tar)))
        block = bytearray(tar[:512])
        block[329:337] = b"\x80" + (8**7).to_bytes(7, "big")
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        error = self.refusal(make_image(make_layer(bytes(block) + tar[512:])))
        assert isinstance(error, CorruptArchive)
        assert "device" in error.reason

    def test_an_archive_that_would_not_be_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is read by its own reader, and has more entries than each of its layers."""
        monkeypatch.setattr("pipeline.archive.reader.ARCHIVE_ENTRIES", 5)
        layers = ({"a": b"", "b": b"", "c": b""}, {"d": b"", "e": b"", "f": b""})
        assert self.refusal(make_image(*layers)) == ArchiveTooLarge("entries", 5)

    def test_a_manifest_that_would_not_be_read(self) -> None:
        with memory_quarantine() as quarantine:
            image = extracted(make_image(*LAYERS), quarantine)
            assert isinstance(image.manifest, OciImage)
            odd = replace(image, manifest=replace(image.manifest, name=ImageName("No Name")))
            error = convert_to_aci(quarantine=quarantine)(odd).failure()
        assert isinstance(error, InvalidManifest)
        assert error.path == "$.name"

    def test_limits(self) -> None:
        """All layers together, and what is made of them."""
        layer = make_layer({"a": bytes(6000)}), make_layer({"b": bytes(6000)})
        size = sum(len(each.tar) for each in layer)
        assert self.refusal(make_image(*layer), Limits(archive_bytes=size - 1)) == ArchiveTooLarge(
            "bytes", size - 1
        )
        small = make_image(make_layer(make_tar(make_entry(b"a"))))
        made = len(archive_of(small))
        error = self.refusal(small, Limits(archive_bytes=made - 1))
        assert error == ArchiveTooLarge("bytes", made - 1)

    def test_what_no_reader_here_would_take(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Long names have a header each, which counts: an archive may have more than its layers."""
        monkeypatch.setattr("pipeline.archive.reader.ARCHIVE_ENTRIES", 8)
        name, prefix = b"n" * 90, b"p" * 90
        entries = [make_header(name + b"%d" % each, prefix=prefix) for each in range(3)]
        assert self.refusal(make_image(make_layer(make_tar(*entries)))) == ArchiveTooLarge(
            "entries", 8
        )
        assert archive_of(make_image({"a": b"", "b": b""}))

    def test_a_platform_without_a_word(self) -> None:
        error = self.refusal(make_image({"a": b""}, platform=OciPlatform("linux", "riscv64")))
        assert isinstance(error, NotExportable)

    def test_contents_that_are_not_the_manifests(self) -> None:
        with memory_quarantine() as quarantine:
            image = extracted(make_image(*LAYERS), quarantine)
            wanted = InvalidDocument("manifest", "$", "it names other blobs than have come")
            fewer = replace(image, contents=image.contents[:-1])
            assert convert_to_aci(quarantine=quarantine)(fewer) == Failure(wanted)
            assert isinstance(image.manifest, OciImage)
            config = replace(image.manifest.config, diff_ids=image.manifest.config.diff_ids[:1])
            odd = replace(image, manifest=replace(image.manifest, config=config))
            error = convert_to_aci(quarantine=quarantine)(odd).failure()
            assert isinstance(error, InvalidDocument)
            assert "got 1, wanted one for each of 2 layers" in error.message

    def test_no_room_for_an_archive(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with memory_quarantine() as quarantine:
            image = extracted(make_image(*LAYERS), quarantine)
            monkeypatch.setattr(
                "pipeline.adapters.memory.quarantine.MemoryQuarantine.create",
                lambda _quarantine, _name: Failure(DiskFull("/store")),
            )
            assert convert_to_aci(quarantine=quarantine)(image) == Failure(DiskFull("/store"))

    def test_a_disk_that_is_full_at_the_last_write(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What fails when everything has been handed over is noticed, too."""
        with memory_quarantine() as quarantine:
            image = extracted(make_image({"a": bytes(3 * CHUNK_BYTES)}), quarantine)
            write, sizes = MemoryWriter.write, list[int]()

            def note(writer: MemoryWriter, chunk: bytes) -> Result[None, StoreError]:
                sizes.append(len(chunk))
                return write(writer, chunk) if len(sizes) < last else Failure(DiskFull("/store"))

            last = 100
            monkeypatch.setattr(MemoryWriter, "write", note)
            assert is_successful(convert_to_aci(quarantine=quarantine)(image))
            last = len(sizes)
            assert last > 1
            sizes.clear()
            assert convert_to_aci(quarantine=quarantine)(image) == Failure(DiskFull("/store"))

    def test_a_full_disk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with memory_quarantine() as quarantine:
            image = extracted(make_image(*LAYERS), quarantine)
            monkeypatch.setattr(
                "pipeline.adapters.memory.quarantine.MemoryWriter.write",
                lambda _writer, _chunk: Failure(DiskFull("/store")),
            )
            discarded: list[str] = []
            monkeypatch.setattr(
                "pipeline.adapters.memory.quarantine.MemoryWriter.discard",
                lambda writer: discarded.append(writer.key),
            )
            outcome = convert_to_aci(quarantine=quarantine)(image)
            assert outcome.failure() == DiskFull("/store")
            assert len(discarded) == 1
