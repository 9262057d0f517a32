"""Which repository of which registry a URL is about. Pure.

    str -> Repository | None

Source: distribution-spec v1.1.0 "Endpoints".
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, final
from urllib.parse import urlsplit

_PART: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH: Final = re.compile(
    rf"/v2/(?P<name>{_PART}(?:/{_PART})*)/(?:(?:manifests|blobs|referrers)/[^/]+|tags/list)",
    re.ASCII,
)
_NAME_CHARACTERS: Final = 255


@final
@dataclass(frozen=True, slots=True)
class Origin:
    """Who is asked (RFC 6454 section 4): ``host`` is in lower case, an IPv6 address in brackets."""

    scheme: Literal["http", "https"]
    host: str
    port: int

    @property
    def authority(self) -> str:
        """The host, with its port unless that is the scheme's own."""
        usual = 443 if self.scheme == "https" else 80
        return self.host if self.port == usual else f"{self.host}:{self.port}"


@final
@dataclass(frozen=True, slots=True)
class Repository:
    """A repository and the registry that has it."""

    origin: Origin
    name: str


def parse_origin(url: str) -> Origin | None:
    """Return who is asked by an http or https URL; None for any other, and one with a user."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host or port == 0 or "@" in parts.netloc:
        return None
    scheme: Literal["http", "https"] = "https" if parts.scheme == "https" else "http"
    bracketed = f"[{host}]" if ":" in host else host
    return Origin(scheme, bracketed, port or (443 if scheme == "https" else 80))


def parse_repository(url: str) -> Repository | None:
    """Return what a URL of the distribution API is about; None where it is no such URL.

    >>> parse_repository("https://h/v2/a/b/manifests/latest").name
    'a/b'
    >>> parse_repository("https://h/a.aci")
    """
    origin = parse_origin(url)
    if origin is None:
        return None
    match = _PATH.fullmatch(urlsplit(url).path)
    if match is None or len(match["name"]) > _NAME_CHARACTERS:
        return None
    return Repository(origin, match["name"])
