"""docs/how-to/own-transport.md, as it stands, against a real S3 server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import obstore
import pytest
import trustme
from obstore.store import S3Store
from returns.pipeline import is_successful
from returns.result import Failure

from pipeline import parse_image_name
from pipeline.adapters import (
    FileKeystore,
    HttpSettings,
    HttpTransport,
    MemoryQuarantine,
    SystemClock,
    parse_connect_to,
)
from pipeline.digest import parse_digest
from pipeline.errors import DiskFull, HttpStatus, InvalidUrl
from pipeline.ports import Request
from pipeline.testing.conformance import TransportUnderTest, check_transport
from pipeline.trust import Fingerprint
from tests.docs import how_to
from tests.peers.seaweedfs import KEY_ID, SECRET_KEY, SeaweedFS
from tests.support.sinks import ResumableSink
from tests.support.world import HOST, make_image, make_key, sign

pytestmark = pytest.mark.peer

S3_HOST = "s3.example.com"
REGION = "us-east-1"
BODY = b"image" * 200_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[SeaweedFS]:
    certificate = authority.issue_cert(S3_HOST, "127.0.0.1")
    with SeaweedFS(tmp_path_factory.mktemp("seaweedfs"), certificate) as running:
        yield running


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The page's code, where the environment says who asks."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    return how_to.run("own-transport")


def put(server: SeaweedFS, authority: trustme.CA, key: str, content: bytes) -> None:
    """Put an object with the client's own PUT; the first one makes the bucket."""
    bucket = S3Store(
        "images",
        endpoint=f"https://127.0.0.1:{server.port}",
        region=REGION,
        access_key_id=KEY_ID,
        secret_access_key=SECRET_KEY,
        client_options={"root_certificate": authority.cert_pem.bytes()},
    )
    obstore.put(bucket, key, content)


def settings(server: SeaweedFS, authority: trustme.CA, folder: Path) -> HttpSettings:
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    rule = parse_connect_to(f"{S3_HOST}:443:127.0.0.1:{server.port}").unwrap()
    return HttpSettings(ca_file=str(ca_file), connect_to=(rule,))


@pytest.fixture
def web(server: SeaweedFS, authority: trustme.CA, tmp_path: Path) -> Iterator[HttpTransport]:
    with HttpTransport(settings(server, authority, tmp_path), SystemClock()) as transport:
        yield transport


def request(url: str, **limits: int) -> Request:
    return Request(url, limits.get("max_bytes", 1 << 20), 10.0, 10.0)


def test_it_keeps_what_the_port_promises(
    server: SeaweedFS, authority: trustme.CA, page: Any, web: HttpTransport
) -> None:
    s3 = page.open_bucket(f"https://{S3_HOST}", "images", REGION, web)

    @contextmanager
    def serve(content: bytes) -> Iterator[TransportUnderTest]:
        put(server, authority, "conformance/a b.aci", content)
        url = f"{s3.base}conformance/a%20b.aci"
        yield TransportUnderTest(s3, url, f"{s3.base}conformance/missing")

    check_transport(serve)


def test_what_broke_off_is_gone_on_with(
    server: SeaweedFS, authority: trustme.CA, page: Any, web: HttpTransport
) -> None:
    s3 = page.open_bucket(f"https://{S3_HOST}", "images", REGION, web)
    put(server, authority, "app.aci", BODY)
    url, first = f"{s3.base}app.aci", ResumableSink(room=600_000)
    broken = s3.fetch(request(url), first)
    assert broken == Failure(DiskFull("/full"))
    held = len(first.content)
    assert 0 < held <= 600_000
    first.room = 1 << 30
    response = s3.fetch(request(url), first).unwrap()
    assert bytes(first.content) == BODY
    # Not a byte came twice, and nobody was told of the signature.
    assert first.written == len(BODY)
    assert {start.url for start in first.begun} == {response.url} == {url}


@pytest.mark.parametrize("secret", ["another", "tests"])
def test_another_key_gets_nothing_and_is_not_shown(
    server: SeaweedFS,
    authority: trustme.CA,
    page: Any,
    web: HttpTransport,
    secret: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(server, authority, "app.aci", BODY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    s3 = page.open_bucket(f"https://{S3_HOST}", "images", REGION, web)
    failure = s3.fetch(request(f"{s3.base}app.aci"), ResumableSink()).failure()
    assert failure == HttpStatus(f"{s3.base}app.aci", 403)
    assert KEY_ID not in repr(failure)


def test_the_page_pulls_an_image(
    server: SeaweedFS,
    authority: trustme.CA,
    page: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key, image = make_key(), make_image()
    put(server, authority, "app.aci", image)
    put(server, authority, "app.aci.asc", sign(key, image))
    monkeypatch.chdir(tmp_path)
    here = settings(server, authority, tmp_path)
    page.pull_from_bucket.__globals__["HttpSettings"] = lambda: here
    fingerprint = Fingerprint(str(key.fingerprint).replace(" ", "").lower())
    keystore = FileKeystore(system=tmp_path / "system", local=tmp_path / "config")
    prefix = parse_image_name(f"{HOST}/app").unwrap()
    keystore.add(prefix, {fingerprint: bytes(key.pubkey)}).unwrap()
    image_id = page.pull_from_bucket(f"https://{S3_HOST}/images/app.aci")
    assert is_successful(parse_digest(image_id))
    with HttpTransport(here, SystemClock()) as web:
        s3 = page.open_bucket(f"https://{S3_HOST}", "images", REGION, web)
        elsewhere = page.make_pull(s3, MemoryQuarantine())(f"https://{HOST}/app.aci").failure()
    assert isinstance(elsewhere.cause, InvalidUrl)
