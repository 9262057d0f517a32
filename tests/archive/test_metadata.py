"""What an entry says of itself; the standard library's tarfile is the oracle where it knows."""

import io
import tarfile
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.archive.metadata import (
    extended_attributes,
    owner_names,
    parse_device,
    parse_mode,
    parse_mtime,
    parse_owner,
)
from pipeline.archive.reader import Entry, TarReader
from pipeline.errors import CorruptArchive
from pipeline.testing.archives import (
    GNU_MAGIC,
    V7_MAGIC,
    make_entry,
    make_header,
    make_pax,
    make_tar,
)


def entries_of(tar: bytes) -> list[Entry]:
    """Read a tar's entries."""
    return [part for part in TarReader().feed(tar).unwrap() if isinstance(part, Entry)]


def entry_of(*blocks: bytes) -> Entry:
    """Read the last entry of these blocks."""
    return entries_of(make_tar(*blocks))[-1]


class TestTimes:
    @pytest.mark.parametrize(
        ("record", "nanoseconds"),
        [
            (b"0", 0),
            (b"1.5", 1_500_000_000),
            (b"1.", 1_000_000_000),
            (b"1.0000000019", 1_000_000_001),
            (b"-1.5", -1_500_000_000),
            (b"-0.0000000001", -1),
            (b"36028797018963968", 2**55 * 10**9),
        ],
    )
    def test_pax(self, record: bytes, nanoseconds: int) -> None:
        entry = entry_of(make_pax({b"mtime": record}), make_entry(b"a", mtime=7))
        assert parse_mtime(entry).unwrap() == nanoseconds

    @pytest.mark.parametrize(
        ("field", "seconds"),
        [
            (b"00000000017\0", 15),
            (b"\x80" + (2**40).to_bytes(11, "big"), 2**40),
            ((-5).to_bytes(12, "big", signed=True), -5),
        ],
    )
    def test_headers(self, field: bytes, seconds: int) -> None:
        entry = entry_of(make_header(b"a", mtime=field))
        assert parse_mtime(entry).unwrap() == seconds * 10**9

    @pytest.mark.parametrize(
        "record", [b"", b".5", b"1e3", b"+1", b" 1", b"1,5", b"36028797018963969", b"9" * 21]
    )
    def test_what_is_none(self, record: bytes) -> None:
        entry = entry_of(make_pax({b"mtime": record}), make_entry(b"a"))
        assert isinstance(parse_mtime(entry).failure(), CorruptArchive)

    def test_a_header_of_all_entries_speaks_where_the_entrys_own_does_not(self) -> None:
        tar = make_tar(
            make_pax({b"mtime": b"1", b"uid": b"5"}, type_flag=b"g"),
            make_entry(b"a", mtime=9),
            make_pax({b"mtime": b"2"}),
            make_entry(b"b", mtime=9),
            make_pax({b"mtime": b"3"}, type_flag=b"g"),
            make_entry(b"c", mtime=9),
        )
        entries = entries_of(tar)
        assert [parse_mtime(entry).unwrap() // 10**9 for entry in entries] == [1, 2, 3]
        assert [parse_owner(entry).unwrap() for entry in entries] == [(5, 0)] * 3

    def test_attributes_of_all_entries_are_refused(self) -> None:
        pax = make_pax({b"SCHILY.xattr.user.a": b"b"}, type_flag=b"g")
        outcome = TarReader().feed(make_tar(pax, make_entry(b"a")))
        assert isinstance(outcome.failure(), CorruptArchive)


class TestOwners:
    def test_numbers_and_names(self) -> None:
        pax = make_pax({b"gid": b"4294967294", b"uname": "ü".encode()})
        entry = entry_of(pax, make_entry(b"a", owner=(7, 8)))
        assert parse_owner(entry).unwrap() == (7, 2**32 - 2)
        assert owner_names(entry) == ("ü".encode(), b"")

    @pytest.mark.parametrize("record", [b"", b"-1", b"4294967295", b"1.0", b"9" * 30])
    def test_what_is_none(self, record: bytes) -> None:
        """2**32 - 1 means "as it is" to chown(2)."""
        entry = entry_of(make_pax({b"uid": record}), make_entry(b"a"))
        assert isinstance(parse_owner(entry).failure(), CorruptArchive)

    def test_a_header_older_than_names(self) -> None:
        block = bytearray(make_header(b"a", magic=V7_MAGIC))
        block[265:270] = b"junk\0"
        total = sum(block[:148]) + sum(block[156:]) + 8 * 32
        block[148:156] = b"%06o\0 " % total
        assert owner_names(entry_of(bytes(block))) == (b"", b"")


class TestTheRest:
    def test_modes(self) -> None:
        assert parse_mode(entry_of(make_entry(b"a", mode=0o104755))).unwrap() == 0o4755
        block = make_header(b"a").replace(b"0000644", b"000064x")
        assert parse_mode(Entry(b"a", "file", 0, b"", block)).failure().reason

    def test_devices(self) -> None:
        entry = entry_of(make_entry(b"a", type_flag=b"4", device=(8, 1), magic=GNU_MAGIC))
        assert parse_device(entry).unwrap() == (8, 1)
        block = make_header(b"a", type_flag=b"4", device=(8, 1)).replace(b"0000010", b"000001x")
        assert isinstance(
            parse_device(Entry(b"a", "block-device", 0, b"", block)).failure(), CorruptArchive
        )

    def test_attributes_keep_their_order_and_bytes(self) -> None:
        pax = make_pax({b"SCHILY.xattr.user.z": b"\0\xff\n", b"SCHILY.xattr.user.%253D": b"="})
        assert extended_attributes(entry_of(pax, make_entry(b"a"))) == (
            (b"user.z", b"\0\xff\n"),
            (b"user.%3D", b"="),
        )


@given(
    st.sampled_from((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)),
    st.integers(0, 0o7777),
    st.tuples(st.integers(0, 2**32 - 2), st.integers(0, 2**32 - 2)),
    st.integers(-(2**40), 2**40),
    st.text("aé-", max_size=40),
)
def test_what_tarfile_writes(
    form: int, mode: int, owner: tuple[int, int], mtime: int, name: str
) -> None:
    info = tarfile.TarInfo("a")
    info.mode, info.mtime, info.uname = mode, mtime, name
    info.uid, info.gid = owner
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        archive.addfile(info)
    (entry,) = entries_of(buffer.getvalue())
    assert parse_mode(entry).unwrap() == mode
    assert parse_mtime(entry).unwrap() == mtime * 10**9
    assert parse_owner(entry).unwrap() == owner
    if form == tarfile.PAX_FORMAT:
        assert owner_names(entry) == (name.encode(), b"")


@given(st.decimals(-(2**30), 2**30, allow_nan=False, places=12))
def test_decimal_times_are_rounded_down(time: Decimal) -> None:
    entry = entry_of(make_pax({b"mtime": f"{time:f}".encode()}), make_entry(b"a"))
    outcome = parse_mtime(entry)
    assert is_successful(outcome)
    assert outcome.unwrap() == int((time * 10**9).to_integral_value("ROUND_FLOOR"))
