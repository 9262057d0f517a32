"""Which repository of which registry a URL is about. Pure.

    str, ApiRoot… -> Repository | None

A registry has a host to itself, with its API at ``/v2``; or a path of one, where a user said so:
several may share a host then, each below its own path, and none is another.

Source: distribution-spec v1.1.0 "Endpoints".
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, final
from urllib.parse import urlsplit

from pipeline.url_paths import is_below

_PART: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH: Final = re.compile(
    rf"/(?P<name>{_PART}(?:/{_PART})*)/(?:(?:manifests|blobs|referrers)/[^/]+|tags/list)",
    re.ASCII,
)
_API: Final = "/v2"
_API_BELOW: Final = re.compile(r"(?P<base>.*?)/v2(?:/.*)?")
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
class ApiRoot:
    """Where an API begins: ``base`` is the registry's path on its host, ``""`` for all of it."""

    origin: Origin
    base: str = ""
    path: str = _API


@final
@dataclass(frozen=True, slots=True)
class Repository:
    """A repository and the registry that has it, which is all of its host below ``base``."""

    origin: Origin
    name: str
    base: str = ""

    @property
    def registry(self) -> str:
        """What the registry is called: its host, and its path there."""
        return f"{self.origin.authority}{self.base}"

    @property
    def path(self) -> str:
        """What the repository is called among all of the host, as logins are set for."""
        return f"{self.base}/{self.name}"[1:] if self.base else self.name

    def has(self, url: str) -> bool:
        """Tell whether a URL is the registry's own."""
        return parse_origin(url) == self.origin and is_below(urlsplit(url).path, self.base)


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


def parse_root(url: str) -> ApiRoot | None:
    """Return where the API is whose repositories lie below a URL; None where it is none.

    What stands behind ``/v2`` belongs to the repositories' names.

    >>> root = parse_root("https://h/us/v2/team")
    >>> (root.base, root.path) if root else None
    ('/us', '/us/v2')
    """
    origin = parse_origin(url)
    if origin is None:
        return None
    path = urlsplit(url).path.rstrip("/")
    below = _API_BELOW.fullmatch(path)
    if below is None:
        return ApiRoot(origin, path, path)
    return ApiRoot(origin, below["base"], f"{below['base']}{_API}")


def parse_repository(url: str, roots: tuple[ApiRoot, ...] = ()) -> Repository | None:
    """Return what a URL of the distribution API is about; None where it is no such URL.

    The API is at ``/v2`` of any host, and at ``roots``, of which the longest counts.

    >>> parse_repository("https://h/v2/a/b/manifests/latest").name
    'a/b'
    >>> parse_repository("https://h/a.aci")
    >>> parse_repository("https://h/us/v2/a/tags/list", (parse_root("https://h/us/v2"),)).path
    'us/a'
    """
    origin = parse_origin(url)
    if origin is None:
        return None
    path = urlsplit(url).path
    own = (root for root in roots if root.origin == origin)
    for root in sorted((ApiRoot(origin), *own), key=lambda each: len(each.path), reverse=True):
        is_here = path.startswith(f"{root.path}/")
        match = _PATH.fullmatch(path, len(root.path)) if is_here else None
        if match is not None and len(match["name"]) <= _NAME_CHARACTERS:
            return Repository(origin, match["name"], root.base)
    return None
