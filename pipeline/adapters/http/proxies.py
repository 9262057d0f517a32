"""Which proxy leads to a host, as the environment says. No I/O.

    environment -> Result[Proxies, InvalidSetting]

``http_proxy``, ``https_proxy``, ``all_proxy`` and ``no_proxy``, in lower case or else in upper, as
curl reads them (curl 7.88 manual, ENVIRONMENT). Three things differ: a proxy without a port is
at its scheme's own, 80 or 443, not at 1080; entries of ``no_proxy`` may name a port and put IPv6
addresses in brackets, as Go and wget take them; and upper-case ``HTTP_PROXY`` counts where
``REQUEST_METHOD`` is not set, that is, outside of a CGI script, which is given it by a request
header ``Proxy`` (CVE-2016-5385).

Nothing goes past a proxy by itself, loopback neither. SOCKS proxies are refused.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, Literal, final
from urllib.parse import unquote_to_bytes

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.http.urls import parse_target
from pipeline.errors import InvalidSetting
from pipeline.secret import Secret

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*)://", re.ASCII | re.IGNORECASE)
_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")
_SEPARATORS: Final = re.compile(r"[,\s]+", re.ASCII)
_BRACKETED: Final = re.compile(r"\[(?P<host>[^\[\]]*)\](?::(?P<port>[0-9]{1,5}))?", re.ASCII)
_WITH_PORT: Final = re.compile(r"(?P<host>[^:\[\]]+):(?P<port>[0-9]{1,5})", re.ASCII)
_WANTED: Final = "a URL like http://proxy.example:3128 or https://user:password@proxy.example"
# What stands there may hold a password wherever it is misspelt.
_NOT_SHOWN: Final = "something else, not shown here"


@final
@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy for HTTP; ``host`` is without brackets.

    ``authorization`` is the value of its ``Proxy-Authorization`` field (RFC 9110 section 11.7.2).
    """

    scheme: Literal["http", "https"]
    host: str
    port: int
    authorization: Secret | None = None

    @property
    def url(self) -> str:
        """The proxy's URL, without what it is given as a proof."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@final
@dataclass(frozen=True, slots=True)
class Bypass:
    """Hosts that are reached without a proxy: an entry of ``no_proxy``.

    ``hosts`` is a block of addresses, or a domain's name in lower case: that host and all below
    it. The empty name is every host's. ``port`` None is any.
    """

    hosts: str | IPv4Network | IPv6Network
    port: int | None = None

    def matches(self, host: str, port: int) -> bool:
        """Tell whether ``host``, a name or an address without brackets, falls under the entry."""
        if self.port not in {None, port}:
            return False
        if self.hosts == "":
            return True
        name = host.lower().removesuffix(".")
        try:
            address = ip_address(name)
        except ValueError:
            if not isinstance(self.hosts, str):
                return False
            return name == self.hosts or name.endswith(f".{self.hosts}")
        # An address is no part of a domain.
        return not isinstance(self.hosts, str) and address in self.hosts


@final
@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxy for each scheme of the URLs that are asked; None: there is none."""

    http: Proxy | None = None
    https: Proxy | None = None
    bypasses: tuple[Bypass, ...] = ()

    def for_target(self, scheme: str, host: str, port: int) -> Proxy | None:
        """Return the proxy that leads to ``host``; None: it is reached straight."""
        proxy = self.https if scheme == "https" else self.http
        if proxy is None or any(each.matches(host, port) for each in self.bypasses):
            return None
        return proxy


NO_PROXIES: Final = Proxies()
"""Every connection goes straight to where the URL says."""


def parse_proxies(environ: Mapping[str, str]) -> Result[Proxies, InvalidSetting]:
    """Read the proxies that the environment names; an empty variable is one that is not set.

    Errors: InvalidSetting with the variable's name, and nothing of a password.

    >>> proxies = parse_proxies({"https_proxy": "proxy.example:3128", "no_proxy": "corp.example"})
    >>> proxies.unwrap().for_target("https", "example.com", 443)
    Proxy(scheme='http', host='proxy.example', port=3128, authorization=None)
    >>> proxies.unwrap().for_target("https", "www.corp.example", 443)
    >>> parse_proxies({"ALL_PROXY": "socks5://user:hunter2@proxy.example"}).failure().got
    'socks5://…'
    """
    in_cgi_script = "REQUEST_METHOD" in environ
    fallback = _read(environ, "all_proxy", "ALL_PROXY")
    http = _read(environ, "http_proxy", *(() if in_cgi_script else ("HTTP_PROXY",)))
    https = _read(environ, "https_proxy", "HTTPS_PROXY")
    for each in (fallback, http, https):
        if not is_successful(each):
            return Failure(each.failure())
    listed = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    return Success(
        Proxies(
            http.unwrap() or fallback.unwrap(),
            https.unwrap() or fallback.unwrap(),
            tuple(_parse_bypass(entry) for entry in _SEPARATORS.split(listed) if entry),
        )
    )


def _read(environ: Mapping[str, str], *names: str) -> Result[Proxy | None, InvalidSetting]:
    for name in names:
        if environ.get(name):
            return _parse_proxy(name, environ[name])
    return Success(None)


def _parse_proxy(variable: str, untrusted_text: str) -> Result[Proxy | None, InvalidSetting]:
    """Read ``[scheme://][user[:password]@]host[:port][/]``, user and password percent-encoded."""
    match = _SCHEME.match(untrusted_text)
    scheme = match[1].lower() if match is not None else "http"
    if scheme.startswith("socks"):
        return Failure(InvalidSetting(variable, f"{scheme[:8]}://…", _WANTED))
    rest = untrusted_text[match.end() if match is not None else 0 :]
    userinfo, _, place = rest.rpartition("@")
    target = parse_target(f"{scheme}://{place}")
    if not is_successful(target) or target.unwrap().path_and_query != "/":
        return Failure(InvalidSetting(variable, _NOT_SHOWN, _WANTED))
    try:
        # The system's bytes, which Python reads so where they are not UTF-8.
        given = userinfo.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return Failure(InvalidSetting(variable, _NOT_SHOWN, _WANTED))
    user, password = (unquote_to_bytes(each) for each in given.partition(b":")[::2])
    found = target.unwrap()
    if not given:
        return Success(Proxy(found.scheme, found.host, found.port))
    # RFC 7617 section 2: what stands before the first colon is the user; no control characters.
    if b":" in user or _CONTROL.search(user + password):
        wanted = "a user and a password that Basic authentication can carry"
        return Failure(InvalidSetting(variable, _NOT_SHOWN, wanted))
    basic = b64encode(user + b":" + password).decode()
    return Success(Proxy(found.scheme, found.host, found.port, Secret(f"Basic {basic}")))


def _parse_bypass(entry: str) -> Bypass:
    """Read ``*``, or ``[*][.]name[:port]``, or ``address[/bits]``, or ``[IPv6][:port]``.

    Others use the same variable, each with forms of its own: what is no entry here matches no host.
    """
    match = _BRACKETED.fullmatch(entry) or _WITH_PORT.fullmatch(entry)
    host = match["host"] if match is not None else entry
    port = int(match["port"]) if match is not None and match["port"] is not None else None
    try:
        return Bypass(ip_network(host, strict=False), port)
    except ValueError:
        name = host.lower().removeprefix("*").removeprefix(".").removesuffix(".")
        return Bypass(name if name or host == "*" else "-", port)
