"""Objects of ``policy.json`` with exactly the members that they may have.

    JsonValue, names -> Result[JsonValue, JsonProblem]

``null`` is refused where a member may be left out: other readers take it for an empty value.
"""

from collections.abc import Sequence

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.strict_json import JsonProblem, JsonValue


def only(
    value: JsonValue, required: Sequence[str], optional: Sequence[str] = ()
) -> Result[JsonValue, JsonProblem]:
    """Return this, an object, once it has all ``required`` members and no unknown one."""
    if not isinstance(value.value, dict):
        return Failure(value.refuse("an object"))
    for name, content in value.value.items():
        if name not in required and name not in optional:
            known = ", ".join((*required, *optional))
            return Failure(JsonProblem(f"{value.path}.{name}", f"wanted no member but {known}"))
        if content is None:
            return Failure(JsonProblem(f"{value.path}.{name}", "got null, wanted a value"))
    for name in required:
        if name not in value.value:
            return Failure(JsonProblem(value.path, f"got no {name}, wanted one"))
    return Success(value)


def checked_type(value: JsonValue, types: Sequence[str]) -> Result[str, JsonProblem]:
    """Return an object's ``type``, one of ``types``."""
    if not isinstance(value.value, dict):
        return Failure(value.refuse("an object"))
    named = value.member("type").text()
    if not is_successful(named):
        return Failure(named.failure())
    if named.unwrap() not in types:
        return Failure(value.member("type").refuse(f"one of {', '.join(types)}"))
    return named
