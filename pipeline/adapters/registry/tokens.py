"""Token services: what they are asked, and what they answer. Pure.

    TokenQuestion, Login | None -> Request;  bytes -> Result[Token, str]

Sources: distribution v2.8.2 ``docs/spec/auth/token.md`` (GET) and ``oauth.md`` (POST); RFC 7617
(Basic); RFC 6750 section 2.1 (Bearer).

A user and a password go by GET as Basic, as docker and skopeo send them; ``grant_type=password`` is
never used. An identity token goes by POST, and by GET as a password without a user where a service
knows no POST, as containerd sends it.
"""

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, final
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.registry.repositories import Repository, parse_origin
from pipeline.limits import CREDENTIALS_DEPTH, MAX_AGE_SECONDS, TOKEN_BYTES, TOKEN_SECONDS
from pipeline.logins import IdentityToken, UserPassword
from pipeline.secret import Secret
from pipeline.strict_json import JsonProblem, JsonValue, parse_json

_CLIENT: Final = "image-pipeline"

# It stands in a header field as it is: whatever could end or divide that is refused.
_TOKEN: Final = re.compile("[!-~]+")
# RFC 7617 section 2: neither may hold control characters, a user no colon.
_USER: Final = re.compile("[^:\x00-\x1f\x7f\ud800-\udfff]*")
_PASSWORD: Final = re.compile("[^\x00-\x1f\x7f\ud800-\udfff]+")
_CONTROL: Final = re.compile("[\x00-\x20\x7f]")


@final
@dataclass(frozen=True, slots=True)
class TokenQuestion:
    """What a token is wanted for, and where; all of it but the scope is a registry's own word."""

    realm: str
    service: str
    scope: str

    @property
    def url(self) -> str:
        """Where a GET asks it."""
        parts = urlsplit(self.realm)
        asked = urlencode(self.form, quote_via=quote)
        query = f"{parts.query}&{asked}" if parts.query else asked
        return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))

    @property
    def form(self) -> tuple[tuple[str, str], ...]:
        """What is asked, by name; a service may have no name."""
        service = (("service", self.service),) if self.service else ()
        return (*service, ("scope", self.scope))


@final
@dataclass(frozen=True, slots=True)
class Token:
    """What a registry is shown, and for how many seconds from now it is good."""

    value: Secret
    seconds: float


def why_refused(realm: str, repository: Repository) -> str:
    """Say what is wanted of the place that a registry names for tokens; nothing if it is fine.

    Where that place is on the network is judged when it is asked.
    """
    # 1. A URL of whole and plain characters, that says nothing of who asks.
    origin = parse_origin(realm)
    if origin is None or _CONTROL.search(realm) is not None:
        return "an https URL without a user name"
    # 2. Over https, unless the registry itself is asked without: then there is nothing to lose.
    if origin.scheme != "https" and repository.origin.scheme == "https":
        return "an https URL"
    return ""


def basic(login: UserPassword) -> Result[Secret, str]:
    """Return an Authorization field's value; errors: what is wrong with the login."""
    user, password = login.user.value, login.password.value
    if _USER.fullmatch(user) is None or _PASSWORD.fullmatch(password) is None:
        return Failure("the user and password that are set for it are none that Basic can carry")
    return Success(Secret(f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"))


def bearer(token: Secret) -> Result[Secret, str]:
    """Return an Authorization field's value; errors: what is wrong with the token."""
    if _TOKEN.fullmatch(token.value) is None:
        return Failure("wanted a token of visible ASCII characters")
    return Success(Secret(f"Bearer {token.value}"))


def refresh_form(question: TokenQuestion, login: IdentityToken) -> tuple[tuple[str, Secret], ...]:
    """Return what a POST sends for an identity token."""
    asked = tuple((name, Secret(value)) for name, value in question.form)
    grant = (("grant_type", Secret("refresh_token")), ("refresh_token", login.token))
    return (*grant, *asked, ("client_id", Secret(_CLIENT)))


def parse_token(untrusted_body: bytes, now: datetime) -> Result[Token, str]:
    """Read ``{"token" | "access_token": …, "expires_in": …, "issued_at": …}``.

    A token is good for :data:`~pipeline.limits.TOKEN_SECONDS` at least.
    Errors: what is wrong with it; nothing of what it says.
    """
    document = parse_json(
        untrusted_body, max_bytes=TOKEN_BYTES, max_depth=CREDENTIALS_DEPTH, is_secret=True
    )
    if not is_successful(document):
        return Failure(document.failure().reason)
    # What is wrong further in is told without its reason, which would quote what is there.
    answer = document.unwrap()
    known = answer.fields("token", "access_token", "expires_in", "issued_at")
    texts = [answer.member(name).text_or("") for name in ("token", "access_token", "issued_at")]
    seconds = _seconds(answer.member("expires_in"))
    if not all(is_successful(each) for each in (known, seconds, *texts)):
        return Failure("it is not what a token service says")
    token, access_token, issued_at = (each.unwrap() for each in texts)
    return bearer(Secret(token or access_token)).map(
        lambda proof: Token(proof, _left(seconds.unwrap(), issued_at, now))
    )


def _seconds(value: JsonValue) -> Result[int, JsonProblem]:
    if value.is_absent:
        return Success(TOKEN_SECONDS)
    return value.integer(0, MAX_AGE_SECONDS).map(lambda seconds: max(seconds, TOKEN_SECONDS))


def _left(seconds: int, issued_at: str, now: datetime) -> float:
    """Return for how long a token is good that its service says to be issued at some time.

    A time that lies ahead, or so far back that the token would be useless, is by another clock.
    """
    try:
        age = (now - datetime.fromisoformat(issued_at)) / timedelta(seconds=1)
    except (ValueError, TypeError, OverflowError):
        # No time, or one without a zone.
        return seconds
    return seconds - age if 0 <= age < seconds else seconds
