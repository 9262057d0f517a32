"""What lists of images and lock files have in common: references, keys, the version. Pure.

JsonValue -> Result[part, JsonProblem]
"""

import re
from typing import Final

from returns.result import Failure, Result, Success

from pipeline.limits import REFERENCE_CHARACTERS
from pipeline.reference import CONTROL
from pipeline.strict_json import JsonProblem, JsonValue

_KEY: Final = re.compile(r"[0-9A-Fa-f]{40}(?:[0-9A-Fa-f]{24})?", re.ASCII)


def place_of(path: str) -> str:
    """Return the path of a problem as people read it: of the whole document, nothing.

    >>> place_of("$.images[2].platform"), place_of("$")
    ('images[2].platform', '')
    """
    return path.removeprefix("$").removeprefix(".")


def read_version(document: JsonValue) -> Result[int, JsonProblem]:
    """Return the version of an object's form: 1, the only one there is."""
    version = document.member("version")
    return version.integer(1, 1).alt(lambda _: version.refuse("1"))


def read_reference(value: JsonValue) -> Result[str, JsonProblem]:
    """Return a text that could be a reference; no problem shows it, as a URL may hold a secret."""
    text = value.value
    if not isinstance(text, str) or not text:
        return Failure(JsonProblem(value.path, f"got {value.kind}, wanted a reference"))
    if len(text) > REFERENCE_CHARACTERS:
        wanted = f"wanted at most {REFERENCE_CHARACTERS}"
        return Failure(JsonProblem(value.path, f"got {len(text)} characters, {wanted}"))
    if CONTROL.search(text) is not None:
        return Failure(JsonProblem(value.path, "wanted a reference without control characters"))
    return Success(text)


def parse_key(untrusted_text: str) -> Result[str, str]:
    """Read a fingerprint, or a bare key's SHA-256, in either case; what comes is in lower case.

    Errors: a sentence that says what was wanted.
    """
    if _KEY.fullmatch(untrusted_text) is None:
        return Failure("wanted a fingerprint of 40 hex digits, or a bare key's SHA-256 of 64")
    return Success(untrusted_text.lower())
