"""The grammar of image locations. Pure.

    str -> Result[ArchiveReference, ReferenceProblem]

What comes out is safe to store, to show and to open: absolute, with a host and a port that can
exist, without credentials, and escaped. Sources: RFC 3986 section 3; RFC 8089.
"""

import re
from typing import Final
from urllib.parse import quote, unquote

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.reference import (
    BAD_ESCAPE,
    CONTROL,
    IMAGE_SUFFIX,
    SURROGATE,
    ArchiveReference,
    ReferenceProblem,
    file_url,
)

_ADVICE: Final = "an image's location is written as https://example.com/path/app.aci"
_HOST: Final = re.compile(r"[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\]", re.ASCII)
_PORT: Final = re.compile(r"(?::([0-9]{0,5}))?", re.ASCII)
_URL_SAFE: Final = "%/?#:@!$&'()*+,;=[]-._~"


def parse_archive_url(text: str) -> Result[ArchiveReference, ReferenceProblem]:
    """Read the absolute location of an image whose path ends in ``.aci``.

    ``url = ("http" / "https") "://" host [":" port] path ["?" query] ["#" fragment]``, or
    ``"file:" ["//" ["localhost"]] path`` (RFC 3986 section 3, RFC 8089). Characters that may
    not stand in a URL are escaped; everything else stays as it was written.

    >>> parse_archive_url("HTTPS://example.com/a b.aci").unwrap().url
    'https://example.com/a%20b.aci'
    """
    outcome = parse_location(text)
    if is_successful(outcome) and not _path_of(outcome.unwrap().url).endswith(IMAGE_SUFFIX):
        return Failure(
            ReferenceProblem(
                f'wanted a path that ends in "{IMAGE_SUFFIX}"',
                "if it is an image under another name: cimd:aci-archive:v=0: and the escaped URL",
            )
        )
    return outcome


def parse_location(text: str) -> Result[ArchiveReference, ReferenceProblem]:
    """Read the absolute location of a file of any name."""
    scheme, _, rest = text.partition(":")
    scheme = scheme.lower()
    offset = len(scheme) + 1
    stray = SURROGATE.search(text)
    if stray is not None:
        wanted = "wanted text in UTF-8"
        return Failure(ReferenceProblem(wanted, "write other bytes as %FF", stray.start()))
    bad_escape = BAD_ESCAPE.search(text)
    if bad_escape is not None:
        wanted = 'wanted two hex digits after "%"'
        return Failure(ReferenceProblem(wanted, 'a "%" itself is written %25', bad_escape.start()))
    if scheme == "file":
        return _parse_file_url(rest, offset)
    if scheme not in {"http", "https"} or not rest.startswith("//"):
        return Failure(ReferenceProblem("wanted https://host/path", _ADVICE))
    offset += 2
    authority = re.split(r"[/?#]", rest[2:])[0]
    if "@" in authority:
        return Failure(
            ReferenceProblem(
                "wanted no user name or password in the URL",
                "URLs are stored and shown, and this version sends no credentials",
                offset + authority.index("@"),
            )
        )
    host = _HOST.match(authority)
    if host is None or _PORT.fullmatch(authority, host.end()) is None:
        wanted = "wanted a host in ASCII, and a port in digits where there is one"
        stop = offset + (host.end() if host else 0)
        return Failure(ReferenceProblem(wanted, _ADVICE, stop))
    port = authority[host.end() + 1 :]
    if port and not 0 < int(port) < 65536:
        return Failure(
            ReferenceProblem("wanted a port from 1 to 65535", _ADVICE, offset + host.end() + 1)
        )
    path = rest[2 + len(authority) :]
    if re.match(r"/[^?#]*[^/?#]", path) is None or _path_of(path).endswith("/"):
        return Failure(
            ReferenceProblem("wanted a path that names a file", _ADVICE, offset + len(authority))
        )
    escaped = quote(path, safe=_URL_SAFE)
    return Success(ArchiveReference(f"{scheme}://{authority}{escaped}"))


def _parse_file_url(rest: str, offset: int) -> Result[ArchiveReference, ReferenceProblem]:
    advice = "a local image is written as its path, or as file:///folder/app.aci"
    mark = re.search(r"[?#]", rest)
    if mark is not None:
        wanted = f'wanted no "{mark[0]}" in a file: URL, which has neither query nor fragment'
        return Failure(ReferenceProblem(wanted, "write it as %3F or %23", offset + mark.start()))
    path = rest
    if rest.startswith("//"):
        host, slash, tail = rest[2:].partition("/")
        if host not in {"", "localhost"}:
            wanted = "wanted no host in a file: URL"
            return Failure(ReferenceProblem(wanted, advice, offset + 2))
        path = slash + tail
    plain = unquote(path, errors="surrogateescape")
    if not plain.startswith("/") or plain.endswith("/"):
        return Failure(ReferenceProblem("wanted the absolute path of a file", advice, offset))
    if CONTROL.search(plain) is not None:
        return Failure(ReferenceProblem("wanted no control character, escaped or not", advice))
    return Success(ArchiveReference(file_url(plain)))


def _path_of(url: str) -> str:
    """Return the unescaped path, and whatever comes before it, of a URL."""
    return unquote(re.split(r"[?#]", url)[0])
