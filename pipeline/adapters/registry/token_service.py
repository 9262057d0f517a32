"""Asking a token service: ``TokenQuestion, login -> Result[Token, TransportError]``.

Source: distribution v2.8.2 ``docs/spec/auth/token.md`` (GET) and ``oauth.md`` (POST).
"""

from dataclasses import replace
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result

from pipeline.adapters.registry.tokens import Token, TokenQuestion, basic, parse_token, refresh_form
from pipeline.documents import Document, fetch_document
from pipeline.errors import (
    BadAnswer,
    HttpStatus,
    InvalidUrl,
    RetriesExhausted,
    StoreError,
    TransportError,
)
from pipeline.logins import IdentityToken, UserPassword
from pipeline.ports import Clock, Request, Transport
from pipeline.secret import Secret

_NO_POST: Final = frozenset({404, 405})
"""How services that know GET alone answer a POST."""


@final
class TokenService:
    """Gets tokens, over a transport."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        """Keep both."""
        self._transport = transport
        self._clock = clock

    def ask(
        self,
        question: TokenQuestion,
        login: UserPassword | IdentityToken | None,
        request: Request,
    ) -> Result[Token, TransportError]:
        """Ask for a token; ``request`` has the limits, and from where the service was named.

        Errors: what the transport fails with; BadAnswer, InvalidUrl.
        """
        asking = replace(request, url=question.url, is_anonymous=login is None)
        if isinstance(login, IdentityToken):
            form = refresh_form(question, login)
            posted = fetch_document(
                self._transport, replace(asking, url=question.realm, method="POST", form=form)
            )
            error = None if is_successful(posted) else last_cause(posted.failure())
            if not isinstance(error, HttpStatus) or error.status not in _NO_POST:
                return self._read(question, posted)
            login = UserPassword(Secret(""), login.token)
        if login is not None:
            proof = basic(login)
            if not is_successful(proof):
                return Failure(InvalidUrl(question.realm, proof.failure()))
            asking = replace(asking, headers=(("Authorization", proof.unwrap()),))
        return self._read(question, fetch_document(self._transport, asking))

    def _read(
        self, question: TokenQuestion, answered: Result[Document, TransportError]
    ) -> Result[Token, TransportError]:
        if not is_successful(answered):
            return Failure(answered.failure())
        token = parse_token(answered.unwrap().untrusted_body, self._clock.now())
        return token.alt(lambda reason: BadAnswer(question.realm, reason))


def last_cause(error: TransportError | StoreError) -> TransportError | StoreError:
    """Return what a server said last, where it was asked several times."""
    return error.causes[-1] if isinstance(error, RetriesExhausted) and error.causes else error
