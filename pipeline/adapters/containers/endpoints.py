"""Where the content of one registry image may be asked for, as configuration says it. No I/O.

str -> Result[Endpoint, str];  Endpoint -> URLs, hosts that are called insecure
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final
from urllib.parse import urlsplit

from returns.result import Failure, Result, Success

from pipeline.reference import DockerReference
from pipeline.reference.docker import parse_docker_reference
from pipeline.text import redact_url

Scheme: TypeAlias = Literal["https", "http"]

API_ROOT: Final = "/v2"
"""Where the API begins (distribution-spec v1.1.0 "Endpoints")."""

SECURE: Final[tuple[Scheme, ...]] = ("https",)
INSECURE: Final[tuple[Scheme, ...]] = ("https", "http")

WANTED_PLACE: Final = (
    "host[:port][/path] in full: a host with a dot or a port in it, or localhost; no scheme"
)

_PORTS: Final[dict[Scheme, int]] = {"https": 443, "http": 80}
_HUB: Final = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_SERVER: Final = re.compile(
    r"(?:(?P<scheme>https?)://)?"
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*)/?"
)


@final
@dataclass(frozen=True, slots=True)
class InsecureHost:
    """An origin that the user called insecure; the host in lower case and without brackets.

    One of ``http`` may be asked in plain, one of ``https`` need not prove who it is.
    """

    scheme: Scheme
    host: str
    port: int


@final
@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host, in lower case with its port where one was named, and how to ask it.

    ``root`` is the path under which repositories lie. ``schemes`` are tried in their order; who
    does not verify takes any certificate. The rest is as in
    :class:`~pipeline.results.RegistryPlace`.
    """

    authority: str
    root: str = API_ROOT
    schemes: tuple[Scheme, ...] = SECURE
    verifies: bool = True
    query: str = ""
    resolves_tags: bool = True

    def roots(self) -> Iterator[str]:
        """Return where repositories lie, over each scheme."""
        for scheme in self.schemes:
            yield f"{scheme}://{self.authority}{self.root}"

    def bases(self, repository: str) -> Iterator[str]:
        """Return where a repository's content is, over each scheme."""
        for root in self.roots():
            yield f"{root}/{repository}"

    def origin(self, scheme: Scheme) -> InsecureHost:
        """Return who is asked over a scheme, whether it is insecure or not."""
        parts = urlsplit(f"//{self.authority}")
        return InsecureHost(scheme, parts.hostname or "", parts.port or _PORTS[scheme])

    def insecurity(self) -> Iterator[InsecureHost]:
        """Return what has to be called insecure, so that this may be asked as it says."""
        for scheme in self.schemes:
            if scheme == "http" or not self.verifies:
                yield self.origin(scheme)


def direct_endpoint(reference: DockerReference) -> Endpoint:
    """Return the registry itself."""
    return Endpoint(reference.registry.lower())


def parse_server(text: str) -> Result[Endpoint, str]:
    """Read ``[scheme://]host[:port][/path]``; no user, no query, nothing escaped, no ``..``.

    ``root`` is the path as it is written, less a slash at its end.
    Errors: a sentence that says what was wanted.

    >>> parse_server("Mirror.corp:5000/us/").unwrap()
    Endpoint(authority='mirror.corp:5000', root='/us', schemes=('https',), verifies=True, ...
    """
    match = _SERVER.fullmatch(text)
    if match is None or not 0 < int(match["port"] or 1) < 65536:
        return Failure("[https://]host[:port][/path], without user, query and escapes")
    host = match["host"].lower()
    authority = f"{host}:{match['port']}" if match["port"] else host
    schemes: tuple[Scheme, ...] = ("http",) if match["scheme"] == "http" else SECURE
    return Success(Endpoint(registry_of(authority), match["path"], schemes))


def parse_place(text: str) -> Result[str, str]:
    """Read ``host[:port][/path]``; return it with the host in lower case and docker.io's one name.

    Errors: a sentence that says what was wanted.

    >>> parse_place("Example.com/app/").unwrap(), parse_place("index.docker.io/library").unwrap()
    ('example.com/app', 'docker.io/library')
    """
    trimmed = text.rstrip("/")
    host, slash, path = trimmed.partition("/")
    is_host = "." in host or ":" in host or host == "localhost"
    # What is no host here would be a path under docker.io by docker's rules.
    parsed = parse_docker_reference(trimmed if slash else f"{trimmed}/x")
    if not is_host or not parsed.map(lambda _: True).value_or(False):
        return Failure(WANTED_PLACE)
    return Success(f"{canonical_host(host)}{slash}{path}")


def canonical_host(host: str) -> str:
    """Return the one name of a host: lower case, and ``docker.io`` for all that stand for it."""
    lower = host.lower()
    return "docker.io" if lower in _HUB else lower


def registry_of(host: str) -> str:
    """Return the host that answers: docker.io's API has its own."""
    return "registry-1.docker.io" if canonical_host(host) == "docker.io" else host.lower()


def shown_place(untrusted_text: str) -> str:
    """Return what somebody wrote for a place, without a user, password or query.

    >>> shown_place("me:secret@a.corp/x"), shown_place("https://a.corp?token=secret")
    ('a.corp/x', 'https://a.corp?token=…')
    """
    if "://" in untrusted_text:
        return redact_url(untrusted_text)
    return redact_url(f"//{untrusted_text}").removeprefix("//")
