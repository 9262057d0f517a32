"""Archives made to write, link or change something outside; each is an attack that worked once.

Whatever happens, what stands beside the target stays as it is, and a refusal leaves nothing:
:class:`~tests.support.trees.Place` looks after every single one.
"""

import gzip
import io
import os
from functools import partial
from pathlib import Path

import pytest
from returns.pipeline import is_successful
from returns.result import Result, Success

from pipeline.adapters.output import (
    ExtractionOptions,
    ExtractionReport,
    WriteError,
    extract_archives,
    tree,
)
from pipeline.adapters.output.reading import Archive
from pipeline.archive import layering, reader
from pipeline.archive.selection import Selection
from pipeline.errors import ArchiveTooLarge, CorruptArchive, NotAnImage, OutputExists
from pipeline.limits import ARCHIVE_PATH_SEGMENTS, DECOMPRESSION_RATIO, Limits
from pipeline.testing.archives import make_entry, make_header, make_pax, make_tar
from tests.support.trees import Place

MANIFEST = make_entry(b"manifest", b"{}")


def folder(name: bytes, mode: int = 0o755) -> bytes:
    return make_pax({b"path": name}) + make_entry(b"x", type_flag=b"5", mode=mode)


def symlink(name: bytes, target: bytes) -> bytes:
    return make_pax({b"path": name, b"linkpath": target}) + make_entry(b"x", type_flag=b"2")


def hardlink(name: bytes, target: bytes) -> bytes:
    return make_pax({b"path": name, b"linkpath": target}) + make_entry(b"x", type_flag=b"1")


def unpack_images(place: Place, *entries: bytes) -> Result[ExtractionReport, WriteError]:
    """Unpack images over each other, of one entry each, whose paths are below ``rootfs/``."""
    tars = [make_tar(MANIFEST, folder(b"rootfs"), entry) for entry in entries]
    archives = [
        Archive(lambda tar=tar: Success(io.BytesIO(tar)), None, Selection(rootfs_only=True))  # type: ignore[misc] # mypy cannot infer a lambda with a default
        for tar in tars
    ]
    return place.watch(lambda: extract_archives(archives, place.target))


class TestPaths:
    """Threat 13: a path leads to a place in the tree, or the archive is refused."""

    @pytest.mark.parametrize(
        "name",
        [
            b"../canary/new",
            b"a/../../canary/new",
            b"/tmp/new",
            b"//new",
            b"..",
            b"a/..",
            b"./../new",
        ],
    )
    @pytest.mark.parametrize("how", ["header", "pax", "gnu"])
    def test_a_path_that_leads_out(self, place: Place, name: bytes, how: str) -> None:
        entry = {
            "header": make_entry(name, b"x"),
            "pax": make_pax({b"path": name}) + make_entry(b"a", b"x"),
            "gnu": make_entry(b"././@LongLink", name + b"\0", type_flag=b"L")
            + make_entry(b"a", b"x"),
        }[how]
        assert isinstance(place.refusal(make_tar(entry)), NotAnImage)

    def test_a_nul_in_a_path(self, place: Place) -> None:
        """Some programs stop at it, and see another path than others."""
        pax = make_pax({b"path": b"a\0/../../canary/new"})
        assert isinstance(place.refusal(make_tar(pax, make_entry(b"a", b"x"))), NotAnImage)

    def test_a_nul_in_a_link(self, place: Place) -> None:
        assert isinstance(place.refusal(make_tar(symlink(b"a", b"b\0c"))), CorruptArchive)
        assert isinstance(place.refusal(make_tar(hardlink(b"a", b"b\0c"))), NotAnImage)

    @pytest.mark.parametrize("type_flag", [b"0", b"1", b"2", b"6"])
    def test_a_root_that_is_no_folder(self, place: Place, type_flag: bytes) -> None:
        entry = make_entry(b".", type_flag=type_flag, link=b"a")
        assert isinstance(place.refusal(make_tar(make_entry(b"a"), entry)), CorruptArchive)

    def test_a_symbolic_link_to_nowhere_at_all(self, place: Place) -> None:
        entry = make_entry(b"a", type_flag=b"2")
        assert isinstance(place.refusal(make_tar(entry)), CorruptArchive)


class TestSymbolicLinks:
    """Threat 13: links are made as they stand. No image's is followed, a layer's in the tree."""

    @pytest.mark.parametrize("target", [b"../../canary", b"/", b".", b"../..", b"b"])
    def test_a_parent_that_is_an_images_link_is_replaced_by_a_folder(
        self, place: Place, target: bytes
    ) -> None:
        target = os.fsencode(place.canary) if target == b"/" else target
        link, file = symlink(b"rootfs/a", target), make_entry(b"rootfs/a/run", b"evil")
        assert is_successful(unpack_images(place, link, file))
        found = place.tree()
        assert found["a"].kind == "d"
        assert found["a/run"].content == b"evil"

    @pytest.mark.parametrize(
        ("target", "led"),
        [
            (b"../../canary", "canary/run"), (b"/canary", "canary/run"), (b".", "run"),
            (b"../..", "run"), (b"b", "b/run"), (b"/", "run"), (b"//c/./d//", "c/d/run"),
        ],
    )  # fmt: skip
    def test_a_parent_that_is_a_layers_link_leads_into_the_tree(
        self, place: Place, target: bytes, led: str
    ) -> None:
        tar = make_tar(symlink(b"a", target), make_entry(b"a/run", b"evil"))
        assert is_successful(place.unpack(tar))
        found = place.tree()
        assert found["a"].kind == "l"
        assert found[led].content == b"evil"

    def test_a_layers_link_to_what_the_machine_has(self, place: Place) -> None:
        tar = make_tar(symlink(b"a", os.fsencode(place.canary)), make_entry(b"a/run", b"evil"))
        assert is_successful(place.unpack(tar))
        assert place.tree()[f"{place.canary}/run"[1:]].content == b"evil"

    @pytest.mark.parametrize(
        "links",
        [[(b"a", b"a")], [(b"a", b"b/x"), (b"b", b"a")], [(b"a", b"../a/../a")]],
    )
    def test_links_in_a_circle(self, place: Place, links: list[tuple[bytes, bytes]]) -> None:
        entries = [symlink(*link) for link in links]
        for last in (
            make_entry(b"a/run", b"evil"), make_entry(b"a/.wh.run"), hardlink(b"c", b"a/run"),
        ):  # fmt: skip
            assert isinstance(place.refusal(make_tar(*entries, last)), CorruptArchive)

    def test_a_file_over_a_link_replaces_the_link(self, place: Place) -> None:
        tar = make_tar(symlink(b"a", b"../../canary/run"), make_entry(b"a", b"evil"))
        assert is_successful(place.unpack(tar))
        assert place.tree()["a"].content == b"evil"

    def test_a_folder_over_a_link_to_a_folder_replaces_the_link(self, place: Place) -> None:
        """Otherwise the mode and the time of the link's end would be set (CVE-2021-32760)."""
        tar = make_tar(symlink(b"a", b"../../canary/etc"), folder(b"a", 0o777))
        assert is_successful(place.unpack(tar))
        assert place.tree()["a"].kind == "d"

    @pytest.mark.parametrize("type_flag", [b"0", b"5", b"6"])
    def test_no_mode_is_set_through_a_link(self, place: Place, type_flag: bytes) -> None:
        """Threat 16, whatever is put over the link."""
        tar = make_tar(
            symlink(b"a", b"../../canary/run"),
            make_entry(b"a", type_flag=type_flag, mode=0o4777, mtime=5),
            symlink(b"b", b"../../canary/run"),
        )
        assert is_successful(place.unpack(tar))

    def test_the_modes_and_times_at_the_end_go_to_folders_alone(self, place: Place) -> None:
        """A folder that becomes a link later must not be remembered as a folder."""
        tar = make_tar(folder(b"a", 0o700), folder(b"a/etc", 0o700), symlink(b"a", b"../../canary"))
        assert is_successful(place.unpack(tar))
        assert place.tree()["a"].kind == "l"

    def test_what_was_a_folder_once_does_not_mark_its_successor(self, place: Place) -> None:
        file = make_entry(b"rootfs/a/b/c", b"y", mode=0o600)
        link = symlink(b"rootfs/a", b"x")
        assert is_successful(unpack_images(place, folder(b"rootfs/a/b", 0o700), link, file))
        assert place.tree()["a/b"].mode == 0o755

    def test_links_longer_than_any_path(self, place: Place) -> None:
        """CVE-2025-4517: a chain of links beyond PATH_MAX, which text comparison gives up on."""
        for steps, fits in ((b"abcdefghijklmno", True), (b"abcdefghijklmnop", False)):
            entries = self.chain(steps)
            through = make_tar(*entries, hardlink(b"flag", b"escape/etc/passwd"))
            over = make_tar(*entries, make_entry(b"escape/run", b"evil"))
            if fits:
                assert isinstance(place.refusal(through), CorruptArchive)
                assert is_successful(place.unpack(over))
                assert place.tree()["canary/run"].content == b"evil"
                place.target.rename(place.folder / "before")
            else:
                assert isinstance(place.refusal(through), ArchiveTooLarge)
                assert isinstance(place.refusal(over), ArchiveTooLarge)

    def chain(self, steps: bytes) -> list[bytes]:
        """Make links to long names below each other, and one at their end that leads far up."""
        entries, at = [], b""
        for step in steps:
            long = b"d" * 247
            entries.append(folder(at + long))
            entries.append(symlink(at + bytes([step]), long))
            at += bytes([step]) + b"/"
        entries.append(symlink(at + b"l" * 254, b"../" * 17))
        entries.append(symlink(b"escape", at + b"l" * 254 + b"/../canary"))
        return entries

    def test_a_link_in_the_middle_of_a_deep_path(self, place: Place) -> None:
        tar = make_tar(
            make_entry(b"a/b/c/d", b"1"),
            symlink(b"a/b", b"../../../canary"),
            make_entry(b"a/b/c/d", b"2"),
            make_entry(b"a/b/etc/passwd", b"evil"),
        )
        assert is_successful(place.unpack(tar))
        found = place.tree()
        assert found["a/b"].kind == "l"
        assert (found["canary/c/d"].content, found["canary/etc/passwd"].content) == (b"2", b"evil")
        images = [
            make_entry(b"rootfs/a/b/c/d", b"1"),
            symlink(b"rootfs/a/b", b"../../../canary"),
            make_entry(b"rootfs/a/b/etc/passwd", b"evil"),
        ]
        place.target.rename(place.folder / "before")
        assert is_successful(unpack_images(place, *images))
        assert place.tree()["a/b/etc/passwd"].content == b"evil"

    def test_a_target_that_is_a_link(self, place: Place) -> None:
        """The link at the target's name is what is replaced, not where it leads."""
        place.target.symlink_to(place.canary)
        tar = make_tar(make_entry(b"run", b"evil"))
        assert isinstance(place.unpack(tar).failure(), OutputExists)
        assert is_successful(place.unpack(tar, overwrite=True))
        assert not place.target.is_symlink()


class TestHardLinks:
    """Threat 13: the other end of a hard link is a file in the tree, and is never written to."""

    @pytest.mark.parametrize("target", [b"../canary/run", b"/etc/passwd", b"..", b""])
    def test_a_source_that_leads_out(self, place: Place, target: bytes) -> None:
        entry = make_entry(b"a", type_flag=b"1", link=target)
        assert isinstance(place.refusal(make_tar(entry)), NotAnImage)

    def test_a_source_through_a_link(self, place: Place) -> None:
        tar = make_tar(symlink(b"to", b"../../canary"), hardlink(b"a", b"to/run"))
        assert isinstance(place.refusal(tar), CorruptArchive)

    def test_an_images_source_through_a_link(self, place: Place) -> None:
        """It is not followed, whatever is there."""
        file, link = make_entry(b"rootfs/d/x", b"x"), symlink(b"rootfs/to", b"d")
        outcome = unpack_images(place, file, link, hardlink(b"rootfs/a", b"rootfs/to/x"))
        assert isinstance(outcome.failure(), CorruptArchive)

    def test_a_source_that_is_a_link_is_linked_to_itself(self, place: Place) -> None:
        """``linkat`` without AT_SYMLINK_FOLLOW; afterwards neither name leads to a file of ours."""
        tar = make_tar(
            symlink(b"to", b"../../canary/run"), hardlink(b"a", b"to"), make_entry(b"a", b"evil")
        )
        assert is_successful(place.unpack(tar))
        assert place.tree()["to"].kind == "l"
        assert place.tree()["a"].content == b"evil"

    def test_a_second_name_of_a_link(self, place: Place) -> None:
        """The end of the link must not get another name: the canary's files count their names."""
        tar = make_tar(symlink(b"to", b"../../canary/run"), hardlink(b"a", b"to"))
        assert is_successful(place.unpack(tar))
        assert (place.tree()["a"].kind, place.tree()["a"].links) == ("l", 2)

    @pytest.mark.parametrize("source", [b"gone", b"gone/x", b"file/x", b"folder", b".", b"a"])
    def test_a_source_that_is_no_file(self, place: Place, source: bytes) -> None:
        tar = make_tar(make_entry(b"file", b"x"), folder(b"folder"), hardlink(b"a", source))
        assert isinstance(place.refusal(tar), CorruptArchive)

    def test_a_link_that_would_replace_what_it_leads_to(self, place: Place) -> None:
        for source, name in ((b"a/b", b"a"), (b"a", b"a"), (b"a", b"a/b")):
            tar = make_tar(make_entry(source, b"x"), hardlink(name, source))
            assert isinstance(place.refusal(tar), CorruptArchive)

    def test_a_file_over_one_of_two_names_leaves_the_other(self, place: Place) -> None:
        tar = make_tar(
            make_entry(b"a", b"first"), hardlink(b"b", b"a"), make_entry(b"b", b"second")
        )
        assert is_successful(place.unpack(tar))
        assert place.tree()["a"].content == b"first"


class TestNodes:
    """Device nodes only when they are asked for."""

    @pytest.mark.parametrize("type_flag", [b"3", b"4"])
    def test_a_device_is_left_out_and_reported(self, place: Place, type_flag: bytes) -> None:
        tar = make_tar(make_entry(b"dev/disk", type_flag=type_flag, device=(8, 0)))
        (left_out,) = place.unpack(tar).unwrap().left_out
        assert (left_out.what, left_out.count, left_out.first) == ("device nodes", 1, b"dev/disk")
        assert set(place.tree()) == {".", "dev"}

    def test_what_a_device_replaces_goes_with_it(self, place: Place) -> None:
        """What is below a device is not what the image has there."""
        device = make_entry(b"a/b", type_flag=b"3", device=(1, 3))
        tar = make_tar(make_entry(b"a/b", b"old"), device)
        assert is_successful(place.unpack(tar))
        assert set(place.tree()) == {".", "a"}
        place.target.joinpath("a").rmdir()
        place.target.rmdir()
        assert is_successful(place.unpack(make_tar(make_entry(b"a", b"old"), device)))
        assert set(place.tree()) == {".", "a"}
        assert place.tree()["a"].kind == "d"
        root = make_entry(b"./", type_flag=b"3", device=(1, 3))
        place.target.joinpath("a").rmdir()
        place.target.rmdir()
        assert isinstance(place.refusal(make_tar(root)), CorruptArchive)

    def test_a_hard_link_to_a_device_that_was_left_out(self, place: Place) -> None:
        tar = make_tar(make_entry(b"a", type_flag=b"3", device=(1, 3)), hardlink(b"b", b"a"))
        assert isinstance(place.refusal(tar), CorruptArchive)

    @pytest.mark.skipif(os.geteuid() != 0, reason="device nodes need root")
    def test_a_device_that_was_asked_for(self, place: Place) -> None:
        tar = make_tar(make_entry(b"null", type_flag=b"3", device=(1, 3), mode=0o666, mtime=7))
        assert is_successful(place.unpack(tar, options=ExtractionOptions(devices=True)))
        node = place.tree()["null"]
        assert (node.kind, node.device, node.mode) == ("c", os.makedev(1, 3), 0o666)
        assert node.mtime == 7 * 10**9


class TestTwoReaders:
    """Threat 15: what was scanned is what is unpacked; sizes that disagree are refused."""

    def test_a_pax_size_that_hides_an_entry(self, place: Place) -> None:
        inner = make_entry(b"evil", b"x")
        for said, held in ((len(inner), 0), (0, len(inner))):
            tar = make_tar(make_pax({b"size": b"%d" % said}), make_header(b"a", held), inner)
            assert isinstance(place.refusal(tar), CorruptArchive)

    def test_a_path_twice_in_an_image(self, place: Place) -> None:
        tar = make_tar(
            MANIFEST, symlink(b"rootfs/a", b"/etc"), make_entry(b"rootfs/a/b", b"x"),
            make_entry(b"rootfs//a", b"y"),
        )  # fmt: skip
        assert isinstance(place.refusal(tar, layer=False), NotAnImage)

    def test_an_archive_without_an_end(self, place: Place) -> None:
        tar = make_tar(MANIFEST, make_entry(b"rootfs/a", b"x" * 600))
        for length in (512, 1024, 2000, len(tar) - 1024, len(tar) - 1):
            assert isinstance(place.refusal(tar[:length], layer=False), CorruptArchive)

    @pytest.mark.parametrize(
        ("first", "second"), [(a, b) for a in b"0256" for b in b"0256" if a != b]
    )
    def test_one_path_as_one_type_and_then_another(
        self, place: Place, first: int, second: int
    ) -> None:
        kinds = {ord("0"): "-", ord("2"): "l", ord("5"): "d", ord("6"): "p"}
        tar = make_tar(
            *(
                make_entry(b"a", type_flag=bytes([flag]), link=b"../../canary/etc")
                if flag == ord("2")
                else make_entry(b"a", type_flag=bytes([flag]))
                for flag in (first, second)
            )
        )
        assert is_successful(place.unpack(tar))
        assert place.tree()["a"].kind == kinds[second]


class TestLimits:
    """Threat 17, as far as unpacking adds to it."""

    def test_names_in_one_path(self, place: Place) -> None:
        for names, fits in ((ARCHIVE_PATH_SEGMENTS, True), (ARCHIVE_PATH_SEGMENTS + 1, False)):
            path = b"/".join([b"a"] * (names - 1))
            layer = make_tar(make_pax({b"path": path}), make_entry(b"x", b"y"))
            image = make_pax({b"path": b"rootfs/a/" + path}) + make_entry(b"x", b"y")
            for kind, unpack in (
                ("layer", partial(place.unpack, layer)),
                ("image", partial(unpack_images, place, image)),
            ):
                outcome = unpack()
                assert is_successful(outcome) is fits
                if fits:
                    place.target.rename(place.folder / kind)
                else:
                    assert outcome.failure() == ArchiveTooLarge("names in one path", 256)

    def test_one_entry_that_stands_for_many_folders(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tree, "ARCHIVE_ENTRIES", 10)
        entries = [make_entry(b"%d/a/b/c" % number, b"") for number in range(2)]
        assert is_successful(place.unpack(make_tar(*entries)))
        more = make_tar(*entries, make_entry(b"2/a/b/c", b""))
        assert place.unpack(more, overwrite=True).failure() == ArchiveTooLarge(
            "files and folders", 10
        )

    def test_entries(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reader, "ARCHIVE_ENTRIES", 3)
        entries = [make_entry(b"%d" % number, b"") for number in range(4)]
        assert place.refusal(make_tar(*entries)) == ArchiveTooLarge("entries", 3)

    def test_paths_of_folders(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tree, "FOLDER_PATH_BYTES", 10)
        assert isinstance(place.refusal(make_tar(make_entry(b"aaaa/bbbbb/c"))), ArchiveTooLarge)

    def test_a_folder_made_and_replaced_again_and_again_is_counted_once(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tree, "FOLDER_PATH_BYTES", 10)
        tar = make_tar(*(make_entry(b"aaaa/b") + make_entry(b"aaaa") for _ in range(9)))
        assert is_successful(place.unpack(tar))

    def test_a_compressed_bomb(self, place: Place) -> None:
        size = 70 << 20
        bomb = gzip.compress(make_tar(make_header(b"a", size), bytes(size)), 9)
        assert place.refusal(bomb) == ArchiveTooLarge(
            "bytes for each compressed byte", DECOMPRESSION_RATIO
        )

    def test_bytes(self, place: Place, tmp_path: Path) -> None:
        file = tmp_path / "a.tar"
        file.write_bytes(make_tar(make_entry(b"a", bytes(5000))))
        archive = Archive(lambda: Success(file.open("rb")), kind="layer")
        outcome = extract_archives((archive,), place.target, limits=Limits(archive_bytes=4999))
        assert outcome.failure() == ArchiveTooLarge("bytes", 4999)

    def test_bytes_of_all_layers(self, place: Place) -> None:
        """Each is within the limit, and a thousand of them would not be."""
        tar = make_tar(make_entry(b"a", bytes(5000)))
        layers = [Archive(lambda: Success(io.BytesIO(tar)), kind="layer") for _ in range(3)]
        fits = extract_archives(layers, place.target, limits=Limits(archive_bytes=3 * len(tar)))
        assert is_successful(fits)
        place.target.rename(place.folder / "before")
        limits = Limits(archive_bytes=3 * len(tar) - 1)
        outcome = place.watch(lambda: extract_archives(layers, place.target, limits=limits))
        assert outcome.failure() == ArchiveTooLarge("bytes", 3 * len(tar) - 1)
        assert not place.target.exists()

    def test_entries_of_all_layers(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(layering, "ARCHIVE_ENTRIES", 5)
        tar = make_tar(folder(b"a"), make_entry(b".wh.gone"))
        layers = [Archive(lambda: Success(io.BytesIO(tar)), kind="layer") for _ in range(3)]
        assert is_successful(extract_archives(layers[:2], place.target))
        place.target.rename(place.folder / "before")
        outcome = place.watch(lambda: extract_archives(layers, place.target))
        assert outcome.failure() == ArchiveTooLarge("entries", 5)
