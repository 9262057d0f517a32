"""Removals in OCI layers: image-spec v1.1.0 ``layer.md`` "Whiteouts"."""

from io import BytesIO

import pytest
from returns.pipeline import is_successful
from returns.result import Result, Success

from pipeline.adapters.output import (
    Archive,
    ExtractionReport,
    WriteError,
    extract_archives,
)
from pipeline.archive import whiteouts
from pipeline.errors import ArchiveTooLarge, CorruptArchive
from pipeline.testing.archives import make_entry, make_tar
from tests.support.trees import Place

LOWER = make_tar(
    make_entry(b"etc/passwd", b"lower"),
    make_entry(b"etc/ssl/cert", b"lower"),
    make_entry(b"bin/sh", b"lower"),
    make_entry(b"link", type_flag=b"2", link=b"etc"),
)


def stack(place: Place, *entries: bytes) -> Result[ExtractionReport, WriteError]:
    """Unpack a layer over LOWER."""
    return extract_archives((layer(LOWER), layer(make_tar(*entries))), place.target)


def layer(tar: bytes) -> Archive:
    """Return a layer."""
    return Archive(lambda: Success(BytesIO(tar)), kind="layer")


def files(place: Place) -> dict[str, bytes]:
    """Return everything but folders, by path."""
    return {path: node.content for path, node in place.tree().items() if node.kind != "d"}


LOWER_FILES = {
    "etc/passwd": b"lower",
    "etc/ssl/cert": b"lower",
    "bin/sh": b"lower",
    "link": b"etc",
}


def test_a_file_and_a_folder(place: Place) -> None:
    assert is_successful(stack(place, make_entry(b"bin/.wh.sh"), make_entry(b".wh.etc")))
    assert files(place) == {"link": b"etc"}
    assert place.tree()["bin"].kind == "d"


def test_what_is_not_there(place: Place) -> None:
    assert is_successful(stack(place, make_entry(b".wh.gone"), make_entry(b"gone/.wh.x")))
    assert files(place) == LOWER_FILES
    assert "gone" not in place.tree()


@pytest.mark.parametrize("first", [True, False])
def test_only_what_is_below_goes_wherever_the_marker_stands(place: Place, first: bool) -> None:
    marker, own = make_entry(b".wh.etc"), make_entry(b"etc/passwd", b"upper")
    assert is_successful(stack(place, *((marker, own) if first else (own, marker))))
    assert files(place) == {"bin/sh": b"lower", "link": b"etc", "etc/passwd": b"upper"}


@pytest.mark.parametrize("first", [True, False])
def test_an_opaque_folder(place: Place, first: bool) -> None:
    marker = make_entry(b"etc/.wh..wh..opq")
    own = make_entry(b"etc/ssl/key", b"upper")
    assert is_successful(stack(place, *((marker, own) if first else (own, marker))))
    assert files(place) == {"bin/sh": b"lower", "link": b"etc", "etc/ssl/key": b"upper"}


def test_an_opaque_root(place: Place) -> None:
    assert is_successful(stack(place, make_entry(b"a", b"upper"), make_entry(b".wh..wh..opq")))
    assert files(place) == {"a": b"upper"}


def test_below_a_link_what_it_leads_to_is_removed(place: Place) -> None:
    for marker, gone in (
        (b"link/.wh.passwd", {"etc/passwd"}),
        (b"link/.wh..wh..opq", {"etc/passwd", "etc/ssl/cert"}),
        (b".wh.link", {"link"}),
    ):
        assert is_successful(stack(place, make_entry(marker)))
        assert LOWER_FILES.keys() - files(place).keys() == gone
        place.target.rename(place.folder / marker.decode().replace("/", "-"))


def test_nothing_outside_is_removed_through_a_link(place: Place) -> None:
    targets = (b"../../canary", bytes(place.canary))
    for number, target in enumerate(targets):
        lower = make_tar(make_entry(b"out", type_flag=b"2", link=target))
        for marker in (b"out/.wh.run", b"out/.wh..wh..opq", b"out/.wh.etc"):
            archives = (layer(lower), layer(make_tar(make_entry(marker))))
            assert is_successful(
                place.watch(lambda archives=archives: extract_archives(archives, place.target))  # type: ignore[misc] # mypy cannot infer a lambda with a default
            )
            assert set(place.tree()) == {".", "out"}
            place.target.rename(place.folder / f"{number}{marker.decode()}".replace("/", "-"))


def test_what_this_layer_has_through_a_link_stays(place: Place) -> None:
    """By where it is, not by the path that the layer gives it."""
    own = make_entry(b"link/passwd", b"upper")
    for entries in ((own, make_entry(b".wh.etc")), (own, make_entry(b"etc/.wh..wh..opq"))):
        assert is_successful(stack(place, *entries))
        assert files(place) == {"bin/sh": b"lower", "link": b"etc", "etc/passwd": b"upper"}
        place.target.rename(place.folder / f"{len(list(place.folder.iterdir()))}")


def test_a_link_to_a_marker_leads_nowhere(place: Place) -> None:
    lower = make_tar(make_entry(b"a", type_flag=b"2", link=b"x/.wh.y"))
    for entry in (make_entry(b"a/b", b"c"), make_entry(b"a/.wh.b")):
        outcome = extract_archives((layer(lower), layer(make_tar(entry))), place.target)
        assert isinstance(outcome.failure(), CorruptArchive)


@pytest.mark.parametrize("name", [b".wh.", b".wh..", b".wh...", b"etc/.wh."])
def test_a_marker_that_names_nothing(place: Place, name: bytes) -> None:
    assert isinstance(stack(place, make_entry(name)).failure(), CorruptArchive)


def test_no_marker_is_ever_in_the_tree(place: Place) -> None:
    entries = (
        make_entry(b".wh..wh.plnk/", type_flag=b"5"),
        make_entry(b".wh..wh.plnk/1.2", b"x"),
        make_entry(b".wh..wh.aufs", b"x"),
        make_entry(b"bin/.wh.sh", b"data that counts for nothing"),
    )
    assert is_successful(stack(place, *entries))
    assert not [path for path in place.tree() if ".wh." in path]


def test_in_an_image_a_marker_is_a_file(place: Place) -> None:
    tar = make_tar(make_entry(b"manifest", b"{}"), make_entry(b"rootfs/.wh.x", b"y"))
    assert is_successful(place.unpack(tar, layer=False))
    assert files(place)["rootfs/.wh.x"] == b"y"


def test_a_folder_that_was_removed_does_not_mark_its_successor(place: Place) -> None:
    """The mode that the lower layer gave is forgotten with the folder."""
    lower = make_tar(make_entry(b"a/", type_flag=b"5", mode=0o700))
    upper = make_tar(make_entry(b".wh.a"), make_entry(b"a/b", b""))
    assert is_successful(extract_archives((layer(lower), layer(upper)), place.target))
    assert place.tree()["a"].mode == 0o755


def test_paths_of_one_layer(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whiteouts, "FOLDER_PATH_BYTES", 60)
    assert is_successful(stack(place, make_entry(b"a" * 60)))
    place.target.rename(place.folder / "first")
    assert isinstance(stack(place, make_entry(b"a" * 61)).failure(), ArchiveTooLarge)
