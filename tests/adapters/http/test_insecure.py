"""Origins that the user said are insecure: exactly these, and nobody is led to them unasked."""

import pytest
from returns.pipeline import is_successful

from pipeline.adapters.http import HttpSettings, InsecureOrigin
from pipeline.errors import InsecureUrl, TlsFailed
from pipeline.events import Noticed
from pipeline.testing.fakes import EventLog
from tests.adapters.http.conftest import ListSink, Open, get
from tests.adapters.http.test_proving import moved
from tests.adapters.http.test_tls import MakeTls
from tests.support.fault_server import FaultServer, http


def test_plain_http_to_exactly_that_origin(open_transport: Open) -> None:
    with FaultServer({"/": http(b"x")}) as server, FaultServer({"/": http(b"x")}) as other:
        settings = HttpSettings(insecure=(InsecureOrigin("http", "127.0.0.1", server.port),))
        transport = open_transport(settings)
        transport.fetch(get(server.url("/")), ListSink()).unwrap()
        for url in (other.url("/"), f"http://localhost:{server.port}/", "http://127.0.0.1/"):
            assert transport.fetch(get(url), ListSink()).failure() == InsecureUrl(url)
        assert other.asked == []


def test_one_for_https_is_none_for_http(open_transport: Open) -> None:
    with FaultServer({"/": http(b"x")}) as server:
        settings = HttpSettings(insecure=(InsecureOrigin("https", "127.0.0.1", server.port),))
        error = open_transport(settings).fetch(get(server.url("/")), ListSink()).failure()
    assert error == InsecureUrl(server.url("/"))


def test_nor_the_other_way_round(open_transport: Open, make_tls: MakeTls) -> None:
    with FaultServer({"/": http(b"x")}, make_tls("127.0.0.1")) as server:
        settings = HttpSettings(insecure=(InsecureOrigin("http", "127.0.0.1", server.port),))
        error = open_transport(settings).fetch(get(server.url("/")), ListSink()).failure()
        assert server.asked == []
    assert isinstance(error, TlsFailed)


def test_no_redirect_from_https_to_it(
    open_transport: Open, make_tls: MakeTls, ca_file: str
) -> None:
    """CVE-2014-5277: whoever builds a URL says http, and no server does."""
    with FaultServer({"/": http(b"x")}) as plain:
        with FaultServer({"/": moved(plain.url("/"))}, make_tls("127.0.0.1")) as secure:
            insecure = (InsecureOrigin("http", "127.0.0.1", plain.port),)
            transport = open_transport(HttpSettings(ca_file=ca_file, insecure=insecure))
            error = transport.fetch(get(secure.url("/")), ListSink()).failure()
        assert error == InsecureUrl(plain.url("/"), secure.url("/"))
        assert plain.asked == []


def test_nor_from_it_to_another(open_transport: Open) -> None:
    with FaultServer({"/": http(b"x")}) as other:
        with FaultServer({"/": moved(other.url("/"))}) as plain:
            insecure = (InsecureOrigin("http", "127.0.0.1", plain.port),)
            transport = open_transport(HttpSettings(insecure=insecure))
            error = transport.fetch(get(plain.url("/")), ListSink()).failure()
        assert error == InsecureUrl(other.url("/"))
        assert other.asked == []


def test_a_certificate_that_proves_nothing(
    open_transport: Open, make_tls: MakeTls, log: EventLog
) -> None:
    """Of that origin alone, and said once."""
    tls = make_tls("other.example")
    with FaultServer({"/": http(b"x")}, tls) as server, FaultServer({"/": http()}, tls) as other:
        insecure = (InsecureOrigin("https", "127.0.0.1", server.port),)
        transport = open_transport(HttpSettings(insecure=insecure))
        for _ in range(2):
            transport.fetch(get(server.url("/")), ListSink()).unwrap()
        error = transport.fetch(get(other.url("/")), ListSink()).failure()
        assert isinstance(error, TlsFailed)
        assert other.asked == []
        message = f"the certificate of 127.0.0.1:{server.port} is not checked"
    noticed = [each for each in log.events if isinstance(each, Noticed)]
    assert noticed == [Noticed("tls-not-verified", message)]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_holds_of_all_is_not_said_of_one(
    open_transport: Open, make_tls: MakeTls, log: EventLog, scheme: str
) -> None:
    tls = make_tls("other.example") if scheme == "https" else None
    with FaultServer({"/": http(b"x")}, tls) as server:
        insecure = (InsecureOrigin("https", "127.0.0.1", server.port),)
        settings = HttpSettings(verify_tls=False, allow_http=True, insecure=insecure)
        assert is_successful(open_transport(settings).fetch(get(server.url("/")), ListSink()))
    message = "servers' certificates are not checked"
    noticed = [each for each in log.events if isinstance(each, Noticed)]
    assert noticed == [Noticed("tls-not-verified", message)]
