"""Layers as one tar: whiteouts, hard links, order, limits; OCI image-spec v1.1.0 ``layer.md``."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.archive import layering, squashed_tree, whiteouts
from pipeline.archive.reader import Entry, TarReader
from pipeline.archive.squash import SquashError, SquashLayer, plan_squash
from pipeline.archive.tar_writer import END_OF_ARCHIVE
from pipeline.errors import (
    ArchiveTooLarge,
    CorruptArchive,
    DiffIDMismatch,
    NotAnImage,
    StoreError,
    StoreUnavailable,
)
from pipeline.limits import DEFAULT_LIMITS, Limits
from pipeline.testing.archives import GNU_MAGIC, make_entry, make_pax, make_tar
from pipeline.testing.oci import digest_of, make_layer


def file(name: str, content: bytes = b"", mode: int = 0o644) -> bytes:
    return make_entry(name.encode(), content, mode=mode)


def folder(name: str, mode: int = 0o755) -> bytes:
    return make_entry(name.encode() + b"/", type_flag=b"5", mode=mode)


def hardlink(name: str, source: str) -> bytes:
    return make_entry(name.encode(), type_flag=b"1", link=source.encode())


def layer(*entries: bytes) -> SquashLayer:
    tar = make_tar(*entries)
    return SquashLayer(lambda: Success(io.BytesIO(tar)), digest_of(tar))


def tar_of(
    layers: Sequence[SquashLayer], limits: Limits = DEFAULT_LIMITS
) -> Result[bytes, SquashError]:
    """Return the tar that layers become, or the first failure."""
    planned = plan_squash(tuple(layers), limits)
    if not is_successful(planned):
        return Failure(planned.failure())
    made = b""
    for chunk in planned.unwrap().chunks(b"r"):
        if not is_successful(chunk):
            return Failure(chunk.failure())
        made += chunk.unwrap()
    return Success(made + END_OF_ARCHIVE)


def parts(tar: bytes) -> list[tuple[Entry, bytes]]:
    found: list[tuple[Entry, bytes]] = []
    for part in TarReader().feed(tar).unwrap():
        if isinstance(part, Entry):
            found.append((part, b""))
        else:
            entry, content = found.pop()
            found.append((entry, content + part))
    return found


def squash(*layers: SquashLayer) -> dict[str, str]:
    """Return what is left, in order: a file's content, ``/``, or where a link leads."""
    shown = {}
    for entry, content in parts(tar_of(layers).unwrap()):
        kind = {"file": content.decode(), "directory": "/"}
        links = {"hardlink": "=", "symlink": "->"}
        link = f"{links.get(entry.type, '')}{entry.untrusted_link.decode()}"
        shown[entry.path.decode()] = kind.get(entry.type, link)
    return shown


def refusal(*layers: SquashLayer) -> SquashError:
    return tar_of(layers).failure()


BASE = layer(folder("a"), file("a/x", b"x"), file("a/y", b"y"), folder("a/d"), file("a/d/z", b"z"))


@dataclass
class Counting:
    """A tree with ``a/b`` and a hundred files in it, all of the layer's, and something old."""

    looked_at: list[bytes] = field(default_factory=list)
    discarded: list[bytes] = field(default_factory=list)

    def names_in(self, folder: bytes) -> list[bytes]:
        """Return what is there."""
        self.looked_at.append(folder)
        files = [b"%d" % number for number in range(100)]
        return {b"": [b"a", b"old"], b"a": [b"b"], b"a/b": files}.get(folder, [])

    def discard(self, path: bytes) -> None:
        """Note what goes."""
        self.discarded.append(path)


class TestWhiteouts:
    def test_one_name(self) -> None:
        assert squash(BASE, layer(file("a/.wh.x"), file("a/.wh.d"))) == {
            "r": "/", "r/a": "/", "r/a/y": "y",
        }  # fmt: skip

    def test_everything_in_a_folder(self) -> None:
        """Wherever the marker stands, what the same layer has stays."""
        for entries in (
            (file("a/.wh..wh..opq"), file("a/n", b"n")),
            (file("a/n", b"n"), file("a/.wh..wh..opq")),
        ):
            assert squash(BASE, layer(*entries)) == {"r": "/", "r/a": "/", "r/a/n": "n"}

    def test_only_lower_layers(self) -> None:
        again = layer(file("a/x", b"new"), file("a/.wh.x"))
        assert squash(BASE, again)["r/a/x"] == "new"
        assert squash(BASE, layer(file("a/.wh.x")), layer(file("a/x", b"late")))["r/a/x"] == "late"

    def test_a_folder_of_which_the_layer_has_some(self) -> None:
        top = layer(file("a/d/n", b"n"), file("a/.wh.d"))
        assert squash(BASE, top)["r/a/d/n"] == "n"
        assert "r/a/d/z" not in squash(BASE, top)

    def test_nothing_is_there(self) -> None:
        assert squash(layer(file(".wh.x"), file("b/.wh.x"))) == {"r": "/"}

    @pytest.mark.parametrize("name", [".wh.", "a/.wh.", "a/.wh..", "a/.wh..."])
    def test_a_marker_that_names_nothing(self, name: str) -> None:
        assert isinstance(refusal(BASE, layer(file(name))), CorruptArchive)

    def test_markers_of_aufs(self) -> None:
        top = layer(folder(".wh..wh.plnk"), file(".wh..wh.plnk/1.2", b"x"), file(".wh..wh.aufs"))
        assert squash(top) == {"r": "/"}

    def test_many_markers_do_not_look_at_many_names_each(self) -> None:
        """What a layer has itself is gone through once, whatever asks for it how often."""
        tree = Counting()
        removing = whiteouts.Whiteouts(tree)
        for number in range(100):
            assert removing.take(b"a/b/%d" % number).unwrap() is False
        for path in (b".wh..wh..opq", b"a/.wh..wh..opq", b".wh.a", b"a/.wh.b", b"a/b/.wh..wh..opq"):
            for _ in range(100):
                assert removing.take(path).unwrap()
        assert len(tree.looked_at) == len({b"", b"a", b"a/b"}) + 100
        assert tree.discarded == [b"old"]

    def test_a_marker_through_a_link(self) -> None:
        lower = layer(file("d/x", b"x"), make_entry(b"l", type_flag=b"2", link=b"d"))
        assert squash(lower, layer(file("l/.wh.x"))) == {"r": "/", "r/d": "/", "r/l": "->d"}


class TestOverEachOther:
    def test_a_folder_over_a_folder_gives_it_attributes(self) -> None:
        tar = tar_of([BASE, layer(folder("a", 0o700))]).unwrap()
        modes = [int(each.block[100:107], 8) for each, _ in parts(tar) if each.path == b"r/a"]
        assert modes == [0o700]
        assert squash(BASE, layer(folder("a")))["r/a/x"] == "x"

    def test_anything_else_takes_the_place(self) -> None:
        for entry, shown in (
            (file("a", b"f"), "f"),
            (make_entry(b"a", type_flag=b"2", link=b"b"), "->b"),
            (make_entry(b"a", type_flag=b"6"), ""),
        ):
            assert squash(BASE, layer(entry)) == {"r": "/", "r/a": shown}
        assert squash(layer(file("a")), layer(folder("a"))) == {"r": "/", "r/a": "/"}

    def test_what_lies_on_the_way_becomes_a_folder(self) -> None:
        lower = layer(file("a"))
        assert squash(lower, layer(file("a/passwd", b"p"))) == {
            "r": "/", "r/a": "/", "r/a/passwd": "p",
        }  # fmt: skip

    def test_a_root_that_is_none(self) -> None:
        assert isinstance(refusal(layer(make_entry(b"./", type_flag=b"6"))), CorruptArchive)

    def test_a_path_twice_in_one_layer(self) -> None:
        assert squash(layer(file("a", b"1"), file("a", b"2"))) == {"r": "/", "r/a": "2"}


def symlink(name: str, target: str) -> bytes:
    return make_pax({b"path": name.encode(), b"linkpath": target.encode()}) + make_entry(
        b"x", type_flag=b"2"
    )


class TestLinksOnTheWay:
    """An entry's parents are what they are in the tree; the entry itself takes a link's place."""

    @pytest.mark.parametrize(
        ("target", "led"),
        [
            ("usr/lib", "r/usr/lib/x"), ("/usr/lib", "r/usr/lib/x"), ("usr//./lib/", "r/usr/lib/x"),
            ("../../usr/lib", "r/usr/lib/x"), ("usr/../usr/lib/../x", "r/usr/x/x"),
            ("gone/for/good", "r/gone/for/good/x"), ("/", "r/x"), ("..", "r/x"),
            ("gone/../usr", "r/usr/x"), ("usr/lib/file/../y", "r/usr/lib/y/x"),
        ],
    )  # fmt: skip
    def test_where_it_leads(self, target: str, led: str) -> None:
        lower = layer(
            file("usr/lib/file", b"f"), symlink("lib", target), symlink("opt/lib", f"../{target}"),
            symlink("opt/absolute", f"/{target}"),
        )  # fmt: skip
        upper = layer(file("lib/x", b"x"))
        found = squash(lower, upper)
        assert found[led] == "x"
        assert squash(lower, layer(file("opt/absolute/x", b"y")))[led] == "y"
        if not target.startswith("/"):
            assert squash(lower, layer(file("opt/lib/x", b"z")))[led] == "z"
        assert found["r/lib"] == f"->{target}"
        assert found["r/usr/lib/file"] == "f"

    def test_one_after_another(self) -> None:
        lower = layer(
            file("usr/lib64/a", b"a"), symlink("usr/lib", "lib64"), symlink("lib", "/usr/lib"),
            symlink("srv/deep", "../lib/sub"),
        )  # fmt: skip
        upper = layer(folder("srv/deep/d"), file("srv/deep/d/x", b"x"))
        found = squash(lower, upper)
        assert found["r/usr/lib64/sub/d/x"] == "x"
        assert found["r/usr/lib64/sub/d"] == "/"

    def test_in_one_layer(self) -> None:
        found = squash(layer(symlink("a", "b"), file("a/x", b"x")))
        assert found == {"r": "/", "r/a": "->b", "r/b": "/", "r/b/x": "x"}

    def test_only_as_it_is_then(self) -> None:
        """Neither a link that is made afterwards nor one that has gone leads anywhere."""
        found = squash(layer(file("a/x", b"x")), layer(symlink("a", "b"), file("a/y", b"y")))
        assert found == {"r": "/", "r/a": "->b", "r/b": "/", "r/b/y": "y"}
        gone = layer(file(".wh.a"), file("a/x", b"x"))
        assert squash(layer(symlink("a", "b")), gone) == {"r": "/", "r/a": "/", "r/a/x": "x"}

    def test_what_was_asked_for_before_says_nothing_of_what_is_there_now(self) -> None:
        link = symlink("other", "one")
        made = layer(link, file("a/x", b"x"), symlink("a", "b"), file("a/y", b"y"))
        assert squash(made).keys() == {"r", "r/other", "r/a", "r/b", "r/b/y"}
        gone = layer(symlink("a", "b"), file("a/x", b"x"), folder("a"), file("a/y", b"y"))
        assert squash(gone).keys() == {"r", "r/a", "r/a/y", "r/b", "r/b/x"}
        file_now = layer(symlink("a", "b"), file("a/x", b"x"), file("a"), file("a/y", b"y"))
        assert squash(file_now).keys() == {"r", "r/a", "r/a/y", "r/b", "r/b/x"}
        itself = layer(symlink("l", "d"), file("d/x"), file("l/y"), hardlink("l", "l/x"))
        assert isinstance(refusal(itself), CorruptArchive)

    def test_a_folder_takes_its_place(self) -> None:
        found = squash(layer(symlink("a", "b")), layer(folder("a"), file("a/x", b"x")))
        assert found == {"r": "/", "r/a": "/", "r/a/x": "x"}

    def test_over_what_is_there(self) -> None:
        lower = layer(file("d/x", b"old"), folder("d/s", 0o755), symlink("l", "d"))
        tar = tar_of([lower, layer(file("l/x", b"new"), folder("l/s", 0o700))]).unwrap()
        found = {each.path: (int(each.block[100:107], 8), text) for each, text in parts(tar)}
        assert found[b"r/d/x"][1] == b"new"
        assert found[b"r/d/s"][0] == 0o700

    def test_a_hard_link_to_a_link_leads_as_it_does(self) -> None:
        lower = layer(file("d/x", b"x"), symlink("l", "d"), hardlink("m", "l"))
        assert squash(lower, layer(file("m/y", b"y")))["r/d/y"] == "y"

    def test_both_ends_of_a_hard_link(self) -> None:
        lower = layer(file("d/x", b"x"), symlink("l", "d"))
        found = squash(lower, layer(hardlink("l/n", "l/x"), hardlink("o", "d/n")))
        assert (found["r/d/x"], found["r/d/n"], found["r/o"]) == ("x", "=r/d/x", "=r/d/x")

    def test_a_hard_link_in_the_place_of_the_link_to_its_end(self) -> None:
        lower = layer(file("d/x", b"x"), symlink("l", "d"))
        assert isinstance(refusal(lower, layer(hardlink("l", "l/x"))), CorruptArchive)

    @pytest.mark.parametrize("links", [1, 40, 41])
    def test_how_many_are_followed(self, links: int) -> None:
        lower = layer(*(symlink(f"l{at}", f"l{at + 1}") for at in range(links)))
        upper = layer(file("l0/x", b"x"))
        if links <= 40:
            assert squash(lower, upper)[f"r/l{links}/x"] == "x"
        else:
            assert isinstance(refusal(lower, upper), CorruptArchive)

    def test_how_many_names_are_looked_at(self) -> None:
        """A million entries, each behind links of thousands of names, must not take a day."""
        for names, fits in ((255, True), (256, False)):
            lower = layer(symlink("l", "/".join([".."] * names)))
            if fits:
                assert squash(lower, layer(file("l/x", b"x")))["r/x"] == "x"
            else:
                assert isinstance(refusal(lower, layer(file("l/x"))), ArchiveTooLarge)

    def test_a_path_that_gets_too_long(self) -> None:
        lower = layer(symlink("l", "/".join(["d" * 250] * 16)))
        assert isinstance(refusal(lower, layer(file("l/" + "x" * 90))), ArchiveTooLarge)

    def test_targets_count_as_paths_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(squashed_tree, "FOLDER_PATH_BYTES", 10)
        assert "r/aaaa" in squash(layer(symlink("aaaa", "bbbbbb")))
        assert isinstance(refusal(layer(symlink("aaaa", "bbbbbbb"))), ArchiveTooLarge)


class TestHardLinks:
    def test_in_one_layer_and_to_a_lower_one(self) -> None:
        found = squash(layer(file("b", b"c"), hardlink("a", "b")), layer(hardlink("d/c", "b")))
        assert found == {
            "r": "/", "r/d": "/", "r/b": "c", "r/a": "=r/b", "r/d/c": "=r/b",
        }  # fmt: skip

    def test_the_first_name_is_taken(self) -> None:
        """What is left of the names has the content."""
        lower = layer(file("a", b"old" * 400), hardlink("c", "a"), hardlink("b", "c"))
        for top in (layer(file("a", b"new")), layer(file(".wh.a"))):
            found = squash(lower, top)
            assert found["r/b"] == "old" * 400
            assert found["r/c"] == "=r/b"
            assert found.get("r/a") in {"new", None}

    def test_a_thousand_names_are_given_one_by_one(self) -> None:
        """A layer of nothing but names for one file is small, and must not be it in memory."""
        names = [hardlink(f"link{number}", "a") for number in range(1000)]
        planned = plan_squash((layer(file("a", b"data"), *names),), DEFAULT_LIMITS).unwrap()
        pieces = [piece.unwrap() for piece in planned.chunks(b"r")]
        assert max(map(len, pieces)) <= 512
        assert len(b"".join(pieces)) == 512 * (1 + 1 + 1 + 1000)

    def test_one_that_lost_all_names(self) -> None:
        lower = layer(file("a", b"old"), hardlink("b", "a"))
        assert squash(lower, layer(file(".wh.a"), file("b", b"new"))) == {"r": "/", "r/b": "new"}

    def test_links_to_links_and_nodes(self) -> None:
        lower = layer(make_entry(b"l", type_flag=b"2", link=b"x"), hardlink("m", "l"))
        assert squash(lower) == {"r": "/", "r/l": "->x", "r/m": "=r/l"}

    @pytest.mark.parametrize(
        ("name", "source"),
        [("n", "gone"), ("n", "a"), ("n", "a/x/y"), ("a/x", "a/x"), ("a", "a/x"), ("a/x/n", "a/x"),
         ("n", "."), ("n", "a/d/../x"), ("n", "/a/x"), ("n", "../a/x")],
    )  # fmt: skip
    def test_one_that_leads_nowhere(self, name: str, source: str) -> None:
        error = refusal(BASE, layer(hardlink(name, source)))
        assert isinstance(error, CorruptArchive | NotAnImage)

    def test_one_that_leads_through_a_link(self) -> None:
        lower = layer(file("d/x", b"x"), make_entry(b"l", type_flag=b"2", link=b"d"))
        assert squash(lower, layer(hardlink("n", "l/x")))["r/n"] == "=r/d/x"

    def test_one_that_is_removed_before(self) -> None:
        assert isinstance(
            refusal(BASE, layer(file("a/.wh.x"), hardlink("n", "a/x"))), CorruptArchive
        )


class TestBytes:
    def test_everything_that_entries_say(self) -> None:
        records = {
            b"mtime": b"1.25", b"uid": b"4000000", b"SCHILY.xattr.user.a": b"\0=",
            b"SCHILY.acl.access": b"user::rwx", b"comment": b"dropped", b"path": b"n" * 150,
        }  # fmt: skip
        device = make_entry(b"dev", type_flag=b"4", device=(8, 1), mode=0o660, owner=(1, 2))
        tar = tar_of([layer(make_pax(records), file("x", b"data", 0o6755), device)]).unwrap()
        (_, (plain, content), (node, _)) = parts(tar)
        assert (plain.path, content) == (b"r/" + b"n" * 150, b"data")
        assert plain.records == {
            key: value for key, value in records.items() if key not in {b"comment", b"path"}
        } | {b"path": b"r/" + b"n" * 150}
        assert int(plain.block[100:107], 8) == 0o6755
        assert node.type == "block-device"
        assert node.block[108:124] == b"0000001\x000000002\0"
        assert node.block[329:345] == b"0000010\x000000001\0"

    def test_gnu_and_pax_are_one(self) -> None:
        gnu = layer(make_entry(b"a", b"x", magic=GNU_MAGIC))
        assert tar_of([gnu]).unwrap() == tar_of([layer(file("a", b"x"))]).unwrap()

    @pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 5000])
    def test_data_of_any_size(self, size: int) -> None:
        tar = tar_of([layer(file("a", b"x" * size), hardlink("b", "a"), file("c", b"y"))]).unwrap()
        assert len(tar) % 512 == 0
        assert [content for entry, content in parts(tar) if entry.type == "file"] == [
            b"x" * size,
            b"y",
        ]

    def test_a_layer_without_an_end(self) -> None:
        """umoci inserts such ones; that nothing is missing, its digest tells."""
        for tar in (make_tar(file("a", b"x"), end=b"")[:-511], make_tar(file("a", b"x"), end=b"")):
            whole = SquashLayer(lambda tar=tar: Success(io.BytesIO(tar)), digest_of(tar))  # type: ignore[misc] # mypy cannot infer a lambda with a default
            assert squash(whole, layer(file("b"))) == {"r": "/", "r/a": "x", "r/b": ""}

    def test_an_empty_layer(self) -> None:
        assert squash(layer(), BASE, layer()) == squash(BASE)
        assert squash() == {"r": "/"}


@dataclass(slots=True)
class Changing:
    """A file that is another each time it is opened."""

    contents: list[bytes] = field(default_factory=list)

    def open(self) -> Result[BinaryIO, StoreError]:
        return Success(io.BytesIO(self.contents.pop(0)))


class Breaking(io.BytesIO):
    """A file that cannot be read."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError(5, "Input/output error")


class TestRefusals:
    def test_a_layer_that_is_another(self) -> None:
        other = SquashLayer(BASE.open, digest_of(b"other"))
        assert refusal(BASE, other) == DiffIDMismatch(2, digest_of(b"other"), BASE.diff_id)

    def test_a_layer_that_changes_between_the_passes(self) -> None:
        first, second = make_tar(file("a", b"1")), make_tar(file("a", b"2"))
        changing = SquashLayer(Changing([first, second]).open, digest_of(first))
        error = refusal(changing)
        assert error == DiffIDMismatch(1, digest_of(first), digest_of(second))

    def test_a_layer_that_cannot_be_opened_or_read(self) -> None:
        gone = StoreUnavailable("blob", "read", "gone")
        for opened, reason in (
            (Failure(gone), "gone"),
            (Success(Breaking()), "Input/output error"),
        ):
            closed = SquashLayer(lambda opened=opened: opened, digest_of(b""))  # type: ignore[misc] # mypy cannot infer a lambda with a default
            error = refusal(BASE, closed)
            assert isinstance(error, StoreUnavailable)
            assert error.reason == reason

    @pytest.mark.parametrize(
        "tar",
        [
            make_tar(file("a", b"x" * 600), end=b"")[:-500],
            make_tar(file("a"), end=b"")[:-1],
            make_tar(file("a"), end=bytes(512)),
            make_tar(make_pax({b"mtime": b"1"}), end=b""),
            make_tar(make_pax({b"mtime": b"1"}, type_flag=b"g"), end=b"")[:-1],
            make_tar(make_entry(b"../a")),
            make_tar(make_entry(b"/a")),
            make_tar(make_entry(b"a", type_flag=b"S")),
            make_tar(make_entry(b"a", type_flag=b"2")),
            make_tar(make_pax({b"linkpath": b"a\0b"}), make_entry(b"a", type_flag=b"2")),
            make_tar(make_pax({b"size": b"9"}), file("a", b"x")),
            make_tar(make_pax({b"uid": b"x"}), file("a")),
            make_layer(make_tar(file("a"))).content[:-3],
            b"PK\3\4",
        ],
    )
    def test_tars_that_are_none(self, tar: bytes) -> None:
        hostile = SquashLayer(lambda: Success(io.BytesIO(tar)), digest_of(tar))
        error = refusal(BASE, hostile)
        assert isinstance(error, CorruptArchive | NotAnImage), error


class TestLimits:
    def test_bytes_of_all_layers(self) -> None:
        size = 2 * len(BASE.open().unwrap().read())
        assert is_successful(tar_of([BASE, BASE], Limits(archive_bytes=size)))
        error = tar_of([BASE, BASE], Limits(archive_bytes=size - 1)).failure()
        assert error == ArchiveTooLarge("bytes", size - 1)

    def test_entries_of_all_layers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What makes nothing is counted, too: folders that are there, and markers."""
        monkeypatch.setattr(layering, "ARCHIVE_ENTRIES", 5)
        again = layer(folder("a"), file(".wh.gone"))
        assert is_successful(tar_of([again, again, layer(folder("a"))]))
        assert refusal(again, again, again) == ArchiveTooLarge("entries", 5)

    def test_a_bomb(self) -> None:
        bomb = make_layer(make_tar(file("a", bytes(70 * 2**20))))
        packed = SquashLayer(lambda: Success(io.BytesIO(bomb.content)), bomb.diff_id)
        assert isinstance(refusal(packed), ArchiveTooLarge)

    def test_files_and_folders(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of all layers, and those that one entry stands for."""
        monkeypatch.setattr(squashed_tree, "ARCHIVE_ENTRIES", 5)
        assert squash(layer(file("a/b/c")), layer(file("d"), file("e")))
        for top in (layer(file("d"), file("e"), file("f")), layer(file("a/d/e/f"))):
            error = refusal(layer(file("a/b/c")), top)
            assert error == ArchiveTooLarge("files and folders", 5)
        linked = layer(file("a/b/c"), file("d"), file("e"), hardlink("f", "e"))
        assert refusal(linked) == ArchiveTooLarge("files and folders", 5)

    def test_bytes_of_paths(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(squashed_tree, "FOLDER_PATH_BYTES", 10)
        assert squash(layer(file("a" * 10)))
        for entries in ((file("a" * 11),), (file("a" * 9), hardlink("bb", "a" * 9))):
            assert refusal(layer(*entries)) == ArchiveTooLarge("bytes in its paths", 10)
        monkeypatch.setattr(whiteouts, "FOLDER_PATH_BYTES", 3)
        assert refusal(layer(file("abcd"))) == ArchiveTooLarge("bytes in a layer's paths", 3)

    def test_one_path(self) -> None:
        """It fits still when it lies below rootfs."""
        most = 4096 - len("rootfs//")
        for name, is_right in (("a/" * 255 + "b", False), ("a/" * 254 + "b", True)):
            tar = layer(make_pax({b"path": name.encode()}), file("x"))
            assert is_successful(tar_of([tar])) is is_right
        for length, is_right in ((most, True), (most + 1, False)):
            tar = layer(make_pax({b"path": b"a" * length}), file("x"))
            assert is_successful(tar_of([tar])) is is_right
