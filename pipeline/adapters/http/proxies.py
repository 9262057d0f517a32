"""Which proxy leads to a host, as the environment says. No I/O."""

from dataclasses import dataclass
from typing import Final, Literal, final

from pipeline.secret import Secret


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


@final
@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxy for each scheme of the URLs that are asked; None: there is none."""

    http: Proxy | None = None
    https: Proxy | None = None


NO_PROXIES: Final = Proxies()
"""Every connection goes straight to where the URL says."""
