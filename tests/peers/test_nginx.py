"""The real nginx over TLS: a discovery page, an image, its signature, and asking again."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from pipeline.adapters.appc import AppcDiscovery
from pipeline.adapters.clock import SystemClock
from pipeline.adapters.http import HttpSettings, HttpTransport, parse_connect_to
from pipeline.addresses import AddressScope
from pipeline.errors import HttpStatus
from pipeline.names import ImageName, Label, LabelName, Labels
from pipeline.ports import Request
from pipeline.results import Candidate, Validators
from pipeline.testing.fakes import EventLog
from tests.adapters.http.conftest import ListSink
from tests.peers.nginx import Nginx
from tests.support.sinks import ResumableSink

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
    # Where the server is, nobody can tell: a rule has led there.
    named_by = AddressScope.PUBLIC
    assert found.unwrap() == (Candidate(f"{base}.aci", f"{base}.aci.asc", named_by),)
    keys = discovery.public_keys(ImageName("example.com/app"))
    assert [place.url for place in keys.unwrap()] == ["https://files.example.com/key.asc"]


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


def statuses(transport: HttpTransport, nginx: Nginx) -> list[str]:
    """Return how the part was answered; a request after those sees to it that all are logged."""
    transport.fetch(get("/none"), ListSink())
    return [line.split('" ')[1][:3] for line in nginx.requests if "part.aci" in line]


class TestTheRestOfWhatIsHeld:
    """Range and If-Range as a server has them that half of the web runs on."""

    @pytest.fixture
    def path(self, nginx: Nginx) -> str:
        (nginx.root / "files" / "part.aci").write_bytes(IMAGE)
        return "/files/part.aci"

    @pytest.fixture
    def etag(self, transport: HttpTransport, path: str) -> str:
        first = transport.fetch(get(path), ListSink()).unwrap()
        assert first.validators.etag is not None
        return first.validators.etag

    def test_the_same_file(
        self, transport: HttpTransport, nginx: Nginx, path: str, etag: str
    ) -> None:
        sink = ResumableSink.holding(IMAGE[:1000], len(IMAGE), etag)
        response = transport.fetch(get(path), sink).unwrap()
        assert statuses(transport, nginx)[-1] == "206"
        assert (bytes(sink.content), sink.written) == (IMAGE, len(IMAGE) - 1000)
        assert (response.status, response.size) == (200, len(IMAGE))

    def test_by_its_date(self, transport: HttpTransport, nginx: Nginx, path: str) -> None:
        os.utime(nginx.root / "files" / "part.aci", (1_500_000_000, 1_500_000_000))
        date = transport.fetch(get(path), ListSink()).unwrap().validators.last_modified
        sink = ResumableSink.holding(IMAGE[:1000], len(IMAGE), None, date)
        transport.fetch(get(path), sink).unwrap()
        assert statuses(transport, nginx)[-1] == "206"
        assert (bytes(sink.content), sink.written) == (IMAGE, len(IMAGE) - 1000)

    def test_another_file_since(
        self, transport: HttpTransport, nginx: Nginx, path: str, etag: str
    ) -> None:
        (nginx.root / "files" / "part.aci").write_bytes(IMAGE[::-1] + b"!")
        sink = ResumableSink.holding(IMAGE[:1000], len(IMAGE), etag)
        transport.fetch(get(path), sink).unwrap()
        assert statuses(transport, nginx)[-1] == "200"
        assert bytes(sink.content) == IMAGE[::-1] + b"!"

    def test_a_complete_one(
        self, transport: HttpTransport, nginx: Nginx, path: str, etag: str
    ) -> None:
        sink = ResumableSink.holding(IMAGE, len(IMAGE), etag)
        transport.fetch(get(path), sink).unwrap()
        assert statuses(transport, nginx)[-1] == "206"
        assert (bytes(sink.content), sink.written) == (IMAGE, 1)

    def test_more_than_there_is(
        self, transport: HttpTransport, nginx: Nginx, path: str, etag: str
    ) -> None:
        sink = ResumableSink.holding(IMAGE + b"!!", None, etag)
        transport.fetch(get(path), sink).unwrap()
        assert statuses(transport, nginx)[-2:] == ["416", "200"]
        assert bytes(sink.content) == IMAGE

    def test_both_questions_at_once(
        self, transport: HttpTransport, nginx: Nginx, path: str, etag: str
    ) -> None:
        """RFC 9110 13.2.2: what is stored first, then what is held."""
        sink = ResumableSink.holding(IMAGE[:1000], len(IMAGE), etag)
        assert transport.fetch(get(path, Validators(etag)), sink).unwrap().status == 304
        assert bytes(sink.content) == IMAGE[:1000]
        assert transport.fetch(get(path, Validators('"older"')), sink).unwrap().status == 200
        assert statuses(transport, nginx)[-1] == "206"
        assert (bytes(sink.content), sink.written) == (IMAGE, len(IMAGE) - 1000)
        again = ResumableSink.holding(IMAGE[:1000], len(IMAGE), '"older"')
        assert transport.fetch(get(path, Validators(etag)), again).unwrap().status == 304
