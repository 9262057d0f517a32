"""Which URLs are a registry's, and whose."""

import pytest

from pipeline.adapters.registry.repositories import Origin, Repository, parse_repository

HTTPS = Origin("https", "h.example", 443)


@pytest.mark.parametrize(
    ("url", "origin", "name"),
    [
        ("https://h.example/v2/app/manifests/1.0", HTTPS, "app"),
        ("HTTPS://H.example:443/v2/app/manifests/1.0", HTTPS, "app"),
        ("https://h.example/v2/a/b__c/d-e.f/blobs/sha256:0?ns=docker.io", HTTPS, "a/b__c/d-e.f"),
        ("https://h.example/v2/a/tags/list?n=1&last=x", HTTPS, "a"),
        ("https://h.example/v2/a/referrers/sha256:0", HTTPS, "a"),
        ("https://h.example/v2/a/manifests/blobs/blobs/x", HTTPS, "a/manifests/blobs"),
        ("http://h.example:443/v2/a/blobs/x", Origin("http", "h.example", 443), "a"),
        ("http://[::1]:5000/v2/a/blobs/x", Origin("http", "[::1]", 5000), "a"),
    ],
)
def test_a_registrys(url: str, origin: Origin, name: str) -> None:
    assert parse_repository(url) == Repository(origin, name)


@pytest.mark.parametrize(
    "url",
    [
        "https://h.example/v2/",
        "https://h.example/v2/_catalog",
        "https://h.example/v2/app",
        "https://h.example/v2/App/manifests/1",
        "https://h.example/v2/a/../b/manifests/1",
        "https://h.example/v2/a%2fb/manifests/1",
        "https://h.example/v2/a/manifests/",
        "https://h.example/v2/a/manifests/1/2",
        "https://h.example/v2/a/tags/1",
        "https://h.example/x/v2/a/manifests/1",
        "https://h.example/v1/a/manifests/1",
        f"https://h.example/v2/{'a' * 256}/manifests/1",
        "https://user@h.example/v2/a/manifests/1",
        "https://:443/v2/a/manifests/1",
        "https://h.example:0/v2/a/manifests/1",
        "https://h.example:x/v2/a/manifests/1",
        "https://[::1/v2/a/manifests/1",
        "file:///v2/a/manifests/1",
        "ftp://h.example/v2/a/manifests/1",
        "",
    ],
)
def test_none(url: str) -> None:
    assert parse_repository(url) is None


@pytest.mark.parametrize(
    ("origin", "authority"),
    [
        (HTTPS, "h.example"),
        (Origin("https", "h", 5000), "h:5000"),
        (Origin("http", "h", 80), "h"),
        (Origin("http", "h", 443), "h:443"),
    ],
)
def test_what_a_registry_is_called(origin: Origin, authority: str) -> None:
    assert origin.authority == authority
