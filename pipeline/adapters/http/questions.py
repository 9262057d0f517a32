"""What is asked: a method and header fields. ``Target, Request, … -> httpx.Request``, no I/O.

Sources: RFC 9110 sections 10.1, 13.1 (conditions) and 14.2 (Range); WHATWG URL 2024-08 section 5.2
(``application/x-www-form-urlencoded``). Two questions may go in one
request: whether what is *stored* still stands (``Request.validators``), and for the rest of what is
*held* of another transfer (a resume point). A server answers the first one first (section 13.2.2):
with 304; or else with the rest (206), or the whole (200).
"""

import re
from typing import Final
from urllib.parse import urlencode

import httpx
from returns.result import Failure, Result, Success

from pipeline.adapters.http.ranges import range_fields
from pipeline.adapters.http.urls import Target
from pipeline.errors import InvalidUrl
from pipeline.limits import CONNECT_SECONDS
from pipeline.ports import Request, ResumePoint
from pipeline.results import Validators
from pipeline.secret import Secret

# RFC 9110 section 5.5. Whatever else a value held could end the field, or the request.
_FIELD_VALUE: Final = re.compile("[\t\x20-\x7e\x80-\xff]*")


def build_question(
    target: Target,
    request: Request,
    point: ResumePoint | None,
    user_agent: str,
    proof: tuple[tuple[str, Secret], ...],
) -> Result[httpx.Request, InvalidUrl]:
    """Put a request into HTTP's form; ``proof`` are the fields that say who asks.

    Secrets are unwrapped here, and only here; no text is made of the outcome.

    Errors: InvalidUrl where they do not fit into a header field, or a form would go over http.
    """
    if request.method == "POST" and target.scheme != "https":
        return Failure(InvalidUrl(target.url, "what a form holds is sent over https alone"))
    if not all(_FIELD_VALUE.fullmatch(secret.value) for _, secret in proof):
        reason = "the credentials set for it hold characters that cannot be sent"
        return Failure(InvalidUrl(target.url, reason))
    fields = [
        ("Host", target.authority),
        ("User-Agent", user_agent),
        ("Accept", request.accept),
        ("Accept-Encoding", "identity"),
        *_conditions(request.validators),
        *([] if point is None else range_fields(point)),
        *((name, secret.value) for name, secret in proof),
    ]
    content: bytes | None = None
    if request.method == "POST":
        fields.append(("Content-Type", "application/x-www-form-urlencoded"))
        content = _form(request)
    url = httpx.URL(
        scheme=target.scheme,
        host=target.host,
        port=target.port,
        raw_path=target.path_and_query.encode("ascii"),
    )
    timeout = httpx.Timeout(request.idle_seconds, connect=CONNECT_SECONDS)
    headers = httpx.Headers(fields, encoding="latin-1")
    extensions = {"timeout": timeout.as_dict()}
    return Success(
        httpx.Request(request.method, url, headers=headers, content=content, extensions=extensions)
    )


def _form(request: Request) -> bytes:
    # Halves of characters, which no encoding holds, become question marks: no secret has them.
    pairs = [(name, secret.value) for name, secret in request.form]
    return urlencode(pairs, errors="replace").encode("ascii")


def _conditions(stored: Validators) -> list[tuple[str, str]]:
    """Ask whether it changed; not at all where what was kept cannot be sent."""
    # Where both are known the ETag alone counts, being the more exact (RFC 9110 13.1.3).
    if stored.etag is not None:
        name, value = "If-None-Match", stored.etag
    elif stored.last_modified is not None:
        name, value = "If-Modified-Since", stored.last_modified
    else:
        return []
    return [(name, value)] if _FIELD_VALUE.fullmatch(value) else []
