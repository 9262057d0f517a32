"""Layers written from images, and the headers that they are written with."""

import io
import tarfile

from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.archive.layer import LayerError, LayerWriter
from pipeline.archive.metadata import (
    extended_attributes,
    owner_names,
    parse_device,
    parse_mode,
    parse_mtime,
    parse_owner,
)
from pipeline.archive.reader import Entry, TarReader
from pipeline.archive.scanner import ArchiveScanner
from pipeline.archive.selection import Selection, make_whitelist
from pipeline.archive.tar_header import EntryType
from pipeline.archive.tar_writer import END_OF_ARCHIVE, NewEntry, padding, write_header
from pipeline.errors import CorruptArchive, NotExportable
from pipeline.testing.archives import make_entry, make_pax, make_tar

MANIFEST = make_entry(b"manifest", b"{}")
ROOTFS = Selection(rootfs_only=True)


def layer_of(
    *entries: bytes, selection: Selection = ROOTFS, chunk_bytes: int = 1 << 20
) -> Result[bytes, LayerError]:
    """Write an image's layer."""
    tar = make_tar(MANIFEST, *entries)
    scanner, writer, layer = ArchiveScanner(), LayerWriter(selection), b""
    for start in range(0, len(tar), chunk_bytes):
        for part in scanner.feed(tar[start : start + chunk_bytes]).unwrap():
            piece = writer.take(part)
            if not is_successful(piece):
                return Failure(piece.failure())
            layer += bytes(piece.unwrap())
    return Success(layer + writer.finish())


def read(tar: bytes) -> list[Entry]:
    """Read a tar as images' are read."""
    reader = TarReader()
    parts = reader.feed(tar).unwrap()
    assert is_successful(reader.finish())
    return [part for part in parts if isinstance(part, Entry)]


class TestLayers:
    def test_the_files_of_the_rootfs(self) -> None:
        layer = layer_of(
            make_entry(b"rootfs/", type_flag=b"5", mode=0o751),
            make_entry(b"rootfs/bin/sh", b"#!" * 300, mode=0o755),
            make_entry(b"rootfs/bin/bash", type_flag=b"2", link=b"sh"),
            make_entry(b"rootfs/bin/dash", type_flag=b"1", link=b"./rootfs/bin/sh"),
            chunk_bytes=100,
        ).unwrap()
        with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
            members = archive.getmembers()
            content = archive.extractfile("bin/sh")
            assert content is not None
            assert content.read() == b"#!" * 300
        assert [(each.name, each.type, each.mode, each.linkname) for each in members] == [
            (".", tarfile.DIRTYPE, 0o751, ""),
            ("bin/sh", tarfile.REGTYPE, 0o755, ""),
            ("bin/bash", tarfile.SYMTYPE, 0o644, "sh"),
            ("bin/dash", tarfile.LNKTYPE, 0o644, "bin/sh"),
        ]

    def test_a_file_that_would_be_a_removal(self) -> None:
        for name in (b"rootfs/.wh.x", b"rootfs/.wh..wh..opq", b"rootfs/.wh.a/b"):
            assert isinstance(layer_of(make_entry(name)).failure(), NotExportable)
        assert is_successful(layer_of(make_entry(b"rootfs/a.wh.x")))

    def test_what_a_whitelist_leaves_out(self) -> None:
        chosen = Selection(rootfs_only=True, whitelists=(make_whitelist(("/a", "/c")),))
        files = [make_entry(b"rootfs/" + name, b"x" * 600) for name in (b"a", b"b")]
        layer = layer_of(*files, selection=chosen).unwrap()
        assert [entry.path for entry in read(layer)] == [b"a"]
        link = make_entry(b"rootfs/c", type_flag=b"1", link=b"rootfs/b")
        refused = layer_of(*files, link, selection=chosen)
        assert isinstance(refused.failure(), NotExportable)

    def test_a_time_that_is_none(self) -> None:
        refused = layer_of(make_pax({b"mtime": b"x"}), make_entry(b"rootfs/a"))
        assert isinstance(refused.failure(), CorruptArchive)


TYPES: tuple[EntryType, ...] = (
    "file", "directory", "hardlink", "symlink", "character-device", "block-device", "fifo"
)  # fmt: skip
paths = st.binary(min_size=1, max_size=300).filter(
    lambda path: not set(path.split(b"/")) & {b"", b".", b".."} and b"\0" not in path
)
ids = st.one_of(st.integers(0, 2**21), st.integers(2**21 - 2, 2**32 - 2))


@given(
    st.builds(
        NewEntry,
        path=paths,
        type=st.sampled_from(TYPES),
        size=st.just(0),
        link=paths,
        mode=st.integers(0, 0o7777),
        uid=ids,
        gid=ids,
        user=st.binary(max_size=40).filter(lambda name: b"\0" not in name),
        group=st.just(b"g"),
        mtime=st.one_of(
            st.integers(-(2**62), 2**62), st.integers(0, 2**31).map(lambda seconds: seconds * 10**9)
        ),
        device=st.tuples(st.integers(0, 0o7777777), st.integers(0, 255)),
        records=st.dictionaries(
            st.sampled_from((b"SCHILY.xattr.user.a", b"SCHILY.xattr.user.b%3D")), st.binary()
        ),
    ),
    st.binary(max_size=600),
)
def test_what_is_written_is_what_is_read(entry: NewEntry, content: bytes) -> None:
    content = content if entry.type == "file" else b""
    new = NewEntry(
        entry.path, entry.type, len(content), entry.link, entry.mode, entry.uid, entry.gid,
        entry.user, entry.group, entry.mtime, entry.device, entry.records,
    )  # fmt: skip
    header = write_header(new)
    assert len(header) % 512 == 0
    (found,) = read(header + content + padding(len(content)) + END_OF_ARCHIVE)
    assert (found.path, found.type, found.size) == (new.path, new.type, len(content))
    assert found.untrusted_link == new.link
    assert parse_mode(found).unwrap() == new.mode
    assert parse_mtime(found).unwrap() == new.mtime
    assert parse_device(found).unwrap() == new.device
    assert parse_owner(found).unwrap() == (new.uid, new.gid)
    assert owner_names(found) == (new.user, new.group)
    assert len(extended_attributes(found)) == len(new.records)


def test_sizes_beyond_the_headers_field() -> None:
    new = NewEntry(b"a", "file", 2**40, b"", 0o644, 0, 0, b"", b"", 0, (0, 0), {})
    (found,) = TarReader().feed(write_header(new)).unwrap()
    assert isinstance(found, Entry)
    assert found.size == 2**40
