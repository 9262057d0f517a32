"""Tars that mean harm: they are read once, within limits, and never unpacked."""

import errno
import gzip
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.image_paths import ImagePathFiles, tar_files
from pipeline.adapters.memory import MemoryQuarantine
from pipeline.adapters.memory.quarantine import MemoryWriter
from pipeline.errors import (
    ArchiveTooLarge,
    BodyTooLarge,
    CorruptArchive,
    DiskFull,
    FileUnreadable,
    NotAnImage,
    StoreError,
    StoreUnavailable,
)
from pipeline.limits import DEFAULT_LIMITS, MIB
from pipeline.reference import ImagePathReference, file_url
from pipeline.results import ImagePathPlace, QuarantinedBlob
from pipeline.testing.archives import make_entry, make_header, make_pax, make_tar
from pipeline.testing.fakes import MemoryTransport, Page
from pipeline.testing.oci import (
    LINUX_AMD64,
    docker_archive_files,
    layout_files,
    make_image,
    make_layer,
    make_tar_of,
)
from tests.adapters.image_paths.support import contents_of, error_of, load, write_tar

LAYOUT = layout_files({"": make_image({"a": b"1"})})
ENTRIES = tuple(make_entry(path.encode(), content) for path, content in LAYOUT.items())
KINDS: tuple[Literal["oci-archive", "docker-archive"], ...] = ("oci-archive", "docker-archive")


@pytest.mark.parametrize("kind", KINDS)
class TestPaths:
    """Threat 13: nothing is written where a path or a link leads."""

    @pytest.mark.parametrize(
        "name",
        [b"../evil", b"/etc/evil", b"blobs/../../evil", b"blobs/sha256/../../../evil"],
    )
    def test_a_path_that_leads_out(self, tmp_path: Path, kind: Any, name: bytes) -> None:
        path = write_tar(tmp_path / "a.tar", make_tar(make_entry(name, b"x"), *ENTRIES))
        assert isinstance(error_of(kind, path), NotAnImage)
        assert [each.name for each in tmp_path.iterdir()] == ["a.tar"]

    @pytest.mark.parametrize("again", ["oci-layout", "index.json"])
    @pytest.mark.parametrize("type_flag", [b"0", b"1", b"2", b"6"])
    def test_a_path_that_occurs_twice(
        self, tmp_path: Path, kind: Any, again: str, type_flag: bytes
    ) -> None:
        link = b"x" if type_flag in b"12" else b""
        second = make_entry(f"./{again}".encode(), type_flag=type_flag, link=link)
        for entries in ((*ENTRIES, second), (second, *ENTRIES)):
            error = error_of(kind, write_tar(tmp_path / "a.tar", make_tar(*entries)))
            assert error == CorruptArchive(f'the path "{again}" occurs twice')


class TestDesync:
    """Threat 15: one parser, and what two would see differently is refused."""

    @pytest.mark.parametrize(
        "entries",
        [
            (make_pax({b"size": b"1024"}), make_header(b"x", 0), bytes(1024)),
            (make_pax({b"path": b"a"}), make_pax({b"path": b"b"}), make_entry(b"c")),
            (make_pax({b"size": b"0"}, type_flag=b"g"), make_entry(b"c", b"1")),
        ],
    )
    def test_refused(self, tmp_path: Path, entries: tuple[bytes, ...]) -> None:
        path = write_tar(tmp_path / "a.tar", make_tar(*entries, *ENTRIES))
        error = error_of("oci-archive", path)
        assert isinstance(error, CorruptArchive | NotAnImage)

    def test_cut_off(self, tmp_path: Path) -> None:
        whole = make_tar(*ENTRIES)
        for size in (len(whole) - 1024, len(whole) - 512, len(ENTRIES[0]), 700):
            path = write_tar(tmp_path / "a.tar", whole[:size])
            assert isinstance(error_of("oci-archive", path), CorruptArchive)
            compressed = gzip.compress(whole)
            path = write_tar(tmp_path / "a.tar", compressed[:-1])
            assert isinstance(error_of("oci-archive", path), CorruptArchive)

    @pytest.mark.parametrize("content", [b"", b"x", b"\0" * 100, b"<html>" * 200])
    def test_no_tar(self, tmp_path: Path, content: bytes) -> None:
        path = write_tar(tmp_path / "a.tar", content)
        assert isinstance(error_of("oci-archive", path), NotAnImage)


class TestLimits:
    def test_bytes_of_the_file(self, tmp_path: Path) -> None:
        path = write_tar(tmp_path / "a.tar", make_tar(*ENTRIES))
        size = path.stat().st_size
        limits = replace(DEFAULT_LIMITS, image_bytes=size)
        assert is_successful(load("oci-archive", path, limits=limits))
        limits = replace(DEFAULT_LIMITS, image_bytes=size - 1)
        assert isinstance(error_of("oci-archive", path, limits=limits), BodyTooLarge)

    def test_bytes_that_come_out(self, tmp_path: Path) -> None:
        whole = make_tar(make_entry(b"blobs/zeros", bytes(8 * MIB)), *ENTRIES)
        path = write_tar(tmp_path / "a.tar", gzip.compress(whole))
        limits = replace(DEFAULT_LIMITS, archive_bytes=MIB)
        assert error_of("oci-archive", path, limits=limits) == ArchiveTooLarge("bytes", MIB)

    def test_bytes_of_a_layer_that_come_out(self, tmp_path: Path) -> None:
        layer = make_layer(bytes(4 * MIB), compression="gzip")
        files = docker_archive_files({"": [layer]})
        files[f"{layer.diff_id.hex}.tar"] = layer.content
        path = write_tar(tmp_path / "a.tar", files)
        limits = replace(DEFAULT_LIMITS, archive_bytes=MIB)
        assert error_of("docker-archive", path, limits=limits) == ArchiveTooLarge("bytes", MIB)
        contents_of("docker-archive", path)

    def test_bytes_of_all_layers_that_come_out(self, tmp_path: Path) -> None:
        layers = [make_layer(bytes(MIB) + bytes([each]), compression="gzip") for each in range(3)]
        files = docker_archive_files({"": layers})
        files |= {f"{layer.diff_id.hex}.tar": layer.content for layer in layers}
        path = write_tar(tmp_path / "a.tar", files)
        # The file itself is a plain tar, and smaller.
        fits = replace(DEFAULT_LIMITS, archive_bytes=3 * (MIB + 1))
        assert is_successful(load("docker-archive", path, limits=fits))
        limits = replace(DEFAULT_LIMITS, archive_bytes=3 * (MIB + 1) - 1)
        error = error_of("docker-archive", path, limits=limits)
        assert error == ArchiveTooLarge("bytes", 3 * (MIB + 1) - 1)

    def test_a_bomb(self, tmp_path: Path) -> None:
        path = write_tar(tmp_path / "a.tar", gzip.compress(make_entry(b"blobs/x", bytes(80 * MIB))))
        error = error_of("oci-archive", path)
        assert isinstance(error, ArchiveTooLarge)
        assert "for each compressed byte" in error.what

    @pytest.mark.parametrize("type_flag", [b"0", b"2", b"5"])
    def test_entries(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, type_flag: bytes
    ) -> None:
        monkeypatch.setattr(tar_files, "IMAGE_ARCHIVE_ENTRIES", len(ENTRIES) + 2)
        more = [make_entry(b"%d" % number, type_flag=type_flag) for number in range(3)]
        for count, passes in ((2, True), (3, False)):
            path = write_tar(tmp_path / "a.tar", make_tar(*more[:count], *ENTRIES))
            outcome = load("oci-archive", path)
            assert is_successful(outcome) is passes
            if not passes:
                assert outcome.failure() == ArchiveTooLarge("entries", len(ENTRIES) + 2)

    @pytest.mark.parametrize("name", ["index.json", "oci-layout"])
    def test_documents(self, tmp_path: Path, name: str) -> None:
        files = LAYOUT | {name: b" " * (4 * MIB + 1)}
        error = error_of("oci-archive", write_tar(tmp_path / "a.tar", files))
        assert isinstance(error, ArchiveTooLarge)
        assert name in error.what

    def test_a_file_that_is_none(self, tmp_path: Path) -> None:
        for path in (tmp_path, tmp_path / "none"):
            assert isinstance(error_of("oci-archive", path), FileUnreadable)


class TestWaysToRead:
    """However the bytes come, and whatever fails, there is an image or an error."""

    PLACE = ImagePathPlace(ImagePathReference("oci-archive", "/a.tar"), LINUX_AMD64)

    @pytest.mark.parametrize("chunk_bytes", [1, 7, 511, 512, 513, 10_000])
    @pytest.mark.parametrize("compress", [bytes, gzip.compress])
    def test_chunks(self, chunk_bytes: int, compress: Callable[[bytes], bytes]) -> None:
        pages = {file_url("/a.tar"): Page(compress(make_tar_of(LAYOUT)))}
        reader = ImagePathFiles(MemoryTransport(dict(pages), chunk_bytes=chunk_bytes))
        loaded = reader.load(self.PLACE, MemoryQuarantine(), DEFAULT_LIMITS)
        assert len(loaded.unwrap().contents) == 2

    def test_a_full_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(_: MemoryWriter, chunk: bytes) -> Result[None, StoreError]:
            return Failure(DiskFull("/store"))

        path = write_tar(tmp_path / "a.tar", LAYOUT)
        monkeypatch.setattr(MemoryWriter, "write", fail)
        assert error_of("oci-archive", path) == DiskFull("/store")

    def test_no_quarantine(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(_: MemoryQuarantine, label: str) -> Result[MemoryWriter, StoreError]:
            return Failure(DiskFull("/store"))

        path = write_tar(tmp_path / "a.tar", LAYOUT)
        monkeypatch.setattr(MemoryQuarantine, "create", fail)
        assert error_of("oci-archive", path) == DiskFull("/store")

    def test_a_quarantine_that_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        class Broken(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                raise OSError(errno.EIO, "Input/output error")

        def open_broken(_: MemoryQuarantine, blob: QuarantinedBlob) -> Result[BinaryIO, StoreError]:
            return Success(Broken())

        path = write_tar(tmp_path / "a.tar", LAYOUT)
        monkeypatch.setattr(MemoryQuarantine, "open", open_broken)
        error = error_of("oci-archive", path)
        assert isinstance(error, StoreUnavailable)
        assert "Input/output error" in error.message
