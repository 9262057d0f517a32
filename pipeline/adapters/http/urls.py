"""Which URLs are asked over HTTP, taken apart: ``str -> Result[Target, TransportError]``.

Source: RFC 3986 section 3; RFC 9110 section 4.2. Hosts are ASCII: an international name is
written in its ``xn--`` form, so that no mapping of look-alikes is done behind the user's back.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from typing import Final, Literal, final
from urllib.parse import quote, urljoin, urlsplit

from returns.result import Failure, Result, Success

from pipeline.errors import InvalidUrl, TransportError

# Control characters, and halves of characters that no encoding holds.
_NOT_TEXT: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_HOST: Final = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.-])?", re.ASCII)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# What a path may hold as it is; "%" among them, for what is encoded already.
_SAFE: Final = "%!$&'()*+,-./:;=@[]_~"


@final
@dataclass(frozen=True, slots=True)
class Target:
    """An http or https URL in the parts that a request needs.

    ``host`` is without brackets, ``authority`` what the Host header says.
    """

    url: str
    scheme: Literal["http", "https"]
    host: str
    port: int
    authority: str
    path_and_query: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Who is asked: scheme, host and port (RFC 6454 section 4)."""
        return self.scheme, self.host, self.port


def parse_target(url: str) -> Result[Target, TransportError]:
    """Take a URL apart; blanks and non-ASCII letters in path and query become percent-encoded.

    Errors: InvalidUrl with what is wrong with the URL.
    """
    if _NOT_TEXT.search(url) is not None:
        return Failure(InvalidUrl(url, "the URL holds characters that are no text"))
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
    except ValueError as error:
        return Failure(InvalidUrl(url, f"not a URL: {error}"))
    if parts.scheme not in {"http", "https"}:
        return Failure(InvalidUrl(url, "wanted an https or http URL"))
    if "@" in parts.netloc:
        return Failure(InvalidUrl(url, "the URL holds a user name or password"))
    if not _is_host(host) or port == 0:
        return Failure(InvalidUrl(url, "the URL names no host that can be asked"))
    scheme: Literal["http", "https"] = "https" if parts.scheme == "https" else "http"
    wanted_port = port or _DEFAULT_PORTS[scheme]
    bracketed = f"[{host}]" if ":" in host else host
    query = f"?{quote(parts.query, safe=_SAFE + '?')}" if parts.query else ""
    return Success(
        Target(
            url=url,
            scheme=scheme,
            host=host,
            port=wanted_port,
            authority=bracketed
            if wanted_port == _DEFAULT_PORTS[scheme]
            else f"{bracketed}:{wanted_port}",
            path_and_query=quote(parts.path or "/", safe=_SAFE) + query,
        )
    )


def join_target(base: Target, location: str) -> Result[str, TransportError]:
    """Return where a redirect leads; ``location`` is relative to ``base`` (RFC 9110 10.2.2)."""
    try:
        return Success(urljoin(base.url, location))
    except ValueError as error:
        return Failure(InvalidUrl(base.url, f"redirects to what is not a URL: {error}"))


def _is_host(host: str) -> bool:
    if ":" not in host:
        return _HOST.fullmatch(host) is not None and ".." not in host
    try:
        IPv6Address(host)
    except AddressValueError:
        return False
    return True
