"""App Container Images, good ones and bad ones, and trees that try to leave their folder."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from functools import cache
from typing import Final, get_args

import zstandard
from hypothesis import strategies as st

from pipeline.archive.compression import Compression
from pipeline.limits import ARCHIVE_PATH_BYTES, ARCHIVE_PATH_SEGMENTS, MIB, RATIO_GRACE_BYTES
from pipeline.manifest import parse_manifest
from pipeline.names import ImageName
from pipeline.testing.archives import make_entry, make_header, make_pax, make_tar
from pipeline.testing.images import BadArchive, MadeArchive, Threat
from pipeline.testing.makers import make_manifest
from pipeline.testing.strategies.appc_manifests import manifests

_COMPRESS: Final[dict[Compression, Callable[[bytes], bytes]]] = {
    "none": lambda tar: tar,
    "gzip": lambda tar: gzip.compress(tar, mtime=0),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}
_ROOTFS: Final = make_entry(b"rootfs/", type_flag=b"5", mode=0o755)
_FILE, _HARD_LINK, _LINK, _FOLDER = b"0", b"1", b"2", b"5"
_THREATS: Final[tuple[Threat, ...]] = get_args(Threat)
_MANIFEST: Final = make_entry(b"manifest", make_manifest("example.com/app"))


def archives(
    *,
    names: st.SearchStrategy[ImageName] | None = None,
    compressions: tuple[Compression, ...] = tuple(_COMPRESS),
) -> st.SearchStrategy[MadeArchive]:
    """Images of a few files, folders and links, with any manifest, compressed in any way."""
    return st.builds(
        _make_archive,
        manifests(names=names),
        _trees(),
        st.booleans(),
        st.sampled_from(compressions),
    )


def bad_archives(*, threats: tuple[Threat, ...] = _THREATS) -> st.SearchStrategy[BadArchive]:
    """Images that must be refused, in the ways of ``threats``; each knows by which error.

    Some bombs have their reader decompress 64 MiB, which takes longer than hypothesis' deadline.
    """
    return st.sampled_from(threats).flatmap(lambda threat: _BAD[threat]())


def hostile_archives() -> st.SearchStrategy[bytes]:
    """Tars, uncompressed, of images whose links and paths lead wherever they can.

    Some can be unpacked and some must be refused; of either nothing outside of the folder that they
    are unpacked into may be made, changed or removed.
    """
    names = (b"a", b"a/b", b"b", b"a/b/c", b"../x", b"a/../../x", b"b/")
    targets = (b"..", b"/", b"../../..", b"a", b"b", b"/etc/passwd", b"a/../..", b".", b"\xff" * 90)
    entry = st.builds(
        lambda name, flag, target, mode, content: make_entry(
            b"rootfs/" + name,
            content if flag == _FILE else b"",
            type_flag=flag,
            link=target if flag in {_LINK, _HARD_LINK} else b"",
            mode=mode,
        ),
        st.sampled_from(names * 3 + (b"a", b"b") * 4),
        st.sampled_from((_FILE, _FILE, _HARD_LINK, _LINK, _LINK, _FOLDER)),
        st.sampled_from(targets),
        st.sampled_from((0o644, 0o755, 0o4777, 0o000)),
        st.binary(max_size=3),
    )
    return st.lists(entry, max_size=8).map(lambda made: make_tar(_MANIFEST, _ROOTFS, *made))


def _make_archive(
    raw: bytes, tree: list[bytes], manifest_is_last: bool, compression: Compression
) -> MadeArchive:
    manifest = make_entry(b"manifest", raw)
    tar = make_tar(*((*tree, manifest) if manifest_is_last else (manifest, *tree)))
    return MadeArchive(_COMPRESS[compression](tar), tar, parse_manifest(raw).unwrap())


def _trees() -> st.SearchStrategy[list[bytes]]:
    """Entries under ``rootfs``, each path once, a folder before what is in it."""
    leaf = st.one_of(
        st.binary(max_size=600).map(lambda content: (_FILE, content, b"")),
        st.sampled_from((b"f0", b"../etc/passwd", b"/bin/sh", b"nowhere")).map(
            lambda target: (_LINK, b"", target)
        ),
        st.just((_FOLDER, b"", b"")),
    )

    def make(leaves: list[tuple[bytes, bytes, bytes]]) -> list[bytes]:
        made = [_ROOTFS, make_entry(b"rootfs/d/", type_flag=_FOLDER, mode=0o755)]
        for number, (flag, content, target) in enumerate(leaves):
            path = b"rootfs/%bf%d" % (b"d/" if number % 2 else b"", number)
            made.append(make_entry(path, content, type_flag=flag, link=target))
        return made

    return st.lists(leaf, max_size=5).map(make)


def _bad_entries(
    threat: Threat, entries: st.SearchStrategy[bytes], kind: str, *, by_rendering: bool = False
) -> st.SearchStrategy[BadArchive]:
    """Return images with these entries in the midst of good ones, compressed in any way."""

    def make(entry: bytes, before: list[bytes], compression: Compression) -> BadArchive:
        tar = make_tar(*before, entry, _MANIFEST)
        content = _COMPRESS[compression](tar)
        return BadArchive(threat, content, kind, "render" if by_rendering else "extract")

    return st.builds(make, entries, _trees(), st.sampled_from(tuple(_COMPRESS)))


def _traversals() -> st.SearchStrategy[BadArchive]:
    up = st.integers(1, 4).map(lambda count: b"../" * count)
    paths = st.one_of(
        st.builds(
            lambda prefix, dots: prefix + dots + b"x", st.sampled_from((b"", b"rootfs/")), up
        ),
        st.sampled_from((b"/etc/passwd", b"//x", b"..", b"rootfs/..", b"rootfs/a/../../../x")),
    )
    flags = st.sampled_from((_FILE, _FOLDER, _LINK))
    plain = st.builds(lambda path, flag: make_entry(path, type_flag=flag, link=b"x"), paths, flags)
    hidden = paths.map(lambda path: make_pax({b"path": path}) + make_entry(b"rootfs/x"))
    nul = make_pax({b"path": b"rootfs/x\0../../y"}) + make_entry(b"rootfs/x")
    links = paths.map(lambda target: make_entry(b"rootfs/link", type_flag=_HARD_LINK, link=target))
    return st.one_of(
        _bad_entries("traversal", plain | hidden | st.just(nul), "not-an-image"),
        _bad_entries("traversal", links, "not-an-image", by_rendering=True),
    )


def _filter_bypasses() -> st.SearchStrategy[BadArchive]:
    long = b"rootfs/" + b"d/" * (ARCHIVE_PATH_BYTES // 2) + b"x"
    deep = b"rootfs/" + b"d/" * ARCHIVE_PATH_SEGMENTS + b"x"

    def entry(path: bytes) -> bytes:
        return make_pax({b"path": path}) + make_entry(b"rootfs/x")

    through = st.sampled_from((b"/etc", b"..", b"../..", b"/")).map(
        lambda target: (
            make_entry(b"rootfs/out", type_flag=_LINK, link=target)
            + make_entry(b"rootfs/in", type_flag=_HARD_LINK, link=b"rootfs/out/passwd")
        )
    )
    return st.one_of(
        _bad_entries("filter-bypass", st.just(entry(long)), "archive-too-large"),
        _bad_entries("filter-bypass", st.just(entry(deep)), "archive-too-large", by_rendering=True),
        _bad_entries("filter-bypass", through, "corrupt-archive", by_rendering=True),
    )


def _desyncs() -> st.SearchStrategy[BadArchive]:
    hidden = make_entry(b"rootfs/hidden", b"x" * 512)
    sizes = st.tuples(st.integers(0, 5000), st.integers(0, 600)).filter(
        lambda pair: pair[0] != pair[1]
    )
    by_pax = sizes.map(
        lambda pair: (
            make_pax({b"size": b"%d" % pair[0]}) + make_entry(b"rootfs/x", b"y" * pair[1]) + hidden
        )
    )
    odd = st.sampled_from(
        (
            make_pax({b"size": b"0"}, type_flag=b"g") + hidden,
            make_pax({b"path": b"rootfs/other"}, type_flag=b"g") + hidden,
            make_header(b"rootfs/link", 512, type_flag=_LINK, link=b"x") + hidden,
            make_header(b"rootfs/x", b"\xff" * 12) + hidden,
            make_entry(b"rootfs/sparse", b"x", type_flag=b"S"),
            make_pax({b"GNU.sparse.size": b"10"}) + make_entry(b"rootfs/sparse", b"x"),
        )
    )
    twice = make_entry(b"manifest", make_manifest("example.com/other"))
    return st.one_of(
        _bad_entries("desync", by_pax | odd, "corrupt-archive"),
        _bad_entries("desync", st.just(twice), "not-an-image"),
    )


def _chmods() -> st.SearchStrategy[BadArchive]:
    def make(target: bytes, mode: int, flag: bytes) -> bytes:
        link = make_entry(b"rootfs/link", type_flag=_LINK, link=target)
        again = b"rootfs/link/" if flag == _FOLDER else b"rootfs/link"
        return link + make_entry(again, type_flag=flag, mode=mode)

    entries = st.builds(
        make,
        st.sampled_from((b"/etc/passwd", b"..", b"../../x")),
        st.sampled_from((0o4755, 0o777, 0o000)),
        st.sampled_from((_FILE, _FOLDER)),
    )
    return _bad_entries("chmod-through-link", entries, "not-an-image")


def _bombs() -> st.SearchStrategy[BadArchive]:
    return st.sampled_from((_ratio_bomb, _window_bomb, _memory_bomb)).map(
        lambda make: BadArchive("bomb", make(), "archive-too-large")
    )


@cache
def _ratio_bomb() -> bytes:
    """Return an image that becomes thousands of times as large."""
    zeros = make_entry(b"rootfs/zeros", bytes(RATIO_GRACE_BYTES + MIB))
    return zstandard.compress(make_tar(_MANIFEST, _ROOTFS, zeros))


@cache
def _window_bomb() -> bytes:
    """Return a frame that wants 256 MiB to be decompressed in."""
    wide = zstandard.ZstdCompressionParameters(window_log=28)
    frame = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    return frame.compress(make_tar(_MANIFEST, _ROOTFS)) + frame.flush()


@cache
def _memory_bomb() -> bytes:
    """Return a stream that wants a dictionary of 256 MiB."""
    # Only its block's header says so (xz format 1.1.0 sections 3.1 and 5.3.1): nobody has to have
    # that much to make it. Before it are 12 bytes, in it the size, flags, filter, and a checksum.
    stream = lzma.compress(make_tar(_MANIFEST, _ROOTFS))
    end = 12 + (stream[12] + 1) * 4
    block = bytearray(stream[12 : end - 4])
    block[4] = 32
    return stream[:12] + block + zlib.crc32(block).to_bytes(4, "little") + stream[end:]


def _damages() -> st.SearchStrategy[BadArchive]:
    empty = make_tar(_ROOTFS)
    return st.one_of(
        st.sampled_from(tuple(_COMPRESS.values())).map(
            lambda compress: BadArchive("damage", compress(empty), "manifest-missing")
        ),
        st.binary(max_size=40).map(
            lambda junk: BadArchive("damage", b"junk" + junk, "not-an-image")
        ),
        st.just(BadArchive("damage", b"", "not-an-image")),
        archives(compressions=("gzip", "xz", "bzip2")).map(
            lambda made: BadArchive("damage", made.content[:-1], "corrupt-archive")
        ),
        archives(compressions=("none",)).map(
            lambda made: BadArchive("damage", made.tar + b"behind", "corrupt-archive")
        ),
    )


_BAD: Final[dict[Threat, Callable[[], st.SearchStrategy[BadArchive]]]] = {
    "traversal": _traversals,
    "filter-bypass": _filter_bypasses,
    "desync": _desyncs,
    "chmod-through-link": _chmods,
    "bomb": _bombs,
    "damage": _damages,
}
