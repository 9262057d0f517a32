"""What each entry becomes, and what becomes of the target."""

import errno
import gzip
import hashlib
import os
import resource
import stat
import tempfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.output import (
    Archive,
    ExtractionOptions,
    LeftOut,
    extract_archives,
    folders,
)
from pipeline.archive.selection import Selection, make_whitelist
from pipeline.digest import Digest
from pipeline.errors import (
    CorruptArchive,
    ImageNotFound,
    OutputExists,
    OutputUnavailable,
    StoreCorrupt,
    StoreError,
    StoreUnavailable,
)
from pipeline.testing.archives import make_entry, make_header, make_pax, make_tar
from tests.support.trees import Place, make_place, snapshot, unprivileged

SECOND = 10**9
MANIFEST = make_entry(b"manifest", b"{}")
FILE = make_tar(make_entry(b"a", b"x"))
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that anybody may reach, unlike those that pytest makes."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def archive_of(
    tar: bytes, digest: Digest | None = None, selection: Selection | None = None
) -> Archive:
    return Archive(lambda: Success(BytesIO(tar)), digest, selection or Selection())


class TestEntries:
    """Mode, times, content and links are those of the archive."""

    def test_a_tree(self, place: Place) -> None:
        tar = make_tar(
            make_entry(b"./", type_flag=b"5", mode=0o750, mtime=9),
            make_entry(b"bin/", type_flag=b"5", mode=0o711, mtime=1),
            make_entry(b"bin/sh", b"#!" * 600, mode=0o755, mtime=2),
            make_entry(b"bin/bash", type_flag=b"2", link=b"sh", mtime=3),
            make_entry(b"bin/dash", type_flag=b"1", link=b"./bin/sh"),
            make_entry(b"pipe", type_flag=b"6", mode=0o620, mtime=4),
            make_entry(b"secret", b"", mode=0, mtime=5),
        )
        report = place.unpack(tar).unwrap()
        assert (report.entries, report.size) == (7, 1200)
        tree = place.tree()
        assert {path: (node.kind, node.mode) for path, node in tree.items()} == {
            ".": ("d", 0o750),
            "bin": ("d", 0o711),
            "bin/sh": ("-", 0o755),
            "bin/bash": ("l", 0o777),
            "bin/dash": ("-", 0o755),
            "pipe": ("p", 0o620),
            "secret": ("-", 0),
        }
        times = {path: node.mtime // SECOND for path, node in tree.items()}
        assert times == {
            ".": 9, "bin": 1, "bin/sh": 2, "bin/bash": 3, "bin/dash": 2, "pipe": 4, "secret": 5
        }  # fmt: skip
        assert tree["bin/sh"].content == b"#!" * 600
        assert tree["bin/bash"].content == b"sh"
        assert tree["bin/sh"].links == 2

    def test_a_time_to_the_nanosecond(self, place: Place) -> None:
        pax = make_pax({b"mtime": b"1700000000.123456789"})
        assert is_successful(place.unpack(make_tar(pax, make_entry(b"a", b"x"))))
        assert place.tree()["a"].mtime == 1_700_000_000_123_456_789

    def test_the_umask_changes_nothing(self, place: Place) -> None:
        earlier = os.umask(0o077)
        try:
            tar = make_tar(
                make_entry(b"a/", type_flag=b"5", mode=0o777),
                make_entry(b"a/b", mode=0o666),
                make_entry(b"p", type_flag=b"6", mode=0o666),
            )
            assert is_successful(place.unpack(tar))
        finally:
            os.umask(earlier)
        tree = place.tree()
        assert [tree[path].mode for path in ("a", "a/b", "p")] == [0o777, 0o666, 0o666]

    def test_folders_that_no_entry_speaks_of(self, place: Place) -> None:
        assert is_successful(place.unpack(make_tar(make_entry(b"a/b/c", b""))))
        assert [place.tree()[path].mode for path in (".", "a", "a/b")] == [0o755] * 3

    def test_a_folder_after_its_content(self, place: Place) -> None:
        tar = make_tar(
            make_entry(b"a/b", b"x"), make_entry(b"a/", type_flag=b"5", mode=0o555, mtime=5)
        )
        assert is_successful(place.unpack(tar))
        assert (place.tree()["a"].mode, place.tree()["a"].mtime) == (0o555, 5 * SECOND)
        assert place.tree()["a/b"].content == b"x"

    def test_names_that_are_no_text(self, place: Place) -> None:
        assert is_successful(place.unpack(make_tar(make_entry(b"\xff\n\x1b", b"x"))))
        assert os.listdir(os.fsencode(place.target)) == [b"\xff\n\x1b"]

    def test_compressed_and_in_pieces(self, place: Place) -> None:
        content = os.urandom(3_000_000)
        tar = make_tar(make_entry(b"a", content), make_entry(b"b", b"y"))
        assert is_successful(place.unpack(gzip.compress(tar, 1)))
        assert place.tree()["a"].content == content
        assert place.tree()["b"].content == b"y"

    @pytest.mark.parametrize(
        "header",
        [
            make_header(b"a", mtime=b"x"),
            make_pax({b"mtime": b""}) + make_header(b"a"),
            make_pax({b"mtime": b"1e9"}) + make_header(b"a"),
            make_pax({b"mtime": b"9" * 20}) + make_header(b"a"),
        ],
    )
    def test_a_time_that_is_none(self, place: Place, header: bytes) -> None:
        assert isinstance(place.refusal(make_tar(header)), CorruptArchive)


class TestPrivileges:
    """What makes somebody more than they are is left out, and counted, unless it is asked for."""

    @pytest.mark.parametrize("type_flag", [b"0", b"5"])
    def test_setuid_and_setgid(self, place: Place, type_flag: bytes) -> None:
        tar = make_tar(
            make_entry(b"a", type_flag=type_flag, mode=0o6755),
            make_entry(b"b", type_flag=type_flag, mode=0o4755),
        )
        report = place.unpack(tar).unwrap()
        assert report.left_out == (LeftOut("setuid and setgid bits", 2, b"a"),)
        assert place.tree()["a"].mode == 0o755
        options = ExtractionOptions(setuid=True)
        assert place.unpack(tar, options=options, overwrite=True).unwrap().left_out == ()
        assert place.tree()["a"].mode == 0o6755

    def test_the_sticky_bit_is_kept(self, place: Place) -> None:
        tar = make_tar(make_entry(b"tmp/", type_flag=b"5", mode=0o1777))
        assert place.unpack(tar).unwrap().left_out == ()
        assert place.tree()["tmp"].mode == 0o1777

    @needs_root
    def test_owners(self, place: Place) -> None:
        entries = [
            make_entry(name, type_flag=flag, link=b"x", owner=(7, 8))
            for name, flag in ((b"a", b"0"), (b"b/", b"5"), (b"c", b"2"), (b"d", b"6"))
        ]
        tar = make_tar(*entries)
        assert place.unpack(tar).unwrap().left_out == (LeftOut("owners", 4, b"a"),)
        assert {node.owner for node in place.tree().values()} == {(0, 0)}
        options = ExtractionOptions(same_owner=True)
        assert place.unpack(tar, options=options, overwrite=True).unwrap().left_out == ()
        owners = {path: node.owner for path, node in place.tree().items()}
        assert owners == {".": (0, 0)} | dict.fromkeys("abcd", (7, 8))

    @needs_root
    def test_a_setuid_file_of_somebody_else(self, place: Place) -> None:
        """Giving a file away takes its bits, so they come after."""
        tar = make_tar(make_entry(b"a", mode=0o4755, owner=(7, 8)))
        options = ExtractionOptions(same_owner=True, setuid=True)
        assert is_successful(place.unpack(tar, options=options))
        assert (place.tree()["a"].mode, place.tree()["a"].owner) == (0o4755, (7, 8))

    def test_an_owner_that_is_none_matters_to_who_asks(self, place: Place) -> None:
        tar = make_tar(make_pax({b"uid": b"-2"}), make_entry(b"a"))
        assert place.unpack(tar).unwrap().left_out == (LeftOut("owners", 1, b"a"),)
        options = ExtractionOptions(same_owner=True)
        refused = place.unpack(tar, options=options, overwrite=True)
        assert isinstance(refused.failure(), CorruptArchive)

    def test_extended_attributes(self, place: Place) -> None:
        pax = make_pax(
            {
                b"SCHILY.xattr.user.a%3Db": b"\0\n=",
                b"SCHILY.xattr.trusted.c": b"d",
                b"SCHILY.xattr.security.capability": b"e",
                b"SCHILY.acl.access": b"user::rwx",
            }
        )
        tar = make_tar(
            pax, make_entry(b"a", b"x", mode=0o400), pax, make_entry(b"b/", type_flag=b"5"),
            pax, make_entry(b"c", type_flag=b"2", link=b"a"),
        )  # fmt: skip
        report = place.unpack(tar).unwrap()
        assert place.tree()["a"].attributes == (("user.a=b", b"\0\n="),)
        assert place.tree()["b"].attributes == (("user.a=b", b"\0\n="),)
        assert place.tree()["c"].attributes == ()
        assert report.left_out == (
            LeftOut("extended attributes", 5, b"a"),
            LeftOut("access control lists and labels", 2, b"a"),
        )

    def test_a_later_folder_replaces_the_attributes_of_an_earlier_one(self, place: Place) -> None:
        folder = make_entry(b"a/", type_flag=b"5")
        tar = make_tar(
            make_pax({b"SCHILY.xattr.user.a": b"1", b"SCHILY.xattr.user.b": b"1"}), folder,
            make_pax({b"SCHILY.xattr.user.b": b"2"}), folder,
        )  # fmt: skip
        assert is_successful(place.unpack(tar))
        assert place.tree()["a"].attributes == (("user.b", b"2"),)

    def test_a_file_system_without_attributes(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(code: int) -> Callable[..., None]:
            def setxattr(*_: object) -> None:
                raise OSError(code, os.strerror(code))

            return setxattr

        tar = make_tar(make_pax({b"SCHILY.xattr.user.a": b"b"}), make_entry(b"a"))
        monkeypatch.setattr(os, "setxattr", refuse(errno.ENOTSUP))
        assert place.unpack(tar).unwrap().left_out == (LeftOut("extended attributes", 1, b"a"),)
        monkeypatch.setattr(os, "setxattr", refuse(errno.EIO))
        refused = place.unpack(tar, overwrite=True).failure()
        assert refused == OutputUnavailable(str(place.target), "Input/output error")

    def test_folders_that_forbid_to_write_into_them(self, shared: Path) -> None:
        """Rootless: such a mode comes last, and does not keep the tree from being removed."""
        tar = make_tar(
            make_entry(b"./", type_flag=b"5", mode=0o555),
            make_entry(b"a/", type_flag=b"5", mode=0o000),
            make_entry(b"a/b/", type_flag=b"5", mode=0o111),
            make_entry(b"a/b/c", b"x", mode=0o000),
            make_entry(b"a/b/d", b"y", mode=0o444, owner=(3, 3)),
            make_pax({b"SCHILY.xattr.user.a": b"b"}),
            make_entry(b"e", b"z", mode=0o400),
        )
        with unprivileged(shared):
            place = make_place(shared)
            report = place.unpack(tar).unwrap()
            assert stat.S_IMODE(place.target.stat().st_mode) == 0o555
            assert [left_out.what for left_out in report.left_out] == ["owners"]
            assert is_successful(place.unpack(FILE, overwrite=True))
            assert place.tree()["a"].content == b"x"

    def test_a_failure_among_such_folders_leaves_nothing(
        self, shared: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = os.utime

        def utime(path: int, *, ns: tuple[int, int]) -> None:
            if ns == (5, 5):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            real(path, ns=ns)

        tar = make_tar(
            make_pax({b"mtime": b"0.000000005"}), make_entry(b"a/", type_flag=b"5", mode=0),
            make_entry(b"z/", type_flag=b"5", mode=0), make_entry(b"z/x/", type_flag=b"5", mode=0),
        )  # fmt: skip
        with unprivileged(shared):
            place = make_place(shared)
            with monkeypatch.context() as patched:
                patched.setattr(os, "utime", utime)
                refused = place.unpack(tar)
            assert isinstance(refused.failure(), OutputUnavailable)
            assert not place.target.exists()

    def test_who_may_not_give_files_away(self, shared: Path) -> None:
        with unprivileged(shared):
            place = make_place(shared)
            tar = make_tar(make_entry(b"a", owner=(3, 3)))
            options = ExtractionOptions(same_owner=True)
            assert isinstance(place.unpack(tar, options=options).failure(), OutputUnavailable)
            assert not place.target.exists()


class TestTarget:
    """Nothing is there before everything is."""

    def test_one_that_exists(self, place: Place) -> None:
        place.target.mkdir()

        class Unread(BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                raise AssertionError("it is refused before anything is read")

        source = Unread(FILE)
        assert place.unpack(source).failure() == OutputExists(str(place.target))
        assert source.closed
        assert list(place.target.iterdir()) == []

    @pytest.mark.parametrize("kind", ["file", "folder", "link"])
    def test_one_that_is_replaced(self, place: Place, kind: str) -> None:
        if kind == "file":
            place.target.write_bytes(b"old")
        elif kind == "folder":
            (place.target / "old" / "er").mkdir(parents=True)
        else:
            place.target.symlink_to(place.canary)
        assert is_successful(place.unpack(FILE, overwrite=True))
        assert set(place.tree()) == {".", "a"}

    def test_one_that_is_not_replaced_by_what_is_broken(self, place: Place) -> None:
        place.target.mkdir()
        (place.target / "old").write_bytes(b"x")
        before = place.tree()
        refused = place.unpack(FILE[:-1024], overwrite=True)
        assert isinstance(refused.failure(), CorruptArchive)
        assert place.tree() == before

    def test_one_that_appears_meanwhile(self, place: Place) -> None:
        class Late(BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                place.target.mkdir(exist_ok=True)
                return super().read(size)

        assert isinstance(place.unpack(Late(FILE)).failure(), OutputExists)

    @pytest.mark.parametrize("name", ["", ".", "..", "/", "gone/tree", "file/tree"])
    def test_one_that_cannot_be(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "file").write_bytes(b"x")
        outcome = extract_archives((archive_of(FILE),), Path(name), overwrite=True)
        assert isinstance(outcome.failure(), OutputUnavailable)
        assert set(snapshot(tmp_path)) == {".", "file"}

    def test_the_old_one_comes_back_where_the_new_one_cannot_get_there(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place.target.mkdir()
        (place.target / "old").write_bytes(b"x")
        real, calls = os.rename, 0

        def rename(source: bytes, target: bytes, *, src_dir_fd: int, dst_dir_fd: int) -> None:
            nonlocal calls
            calls += 1
            if calls == 2:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            real(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

        monkeypatch.setattr(os, "rename", rename)
        assert isinstance(place.unpack(FILE, overwrite=True).failure(), OutputUnavailable)
        assert set(place.tree()) == {".", "old"}

    def test_nobody_else_can_look_into_it_meanwhile(self, place: Place) -> None:
        seen: list[int] = []

        class Looking(BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                (draft,) = place.target.parent.iterdir()
                seen.extend(stat.S_IMODE(path.stat().st_mode) for path in (draft, *draft.iterdir()))
                return super().read(1024)

        tar = make_tar(make_entry(b"a/", type_flag=b"5", mode=0o777), make_entry(b"a/b", b"x"))
        assert is_successful(place.unpack(Looking(tar)))
        assert len(seen) > 4
        assert set(seen) == {0o700}

    def test_an_interrupt_leaves_nothing(self, place: Place) -> None:
        class Interrupting(BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                if self.tell():
                    raise KeyboardInterrupt
                return super().read(512)

        with pytest.raises(KeyboardInterrupt):
            place.unpack(Interrupting(FILE))
        assert list(place.target.parent.iterdir()) == []

    def test_a_long_name(self, place: Place) -> None:
        target = place.folder / ("n" * 255)
        assert is_successful(
            extract_archives((Archive(lambda: Success(BytesIO(FILE)), kind="layer"),), target)
        )
        assert (target / "a").read_bytes() == b"x"

    def test_no_descriptor_stays_open(self, place: Place) -> None:
        before = len(os.listdir("/proc/self/fd"))
        tar = make_tar(make_entry(b"a/b/c", b"x"), make_entry(b"a/b/d", b"y"))
        for broken in (tar, tar[:700], tar[:1600], tar[:-1024]):
            place.unpack(broken, overwrite=True)
        place.unpack(make_tar(make_entry(b"a/b", type_flag=b"1", link=b"a/c/d")), overwrite=True)
        assert len(os.listdir("/proc/self/fd")) == before


class TestArchives:
    """What is unpacked is what was proven."""

    IMAGE = make_tar(MANIFEST, make_entry(b"rootfs/a", b"x"), make_entry(b"rootfs/b/c", b"y"))

    def test_the_digest_is_compared_before_anything_has_its_name(self, place: Place) -> None:
        digest = Digest("sha512", hashlib.sha512(self.IMAGE).hexdigest())
        other = Digest("sha512", hashlib.sha512(self.IMAGE + b"\0").hexdigest())
        refused = extract_archives((archive_of(self.IMAGE, other),), place.target)
        assert isinstance(refused.failure(), StoreCorrupt)
        assert not place.target.exists()
        assert is_successful(extract_archives((archive_of(self.IMAGE, digest),), place.target))

    def test_an_archive_that_cannot_be_opened_or_read(self, place: Place) -> None:
        class Broken(BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                raise OSError(errno.EIO, os.strerror(errno.EIO))

        def gone() -> Result[BinaryIO, StoreError]:
            return Failure(ImageNotFound("sha512-00"))

        assert extract_archives((Archive(gone),), place.target).failure() == ImageNotFound(
            "sha512-00"
        )
        broken = extract_archives((Archive(lambda: Success(Broken())),), place.target)
        assert broken.failure() == StoreUnavailable("the archive", "read", "Input/output error")

    def test_the_rootfs_alone(self, place: Place) -> None:
        archive = archive_of(self.IMAGE, selection=Selection(rootfs_only=True))
        assert is_successful(extract_archives((archive,), place.target))
        assert set(place.tree()) == {".", "a", "b", "b/c"}

    def test_a_hard_link_out_of_what_is_selected(self, place: Place) -> None:
        tar = make_tar(MANIFEST, make_entry(b"rootfs/a", type_flag=b"1", link=b"manifest"))
        assert is_successful(place.unpack(tar, layer=False))
        archive = archive_of(tar, selection=Selection(rootfs_only=True))
        refused = extract_archives((archive,), place.target, overwrite=True)
        assert isinstance(refused.failure(), CorruptArchive)

    def test_one_over_another(self, place: Place) -> None:
        upper = make_tar(
            MANIFEST, make_entry(b"rootfs/a", type_flag=b"2", link=b"b"),
            make_entry(b"rootfs/b", b"file"),
        )  # fmt: skip
        lower = archive_of(self.IMAGE, selection=Selection(rootfs_only=True, manifest=False))
        above = archive_of(upper, selection=Selection(rootfs_only=True))
        assert is_successful(extract_archives((lower, above), place.target))
        tree = place.tree()
        assert {path: node.kind for path, node in tree.items()} == {".": "d", "a": "l", "b": "-"}

    def test_a_whitelist(self, place: Place) -> None:
        chosen = Selection(whitelists=(make_whitelist(("/b/c",)),))
        assert is_successful(
            extract_archives((archive_of(self.IMAGE, selection=chosen),), place.target)
        )
        assert set(place.tree()) == {".", "manifest", "rootfs", "rootfs/b", "rootfs/b/c"}


class TestRemoval:
    """Whatever has a name can be removed, and nothing else is touched."""

    def test_a_folder_deeper_than_pythons_stack(self, tmp_path: Path) -> None:
        handle = os.open(tmp_path, os.O_RDONLY)
        here = os.dup(handle)
        for _ in range(1500):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
        try:
            folders.remove(b"d", handle)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            os.close(handle)
        assert list(tmp_path.iterdir()) == []

    def test_links_in_it_are_not_followed(self, place: Place) -> None:
        before = snapshot(place.canary)
        work = place.target.parent
        (work / "a").mkdir()
        (work / "a" / "out").symlink_to(place.canary)
        handle = os.open(work, os.O_RDONLY)
        folders.remove(b"a", handle)
        (work / "a").symlink_to(place.canary)
        folders.remove(b"a", handle)
        os.close(handle)
        assert list(work.iterdir()) == []
        assert snapshot(place.canary) == before
