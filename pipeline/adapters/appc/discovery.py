"""appc discovery as a :class:`~pipeline.ports.Discovery`: from a name to places, over a Transport.

    ImageName, Labels -> Result[tuple[Candidate, ...], DiscoveryError]
    ImageName         -> Result[tuple[KeyPlace, ...], DiscoveryError]

Source: appc/spec v0.8.11 ``spec/discovery.md``. ``https://NAME?ac-discovery=1`` is asked first;
where nothing on it speaks for the name, its parent, up to the host. Plain HTTP is asked only where
it is allowed, and only after HTTPS gave no page. Places for images and for keys are looked up
independently. A tag speaks for the names under its prefix, segment by segment; in rkt
``example.com/foo`` also spoke for ``example.com/foobar``. Each place says how far inward the server
was that named it, and so how far it may lead.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.appc.page import Purpose, parse_page
from pipeline.adapters.appc.template import render_template, template_values, why_unusable
from pipeline.addresses import AddressScope
from pipeline.documents import Document, fetch_document
from pipeline.errors import (
    DiscoveryError,
    DiscoveryFailed,
    HttpStatus,
    NoMatchingTag,
    TransportError,
)
from pipeline.events import SILENCE, Noticed, Observer, tell
from pipeline.limits import (
    CANDIDATES,
    DEFAULT_LIMITS,
    DISCOVERY_PAGE_BYTES,
    DOCUMENT_SECONDS,
    KEY_URLS,
    Limits,
)
from pipeline.names import ImageName, Labels, covers
from pipeline.ports import Request, Transport
from pipeline.results import Candidate, KeyPlace
from pipeline.text import redact_url

Place = TypeVar("Place", Candidate, KeyPlace)

_INCOMPLETE: Final = "it needs a label that was not given"


@final
@dataclass(frozen=True, slots=True)
class _Dropped:
    """A place that a page names and that is not used."""

    location: str
    reason: str


@final
class AppcDiscovery:
    """Asks the host of a name where its images and keys are."""

    def __init__(
        self,
        transport: Transport,
        *,
        observer: Observer = SILENCE,
        allow_http: bool = False,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        """``allow_http`` lets pages be asked for, and name places, over plain HTTP."""
        self._transport = transport
        self._observer = observer
        self._allow_http = allow_http
        self._limits = limits

    def endpoints(
        self, name: ImageName, labels: Labels
    ) -> Result[tuple[Candidate, ...], DiscoveryError]:
        """Return where the image may be, in the page's order, each place once.

        At most ``limits.CANDIDATES``; a page with more is not meant for people.

        Errors: DiscoveryFailed with every page that was asked for.
        """
        make = partial(self._candidate, template_values(name, labels))
        found = self._walk(name, "ac-discovery", "image", make)
        return found.map(lambda places: places[:CANDIDATES])

    def public_keys(self, name: ImageName) -> Result[tuple[KeyPlace, ...], DiscoveryError]:
        """Return where public keys are, in the page's order, at most ``limits.KEY_URLS``.

        Errors: DiscoveryFailed with every page that was asked for.
        """
        found = self._walk(name, "ac-discovery-pubkeys", "public key", self._checked)
        return found.map(lambda places: places[:KEY_URLS])

    def _walk(
        self,
        name: ImageName,
        purpose: Purpose,
        sought: str,
        make: Callable[[str, AddressScope | None], Place | _Dropped],
    ) -> Result[tuple[Place, ...], DiscoveryError]:
        attempts: list[TransportError | NoMatchingTag] = []
        for prefix in _from_name_to_host(name):
            page = self._page(prefix, attempts)
            if page is None:
                continue
            tags = [tag for tag in parse_page(page.untrusted_body) if tag.purpose == purpose]
            # Where nobody can tell where a server is, what it names has to be public.
            peer = AddressScope.PUBLIC if page.response.peer is None else page.response.peer
            made = [make(tag.location, peer) for tag in tags if covers(tag.prefix, name)]
            dropped = [each for each in made if isinstance(each, _Dropped)]
            for each in dropped:
                self._report(page, each)
            places = dict.fromkeys(each for each in made if not isinstance(each, _Dropped))
            if places:
                return Success(tuple(places))
            attempts.append(
                NoMatchingTag(
                    page.response.url,
                    purpose,
                    prefixes=tuple(dict.fromkeys(tag.prefix for tag in tags)),
                    incomplete=_locations(dropped, incomplete=True),
                    unusable=_locations(dropped, incomplete=False),
                )
            )
        return Failure(DiscoveryFailed(name, sought, tuple(attempts)))

    def _page(self, prefix: str, attempts: list[TransportError | NoMatchingTag]) -> Document | None:
        """Return the page of ``prefix``, over HTTPS or else, where allowed, over plain HTTP."""
        for scheme in ("https", "http") if self._allow_http else ("https",):
            url = f"{scheme}://{prefix}?ac-discovery=1"
            request = Request(
                url,
                max_bytes=DISCOVERY_PAGE_BYTES,
                idle_seconds=self._limits.idle_seconds,
                total_seconds=min(self._limits.total_seconds, DOCUMENT_SECONDS),
                accept="text/html, */*;q=0.1",
            )
            outcome = fetch_document(self._transport, request)
            if not is_successful(outcome):
                attempts.append(outcome.failure())
            elif outcome.unwrap().response.status != 200:
                attempts.append(HttpStatus(url, outcome.unwrap().response.status))
            else:
                return outcome.unwrap()
        return None

    def _candidate(
        self, values: dict[str, str], template: str, named_by: AddressScope | None
    ) -> Candidate | _Dropped:
        image = render_template(template, {**values, "ext": "aci"})
        signature = render_template(template, {**values, "ext": "aci.asc"})
        if image is None or signature is None:
            return _Dropped(template, _INCOMPLETE)
        reason = why_unusable(image, allow_http=self._allow_http)
        return _Dropped(image, reason) if reason else Candidate(image, signature, named_by)

    def _checked(self, url: str, named_by: AddressScope | None) -> KeyPlace | _Dropped:
        reason = why_unusable(url, allow_http=self._allow_http)
        return _Dropped(url, reason) if reason else KeyPlace(url, named_by)

    def _report(self, page: Document, dropped: _Dropped) -> None:
        tell(
            self._observer,
            Noticed(
                "discovery-place-dropped",
                f"{redact_url(page.response.url)} names {redact_url(dropped.location)}, "
                f"which is not used: {dropped.reason}",
            ),
        )


def _from_name_to_host(name: ImageName) -> Iterator[str]:
    """Yield the name, then its parents.

    >>> list(_from_name_to_host(ImageName("example.com/a/b")))
    ['example.com/a/b', 'example.com/a', 'example.com']
    """
    segments = name.split("/")
    for length in range(len(segments), 0, -1):
        yield "/".join(segments[:length])


def _locations(dropped: list[_Dropped], *, incomplete: bool) -> tuple[str, ...]:
    return tuple(
        each.location if incomplete else f"{redact_url(each.location)} ({each.reason})"
        for each in dropped
        if (each.reason == _INCOMPLETE) is incomplete
    )
