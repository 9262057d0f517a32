"""The store in a bucket of a real S3 server, filled from a real registry, by the command."""

import io
import itertools
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import trustme
from botocore.session import Session

from pipeline.adapters import BucketStore, QuarantineFolder, SystemClock, open_bucket
from pipeline.adapters.bucket.failures import Refused
from pipeline.bucket_path import BucketPath
from pipeline.digest import Digest
from pipeline.errors import StoreUnavailable
from pipeline.limits import BUCKET_PART_BYTES
from pipeline.ports import Clock
from pipeline.testing.conformance import check_store
from pipeline.testing.oci import incompressible, layout_files, make_image, make_layer
from tests.peers.registry import Registry, skopeo
from tests.peers.seaweedfs import KEY_ID, SECRET_KEY, SeaweedFS
from tests.support.world import REFERENCE, World

pytestmark = pytest.mark.peer

BUCKET = "images"
LARGE = incompressible(BUCKET_PART_BYTES + 4_000_000)
SHARED = make_layer({"bin/app": b"one"})
ONE = make_image(SHARED, make_layer({"data": LARGE}, compression="none"))
TWO = make_image(SHARED, {"etc/app": b"another"})
IMAGES = {"one": ONE, "two": TWO}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[SeaweedFS]:
    folder = tmp_path_factory.mktemp("seaweedfs")
    with SeaweedFS(folder, authority.issue_cert("127.0.0.1")) as running:
        yield running


@pytest.fixture
def client(server: SeaweedFS, world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Amazon's own client, as the world's user has set it; the bucket is there."""
    for name, value in {
        "AWS_ENDPOINT_URL_S3": f"https://127.0.0.1:{server.port}",
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "XDG_CACHE_HOME": str(world.home / "cache"),
    }.items():
        monkeypatch.setenv(name, value)
    made: Any = Session().create_client("s3", verify=str(world.home / "ca.pem"))
    with suppress(made.exceptions.BucketAlreadyOwnedByYou):
        made.create_bucket(Bucket=BUCKET)
    return made


@pytest.fixture
def target(client: Any, tmp_path: Path) -> str:
    """A place in the bucket that nothing else is in."""
    return f"s3://{BUCKET}/{sha256(str(tmp_path).encode()).hexdigest()[:16]}"


@pytest.fixture
def registry(world: World, authority: trustme.CA) -> Iterator[Registry]:
    with Registry(world.home / "registry", authority.issue_cert("127.0.0.1")) as registry:
        for path, content in layout_files(IMAGES).items():
            file = world.home / "images" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        for name in IMAGES:
            options = ("--insecure-policy", "--preserve-digests", "--dest-tls-verify=false")
            source, place = f"oci:{world.home}/images:{name}", f"{registry.host}/ns/app:{name}"
            skopeo("copy", *options, source, f"docker://{place}")
        yield registry


def open_target(target: str, world: World, clock: Clock | None = None) -> BucketStore:
    bucket, _, prefix = target.removeprefix("s3://").partition("/")
    opened = open_bucket(
        BucketPath(bucket, prefix),
        clock=clock or SystemClock(),
        rooms=QuarantineFolder(world.home / "rooms"),
        ca_file=str(world.home / "ca.pem"),
        retries=0,
    )
    return opened.unwrap()


def listed(client: Any, target: str, below: str = "") -> dict[str, object]:
    """When each object was written last."""
    prefix = f"{target.removeprefix(f's3://{BUCKET}/')}/"
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Prefix=f"{prefix}{below}"
    )
    return {
        each["Key"].removeprefix(prefix): each["LastModified"]
        for page in pages
        for each in page.get("Contents", ())
    }


def test_conforms(world: World, target: str) -> None:
    """Each store went through a pickle, as it does on its way to another machine."""
    numbers = itertools.count()

    def make_store(clock: Clock) -> BucketStore:
        store = open_target(f"{target}/{next(numbers)}", world, clock)
        content = pickle.dumps(store)
        assert SECRET_KEY.encode() not in content
        restored: BucketStore = pickle.loads(content)
        object.__setattr__(restored, "clock", clock)
        return restored

    check_store(make_store)


def test_from_a_registry(world: World, client: Any, target: str, registry: Registry) -> None:
    def run(*arguments: str) -> int:
        return world.run(f"--store={target}", "--insecure-options=image", *arguments)

    for name in IMAGES:
        assert run("fetch", f"docker://{registry.host}/ns/app:{name}") == 0, world.err
    blobs = listed(client, target, "blobs/")
    wanted = {f"blobs/sha256/{digest.hex}" for each in IMAGES.values() for digest in each.blobs}
    assert set(blobs) == wanted
    # What two images share came once, and again nothing does.
    requests = registry.requests
    shared = SHARED.descriptor.digest
    assert sum(f"/blobs/{shared}" in each and "GET" in each for each in requests) == 1
    before = listed(client, target)
    for name in IMAGES:
        assert run("fetch", "--no-cache", f"docker://{registry.host}/ns/app:{name}") == 0
    assert not [each for each in registry.requests[len(requests) :] if "/blobs/" in each]
    assert listed(client, target, "blobs/") == blobs
    assert listed(client, target).keys() == before.keys()
    # The listing, the newest first.
    assert run("image", "list", "--no-legend", "--fields=name") == 0
    assert len(world.out.splitlines()) == 2
    # Each leaves the bucket as it is.
    for name, image in IMAGES.items():
        image_id = image.descriptor.digest.image_id
        assert run("image", "manifest", image_id) == 0
        assert world.out.encode().removesuffix(b"\n") == image.raw
        assert run("image", "export", "--format=oci", image_id, f"out-{name}") == 0, world.err
        exported = (world.home / f"out-{name}/blobs/sha256").iterdir()
        contents = {path.name: path.read_bytes() for path in exported}
        assert contents == {digest.hex: content for digest, content in image.blobs.items()}
    assert run("image", "verify", "--all") == 0, world.err
    # Gone, and the other one whole.
    assert run("image", "rm", ONE.descriptor.digest.image_id) == 0, world.err
    assert run("image", "manifest", ONE.descriptor.digest.image_id) == 8
    assert run("image", "export", "--format=oci", TWO.descriptor.digest.image_id, "again") == 0


def test_a_signed_archive(world: World, client: Any, target: str) -> None:
    world.publish()
    world.trust()
    assert world.run(f"--store={target}", "fetch", REFERENCE) == 0, world.err
    image_id = world.out.strip()
    assert not (world.home / "store").exists()
    assert world.run(f"--store={target}", "fetch", "--pull-policy=never", REFERENCE) == 0
    assert world.out.strip() == image_id
    assert world.run(f"--store={target}", "image", "verify", REFERENCE) == 0, world.err
    assert world.run(f"--store={target}", "image", "export", REFERENCE, "app.aci") == 0, world.err
    damaged = next(key for key in listed(client, target) if key.startswith("blobs/"))
    prefix = target.removeprefix(f"s3://{BUCKET}/")
    client.put_object(Bucket=BUCKET, Key=f"{prefix}/{damaged}", Body=b"another")
    assert world.run(f"--store={target}", "image", "verify", REFERENCE) == 8
    client.delete_object(Bucket=BUCKET, Key=f"{prefix}/{damaged}")
    assert world.run(f"--store={target}", "image", "verify", "--all") == 8
    assert "it is gone" in world.err


@pytest.mark.parametrize("words", ["store verify", "store rebuild", "store stats", "image gc"])
def test_what_is_done_to_folders_alone(world: World, words: str) -> None:
    assert world.run("--store=s3://images/mirror", *words.split()) == 9
    assert '--store is "s3://images/mirror", wanted a folder' in world.err


@pytest.mark.parametrize(
    ("name", "value", "bucket", "code", "wanted"),
    [
        ("AWS_SECRET_ACCESS_KEY", "another-secret", BUCKET, 8, "SignatureDoesNotMatch"),
        ("AWS_ACCESS_KEY_ID", "another-id", BUCKET, 8, "does not know the access key"),
        ("AWS_REGION", "us-east-1", "no-such-bucket", 8, "no such bucket"),
        ("AWS_ENDPOINT_URL_S3", "https://127.0.0.1:1", BUCKET, 8, "the connection failed"),
        ("AWS_ENDPOINT_URL_S3", "https://:pass@[", BUCKET, 8, "cannot be used as it is set"),
        ("AWS_ENDPOINT_URL_S3", "http://a:pass@127.0.0.1:1", BUCKET, 9, "wanted https"),
        ("AWS_PROFILE", "no-such-profile", BUCKET, 8, "no profile"),
        ("IMAGE_PIPELINE_CA_FILE", "another", BUCKET, 8, "certificate is not to be trusted"),
    ],
)
def test_what_is_wrong_is_said(
    world: World,
    client: Any,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    bucket: str,
    code: int,
    wanted: str,
) -> None:
    """And no secret with it."""
    if name == "IMAGE_PIPELINE_CA_FILE":
        trustme.CA().cert_pem.write_to_path(str(world.home / "another"))
    monkeypatch.setenv(name, value)
    assert world.run(f"--store=s3://{bucket}/mirror", "image", "list") == code, world.err
    assert wanted in world.err
    for secret in (SECRET_KEY, "another-secret", "pass@"):
        assert secret not in world.err


def test_nobody_is_asked_without_credentials(
    world: World, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert world.run(f"--store=s3://{BUCKET}/mirror", "image", "list") == 8
    assert "no credentials are set" in world.err


def test_the_service_compares_digests(world: World, client: Any, target: str) -> None:
    """What changes between quarantine and bucket never gets there."""
    objects = open_target(target, world).objects
    right, key = b"content", "blobs/sha256/00"
    digest = Digest("sha256", sha256(right).hexdigest())
    with pytest.raises(Refused) as refused:
        objects.upload(key, io.BytesIO(b"CONTENT"), len(right), digest)
    assert isinstance(refused.value.error, StoreUnavailable)
    assert "changed on the way" in refused.value.error.reason
    assert objects.size_of(key) is None
    objects.upload(key, io.BytesIO(right), len(right), digest)
    assert objects.size_of(key) == len(right)


def test_large_objects(world: World, client: Any, target: str) -> None:
    """In parts, and read from any place."""
    objects = open_target(target, world).objects
    digest = Digest("sha256", sha256(LARGE).hexdigest())
    objects.upload("blobs/sha256/00", io.BytesIO(LARGE), len(LARGE), digest)
    opened = objects.open("blobs/sha256/00")
    assert opened is not None
    with opened as file:
        assert file.read() == LARGE
        file.seek(-10, os.SEEK_END)
        assert file.read() == LARGE[-10:]
        file.seek(BUCKET_PART_BYTES - 5)
        assert file.read(10) == LARGE[BUCKET_PART_BYTES - 5 : BUCKET_PART_BYTES + 5]
    assert objects.open("blobs/sha256/01") is None


def test_killed_again_and_again(world: World, client: Any, target: str, registry: Registry) -> None:
    """What is there is whole; whoever comes next ends it."""
    command = [sys.executable, "-m", "pipeline", f"--store={target}", "--insecure-options=image"]
    fetch = [*command, "fetch", "--full", f"docker://{registry.host}/ns/app:one"]
    for below in ("store.json", "blobs/", "newest/", "images/"):
        process = subprocess.Popen(fetch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while process.poll() is None and not listed(client, target, below):
            assert time.monotonic() < deadline
        process.send_signal(signal.SIGKILL)
        process.wait()
        store = open_target(target, world)
        for image in store.list_images().unwrap():
            assert image.image_id == ONE.descriptor.digest
            for digest, content in ONE.blobs.items():
                with store.open_blob(digest).unwrap() as file:
                    assert file.read() == content
    done = subprocess.run(fetch, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().strip() == ONE.descriptor.digest.image_id
    assert (
        world.run(f"--store={target}", "--insecure-options=image", "image", "verify", "--all") == 0
    )
