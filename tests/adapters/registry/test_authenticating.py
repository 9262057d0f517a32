"""Registries are told who asks: by what they want, as often as it helps, and nobody else is."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Result

from pipeline.adapters.registry import AuthenticatingTransport
from pipeline.adapters.retrying import RetryingTransport
from pipeline.documents import fetch_document
from pipeline.errors import (
    AuthenticationFailed,
    BadAnswer,
    HttpStatus,
    InvalidSetting,
    InvalidUrl,
    RetriesExhausted,
    StoreError,
    TransportError,
    TruncatedBody,
)
from pipeline.limits import DOCUMENT_SECONDS, TOKEN_BYTES
from pipeline.logins import Login, UserPassword
from pipeline.ports import BodyStart, Request, Response, Sink
from pipeline.results import Validators
from pipeline.secret import Secret
from pipeline.testing.fakes import Page
from tests.adapters.registry.hub import (
    IDENTITY,
    OWN,
    REALM,
    SCOPE,
    URL,
    USER,
    Hub,
    Logins,
    basic,
    challenge,
    get,
)
from tests.support.sinks import ResumableSink

USER_BASIC = basic("c4nary-user", "c4nary-p4ss")
ONE, TWO, THREE = (f"Bearer c4nary-t0ken-{number}" for number in (1, 2, 3))


def failed(reason: str) -> AuthenticationFailed:
    return AuthenticationFailed("hub.example", reason)


BODY = b"0123456789"


@dataclass(slots=True)
class Breaking:
    """A transport whose connections break after a byte, and 40 seconds."""

    hub: Hub

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        if "/v2/" not in request.url:
            return self.hub.fetch(request, sink)
        outcome = self.hub.fetch(request, ResumableSink())
        if not is_successful(outcome):
            return outcome
        point = sink.resume_point()
        offset = 0 if point is None else point.offset
        sink.begin(BodyStart(request.url, offset, len(BODY), Validators())).unwrap()
        sink.write(BODY[offset : offset + 1]).unwrap()
        self.hub.clock.advance(40)
        if offset + 1 == len(BODY):
            return outcome
        return Failure(TruncatedBody(request.url, offset + 1, len(BODY)))


@dataclass(slots=True)
class Together:
    """A transport over which refusals come to everybody at once."""

    hub: Hub
    barrier: threading.Barrier

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        outcome = self.hub.fetch(request, sink)
        if not is_successful(outcome):
            self.barrier.wait(5)
        return outcome


class TestTokens:
    def test_for_anybody(self) -> None:
        hub = Hub()
        assert hub.ask().unwrap().untrusted_body == b"content"
        assert hub.urls() == [URL, REALM, URL]
        assert hub.proofs() == ["", "", ONE]
        assert hub.scopes == [SCOPE]
        token = hub.requests[1]
        assert token.url == f"{REALM}?service=hub&scope=repository%3Ateam%2Fapp%3Apull"
        assert (token.method, token.max_bytes, token.is_anonymous) == ("GET", TOKEN_BYTES, True)
        assert hub.logins.asked == [("hub.example", "team/app")]

    def test_for_a_user(self) -> None:
        """By GET, as docker and skopeo send them; a password never goes into a form."""
        hub = Hub(Logins(USER))
        hub.ask().unwrap()
        assert hub.proofs() == ["", USER_BASIC, ONE]
        assert [each.method for each in hub.requests] == ["GET"] * 3
        assert not hub.requests[1].is_anonymous

    def test_by_an_identity_token(self) -> None:
        hub = Hub(Logins(IDENTITY))
        hub.ask().unwrap()
        token = hub.requests[1]
        assert (token.method, token.url, token.headers) == ("POST", REALM, ())
        assert {name: value.value for name, value in token.form} == {
            "grant_type": "refresh_token",
            "refresh_token": "c4nary-identity",
            "service": "hub",
            "scope": SCOPE,
            "client_id": "image-pipeline",
        }
        assert hub.proofs() == ["", "", ONE]

    @pytest.mark.parametrize("status", [404, 405])
    def test_by_an_identity_token_where_there_is_no_post(self, status: int) -> None:
        hub = Hub(Logins(IDENTITY))
        hub.on_token = lambda each: Page(status=status) if each.method == "POST" else None
        hub.ask().unwrap()
        assert [each.method for each in hub.requests] == ["GET", "POST", "GET", "GET"]
        assert hub.proofs() == ["", "", basic("", "c4nary-identity"), ONE]
        assert hub.requests[2].form == ()

    def test_that_are_set(self) -> None:
        hub = Hub(Logins(OWN), valid={"c4nary-own": 1e9})
        hub.ask().unwrap()
        assert hub.proofs() == ["", "Bearer c4nary-own"]

    def test_are_shown_unasked_for_the_same_repository_alone(self) -> None:
        hub = Hub()
        transport = hub.transport
        other = "https://hub.example/v2/team/other/blobs/x"
        blob = "https://hub.example/v2/team/app/blobs/x"
        for url in (URL, blob, blob, other):
            fetch_document(transport, get(url)).unwrap()
        assert hub.urls() == [URL, REALM, URL, blob, blob, other, REALM, other]
        assert hub.proofs() == ["", "", ONE, ONE, ONE, "", "", TWO]
        assert hub.scopes == [SCOPE, "repository:team/other:pull"]

    def test_are_kept_by_the_transport_alone(self) -> None:
        hub = Hub()
        hub.ask().unwrap()
        hub.ask().unwrap()
        assert len(hub.scopes) == 2

    def test_are_asked_for_by_one_thread_at_a_time(self) -> None:
        """Four layers at once: four are refused, one asks, and all go on."""
        # The answer takes its time, so that whoever would ask as well does.
        hub = Hub(on_token=lambda _: time.sleep(0.05))
        together = Together(hub, threading.Barrier(4))
        transport = AuthenticatingTransport(together, hub.logins, hub.clock)
        with ThreadPoolExecutor(4) as threads:
            asked = [threads.submit(fetch_document, transport, get()) for _ in range(4)]
        assert [each.result().unwrap().untrusted_body for each in asked] == [b"content"] * 4
        assert len(hub.scopes) == 1


class TestPasswords:
    def test(self) -> None:
        hub = Hub(Logins(USER), challenges=('Basic realm="x"',))
        transport = hub.transport
        for _ in range(2):
            assert fetch_document(transport, get()).unwrap().untrusted_body == b"content"
        assert hub.proofs() == ["", USER_BASIC, USER_BASIC]
        assert hub.logins.asked == [("hub.example", "team/app")]

    def test_only_where_there_is_no_token_to_be_had(self) -> None:
        hub = Hub(Logins(USER), challenges=('Basic realm="x"', challenge()))
        hub.ask().unwrap()
        assert hub.proofs() == ["", USER_BASIC, ONE]
        assert hub.urls()[1] == REALM

    def test_refused(self) -> None:
        hub = Hub(Logins(USER), challenges=('Basic realm="x"',))
        hub.on_content = lambda _: Page(status=401, challenges=('Basic realm="x"',))
        assert hub.ask().failure() == failed("it refuses the credentials that are set for it")
        assert len(hub.requests) == 2

    @pytest.mark.parametrize(
        ("login", "reason"),
        [
            (None, "it wants credentials, and none are set for it"),
            (IDENTITY, "it wants a user and a password, and a token is set for it"),
            (OWN, "it wants a user and a password, and a token is set for it"),
            (
                UserPassword(Secret("a:b"), Secret("c")),
                "the user and password that are set for it are none that Basic can carry",
            ),
        ],
    )
    def test_that_are_not_there(self, login: Login | None, reason: str) -> None:
        hub = Hub(Logins(login), challenges=("BASIC realm=x",))
        assert hub.ask().failure() == failed(reason)
        assert len(hub.requests) == 1


class TestExpiry:
    def test_between_requests(self) -> None:
        hub = Hub()
        transport = hub.transport
        fetch_document(transport, get()).unwrap()
        hub.clock.advance(301)
        fetch_document(transport, get()).unwrap()
        assert hub.proofs() == ["", "", ONE, "", "", TWO]

    def test_earlier_than_was_said(self) -> None:
        """The service's token counts 30 seconds, and is kept for 60: the registry's word stands."""
        hub = Hub(seconds=30)
        transport = hub.transport
        for _ in range(3):
            fetch_document(transport, get()).unwrap()
            hub.clock.advance(31)
        assert hub.proofs() == ["", "", ONE, ONE, "", TWO, TWO, "", THREE]

    def test_in_the_middle_of_a_transfer(self) -> None:
        """Again and again, as long as bytes come in; each time it goes on where it was."""
        hub, sink = Hub(seconds=30), ResumableSink(content_addressed=True)
        breaking = RetryingTransport(Breaking(hub), hub.clock, jitter=lambda: 0.0)
        transport = AuthenticatingTransport(breaking, hub.logins, hub.clock)
        request = replace(get(), total_seconds=1e6, content_addressed=True)
        transport.fetch(request, sink).unwrap()
        assert (bytes(sink.content), sink.written) == (BODY, len(BODY))
        assert len(hub.scopes) == len(BODY)

    def test_of_what_has_let_nothing_in(self) -> None:
        hub = Hub()
        hub.on_content = lambda _: Page(status=401, challenges=(challenge(),), peer=hub.peer)
        assert hub.ask().failure() == failed("it wants credentials, and none are set for it")
        assert hub.urls() == [URL, REALM, URL]


class TestScopes:
    """RFC 6750 section 3.1; asked for once more, and only what reads the same repository."""

    @pytest.mark.parametrize(
        ("wanted", "scope"),
        [
            ("repository:team/app:pull,push,delete,*", SCOPE),
            ("repository:team/app:*", SCOPE),
            ("repository:team/other:pull", SCOPE),
            ("repository:team/app/more:metadata_read", SCOPE),
            ("registry:catalog:*", SCOPE),
            ("", SCOPE),
            ("repository:team/app:metadata_read", "repository:team/app:metadata_read,pull"),
            (
                f"x {SCOPE} repository:team/app:push,metadata_read",
                "repository:team/app:metadata_read,pull",
            ),
        ],
    )
    def test_that_a_challenge_names(self, wanted: str, scope: str) -> None:
        hub = Hub(challenges=(challenge(scope=wanted),))
        hub.ask().unwrap()
        assert hub.scopes == [scope]

    def test_that_were_not_enough(self) -> None:
        wider = challenge(scope="repository:team/app:metadata_read", error="insufficient_scope")
        hub = Hub()
        hub.on_content = lambda _: (
            None if len(hub.scopes) > 1 else Page(status=401, challenges=(wider,), peer=hub.peer)
        )
        hub.ask().unwrap()
        assert hub.scopes == [SCOPE, "repository:team/app:metadata_read,pull"]
        assert hub.proofs() == ["", "", ONE, "", TWO]

    @pytest.mark.parametrize(
        "scope", ["repository:team/app:push", "repository:team/other:pull", SCOPE, "junk", ""]
    )
    def test_that_are_not_asked_for(self, scope: str) -> None:
        hub = Hub(Logins(USER))
        wider = challenge(scope=scope, error="insufficient_scope")
        hub.on_content = lambda _: Page(status=401, challenges=(wider,), peer=hub.peer)
        assert hub.ask().failure() == failed("it refuses the credentials that are set for it")
        assert hub.scopes == [SCOPE]

    def test_there_is_an_end_to_it(self) -> None:
        wants = [
            challenge(scope=f"repository:team/app:{each}") for each in ("pull", "metadata_read")
        ]
        hub = Hub()
        hub.on_content = lambda _: Page(
            status=401, challenges=(wants[len(hub.scopes) % 2],), peer=hub.peer
        )
        assert isinstance(hub.ask().failure(), AuthenticationFailed)
        assert len(hub.scopes) == 2


class TestWhatIsNotAnswered:
    @pytest.mark.parametrize(
        "url",
        [
            "https://hub.example/v2/",
            "https://hub.example/app.aci",
            "https://hub.example/v2/A/blobs/x",
        ],
    )
    def test_what_is_no_registrys(self, url: str) -> None:
        hub = Hub(Logins(USER))
        page = Page(status=401, challenges=(challenge(),))
        hub.on_token = lambda _: page
        assert hub.ask(url).failure() == HttpStatus(url, 401)
        assert [(each.url, each.headers) for each in hub.requests] == [(url, ())]

    @pytest.mark.parametrize("status", [403, 404, 429, 500])
    def test_other_refusals(self, status: int) -> None:
        hub = Hub(Logins(OWN), valid={"c4nary-own": 1e9})
        hub.on_content = lambda _: Page(status=status)
        error = hub.ask().failure()
        if status == 403:
            assert error == failed("it refuses the credentials that are set for it")
        else:
            assert error == HttpStatus(URL, status)
        assert len(hub.requests) == 2

    def test_what_is_forbidden_is_no_matter_of_a_newer_token(self) -> None:
        hub = Hub()
        transport = hub.transport
        fetch_document(transport, get()).unwrap()
        hub.on_content = lambda _: Page(status=403)
        error = fetch_document(transport, get()).failure()
        assert error == failed("it wants credentials, and none are set for it")
        assert len(hub.scopes) == 1

    def test_a_refusal_of_who_was_not_asked(self) -> None:
        """Not that credentials are missing, but something else is against this."""
        hub = Hub()
        refusing = Refusing(HttpStatus(URL, 403))
        transport = AuthenticatingTransport(refusing, hub.logins, hub.clock)
        assert fetch_document(transport, get()).failure() == HttpStatus(URL, 403)
        assert (refusing.count, hub.logins.asked) == (1, [])

    @pytest.mark.parametrize(
        "url",
        [
            "https://store.example/v2/team/app/blobs/x",
            "https://hub.example:8443/v2/team/app/blobs/x",
            "http://hub.example/v2/team/app/blobs/x",
        ],
    )
    @pytest.mark.parametrize("status", [401, 403])
    def test_a_challenge_of_whoever_it_redirected_to(self, url: str, status: int) -> None:
        """It would be told the registry's credentials, at a place of its choice."""
        hub = Hub(Logins(USER))
        error = HttpStatus(url, status, untrusted_challenges=(challenge(), "Basic realm=x"))
        refusing = Refusing(error)
        transport = AuthenticatingTransport(refusing, hub.logins, hub.clock)
        assert fetch_document(transport, get()).failure() is error
        assert (refusing.count, hub.logins.asked) == (1, [])

    @pytest.mark.parametrize(
        ("challenges", "named"),
        [
            ((), "nothing that can be read"),
            (('Basic realm="x', "junk (x)"), "nothing that can be read"),
            (("Negotiate", "NTLM"), "ntlm, negotiate"),
        ],
    )
    def test_what_nobody_here_can(self, challenges: tuple[str, ...], named: str) -> None:
        hub = Hub(Logins(USER), challenges=challenges)
        reason = f"it wants to be answered by {named}, wanted Bearer or Basic"
        assert hub.ask().failure() == failed(reason)
        assert hub.proofs() == [""]

    def test_credentials_that_cannot_be_read(self) -> None:
        error = InvalidSetting("/auth.json", "junk", "JSON")
        hub = Hub(Logins(error))
        assert hub.ask().failure() == failed(error.message)
        assert len(hub.requests) == 1


@dataclass(slots=True)
class Refusing:
    """A transport that gives one error."""

    error: TransportError
    count: int = 0

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        self.count += 1
        return Failure(self.error)


class TestTokenServicesThatFail:
    @pytest.mark.parametrize(
        ("login", "status", "reason"),
        [
            (USER, 401, "it refuses the credentials that are set for it, says its token service"),
            (
                IDENTITY,
                400,
                "it refuses the credentials that are set for it, says its token service",
            ),
            (
                IDENTITY,
                403,
                "it refuses the credentials that are set for it, says its token service",
            ),
            (None, 401, "it wants credentials, and none are set for it, says its token service"),
        ],
    )
    def test_they_refuse(self, login: Login | None, status: int, reason: str) -> None:
        """Without credentials it is not tried once more: that would be somebody else's pull."""
        hub = Hub(Logins(login), on_token=lambda _: Page(status=status, challenges=("Basic",)))
        assert hub.ask().failure() == failed(reason)
        assert len(hub.requests) == 2

    @pytest.mark.parametrize("status", [400, 404, 429, 503])
    def test_they_are_broken(self, status: int) -> None:
        hub = Hub(on_token=lambda _: Page(status=status))
        assert hub.ask().failure() == HttpStatus(hub.requests[1].url, status)

    @pytest.mark.parametrize("body", [b"", b"c4nary", b"{}", b'{"token": "a b"}'])
    def test_they_give_none(self, body: bytes) -> None:
        hub = Hub(on_token=lambda _: Page(body))
        error = hub.ask().failure()
        assert isinstance(error, BadAnswer)
        assert error.url == REALM
        assert len(hub.requests) == 2

    def test_what_cannot_be_sent_to_them(self) -> None:
        hub = Hub(Logins(UserPassword(Secret("a:b"), Secret("c"))))
        assert isinstance(hub.ask().failure(), InvalidUrl)
        assert len(hub.requests) == 1

    def test_after_several_attempts(self) -> None:
        """A refusal counts for what it is, also where it came after others."""
        hub = Hub(Logins(IDENTITY))
        tried = RetriesExhausted(REALM, (HttpStatus(REALM, 503), HttpStatus(REALM, 404)))
        hub.on_token = lambda each: tried if each.method == "POST" else None
        hub.ask().unwrap()
        assert [each.method for each in hub.requests] == ["GET", "POST", "GET", "GET"]


class TestTime:
    def test_covers_tokens(self) -> None:
        hub = Hub()
        inner = hub.fetch

        @dataclass(slots=True)
        class Slow:
            def fetch(
                self, request: Request, sink: Sink
            ) -> Result[Response, TransportError | StoreError]:
                hub.clock.advance(30)
                return inner(request, sink)

        transport = AuthenticatingTransport(Slow(), hub.logins, hub.clock)
        fetch_document(transport, get()).unwrap()
        assert [each.total_seconds for each in hub.requests] == [100, 70, 40]

    def test_of_a_token_is_short(self) -> None:
        hub = Hub()
        fetch_document(hub.transport, replace(get(), total_seconds=1e6)).unwrap()
        assert hub.requests[1].total_seconds == DOCUMENT_SECONDS


def test_a_head_is_answered_as_well() -> None:
    hub = Hub(on_content=lambda _: Page(fields=(("docker-content-digest", "sha256:0"),)))
    document = fetch_document(hub.transport, replace(get(), method="HEAD")).unwrap()
    assert document.response.field("docker-content-digest") == "sha256:0"
    assert [each.method for each in hub.requests] == ["HEAD", "GET", "HEAD"]


def test_what_a_request_holds_itself_is_kept() -> None:
    hub = Hub()
    own = (("X-Own", Secret("1")),)
    fetch_document(hub.transport, replace(get(), headers=own, accept="a/b")).unwrap()
    names = [[name for name, _ in each.headers] for each in hub.requests]
    assert names == [["X-Own"], [], ["X-Own", "Authorization"]]
    assert [each.accept for each in hub.requests] == ["a/b", "application/json", "a/b"]
