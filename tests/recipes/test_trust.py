"""How keys become trusted: what is fetched, who approves, and when anything is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.addresses import AddressScope
from pipeline.errors import (
    ConfigurationError,
    DiscoveryError,
    DiscoveryFailed,
    HttpStatus,
    InsecureUrl,
    InvalidKey,
    InvalidSetting,
    KeyNotReviewed,
    KeystoreUnavailable,
    PipelineError,
)
from pipeline.limits import DOCUMENT_SECONDS, KEY_URLS, KEYRING_BYTES
from pipeline.names import ImageName, Labels
from pipeline.ports import Request, Response, Sink
from pipeline.recipes.trust import (
    KeyCandidate,
    TrustOutcome,
    TrustPolicy,
    collect_keys,
    trust_keys,
)
from pipeline.results import Candidate, KeyPlace
from pipeline.testing.fakes import EPOCH, FixedClock, MemoryTransport, Page
from pipeline.trust import Fingerprint, KeyEntry, KeyInfo

APP: Final = ImageName("example.com/app")
HTTPS: Final = "https://example.com/key.asc"
HTTP: Final = "http://example.com/key.asc"
REVIEWED: Final = TrustPolicy()
FILE: Final = "file:///keys/key.asc"


def make_key(digit: str, certificate: bytes | None = None) -> KeyInfo:
    return KeyInfo(
        fingerprint=Fingerprint(digit * 40),
        user_ids=(f"Key {digit}",),
        algorithm="RSA 4096",
        capabilities=("sign",),
        created=EPOCH,
        expires=None,
        revoked=False,
        subkeys=(),
        certificate=certificate or f"certificate {digit}".encode(),
    )


def read_keys(untrusted: bytes, now: datetime) -> Result[tuple[KeyInfo, ...], str]:
    """Read a file in which every character but ``!`` is a key; upper case differs in bytes."""
    assert now == EPOCH
    if b"!" in untrusted:
        return Failure("it is junk")
    return Success(tuple(make_key(digit.lower(), digit.encode()) for digit in untrusted.decode()))


@dataclass(frozen=True)
class Paths:
    def is_file(self, path: str) -> bool:
        return True

    def absolute(self, path: str) -> str:
        return f"/keys/{path.removeprefix('./')}"


@dataclass(frozen=True)
class Pages:
    urls: tuple[str, ...] = ()

    def endpoints(
        self, name: ImageName, labels: Labels
    ) -> Result[tuple[Candidate, ...], DiscoveryError]:
        return Failure(DiscoveryFailed(name, "image", ()))

    def public_keys(self, name: ImageName) -> Result[tuple[KeyPlace, ...], DiscoveryError]:
        places = tuple(KeyPlace(url, AddressScope.PUBLIC) for url in self.urls)
        return Success(places) if places else Failure(DiscoveryFailed(name, "key", ()))


def collect(
    *sources: str,
    prefix: ImageName | None = APP,
    pages: dict[str, bytes] | MemoryTransport | None = None,
    discovered: tuple[str, ...] = (),
    policy: TrustPolicy = REVIEWED,
) -> Result[tuple[KeyCandidate, ...], PipelineError]:
    if not isinstance(pages, MemoryTransport):
        pages = MemoryTransport({url: Page(body) for url, body in (pages or {}).items()})
    return collect_keys(
        sources,
        prefix,
        transport=pages,
        discovery=Pages(discovered),
        paths=Paths(),
        read_keys=read_keys,
        clock=FixedClock(),
        policy=policy,
    )


class TestCollectKeys:
    """Everything is read before anything is judged."""

    def test_paths_and_urls_in_order(self) -> None:
        with_secrets = "https://a:b@example.com/key.asc?t=1"
        pages = {FILE: b"12", "file:///2.asc": b"3", with_secrets: b"4", HTTPS: b"5"}
        sources = ("./key.asc", "file:///2.asc", with_secrets, HTTPS)
        found = collect(*sources, pages=pages).unwrap()
        assert [(each.key.fingerprint.hex[0], each.source) for each in found] == [
            ("1", "./key.asc"),
            ("2", "./key.asc"),
            ("3", "file:///2.asc"),
            ("4", "https://example.com/key.asc?t=…"),
            ("5", HTTPS),
        ]
        assert [each.vouched_by_https for each in found] == [False] * 3 + [True] * 2

    def test_a_path_may_look_like_anything(self) -> None:
        pages = {"file:///keys/100%25%20ftp://%FF%C3%A9": b"1"}
        (found,) = collect("100% ftp://\udcffé", pages=pages).unwrap()
        assert found.source == "100% ftp://\udcffé"

    def test_discovery_where_nothing_is_named(self) -> None:
        urls = (HTTPS, "https://example.org/2.asc")
        found = collect(discovered=urls, pages={urls[0]: b"1", urls[1]: b"2"}).unwrap()
        assert [each.source for each in found] == [*urls]
        assert all(each.vouched_by_https for each in found)

    def test_discovery_is_not_asked_where_something_is_named(self) -> None:
        found = collect(HTTPS, pages={HTTPS: b"1"}, discovered=("https://evil.example/",))
        assert len(found.unwrap()) == 1

    def test_what_discovery_fails_with(self) -> None:
        assert isinstance(collect().failure(), DiscoveryFailed)

    def test_keys_for_all_names_cannot_be_discovered(self) -> None:
        outcome = collect(prefix=None, discovered=(HTTPS,), pages={HTTPS: b"1"})
        assert isinstance(outcome.failure(), InvalidSetting)

    @pytest.mark.parametrize("discovered", [False, True])
    def test_plain_http_is_refused_before_anything_is_asked(self, discovered: bool) -> None:
        transport = MemoryTransport({HTTPS: Page(b"1"), HTTP: Page(b"2")})
        urls = (HTTPS, HTTP)
        outcome = (
            collect(discovered=urls, pages=transport)
            if discovered
            else collect(*urls, pages=transport)
        )
        assert outcome.failure() == InsecureUrl(HTTP, allowed_by="pubkey")
        assert transport.requests == []

    @pytest.mark.parametrize("url", [FILE, "ftp://example.com/key.asc", "key.asc"])
    def test_a_page_cannot_name_a_file(self, url: str) -> None:
        transport = MemoryTransport({url: Page(b"1")})
        policy = TrustPolicy(allow_http_keys=True)
        outcome = collect(discovered=(url,), pages=transport, policy=policy)
        assert outcome.failure() == InsecureUrl(url, allowed_by="pubkey")
        assert transport.requests == []

    def test_plain_http_vouches_for_nothing(self) -> None:
        policy = TrustPolicy(allow_http_keys=True)
        (found,) = collect(HTTP, pages={HTTP: b"1"}, policy=policy).unwrap()
        assert not found.vouched_by_https

    @pytest.mark.parametrize(
        ("policy", "named", "discovered"),
        [
            (TrustPolicy(insecure_tls=True), False, False),
            (TrustPolicy(insecure_discovery=True), True, False),
            (TrustPolicy(), True, True),
        ],
    )
    def test_https_vouches_only_where_every_step_was_checked(
        self, policy: TrustPolicy, named: bool, discovered: bool
    ) -> None:
        pages = {HTTPS: b"1"}
        (by_name,) = collect(HTTPS, pages=pages, policy=policy).unwrap()
        (by_page,) = collect(discovered=(HTTPS,), pages=pages, policy=policy).unwrap()
        assert (by_name.vouched_by_https, by_page.vouched_by_https) == (named, discovered)

    @pytest.mark.parametrize(("asked", "answered"), [(HTTP, HTTPS), (HTTPS, HTTP)])
    def test_a_redirect_to_or_from_plain_http_vouches_for_nothing(
        self, asked: str, answered: str
    ) -> None:
        @dataclass
        class Redirecting:
            def fetch(self, request: Request, sink: Sink) -> Result[Response, HttpStatus]:
                page = MemoryTransport({asked: Page(b"1")}).fetch(request, sink)
                return Success(replace(page.unwrap(), url=answered))

        outcome = collect_keys(
            (asked,),
            APP,
            transport=Redirecting(),
            discovery=Pages(),
            paths=Paths(),
            read_keys=read_keys,
            clock=FixedClock(),
            policy=TrustPolicy(allow_http_keys=True),
        )
        assert [each.vouched_by_https for each in outcome.unwrap()] == [False]

    @pytest.mark.parametrize("body", [b"!", b""])
    def test_a_file_without_keys(self, body: bytes) -> None:
        failure = collect("key.asc", HTTPS, pages={FILE: body, HTTPS: b"1"}).failure()
        assert isinstance(failure, InvalidKey)
        assert failure.source == "key.asc"

    def test_one_source_that_fails_fails_all(self) -> None:
        assert collect(HTTPS, FILE, pages={HTTPS: b"1"}).failure() == HttpStatus(FILE, 404)

    def test_an_answer_that_is_not_ready(self) -> None:
        transport = MemoryTransport({HTTPS: Page(b"1", status=202)})
        assert collect(HTTPS, pages=transport).failure() == HttpStatus(HTTPS, 202)

    def test_a_key_file_is_limited(self) -> None:
        transport = MemoryTransport({HTTPS: Page(b"1" * (KEYRING_BYTES + 1))})
        assert isinstance(collect(HTTPS, pages=transport).failure(), InvalidKey)
        assert transport.requests[0].total_seconds == DOCUMENT_SECONDS

    def test_where_a_place_was_named_goes_along(self) -> None:
        transport = MemoryTransport({HTTPS: Page(b"1")})
        collect(pages=transport, discovered=(HTTPS,)).unwrap()
        collect(HTTPS, pages=transport).unwrap()
        named_by = [request.named_by for request in transport.requests]
        assert named_by == [AddressScope.PUBLIC, None]

    def test_locations_are_limited_and_read_once(self) -> None:
        urls = tuple(f"https://example.com/{number}" for number in range(KEY_URLS))
        transport = MemoryTransport({url: Page(b"1") for url in urls})
        assert is_successful(collect(discovered=urls + urls, pages=transport))
        assert len(transport.requests) == KEY_URLS
        failure = collect(discovered=(*urls, HTTPS), pages=transport).failure()
        assert isinstance(failure, InvalidSetting)

    def test_the_same_certificate_twice_is_one_candidate_with_the_better_source(self) -> None:
        pages = {FILE: b"1", HTTPS: b"1"}
        for sources in ((FILE, HTTPS), (HTTPS, FILE)):
            (found,) = collect(*sources, pages=pages).unwrap()
            assert found.source == HTTPS
            assert found.vouched_by_https

    def test_two_certificates_of_one_key_are_refused(self) -> None:
        failure = collect(HTTPS, FILE, pages={HTTPS: b"a", FILE: b"A"}).failure()
        assert isinstance(failure, InvalidKey)
        assert failure.source == FILE
        assert HTTPS in failure.reason


@dataclass
class Keystore:
    written: list[tuple[ImageName | None, dict[Fingerprint, bytes]]] = field(default_factory=list)
    failure: ConfigurationError | None = None

    def add(
        self, prefix: ImageName | None, certificates: Mapping[Fingerprint, bytes]
    ) -> Result[tuple[KeyEntry, ...], ConfigurationError]:
        if self.failure is not None:
            return Failure(self.failure)
        self.written.append((prefix, dict(certificates)))
        return Success(tuple(KeyEntry("local", prefix, each, "", "") for each in certificates))


@dataclass
class Person:
    """Approves by the key's first digit, and remembers what was shown."""

    keystore: Keystore
    approves: str = ""
    shown: list[str] = field(default_factory=list)

    def approve(self, candidate: KeyCandidate, prefix: ImageName | None) -> bool:
        assert self.keystore.written == [], "everything is reviewed before anything is written"
        self.shown.append(candidate.key.fingerprint.hex[0])
        return candidate.key.fingerprint.hex[0] in self.approves


@dataclass
class Desk:
    """A keystore, and what somebody does with candidates."""

    keystore: Keystore = field(default_factory=Keystore)

    def trust(
        self,
        *candidates: KeyCandidate,
        person: Person | None = None,
        policy: TrustPolicy = REVIEWED,
        prefix: ImageName | None = APP,
    ) -> Result[TrustOutcome, ConfigurationError]:
        return trust_keys(
            candidates, prefix, keystore=self.keystore, reviewer=person, policy=policy
        )

    @property
    def kept(self) -> str:
        """First digits of the keys that were written."""
        return "".join(each.hex[0] for _, keys in self.keystore.written for each in keys)


def local(digit: str, *, revoked: bool = False, problem: str | None = None) -> KeyCandidate:
    key = replace(make_key(digit), revoked=revoked, problem=problem)
    return KeyCandidate(key, FILE, vouched_by_https=False)


def by_https(digit: str, *, revoked: bool = False, problem: str | None = None) -> KeyCandidate:
    return replace(local(digit, revoked=revoked, problem=problem), vouched_by_https=True)


SKIP: Final = TrustPolicy(skip_fingerprint_review=True)
FROM_HTTPS: Final = TrustPolicy(trust_keys_from_https=True)


class TestTrustKeys:
    """Each key is judged for itself; nothing is written before all are."""

    @pytest.mark.parametrize("prefix", [None, APP])
    def test_what_is_approved_is_written_in_one_go(self, prefix: ImageName | None) -> None:
        desk = Desk()
        person = Person(desk.keystore, approves="13")
        outcome = desk.trust(local("1"), local("2"), by_https("3"), person=person, prefix=prefix)
        assert person.shown == ["1", "2", "3"]
        assert desk.keystore.written == [
            (
                prefix,
                {Fingerprint("1" * 40): b"certificate 1", Fingerprint("3" * 40): b"certificate 3"},
            )
        ]
        trusted = outcome.unwrap()
        assert [entry.fingerprint.hex[0] for entry in trusted.trusted] == ["1", "3"]
        assert [(each.candidate, each.reason) for each in trusted.rejected] == [
            (local("2"), "it was not approved")
        ]

    def test_nothing_is_approved(self) -> None:
        desk = Desk()
        outcome = desk.trust(local("1"), person=Person(desk.keystore))
        assert isinstance(outcome.failure(), KeyNotReviewed)
        assert desk.kept == ""

    def test_no_candidates(self) -> None:
        desk = Desk()
        assert isinstance(desk.trust(policy=SKIP).failure(), KeyNotReviewed)
        assert desk.keystore.written == []

    @pytest.mark.parametrize("policy", [TrustPolicy(), FROM_HTTPS])
    def test_without_anybody_to_ask_nothing_is_written(self, policy: TrustPolicy) -> None:
        desk = Desk()
        failure = desk.trust(by_https("1"), local("2"), policy=policy).failure()
        assert isinstance(failure, KeyNotReviewed)
        assert "2" * 40 in failure.reason
        assert desk.keystore.written == []

    def test_skipping_the_review(self) -> None:
        desk = Desk()
        person = Person(desk.keystore)
        assert is_successful(desk.trust(local("1"), by_https("2"), policy=SKIP, person=person))
        assert desk.kept == "12"
        assert person.shown == []

    @pytest.mark.parametrize("first", [local("1"), by_https("1")])
    def test_a_key_from_https_opens_no_door_to_others(self, first: KeyCandidate) -> None:
        # rkt stopped asking once one key had come over https.
        desk = Desk()
        person = Person(desk.keystore)
        candidates = (first, by_https("2"), local("3"))
        outcome = desk.trust(*candidates, policy=FROM_HTTPS, person=person)
        unvouched = [each for each in candidates if not each.vouched_by_https]
        assert person.shown == [each.key.fingerprint.hex[0] for each in unvouched]
        assert [each.candidate for each in outcome.unwrap().rejected] == unvouched
        assert desk.kept == ("2" if first in unvouched else "12")

    def test_from_https_needs_nobody(self) -> None:
        desk = Desk()
        assert is_successful(desk.trust(by_https("1"), policy=FROM_HTTPS))
        assert desk.kept == "1"

    @pytest.mark.parametrize("policy", [TrustPolicy(), SKIP, FROM_HTTPS])
    @pytest.mark.parametrize("candidate", [local, by_https])
    def test_a_revoked_key_is_refused_unasked(
        self, policy: TrustPolicy, candidate: Callable[..., KeyCandidate]
    ) -> None:
        desk = Desk()
        revoked = candidate("1", revoked=True, problem="it is revoked")
        person = Person(desk.keystore, approves="12")
        assert isinstance(desk.trust(revoked, policy=policy, person=person).failure(), InvalidKey)
        outcome = desk.trust(revoked, local("2"), policy=policy, person=person).unwrap()
        assert [each.candidate for each in outcome.rejected] == [revoked]
        assert "1" not in person.shown
        assert desk.kept == "2"

    @pytest.mark.parametrize("policy", [SKIP, FROM_HTTPS])
    def test_a_key_that_proves_nothing_needs_a_person(self, policy: TrustPolicy) -> None:
        desk = Desk()
        expired = by_https("1", problem="it expired")
        assert isinstance(desk.trust(expired, policy=policy).failure(), KeyNotReviewed)
        assert desk.kept == ""
        person = Person(desk.keystore, approves="1")
        assert is_successful(desk.trust(expired, policy=policy, person=person))
        assert (person.shown, desk.kept) == (["1"], "1")

    def test_what_the_keystore_fails_with(self) -> None:
        failure = KeystoreUnavailable("/keys", "write", "No space left on device")
        desk = Desk(Keystore(failure=failure))
        assert desk.trust(local("1"), policy=SKIP).failure() == failure
