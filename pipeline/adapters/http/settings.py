"""What a user may set about HTTP: trust, plain HTTP, and where hosts really are. No I/O."""

import re
from dataclasses import dataclass
from typing import Final, Literal, final

from returns.result import Failure, Result, Success

from pipeline.adapters.http.proxies import NO_PROXIES, Proxies
from pipeline.limits import USER_AGENT

_RULE: Final = re.compile(
    r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*):(?P<port>[0-9]{0,5})"
    r":(?P<to_host>\[[^\[\]]*\]|[^:\[\]]*):(?P<to_port>[0-9]{0,5})",
    re.ASCII,
)


@final
@dataclass(frozen=True, slots=True)
class ConnectTo:
    """A rule of curl's ``--connect-to``: None matches any host or port, or leaves it as it is.

    Only the TCP connection goes elsewhere. The Host header, the name asked for in TLS and the
    name that the certificate must carry stay those of the URL.
    """

    host: str | None = None
    port: int | None = None
    to_host: str | None = None
    to_port: int | None = None

    def matches(self, host: str, port: int) -> bool:
        """Tell whether a connection to ``host``, in any case, and ``port`` falls under the rule."""
        return self.host in {None, host.lower()} and self.port in {None, port}


def rule_for(rules: tuple[ConnectTo, ...], host: str, port: int) -> ConnectTo | None:
    """Return the first rule that ``host`` and ``port`` fall under, if it leads elsewhere."""
    rule = next((each for each in rules if each.matches(host, port)), ConnectTo())
    return None if rule.to_host is None and rule.to_port is None else rule


def parse_connect_to(untrusted_text: str) -> Result[ConnectTo, str]:
    """Read ``HOST1:PORT1:HOST2:PORT2``, each part possibly empty, IPv6 addresses in brackets.

    Source: curl 7.88 manual, ``--connect-to``.
    Errors: a sentence that says what was wanted.

    >>> parse_connect_to("example.com:443:127.0.0.1:8443").unwrap().to_port
    8443
    >>> parse_connect_to("::[::1]:").unwrap()
    ConnectTo(host=None, port=None, to_host='::1', to_port=None)
    >>> parse_connect_to("example.com").failure()
    'wanted HOST1:PORT1:HOST2:PORT2, IPv6 addresses in brackets'
    """
    match = _RULE.fullmatch(untrusted_text)
    if match is None:
        return Failure("wanted HOST1:PORT1:HOST2:PORT2, IPv6 addresses in brackets")
    ports = [int(match[name]) if match[name] else None for name in ("port", "to_port")]
    if any(port is not None and not 0 < port < 65536 for port in ports):
        return Failure("wanted ports from 1 to 65535")
    hosts = [match[name].strip("[]").lower() or None for name in ("host", "to_host")]
    return Success(ConnectTo(hosts[0], ports[0], hosts[1], ports[1]))


@final
@dataclass(frozen=True, slots=True)
class HostTls:
    """What TLS to one host needs beside the system's trust; files are PEM, ``host`` lower case.

    The certificate authorities of ``ca_files`` are trusted for this host alone. A client
    certificate is offered to this very host and port, and to nobody that it redirects to;
    ``client_key`` None means that the key is in the certificate's file.
    """

    host: str
    port: int = 443
    ca_files: tuple[str, ...] = ()
    client_cert: str | None = None
    client_key: str | None = None


@final
@dataclass(frozen=True, slots=True)
class InsecureOrigin:
    """An origin that the user said is not secure; ``host`` lower case, without brackets.

    One of ``http`` may be asked; one of ``https`` is asked though its certificate proves nothing.
    Neither says anything of the other, and nobody is sent from one to the other.
    """

    scheme: Literal["http", "https"]
    host: str
    port: int


@final
@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How HTTP is spoken.

    ``ca_file`` is a PEM file of certificate authorities that are trusted beside the system's.
    ``connect_to`` says where hosts really are; what a rule leads to may be any address. Behind a
    proxy it says where the proxy's tunnel ends (for plain http there is one then, too), as with
    curl; the proxy itself is where ``proxies`` says. ``allow_http`` lets plain ``http:`` URLs be
    asked for; a redirect from https to http is never followed.

    ``public_only`` refuses every peer whose address is not public; names that a proxy would have to
    resolve with them, since nobody here sees where they lead. ``limit_rate`` is in bytes a second,
    for all transfers of a transport together. Of several ``hosts`` with the same host and port,
    the first counts. ``insecure`` are exceptions from what ``verify_tls`` and ``allow_http`` say,
    each for exactly one origin.
    """

    ca_file: str | None = None
    connect_to: tuple[ConnectTo, ...] = ()
    verify_tls: bool = True
    allow_http: bool = False
    user_agent: str = USER_AGENT
    public_only: bool = False
    limit_rate: int | None = None
    proxies: Proxies = NO_PROXIES
    hosts: tuple[HostTls, ...] = ()
    insecure: tuple[InsecureOrigin, ...] = ()

    def verifies(self, host: str, port: int) -> bool:
        """Tell whether a host must prove by its certificate who it is."""
        return self.verify_tls and InsecureOrigin("https", host, port) not in self.insecure

    def allows_plain(self, host: str, port: int) -> bool:
        """Tell whether a host may be asked over plain http."""
        return self.allow_http or InsecureOrigin("http", host, port) in self.insecure
