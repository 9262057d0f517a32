"""A transport for every URL: files at once, the others made when first needed.

    Request, Sink -> Result[Response, TransportError | StoreError]

A run that asks nobody does not wait until the HTTP stack is imported, nor read credentials.
Requests about registry images have a transport of their own: certificates and insecurity that are
set for a registry are for its images alone.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.registry.repositories import ApiRoot, parse_repository
from pipeline.errors import ConfigurationError, ConnectionFailed, StoreError, TransportError
from pipeline.ports import Request, Response, Sink, Transport

# Where a simple signature lies below a lookaside's base: containers/image v5.23.0
# docs/signature-protocols.md "Accessing signatures".
_SIGNATURE: Final = re.compile(r"[^?#]*@(?:sha256|sha512)=[0-9a-f]+/signature-[0-9]+", re.ASCII)


@final
@dataclass(slots=True)
class LazyTransport:
    """A transport that is made for the first request, or by :meth:`prepare`."""

    make: Callable[[], Result[Transport, ConfigurationError]]
    made: Transport | None = None
    making: Lock = field(default_factory=Lock)

    def prepare(self) -> Result[None, ConfigurationError]:
        """Make it ready, so that whatever is wrong with it is said before anything is asked."""
        with self.making:
            if self.made is None:
                made = self.make()
                if not is_successful(made):
                    return Failure(made.failure())
                self.made = made.unwrap()
        return Success(None)

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        """Hand the request on; what cannot be made is ConnectionFailed."""
        ready = self.prepare()
        if self.made is None:
            reason = "" if is_successful(ready) else ready.failure().message
            return Failure(ConnectionFailed(request.url, reason))
        return self.made.fetch(request, sink)


@final
@dataclass(frozen=True, slots=True)
class RoutedTransport:
    """A transport that tells by the URL which one is meant.

    ``roots`` says where registries' APIs begin, beside ``/v2``, as far as that is known by now:
    nobody asks there before.
    """

    files: Transport
    registries: Transport
    web: Transport
    roots: Callable[[], tuple[ApiRoot, ...]] = tuple

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        """Hand the request to the transport for its URL."""
        # Not by urlsplit, which raises for what is no URL; each transport says that as an error.
        if request.url.partition(":")[0].lower() == "file":
            return self.files.fetch(request, sink)
        is_of_registry = is_of_registry_image(request.url, self.roots())
        chosen = self.registries if is_of_registry else self.web
        return chosen.fetch(request, sink)


def is_of_registry_image(url: str, roots: tuple[ApiRoot, ...] = ()) -> bool:
    """Tell whether a URL is of a registry's API, or of a simple signature.

    >>> is_of_registry_image("https://example.com/v2/app/manifests/1.0")
    True
    >>> is_of_registry_image("https://example.com/app.aci")
    False
    """
    return parse_repository(url, roots) is not None or _SIGNATURE.fullmatch(url) is not None
