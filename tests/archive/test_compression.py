"""Formats by magic bytes; members, padding, damage and bombs, for every codec."""

import bz2
import gzip
import json
import lzma
import random
import zlib
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.archive import compression
from pipeline.archive.compression import (
    Compression,
    DecompressionError,
    Decompressor,
    detect_compression,
)
from pipeline.errors import ArchiveTooLarge, CorruptArchive, NotAnImage
from pipeline.limits import (
    CHUNK_BYTES,
    DECOMPRESSION_RATIO,
    GIB,
    GZIP_HEADER_BYTES,
    MIB,
    RATIO_GRACE_BYTES,
    XZ_MEMORY_BYTES,
    ZSTD_WINDOW_BYTES,
)
from pipeline.testing.archives import V7_MAGIC, make_entry
from pipeline.testing.makers import make_archive

DATA = Path(__file__).parents[1] / "data" / "rkt"
SKIPPABLE = b"\x5a\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc"
# A frame with a window of 1 MiB and nothing else (RFC 8878 section 3.1.1.1).
ZSTD_HEADER = b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([10 << 3])
# Compressible and not, with more than one block of each codec.
CONTENT = random.Random(1).randbytes(150_000) + b"text " * 60_000


def _zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(content)


COMPRESS: dict[Compression, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": _zstd,
}
CODECS: tuple[Compression, ...] = tuple(COMPRESS)


def decompress(
    codec: Compression, data: bytes, *, chunk_bytes: int = CHUNK_BYTES, max_bytes: int = GIB
) -> Result[bytes, DecompressionError]:
    """Decompress a whole file; every piece must keep the bound."""
    decompressor = Decompressor(codec, max_bytes=max_bytes)
    pieces: list[bytes] = []
    for start in range(0, len(data), chunk_bytes):
        for outcome in decompressor.feed(data[start : start + chunk_bytes]):
            if not is_successful(outcome):
                return outcome
            assert 0 < len(outcome.unwrap()) <= CHUNK_BYTES
            pieces.append(outcome.unwrap())
    ended = decompressor.finish()
    return Success(b"".join(pieces)) if is_successful(ended) else Failure(ended.failure())


class TestDetection:
    @pytest.mark.parametrize("codec", CODECS)
    def test_compressed_files(self, codec: Compression) -> None:
        assert detect_compression(COMPRESS[codec](b"x")) == Success(codec)

    def test_zstd_that_starts_with_a_skippable_frame(self) -> None:
        assert detect_compression(SKIPPABLE + _zstd(b"x")) == Success("zstd")

    def test_plain_tars_new_and_old(self) -> None:
        assert detect_compression(make_archive(b"{}")) == Success("none")
        old = make_entry(b"manifest", b"{}", magic=V7_MAGIC)
        assert detect_compression(old) == Success("none")

    @pytest.mark.parametrize(
        "head",
        [b"", b"\x1f", b"\x1f\x8b", b"PK\x03\x04", b"<!DOCTYPE html>", bytes(512), b"x" * 512],
    )
    def test_anything_else(self, head: bytes) -> None:
        assert isinstance(detect_compression(head).failure(), NotAnImage)

    def test_an_old_tar_with_a_wrong_checksum(self) -> None:
        old = make_entry(b"manifest", b"{}", magic=V7_MAGIC)
        assert not is_successful(detect_compression(b"M" + old[1:]))

    def test_what_rkt_detects(self) -> None:
        """Text and unknown are refused here; the rest is called the same."""
        named = {"tar": "none", "gz": "gzip", "bz2": "bzip2", "xz": "xz"}
        for vector in json.loads((DATA / "file-type.json").read_text())["vectors"]:
            detected = detect_compression(b64decode(vector["in"])).value_or(None)
            assert detected == named.get(vector["out"]["type"]), vector


class TestContent:
    @pytest.mark.parametrize("codec", CODECS)
    @pytest.mark.parametrize("chunk_bytes", [1000, 65_537, CHUNK_BYTES])
    def test_members_one_after_another(self, codec: Compression, chunk_bytes: int) -> None:
        file = b"".join(map(COMPRESS[codec], (CONTENT, b"", b"second", CONTENT)))
        assert decompress(codec, file, chunk_bytes=chunk_bytes) == Success(
            CONTENT + b"second" + CONTENT
        )

    @pytest.mark.parametrize("codec", CODECS)
    def test_a_byte_at_a_time(self, codec: Compression) -> None:
        file = COMPRESS[codec](CONTENT[:2000]) + COMPRESS[codec](b"second")
        whole = CONTENT[:2000] + b"second"
        assert decompress(codec, file, chunk_bytes=1) == Success(whole)

    def test_a_plain_tar_passes_unchanged(self) -> None:
        assert decompress("none", CONTENT) == Success(CONTENT)

    def test_zstd_skippable_frames_and_frames_without_a_size(self) -> None:
        stream = zstandard.ZstdCompressor().compressobj()
        frame = stream.compress(CONTENT) + stream.flush()
        empty = SKIPPABLE[:4] + bytes(4)
        for chunk_bytes in (7, 1000, CHUNK_BYTES):
            file = SKIPPABLE + frame + empty + SKIPPABLE
            assert decompress("zstd", file, chunk_bytes=chunk_bytes) == Success(CONTENT)

    def test_zstd_blocks_that_repeat_one_byte(self) -> None:
        """An RLE block has one byte of content, whatever its size says."""
        rle = (5 << 3 | 1 << 1).to_bytes(3, "little") + b"x"
        last = (2 << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"y"
        assert decompress("zstd", ZSTD_HEADER + rle + last) == Success(b"xxxxxyy")

    @pytest.mark.parametrize("codec", CODECS)
    def test_tiny_members_by_the_thousand(self, codec: Compression) -> None:
        assert decompress(codec, COMPRESS[codec](b"x") * 3000) == Success(b"x" * 3000)


class TestDamage:
    @pytest.mark.parametrize("codec", CODECS)
    def test_every_truncation(self, codec: Compression) -> None:
        file = COMPRESS[codec](b"some text, some text") + COMPRESS[codec](b"more")
        boundary = len(COMPRESS[codec](b"some text, some text"))
        for length in range(len(file)):
            outcome = decompress(codec, file[:length])
            if length != boundary:
                assert isinstance(outcome.failure(), CorruptArchive), length

    @pytest.mark.parametrize("codec", CODECS)
    @pytest.mark.parametrize("tail", [b"x", b"trailing", b"\1" * 600, b"PK\3\4" * 9])
    def test_garbage_after_the_end(self, codec: Compression, tail: bytes) -> None:
        outcome = decompress(codec, COMPRESS[codec](b"x") + tail)
        assert isinstance(outcome.failure(), CorruptArchive)

    @pytest.mark.parametrize(("codec", "zeros"), [("gzip", 1), ("gzip", 700), ("xz", 4)])
    def test_padding_that_the_format_allows(self, codec: Compression, zeros: int) -> None:
        file = COMPRESS[codec](b"x") + bytes(zeros)
        for chunk_bytes in (1, CHUNK_BYTES):
            assert decompress(codec, file, chunk_bytes=chunk_bytes) == Success(b"x")

    @pytest.mark.parametrize(
        ("codec", "zeros"), [("bzip2", 1), ("bzip2", 512), ("xz", 3), ("zstd", 1), ("zstd", 512)]
    )
    def test_padding_that_it_does_not(self, codec: Compression, zeros: int) -> None:
        outcome = decompress(codec, COMPRESS[codec](b"x") + bytes(zeros))
        assert isinstance(outcome.failure(), CorruptArchive)

    def test_data_after_padding(self) -> None:
        """gzip(1) would ignore it, other programs would read it; xz allows it in fours."""
        second = gzip.compress(b"y")
        outcome = decompress("gzip", gzip.compress(b"x") + bytes(4) + second)
        assert isinstance(outcome.failure(), CorruptArchive)
        streams = lzma.compress(b"x") + bytes(4) + lzma.compress(b"y")
        assert decompress("xz", streams) == Success(b"xy")
        streams = lzma.compress(b"x") + bytes(3) + lzma.compress(b"y")
        assert isinstance(decompress("xz", streams).failure(), CorruptArchive)

    @pytest.mark.parametrize("position", [*range(-8, 0)])
    def test_gzip_checks_both_fields_of_its_trailer(self, position: int) -> None:
        """CRC-32 and the size (RFC 1952 section 2.3.1); the decoder must not skip either."""
        file = bytearray(gzip.compress(CONTENT))
        file[position] ^= 1
        for chunk_bytes in (1000, CHUNK_BYTES):
            outcome = decompress("gzip", bytes(file), chunk_bytes=chunk_bytes)
            assert isinstance(outcome.failure(), CorruptArchive)

    @pytest.mark.parametrize("flag", [0x20, 0x40, 0x80])
    def test_a_reserved_gzip_flag(self, flag: int) -> None:
        """RFC 1952 section 2.3.1.2: it may stand for a field that others read."""
        file = bytearray(gzip.compress(b"x"))
        file[3] = flag
        assert isinstance(decompress("gzip", bytes(file)).failure(), CorruptArchive)

    def test_a_wrong_checksum_of_a_gzip_header(self) -> None:
        member = gzip.compress(b"x")
        header = member[:3] + b"\x02" + member[4:10]
        crc = (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little")
        assert decompress("gzip", header + crc + member[10:]) == Success(b"x")
        outcome = decompress("gzip", header + bytes(2) + member[10:])
        assert isinstance(outcome.failure(), CorruptArchive)

    def test_a_gzip_header_without_end(self) -> None:
        """The name is closed by a NUL that never comes; only the limit ends the waiting."""
        decompressor = Decompressor("gzip", max_bytes=GIB)
        outcomes = list(decompressor.feed(b"\x1f\x8b\x08\x08" + b"n" * 2 * GZIP_HEADER_BYTES))
        assert isinstance(outcomes[-1].failure(), CorruptArchive)

    @pytest.mark.parametrize("codec", CODECS)
    def test_a_bit_flip_in_the_content(self, codec: Compression) -> None:
        file = bytearray(COMPRESS[codec](CONTENT))
        file[len(file) // 2] ^= 1
        assert isinstance(decompress(codec, bytes(file)).failure(), CorruptArchive)

    def test_the_legacy_lzma_format_is_not_xz(self) -> None:
        alone = lzma.compress(b"x", format=lzma.FORMAT_ALONE)
        assert not is_successful(detect_compression(alone))
        outcome = decompress("xz", lzma.compress(b"x") + alone)
        assert isinstance(outcome.failure(), CorruptArchive)


class TestBombs:
    @pytest.mark.parametrize("codec", CODECS)
    def test_the_limit_on_all_that_comes_out_is_inclusive(self, codec: Compression) -> None:
        file = COMPRESS[codec](CONTENT)
        assert decompress(codec, file, max_bytes=len(CONTENT)) == Success(CONTENT)
        outcome = decompress(codec, file, max_bytes=len(CONTENT) - 1)
        assert outcome == Failure(ArchiveTooLarge("bytes", len(CONTENT) - 1))

    def test_the_limit_holds_for_a_plain_tar(self) -> None:
        assert decompress("none", CONTENT, max_bytes=len(CONTENT)) == Success(CONTENT)
        assert isinstance(
            decompress("none", CONTENT, max_bytes=len(CONTENT) - 1).failure(), ArchiveTooLarge
        )

    @pytest.mark.parametrize("codec", CODECS)
    def test_the_ratio_once_over_the_grace(self, codec: Compression) -> None:
        zeros = bytes(RATIO_GRACE_BYTES // 2)
        half = _maximal(codec, zeros)
        decompressor = Decompressor(codec, max_bytes=GIB)
        assert all(map(is_successful, decompressor.feed(half + half)))
        assert is_successful(decompressor.finish())
        outcomes = list(decompressor.feed(_maximal(codec, b"one more")))
        expected = ArchiveTooLarge("bytes for each compressed byte", DECOMPRESSION_RATIO)
        assert outcomes[-1] == Failure(expected)

    def test_zstd_comes_out_in_pieces_however_much_one_input_holds(self) -> None:
        """2 KiB of RLE blocks make 64 MiB; no call may return that at once."""
        block = (128 * 1024 << 3 | 1 << 1).to_bytes(3, "little") + b"x"
        decompressor = Decompressor("zstd", max_bytes=GIB)
        sizes = [
            len(outcome.unwrap())
            for outcome in decompressor.feed(ZSTD_HEADER + block * (RATIO_GRACE_BYTES >> 17))
        ]
        assert sum(sizes) == RATIO_GRACE_BYTES
        assert max(sizes) <= CHUNK_BYTES

    def test_a_zstd_window_beyond_the_limit(self) -> None:
        outcome = decompress("zstd", _zstd_frame_with_window(ZSTD_WINDOW_BYTES))
        assert outcome == Success(b"x" * 100)
        outcome = decompress("zstd", _zstd_frame_with_window(2 * ZSTD_WINDOW_BYTES))
        assert isinstance(outcome.failure(), ArchiveTooLarge)

    def test_an_xz_decoder_that_wants_too_much_memory(self) -> None:
        def file(dict_bytes: int) -> bytes:
            filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": dict_bytes}]
            return lzma.compress(b"x", filters=filters)

        assert decompress("xz", file(64 * MIB)) == Success(b"x")
        expected = ArchiveTooLarge("bytes of memory to decode", XZ_MEMORY_BYTES)
        assert decompress("xz", file(128 * MIB)) == Failure(expected)

    @pytest.mark.parametrize("codec", CODECS)
    def test_members_without_end(self, codec: Compression, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compression, "COMPRESSED_MEMBERS", 3)
        member = COMPRESS[codec](b"x")
        assert decompress(codec, member * 3) == Success(b"xxx")
        assert isinstance(decompress(codec, member * 4).failure(), ArchiveTooLarge)


def _maximal(codec: Compression, content: bytes) -> bytes:
    """Compress in a way that reaches the codec's best ratio quickly."""
    if codec == "xz":
        return lzma.compress(content, preset=0)
    return COMPRESS[codec](content)


def _zstd_frame_with_window(window: int) -> bytes:
    parameters = zstandard.ZstdCompressionParameters(window_log=window.bit_length() - 1)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return stream.compress(b"x" * 100) + stream.flush()
