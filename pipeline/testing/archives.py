"""Makers of tars a block at a time, well-formed or not: what no tar program would write.

``make_entry`` gives one entry's blocks, ``make_tar`` joins entries and ends the archive, so that
``make_tar(make_entry(b"manifest", b"{}"), make_entry(b"rootfs/", type_flag=b"5"))`` is an image.
Whole, valid images come from :func:`pipeline.testing.makers.make_archive`.
"""

from typing import Final

BLOCK_BYTES: Final = 512

END_OF_ARCHIVE: Final = bytes(2 * BLOCK_BYTES)
"""Two zero blocks (POSIX.1-2017 ``pax``)."""

POSIX_MAGIC: Final = b"ustar\x0000"
GNU_MAGIC: Final = b"ustar  \0"
V7_MAGIC: Final = bytes(8)


def make_header(
    name: bytes,
    size: int | bytes = 0,
    *,
    type_flag: bytes = b"0",
    link: bytes = b"",
    magic: bytes = POSIX_MAGIC,
    prefix: bytes = b"",
    padding: bytes = b"",
    mode: int = 0o644,
    owner: tuple[int, int] = (0, 0),
    mtime: int | bytes = 0,
    device: tuple[int, int] = (0, 0),
) -> bytes:
    """Return a header block with a right checksum; ``size`` and ``mtime`` as bytes go in as is."""
    field = size if isinstance(size, bytes) else b"%011o\0" % size
    block = b"".join(
        (
            name.ljust(100, b"\0"),
            b"%07o\0%07o\0%07o\0" % (mode, *owner),
            field.ljust(12, b"\0"),
            (mtime if isinstance(mtime, bytes) else b"%011o\0" % mtime).ljust(12, b"\0"),
            b" " * 8,
            type_flag,
            link.ljust(100, b"\0"),
            magic,
            bytes(64) + b"%07o\0%07o\0" % device if any(device) else bytes(80),
            prefix.ljust(155, b"\0"),
            padding.ljust(12, b"\0"),
        )
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def make_entry(
    name: bytes,
    content: bytes = b"",
    *,
    type_flag: bytes = b"0",
    link: bytes = b"",
    magic: bytes = POSIX_MAGIC,
    mode: int = 0o644,
    owner: tuple[int, int] = (0, 0),
    mtime: int = 0,
    device: tuple[int, int] = (0, 0),
) -> bytes:
    """Return a header and its content, filled up to whole blocks."""
    header = make_header(
        name,
        len(content),
        type_flag=type_flag,
        link=link,
        magic=magic,
        mode=mode,
        owner=owner,
        mtime=mtime,
        device=device,
    )
    return header + content + bytes(-len(content) % BLOCK_BYTES)


def make_pax(records: dict[bytes, bytes], *, type_flag: bytes = b"x") -> bytes:
    """Return a PAX header (``b"g"`` for a global one) with these records."""
    return make_entry(b"PaxHeaders/0", pax_records(records), type_flag=type_flag)


def pax_records(records: dict[bytes, bytes]) -> bytes:
    """Return records as they stand in a PAX header, each with its own length in front."""
    lines = []
    for key, value in records.items():
        rest = b" %b=%b\n" % (key, value)
        length = len(rest) + 1
        while len(b"%d" % length) + len(rest) > length:
            length += 1
        lines.append(b"%d" % length + rest)
    return b"".join(lines)


def make_tar(*entries: bytes, end: bytes = END_OF_ARCHIVE) -> bytes:
    """Return the entries one after another, and the end marker."""
    return b"".join(entries) + end
