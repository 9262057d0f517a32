"""A YAML file, taken apart strictly: ``Path -> Result[YamlValue, InvalidSetting]``.

Nodes are read as they stand there, and no object is ever made of one: tags that would are refused
with everything else that is no mapping, text or boolean where one is wanted. A key that stands
twice is an error, as is what YAML merges (``<<``): its key is unknown.

Source: YAML 1.1, as PyYAML 6 reads it. The only import of yaml.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import InvalidSetting
from pipeline.secret_files import read_secret_file

if TYPE_CHECKING:
    from yaml.nodes import Node

_TAG: Final = "tag:yaml.org,2002:"
_TRUE: Final = frozenset({"yes", "true", "on"})


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
    import yaml  # a run without such a file does without it

    try:
        node = yaml.compose(read.unwrap().content.decode(), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f": line {error.problem_mark.line + 1}"
        return Failure(InvalidSetting(f"{path}{line}", error.problem or "broken", "YAML"))
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        # ValueError: what is not UTF-8, and escapes of no character.
        return Failure(InvalidSetting(str(path), str(error), "YAML"))
    return Success(YamlValue(str(path), node))
