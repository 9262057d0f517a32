"""Which URLs are asked, and what for."""

import pytest
from returns.pipeline import is_successful

from pipeline.adapters.http.urls import Target, parse_target
from pipeline.errors import InvalidUrl


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://H.Example/a?b#c", ("https", "h.example", 443, "h.example", "/a?b")),
        ("http://h", ("http", "h", 80, "h", "/")),
        ("http://h:8080?q", ("http", "h", 8080, "h:8080", "/?q")),
        ("https://h:443/", ("https", "h", 443, "h", "/")),
        ("https://[::1]:8443/", ("https", "::1", 8443, "[::1]:8443", "/")),
        ("https://h/%C3%A9/é b", ("https", "h", 443, "h", "/%C3%A9/%C3%A9%20b")),
        ("https://h./a_b/%2e%2e", ("https", "h.", 443, "h.", "/a_b/%2e%2e")),
    ],
)
def test_parts(url: str, target: tuple[str, str, int, str, str]) -> None:
    parsed = parse_target(url).unwrap()
    assert isinstance(parsed, Target)
    parts = (parsed.scheme, parsed.host, parsed.port, parsed.authority, parsed.path_and_query)
    assert parts == target


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "wanted an https or http URL"),
        ("h", "wanted an https or http URL"),
        ("ftp://h/", "wanted an https or http URL"),
        ("http://", "the URL names no host that can be asked"),
        ("http://h:0/", "the URL names no host that can be asked"),
        ("http://h ost/", "the URL names no host that can be asked"),
        ("http://.h/", "the URL names no host that can be asked"),
        ("http://a..b/", "the URL names no host that can be asked"),
        ("http://müller.example/", "the URL names no host that can be asked"),
        ("http://[::1/", "not a URL: Invalid IPv6 URL"),
        ("http://user@h/", "the URL holds a user name or password"),
        ("http://:@h/", "the URL holds a user name or password"),
        ("http://h/\ud800", "the URL holds characters that are no text"),
        ("http://h\n/", "the URL holds characters that are no text"),
        ("http://h/\x7f", "the URL holds characters that are no text"),
        (" http://h/\t", "the URL holds characters that are no text"),
    ],
)
def test_refused(url: str, reason: str) -> None:
    outcome = parse_target(url)
    assert not is_successful(outcome)
    assert outcome.failure() == InvalidUrl(url, reason)
