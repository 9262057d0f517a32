"""Any layers, hostile ones too, squash into what a model has, and what is unpacked of them is that.

Three readings of the same layers must agree: a model in memory that knows objects and paths, the
layers unpacked over each other on a disk, and the one archive that they are squashed into,
unpacked. Where one refuses, all do.
"""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Final

from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful
from returns.result import Success

from pipeline.adapters.memory.quarantine import memory_quarantine
from pipeline.adapters.output import Archive, ExtractionOptions, extract_archives
from pipeline.archive.selection import Below, Selection
from pipeline.stages.convert import convert_to_aci
from pipeline.testing.archives import make_entry, make_pax, make_tar
from pipeline.testing.oci import MadeLayer, make_image, make_layer
from tests.property.test_extraction import (
    FLAGS,
    Folder,
    ImpossibleError,
    Step,
    apply,
    flatten,
    names_of,
    resolve,
    seen,
)
from tests.support.oci_images import extracted
from tests.support.trees import Node, snapshot

IS_ROOT: Final = os.geteuid() == 0
EVERYTHING: Final = ExtractionOptions(devices=IS_ROOT, same_owner=IS_ROOT, setuid=True)
STANDARD: Final = {"dev"} | {f"dev/{name}" for name in ("fd", "stderr", "stdin", "stdout")}
EPOCH_NOW: Final = 10**18  # nanoseconds: what no entry here says, and every new folder has


def tar_of(steps: "Sequence[Step | Rich]") -> bytes:
    return make_tar(*(step.blocks for step in steps))


def hide(root: Folder, prefix: str, own: set[str], *, itself: bool) -> None:
    """Remove what is at and below a path, but what this layer has."""
    for path in sorted(flatten(root), key=len, reverse=True):
        is_below = not prefix or path.startswith(f"{prefix}/")
        if path in own or path == "." or not (is_below or (itself and path == prefix)):
            continue
        *folders, name = path.split("/")
        folder = root
        for each in folders:
            below = folder.inside[each]
            assert isinstance(below, Folder)
            folder = below
        folder.drop(name)


def squash(layers: Sequence[Sequence[Step]]) -> Folder:
    """Do what all layers ask for."""
    root = Folder()
    for layer in layers:
        own: set[str] = set()
        for step in layer:
            asked = names_of(step.path)
            names = resolve(root, asked)
            if names != asked and any(name.startswith(".wh.") for name in names[:-1]):
                # A link leads to a marker.
                raise ImpossibleError
            if any(name.startswith(".wh.") for name in names[:-1]):
                continue
            if not names or not names[-1].startswith(".wh."):
                own |= {"/".join(names[:count]) for count in range(1, len(names) + 1)}
                path = "/".join(names) + ("/" if step.path.endswith("/") else "")
                apply(root, replace(step, path=path if names else "./"), follows=True)
                continue
            folder, hidden = "/".join(names[:-1]), names[-1][len(".wh.") :]
            if hidden == ".wh..opq":
                hide(root, folder, own, itself=False)
            elif hidden in {"", ".", ".."}:
                raise ImpossibleError
            else:
                hide(root, "/".join((*names[:-1], hidden)), own, itself=True)
    return root


def unpack_layers(layers: Sequence[bytes], target: Path, options: ExtractionOptions) -> bool:
    archives = [
        Archive(lambda tar=tar: Success(BytesIO(tar)), None, Below(b""), "layer")  # type: ignore[misc] # mypy cannot infer a lambda with a default
        for tar in layers
    ]
    return is_successful(extract_archives(archives, target, options=options))


def convert(layers: Sequence[MadeLayer]) -> bytes | None:
    with memory_quarantine() as quarantine:
        made = convert_to_aci(quarantine=quarantine)(extracted(make_image(*layers), quarantine))
        if not is_successful(made):
            return None
        return quarantine.open(made.unwrap().archive).unwrap().read()


def unpack_archive(archive: bytes, target: Path, options: ExtractionOptions) -> bool:
    selection = Selection(rootfs_only=True)
    opened = Archive(lambda: Success(BytesIO(archive)), None, selection)
    return is_successful(extract_archives([opened], target, options=options))


def steady(tree: dict[str, Node]) -> dict[str, Node]:
    """Return a tree but for the times of folders that no entry speaks of."""
    return {
        path: replace(node, mtime=0) if node.kind == "d" and node.mtime > EPOCH_NOW else node
        for path, node in tree.items()
    }


NAMES = ("a", "b", "a/b", "a/b/c", "b/a", "a/a", "b/a/b", "c", "a/c")
MARKERS = (
    ".wh.a", ".wh.b", "a/.wh.b", "a/.wh.a", "a/b/.wh.c", "b/.wh.a", ".wh..wh..opq",
    "a/.wh..wh..opq", "b/.wh..wh..opq", "a/b/.wh..wh..opq", "c/.wh.x", ".wh..wh.plnk/x", "a/.wh.c",
)  # fmt: skip
HOSTILE = (".wh.", "a/.wh..", "a/.wh...", "./", "b/")
entries = st.builds(
    Step,
    kind=st.sampled_from(("file", "file", "symlink", "hardlink", "hardlink", "folder", "fifo")),
    path=st.sampled_from(NAMES * 5),
    target=st.sampled_from((*NAMES * 2, "../x", "/", "/b", "../a/..", "./a//b/", "c/.wh.a")),
    mode=st.sampled_from((0o644, 0o755, 0o000, 0o4777, 0o2700, 0o1777)),
    content=st.binary(max_size=3),
)
markers = st.builds(
    Step,
    kind=st.just("file"),
    path=st.sampled_from(MARKERS * 6 + HOSTILE),
    target=st.just(""),
    mode=st.just(0o644),
    content=st.just(b""),
)
stacks = st.lists(st.lists(entries | entries | markers, max_size=7), min_size=1, max_size=4)


class TestLayers:
    @given(stacks)
    def test_three_readings_agree(self, layers: list[list[Step]]) -> None:
        try:
            wanted = flatten(squash(layers))
        except ImpossibleError:
            wanted = None
        tars = [tar_of(layer) for layer in layers]
        archive = convert([make_layer(tar, compression="none") for tar in tars])
        with tempfile.TemporaryDirectory() as name:
            first, second = Path(name, "layers"), Path(name, "archive")
            unpacked = unpack_layers(tars, first, ExtractionOptions())
            assert unpacked is (wanted is not None)
            assert (archive is not None) is unpacked
            if archive is None or wanted is None:
                assert not first.exists()
                return
            assert {path: seen(node) for path, node in snapshot(first).items()} == wanted
            assert unpack_archive(archive, second, ExtractionOptions())
            found = {path: seen(node) for path, node in snapshot(second).items()}
            assert {path: found[path] for path in found.keys() - STANDARD} == wanted
            assert found.keys() >= STANDARD

    @given(stacks, st.sampled_from(("gzip", "zstd")))
    def test_how_layers_travel_makes_no_difference(
        self, layers: list[list[Step]], compression: str
    ) -> None:
        tars = [tar_of(layer) for layer in layers]
        plain = convert([make_layer(tar, compression="none") for tar in tars])
        other = convert([make_layer(tar, compression=compression) for tar in tars])  # type: ignore[arg-type] # one of its words
        assert (plain is None) is (other is None)
        if plain is not None and other is not None:
            # The manifest names the digests of what travelled.
            assert plain[plain.index(b"rootfs/") :] == other[other.index(b"rootfs/") :]
            assert convert([make_layer(tar, compression="none") for tar in tars]) == plain


@dataclass(frozen=True, slots=True)
class Rich:
    """An entry with all that a header and its records can say."""

    kind: str
    path: str
    link: str
    mode: int
    owner: tuple[int, int]
    mtime: bytes
    attribute: bytes
    content: bytes
    minor: int

    @property
    def blocks(self) -> bytes:
        """The entry as it stands in a tar."""
        records = {b"path": self.path.encode(), b"mtime": self.mtime}
        records |= {b"uid": b"%d" % self.owner[0], b"gid": b"%d" % self.owner[1]}
        if self.kind in {"symlink", "hardlink"}:
            records[b"linkpath"] = self.link.encode()
        if self.attribute and self.kind in {"file", "folder"}:
            records[b"SCHILY.xattr.user.x"] = self.attribute
        return make_pax(records) + make_entry(
            b"x",
            self.content * 200 if self.kind == "file" else b"",
            type_flag={**FLAGS, "device": b"3"}[self.kind],
            mode=self.mode,
            device=(1, self.minor) if self.kind == "device" else (0, 0),
        )


rich_entries = st.builds(
    Rich,
    kind=st.sampled_from((*FLAGS, *(("device",) if IS_ROOT else ()))),
    path=st.sampled_from((*NAMES * 2, *MARKERS, "n" * 120)),
    link=st.sampled_from(NAMES),
    mode=st.sampled_from((0o644, 0o4755, 0o700, 0o1777)),
    owner=st.tuples(st.integers(0, 8**8), st.integers(0, 9))
    if IS_ROOT
    else st.just((os.getuid(), os.getgid())),
    mtime=st.sampled_from((b"0", b"-5", b"1.25", b"-0.5", b"999999999.999999999")),
    attribute=st.binary(max_size=3),
    content=st.binary(max_size=3),
    minor=st.integers(1, 9),
)
rich_layers = st.lists(st.lists(rich_entries, max_size=6), min_size=1, max_size=3)


class TestAttributes:
    """Owners, times to the nanosecond, attributes, devices: all are those of the layers."""

    @given(rich_layers)
    def test_the_archive_has_them(self, layers: list[list[Rich]]) -> None:
        tars = [tar_of(layer) for layer in layers]
        archive = convert([make_layer(tar, compression="none") for tar in tars])
        with tempfile.TemporaryDirectory() as name:
            first, second = Path(name, "layers"), Path(name, "archive")
            assert unpack_layers(tars, first, EVERYTHING) is (archive is not None)
            if archive is None:
                return
            assert unpack_archive(archive, second, EVERYTHING)
            found = steady(snapshot(second))
            for path in STANDARD:
                del found[path]
            wanted = steady(snapshot(first))
            assert found.pop(".").mode == wanted.pop(".").mode
            assert found == wanted

    @given(rich_layers)
    def test_without_devices(self, layers: list[list[Rich]]) -> None:
        """What a device took the place of does not come back where devices are left out."""
        tars = [tar_of(layer) for layer in layers]
        archive = convert([make_layer(tar, compression="none") for tar in tars])
        if archive is None:
            return
        with tempfile.TemporaryDirectory() as name:
            first, second = Path(name, "layers"), Path(name, "archive")
            if not unpack_layers(tars, first, ExtractionOptions()):
                return
            assert unpack_archive(archive, second, ExtractionOptions())
            found, wanted = snapshot(second), snapshot(first)
            assert found.keys() - STANDARD == wanted.keys()
