"""What an answer's head says: where its body begins, and the fields that somebody asks for.

    httpx.Response -> BodyStart | Validators | header fields

Sources: RFC 9110 sections 8.8 (validators), 11.6.1 (WWW-Authenticate) and 15.3 (200, 206). No I/O.
"""

from typing import Final

import httpx
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.http.bodies import announced
from pipeline.adapters.http.ranges import check_part, resume_validators
from pipeline.errors import BadAnswer, HttpStatus, StoreError, TransportError
from pipeline.limits import CHALLENGES, FIELD_CHARACTERS, VALIDATOR_CHARACTERS
from pipeline.ports import BodyStart, ResumePoint
from pipeline.results import Validators

_TOLD: Final = ("content-type", "docker-content-digest", "link")


def body_start(
    response: httpx.Response, url: str, point: ResumePoint | None
) -> Result[BodyStart, BadAnswer]:
    """Say where in the whole the body of a 200 or 206 begins."""
    if response.status_code == 200:
        validators = resume_validators(response.headers)
        return Success(BodyStart(url, 0, announced(response), validators))
    if point is None:
        return Failure(BadAnswer(url, "a part (206) that was not asked for"))
    total = check_part(response.headers, point)
    if not is_successful(total):
        return Failure(BadAnswer(url, total.failure()))
    return Success(BodyStart(url, point.offset, total.unwrap(), point.validators))


def is_about_range(error: TransportError | StoreError) -> bool:
    """Tell whether the same request without a range may be answered better."""
    return isinstance(error, BadAnswer) or (isinstance(error, HttpStatus) and error.status == 416)


def validators_of(response: httpx.Response, known: Validators) -> Validators:
    """Return the validators that an answer gives; each that it does not repeat stands as known."""
    return Validators(
        _validator(response, "etag") or known.etag,
        _validator(response, "last-modified") or known.last_modified,
    )


def told_fields(
    response: httpx.Response, url: str
) -> Result[tuple[tuple[str, str], ...], BadAnswer]:
    """Return those fields that say what an answer is; several of one name joined by commas.

    Errors: BadAnswer for one that is too long: left out or cut, it would say something else.
    """
    fields = tuple((name, response.headers[name]) for name in _TOLD if name in response.headers)
    for name, value in fields:
        if len(value) > FIELD_CHARACTERS:
            return Failure(BadAnswer(url, f"{name} has {len(value)} characters, wanted fewer"))
    return Success(fields)


def challenges_of(response: httpx.Response) -> tuple[str, ...]:
    """Return the ``WWW-Authenticate`` fields of a 401; those beyond the limits are left out."""
    if response.status_code != 401:
        return ()
    fields = response.headers.get_list("www-authenticate")[:CHALLENGES]
    return tuple(each for each in fields if len(each) <= FIELD_CHARACTERS)


def _validator(response: httpx.Response, name: str) -> str | None:
    value = response.headers.get(name, "")
    return value if 0 < len(value) <= VALIDATOR_CHARACTERS else None
