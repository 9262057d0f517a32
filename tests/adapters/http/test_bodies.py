"""Who reads a body, and when the connection that it came over may be used again."""

from collections.abc import Iterator

import httpx

from pipeline.adapters.http.bodies import raw_chunks


class _Stream(httpx.SyncByteStream):
    is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield from (b"a", b"b")

    def close(self) -> None:
        self.is_closed = True


def test_a_body_that_was_read_to_its_end_still_has_its_connection() -> None:
    """It is looked at afterwards, when no other request may be on it yet."""
    stream = _Stream()
    response = httpx.Response(200, stream=stream)
    assert list(raw_chunks(response)) == [b"a", b"b"]
    assert not stream.is_closed
    response.close()
    assert stream.is_closed
