"""What a transport fails with: between a URL and a whole body. Exit code 5."""

from dataclasses import dataclass, field, fields, replace
from typing import ClassVar, Literal, TypeAlias, final

from pipeline.addresses import AddressScope
from pipeline.exit_codes import ExitCode
from pipeline.text import printable, quoted, redact_url


@final
@dataclass(frozen=True, slots=True)
class HttpStatus:
    """The server answered with a status that is not the one wanted.

    ``retry_after_seconds`` is what its ``Retry-After`` says (RFC 9110 section 10.2.3);
    ``untrusted_challenges`` are its ``WWW-Authenticate`` fields (section 11.6.1), and ``peer`` is
    where the server was, None where nobody can tell.
    """

    url: str
    status: int
    wanted: str = "200"
    retry_after_seconds: float | None = None
    untrusted_challenges: tuple[str, ...] = field(default=(), repr=False, compare=False)
    peer: AddressScope | None = field(default=None, repr=False, compare=False)

    kind: ClassVar[str] = "http-status"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        url, wanted = redact_url(self.url), printable(self.wanted)
        return f"{url} answered with status {self.status}, wanted {wanted}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        if self.retry_after_seconds:
            return f"the server asks to be left alone for {self.retry_after_seconds:.0f} seconds"
        if self.status in {401, 403}:
            return (
                "the server wants credentials, or does not let these ones in: "
                "auth.d in the folder of --config and --netrc say who you are"
            )
        if self.status == 407:
            return (
                "the proxy wants credentials: they go into the variable that names it, "
                "as in HTTPS_PROXY=http://user:password@proxy.example:3128"
            )
        if self.status in {404, 410}:
            return (
                "nothing is published at this address: check it, "
                "or the name, version and labels that led to it"
            )
        if 400 <= self.status <= 499 and self.status not in {408, 425, 429}:
            return "the server refuses this very request: check the address"
        return "try again later; it is rarely about the request"


@final
@dataclass(frozen=True, slots=True)
class InvalidUrl:
    """What was asked for, or where a server sent us, is no URL that can be asked."""

    url: str
    reason: str

    kind: ClassVar[str] = "invalid-url"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"cannot ask {redact_url(self.url)}: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "check the URL, or the page or redirect that led to it"


@final
@dataclass(frozen=True, slots=True)
class BadAnswer:
    """The server's answer is not HTTP, or contradicts itself or what was asked."""

    url: str
    reason: str

    kind: ClassVar[str] = "bad-answer"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return (
            f"{redact_url(self.url)} gave an answer that cannot be used: {printable(self.reason)}"
        )

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "the server, or something on the way to it, is broken; tell its owner"


@final
@dataclass(frozen=True, slots=True)
class PeerRefused:
    """A name leads to an address that may not be asked: further inward than is allowed."""

    url: str
    address: str
    wanted: str = "a public address"

    kind: ClassVar[str] = "peer-refused"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        place, got = redact_url(self.url), printable(self.address)
        return f"{place} is at {got}, wanted {printable(self.wanted)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return (
            "a host that is meant to be there is reached with --connect-to; "
            "where --public-only was given, leave it out"
        )


@final
@dataclass(frozen=True, slots=True)
class TransferTooSlow:
    """A body that came in more slowly than is demanded."""

    url: str
    bytes_per_second: float
    wanted: int

    kind: ClassVar[str] = "transfer-too-slow"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        place, got = redact_url(self.url), f"{self.bytes_per_second:.0f}"
        return f"{place} sent {got} bytes a second, wanted at least {self.wanted}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "try again later, or accept less with --least-rate"


@final
@dataclass(frozen=True, slots=True)
class ConnectionFailed:
    """No connection, or one that broke."""

    url: str
    reason: str

    kind: ClassVar[str] = "connection-failed"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"no answer from {redact_url(self.url)}: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "check the host's name and the network; --connect-to reaches a host elsewhere"


@final
@dataclass(frozen=True, slots=True)
class TlsFailed:
    """The server could not prove who it is, or no secure connection could be made."""

    url: str
    reason: str

    kind: ClassVar[str] = "tls-failed"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"no secure connection to {redact_url(self.url)}: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "a private certificate authority is named with --ca-file"


@final
@dataclass(frozen=True, slots=True)
class InsecureUrl:
    """Plain HTTP where it was not allowed, or a redirect from HTTPS to it.

    ``allowed_by`` is the word of ``--insecure-options`` that allows what was asked for.
    """

    url: str
    redirected_from: str | None = None
    allowed_by: str = "http"

    kind: ClassVar[str] = "insecure-url"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        if self.redirected_from is not None:
            source = redact_url(self.redirected_from)
            return f"{source} redirects to {redact_url(self.url)}, wanted https"
        return f"{redact_url(self.url)} is not secure, wanted https"

    @property
    def hint(self) -> str:
        """What to do about it."""
        if self.redirected_from is not None:
            return "a redirect from https to http is never followed; ask for the http URL itself"
        word = printable(self.allowed_by)
        return f"use https, or allow plain http with --insecure-options={word}"


@final
@dataclass(frozen=True, slots=True)
class TooManyRedirects:
    """A chain of redirects that does not end in time, or a redirect to nowhere."""

    url: str
    limit: int

    kind: ClassVar[str] = "too-many-redirects"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"{redact_url(self.url)} redirects more than {self.limit} times"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "the server sends clients in circles; tell its owner"


@final
@dataclass(frozen=True, slots=True)
class TruncatedBody:
    """The transfer ended before the body did."""

    url: str
    got: int
    wanted: int | None

    kind: ClassVar[str] = "truncated-body"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        wanted = "more" if self.wanted is None else f"{self.wanted}"
        return f"{redact_url(self.url)} ended after {self.got} bytes, wanted {wanted}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "the connection broke; run the command again"


@final
@dataclass(frozen=True, slots=True)
class BodyTooLarge:
    """More bytes than allowed, by the server's own word or by what arrived."""

    url: str
    limit: int
    announced: int | None = None

    kind: ClassVar[str] = "body-too-large"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        got = "sends more" if self.announced is None else f"announces {self.announced} bytes"
        return f"{redact_url(self.url)} {got}, wanted at most {self.limit} bytes"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "if the file is meant to be this large, raise the limit with --max-size"


@final
@dataclass(frozen=True, slots=True)
class DeadlineExceeded:
    """A server that is silent for too long, or a transfer that takes too long."""

    url: str
    seconds: float
    which: Literal["connect", "idle", "total"]

    kind: ClassVar[str] = "deadline-exceeded"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        place = redact_url(self.url)
        if self.which == "connect":
            return f"{place} took no connection within {self.seconds:g} seconds"
        if self.which == "idle":
            return f"{place} sent nothing for {self.seconds:g} seconds"
        return f"{place} was not done within {self.seconds:g} seconds"

    @property
    def hint(self) -> str:
        """What to do about it."""
        option = "--timeout" if self.which == "total" else "--idle-timeout"
        return f"try again; a slow server may need a larger {option}"


@final
@dataclass(frozen=True, slots=True)
class FileUnreadable:
    """A local file that is not there, not a regular file, or not to be read."""

    path: str
    reason: str
    advice: str = "check the path and its permissions"

    kind: ClassVar[str] = "file-unreadable"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"cannot read {quoted(self.path)}: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return printable(self.advice)


@final
@dataclass(frozen=True, slots=True)
class RetriesExhausted:
    """Every attempt at one URL failed; each cause in the order of the attempts, at least two."""

    url: str
    causes: tuple["TransportError", ...]

    kind: ClassVar[str] = "retries-exhausted"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        listed = "".join(f"\n  {n}. {cause.message}" for n, cause in enumerate(self.causes, 1))
        return f"{redact_url(self.url)} failed {len(self.causes)} times:{listed}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return self.causes[-1].hint if self.causes else "try again later"


@final
@dataclass(frozen=True, slots=True)
class TransferStopped:
    """Whoever asked for it wants it no more: the program, or its user."""

    url: str

    kind: ClassVar[str] = "transfer-stopped"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"{redact_url(self.url)} was not fetched to its end: it was stopped"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "fetch it again: what was held and can be gone on with is not asked for twice"


@final
@dataclass(frozen=True, slots=True)
class AuthenticationFailed:
    """A registry wants proof of who asks, and does not take what there is; no secret is in it."""

    registry: str
    reason: str

    kind: ClassVar[str] = "authentication-failed"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"{printable(self.registry)} does not let this request in: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return (
            "check the name, and that auth.json, ~/.docker/config.json or auth.d has "
            "credentials for the registry that may read it"
        )


@final
@dataclass(frozen=True, slots=True)
class RealmRefused:
    """A registry sends whoever wants a token to a place that is not asked for one."""

    registry: str
    realm: str
    reason: str

    kind: ClassVar[str] = "realm-refused"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        realm = redact_url(self.realm)
        return (
            f"{printable(self.registry)} names {realm} for tokens: wanted {printable(self.reason)}"
        )

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "a token service that is set up rightly is on https, and as public as its registry"


TransportError: TypeAlias = (
    HttpStatus
    | InvalidUrl
    | BadAnswer
    | PeerRefused
    | TransferTooSlow
    | RetriesExhausted
    | TransferStopped
    | ConnectionFailed
    | TlsFailed
    | InsecureUrl
    | TooManyRedirects
    | TruncatedBody
    | BodyTooLarge
    | DeadlineExceeded
    | FileUnreadable
    | AuthenticationFailed
    | RealmRefused
)
"""What a transport fails with."""


def with_url(error: TransportError, asked: str, url: str) -> TransportError:
    """Return ``error`` with ``url`` wherever it names ``asked``.

    For a transport that asks another one by a URL of its own, which may be a secret.

    >>> with_url(HttpStatus("https://h/a?signature=s3cret", 404), "https://h/a?signature=s3cret",
    ...          "https://h/a").url
    'https://h/a'
    """
    if isinstance(error, RetriesExhausted):
        causes = tuple(with_url(cause, asked, url) for cause in error.causes)
        error = RetriesExhausted(error.url, causes)
    changed = {each.name: url for each in fields(error) if getattr(error, each.name) == asked}
    return replace(error, **changed)  # type: ignore[arg-type]  # only texts are equal to a text
