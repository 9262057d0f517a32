"""The real nginx over TLS: a discovery page, an image, its signature, and asking again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from pipeline.adapters.appc import AppcDiscovery
from pipeline.adapters.clock import SystemClock
from pipeline.adapters.http import HttpSettings, HttpTransport, parse_connect_to
from pipeline.errors import HttpStatus
from pipeline.names import ImageName, Label, LabelName, Labels
from pipeline.ports import Request
from pipeline.results import Candidate, Validators
from pipeline.testing.fakes import EventLog
from tests.adapters.http.conftest import ListSink
from tests.peers.nginx import Nginx

pytestmark = pytest.mark.peer

PAGE = """<!doctype html><html><head><title>Images</title>
<meta name="ac-discovery"
  content="example.com/app https://files.example.com/{name}-{version}.{ext}">
<meta name="ac-discovery-pubkeys" content="example.com/app https://files.example.com/key.asc">
</head><body>""" + ("<p>words</p>" * 1000)
IMAGE = b"image" * 100_000
DIRECTIVES = """
        absolute_redirect off;
        gzip on; gzip_types *; gzip_min_length 1;
        location = /app { default_type text/html; try_files /page.html =404; }
        location /moved/ { rewrite ^/moved/(.*)$ /files/$1 permanent; }
        location = /later.asc { return 202; }
        add_header Cache-Control max-age=60;
"""


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[Nginx]:
    certificate = authority.issue_cert("example.com", "files.example.com")
    with Nginx(tmp_path_factory.mktemp("nginx"), certificate, DIRECTIVES) as running:
        files = running.root / "files"
        files.mkdir()
        (running.root / "page.html").write_text(PAGE)
        (files / "app.aci").write_bytes(IMAGE)
        yield running


@pytest.fixture
def transport(nginx: Nginx, authority: trustme.CA, tmp_path: Path) -> Iterator[HttpTransport]:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    rule = parse_connect_to(f":443:127.0.0.1:{nginx.tls_port}").unwrap()
    settings = HttpSettings(ca_file=str(tmp_path / "ca.pem"), connect_to=(rule,))
    with HttpTransport(settings, SystemClock(), EventLog()) as opened:
        yield opened


def get(path: str, validators: Validators = Validators()) -> Request:
    url = f"https://files.example.com{path}"
    return Request(url, 1 << 24, 10, 20, validators=validators)


def test_discovery_from_a_page_that_nginx_would_compress(transport: HttpTransport) -> None:
    discovery = AppcDiscovery(transport, observer=EventLog())
    labels = Labels((Label(LabelName("version"), "1.0"),))
    found = discovery.endpoints(ImageName("example.com/app/part"), labels)
    base = "https://files.example.com/example.com/app/part-1.0"
    assert found.unwrap() == (Candidate(f"{base}.aci", f"{base}.aci.asc"),)
    keys = discovery.public_keys(ImageName("example.com/app"))
    assert keys.unwrap() == ("https://files.example.com/key.asc",)


def test_an_image_and_asking_whether_it_changed(transport: HttpTransport, nginx: Nginx) -> None:
    sink = ListSink()
    first = transport.fetch(get("/files/app.aci"), sink).unwrap()
    assert sink.content == IMAGE
    assert first.freshness.max_age_seconds == 60
    assert first.validators.etag is not None
    again = ListSink()
    second = transport.fetch(get("/files/app.aci", first.validators), again).unwrap()
    assert (second.status, second.validators, again.content) == (304, first.validators, b"")
    dated = Validators(None, first.validators.last_modified)
    assert transport.fetch(get("/files/app.aci", dated), again).unwrap().status == 304
    (nginx.root / "files" / "app.aci").write_bytes(IMAGE + b"!")
    third = transport.fetch(get("/files/app.aci", first.validators), again).unwrap()
    assert (third.status, again.content) == (200, IMAGE + b"!")


def test_redirects_deferral_and_absence(transport: HttpTransport) -> None:
    moved = transport.fetch(get("/moved/app.aci"), ListSink()).unwrap()
    assert moved.url == "https://files.example.com/files/app.aci"
    assert transport.fetch(get("/later.asc"), ListSink()).unwrap().status == 202
    absent = transport.fetch(get("/none"), ListSink()).failure()
    assert absent == HttpStatus("https://files.example.com/none", 404)
