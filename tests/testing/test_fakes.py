"""The web in memory answers as the real one does."""

from dataclasses import replace

from pipeline.addresses import AddressScope
from pipeline.documents import fetch_document
from pipeline.errors import HttpStatus
from pipeline.ports import Request
from pipeline.testing.fakes import MemoryTransport, Page
from tests.support.sinks import ResumableSink

GET = Request("https://h/", 100, 1.0, 1.0)


def test_a_head_has_fields_and_no_body() -> None:
    page = Page(b"body", fields=(("docker-content-digest", "sha256:0"),))
    transport = MemoryTransport({"https://h/": page})
    document = fetch_document(transport, replace(GET, method="HEAD")).unwrap()
    assert (document.untrusted_body, document.response.size) == (b"", 0)
    assert document.response.field("docker-content-digest") == "sha256:0"
    whole = fetch_document(transport, GET).unwrap()
    assert (whole.untrusted_body, whole.response.size) == (b"body", 4)
    assert whole.response.fields == page.fields


def test_a_401_has_challenges_and_says_where_the_server_is() -> None:
    page = Page(status=401, challenges=("Basic",), peer=AddressScope.PRIVATE)
    transport = MemoryTransport({"https://h/": page, "https://h/no": replace(page, status=403)})
    error = fetch_document(transport, GET).failure()
    assert isinstance(error, HttpStatus)
    assert (error.untrusted_challenges, error.peer) == (("Basic",), AddressScope.PRIVATE)
    other = fetch_document(transport, replace(GET, url="https://h/no")).failure()
    assert isinstance(other, HttpStatus)
    assert other.untrusted_challenges == ()


def test_what_is_held_beyond_the_end_is_of_another_version() -> None:
    """An ETag that was given twice, as careless servers do, leaves no gap and no rest."""
    transport = MemoryTransport({"https://h/": Page(b"body", etag='"v1"')})
    for held in (b"body", b"body and more"):
        sink = ResumableSink.holding(held + b"?", None, '"v1"')
        assert transport.fetch(GET, sink).unwrap().size == 4
        assert bytes(sink.content) == b"body"
    half = ResumableSink.holding(b"bo", 4, '"v1"')
    transport.fetch(GET, half).unwrap()
    assert (bytes(half.content), half.written) == (b"body", 2)
