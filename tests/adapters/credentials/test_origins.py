"""Whom credentials are for: hosts and ports, and nothing that could mean more than one of them."""

import re
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.adapters.credentials.origins import WANTED_DOMAIN, Origin, parse_asked, parse_origin

labels = st.from_regex(re.compile("[a-z0-9_]([a-z0-9_-]{0,5}[a-z0-9_])?", re.ASCII), fullmatch=True)
hosts = st.lists(labels, min_size=1, max_size=4).map(".".join) | st.ip_addresses(v=6).map(str)
ports = st.integers(1, 65535)


def written(host: str, port: int | None) -> str:
    """Write an authority as people do."""
    bracketed = f"[{host}]" if ":" in host else host
    return bracketed if port is None else f"{bracketed}:{port}"


@given(hosts, ports | st.none(), st.booleans(), st.text(max_size=5))
def test_a_domain_is_the_origin_of_its_urls(
    host: str, port: int | None, shout: bool, path: str
) -> None:
    """Whatever way it is written, and whatever is asked there."""
    domain = written(host.upper() if shout else host, port)
    origin = parse_origin(domain).unwrap()
    assert (origin.host, origin.port) == (host, port or 443)
    assert parse_origin(str(origin)).unwrap() == origin
    for url in (f"https://{domain}/a?b", f"https://{written(host, origin.port)}"):
        assert parse_asked(url).unwrap().origin == origin
    asked = parse_asked(f"https://{domain}/{path}")
    assert not is_successful(asked) or asked.unwrap().origin == origin


@given(st.text(max_size=30) | st.text("ab1.:[]-_*/@ \t%", max_size=12))
def test_any_text_is_one_host_and_port_or_refused(text: str) -> None:
    outcome = parse_origin(text)
    if not is_successful(outcome):
        assert outcome.failure() == WANTED_DOMAIN
        return
    origin = outcome.unwrap()
    assert parse_origin(str(origin)).unwrap() == origin
    assert 1 <= origin.port <= 65535
    assert origin.host.isascii()
    assert not set(origin.host) & set("*/@[]% \t\r\n")
    assert origin.host == origin.host.lower()


@pytest.mark.parametrize(
    "domain",
    [
        "",
        " example.com",
        "example.com\n",
        "https://example.com",
        "example.com/",
        "example.com/path",
        "alice@example.com",
        "alice:secret@example.com",
        "*.example.com",
        "*",
        ".example.com",
        "example.com.",
        "example..com",
        "-example.com",
        "example-.com",
        "example.com:",
        "example.com:0",
        "example.com:65536",
        "example.com:https",
        "example.com:+443",
        "example.com:٤٤٣",
        "example.com:443:443",
        "::1",
        "[::1",
        "[::1]443",
        "[::g]",
        "[fe80::1%eth0]",
        "[example.com]",
        "exämple.com",
        "\N{KELVIN SIGN}ube.example",
        "a" * 254,
    ],
)
def test_what_is_no_domain(domain: str) -> None:
    assert parse_origin(domain).failure() == WANTED_DOMAIN


@pytest.mark.parametrize(
    ("domain", "origin"),
    [
        ("localhost", Origin("localhost")),
        ("Example.COM:443", Origin("example.com")),
        ("10.0.0.1:8443", Origin("10.0.0.1", 8443)),
        ("[0:0::0:1]:444", Origin("::1", 444)),
        ("[2001:DB8::1]", Origin("2001:db8::1")),
        ("a" * 253, Origin("a" * 253)),
    ],
)
def test_what_is_a_domain(domain: str, origin: Origin) -> None:
    assert parse_origin(domain).unwrap() == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://example.com/",
        "ftp://example.com/",
        "file:///example.com",
        "//example.com/",
        "https:example.com",
        "https://",
        "https://alice@example.com/",
        "https://@example.com/",
        "https://example.com\\@evil.example/",
        "https://exam\tple.com/",
        "https://example.com/\r\nX: y",
        "https://example.com:65536/",
        "https://example.com:x/",
        "https://[::1/",
        "https://[fe80::1%25eth0]/",
        "https://example.com/\ud800",
    ],
)
def test_what_no_credentials_are_for(url: str) -> None:
    assert not is_successful(parse_asked(url))


@given(st.ip_addresses(v=6), ports)
def test_an_address_has_one_form(address: IPv6Address, port: int) -> None:
    assert (
        parse_origin(f"[{address.exploded}]:{port}").unwrap()
        == parse_origin(f"[{address.compressed}]:{port}").unwrap()
    )
