"""Bad input ends with its exit code, a message with got and wanted, a hint, and nothing changed.

Each case is tried on a world where the good image is trusted and stored already; afterwards the
store holds exactly what it held, nothing lies in quarantine, and the good image is still served.
"""

import gzip
import io
import os
import sqlite3
import subprocess
import sys
import tarfile
import time
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.adapters import FileKeystore
from pipeline.cli.main import INTERNAL_ERROR, run
from pipeline.limits import MANIFEST_BYTES
from pipeline.testing.makers import make_archive, make_manifest
from pipeline.trust import Fingerprint
from tests.support.world import (
    HOST,
    IMAGE_PATH,
    LABELS,
    REFERENCE,
    Answer,
    World,
    make_image,
    make_key,
    sign,
)

SIGNATURE_PATH = f"{IMAGE_PATH}.asc"
OTHER = f"{HOST}/app:2.0.0,os=linux,arch=amd64"
OTHER_PATH = IMAGE_PATH.replace("1.2.0", "2.0.0")
OTHER_LABELS = LABELS | {"version": "2.0.0"}


def _other_image() -> bytes:
    return make_image(labels=OTHER_LABELS)


def _signed(world: World, image: bytes) -> None:
    """Publish the other version, signed by the maker: bad images can be signed, too."""
    world.publish(image, OTHER_PATH)


def _tar(*entries: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in entries:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


GOOD_MANIFEST = make_manifest(f"{HOST}/app", OTHER_LABELS)
ROOTFS = ("rootfs/bin/app", b"x")


def _page_without_tags(world: World) -> None:
    world.site.pages["/app"] = b"<html><head><title>app</title></head></html>"


def _nothing_published(world: World) -> None:
    pass


def _image_missing(world: World) -> None:
    _signed(world, _other_image())
    del world.site.pages[OTHER_PATH]


def _truncated(world: World) -> None:
    image = _other_image()
    _signed(world, image)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(image)}\r\n\r\n".encode()
    world.site.pages[OTHER_PATH] = Answer(raw=head + image[: len(image) // 2])


def _too_long(world: World) -> None:
    image = _other_image()
    _signed(world, image)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(image) - 1}\r\n\r\n".encode()
    world.site.pages[OTHER_PATH] = Answer(raw=head + image)


def _endless(world: World) -> None:
    _signed(world, _other_image())
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    world.site.pages[OTHER_PATH] = Answer(raw=head + bytes(8_000_000))


def _signature(content: bytes) -> Callable[[World], None]:
    def prepare(world: World) -> None:
        _signed(world, _other_image())
        world.site.pages[f"{OTHER_PATH}.asc"] = content

    return prepare


def _tampered(world: World) -> None:
    _signed(world, _other_image())
    world.site.pages[OTHER_PATH] = make_image(labels=OTHER_LABELS, content=b"evil")


def _stranger(world: World) -> None:
    image = _other_image()
    _signed(world, image)
    world.site.pages[f"{OTHER_PATH}.asc"] = sign(make_key("Somebody Else"), image)


def _signed_by(world: World, key: Any) -> None:
    """Publish the other version, signed by a key that is in the keystore as it is."""
    image = _other_image()
    _signed(world, image)
    world.site.pages[f"{OTHER_PATH}.asc"] = sign(key, image)
    keystore = FileKeystore(system=world.home / "system", local=world.home / "config")
    fingerprint = Fingerprint(str(key.fingerprint).replace(" ", "").lower())
    keystore.add(None, {fingerprint: bytes(key.pubkey)}).unwrap()


def _expired_key(world: World) -> None:
    _signed_by(world, make_key(age=timedelta(days=10), life=timedelta(days=5)))


def _revoked_key(world: World) -> None:
    key = make_key()
    key |= key.revoke(key)
    _signed_by(world, key)


def _public_key(world: World) -> None:
    _signature(str(world.key.pubkey).encode())(world)


def _archive(content: bytes) -> Callable[[World], None]:
    def prepare(world: World) -> None:
        _signed(world, content)

    return prepare


def _bomb() -> bytes:
    """A gzip of zeros that expands over a thousandfold, past every grace."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = tarfile.TarInfo("rootfs/zeros")
    head.size = 200 * 1024 * 1024
    parts = [packer.compress(_tar(("manifest", GOOD_MANIFEST))[:-10240] + head.tobuf())]
    parts += [packer.compress(bytes(1024 * 1024)) for _ in range(200)]
    return b"".join([*parts, packer.compress(bytes(1024)), packer.flush()])


CLEARTEXT = (
    b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nhello\n"
    b"-----BEGIN PGP SIGNATURE-----\n\niHUEARYKAB0=\n-----END PGP SIGNATURE-----\n"
)

CASES: dict[str, tuple[Callable[[World], None], int, str]] = {
    # name: (what is published, exit code, words of the message)
    "page without meta tags": (_page_without_tags, 4, "wanted a meta tag"),
    "nothing published": (_nothing_published, 5, "status 404"),
    "image missing": (_image_missing, 5, "status 404"),
    "truncated body": (_truncated, 5, "ended after"),
    "body longer than announced": (_too_long, 6, "does not match"),
    "endless body": (_endless, 5, "wanted at most"),
    "tampered image": (_tampered, 6, "bad signature"),
    "unknown signer": (_stranger, 6, "wanted the one key trusted for"),
    "expired key": (_expired_key, 6, "expired"),
    "revoked key": (_revoked_key, 6, "revoked"),
    "junk signature": (_signature(os.urandom(512)), 6, "signature"),
    "empty signature": (_signature(b""), 6, "signature"),
    "public key as signature": (_public_key, 6, "signature"),
    "cleartext message as signature": (_signature(CLEARTEXT), 6, "signature"),
    "signature of 10 MB": (_signature(b"A" * 10_000_000), 6, "signature"),
    "another name": (_archive(make_image(f"{HOST}/other", OTHER_LABELS)), 7, "calls itself"),
    "another version": (_archive(make_image()), 7, "1.2.0"),
    "not a tar": (_archive(b"hello, this is no archive" * 100), 7, "archive"),
    "no manifest": (_archive(_tar(ROOTFS)), 7, "manifest"),
    "no rootfs": (_archive(_tar(("manifest", GOOD_MANIFEST))), 7, "rootfs"),
    "two manifests": (
        _archive(_tar(("manifest", GOOD_MANIFEST), ROOTFS, ("manifest", GOOD_MANIFEST))),
        7,
        "manifest",
    ),
    "manifest over the limit": (
        _archive(_tar(("manifest", GOOD_MANIFEST + b" " * MANIFEST_BYTES), ROOTFS)),
        7,
        "manifest",
    ),
    "broken JSON": (_archive(make_archive(b'{"acKind": "ImageManifest",')), 7, "manifest"),
    "cut-off archive": (_archive(gzip.compress(make_archive(GOOD_MANIFEST))[:-20]), 7, "archive"),
    "bomb": (_archive(_bomb()), 7, "more than"),
}


@pytest.fixture
def good(world: World) -> World:
    """A world where the good image is stored."""
    world.trust()
    world.publish()
    assert world.run("fetch", REFERENCE) == 0, world.err
    return world


@pytest.mark.parametrize("case", CASES)
def test_bad_input(good: World, case: str) -> None:
    prepare, code, words = CASES[case]
    before = good.store_files()
    prepare(good)
    limit = ["--max-size", "4M"] if case == "endless body" else []
    assert good.run("fetch", OTHER, *limit) == code, good.err
    assert good.out == ""
    assert words in good.err
    _check_shape(good.err)
    assert good.store_files() == before
    # What failed leaves nothing that a later run trips over.
    good.site.pages["/app"] = b""
    assert good.run("fetch", "--pull-policy=never", REFERENCE) == 0, good.err


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("Not A Reference", 3),
        ("", 3),
        ("sha512-", 3),
        ("ftp://example.com/app.aci", 3),
        ("docker://busybox", 6),
        ("docker://Busybox", 3),
        ("oci:nowhere", 6),
        ("sha512-00", 8),
        ("./missing.aci", 5),
        ("/dev/zero.aci", 5),
        ("unknown.invalid/app", 4),
    ],
)
def test_bad_references(good: World, reference: str, code: int) -> None:
    assert good.run("fetch", reference) == code, good.err
    assert good.out == ""
    _check_shape(good.err)


@pytest.mark.parametrize(
    "arguments",
    [
        ["fetch"],
        ["fetch", REFERENCE, "--pull-policy=sometimes"],
        ["fetch", REFERENCE, REFERENCE, "--signature", "app.asc"],
        ["fetch", REFERENCE, "--insecure-options=imgae"],
        ["fetch", REFERENCE, "--connect-to", "nonsense"],
        ["fetch", REFERENCE, "--max-size", "many"],
        ["fetsch"],
        ["--no-such-option"],
    ],
)
def test_usage(world: World, arguments: list[str]) -> None:
    assert world.run(*arguments) == 2, world.err
    assert world.out == ""
    _check_shape(world.err)


def test_a_failure_does_not_stop_the_others(good: World) -> None:
    code = good.run("fetch", "sha512-00", REFERENCE, "Not A Reference")
    assert code == 8
    assert len(good.out.splitlines()) == 1
    assert good.err.count("error: ") == 2
    for reference in ("sha512-00", "Not A Reference"):
        assert f"warning: {reference} was not fetched:\nerror: " in good.err


def test_ca_file_that_is_not_there(good: World, tmp_path: Path) -> None:
    code = good.run("fetch", REFERENCE, "--ca-file", str(tmp_path / "missing.pem"))
    assert code == 9, good.err
    _check_shape(good.err)


def test_ca_file_that_is_not_there_for_a_key(good: World, tmp_path: Path) -> None:
    url = f"https://{HOST}/key.asc"
    code = good.run("trust", "add", "--root", url, "--ca-file", str(tmp_path / "missing.pem"))
    assert code == 9, good.err
    assert "--ca-file is" in good.err
    _check_shape(good.err)


@pytest.mark.parametrize("signature", ["missing.asc", "folder", "/dev/null"])
def test_signature_option_that_is_no_file(good: World, signature: str) -> None:
    Path("folder").mkdir()
    assert good.run("fetch", REFERENCE, "--signature", signature) == 9, good.err
    _check_shape(good.err)


def test_dependency_that_fails_is_named(good: World) -> None:
    dependency = {"imageName": f"{HOST}/missing"}
    _signed(good, make_image(labels=OTHER_LABELS, dependencies=(dependency,)))
    assert good.run("fetch", OTHER) != 0
    assert f"fetching a dependency: {HOST}/missing\nerror: " in good.err


def test_certificate_of_an_unknown_authority(good: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMAGE_PIPELINE_CA_FILE")
    assert good.run("fetch", REFERENCE) == 4
    assert "secure connection" in good.err


def test_store_of_a_later_version(good: World, tmp_path: Path) -> None:
    with sqlite3.connect(next((tmp_path / "store").glob("*.db"))) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    for arguments in (["fetch", REFERENCE], ["image", "list"]):
        assert good.run(*arguments) == 8
        assert "99" in good.err
        _check_shape(good.err)


def test_store_is_a_file(good: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a store")
    assert good.run("--store", str(tmp_path / "file"), "image", "list") == 8
    _check_shape(good.err)


def test_a_store_that_is_not_needed_does_no_harm(good: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a store")
    assert good.run("--store", str(tmp_path / "file"), "parse", REFERENCE) == 0
    assert good.run("--store", str(tmp_path / "file"), "trust", "list") == 0


@pytest.mark.parametrize("after", ["image", "signature"])
def test_interrupt_in_mid_transfer(good: World, after: str, tmp_path: Path) -> None:
    """Ctrl-C ends with 130 at once, and leaves the store as it was."""
    before = good.store_files()
    _signed(good, _other_image())
    stuck = OTHER_PATH if after == "image" else f"{OTHER_PATH}.asc"

    def stall(asked: int) -> Answer:
        time.sleep(2)
        return Answer(status=500)

    good.site.pages[stuck] = stall
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "fetch", OTHER],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 20
    while stuck not in good.site.asked_for() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(2)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    _check_shape(err)
    assert good.store_files() == before


def _check_shape(err: str) -> None:
    """``error: …``, a blank line, ``hint: …``; no traceback."""
    assert "Traceback" not in err
    assert "internal error" not in err
    lines = err.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("error: "))
    hint = next(number for number, line in enumerate(lines) if line.startswith("hint: "))
    assert hint > start
    assert lines[hint - 1] == ""


def test_a_key_url_that_is_none(world: World) -> None:
    assert world.run("trust", "add", "--root", "https://[/key.asc") == 5, world.err
    _check_shape(world.err)


def test_a_stray_argument_moves_no_cursor(world: World) -> None:
    assert world.run("image", "list", "\x9b2J") == 2
    assert "\x9b" not in world.err
    assert "x9b2J" in world.err


def test_a_defect_moves_no_cursor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError("\x9b2J")  # what click does not take away itself

    monkeypatch.setattr("pipeline.cli.output.error_document", broken)
    assert run(["parse", "--json", "Not A Reference"]) == INTERNAL_ERROR
    assert "\x9b" not in capsys.readouterr().err
