"""Which entries go where."""

import pytest

from pipeline.archive.selection import EVERYTHING, Selection, make_whitelist


@pytest.mark.parametrize(
    ("path", "whole", "rootfs_only", "no_manifest"),
    [
        (b"manifest", b"manifest", None, None),
        (b"", b"", None, b""),
        (b"rootfs", b"rootfs", b"", b"rootfs"),
        (b"rootfs/manifest", b"rootfs/manifest", b"manifest", b"rootfs/manifest"),
        (b"rootfs/a/b", b"rootfs/a/b", b"a/b", b"rootfs/a/b"),
    ],
)
def test_places(
    path: bytes, whole: bytes, rootfs_only: bytes | None, no_manifest: bytes | None
) -> None:
    assert EVERYTHING.place(path, is_folder=False) == whole
    assert Selection(rootfs_only=True).place(path, is_folder=False) == rootfs_only
    assert Selection(manifest=False).place(path, is_folder=False) == no_manifest


class TestWhitelists:
    def test_each_must_have_a_path(self) -> None:
        both = (make_whitelist(("/a", "/b")), make_whitelist(("/b", "/c")))
        chosen = Selection(whitelists=both)
        assert chosen.place(b"rootfs/b", is_folder=False) == b"rootfs/b"
        assert chosen.place(b"rootfs/a", is_folder=False) is None
        assert chosen.place(b"rootfs/c", is_folder=False) is None
        assert chosen.place(b"manifest", is_folder=False) == b"manifest"
        assert chosen.place(b"rootfs", is_folder=True) == b"rootfs"

    def test_a_folder_does_not_stand_for_what_is_in_it(self) -> None:
        chosen = Selection(whitelists=(make_whitelist(("/etc",)),))
        assert chosen.place(b"rootfs/etc", is_folder=True) == b"rootfs/etc"
        assert chosen.place(b"rootfs/etc/passwd", is_folder=False) is None

    def test_a_folder_on_the_way_is_kept_and_a_link_there_is_not(self) -> None:
        chosen = Selection(whitelists=(make_whitelist(("/usr/bin/env", "/usr-x")),))
        assert chosen.place(b"rootfs/usr", is_folder=True) == b"rootfs/usr"
        assert chosen.place(b"rootfs/usr", is_folder=False) is None
        assert chosen.place(b"rootfs/us", is_folder=True) is None

    def test_an_empty_one_takes_nothing(self) -> None:
        chosen = Selection(whitelists=(make_whitelist(("/..",)),))
        assert chosen.place(b"rootfs/a", is_folder=False) is None
