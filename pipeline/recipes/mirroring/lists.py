"""A list of images: lines, YAML or JSON, read strictly.

    bytes -> Result[tuple[MirrorEntry, ...], InvalidList]

Lines, with words apart by spaces, and ``#`` before what is for people::

    list      = *line
    line      = [reference *word] [comment]
    word      = "platform=" (os "/" architecture ["/" variant] / "all")
              / "pull-policy=" ("never" / "new" / "update")
              / "signers=" 1*DIGIT
              / "signed-by=" key *("," key)
    key       = 40HEXDIG / 64HEXDIG
    comment   = "#" *CHAR

YAML and JSON say the same with members: :mod:`pipeline.recipes.mirroring.list_schema`. What an
image does not say of itself is as ``defaults`` has it; what it does say stands in place of the
default, also of ``signed-by``.

What is unknown, stands there twice or is of another type is refused with its place: what is
misspelt must not silently demand nothing. So is a list of no images, as an empty file may be one
that somebody failed to write. Nothing is fetched here.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath
from typing import Final, Literal, TypeAlias, TypeVar, get_args

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.admission.members import only
from pipeline.errors import InvalidList
from pipeline.limits import (
    LIST_BYTES,
    LIST_DEPTH,
    LIST_ENTRIES,
    SIGNATURE_COUNT,
)
from pipeline.oci.platforms import parse_platform
from pipeline.ports import PathProbe
from pipeline.recipes.mirroring.entries import MirrorEntry, WantedPlatform
from pipeline.recipes.mirroring.parts import parse_key, place_of, read_reference, read_version
from pipeline.recipes.settings import PullPolicy
from pipeline.reference import CONTROL, Reference
from pipeline.stages.parse import parse_reference
from pipeline.strict_json import Json, JsonProblem, JsonValue, parse_json
from pipeline.text import redact_url

ListForm: TypeAlias = Literal["plain", "yaml", "json"]
"""How a list is written."""

Value = TypeVar("Value")

_FORMS: Final[dict[str, ListForm]] = {".yaml": "yaml", ".yml": "yaml", ".json": "json"}
_DEMANDS: Final = ("platform", "pull-policy", "signers", "signed-by")
_WORDS: Final = "platform=, pull-policy=, signers= or signed-by="
_POLICIES: Final[dict[str, PullPolicy]] = {word: word for word in get_args(PullPolicy)}
_SPACE: Final = re.compile(r"[ \t]+")
_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


def form_of(path: str) -> ListForm:
    """Tell by its suffix how the list at ``path`` is written: lines where it says nothing.

    >>> form_of("images.yaml"), form_of("images.txt"), form_of("-")
    ('yaml', 'plain', 'plain')
    """
    return _FORMS.get(PurePath(path).suffix.lower(), "plain")


def parse_list(
    untrusted_content: bytes, path: str, form: ListForm
) -> Result[tuple[MirrorEntry, ...], InvalidList]:
    """Read a list of at most LIST_BYTES bytes and LIST_ENTRIES images; ``path`` is for errors.

    References are not parsed: :func:`parse_references` does, who may look at files.
    Errors: InvalidList with the place that is wrong first.

    >>> parse_list(b"example.com/app signers=2", "-", "plain").unwrap()[0].signers
    2
    >>> print(parse_list(b"example.com/app signer=2", "-", "plain").failure().message)
    "-", line 1: got the word "signer=2", wanted platform=, pull-policy=, signers= or signed-by=
    """
    return _parse(untrusted_content, form).alt(
        lambda problem: InvalidList(path, place_of(problem.path), problem.reason)
    )


def parse_references(
    entries: tuple[MirrorEntry, ...], path: str, paths: PathProbe
) -> Result[tuple[Reference, ...], InvalidList]:
    """Read each image's reference, before any is asked for; ``paths`` says what is a file.

    Errors: InvalidList with the place of the first that is none.
    """
    parse = parse_reference(paths)
    references: list[Reference] = []
    for entry in entries:
        parsed = parse(entry.reference)
        if not is_successful(parsed):
            return Failure(InvalidList(path, entry.place, parsed.failure().message))
        references.append(parsed.unwrap())
    return Success(tuple(references))


def _parse(untrusted: bytes, form: ListForm) -> Result[tuple[MirrorEntry, ...], JsonProblem]:
    if len(untrusted) > LIST_BYTES:
        return Failure(JsonProblem("$", f"got more than {LIST_BYTES} bytes"))
    try:
        text = untrusted.decode()
    except UnicodeDecodeError as error:
        return Failure(JsonProblem("$", f"byte {error.start + 1} is not UTF-8"))
    if text.startswith("\ufeff"):
        return Failure(JsonProblem("$", "begins with a byte order mark, wanted UTF-8 without one"))
    if form == "plain":
        read = _parse_lines(text)
    elif form == "json":
        found = parse_json(untrusted, max_bytes=LIST_BYTES, max_depth=LIST_DEPTH)
        read = found.bind(_parse_document)
    else:
        from pipeline.yaml_files import parse_yaml  # a run without such a list does without it

        found = parse_yaml(untrusted, max_bytes=LIST_BYTES, max_depth=LIST_DEPTH)
        read = found.bind(_parse_document)
    return read.bind(_as_list)


def _as_list(entries: tuple[MirrorEntry, ...]) -> Result[tuple[MirrorEntry, ...], JsonProblem]:
    """Return a list of images, once it has one, and none twice."""
    if not entries:
        return Failure(JsonProblem("$", "names no image, wanted at least one"))
    first: dict[tuple[str, WantedPlatform], str] = {}
    for entry in entries:
        there = first.setdefault((entry.reference, entry.platform), entry.place)
        if there != entry.place:
            return Failure(JsonProblem(entry.place, f"is the image and platform of {there} again"))
    return Success(entries)


def _parse_lines(text: str) -> Result[tuple[MirrorEntry, ...], JsonProblem]:
    entries: list[MirrorEntry] = []
    for number, line in enumerate(text.split("\n"), 1):
        place = f"line {number}"
        members = _members_of(line.removesuffix("\r"), place)
        if not is_successful(members):
            return Failure(members.failure())
        if not members.unwrap():
            continue
        if len(entries) == LIST_ENTRIES:
            return Failure(JsonProblem(place, f"wanted at most {LIST_ENTRIES} images"))
        entry = _read_entry(JsonValue(place, members.unwrap()), MirrorEntry(""))
        if not is_successful(entry):
            problem = entry.failure()
            return Failure(JsonProblem(problem.path.replace(".", ", ", 1), problem.reason))
        entries.append(entry.unwrap())
    return Success(tuple(entries))


def _members_of(line: str, place: str) -> Result[dict[str, Json], JsonProblem]:
    """Return what a line says by member; nothing where it is for people alone."""
    if CONTROL.search(line.replace("\t", " ")) is not None:
        return Failure(JsonProblem(place, "wanted no control character"))
    words = [word for word in _SPACE.split(line) if word]
    comment = next((at for at, word in enumerate(words) if word.startswith("#")), len(words))
    members: dict[str, Json] = {}
    for word in words[:comment]:
        name, equals, value = word.partition("=")
        is_demand = bool(equals) and name in _DEMANDS
        if not members and not is_demand:
            members["reference"] = word
        elif not members:
            return Failure(JsonProblem(place, f"got {name}= first, wanted a reference"))
        elif not is_demand:
            wanted = "platform=, pull-policy=, signers= or signed-by="
            return Failure(
                JsonProblem(place, f'got the word "{redact_url(word)}", wanted {wanted}')
            )
        elif name in members:
            return Failure(JsonProblem(place, f"got {name}= twice, wanted each word once"))
        elif name == "signers" and _NUMBER.fullmatch(value):
            members[name] = int(value)
        else:
            members[name] = [*value.split(",")] if name == "signed-by" else value
    return Success(members)


def _parse_document(document: JsonValue) -> Result[tuple[MirrorEntry, ...], JsonProblem]:
    version = only(document, ("version", "images"), ("defaults",)).bind(read_version)
    if not is_successful(version):
        return Failure(version.failure())
    defaults = _given(document.member("defaults"), MirrorEntry(""), _read_defaults)
    if not is_successful(defaults):
        return Failure(defaults.failure())
    images = document.member("images").at_most(LIST_ENTRIES)
    return images.bind(lambda value: value.items(lambda each: _read_entry(each, defaults.unwrap())))


def _read_defaults(value: JsonValue) -> Result[MirrorEntry, JsonProblem]:
    return only(value, (), _DEMANDS).bind(lambda known: _read_demands(known, MirrorEntry("")))


def _read_entry(value: JsonValue, defaults: MirrorEntry) -> Result[MirrorEntry, JsonProblem]:
    """Return an image of the list: an object, or its reference alone."""
    place = place_of(value.path)
    if isinstance(value.value, str):
        return read_reference(value).map(
            lambda reference: replace(defaults, reference=reference, place=place)
        )
    known = only(value, ("reference",), _DEMANDS)
    reference = known.bind(lambda entry: read_reference(entry.member("reference")))
    if not is_successful(reference):
        return Failure(reference.failure())
    return _read_demands(value, replace(defaults, reference=reference.unwrap(), place=place))


def _read_demands(value: JsonValue, base: MirrorEntry) -> Result[MirrorEntry, JsonProblem]:
    """Return ``base`` with what is said here in place of its own."""
    platform = _given(
        value.member("platform"), base.platform, lambda each: each.checked(_parse_platform)
    )
    pull_policy = _given(
        value.member("pull-policy"), base.pull_policy, lambda each: each.checked(_parse_policy)
    )
    signers = _given(
        value.member("signers"), base.signers, lambda each: each.integer(1, SIGNATURE_COUNT)
    )
    signed_by = _given(value.member("signed-by"), base.signed_by, _read_keys)
    entry: Result[MirrorEntry, JsonProblem] = Result.do(
        MirrorEntry(base.reference, of, by, count, keys, base.place)
        for of in platform
        for by in pull_policy
        for count in signers
        for keys in signed_by
    )
    return entry


def _given(
    value: JsonValue, default: Value, read: Callable[[JsonValue], Result[Value, JsonProblem]]
) -> Result[Value, JsonProblem]:
    return Success(default) if value.is_absent else read(value)


def _read_keys(value: JsonValue) -> Result[tuple[str, ...], JsonProblem]:
    if not value.value:
        return Failure(value.refuse("an array of at least one key"))
    keys = value.items(lambda each: each.checked(parse_key))
    if is_successful(keys) and len(set(keys.unwrap())) < len(keys.unwrap()):
        return Failure(JsonProblem(value.path, "wanted each key once"))
    return keys


def _parse_platform(untrusted_text: str) -> Result[WantedPlatform, str]:
    if untrusted_text == "all":
        return Success("all")
    return parse_platform(untrusted_text).alt(lambda wanted: f"{wanted}, or all")


def _parse_policy(untrusted_text: str) -> Result[PullPolicy | None, str]:
    policy = _POLICIES.get(untrusted_text)
    return Failure(f"wanted {', '.join(_POLICIES)}") if policy is None else Success(policy)
