"""Where else images may be: a table of prefixes, each with the places to try first. No I/O.

    URL             -> UrlMirrors | None
    ImageName       -> tuple[NamePlace, ...]
    prefix, places  -> Result[UrlMirrors | NameMirrors, MirrorFault]
    a table of them -> Result[Mirrors, MirrorFault]

A mirror changes where bytes come from and nothing else: which keys count, which name and which
labels an image must have, is said by the reference that the user wrote. So a mirror need not be
trusted more than a network.

Of the entries whose prefix covers a name or URL, the one with the longest prefix counts alone.
Prefixes are compared by whole segments: ``https://example.com/images`` does not cover
``https://example.com/images-evil``. Sources: RFC 3986 section 6.2.2 (when two URLs are one);
containers-registries.conf(5), "Remapping and mirroring registries" (the longest prefix).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, final
from urllib.parse import unquote

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.limits import MIRRORS
from pipeline.names import ImageName, covers, parse_image_name

_PORTS: Final = {"https": 443, "http": 80}
_URL: Final = re.compile(r"(https?)://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{0,5}))?(/.*)?")
_NOT_IN_A_PATH: Final = re.compile(r'[^\x21-\x7e]|[?#<>"{}|\\^`]|%(?![0-9A-Fa-f]{2})')
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]")


@final
@dataclass(frozen=True, slots=True)
class MirrorFault:
    """What is wrong with an entry: ``got`` stands there, and ``wanted`` should."""

    got: str
    wanted: str


@final
@dataclass(frozen=True, slots=True)
class UrlPrefix:
    """A URL and everything under it; normalised, so that equal prefixes are equal values.

    ``origin`` is scheme, host, and port where it is not the scheme's own; ``path`` is empty or
    starts with a slash, and does not end in one.
    """

    origin: str
    path: str

    def __str__(self) -> str:
        """The URL."""
        return f"{self.origin}{self.path}"

    @property
    def is_secure(self) -> bool:
        """Whether what is under it comes over TLS."""
        return self.origin.startswith("https:")

    def covers(self, place: "UrlPrefix") -> bool:
        """Tell whether ``place`` is under this one, compared by whole segments."""
        return place.origin == self.origin and (
            place.path == self.path or place.path.startswith(f"{self.path}/")
        )


@final
@dataclass(frozen=True, slots=True)
class UrlTemplate:
    """A template as those of discovery: ``https://…{name}…{version}…{ext}``."""

    text: str


@final
@dataclass(frozen=True, slots=True)
class UrlMirrors:
    """What is under ``prefix`` is also under each of ``to``, at the same place."""

    prefix: UrlPrefix
    to: tuple[UrlPrefix, ...]

    def places_of(self, url: str) -> tuple[str, ...]:
        """Return where else ``url`` is, in order; nowhere, where it is not under the prefix.

        A URL with a query is under none: it often holds a token, which is for the origin alone.
        """
        parsed = _parse_url(url.partition("#")[0])
        if not is_successful(parsed) or not self.prefix.covers(parsed.unwrap()):
            return ()
        rest = parsed.unwrap().path.removeprefix(self.prefix.path)
        return tuple(f"{place}{rest}" for place in self.to)


@final
@dataclass(frozen=True, slots=True)
class NameMirrors:
    """Names under ``prefix`` are also found under each of ``to``: another name, or a template."""

    prefix: ImageName
    to: tuple[ImageName | UrlTemplate, ...]


NamePlace: TypeAlias = ImageName | UrlTemplate
"""Where a name is to be looked for: under another name, or at what a template makes of it."""


@final
@dataclass(frozen=True, slots=True)
class Mirrors:
    """The table; each prefix stands in it once."""

    urls: tuple[UrlMirrors, ...] = ()
    names: tuple[NameMirrors, ...] = ()

    def for_url(self, url: str) -> UrlMirrors | None:
        """Return the entry that counts for ``url``; None where there is none.

        >>> table = Mirrors(urls=(parse_mirrors("https://h/", ("https://m/h",)).unwrap(),))
        >>> table.for_url("https://h/a/app.aci").places_of("https://h/a/app.aci")
        ('https://m/h/a/app.aci',)
        """
        parsed = _parse_url(url.partition("#")[0])
        if not is_successful(parsed):
            return None
        found = [entry for entry in self.urls if entry.prefix.covers(parsed.unwrap())]
        return max(found, key=lambda entry: len(entry.prefix.path), default=None)

    def for_name(self, name: ImageName) -> tuple[NamePlace, ...]:
        """Return the places to try before the name's own, in order."""
        found = [entry for entry in self.names if covers(entry.prefix, name)]
        nearest = max(found, key=lambda entry: len(entry.prefix), default=None)
        if nearest is None:
            return ()
        rest = name.removeprefix(nearest.prefix)
        return tuple(
            place if isinstance(place, UrlTemplate) else ImageName(f"{place}{rest}")
            for place in nearest.to
        )


NO_MIRRORS: Final = Mirrors()
"""Everything comes from its origin."""


def parse_mirrors(
    untrusted_prefix: str, untrusted_places: tuple[str, ...]
) -> Result[UrlMirrors | NameMirrors, MirrorFault]:
    """Read an entry: a URL prefix with URL prefixes, or a name prefix with names and templates.

    No places are fine: then what is under the prefix comes from its origin, whatever a shorter
    prefix says. A prefix in https has no place in http.

    >>> parse_mirrors("example.com", ("mirror.corp/example.com",)).unwrap().to
    ('mirror.corp/example.com',)
    """
    if len(untrusted_places) > MIRRORS:
        return Failure(MirrorFault(f"{len(untrusted_places)} places", f"at most {MIRRORS}"))
    if "://" in untrusted_prefix:
        return _parse_url_mirrors(untrusted_prefix, untrusted_places)
    name = parse_image_name(untrusted_prefix)
    if not is_successful(name):
        wanted = "a prefix of image names, or of https:// URLs"
        return Failure(MirrorFault(untrusted_prefix, wanted))
    places: list[NamePlace] = []
    for untrusted_place in untrusted_places:
        place = _parse_name_place(untrusted_place)
        if not is_successful(place):
            return Failure(MirrorFault(untrusted_place, place.failure()))
        places.append(place.unwrap())
    return Success(NameMirrors(name.unwrap(), tuple(places)))


def parse_mirror_table(
    untrusted_table: Mapping[str, Sequence[str]],
) -> Result[Mirrors, MirrorFault]:
    """Read a table: for each prefix the places to try, each entry as :func:`parse_mirrors` does.

    Errors: what is wrong with the first entry that is; two spellings of one prefix.

    >>> table = {"https://h/": ["https://m/h"], "example.com": ["mirror.corp/example.com"]}
    >>> parse_mirror_table(table).unwrap().for_name(ImageName("example.com/app"))
    ('mirror.corp/example.com/app',)
    """
    entries: dict[UrlPrefix | ImageName, UrlMirrors | NameMirrors] = {}
    for prefix, places in untrusted_table.items():
        parsed = parse_mirrors(prefix, tuple(places))
        if not is_successful(parsed):
            return Failure(parsed.failure())
        entry = parsed.unwrap()
        if entry.prefix in entries:
            return Failure(MirrorFault(prefix, "each prefix once"))
        entries[entry.prefix] = entry
    return Success(
        Mirrors(
            tuple(entry for entry in entries.values() if isinstance(entry, UrlMirrors)),
            tuple(entry for entry in entries.values() if isinstance(entry, NameMirrors)),
        )
    )


def parse_url_prefix(untrusted_url: str) -> Result[UrlPrefix, str]:
    """Read an https or http URL without user name, query and fragment; slashes may end it.

    Errors: what was wanted.

    >>> str(parse_url_prefix("HTTPS://Example.com:443/a%2db/").unwrap())
    'https://example.com/a-b'
    """
    return _parse_url(untrusted_url).map(lambda url: UrlPrefix(url.origin, url.path.rstrip("/")))


def _parse_url(untrusted_url: str) -> Result[UrlPrefix, str]:
    scheme, colon, rest = untrusted_url.partition(":")
    match = _URL.fullmatch(f"{scheme.lower()}{colon}{rest}")
    if match is None:
        return Failure("https://host/path")
    scheme, host, path = match[1], match[2].lower(), match[4] or ""
    port = int(match[3] or _PORTS[scheme])
    if not 0 < port < 65536:
        return Failure("a port from 1 to 65535")
    if _NOT_IN_A_PATH.search(path) is not None:
        return Failure("a path alone after the host, with odd characters as %20")
    # A server may resolve these, and be somewhere else than under the prefix.
    if not {".", ".."}.isdisjoint(re.split(r"[/\\]", unquote(path))):
        return Failure('no "." or ".." in the path')
    shown_port = "" if port == _PORTS[scheme] else f":{port}"
    return Success(UrlPrefix(f"{scheme}://{host}{shown_port}", _ESCAPE.sub(_normal, path)))


def _parse_url_mirrors(
    untrusted_prefix: str, untrusted_places: tuple[str, ...]
) -> Result[UrlMirrors, MirrorFault]:
    parsed = parse_url_prefix(untrusted_prefix)
    if not is_successful(parsed):
        return Failure(MirrorFault(untrusted_prefix, parsed.failure()))
    prefix = parsed.unwrap()
    places: list[UrlPrefix] = []
    for untrusted_place in untrusted_places:
        place = parse_url_prefix(untrusted_place)
        if not is_successful(place):
            return Failure(MirrorFault(untrusted_place, place.failure()))
        # Nobody who wrote https gets http instead (CVE-2014-5277).
        if prefix.is_secure and not place.unwrap().is_secure:
            return Failure(MirrorFault(untrusted_place, "https, as in the prefix"))
        places.append(place.unwrap())
    return Success(UrlMirrors(prefix, tuple(places)))


def _parse_name_place(untrusted_place: str) -> Result[NamePlace, str]:
    if "://" not in untrusted_place:
        name = parse_image_name(untrusted_place)
        if not is_successful(name):
            return Failure("a prefix of image names, or https://host/…{name}…{ext}")
        return Success(name.unwrap())
    # Up to its first label a template is a URL whose host is whole: no name makes another host.
    head = re.split(r"[{?#]", untrusted_place, maxsplit=1)[0]
    prefix = parse_url_prefix(head)
    if not is_successful(prefix) or "/" not in head.partition("://")[2]:
        return Failure("https://host/…{name}…{ext}")
    if not prefix.unwrap().is_secure:
        return Failure("https")
    if not all(label in untrusted_place for label in ("{name}", "{ext}")):
        return Failure("both {name} and {ext}: otherwise every image would be one")
    return Success(UrlTemplate(untrusted_place))


def _normal(escape: re.Match[str]) -> str:
    """Return an escape as the character, where that means the same, or in upper case."""
    character = chr(int(escape[1], 16))
    return character if _UNRESERVED.fullmatch(character) else escape[0].upper()
