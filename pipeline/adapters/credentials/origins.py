"""Whom credentials are for, and who is asked: https origins.

    "host[:port]" -> Result[Origin, str]        an https URL -> Result[Asked, str]

Source: RFC 6454 section 4 (origins); RFC 3986 section 3.2 (authorities). A host is ASCII, as in
the URLs that are asked; there are no wildcards, since each of them gives a password to machines
that nobody named.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from typing import Final, final
from urllib.parse import urlsplit

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

WANTED_DOMAIN: Final = "a domain as host or host:port, without scheme, path and user name"

_DEFAULT_PORT: Final = 443
_LONGEST_NAME: Final = 253
# No flag for letter case: it would take the Kelvin sign for a k.
_NAME: Final = re.compile(
    r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
    r"(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*"
)
_DOMAIN: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::([0-9]{1,5}))?")
# Control characters, and halves of characters that no encoding holds: no URL that is asked.
_NOT_TEXT: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@final
@dataclass(frozen=True, slots=True)
class Origin:
    """Host and port of an https origin; the host in lower case, an IPv6 one without brackets."""

    host: str
    port: int = _DEFAULT_PORT

    def __str__(self) -> str:
        """Return what a Host field says of it, as all domains of an origin are written."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORT else f"{host}:{self.port}"


@final
@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of an origin. ``authority`` is the Host field, the rest as the URL has it."""

    origin: Origin
    authority: str
    path: str
    query: str


def parse_origin(text: str) -> Result[Origin, str]:
    """Read ``host``, ``host:port``, ``[address]`` or ``[address]:port``; letter case is ignored.

    Errors: what was wanted, without a word of ``text``, which may hold a password.

    >>> parse_origin("Example.com:8443").unwrap(), str(parse_origin("[0::1]:443").unwrap())
    (Origin(host='example.com', port=8443), '[::1]')
    """
    matched = _DOMAIN.fullmatch(text)
    if matched is None:
        return Failure(WANTED_DOMAIN)
    port = int(matched[2] or _DEFAULT_PORT)
    host = _canonical_host(matched[1].removeprefix("[").removesuffix("]"))
    if not is_successful(host) or not 1 <= port <= 65535:
        return Failure(WANTED_DOMAIN)
    return Success(Origin(host.unwrap(), port))


def parse_asked(url: str) -> Result[Asked, str]:
    """Take an https URL apart.

    Errors: what was wanted, where it is no URL, another scheme's, or names a user itself.
    """
    wanted = "an https URL without user name and control characters"
    if _NOT_TEXT.search(url) is not None:
        return Failure(wanted)
    try:
        parts = urlsplit(url)
        port = _DEFAULT_PORT if parts.port is None else parts.port
        host = parts.hostname or ""
    except ValueError:
        return Failure(wanted)
    canonical = _canonical_host(host)
    if parts.scheme != "https" or "@" in parts.netloc or not is_successful(canonical):
        return Failure(wanted)
    bracketed = f"[{host}]" if ":" in host else host
    authority = bracketed if port == _DEFAULT_PORT else f"{bracketed}:{port}"
    return Success(Asked(Origin(canonical.unwrap(), port), authority, parts.path, parts.query))


def _canonical_host(host: str) -> Result[str, str]:
    """Return a name in lower case, or an IPv6 address in its one shortest form."""
    if ":" in host:
        try:
            address = IPv6Address(host)
        except AddressValueError:
            return Failure(WANTED_DOMAIN)
        # A zone is this machine's own affair, and no part of an origin.
        return Failure(WANTED_DOMAIN) if address.scope_id else Success(address.compressed)
    if len(host) > _LONGEST_NAME or _NAME.fullmatch(host) is None:
        return Failure(WANTED_DOMAIN)
    return Success(host.lower())
