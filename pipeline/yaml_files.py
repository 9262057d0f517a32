"""YAML, taken apart strictly: a file's parts, or a document as JSON would say it.

    Path -> Result[YamlValue, InvalidSetting];  bytes -> Result[JsonValue, JsonProblem]

Nodes are read as they stand there, and no object is ever made of one: tags that would are refused
with everything else that is no mapping, text or boolean where one is wanted. A key that stands
twice is an error, as is what YAML merges (``<<``): its key is unknown.

Source: YAML 1.1, as PyYAML 6 reads it. The only import of yaml.
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import InvalidSetting
from pipeline.reference import SURROGATE
from pipeline.secret_files import read_secret_file
from pipeline.strict_json import Json, JsonProblem, JsonValue

if TYPE_CHECKING:
    from yaml.nodes import Node

_TAG: Final = "tag:yaml.org,2002:"
_TRUE: Final = frozenset({"yes", "true", "on"})
# Of YAML's ways to write an integer, the one that JSON has too: 010 and 1:30 mislead people.
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})", re.ASCII)


@final
@dataclass(frozen=True, slots=True)
class YamlValue:
    """A part of the file at ``path``; without a node, an empty file."""

    path: str
    node: "Node | None"

    @property
    def where(self) -> str:
        """The file and the line, for errors."""
        return self.path if self.node is None else f"{self.path}: line {self._line}"

    @property
    def is_absent(self) -> bool:
        """Tell whether there is nothing here."""
        return self.node is None or self.node.tag == f"{_TAG}null"

    def refuse(self, got: str, wanted: str) -> InvalidSetting:
        """Return the error for what is here."""
        return InvalidSetting(self.where, got, wanted)

    def members(
        self, known: AbstractSet[str] | None = None
    ) -> Result[Mapping[str, "YamlValue"], InvalidSetting]:
        """Return a mapping's values by key, none of them but the known ones; nothing is empty."""
        from yaml.nodes import MappingNode, ScalarNode

        if self.is_absent:
            return Success({})
        if not isinstance(self.node, MappingNode):
            return Failure(self.refuse("another thing", "a mapping"))
        members: dict[str, YamlValue] = {}
        for key, value in self.node.value:
            here = YamlValue(self.path, key)
            if not isinstance(key, ScalarNode):
                return Failure(here.refuse("another thing", "a text as key"))
            if key.value in members:
                return Failure(here.refuse(key.value, "each key once"))
            if known is not None and key.value not in known:
                return Failure(here.refuse(key.value, f"no key but {', '.join(sorted(known))}"))
            members[key.value] = YamlValue(self.path, value)
        return Success(members)

    def text(self) -> Result[str, InvalidSetting]:
        """Return a text; nothing is an empty one."""
        if self.is_absent:
            return Success("")
        scalar = self._scalar("str")
        return (
            Failure(self.refuse("another thing", "a text")) if scalar is None else Success(scalar)
        )

    def flag(self) -> Result[bool, InvalidSetting]:
        """Return a boolean; nothing is False."""
        if self.is_absent:
            return Success(False)
        scalar = self._scalar("bool")
        if scalar is None:
            return Failure(self.refuse("another thing", "true or false"))
        return Success(scalar.lower() in _TRUE)

    @property
    def _line(self) -> int:
        mark = None if self.node is None else self.node.start_mark
        return 1 if mark is None else mark.line + 1

    def _scalar(self, kind: str) -> str | None:
        from yaml.nodes import ScalarNode

        is_it = isinstance(self.node, ScalarNode) and self.node.tag == f"{_TAG}{kind}"
        return self.node.value if is_it and isinstance(self.node, ScalarNode) else None


def load_yaml(path: Path) -> Result[YamlValue, InvalidSetting]:
    """Read a file of one document, at most CONFIGURATION_BYTES bytes, in UTF-8.

    Errors: InvalidSetting with the line that is not YAML.
    """
    read = read_secret_file(path)
    if not is_successful(read):
        return Failure(read.failure())
    composed = _compose(read.unwrap().content)
    if not is_successful(composed):
        line, reason = composed.failure()
        where = f"{path}: line {line}" if line else str(path)
        return Failure(InvalidSetting(where, reason, "YAML"))
    return Success(YamlValue(str(path), composed.unwrap()))


def parse_yaml(
    untrusted: bytes, *, max_bytes: int, max_depth: int
) -> Result[JsonValue, JsonProblem]:
    """Read one document in UTF-8 of what JSON can say too, as :func:`parse_json` does.

    Refused are keys that are no texts or stand there twice, aliases (a few lines with them are
    more than memory holds), and what YAML makes of a text without quotes that is none of text,
    integer, boolean and null.
    Errors: a problem that says where, and what was wanted.

    >>> parse_yaml(b"a: [1, b]", max_bytes=100, max_depth=2).unwrap()
    JsonValue(path='$', value={'a': [1, 'b']})
    >>> parse_yaml(b"a: 1.5", max_bytes=100, max_depth=2).failure().reason
    'line 1: got YAML of the kind "float", wanted a text in quotes'
    """
    if len(untrusted) > max_bytes:
        reason = f"got {len(untrusted)} bytes, wanted at most {max_bytes}"
        return Failure(JsonProblem("$", reason))
    composed = _compose(untrusted)
    if not is_successful(composed):
        line, reason = composed.failure()
        place = f" at line {line}" if line else ""
        return Failure(JsonProblem("$", f"not YAML{place}: {reason}"))
    node = composed.unwrap()
    plain = Success(None) if node is None else _plain(node, "$", max_depth, set())
    return plain.map(lambda value: JsonValue("$", value))


def _compose(untrusted: bytes) -> "Result[Node | None, tuple[int, str]]":
    """Return the document's node; what keeps it from being one, with its line or 0."""
    import yaml  # a run without such a file does without it

    try:
        return Success(yaml.compose(untrusted.decode(), Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        return Failure((0 if mark is None else mark.line + 1, error.problem or "broken"))
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        # ValueError: what is not UTF-8, and escapes of no character.
        return Failure((0, str(error)))


def _plain(node: "Node", path: str, depth: int, seen: set[int]) -> Result[Json, JsonProblem]:
    """Return what a node says, each node once, at most ``depth`` within one another."""
    from yaml.nodes import MappingNode, ScalarNode, SequenceNode

    def refuse(where: "Node", reason: str) -> Result[Json, JsonProblem]:
        return Failure(JsonProblem(path, f"line {where.start_mark.line + 1}: {reason}"))

    # 1. An alias is the very node that it names: whoever follows it reads the same again.
    if id(node) in seen:
        return refuse(node, "got an alias of this, wanted it written out")
    seen.add(id(node))
    # 2. Recursion ends.
    if not isinstance(node, ScalarNode) and not depth:
        return refuse(node, "wanted fewer nested lists and mappings")
    if isinstance(node, SequenceNode) and node.tag == f"{_TAG}seq":
        elements: list[Json] = []
        for index, each in enumerate(node.value):
            element = _plain(each, f"{path}[{index}]", depth - 1, seen)
            if not is_successful(element):
                return element
            elements.append(element.unwrap())
        return Success(elements)
    if isinstance(node, MappingNode) and node.tag == f"{_TAG}map":
        members: dict[str, Json] = {}
        for key, each in node.value:
            # 3. No two readers see different members.
            name = _plain(key, path, 0, seen)
            if not is_successful(name):
                return name
            text = name.unwrap()
            if not isinstance(text, str):
                return refuse(key, "wanted a text as key")
            if text in members:
                return refuse(key, f'the key "{text[:80]}" stands there twice, wanted each once')
            member = _plain(each, f"{path}.{text}", depth - 1, seen)
            if not is_successful(member):
                return member
            members[text] = member.unwrap()
        return Success(members)
    # 4. Of scalars, what is the same in JSON.
    kind = node.tag.removeprefix(_TAG)
    if isinstance(node, ScalarNode):
        if kind == "str" and SURROGATE.search(node.value) is None:
            return Success(node.value)
        if kind == "int" and _INTEGER.fullmatch(node.value) is not None:
            return Success(int(node.value))
        if kind == "bool":
            return Success(node.value.lower() in _TRUE)
        if kind == "null":
            return Success(None)
    return refuse(node, f'got YAML of the kind "{kind[:80]}", wanted a text in quotes')
