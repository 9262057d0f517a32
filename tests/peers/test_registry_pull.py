"""Images that the real skopeo and umoci put into a real registry, fetched as skopeo copies them."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from pipeline.oci import OciPlatform
from pipeline.testing.oci import (
    MadeImage,
    incompressible,
    layout_files,
    make_image,
    make_index,
    make_layer,
)
from tests.peers.openpgp import GnuPG, gnupg
from tests.peers.registry import Registry, skopeo
from tests.support.world import World

pytestmark = pytest.mark.peer

ONE = make_image({"bin/app": b"one"}, {"etc/app": b"setting"}, {"bin/app": b"other"})
ZSTD = make_image(make_layer({"a": incompressible(100_000)}, compression="zstd"))
PLAIN = make_image(make_layer({"a": b"b"}, compression="none"))
INDEX = make_index(
    make_image({"bin/app": b"arm64"}, platform=OciPlatform("linux", "arm64")),
    make_image({"bin/app": b"amd64"}),
)
IMAGES = {"one": ONE, "zstd": ZSTD, "plain": PLAIN, "index": INDEX}


@pytest.fixture
def registry(world: World, authority: trustme.CA) -> Iterator[Registry]:
    """A registry over TLS, filled by skopeo; the world's command trusts its authority."""
    with Registry(world.home / "registry", authority.issue_cert("127.0.0.1")) as registry:
        for path, content in layout_files(IMAGES).items():
            file = world.home / "images" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        for name in IMAGES:
            push(world, registry, name)
        # As docker itself pushes: other media types, and so other digests.
        options = ("--insecure-policy", "--format=v2s2", "--dest-tls-verify=false")
        target = f"docker://{registry.host}/ns/app:docker"
        skopeo("copy", *options, f"oci:{world.home}/images:one", target)
        yield registry


def push(world: World, registry: Registry, name: str) -> None:
    layout = f"oci:{world.home}/images:{name}"
    options = ("--insecure-policy", "--all", "--preserve-digests", "--dest-tls-verify=false")
    skopeo("copy", *options, layout, f"docker://{registry.host}/ns/app:{name}")


def pulled_by_skopeo(world: World, registry: Registry, name: str) -> dict[str, bytes]:
    """Return the blobs that skopeo copies, by hex digits."""
    options = (
        "--insecure-policy",
        "--preserve-digests",
        "--src-tls-verify=false",
        "--remove-signatures",
    )
    source = f"docker://{registry.host}/ns/app:{name}"
    target = world.home / f"theirs-{name}"
    if name == "docker":
        # A layout takes no schema 2 as it is.
        skopeo("copy", *options, source, f"dir:{target}")
        named = ((path.name, path.read_bytes()) for path in target.iterdir())
        return {
            hashlib.sha256(content).hexdigest(): content
            for file, content in named
            if file != "version"
        }
    skopeo("copy", *options, source, f"oci:{target}")
    return {path.name: path.read_bytes() for path in (target / "blobs/sha256").iterdir()}


def in_store(world: World) -> dict[str, bytes]:
    folder = world.home / "store/blobs/sha256"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", [*IMAGES, "docker"])
def test_blob_by_blob_what_skopeo_pulls(world: World, registry: Registry, name: str) -> None:
    reference = f"docker://{registry.host}/ns/app:{name}"
    assert world.run("--insecure-options=image", "fetch", "--check-layers", reference) == 0, (
        world.err
    )
    assert in_store(world) == pulled_by_skopeo(world, registry, name)


def test_from_an_ipv6_address(world: World, registry: Registry, authority: trustme.CA) -> None:
    """The same storage, at an address in brackets: over TLS, by a password, and in plain."""
    certificate, users = authority.issue_cert("::1"), {"c4nary": "c4nary-p4ss"}
    fetch = ("--insecure-options=image", "fetch", "--full", "--no-cache")
    with Registry(world.home / "registry", certificate, users, address="[::1]") as six:
        auths = {f"{six.host}/ns": {"auth": b64encode(b"c4nary:c4nary-p4ss").decode()}}
        file = world.home / ".docker/config.json"
        file.parent.mkdir()
        file.touch(0o600)
        file.write_text(json.dumps({"auths": auths}))
        assert world.run(*fetch, f"docker://{six.host}/ns/app:one") == 0, world.err
        assert world.out.strip() == f"sha256-{ONE.descriptor.digest.hex}"
        assert in_store(world).keys() >= {digest.hex for digest in ONE.blobs}
    with Registry(world.home / "registry", address="[::1]") as plain:
        reference = f"docker://{plain.host}/ns/app:zstd"
        assert world.run(*fetch, reference) == 5
        options = (f"--insecure-registry={plain.host}", *fetch)
        assert world.run(*options, reference) == 0, world.err


def test_signed_by_skopeo(world: World, registry: Registry) -> None:
    """The whole way: a key, ``skopeo standalone-sign``, a lookaside folder, and what is refused."""
    sigstore = world.home / "sigstore"
    host = registry.host
    configuration = world.home / ".config/containers/registries.d"
    configuration.mkdir(parents=True)
    text = f"docker:\n  {host}:\n    lookaside: file://{sigstore}\n"
    (configuration / "tests.yaml").write_text(text)
    manifest = world.home / "manifest.json"
    manifest.write_bytes(ONE.raw)
    with gnupg() as gpg:
        fingerprint = gpg.make_key("maker@example.com", "ed25519")
        (world.home / "maker.asc").write_bytes(gpg.export(fingerprint, armor=True))
        stranger = gpg.make_key("stranger@example.com", "ed25519")
        good = standalone_sign(world, gpg, manifest, f"{host}/ns/app:one", fingerprint)
        bad = standalone_sign(world, gpg, manifest, f"{host}/ns/app:one", stranger)
    prefix = f"{host.replace(':', '-')}/ns/app"
    trust = ("trust", "add", "--prefix", prefix, "--skip-fingerprint-review", "maker.asc")
    assert world.run(*trust) == 0, world.err
    place = sigstore / f"ns/app@sha256={ONE.descriptor.digest.hex}"
    place.mkdir(parents=True)
    reference = f"docker://{host}/ns/app:one"
    # Nobody signed, a stranger did, then the maker did, too.
    assert world.run("fetch", reference) == 6, world.err
    (place / "signature-1").write_bytes(bad)
    assert world.run("fetch", reference) == 6, world.err
    assert not [line for line in registry.requests if "/blobs/" in line and line.startswith("GET")]
    (place / "signature-2").write_bytes(good)
    assert world.run("fetch", reference) == 0, world.err
    assert f"SHA-256 {fingerprint}" in world.err or fingerprint[:4].upper() in world.err
    assert in_store(world) == pulled_by_skopeo(world, registry, "one")
    # The same signature says nothing of another tag.
    options = ("--insecure-policy", "--preserve-digests", "--dest-tls-verify=false")
    layout = f"oci:{world.home}/images:one"
    skopeo("copy", *options, layout, f"docker://{host}/ns/app:two")
    assert world.run("fetch", f"docker://{host}/ns/app:two") == 6, world.err
    assert world.run("verify", reference) == 0, world.err
    assert world.out == f"{host}/ns/app@{ONE.descriptor.digest}\n"


def standalone_sign(
    world: World, gpg: GnuPG, manifest: Path, reference: str, fingerprint: str
) -> bytes:
    target = world.home / "signature"
    command = ("standalone-sign", str(manifest), reference, fingerprint, "-o", str(target))
    skopeo(*command, environment={"GNUPGHOME": str(gpg.home)})
    return target.read_bytes()


def test_only_layers_that_are_not_stored_travel(world: World, registry: Registry) -> None:
    shared = make_layer({"data": incompressible(50_000)})
    first, second = make_image(shared, {"v": b"1"}), make_image(shared, {"v": b"2"})
    write_layout(world, {"first": first, "second": second})
    for name in ("first", "second"):
        push(world, registry, name)
    for name in ("first", "second"):
        reference = f"docker://{registry.host}/ns/app:{name}"
        assert world.run("--insecure-options=image", "fetch", reference) == 0, world.err
    fetched = [line for line in registry.requests if str(shared.descriptor.digest) in line]
    assert len([line for line in fetched if line.startswith("GET")]) == 1


def test_a_password(world: World, authority: trustme.CA) -> None:
    certificate = authority.issue_cert("127.0.0.1")
    users = {"ann": "secret of ann"}
    with Registry(world.home / "registry", certificate, users) as registry:
        write_layout(world, {"one": ONE})
        options = ("--insecure-policy", "--preserve-digests", "--dest-tls-verify=false")
        layout, target = f"oci:{world.home}/images:one", f"docker://{registry.host}/ns/app:one"
        skopeo("copy", *options, "--dest-creds=ann:secret of ann", layout, target)
        command = ("--insecure-options=image", "--debug", "fetch", target)
        assert world.run(*command) == 5
        assert "credentials" in world.err
        auth = world.home / ".config/containers/auth.json"
        auth.parent.mkdir(parents=True, exist_ok=True)
        login = ("login", "--tls-verify=false", "--username=ann", "--password-stdin")
        skopeo(*login, f"--authfile={auth}", registry.host, stdin=b"secret of ann")
        assert world.run(*command) == 0, world.err
        assert "secret of ann" not in world.err
        assert in_store(world).keys() == {digest.hex for digest in ONE.blobs}


def test_a_pull_that_is_killed_goes_on(world: World, registry: Registry) -> None:
    layers = [make_layer({f"{n}": incompressible(6_000_000, seed=n)}) for n in range(3)]
    image = make_image(*layers)
    write_layout(world, {"large": image})
    push(world, registry, "large")
    reference = f"docker://{registry.host}/ns/app:large"
    command = [sys.executable, "-m", "pipeline", "--insecure-options=image", "fetch", reference]
    before = len(registry.requests)
    for _ in range(3):
        process = subprocess.Popen(
            [*command[:3], "--limit-rate=4M", *command[3:]],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 30
        while held(world) == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.7)
        process.send_signal(signal.SIGKILL)
        process.wait()
    kept = held(world)
    assert kept > 0
    assert world.run(*command[3:]) == 0, world.err
    assert in_store(world).keys() == {digest.hex for digest in image.blobs}
    answered = [line for line in registry.requests[before:] if "/blobs/" in line]
    assert any(line.endswith(" 206") for line in answered)
    assert world.run("store", "verify") == 0, world.out


def held(world: World) -> int:
    """The bytes in partial downloads."""
    return sum(path.stat().st_size for path in (world.home / "store/partials").glob("*/data"))


def write_layout(world: World, images: dict[str, MadeImage]) -> None:
    for path, content in layout_files(images).items():
        file = world.home / "images" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def test_tags_are_those_that_skopeo_lists(world: World, registry: Registry) -> None:
    listed = skopeo("list-tags", "--tls-verify=false", f"docker://{registry.host}/ns/app")
    assert world.run("tags", f"docker://{registry.host}/ns/app") == 0, world.err
    assert sorted(world.out.split()) == sorted(json.loads(listed.stdout)["Tags"])


def test_inspect_raw_is_what_skopeo_shows(world: World, registry: Registry) -> None:
    reference = f"docker://{registry.host}/ns/app:one"
    raw = skopeo("inspect", "--raw", "--tls-verify=false", reference).stdout
    assert world.run("inspect", "--raw", reference) == 0, world.err
    assert world.out.encode() == raw
    config = skopeo("inspect", "--config", "--raw", "--tls-verify=false", reference).stdout
    assert world.run("inspect", "--raw-config", reference) == 0, world.err
    assert world.out.encode() == config


def test_over_plain_http_only_where_somebody_said_so(world: World) -> None:
    with Registry(world.home / "plain") as registry:
        write_layout(world, {"one": ONE})
        push(world, registry, "one")
        reference = f"docker://{registry.host}/ns/app:one"
        assert world.run("--insecure-options=image", "fetch", reference) == 5
        allowed = ("--insecure-options=image", f"--insecure-registry={registry.host}")
        assert world.run(*allowed, "fetch", reference) == 0, world.err
        assert os.environ.get("HOME") == str(world.home)
