"""What holds for every archive; the standard library's tarfile and codecs are the oracle."""

import bz2
import gzip
import io
import itertools
import lzma
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import zstandard
from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.archive.compression import (
    Compression,
    DecompressionError,
    Decompressor,
    detect_compression,
)
from pipeline.archive.reader import ArchiveError, Entry
from pipeline.archive.scanner import ArchiveScanner
from pipeline.archive.tar_header import EntryType
from pipeline.limits import CHUNK_BYTES, GIB
from pipeline.testing.archives import make_entry, make_header, make_pax, make_tar

FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
TYPES: dict[bytes, EntryType] = {
    tarfile.REGTYPE: "file",
    tarfile.DIRTYPE: "directory",
    tarfile.LNKTYPE: "hardlink",
    tarfile.SYMTYPE: "symlink",
    tarfile.CHRTYPE: "character-device",
    tarfile.BLKTYPE: "block-device",
    tarfile.FIFOTYPE: "fifo",
}
COMPRESS: dict[Compression, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}


@dataclass(frozen=True, slots=True)
class Tree:
    """A tar as tarfile writes it, and what went in."""

    tar: bytes
    manifest: bytes
    entries: tuple[Entry, ...]


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Archives of random files, links and devices with long names, in all three formats."""
    form = draw(st.sampled_from(FORMATS))
    # The oldest format holds 255 bytes of path and 100 of link; the others hold any.
    segment = st.text("abc.é-", min_size=1, max_size=80 if form == tarfile.USTAR_FORMAT else 150)
    segments = segment.filter(lambda text: text not in {".", ".."})
    depth = 1 if form == tarfile.USTAR_FORMAT else 4
    path_lists = st.lists(segments, min_size=1, max_size=depth).map("/".join)
    paths = draw(st.lists(path_lists, max_size=6, unique=True))
    manifest = draw(st.binary(max_size=1500))
    buffer = io.BytesIO()
    entries: list[Entry] = []

    def add(path: str, kind: bytes, content: bytes, link: str = "") -> None:
        info = tarfile.TarInfo(path)
        info.type, info.size, info.linkname = kind, len(content), link
        info.mtime = draw(st.integers(0, 2**33 - 1))
        archive.addfile(info, io.BytesIO(content))
        entries.append(Entry(path.encode(), TYPES[kind], len(content), link.encode()))

    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        position = draw(st.integers(0, len(paths)))
        for path in (*paths[:position], None, *paths[position:]):
            if path is None:
                add("manifest", tarfile.REGTYPE, manifest)
                add("rootfs", tarfile.DIRTYPE, b"")
                continue
            kind = draw(st.sampled_from(tuple(TYPES)))
            content = draw(st.binary(max_size=1500)) if kind == tarfile.REGTYPE else b""
            links = kind in {tarfile.LNKTYPE, tarfile.SYMTYPE}
            add(f"rootfs/{path}", kind, content, draw(segments) if links else "")
    return Tree(buffer.getvalue(), manifest, tuple(entries))


def scan(
    tar: bytes, cuts: list[int] | None = None
) -> Result[tuple[bytes, tuple[Entry, ...]], ArchiveError]:
    """Scan a tar, cut into chunks at these positions."""
    scanner = ArchiveScanner()
    entries: list[Entry] = []
    positions = [0, *sorted(cut % (len(tar) + 1) for cut in cuts or []), len(tar)]
    for start, end in itertools.pairwise(positions):
        outcome = scanner.feed(tar[start:end])
        if not is_successful(outcome):
            return Failure(outcome.failure())
        entries.extend(part for part in outcome.unwrap() if isinstance(part, Entry))
    finished = scanner.finish()
    if not is_successful(finished):
        return Failure(finished.failure())
    return Success((finished.unwrap(), tuple(entries)))


def read_with_tarfile(tar: bytes) -> bytes | None:
    """Return the manifest that tarfile reads; None where it reads none."""
    try:
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            for member in archive:
                if member.name == "manifest" or member.name == "./manifest":
                    stream = archive.extractfile(member)
                    return None if stream is None else stream.read()
    except (tarfile.TarError, ValueError, OSError, EOFError, KeyError, OverflowError):
        return None
    return None


def decompress(
    codec: Compression, data: bytes, chunk_bytes: int
) -> Result[bytes, DecompressionError]:
    """Decompress a whole file."""
    decompressor = Decompressor(codec, max_bytes=GIB)
    pieces: list[bytes] = []
    for start in range(0, len(data), chunk_bytes):
        for outcome in decompressor.feed(data[start : start + chunk_bytes]):
            if not is_successful(outcome):
                return outcome
            pieces.append(outcome.unwrap())
    ended = decompressor.finish()
    return Success(b"".join(pieces)) if is_successful(ended) else Failure(ended.failure())


class TestScanner:
    @given(trees(), st.lists(st.integers(0, 1 << 20), max_size=8))
    def test_what_tarfile_writes_is_read_however_it_is_cut(
        self, tree: Tree, cuts: list[int]
    ) -> None:
        manifest, entries = scan(tree.tar, cuts).unwrap()
        assert manifest == tree.manifest
        assert entries == tree.entries

    @given(trees(), st.data())
    def test_a_tar_cut_off_before_its_end_is_refused(self, tree: Tree, data: st.DataObject) -> None:
        content_end = len(tree.tar.rstrip(b"\0"))
        # The first two zero blocks after the last entry end the archive; the rest is padding.
        last = max(0, content_end - 1)
        assert not is_successful(scan(tree.tar[: data.draw(st.integers(0, last))]))

    @given(trees(), st.data())
    def test_a_flipped_bit_never_raises_nor_shows_another_manifest_than_tarfile_reads(
        self, tree: Tree, data: st.DataObject
    ) -> None:
        damaged = bytearray(tree.tar)
        for _ in range(data.draw(st.integers(1, 3))):
            damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= 1 << data.draw(
                st.integers(0, 7)
            )
        outcome = scan(bytes(damaged))
        oracle = read_with_tarfile(bytes(damaged))
        if is_successful(outcome) and oracle is not None:
            assert outcome.unwrap()[0] == oracle

    @given(st.data())
    def test_headers_made_to_confuse_show_the_manifest_that_tarfile_reads(
        self, data: st.DataObject
    ) -> None:
        """Right checksums, odd everything else: the damage that a checksum does not catch."""
        names = st.sampled_from([b"manifest", b"rootfs/a", b"rootfs/", b"./manifest", b"a", b""])
        numbers = st.sampled_from(
            [b"0", b"2", b"512", b"1000", b"\x80" + bytes(10) + b"\2", b" 2 "]
        )
        flags = st.sampled_from([bytes([flag]) for flag in b"\0012567xgLKSX"])
        magics = st.sampled_from([b"ustar\x0000", b"ustar  \0", bytes(8)])
        prefixes = st.sampled_from([b"", b"", b"rootfs"])
        keys = st.sampled_from([b"path", b"size", b"linkpath", b"comment", b"GNU.sparse.size"])
        values = st.sampled_from([b"manifest", b"rootfs/b", b"2", b"0", b"512", b""])
        blocks = st.one_of(
            st.builds(
                lambda name, size, flag, magic, prefix: make_header(
                    name, size, type_flag=flag, magic=magic, prefix=prefix
                ),
                names, numbers, flags, magics, prefixes,
            ),
            st.builds(
                lambda records, flag: make_pax(records, type_flag=flag),
                st.dictionaries(keys, values, max_size=2),
                st.sampled_from([b"x", b"g"]),
            ),
            st.builds(lambda name: make_entry(b"L", name + b"\0", type_flag=b"L"), names),
            st.builds(make_entry, names, st.just(b"{}")),
            st.just(bytes(512)),
        )  # fmt: skip
        tar = make_tar(*data.draw(st.lists(blocks, max_size=6)))
        outcome, oracle = scan(tar), read_with_tarfile(tar)
        if is_successful(outcome) and oracle is not None:
            assert outcome.unwrap()[0] == oracle

    @given(st.binary(max_size=3000), st.lists(st.integers(0, 3000), max_size=4))
    def test_arbitrary_bytes_never_raise(self, junk: bytes, cuts: list[int]) -> None:
        assert not is_successful(scan(junk, cuts))
        scan(make_tar(make_entry(b"manifest", b"{}"), junk), cuts)


class TestDecompressor:
    @given(
        st.sampled_from(tuple(COMPRESS)),
        st.lists(st.binary(max_size=3000), min_size=1, max_size=3),
        st.integers(1, 2000),
    )
    def test_members_come_out_one_after_another(
        self, codec: Compression, contents: list[bytes], chunk_bytes: int
    ) -> None:
        file = b"".join(COMPRESS[codec](content) for content in contents)
        assert detect_compression(file) == Success(codec)
        assert decompress(codec, file, chunk_bytes) == Success(b"".join(contents))

    @given(st.sampled_from(tuple(COMPRESS)), st.binary(max_size=300), st.data())
    def test_a_file_cut_off_is_refused(
        self, codec: Compression, content: bytes, data: st.DataObject
    ) -> None:
        file = COMPRESS[codec](content)
        kept = data.draw(st.integers(0, len(file) - 1))
        assert not is_successful(decompress(codec, file[:kept], 100))

    @given(st.binary(max_size=300), st.binary(max_size=40), st.integers(0, 31), st.data())
    def test_gzip_headers_of_every_kind_however_they_are_cut(
        self, content: bytes, text: bytes, flags: int, data: st.DataObject
    ) -> None:
        """RFC 1952 section 2.3: an extra field, a name, a comment and a checksum, or none."""
        text = text.replace(b"\0", b"")
        header = b"\x1f\x8b\x08" + bytes([flags, 0, 0, 0, 0, 0, 3])
        header += len(text).to_bytes(2, "little") + text if flags & 4 else b""
        header += text + b"\0" if flags & 8 else b""
        header += text + b"\0" if flags & 16 else b""
        header += (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little") if flags & 2 else b""
        file = header + gzip.compress(content)[10:]
        assert zlib.decompress(file, wbits=31) == content
        assert decompress("gzip", file, data.draw(st.integers(1, 100))) == Success(content)

    @given(st.binary(max_size=3000), st.data())
    def test_damaged_gzip_is_read_as_zlib_reads_it_or_not_at_all(
        self, content: bytes, data: st.DataObject
    ) -> None:
        """The decoder is another implementation than zlib; they must not differ."""
        file = bytearray(gzip.compress(content))
        position = data.draw(st.integers(0, len(file) - 1))
        file[position] ^= 1 << data.draw(st.integers(0, 7))
        outcome = decompress("gzip", bytes(file), 700)
        if is_successful(outcome):
            assert outcome.unwrap() == zlib.decompress(bytes(file), wbits=31)

    @given(
        st.sampled_from(("gzip", "bzip2", "xz", "zstd")),
        st.binary(max_size=600),
        st.booleans(),
        st.integers(1, 700),
    )
    def test_arbitrary_bytes_never_raise(
        self, codec: Compression, junk: bytes, after_a_member: bool, chunk_bytes: int
    ) -> None:
        file = COMPRESS[codec](b"x") + junk if after_a_member else junk
        outcome = decompress(codec, file, chunk_bytes)
        assert is_successful(outcome) or outcome.failure().message

    @given(st.binary(max_size=1000))
    def test_detection_never_raises(self, head: bytes) -> None:
        detected = detect_compression(head)
        assert is_successful(detected) or detected.failure().message


def test_the_bound_on_a_piece_is_the_chunk() -> None:
    file = zstandard.compress(bytes(3 * CHUNK_BYTES))
    pieces = list(Decompressor("zstd", max_bytes=GIB).feed(file))
    assert max(len(piece.unwrap()) for piece in pieces) <= CHUNK_BYTES
