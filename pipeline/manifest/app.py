"""The ``app`` section of an image manifest: checked whole, kept as it is. Pure.

    JsonValue -> Result[None, JsonProblem]

Nothing of it is used to fetch an image; it is checked so that an image which no executor can run
is refused when it is fetched, as rkt does. Nothing here runs an image.

Sources: appc/spec v0.8.11 ``spec/aci.md`` "Image Manifest Schema" and ``spec/types.md``
"Isolator Type"; where its text and its package ``schema/types`` differ, the package, which is
what images in the wild were made with.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.names import parse_identifier
from pipeline.strict_json import JsonProblem, JsonValue

Check: TypeAlias = Callable[[JsonValue], Result[None, JsonProblem]]

_AC_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.ASCII)
ENVIRONMENT_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
_QUANTITY: Final = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?", re.ASCII
)
_ERRNO: Final = re.compile(r"[A-Z0-9]*", re.ASCII)
_EVENTS: Final = frozenset({"pre-start", "post-stop"})
_LAST_PORT: Final = 65535
_INT64: Final = 2**63 - 1


def check_app(app: JsonValue) -> Result[None, JsonProblem]:
    """Check the member ``app``, which may be absent.

    Errors: the first problem, with its path.
    """
    if app.is_absent:
        return Success(None)
    fields = app.fields(
        "exec",
        "eventHandlers",
        "user",
        "group",
        "supplementaryGIDs",
        "workingDirectory",
        "environment",
        "mountPoints",
        "ports",
        "isolators",
        "userAnnotations",
        "userLabels",
    )
    if not is_successful(fields):
        return Failure(fields.failure())
    return _all(
        app,
        ("exec", _texts),
        ("user", _non_empty),
        ("group", _non_empty),
        ("supplementaryGIDs", partial(_each, partial(_range, -_INT64, _INT64))),
        ("workingDirectory", _working_directory),
        ("eventHandlers", partial(_each_once, "name", _event_handler)),
        ("environment", partial(_each_once, "name", _environment_variable)),
        ("mountPoints", partial(_each, _mount_point)),
        ("ports", partial(_each, _port)),
        ("isolators", partial(_each, _isolator)),
        ("userAnnotations", _text_map),
        ("userLabels", _text_map),
    )


def _all(parent: JsonValue, *checks: tuple[str, Check]) -> Result[None, JsonProblem]:
    """Check each named member of ``parent`` in order."""
    for name, check in checks:
        outcome = check(parent.member(name))
        if not is_successful(outcome):
            return outcome
    return Success(None)


def _each(check: Check, array: JsonValue) -> Result[None, JsonProblem]:
    return array.items(check).map(_nothing)


def _each_once(key: str, check: Check, array: JsonValue) -> Result[None, JsonProblem]:
    """Check each element of an array, and that the texts of their members ``key`` differ."""
    outcome = _each(check, array)
    if not is_successful(outcome):
        return outcome
    keys = array.items(lambda element: element.member(key).text())
    if not is_successful(keys):
        return Failure(keys.failure())
    seen: set[str] = set()
    for index, text in enumerate(keys.unwrap()):
        if text in seen:
            path = f"{array.path}[{index}].{key}"
            return Failure(JsonProblem(path, f'got "{text}" again, wanted it once'))
        seen.add(text)
    return Success(None)


def _nothing(_: object) -> None:
    return None


def _text(value: JsonValue) -> Result[None, JsonProblem]:
    return value.text_or("").map(_nothing)


def _texts(value: JsonValue) -> Result[None, JsonProblem]:
    return value.items(JsonValue.text).map(_nothing)


def _text_map(value: JsonValue) -> Result[None, JsonProblem]:
    return value.text_map().map(_nothing)


def _flag(value: JsonValue) -> Result[None, JsonProblem]:
    return value.flag_or(False).map(_nothing)


def _matches(pattern: re.Pattern[str], wanted: str, value: JsonValue) -> Result[None, JsonProblem]:
    text = value.text()
    if not is_successful(text):
        return Failure(text.failure())
    if pattern.fullmatch(text.unwrap()) is None:
        return Failure(value.refuse(wanted))
    return Success(None)


def _optional(check: Check, value: JsonValue) -> Result[None, JsonProblem]:
    return Success(None) if value.is_absent else check(value)


def _range(minimum: int, maximum: int, value: JsonValue) -> Result[None, JsonProblem]:
    return value.integer(minimum, maximum).map(_nothing)


_ac_name = partial(_matches, _AC_NAME, 'lower-case letters, digits and "-", no "-" at an end')
_non_empty = partial(_matches, re.compile(r".+", re.DOTALL), "a string that is not empty")


_quantity = partial(_optional, partial(_matches, _QUANTITY, "a quantity such as 250m, 1.5G or 2Gi"))
_errno = partial(
    _optional, partial(_matches, _ERRNO, "an error's name in capitals, such as ENOSYS")
)


def _working_directory(value: JsonValue) -> Result[None, JsonProblem]:
    path = value.text_or("")
    if is_successful(path) and path.unwrap() and not path.unwrap().startswith("/"):
        return Failure(value.refuse("an absolute path"))
    return path.map(_nothing)


def _object(value: JsonValue, *checks: tuple[str, Check]) -> Result[None, JsonProblem]:
    """Check an object of which exactly these members are known."""
    fields = value.fields(*(name for name, _ in checks))
    if not is_successful(fields):
        return Failure(fields.failure())
    return _all(value, *checks)


def _event_handler(value: JsonValue) -> Result[None, JsonProblem]:
    checked = _object(value, ("name", _text), ("exec", _texts))
    if is_successful(checked) and value.member("name").value not in _EVENTS:
        return Failure(value.member("name").refuse("pre-start or post-stop"))
    return checked


def _environment_variable(value: JsonValue) -> Result[None, JsonProblem]:
    wanted = 'letters, digits, "_", "." and "-", the first a letter or "_"'
    return _object(value, ("name", partial(_matches, ENVIRONMENT_NAME, wanted)), ("value", _text))


def _mount_point(value: JsonValue) -> Result[None, JsonProblem]:
    return _object(value, ("name", _ac_name), ("path", _text), ("readOnly", _flag))


def _port(value: JsonValue) -> Result[None, JsonProblem]:
    first = value.member("port").value
    ports = _LAST_PORT - first + 1 if isinstance(first, int) else _LAST_PORT
    return _object(
        value,
        ("name", _ac_name),
        ("protocol", _text),
        ("port", partial(_range, 1, _LAST_PORT)),
        ("count", partial(_optional, partial(_range, 1, ports))),
        ("socketActivated", _flag),
    )


def _isolator(value: JsonValue) -> Result[None, JsonProblem]:
    fields = value.fields("name", "value")
    if not is_successful(fields):
        return Failure(fields.failure())
    name = value.member("name").checked(parse_identifier)
    if not is_successful(name):
        return Failure(name.failure())
    check = _ISOLATORS.get(name.unwrap())
    if check is None:
        return Failure(value.member("name").refuse(f"one of {', '.join(_ISOLATORS)}"))
    return check(value.member("value"))


def _resource(is_default: bool, value: JsonValue) -> Result[None, JsonProblem]:
    """Check a resource's request and limit.

    A default is for resources that cannot be asked for by one application: block devices and
    the network; the others have no default.
    """
    checked = _object(value, ("default", _flag), ("request", _quantity), ("limit", _quantity))
    if not is_successful(checked):
        return checked
    if (value.member("default").value is True) is not is_default:
        return Failure(value.member("default").refuse("true" if is_default else "false or nothing"))
    if is_default and not value.member("request").is_absent:
        return Failure(value.member("request").refuse("nothing: only a limit can be set"))
    return Success(None)


def _capabilities(value: JsonValue) -> Result[None, JsonProblem]:
    return _object(value, ("set", _non_empty_texts))


def _seccomp(value: JsonValue) -> Result[None, JsonProblem]:
    return _object(value, ("set", _non_empty_texts), ("errno", _errno))


def _non_empty_texts(value: JsonValue) -> Result[None, JsonProblem]:
    texts = value.items(JsonValue.text)
    if is_successful(texts) and not texts.unwrap():
        return Failure(value.refuse("at least one string"))
    return texts.map(_nothing)


def _selinux(value: JsonValue) -> Result[None, JsonProblem]:
    part = partial(_matches, re.compile(r"[^:]+"), "text without a colon")
    return _object(value, ("user", part), ("role", part), ("type", part), ("level", _non_empty))


_ISOLATORS: Final[dict[str, Check]] = {
    "resource/block-bandwidth": partial(_resource, True),
    "resource/block-iops": partial(_resource, True),
    "resource/cpu": partial(_resource, False),
    "resource/memory": partial(_resource, False),
    "resource/network-bandwidth": partial(_resource, True),
    "os/linux/capabilities-retain-set": _capabilities,
    "os/linux/capabilities-remove-set": _capabilities,
    "os/linux/seccomp-retain-set": _seccomp,
    "os/linux/seccomp-remove-set": _seccomp,
    "os/linux/no-new-privileges": _flag,
    "os/linux/selinux-context": _selinux,
    "os/linux/cpu-shares": partial(_range, 2, 262_144),
    "os/linux/oom-score-adj": partial(_range, -1000, 1000),
    "os/unix/sysctl": _text_map,
}
