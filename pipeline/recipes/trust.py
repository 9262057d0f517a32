"""How a key becomes trusted: collect everything, have each key approved, then write.

    collect_keys: sources -> Result[tuple[KeyCandidate, ...], PipelineError]
    trust_keys:   candidates -> Result[TrustOutcome, ConfigurationError]

A source is a path, an ``https:`` or ``file:`` URL, or, where none is named, what discovery says
for the prefix. Nothing is written before every source was read and every key was judged. Each key
is judged for itself and by its own source: rkt, asked to trust keys from https, went on to accept
local keys that came after one.

The keystore, the web, the OpenPGP reader and the person who looks come in as arguments.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.addresses import AddressScope
from pipeline.documents import fetch_document
from pipeline.errors import (
    BodyTooLarge,
    ConfigurationError,
    FileUnreadable,
    HttpStatus,
    InsecureUrl,
    InvalidKey,
    InvalidSetting,
    KeyNotReviewed,
    PipelineError,
)
from pipeline.limits import DEFAULT_LIMITS, DOCUMENT_SECONDS, KEY_URLS, KEYRING_BYTES, Limits
from pipeline.names import ImageName
from pipeline.ports import Clock, Discovery, PathProbe, Request, Transport
from pipeline.reference import file_url
from pipeline.text import redact_url
from pipeline.trust import Fingerprint, KeyEntry, KeyInfo

ReadKeys: TypeAlias = Callable[[bytes, datetime], Result[tuple[KeyInfo, ...], str]]
"""Reads a key file as it is at a time; the failure is a sentence."""


@final
@dataclass(frozen=True, slots=True)
class KeyCandidate:
    """A key that may come to be trusted, and where it came from, without secrets.

    ``vouched_by_https`` tells that everything which led to it, from the first request on, came
    over TLS from a server that proved its name.
    """

    key: KeyInfo
    source: str
    vouched_by_https: bool


@final
@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """Which checks somebody chose to leave out; none, unless said otherwise.

    ``insecure_discovery`` and ``insecure_tls`` grant nothing here: they say that pages may have
    come over plain http, or from servers that did not prove their names, so that what they led to
    is reviewed whatever ``trust_keys_from_https`` says.
    """

    skip_fingerprint_review: bool = False
    trust_keys_from_https: bool = False
    allow_http_keys: bool = False
    insecure_discovery: bool = False
    insecure_tls: bool = False


class Reviewer(Protocol):
    """Somebody who compares fingerprints."""

    def approve(self, candidate: KeyCandidate, prefix: ImageName | None) -> bool:
        """Show the key, and tell whether it may speak for ``prefix`` (None: for all names)."""
        ...


class KeyWriter(Protocol):
    """Where trusted keys are kept."""

    def add(
        self, prefix: ImageName | None, certificates: Mapping[Fingerprint, bytes]
    ) -> Result[tuple[KeyEntry, ...], ConfigurationError]:
        """Keep each certificate under the fingerprint of its primary key."""
        ...


@final
@dataclass(frozen=True, slots=True)
class RejectedKey:
    """A key that did not become trusted, and why."""

    candidate: KeyCandidate
    reason: str


@final
@dataclass(frozen=True, slots=True)
class TrustOutcome:
    """What became of the candidates; at least one is trusted now."""

    trusted: tuple[KeyEntry, ...]
    rejected: tuple[RejectedKey, ...]


def collect_keys(
    sources: tuple[str, ...],
    prefix: ImageName | None,
    *,
    transport: Transport,
    discovery: Discovery,
    paths: PathProbe,
    read_keys: ReadKeys,
    clock: Clock,
    policy: TrustPolicy = TrustPolicy(),
    limits: Limits = DEFAULT_LIMITS,
) -> Result[tuple[KeyCandidate, ...], PipelineError]:
    """Read every key of every source, or of what discovery names where there is no source.

    Errors: whatever the first source that fails fails with: InsecureUrl for plain http that is
    not allowed (nothing is asked), InvalidKey (for a file that cannot be read, too), DownloadError,
    DiscoveryError; InvalidSetting
    where there are no sources and no prefix, or more than ``limits.KEY_URLS``.
    """
    located = _locate(sources, prefix, discovery, paths)
    if not is_successful(located):
        return Failure(located.failure())
    locations = located.unwrap()
    # 1. Whatever is not allowed is refused before anything is asked for; a page that discovery
    #    read has no business with local files.
    allowed = {"https"} | ({"http"} if policy.allow_http_keys else set())
    allowed |= {"file"} if sources else set()
    for location in locations:
        if _scheme(location.url) not in allowed:
            return Failure(InsecureUrl(location.url, allowed_by="pubkey"))
    candidates: dict[Fingerprint, KeyCandidate] = {}
    for location in locations:
        request = Request(
            location.url,
            max_bytes=KEYRING_BYTES,
            idle_seconds=limits.idle_seconds,
            total_seconds=min(limits.total_seconds, DOCUMENT_SECONDS),
            named_by=location.named_by,
        )
        fetched = fetch_document(transport, request)
        if not is_successful(fetched):
            return Failure(_as_key_error(location, fetched.failure()))
        response, source = fetched.unwrap().response, location.source
        if response.status != 200:
            return Failure(HttpStatus(location.url, response.status))
        keys = read_keys(fetched.unwrap().untrusted_body, clock.now())
        if not is_successful(keys):
            return Failure(InvalidKey(source, keys.failure()))
        if not keys.unwrap():
            return Failure(InvalidKey(source, "there is none in it"))
        # 2. Https vouches for a key only if every step to it was https, and checked.
        vouched = (
            (_scheme(location.url), _scheme(response.url)) == ("https", "https")
            and not policy.insecure_tls
            and (bool(sources) or not policy.insecure_discovery)
        )
        for key in keys.unwrap():
            candidate = KeyCandidate(key, source, vouched)
            known = candidates.setdefault(key.fingerprint, candidate)
            # 3. One fingerprint, one certificate: which of two to keep is not for chance to say.
            if known.key.certificate != key.certificate:
                reason = f"{key.fingerprint} is not the same in {known.source}; add one of them"
                return Failure(InvalidKey(source, reason))
            if vouched:
                # The same bytes, and https vouches for them.
                candidates[key.fingerprint] = candidate
    return Success(tuple(candidates.values()))


def trust_keys(
    candidates: tuple[KeyCandidate, ...],
    prefix: ImageName | None,
    *,
    keystore: KeyWriter,
    reviewer: Reviewer | None,
    policy: TrustPolicy = TrustPolicy(),
) -> Result[TrustOutcome, ConfigurationError]:
    """Have each key approved for ``prefix`` (None: for all names), then keep those that are.

    A revoked key is refused. One by which no signature would be accepted, an expired one among
    them, needs a person's approval, whatever the options say.
    Errors: KeyNotReviewed where a review is due and nobody is there, or no key is approved;
    InvalidKey where all are revoked; whatever the keystore fails with. Only then may anything
    have been written.
    """
    approved: dict[Fingerprint, bytes] = {}
    rejected: list[RejectedKey] = []
    usable = tuple(candidate for candidate in candidates if not candidate.key.revoked)
    if candidates and not usable:
        first = candidates[0]
        return Failure(InvalidKey(first.source, f"{first.key.fingerprint} is revoked"))
    due = {candidate.key.fingerprint for candidate in usable if _needs_review(candidate, policy)}
    if due and reviewer is None:
        listed = ", ".join(sorted(str(fingerprint) for fingerprint in due))
        return Failure(KeyNotReviewed(f"nobody is here to compare fingerprints: {listed}"))
    for candidate in candidates:
        if candidate.key.revoked:
            rejected.append(RejectedKey(candidate, "it is revoked"))
        elif (
            reviewer is not None
            and candidate.key.fingerprint in due
            and not reviewer.approve(candidate, prefix)
        ):
            rejected.append(RejectedKey(candidate, "it was not approved"))
        else:
            approved[candidate.key.fingerprint] = candidate.key.certificate
    if not approved:
        return Failure(KeyNotReviewed("none was approved", is_refused=True))
    return keystore.add(prefix, approved).map(
        lambda entries: TrustOutcome(entries, tuple(rejected))
    )


def _needs_review(candidate: KeyCandidate, policy: TrustPolicy) -> bool:
    if candidate.key.problem is not None:
        return True
    if policy.skip_fingerprint_review:
        return False
    return not (policy.trust_keys_from_https and candidate.vouched_by_https)


@final
@dataclass(frozen=True, slots=True)
class _Location:
    """Where to read a key file, and how to name it: as it was given, without secrets."""

    url: str
    source: str
    named_by: AddressScope | None = None


def _locate(
    sources: tuple[str, ...], prefix: ImageName | None, discovery: Discovery, paths: PathProbe
) -> Result[tuple[_Location, ...], PipelineError]:
    """Find the places to read, each once, in order."""
    if sources:
        locations = tuple(_location_of(source, paths) for source in sources)
    elif prefix is None:
        wanted = "a file or URL: keys for all names cannot be discovered"
        return Failure(InvalidSetting("KEY", "", wanted))
    else:
        found = discovery.public_keys(prefix)
        if not is_successful(found):
            return Failure(found.failure())
        locations = tuple(
            _Location(place.url, redact_url(place.url), place.named_by) for place in found.unwrap()
        )
    distinct = tuple({location.url: location for location in locations}.values())
    if len(distinct) > KEY_URLS:
        got = f"{len(distinct)} locations"
        return Failure(InvalidSetting("KEY", got, f"at most {KEY_URLS} at a time"))
    return Success(distinct)


def _location_of(source: str, paths: PathProbe) -> _Location:
    """Read a source; what does not start as a URL is a path."""
    if _scheme(source) in {"https", "http", "file"}:
        return _Location(source, redact_url(source))
    return _Location(file_url(paths.absolute(source)), source)


def is_online(source: str) -> bool:
    """Tell whether a source is a URL that a server is asked for."""
    return _scheme(source) in {"https", "http"}


def _as_key_error(location: _Location, error: PipelineError) -> PipelineError:
    """Say of a file that it is a key file; what is wrong with a server stays what it is."""
    match error:
        case BodyTooLarge():
            return InvalidKey(location.source, f"it is larger than {error.limit} bytes")
        case FileUnreadable():
            return InvalidKey(location.source, f"it cannot be read: {error.reason}")
        case _:
            return error


def _scheme(url: str) -> str:
    return url.partition("://")[0].lower()
