"""Foreign exceptions as errors: where those of httpx, httpcore, ssl and sockets end."""

import ssl
from typing import Final

import httpcore
import httpx

from pipeline.adapters.http.refusals import Refusal
from pipeline.errors import (
    BadAnswer,
    ConnectionFailed,
    DeadlineExceeded,
    InvalidUrl,
    TlsFailed,
    TransportError,
)
from pipeline.limits import CONNECT_SECONDS
from pipeline.ports import Request

FOREIGN: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    # Sockets and ssl, where httpcore lets them through.
    OSError,
    # URLs that are well-formed here and not to httpx: "999.1.1.1", a path of 64 KiB.
    httpx.InvalidURL,
    # What the network below decided.
    Refusal,
    # Host names that no resolver or certificate could hold.
    UnicodeError,
)
"""Whatever a request can raise that is not a mistake in this program."""

# A connection that ends within TLS says nothing about who is at its other end.
_ENDED: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError)


def ended_early(error: httpcore.ReadError) -> bool:
    """Tell whether the connection ended, or broke, rather than TLS finding something wrong."""
    return all(isinstance(arg, _ENDED) or not isinstance(arg, ssl.SSLError) for arg in error.args)


def transport_error(
    error: Exception, url: str, request: Request, *, out_of_time: bool, ended: bool
) -> TransportError:
    """Return the error for one of :data:`FOREIGN`.

    ``out_of_time`` is the total deadline's; ``ended`` tells that the connection did.
    """
    if isinstance(error, Refusal):
        return error.error_for(url)
    if isinstance(error, httpcore.TimeoutException | TimeoutError):
        if out_of_time:
            return DeadlineExceeded(url, request.total_seconds, "total")
        if isinstance(error, httpcore.ConnectTimeout):
            return DeadlineExceeded(url, CONNECT_SECONDS, "connect")
        return DeadlineExceeded(url, request.idle_seconds, "idle")
    # httpcore raises `ConnectError(cause)` and strips `__cause__` on the way up.
    cause = error.args[0] if error.args else None
    for each in (error, cause):
        if isinstance(each, _ENDED):
            return ConnectionFailed(url, "the connection ended within TLS")
        if isinstance(each, ssl.SSLCertVerificationError):
            return TlsFailed(url, each.verify_message)
        if isinstance(each, ssl.SSLError):
            return TlsFailed(url, (each.reason or str(each)).replace("_", " ").lower())
    if isinstance(error, httpx.InvalidURL | UnicodeError):
        return InvalidUrl(url, str(error))
    if isinstance(error, httpcore.RemoteProtocolError):
        if ended:
            return ConnectionFailed(url, "the connection ended before the answer did")
        return BadAnswer(url, f"the answer is not HTTP/1.1: {error}")
    if isinstance(error, httpcore.LocalProtocolError):
        # Its text quotes the request, in which there may be a secret.
        return ConnectionFailed(url, "the request could not be sent")
    if isinstance(cause, OSError):
        return ConnectionFailed(url, cause.strerror or str(cause))
    return ConnectionFailed(url, str(error) or type(error).__name__)
