"""Any sequence of entries, hostile ones above all, leaves the tree that a model in memory leaves.

The model knows folders, files and links as objects, and nothing of descriptors, renames or the
operating system. A canary beside the target must never change.
"""

import posixpath
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Final

from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful
from returns.result import Result, Success

from pipeline.adapters.output import Archive, ExtractionReport, WriteError, extract_archives
from pipeline.archive.selection import Selection
from pipeline.limits import LINKS_FOLLOWED
from pipeline.testing.archives import make_entry, make_pax, make_tar
from tests.support.trees import Node, Place, make_place

SETUID: Final = 0o6000
FLAGS: Final = {"file": b"0", "hardlink": b"1", "symlink": b"2", "folder": b"5", "fifo": b"6"}


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of an archive."""

    kind: str
    path: str
    target: str
    mode: int
    content: bytes

    @property
    def blocks(self) -> bytes:
        """The entry as it stands in a tar."""
        pax = make_pax({b"path": self.path.encode(), b"linkpath": self.target.encode() or b"-"})
        content = self.content if self.kind == "file" else b""
        return pax + make_entry(b"x", content, type_flag=FLAGS[self.kind], mode=self.mode)


@dataclass(eq=False, slots=True)
class Leaf:
    """What is no folder; two names for one file are one object."""

    kind: str
    mode: int
    content: bytes


@dataclass(eq=False, slots=True)
class Folder:
    """Names and what they are."""

    mode: int = 0o755
    inside: "dict[str, Leaf | Folder]" = field(default_factory=dict)

    def drop(self, name: str) -> None:
        """Remove a name and, of a folder, all that is in it."""
        gone = self.inside.pop(name)
        if isinstance(gone, Folder):
            for below in tuple(gone.inside):
                gone.drop(below)


class ImpossibleError(Exception):
    """The archive must be refused."""


def apply(root: Folder, step: Step, *, follows: bool) -> None:
    """Do what one entry asks for; a layer's path ``follows`` links, an image's does not."""
    if step.kind == "file" and step.path.endswith("/"):
        # How archives older than POSIX mark a folder.
        if step.content:
            raise ImpossibleError
        step = replace(step, kind="folder")
    source = names_of(step.target) if step.kind == "hardlink" else []
    names = resolve(root, names_of(step.path)) if follows else names_of(step.path)
    if not names:
        if step.kind != "folder":
            raise ImpossibleError
        root.mode = step.mode & ~SETUID
        return
    parent = walk(root, names[:-1], makes=True)
    name = names[-1]
    there = parent.inside.get(name)
    if step.kind == "folder":
        if not isinstance(there, Folder):
            if there is not None:
                parent.drop(name)
            there = parent.inside[name] = Folder()
        there.mode = step.mode & ~SETUID
        return
    if there is not None:
        parent.drop(name)
    if step.kind == "hardlink":
        end = resolve(root, source) if follows else source
        parent.inside[name] = linked(walk(root, end[:-1], makes=False), end)
        return
    parent.inside[name] = Leaf(
        {"symlink": "l", "fifo": "p"}.get(step.kind, "-"),
        0o777 if step.kind == "symlink" else step.mode & ~SETUID,
        {"file": step.content, "symlink": step.target.encode()}.get(step.kind, b""),
    )


def resolve(root: Folder, names: list[str]) -> list[str]:
    """Follow the links on the way of a path, as text, in a list of all the links that there are."""
    links = {f"/{path}": node[2].decode() for path, node in flatten(root).items() if node[0] == "l"}
    at, rest, followed = "/", "/".join(names[:-1]), 0
    while rest:
        name, _, rest = rest.partition("/")
        here = posixpath.normpath(posixpath.join(at, name))
        if here not in links:
            at = here
            continue
        followed += 1
        if followed > LINKS_FOLLOWED:
            raise ImpossibleError
        rest = f"{links[here]}/{rest}"
        at = "/" if rest.startswith("/") else at
    return [*names_of(at[1:]), *names[-1:]]


def linked(folder: Folder, source: list[str]) -> Leaf:
    """Return what a hard link leads to."""
    found = folder.inside.get(source[-1]) if source else None
    if not isinstance(found, Leaf):
        raise ImpossibleError
    return found


def walk(root: Folder, names: list[str], *, makes: bool) -> Folder:
    """Find a folder; anything else on the way is replaced, or is the end of it."""
    folder = root
    for name in names:
        below = folder.inside.get(name)
        if not isinstance(below, Folder):
            if not makes:
                raise ImpossibleError
            below = folder.inside[name] = Folder()
        folder = below
    return folder


def names_of(path: str) -> list[str]:
    """Take a path apart."""
    names = path.split("/")
    if path.startswith("/") or ".." in names or "\0" in path:
        raise ImpossibleError
    return [name for name in names if name not in {"", "."}]


def flatten(model: Folder) -> dict[str, tuple[str, int, bytes, int]]:
    """Return what a model would look like on disk: kind, mode, content and number of links."""
    counts: dict[int, int] = {}
    found: dict[str, Leaf | Folder] = {}

    def visit(folder: Folder, at: str) -> None:
        for name, node in folder.inside.items():
            found[at + name] = node
            counts[id(node)] = counts.get(id(node), 0) + 1
            if isinstance(node, Folder):
                visit(node, f"{at}{name}/")

    visit(model, "")
    return {".": ("d", model.mode, b"", 1)} | {
        path: ("d", node.mode, b"", 1)
        if isinstance(node, Folder)
        else (node.kind, node.mode, node.content, counts[id(node)])
        for path, node in found.items()
    }


def seen(node: Node) -> tuple[str, int, bytes, int]:
    """Return what a model knows of a file on disk."""
    return (node.kind, node.mode, node.content, node.links)


NAMES = ("a", "b", "a/b", "a/b/c", "b/a", "a/a", "b/a/b/a", "c")
HOSTILE = ("../canary/run", "a/../../canary/etc/passwd", "/tmp/x", "..", "a\0b", "./", "a//b", "b/")
TARGETS = (
    "a", "b", "a/b", "b/a", "c", ".", "..", "../..", "/", "../../canary", "../../canary/run",
    "../../canary/to/passwd", "/proc/self/cwd", "a/../..", "x" * 300, "../tree/a",
)  # fmt: skip
steps = st.builds(
    Step,
    kind=st.sampled_from(("file", "symlink", "hardlink", "folder", "file", "symlink", "fifo")),
    path=st.sampled_from(NAMES * 6 + HOSTILE),
    target=st.sampled_from(TARGETS + NAMES * 2),
    mode=st.sampled_from((0o644, 0o755, 0o000, 0o4777, 0o2700, 0o1777, 0o111)),
    content=st.binary(max_size=3),
)


class TestExtraction:
    """Every entry becomes what it says, in the tree, or the whole archive is refused."""

    @given(st.lists(steps, max_size=12))
    def test_a_layers_tree_is_the_models_and_nothing_else_changes(self, layer: list[Step]) -> None:
        tar = make_tar(*(step.blocks for step in layer))
        compare(layer, lambda place: place.unpack(tar), follows=True)

    @given(st.lists(steps.filter(lambda step: step.path not in {"./", "/tmp/x"}), max_size=9))
    def test_the_tree_of_images_over_each_other_is_the_models(self, images: list[Step]) -> None:
        """Each of one entry, as no path may be there twice."""
        tars = [
            make_tar(
                make_entry(b"manifest", b"{}"),
                make_entry(b"rootfs/", type_flag=b"5", mode=0o755),
                replace(
                    step,
                    path=f"rootfs/{step.path}",
                    target=f"rootfs/{step.target}" if step.kind == "hardlink" else step.target,
                ).blocks,
            )
            for step in images
        ]
        archives = [
            Archive(lambda tar=tar: Success(BytesIO(tar)), None, Selection(rootfs_only=True))  # type: ignore[misc] # mypy cannot infer a lambda with a default
            for tar in tars
        ]
        compare(
            images,
            lambda place: place.watch(lambda: extract_archives(archives, place.target)),
            follows=False,
        )


def compare(
    steps: list[Step],
    unpack: Callable[[Place], Result[ExtractionReport, WriteError]],
    *,
    follows: bool,
) -> None:
    """Unpack somewhere, and compare with what the model has."""
    model = Folder()
    try:
        for step in steps:
            apply(model, step, follows=follows)
    except ImpossibleError:
        is_possible = False
    else:
        is_possible = True
    with tempfile.TemporaryDirectory() as name:
        place = make_place(Path(name))
        # It looks after the canary, and after what is left beside the target.
        outcome = unpack(place)
        if not is_possible:
            assert not is_successful(outcome)
            assert not place.target.exists()
        else:
            assert is_successful(outcome)
            found = {path: seen(node) for path, node in place.tree().items()}
            assert found == flatten(model)
