"""JSON from outside, read strictly, and taken apart by type with the path of what is wrong.

    bytes -> Result[JsonValue, JsonProblem]

RFC 8259 leaves much to the reader; where two readers may see two documents in one text, this one
sees none: duplicate member names, bytes that are not UTF-8, a byte order mark, lone surrogates,
``NaN``, numbers beyond a double, and nesting beyond a limit are refused. Nothing here knows a
schema; a schema is written with the accessors of :class:`JsonValue`.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""What JSON can say."""

Value = TypeVar("Value")

_SHOWN_CHARACTERS: Final = 80
# A string to its end, or to the text's end; possessive, so that no text takes quadratic time.
_TOKEN: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@final
@dataclass(frozen=True, slots=True)
class JsonProblem:
    """Where a document is not what it should be, as ``$.labels[0].name``, and why.

    Both hold text from outside as it came: whoever shows them makes them printable.
    """

    path: str
    reason: str


@final
@dataclass(frozen=True, slots=True)
class JsonValue:
    """A part of a document and its path. ``null`` counts as absent, as in Go's decoder."""

    path: str
    value: Json

    @property
    def is_absent(self) -> bool:
        """Tell whether there is nothing here."""
        return self.value is None

    @property
    def kind(self) -> str:
        """What is here, without a word of it: what a document with secrets may be shown by."""
        if self.is_absent:
            return "nothing"
        if isinstance(self.value, bool):
            return "true or false"
        if isinstance(self.value, str):
            return "another text" if self.value else "an empty text"
        if isinstance(self.value, int | float):
            return "a number"
        return "an array" if isinstance(self.value, list) else "an object"

    def refuse(self, wanted: str) -> JsonProblem:
        """Return the problem that this is not what was wanted."""
        return JsonProblem(self.path, f"got {_describe(self.value)}, wanted {wanted}")

    def member(self, name: str) -> "JsonValue":
        """Return the member ``name`` of an object, absent where it has none."""
        inner = self.value.get(name) if isinstance(self.value, dict) else None
        return JsonValue(f"{self.path}.{name}", inner)

    def text(self) -> Result[str, JsonProblem]:
        """Return a string."""
        if not isinstance(self.value, str):
            return Failure(self.refuse("a string"))
        return Success(self.value)

    def text_or(self, default: str) -> Result[str, JsonProblem]:
        """Return a string, or ``default`` where there is nothing."""
        return Success(default) if self.is_absent else self.text()

    def flag_or(self, default: bool) -> Result[bool, JsonProblem]:
        """Return a boolean, or ``default`` where there is nothing."""
        if self.is_absent:
            return Success(default)
        if not isinstance(self.value, bool):
            return Failure(self.refuse("true or false"))
        return Success(self.value)

    def integer(self, minimum: int, maximum: int) -> Result[int, JsonProblem]:
        """Return an integer from ``minimum`` to ``maximum``."""
        # In Python a bool is an int; in JSON it is none.
        number = self.value
        if not isinstance(number, int) or isinstance(number, bool):
            return Failure(self.refuse("an integer"))
        if not minimum <= number <= maximum:
            return Failure(self.refuse(f"an integer from {minimum} to {maximum}"))
        return Success(number)

    def checked(self, check: Callable[[str], Result[Value, str]]) -> Result[Value, JsonProblem]:
        """Return a string as ``check`` reads it; its failure says what was wanted."""
        text = self.text()
        if not is_successful(text):
            return Failure(text.failure())
        return check(text.unwrap()).alt(
            lambda wanted: JsonProblem(self.path, f"got {_describe(self.value)}, {wanted}")
        )

    def fields(self, *known: str) -> Result["JsonValue", JsonProblem]:
        """Return this, an object, once no member's name is a known one in other letter case.

        Go's decoder takes ``Name`` for ``name``; whoever reads both ways sees two documents.
        """
        if not isinstance(self.value, dict):
            return Failure(self.refuse("an object"))
        exact = {name.lower(): name for name in known}
        for name in self.value:
            wanted = exact.get(name.lower(), name)
            if wanted != name:
                return Failure(
                    JsonProblem(self.path, f"got the member {_short(name)}, wanted {wanted}")
                )
        return Success(self)

    def items(
        self, read: Callable[["JsonValue"], Result[Value, JsonProblem]]
    ) -> Result[tuple[Value, ...], JsonProblem]:
        """Return each element of an array as ``read`` reads it; nothing counts as empty."""
        if self.is_absent:
            return Success(())
        if not isinstance(self.value, list):
            return Failure(self.refuse("an array"))
        values: list[Value] = []
        for index, element in enumerate(self.value):
            outcome = read(JsonValue(f"{self.path}[{index}]", element))
            if not is_successful(outcome):
                return Failure(outcome.failure())
            values.append(outcome.unwrap())
        return Success(tuple(values))

    def at_most(self, count: int) -> Result["JsonValue", JsonProblem]:
        """Return this, once it is no array of more than ``count`` elements."""
        if isinstance(self.value, list) and len(self.value) > count:
            reason = f"got {len(self.value)} elements, wanted at most {count}"
            return Failure(JsonProblem(self.path, reason))
        return Success(self)

    def text_map(self) -> Result[dict[str, str], JsonProblem]:
        """Return an object of strings; nothing counts as empty."""
        if self.is_absent:
            return Success({})
        if not isinstance(self.value, dict):
            return Failure(self.refuse("an object of strings"))
        texts: dict[str, str] = {}
        for name in self.value:
            outcome = self.member(name).text()
            if not is_successful(outcome):
                return Failure(outcome.failure())
            texts[name] = outcome.unwrap()
        return Success(texts)


class _RefusedError(ValueError):
    """What a hook of the decoder raises, the document's own word apart; it never leaves here."""

    def __init__(self, reason: str, word: str) -> None:
        """Keep a reason with a place, ``{}``, for a word that a document with secrets keeps."""
        super().__init__(reason)
        self.reason = reason
        self.word = word


def parse_json(
    untrusted: bytes, *, max_bytes: int, max_depth: int, is_secret: bool = False
) -> Result[JsonValue, JsonProblem]:
    """Read one document of at most ``max_bytes`` bytes and ``max_depth`` nested arrays and objects.

    No word of one that ``is_secret`` is in the reason of a problem.
    Errors: a problem at ``$`` that says what was wanted.

    >>> parse_json(b'{"a": [1]}', max_bytes=100, max_depth=9).unwrap().member("a")
    JsonValue(path='$.a', value=[1])
    >>> parse_json(b'{"a": 1, "a": 2}', max_bytes=100, max_depth=9).failure().reason
    'the member "a" stands there twice, wanted each name once'
    """
    if len(untrusted) > max_bytes:
        return _problem(f"got {len(untrusted)} bytes, wanted at most {max_bytes}")
    try:
        text = untrusted.decode()
    except UnicodeDecodeError as error:
        return _problem(f"byte {error.start + 1} is not UTF-8")
    # The decoder recurses: the depth is counted before it starts, not once it has overflowed.
    if _depth_exceeds(text, max_depth):
        return _problem(f"wanted at most {max_depth} nested arrays and objects")
    try:
        value: Json = json.loads(
            text,
            object_pairs_hook=_unique_members,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except _RefusedError as error:
        return _problem(error.reason.format("…" if is_secret else error.word))
    except json.JSONDecodeError as error:
        return _problem(f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}")
    except ValueError:
        # Python refuses to convert integers of thousands of digits.
        return _problem("wanted integers of sensible length")
    if "\\u" in text and _has_surrogate(value):
        return _problem("a string holds half of a surrogate pair, wanted text")
    return Success(JsonValue("$", value))


def _problem(reason: str) -> Result[JsonValue, JsonProblem]:
    return Failure(JsonProblem("$", reason))


def _depth_exceeds(text: str, max_depth: int) -> bool:
    depth = 0
    for token in _TOKEN.finditer(text):
        first = text[token.start()]
        if first in "[{":
            depth += 1
            if depth > max_depth:
                return True
        elif first != '"':
            depth -= 1
    return False


def _unique_members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members: dict[str, Json] = {}
    for name, value in pairs:
        if name in members:
            raise _RefusedError(
                "the member {} stands there twice, wanted each name once", _short(name)
            )
        members[name] = value
    return members


def _refuse_constant(word: str) -> Json:
    raise _RefusedError("got {}, which JSON does not know", word)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _RefusedError("got the number {}, wanted one that a double can hold", _short(text))
    return number


def _has_surrogate(value: Json) -> bool:
    """Search all strings; recursion ends, since the depth is known to be limited."""
    if isinstance(value, str):
        return _SURROGATE.search(value) is not None
    if isinstance(value, dict):
        return any(_has_surrogate(inner) for pair in value.items() for inner in pair)
    return isinstance(value, list) and any(_has_surrogate(inner) for inner in value)


def _short(text: str) -> str:
    return f'"{text}"' if len(text) <= _SHOWN_CHARACTERS else f'"{text[:_SHOWN_CHARACTERS]}…"'


def _describe(value: Json) -> str:
    """Return a value in few words, for messages."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _short(value)
    if isinstance(value, int | float):
        return str(value) if abs(value) < 1e18 else "a very large number"
    return "an array" if isinstance(value, list) else "an object"
