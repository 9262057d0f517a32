"""The tar scanner, rule by rule; each refusal is a case that some other program accepts."""

import base64
import gzip
import json
from pathlib import Path

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Result

from pipeline.archive import reader
from pipeline.archive.compression import Decompressor, detect_compression
from pipeline.archive.reader import ArchiveError, Entry, Part
from pipeline.archive.scanner import ArchiveScanner
from pipeline.archive.tar_header import EntryType
from pipeline.errors import ArchiveTooLarge, CorruptArchive, ManifestMissing, NotAnImage
from pipeline.limits import (
    ARCHIVE_HEADER_BYTES,
    ARCHIVE_PATH_BYTES,
    GIB,
    MANIFEST_BYTES,
)
from pipeline.testing.archives import (
    BLOCK_BYTES,
    END_OF_ARCHIVE,
    GNU_MAGIC,
    POSIX_MAGIC,
    V7_MAGIC,
    make_entry,
    make_header,
    make_pax,
    make_tar,
)
from pipeline.testing.makers import make_archive

DATA = Path(__file__).parents[1] / "data" / "rkt"
MANIFEST = make_entry(b"manifest", b"{}")
ROOTFS = make_entry(b"rootfs/", type_flag=b"5")


def scan(tar: bytes, chunk_bytes: int = 1 << 20) -> tuple[list[Entry], Result[bytes, ArchiveError]]:
    """Scan a whole tar; return its entries and the outcome."""
    scanner = ArchiveScanner()
    entries: list[Entry] = []
    for start in range(0, len(tar), chunk_bytes):
        outcome = scanner.feed(tar[start : start + chunk_bytes])
        if not is_successful(outcome):
            return entries, Failure(outcome.failure())
        entries.extend(part for part in outcome.unwrap() if isinstance(part, Entry))
    return entries, scanner.finish()


def manifest_of(*entries: bytes, end: bytes = END_OF_ARCHIVE) -> bytes:
    """Return the manifest of a tar that must be accepted."""
    outcome = scan(make_tar(*entries, end=end))[1]
    assert is_successful(outcome), outcome
    return outcome.unwrap()


def refusal_of(*entries: bytes, end: bytes = END_OF_ARCHIVE) -> ArchiveError:
    """Return the error of a tar that must be refused."""
    outcome = scan(make_tar(*entries, end=end))[1]
    assert not is_successful(outcome), outcome
    return outcome.failure()


class TestWhatIsAccepted:
    def test_an_image_as_makers_write_it(self) -> None:
        entries, outcome = scan(make_archive(b'{"a":1}', {"bin/sh": b"x" * 700}))
        assert outcome.unwrap() == b'{"a":1}'
        assert entries == [
            Entry(b"rootfs", "directory", 0, b""),
            Entry(b"rootfs/bin/sh", "file", 700, b""),
            Entry(b"manifest", "file", 7, b""),
        ]

    @pytest.mark.parametrize("magic", [POSIX_MAGIC, GNU_MAGIC, V7_MAGIC])
    def test_the_three_formats(self, magic: bytes) -> None:
        manifest = make_entry(b"manifest", b"{}", magic=magic)
        directory = make_entry(b"rootfs/", type_flag=b"\0", magic=magic)
        assert manifest_of(directory, manifest) == b"{}"

    def test_entries_below_rootfs_stand_for_rootfs(self) -> None:
        assert manifest_of(MANIFEST, make_entry(b"rootfs/a", b"x")) == b"{}"

    def test_leading_dots_as_tar_writes_them_for_a_folder(self) -> None:
        dot = make_entry(b"./", type_flag=b"5")
        rootfs = make_entry(b"./rootfs/", type_flag=b"5")
        assert manifest_of(dot, make_entry(b"./manifest", b"{}"), rootfs) == b"{}"

    def test_an_empty_manifest_is_left_to_the_schema(self) -> None:
        assert manifest_of(make_entry(b"manifest"), ROOTFS) == b""

    @pytest.mark.parametrize(
        ("type_flag", "expected"),
        [
            (b"1", "hardlink"),
            (b"2", "symlink"),
            (b"3", "character-device"),
            (b"4", "block-device"),
            (b"6", "fifo"),
            (b"7", "file"),
        ],
    )
    def test_links_and_devices_below_rootfs(self, type_flag: bytes, expected: EntryType) -> None:
        special = make_entry(b"rootfs/x", type_flag=type_flag, link=b"/etc/../passwd")
        entries, outcome = scan(make_tar(MANIFEST, special))
        assert is_successful(outcome)
        assert entries[1] == Entry(b"rootfs/x", expected, 0, b"/etc/../passwd")

    def test_a_ustar_prefix_is_part_of_the_path(self) -> None:
        long = make_header(b"c" * 100, prefix=b"rootfs/" + b"p" * 140)
        entries, outcome = scan(make_tar(MANIFEST, long))
        assert is_successful(outcome)
        assert entries[1].path == b"rootfs/" + b"p" * 140 + b"/" + b"c" * 100

    def test_pax_overrides_path_and_link(self) -> None:
        pax = make_pax(
            {b"path": b"rootfs/" + b"n" * 300, b"linkpath": b"t" * 300, b"mtime": b"1.5"}
        )
        entries, outcome = scan(
            make_tar(MANIFEST, pax, make_entry(b"short", type_flag=b"2"), ROOTFS)
        )
        assert is_successful(outcome)
        assert entries[1] == Entry(b"rootfs/" + b"n" * 300, "symlink", 0, b"t" * 300)
        assert entries[2] == Entry(b"rootfs", "directory", 0, b"")

    def test_gnu_long_name_and_link(self) -> None:
        name = make_entry(b"././@LongLink", b"rootfs/" + b"n" * 300 + b"\0", type_flag=b"L")
        link = make_entry(b"././@LongLink", b"t" * 300 + b"\0", type_flag=b"K")
        entries, outcome = scan(
            make_tar(MANIFEST, name, link, make_entry(b"short", type_flag=b"2"), ROOTFS)
        )
        assert is_successful(outcome)
        assert entries[1] == Entry(b"rootfs/" + b"n" * 300, "symlink", 0, b"t" * 300)
        assert entries[2].untrusted_link == b""

    def test_a_global_pax_header_with_a_comment(self) -> None:
        comment = make_pax({b"comment": b"a commit"}, type_flag=b"g")
        assert manifest_of(comment, MANIFEST, comment, ROOTFS) == b"{}"

    def test_sizes_beyond_eight_gib_are_skipped_by_arithmetic(self) -> None:
        """The data itself is never there; only the position after it matters."""
        size = 9 * GIB
        for header in (
            make_header(b"rootfs/big", b"\x80" + size.to_bytes(11, "big")),
            make_pax({b"size": b"%d" % size}) + make_header(b"rootfs/big", 0),
        ):
            scanner = ArchiveScanner()
            last = scanner.feed(MANIFEST + header).unwrap()[-1]
            assert isinstance(last, Entry)
            assert last.size == size
            assert isinstance(scanner.finish().failure(), CorruptArchive)

    def test_zeros_after_the_end(self) -> None:
        assert manifest_of(MANIFEST, ROOTFS, end=bytes(10 * 1024 + 1)) == b"{}"

    def test_who_wants_the_manifest_alone(self) -> None:
        tar = make_archive(b'{"a":1}', {"bin/sh": b"x" * 700, "b" * 200: b""})
        for chunk_bytes in (7, 512, 1 << 20):
            scanner = ArchiveScanner(manifest_only=True)
            parts: list[Part] = []
            for start in range(0, len(tar), chunk_bytes):
                parts.extend(scanner.feed(tar[start : start + chunk_bytes]).unwrap())
            assert scanner.finish().unwrap() == b'{"a":1}'
            assert parts[0] == Entry(b"manifest", "file", 7, b"")
            assert (
                b"".join(part for part in parts[1:] if isinstance(part, memoryview)) == b'{"a":1}'
            )
        twice = make_tar(MANIFEST, ROOTFS, make_entry(b"rootfs/a"), make_entry(b"rootfs/a"))
        scanner = ArchiveScanner(manifest_only=True)
        assert is_successful(scanner.feed(twice))
        assert isinstance(scanner.finish().failure(), NotAnImage)

    def test_the_chunks_do_not_matter(self) -> None:
        tar = make_archive(b'{"a":1}', {"bin/sh": b"x" * 700, "b" * 200: b""})
        whole = scan(tar)
        for chunk_bytes in (1, 7, 511, 512, 513, 1024):
            entries, outcome = scan(tar, chunk_bytes)
            assert (entries, outcome.unwrap()) == (whole[0], whole[1].unwrap())


class TestLayout:
    @pytest.mark.parametrize("name", [b"manifest", b"./manifest", b".//manifest"])
    def test_a_second_manifest(self, name: bytes) -> None:
        refused = refusal_of(MANIFEST, ROOTFS, make_entry(name, b"{}"))
        assert refused == NotAnImage("it has more than one manifest")

    @pytest.mark.parametrize("type_flag", [b"1", b"2", b"3", b"5", b"6"])
    def test_a_manifest_that_is_no_regular_file(self, type_flag: bytes) -> None:
        refused = refusal_of(make_entry(b"manifest", type_flag=type_flag, link=b"x"), ROOTFS)
        assert isinstance(refused, NotAnImage)

    def test_a_manifest_with_a_trailing_slash(self) -> None:
        """rkt takes it for a file, others for a directory."""
        assert isinstance(refusal_of(make_entry(b"manifest/", b"{}"), ROOTFS), CorruptArchive)
        assert isinstance(refusal_of(make_entry(b"manifest/"), ROOTFS), NotAnImage)

    @pytest.mark.parametrize("type_flag", [b"0", b"1", b"2"])
    def test_a_rootfs_that_is_no_directory(self, type_flag: bytes) -> None:
        refused = refusal_of(MANIFEST, make_entry(b"rootfs", type_flag=type_flag, link=b"/"))
        assert isinstance(refused, NotAnImage)

    def test_a_root_that_is_no_directory(self) -> None:
        assert isinstance(refusal_of(make_entry(b"./."), MANIFEST, ROOTFS), NotAnImage)

    @pytest.mark.parametrize(
        "name",
        [b"extra", b"rootfs2/a", b"rootfsx", b"manifest/x", b"Manifest", b"pax_global_header"],
    )
    def test_anything_else_at_the_root(self, name: bytes) -> None:
        refused = refusal_of(make_entry(name), MANIFEST, ROOTFS)
        assert isinstance(refused, NotAnImage)
        assert "beside manifest and rootfs" in refused.reason

    @pytest.mark.parametrize(
        "name",
        [b"/manifest", b"a/../manifest", b"rootfs/../../x", b"rootfs/..", b"..", b"/rootfs/a"],
    )
    def test_paths_that_lead_out(self, name: bytes) -> None:
        assert isinstance(refusal_of(MANIFEST, ROOTFS, make_entry(name)), NotAnImage)

    def test_a_path_that_is_empty_or_has_a_nul(self) -> None:
        assert isinstance(refusal_of(MANIFEST, ROOTFS, make_entry(b"")), NotAnImage)
        for name in (b"", b"rootfs/a\0b"):
            pax = make_pax({b"path": name})
            refused = refusal_of(MANIFEST, ROOTFS, pax, make_entry(b"rootfs/a"))
            assert isinstance(refused, NotAnImage)

    @pytest.mark.parametrize("again", [b"rootfs/a", b"rootfs//a", b"./rootfs/a", b"rootfs/./a/"])
    def test_a_path_twice(self, again: bytes) -> None:
        refused = refusal_of(MANIFEST, make_entry(b"rootfs/a"), make_entry(again))
        assert refused == NotAnImage("an entry's path occurs twice")

    def test_no_manifest_and_no_rootfs(self) -> None:
        assert refusal_of(ROOTFS) == ManifestMissing("manifest")
        assert refusal_of(MANIFEST) == ManifestMissing("rootfs")
        assert refusal_of() == ManifestMissing("manifest")


class TestTheEnd:
    @pytest.mark.parametrize("end", [b"", bytes(512), bytes(1023)])
    def test_no_whole_end_marker(self, end: bytes) -> None:
        assert isinstance(refusal_of(MANIFEST, ROOTFS, end=end), CorruptArchive)

    def test_an_entry_after_a_lone_zero_block(self) -> None:
        assert isinstance(refusal_of(MANIFEST, bytes(512), ROOTFS), CorruptArchive)

    @pytest.mark.parametrize("tail", [b"x", bytes(600) + b"x", MANIFEST])
    def test_data_after_the_end(self, tail: bytes) -> None:
        end = END_OF_ARCHIVE + tail
        assert isinstance(refusal_of(MANIFEST, ROOTFS, end=end), CorruptArchive)

    def test_every_truncation(self) -> None:
        tar = make_tar(make_pax({b"path": b"rootfs/a"}), make_entry(b"a", b"x"), MANIFEST)
        for length in range(len(tar)):
            assert isinstance(scan(tar[:length])[1].failure(), CorruptArchive)

    def test_an_extended_header_without_an_entry(self) -> None:
        assert isinstance(refusal_of(MANIFEST, ROOTFS, make_pax({b"a": b"b"})), CorruptArchive)


class TestHeaders:
    def test_a_wrong_checksum(self) -> None:
        for position in (0, 100, 155, 156, 344, 345, 511):
            broken = bytearray(ROOTFS)
            broken[position] ^= 1
            assert isinstance(refusal_of(MANIFEST, bytes(broken)), CorruptArchive)

    @pytest.mark.parametrize("magic", [b"ustar\0 1", b"ustar 00", b"USTAR\x0000", b"x" * 8])
    def test_an_unknown_magic(self, magic: bytes) -> None:
        refused = refusal_of(MANIFEST, ROOTFS, make_entry(b"rootfs/a", magic=magic))
        assert isinstance(refused, CorruptArchive)

    @pytest.mark.parametrize("magic", [GNU_MAGIC, V7_MAGIC])
    def test_a_prefix_that_only_some_programs_read(self, magic: bytes) -> None:
        header = make_header(b"a", magic=magic, prefix=b"rootfs")
        assert isinstance(refusal_of(MANIFEST, ROOTFS, header), CorruptArchive)

    def test_stars_own_layout(self) -> None:
        header = make_header(b"rootfs/a", padding=bytes(8) + b"tar\0")
        assert isinstance(refusal_of(MANIFEST, header), CorruptArchive)

    @pytest.mark.parametrize("type_flag", [b"S", b"V", b"M", b"D", b"N", b"X", b"A", b"8", b"\xff"])
    def test_types_that_programs_treat_differently(self, type_flag: bytes) -> None:
        entry = make_entry(b"rootfs/a", type_flag=type_flag)
        assert isinstance(refusal_of(MANIFEST, ROOTFS, entry), CorruptArchive)

    @pytest.mark.parametrize(
        "size",
        [b"-1", b"0x10", b"0o10", b"1_0", b"+1", b"8", b"1 1", b"1\x001", b"\xff" * 12, b"\x81"],
    )
    def test_a_size_that_is_no_number(self, size: bytes) -> None:
        header = make_header(b"rootfs/a", size)
        assert isinstance(refusal_of(MANIFEST, ROOTFS, header), CorruptArchive)

    @pytest.mark.parametrize("type_flag", [b"1", b"2", b"3", b"4", b"5", b"6"])
    def test_data_where_only_some_programs_skip_it(self, type_flag: bytes) -> None:
        hidden = make_entry(b"rootfs/a", make_entry(b"manifest", b"{}"), type_flag=type_flag)
        assert isinstance(refusal_of(MANIFEST, ROOTFS, hidden), CorruptArchive)


class TestExtendedHeaders:
    def test_sizes_that_disagree(self) -> None:
        """CVE-2025-62518: one reader sees the inner entries, another skips them as data."""
        inner = make_entry(b"manifest", b"{}")
        for pax_size, header_size in ((len(inner), 0), (0, len(inner)), (1, 2), (8**11, 1)):
            hidden = make_header(b"rootfs/a", header_size) + inner
            refused = refusal_of(make_pax({b"size": b"%d" % pax_size}), hidden, ROOTFS)
            assert isinstance(refused, CorruptArchive)
            assert "PAX" in refused.reason

    def test_a_pax_size_that_agrees(self) -> None:
        pax = make_pax({b"size": b"2"})
        assert manifest_of(pax, MANIFEST, ROOTFS) == b"{}"

    @pytest.mark.parametrize("size", [b"", b"-2", b"2x", b" 2", b"0" * 30 + b"2"])
    def test_a_pax_size_that_is_no_number(self, size: bytes) -> None:
        refused = refusal_of(make_pax({b"size": size}), MANIFEST, ROOTFS)
        assert refused == CorruptArchive("a PAX size is not a number")

    @pytest.mark.parametrize(
        "content",
        [
            b"x",
            b"5 a=b\n",
            b"7 a=b\n",
            b"6 a=b ",
            b"6 a-b\n",
            b"4 =\n",
            b"-6 a=b\n",
            b"6 a=b\n\0",
            b"6 a=b\n6 a=c\n",
            b"99999999999 a=b\n",
            b"0 a=b\n",
            b"1",
        ],
    )
    def test_records_that_are_malformed(self, content: bytes) -> None:
        pax = make_entry(b"PaxHeader", content, type_flag=b"x")
        assert isinstance(refusal_of(pax, MANIFEST, ROOTFS), CorruptArchive)

    @pytest.mark.parametrize("key", [b"GNU.sparse.major", b"GNU.sparse.name"])
    def test_sparse_files(self, key: bytes) -> None:
        pax = make_pax({key: b"1"})
        assert isinstance(refusal_of(pax, MANIFEST, ROOTFS), CorruptArchive)

    @pytest.mark.parametrize("key", [b"path", b"linkpath", b"size"])
    def test_a_global_header_that_renames(self, key: bytes) -> None:
        pax = make_pax({key: b"2"}, type_flag=b"g")
        assert isinstance(refusal_of(pax, MANIFEST, ROOTFS), CorruptArchive)

    def test_two_headers_for_one_entry(self) -> None:
        pax = make_pax({b"path": b"rootfs/a"})
        gnu = make_entry(b"././@LongLink", b"rootfs/b\0", type_flag=b"L")
        glob = make_pax({b"comment": b"x"}, type_flag=b"g")
        for pair in ((pax, pax), (gnu, gnu), (pax, gnu), (gnu, pax), (pax, glob)):
            refused = refusal_of(MANIFEST, *pair, make_entry(b"rootfs/c"))
            assert isinstance(refused, CorruptArchive)

    @pytest.mark.parametrize("content", [b"", b"\0", b"rootfs/a\0b\0"])
    def test_a_gnu_long_name_that_is_none(self, content: bytes) -> None:
        gnu = make_entry(b"././@LongLink", content, type_flag=b"L")
        refused = refusal_of(MANIFEST, gnu, make_entry(b"rootfs/c"))
        assert isinstance(refused, CorruptArchive)


class TestLimits:
    def test_manifest(self) -> None:
        fits = make_entry(b"manifest", b"x" * MANIFEST_BYTES)
        assert len(manifest_of(fits, ROOTFS)) == MANIFEST_BYTES
        too_large = make_header(b"manifest", MANIFEST_BYTES + 1)
        assert isinstance(refusal_of(too_large), ArchiveTooLarge)

    @pytest.mark.parametrize("type_flag", [b"x", b"g", b"L", b"K"])
    def test_extended_header(self, type_flag: bytes) -> None:
        header = make_header(b"x", ARCHIVE_HEADER_BYTES + 1, type_flag=type_flag)
        assert isinstance(refusal_of(header), ArchiveTooLarge)

    def test_path_and_link(self) -> None:
        fits = b"rootfs/" + b"n" * (ARCHIVE_PATH_BYTES - 7)
        entry = make_entry(b"short", type_flag=b"2")
        assert manifest_of(MANIFEST, make_pax({b"path": fits, b"linkpath": fits}), entry) == b"{}"
        for key in (b"path", b"linkpath"):
            long = make_pax({b"path": b"rootfs/a", key: fits + b"n"})
            assert isinstance(refusal_of(MANIFEST, long, entry), ArchiveTooLarge)

    def test_entries(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reader, "ARCHIVE_ENTRIES", 3)
        assert manifest_of(MANIFEST, ROOTFS, make_entry(b"rootfs/a")) == b"{}"
        refused = refusal_of(MANIFEST, ROOTFS, make_entry(b"rootfs/a"), make_entry(b"rootfs/b"))
        assert refused == ArchiveTooLarge("entries", 3)


def _rkt_vectors() -> list[tuple[bytes, dict[str, str]]]:
    vectors = json.loads((DATA / "manifest-from-image.json").read_text())["vectors"]
    return [(gzip.decompress(base64.b64decode(v["gzip"])), v["out"]) for v in vectors]


REFUSED_HERE = {
    5: 'the path "a/../manifest"',
    6: '"manifest/" with data, a file or a directory',
    9: "cut off after the manifest, no end marker",
    10: "cut off after the manifest, in the next header",
    11: "a byte that is not zero after the end",
    12: "gzip data cut off in its trailer",
}
"""Images that rkt takes and that are refused here, and what is wrong with them."""


def _manifest_of_image(image: bytes) -> bytes | None:
    """Return the manifest of a file that may be compressed; None where it is refused."""
    detected = detect_compression(image)
    if not is_successful(detected):
        return None
    decompressor = Decompressor(detected.unwrap(), max_bytes=GIB)
    pieces = list(decompressor.feed(image))
    if not all(map(is_successful, pieces)) or not is_successful(decompressor.finish()):
        return None
    return scan(b"".join(piece.unwrap() for piece in pieces))[1].value_or(None)


@pytest.mark.parametrize(("number", "vector"), list(enumerate(_rkt_vectors())))
def test_what_rkt_accepts(number: int, vector: tuple[bytes, dict[str, str]]) -> None:
    """The name that rkt reads is read here too, but for REFUSED_HERE; what rkt refuses fails.

    Vector 7 has a manifest of the wrong kind, which is the schema's business.
    """
    image, out = vector
    manifest = _manifest_of_image(image)
    if number == 7:
        assert manifest == b"{}"
    elif number in REFUSED_HERE or "error" in out:
        assert manifest is None
    else:
        assert manifest is not None
        assert json.loads(manifest)["name"] == out["name"]


def test_every_block_of_the_makers_is_whole() -> None:
    assert len(MANIFEST) == 2 * BLOCK_BYTES
    assert len(ROOTFS) == BLOCK_BYTES
