"""Proving to registries who asks: a :class:`~pipeline.ports.Transport`, wrapped.

    Request, Sink -> Result[Response, TransportError | StoreError]

A request for a repository's content that is answered with 401 is sent again with what the answer's
challenge asks for: a token, or a user and password. What was taken once is shown unasked from then
on. All that is not such a URL passes through as it is. What the sink holds stays, so a transfer
whose token expires on the way goes on where it was.

Sources: distribution v2.8.2 ``docs/spec/auth/token.md`` and ``scope.md``; RFC 9110 section 11, RFC
6750 section 3 (``insufficient_scope``). Errors: what the transport fails with, RealmRefused,
AuthenticationFailed.

1. Only the registry itself is believed: a 401 of a host that it redirected to is left as it is. One
   that has a path of its host to itself, as it is said in ``roots``, ends with that path.
2. What is set for a registry goes over https alone: to it, and to the place that it names for
   tokens, which is over https too. One that is asked over http is told nothing but tokens that
   anybody gets. What is set for a path of a host is for registries below that path.
3. That place lies no further inward than the registry does (CVE-2026-48978).
4. A token is shown to the registry that named its service, and for the repository that was asked
   for: two registries may name one service, and one of them may be a stranger's.
5. Nothing but reading is asked for, of that very repository, whatever scope a challenge names.

Not here: where logins come from; asking again after a failure. To be put around a transport that
does that, so that token services are asked again as well.
"""

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.registry.refusals import READING, Refusal, refusal_by
from pipeline.adapters.registry.repositories import Repository, parse_repository, parse_root
from pipeline.adapters.registry.token_service import TokenService, last_cause
from pipeline.adapters.registry.tokens import TokenQuestion, basic, bearer, why_refused
from pipeline.addresses import AddressScope
from pipeline.errors import (
    AuthenticationFailed,
    HttpStatus,
    PeerRefused,
    RealmRefused,
    StoreError,
    TransportError,
)
from pipeline.limits import DOCUMENT_SECONDS, TOKEN_BYTES
from pipeline.logins import IdentityToken, Login, RegistryToken, UserPassword
from pipeline.ports import Clock, RegistryCredentials, Request, Response, Sink, Transport
from pipeline.secret import Secret

_Outcome: TypeAlias = Result[Response, TransportError | StoreError]

_NONE_SET: Final = "it wants credentials, and none are set for it"
_NOT_TAKEN: Final = "it refuses the credentials that are set for it"


@final
@dataclass(frozen=True, slots=True)
class _Proof:
    """An Authorization field; good until some moment of the clock's monotonic seconds."""

    value: Secret
    actions: frozenset[str] = READING
    good_until: float = math.inf
    is_anonymous: bool = False


@final
@dataclass(slots=True)
class _Standing:
    """What a repository took last; the lock is held while something newer is asked for."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    proof: _Proof | None = None


@final
class AuthenticatingTransport:
    """Answers the challenges of registries. Several threads may fetch at once."""

    def __init__(
        self,
        transport: Transport,
        credentials: RegistryCredentials,
        clock: Clock,
        roots: Iterable[str] = (),
    ) -> None:
        """Wrap ``transport``; tokens are kept in memory, as long as this is.

        ``roots`` are URLs under which repositories lie, beside ``/v2`` of any host.
        """
        self._transport = transport
        self._credentials = credentials
        self._clock = clock
        self._roots = tuple(filter(None, map(parse_root, roots)))
        self._tokens = TokenService(transport, clock)
        self._lock = threading.Lock()
        self._standings: dict[Repository, _Standing] = {}

    def fetch(self, request: Request, sink: Sink) -> _Outcome:
        """Ask as the transport does, and prove who asks where a registry wants to know.

        ``request.total_seconds`` cover all of it.
        """
        repository = parse_repository(request.url, self._roots)
        if repository is None:
            return self._transport.fetch(request, sink)
        # 4. By registry and repository: what one was told is for no other.
        with self._lock:
            standing = self._standings.setdefault(repository, _Standing())
        ends_at = self._clock.monotonic() + request.total_seconds
        shown, is_new = self._still_good(standing), False
        while True:
            held = _held(sink)
            left = replace(request, total_seconds=ends_at - self._clock.monotonic())
            outcome = self._transport.fetch(_with(left, repository, shown), sink)
            refusal = refusal_by(repository, outcome)
            if refusal is None or (refusal.status == 403 and shown is None):
                return outcome
            # What was made for this very request, and allows all that is wanted, is not made
            # anew; but what has let bytes in was good, and has expired since.
            was_enough = shown is not None and refusal.wanted <= shown.actions
            is_stale = not is_new or _held(sink) > held
            if refusal.status == 403 or (was_enough and not is_stale):
                return _fail(repository, _reason(repository, shown))
            renewed = self._renew(repository, standing, shown, refusal, request, ends_at)
            if not is_successful(renewed):
                return Failure(renewed.failure())
            shown, is_new = renewed.unwrap(), True

    def _still_good(self, standing: _Standing) -> _Proof | None:
        proof = standing.proof
        return proof if proof is not None and proof.good_until > self._clock.monotonic() else None

    def _renew(
        self,
        repository: Repository,
        standing: _Standing,
        refused: _Proof | None,
        refusal: Refusal,
        request: Request,
        ends_at: float,
    ) -> Result[_Proof, TransportError]:
        """Return what answers a refusal; one thread at a time asks for it, the others share it."""
        with standing.lock:
            known = self._still_good(standing)
            if known is not None and known is not refused:
                return Success(known)
            standing.proof = None
            limits = Request(
                "",
                TOKEN_BYTES,
                request.idle_seconds,
                min(ends_at - self._clock.monotonic(), DOCUMENT_SECONDS),
                accept="application/json",
                # 3. The registry names the place; where nobody sees where it is, a public one.
                named_by=AddressScope.PUBLIC if refusal.peer is None else refusal.peer,
            )
            made = self._prove(repository, refusal, limits)
            if is_successful(made):
                standing.proof = made.unwrap()
            return made

    def _prove(
        self, repository: Repository, refusal: Refusal, limits: Request
    ) -> Result[_Proof, TransportError]:
        """Answer the best of the challenges: a token goes before a password."""
        found = self._login(repository)
        if not is_successful(found):
            return Failure(found.failure())
        login = found.unwrap()
        if "bearer" in refusal.challenges:
            if isinstance(login, RegistryToken):
                return _own(repository, bearer(login.token))
            return self._token(repository, refusal, login, limits)
        if "basic" in refusal.challenges:
            if isinstance(login, UserPassword):
                return _own(repository, basic(login))
            if login is None:
                return _fail(repository, _reason(repository, None))
            return _fail(repository, "it wants a user and a password, and a token is set for it")
        schemes = ", ".join(refusal.challenges) or "nothing that can be read"
        return _fail(repository, f"it wants to be answered by {schemes}, wanted Bearer or Basic")

    def _login(self, repository: Repository) -> Result[Login | None, TransportError]:
        # 2. Over http nobody is told anything that is worth a look-up.
        if repository.origin.scheme != "https":
            return Success(None)
        registry = repository.registry
        found = self._credentials.login_for(repository.origin.authority, repository.path)
        return found.alt(lambda error: AuthenticationFailed(registry, error.message))

    def _token(
        self,
        repository: Repository,
        refusal: Refusal,
        login: UserPassword | IdentityToken | None,
        limits: Request,
    ) -> Result[_Proof, TransportError]:
        challenge, registry = refusal.challenges["bearer"], repository.registry
        realm, service = challenge.parameter("realm"), challenge.parameter("service")
        # 2. The place that is named is asked over https, too.
        reason = why_refused(realm, repository)
        if reason:
            return Failure(RealmRefused(registry, realm, reason))
        scope = f"repository:{repository.name}:{','.join(sorted(refusal.wanted))}"
        answered = self._tokens.ask(TokenQuestion(realm, service, scope), login, limits)
        if is_successful(answered):
            token = answered.unwrap()
            good_until = self._clock.monotonic() + token.seconds
            is_anonymous = login is None
            return Success(_Proof(token.value, refusal.wanted, good_until, is_anonymous))
        error = last_cause(answered.failure())
        # 3. Where the place is, the transport has seen.
        if isinstance(error, PeerRefused):
            return Failure(RealmRefused(registry, realm, error.wanted))
        # RFC 6749 section 5.2: a refresh token that is not taken is answered with 400.
        refused = {401, 403} if login is None else {400, 401, 403}
        if isinstance(error, HttpStatus) and error.status in refused:
            reason = _NOT_TAKEN if login is not None else _reason(repository, None)
            return _fail(repository, f"{reason}, says its token service")
        return Failure(answered.failure())


def _fail(repository: Repository, reason: str) -> Failure[AuthenticationFailed]:
    return Failure(AuthenticationFailed(repository.registry, reason))


def _reason(repository: Repository, shown: _Proof | None) -> str:
    """Say why somebody who showed this is not let in."""
    if repository.origin.scheme != "https":
        return "it wants credentials, which are sent over https alone"
    return _NONE_SET if shown is None or shown.is_anonymous else _NOT_TAKEN


def _own(repository: Repository, value: Result[Secret, str]) -> Result[_Proof, TransportError]:
    registry = repository.registry
    return value.map(_Proof).alt(lambda reason: AuthenticationFailed(registry, reason))


def _with(request: Request, repository: Repository, proof: _Proof | None) -> Request:
    """Add what proves who asks; over http it is what anybody gets."""
    if proof is None:
        return request
    fields = (("Authorization", proof.value),)
    below = replace(request, headers_below=f"{repository.base}/")
    if repository.origin.scheme == "http":
        return replace(below, plain_headers=request.plain_headers + fields)
    return replace(below, headers=request.headers + fields)


def _held(sink: Sink) -> int:
    point = sink.resume_point()
    return 0 if point is None else point.offset
