"""The tags of a repository: ``RegistryPlace -> Result[tuple[str, ...], PipelineError]``.

Source: distribution-spec v1.1.0 ``spec.md`` "Listing Tags". Lists come in pages; a page names the
next in a ``Link`` field (RFC 8288), which leads nowhere but to the same list at the same registry,
whatever it says (CVE-2026-85732: a link that had the client ask anybody).
"""

import re
from typing import Final
from urllib.parse import urljoin, urlsplit

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.documents import fetch_document
from pipeline.errors import BadAnswer, HttpStatus, InvalidDocument, PipelineError
from pipeline.limits import DOCUMENT_SECONDS, MANIFEST_BYTES, TAG_PAGES, Limits
from pipeline.ports import Request, Response, Transport
from pipeline.results import RegistryPlace
from pipeline.strict_json import JsonProblem, JsonValue, parse_json

_PAGE: Final = 1000
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)
_NEXT: Final = re.compile(r'<([^<>]*)>\s*;\s*rel\s*=\s*"?next"?\s*(?:[;,].*)?', re.IGNORECASE)
_DEPTH: Final = 8


def list_tags(
    transport: Transport, place: RegistryPlace, limits: Limits
) -> Result[tuple[str, ...], PipelineError]:
    """Return every tag of the place's repository, in the registry's order.

    Errors: what the transport fails with; InvalidDocument for a list that is none; BadAnswer for
    a next page elsewhere, or more than ``limits.TAG_PAGES``.
    """
    first = f"{place.base}/tags/list"
    url = f"{first}?n={_PAGE}{'&' if place.query else ''}{place.query}"
    tags: dict[str, None] = {}
    for _ in range(TAG_PAGES):
        request = Request(
            url,
            max_bytes=MANIFEST_BYTES,
            idle_seconds=limits.idle_seconds,
            total_seconds=min(limits.total_seconds, DOCUMENT_SECONDS),
            accept="application/json",
        )
        fetched = fetch_document(transport, request)
        if not is_successful(fetched):
            return Failure(fetched.failure())
        response = fetched.unwrap().response
        if response.status != 200:
            return Failure(HttpStatus(url, response.status))
        page = _read_page(fetched.unwrap().untrusted_body)
        if not is_successful(page):
            problem = page.failure()
            return Failure(InvalidDocument("list of tags", problem.path, problem.reason))
        tags.update(dict.fromkeys(page.unwrap()))
        following = _next_page(first, url, response)
        if not is_successful(following):
            return Failure(following.failure())
        if not following.unwrap():
            return Success(tuple(tags))
        url = following.unwrap()
    return Failure(BadAnswer(first, f"more than {TAG_PAGES} pages of tags"))


def _read_page(untrusted: bytes) -> Result[tuple[str, ...], JsonProblem]:
    parsed = parse_json(untrusted, max_bytes=MANIFEST_BYTES, max_depth=_DEPTH)
    return parsed.bind(lambda document: document.member("tags").items(_read_tag))


def _read_tag(value: JsonValue) -> Result[str, JsonProblem]:
    return value.checked(
        lambda text: Success(text) if _TAG.fullmatch(text) else Failure("wanted a tag")
    )


def _next_page(first: str, asked: str, response: Response) -> Result[str, BadAnswer]:
    """Return the next page's URL; empty where this was the last."""
    match = _NEXT.match(response.field("link").strip())
    if match is None:
        return Success("")
    try:
        url = urljoin(asked, match[1])
        there, here = urlsplit(url), urlsplit(first)
    except ValueError:
        return Failure(BadAnswer(asked, "a link to the next page that is no URL"))
    if (there.scheme, there.netloc, there.path) != (here.scheme, here.netloc, here.path):
        return Failure(BadAnswer(asked, f"a next page of tags elsewhere: {url}"))
    return Success(url) if url != asked else Failure(BadAnswer(asked, "it is its own next page"))
