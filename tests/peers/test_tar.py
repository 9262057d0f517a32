"""What GNU tar writes is read, and what it lists is what was read."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from returns.pipeline import is_successful

from pipeline.archive.compression import Compression, Decompressor, detect_compression
from pipeline.archive.reader import Entry
from pipeline.archive.scanner import ArchiveScanner
from pipeline.limits import GIB
from pipeline.testing.makers import make_manifest

pytestmark = pytest.mark.peer

MANIFEST = make_manifest("example.com/app", {"version": "1.0.0"})


@pytest.fixture
def tar() -> str:
    """Return GNU tar's path; in CI it must be there."""
    found = shutil.which("tar")
    if found is None or "GNU tar" not in _run([found, "--version"]).decode():
        if os.environ.get("CI"):
            pytest.fail("needs GNU tar")
        pytest.skip("needs GNU tar")
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a folder laid out as an image, with everything that tar knows but devices."""
    root = tmp_path / "image"
    deep = root / "rootfs" / ("d" * 90) / ("e" * 90) / ("f" * 90)
    deep.mkdir(parents=True)
    (root / "manifest").write_bytes(MANIFEST)
    (root / "rootfs" / ".hidden").write_bytes(b"x" * 511)
    (root / "rootfs" / "exact").write_bytes(b"x" * 512)
    (root / "rootfs" / "spaß und ünïcode").write_bytes(b"x" * 70_000)
    (root / "rootfs" / ("n" * 200)).write_bytes(b"")
    (deep / ("g" * 120)).write_bytes(b"deep")
    (root / "rootfs" / "hard").hardlink_to(root / "rootfs" / "exact")
    (root / "rootfs" / "soft").symlink_to("/" + "t" * 150)
    os.mkfifo(root / "rootfs" / "pipe")
    return root


def _run(command: list[str]) -> bytes:
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


def scan(file: Path) -> tuple[bytes, tuple[Entry, ...]]:
    """Read an archive, compressed or not, as the stage does."""
    content = file.read_bytes()
    scanner = ArchiveScanner()
    decompressor = Decompressor(detect_compression(content).unwrap(), max_bytes=GIB)
    entries: list[Entry] = []
    for piece in decompressor.feed(content):
        parts = scanner.feed(piece.unwrap()).unwrap()
        entries.extend(part for part in parts if isinstance(part, Entry))
    assert is_successful(decompressor.finish())
    return scanner.finish().unwrap(), tuple(entries)


@pytest.mark.parametrize("form", ["gnu", "oldgnu", "posix"])
@pytest.mark.parametrize("roots", [["manifest", "rootfs"], ["./manifest", "./rootfs"], ["."]])
def test_archives_as_gnu_tar_writes_them(
    tar: str, tree: Path, tmp_path: Path, form: str, roots: list[str]
) -> None:
    file = tmp_path / "app.tar"
    _run([tar, "-C", str(tree), f"--format={form}", "-cf", str(file), *roots])
    manifest, entries = scan(file)
    listed = _run([tar, "--quoting-style=literal", "-tf", str(file)]).decode().splitlines()
    assert manifest == MANIFEST
    names = [name.rstrip("/").removeprefix("./").removeprefix(".") for name in listed]
    assert [entry.path.decode() for entry in entries] == names
    assert {entry.type for entry in entries} == {"file", "directory", "hardlink", "symlink", "fifo"}


@pytest.mark.parametrize("form", ["ustar", "v7"])
def test_formats_that_hold_short_paths_only(tar: str, tmp_path: Path, form: str) -> None:
    root = tmp_path / "image"
    (root / "rootfs" / "bin").mkdir(parents=True)
    (root / "manifest").write_bytes(MANIFEST)
    (root / "rootfs" / "bin" / "sh").write_bytes(b"x" * 1000)
    file = tmp_path / "app.tar"
    _run([tar, "-C", str(root), f"--format={form}", "-cf", str(file), "manifest", "rootfs"])
    manifest, entries = scan(file)
    assert manifest == MANIFEST
    assert [(entry.path, entry.type) for entry in entries] == [
        (b"manifest", "file"),
        (b"rootfs", "directory"),
        (b"rootfs/bin", "directory"),
        (b"rootfs/bin/sh", "file"),
    ]


@pytest.mark.parametrize(
    ("tool", "codec"), [("gzip", "gzip"), ("bzip2", "bzip2"), ("xz", "xz"), ("zstd", "zstd")]
)
def test_compressed_by_the_formats_own_tools(
    tar: str, tree: Path, tmp_path: Path, tool: str, codec: Compression
) -> None:
    if shutil.which(tool) is None:
        if os.environ.get("CI"):
            pytest.fail(f"needs {tool}")
        pytest.skip(f"needs {tool}")
    plain, file = tmp_path / "app.tar", tmp_path / "app.aci"
    _run([tar, "-C", str(tree), "-cf", str(plain), "manifest", "rootfs"])
    file.write_bytes(_run([tool, "-c", str(plain)]))
    assert detect_compression(file.read_bytes()).unwrap() == codec
    assert scan(file) == scan(plain)


def test_a_sparse_file_is_refused(tar: str, tree: Path, tmp_path: Path) -> None:
    """Programs differ on how much of it is data; two ways of writing it, one answer."""
    with (tree / "rootfs" / "sparse").open("wb") as sparse:
        sparse.truncate(10_000_000)
    for form in ("gnu", "posix"):
        file = tmp_path / f"{form}.tar"
        _run([tar, "-C", str(tree), f"--format={form}", "-Scf", str(file), "manifest", "rootfs"])
        assert not is_successful(ArchiveScanner().feed(file.read_bytes()))
