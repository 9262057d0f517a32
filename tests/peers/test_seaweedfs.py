"""A private object on a real S3 server is fetched with a key from auth.d, and with no other."""

import ssl
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import trustme

from pipeline.adapters import HttpSettings, HttpTransport, SystemClock, parse_connect_to
from pipeline.errors import HttpStatus
from pipeline.ports import Credentials
from tests.adapters.credentials.cases import auth, put, read
from tests.adapters.http.conftest import ListSink, get
from tests.peers.seaweedfs import KEY_ID, SECRET_KEY, SeaweedFS

pytestmark = pytest.mark.peer

HOST = "s3.example.com"
REGION = "us-east-1"
IMAGE = b"image" * 100_000
KEYS = ["app.aci", "a b/ä~+!'()*.aci", "deep/er/%41=&,;:@$.aci", "[x].aci"]


def put_object(server: SeaweedFS, ca_file: Path, path: str, content: bytes) -> None:
    """PUT what Amazon's own code signed; a path without a key is a bucket."""
    url = f"https://{HOST}:{server.port}{quote(path, safe='/~')}"
    key = import_module("botocore.credentials").Credentials(KEY_ID, SECRET_KEY)
    request: Any = import_module("botocore.awsrequest").AWSRequest("PUT", url, data=content)
    request.headers["Host"] = f"{HOST}:{server.port}"
    import_module("botocore.auth").S3SigV4Auth(key, "s3", REGION).add_auth(request)
    context = ssl.create_default_context(cafile=str(ca_file))
    with httpx.Client(verify=context, trust_env=False) as client:
        answer = client.put(
            url.replace(HOST, "127.0.0.1", 1),
            content=content,
            headers=dict(request.headers.items()),
            extensions={"sni_hostname": HOST},
        )
    assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def ca_file(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Path:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA, ca_file: Path
) -> Iterator[SeaweedFS]:
    folder = tmp_path_factory.mktemp("seaweedfs")
    with SeaweedFS(folder, authority.issue_cert(HOST)) as running:
        put_object(running, ca_file, "/images", b"")
        for key in KEYS:
            put_object(running, ca_file, f"/images/{key}", IMAGE)
        yield running


def with_secret(home: Path, server: SeaweedFS, secret: str) -> Credentials:
    """Read credentials that a user set for the server."""
    keys = {"accessKeyID": KEY_ID, "secretAccessKey": secret, "awsRegion": REGION}
    put(home / "local", "s3.json", auth(f"{HOST}:{server.port}", kind="aws", **keys))
    return read(home).unwrap()


def open_transport(
    server: SeaweedFS, ca_file: Path, credentials: Credentials | None
) -> HttpTransport:
    rule = parse_connect_to(f"{HOST}:{server.port}:127.0.0.1:{server.port}").unwrap()
    settings = HttpSettings(ca_file=str(ca_file), connect_to=(rule,))
    if credentials is None:
        return HttpTransport(settings, SystemClock())
    return HttpTransport(settings, SystemClock(), credentials=credentials)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("safe", ["/~", "/~!'()*+,;:@$=&"])
def test_a_private_object(
    server: SeaweedFS, ca_file: Path, tmp_path: Path, key: str, safe: str
) -> None:
    """However the URL spells the key, what is signed is what the server understands."""
    sink = ListSink()
    url = f"https://{HOST}:{server.port}/images/{quote(key, safe=safe)}?x-id=GetObject&b=%2b"
    with open_transport(server, ca_file, with_secret(tmp_path, server, SECRET_KEY)) as transport:
        answer = transport.fetch(get(url), sink).unwrap()
        assert sink.content == IMAGE
        again = transport.fetch(get(url, etag=answer.validators.etag), ListSink()).unwrap()
        assert again.status == 304


@pytest.mark.parametrize("secret", [None, "another"])
def test_without_the_secret_nothing(
    server: SeaweedFS, ca_file: Path, tmp_path: Path, secret: str | None
) -> None:
    credentials = None if secret is None else with_secret(tmp_path, server, secret)
    url = f"https://{HOST}:{server.port}/images/app.aci"
    with open_transport(server, ca_file, credentials) as transport:
        failure = transport.fetch(get(url), ListSink()).failure()
    assert failure == HttpStatus(url, 403)
