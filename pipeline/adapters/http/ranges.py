"""What of a body can be asked for alone, and which answer is that part. Pure.

Source: RFC 9110 sections 8.8 (validators), 13.1.5 (If-Range), 14.4 (Content-Range) and 15.3.7
(206). Two bodies must never be joined into one: wherever it is not certain that a part belongs to
what is held, the whole is asked for. rkt appended whatever came.

Not here: several ranges in one answer, which nobody asks for.
"""

import re
from collections.abc import Mapping
from typing import Final

from returns.result import Failure, Result, Success

from pipeline.adapters.http.dates import parse_http_date
from pipeline.limits import VALIDATOR_CHARACTERS
from pipeline.ports import Request, ResumePoint
from pipeline.results import Validators

# At most 18 digits: more bytes than any file has, and int() of a very long number takes long.
_CONTENT_RANGE: Final = re.compile(
    r"bytes (?P<first>[0-9]{1,18})-(?P<last>[0-9]{1,18})/(?P<total>[0-9]{1,18}|\*)",
    re.ASCII | re.IGNORECASE,
)
_STRONG_ETAG: Final = re.compile('"[\x21\x23-\x7e\x80-\xff]*"')
_CLOCK_SECONDS: Final = 60
"""By how much an answer must be younger than what it dates. RFC 9110 section 8.8.2.2 wants 1 where
one clock gave both, which nobody can know, and otherwise enough; RFC 7232 said 60."""


def is_coded(headers: Mapping[str, str]) -> bool:
    """Tell whether a content coding was applied: the bytes may differ from answer to answer."""
    return headers.get("content-encoding", "").strip().lower() not in {"", "identity"}


def resume_validators(headers: Mapping[str, str]) -> Validators:
    """Return by what the rest of this answer could be asked for later; empty where by nothing.

    One validator that is fit for If-Range: a strong ETag. Where there is no ETag at all, a date
    that is strong by section 8.8.2.2 (with a weak ETag beside it, 13.1.5 forbids the date).

    >>> resume_validators({"etag": '"v1"', "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT"})
    Validators(etag='"v1"', last_modified=None)
    >>> resume_validators({"etag": 'W/"v1"'})
    Validators(etag=None, last_modified=None)
    """
    if headers.get("accept-ranges", "").strip().lower() == "none" or is_coded(headers):
        return Validators()
    etag = headers.get("etag", "")
    if etag:
        return Validators(etag=etag if _is_strong(etag) else None)
    modified = headers.get("last-modified", "")
    return Validators(last_modified=modified if _is_old(modified, headers) else None)


def can_resume(request: Request, point: ResumePoint | None) -> bool:
    """Tell whether the rest of what is held may be asked for alone.

    By a validator; or where both sides agree that a digest tells what belongs together.
    """
    if point is None or point.offset < 1 or request.method != "GET":
        return False
    if point.content_addressed:
        return request.content_addressed
    return if_range(point) is not None


def range_fields(point: ResumePoint) -> list[tuple[str, str]]:
    """Return the fields that ask for the rest of what is held.

    Without If-Range for what is content-addressed: it may have come from another place, whose
    validators say nothing here, and what does not belong together has not the digest.
    """
    asked = [("Range", f"bytes={point.offset}-")]
    validator = None if point.content_addressed else if_range(point)
    return asked if validator is None else [*asked, ("If-Range", validator)]


def if_range(point: ResumePoint) -> str | None:
    """Return what If-Range must say to ask for the rest; None where no validator is fit for it."""
    etag, modified = point.validators.etag, point.validators.last_modified
    if etag is not None:
        return etag if _is_strong(etag) else None
    # Whether it is strong was found when it was given out; what is sent must still be a date.
    return modified if modified is not None and parse_http_date(modified) is not None else None


def check_part(headers: Mapping[str, str], point: ResumePoint) -> Result[int, str]:
    """Return the whole's size, where a 206 is proven to be all the rest of what is held.

    Errors: what is wrong with it.
    """
    # 1. One part, and as it was when the first bytes came: not several, not coded.
    if headers.get("content-type", "").lower().lstrip().startswith("multipart/byteranges"):
        return Failure("several parts, wanted one")
    if is_coded(headers):
        return Failure("a part of a coded body, wanted one of the plain body")
    # 2. It starts at the very byte that was asked for, and ends with the last one.
    value = headers.get("content-range", "")
    parsed = _CONTENT_RANGE.fullmatch(value.strip(" \t"))
    if parsed is None:
        return Failure(f"a part without a readable Content-Range: {value!r}")
    first, last = int(parsed["first"]), int(parsed["last"])
    total = point.total if parsed["total"] == "*" else int(parsed["total"])
    if total is None or first != point.offset or last < first or last != total - 1:
        return Failure(f"a part that is not all from byte {point.offset} on: {value!r}")
    # 3. The whole has the size that it had.
    if point.total is not None and total != point.total:
        return Failure(f"a part of {total} bytes in all, wanted one of {point.total}")
    # 4. As many bytes are announced as that range has.
    length = headers.get("content-length", "")
    if length and length.lstrip("0") != str(last - first + 1):
        return Failure(f"{length} bytes for a part of {last - first + 1}")
    # 5. It says of itself that it is the same representation, where that is named by validators
    #    and not by a digest that is checked at the end. An ETag must be repeated in a 206, a
    #    date may be left out (section 15.3.7).
    etag, modified = headers.get("etag"), headers.get("last-modified")
    held = point.validators
    if held.etag is not None and etag != held.etag:
        return Failure(f"a part of another version: {etag!r}, wanted {held.etag!r}")
    if held.last_modified is not None and modified not in {None, held.last_modified}:
        return Failure(f"a part of another version: {modified!r}, wanted {held.last_modified!r}")
    return Success(total)


def _is_strong(etag: str) -> bool:
    return len(etag) <= VALIDATOR_CHARACTERS and _STRONG_ETAG.fullmatch(etag) is not None


def _is_old(modified: str, headers: Mapping[str, str]) -> bool:
    at, answered_at = parse_http_date(modified), parse_http_date(headers.get("date", ""))
    if at is None or answered_at is None:
        return False
    return (answered_at - at).total_seconds() >= _CLOCK_SECONDS
