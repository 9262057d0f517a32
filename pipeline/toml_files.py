"""A TOML file, taken apart strictly: ``Path -> Result[Document, InvalidSetting]``.

Source: TOML v1.0.0. What is unknown, of another type, or missing is an error that names the file
and the place in it.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import InvalidSetting
from pipeline.limits import CONFIGURATION_BYTES

Document: TypeAlias = dict[str, object]


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """One table of an array of tables; ``where`` names it in errors."""

    where: str
    values: Mapping[str, object]

    def refuse(self, key: str, got: object, wanted: str) -> InvalidSetting:
        """Return the error for what stands at ``key``."""
        return InvalidSetting(f"{self.where}: {key}", shown(got), wanted)

    def text(self, key: str) -> Result[str | None, InvalidSetting]:
        """Return a text that may be missing; one that is there is not empty."""
        value = self.values.get(key)
        # No path and no host holds a zero byte.
        if value is not None and (not isinstance(value, str) or not value or "\0" in value):
            return Failure(self.refuse(key, value, "a text, not empty, without zero bytes"))
        return Success(value)

    def required_text(self, key: str) -> Result[str, InvalidSetting]:
        """Return a text that must be there."""
        found = self.text(key)
        if not is_successful(found):
            return Failure(found.failure())
        value = found.unwrap()
        return Failure(self.refuse(key, "missing", "a text")) if value is None else Success(value)

    def required_texts(self, key: str) -> Result[tuple[str, ...], InvalidSetting]:
        """Return an array of texts that must be there; it may be empty."""
        value = self.values.get(key, "missing")
        if not isinstance(value, list):
            return Failure(self.refuse(key, value, "an array of texts"))
        texts = tuple(each for each in value if isinstance(each, str))
        if len(texts) != len(value):
            return Failure(self.refuse(key, value, "texts alone"))
        return Success(texts)


def load_document(path: Path) -> Result[Document, InvalidSetting]:
    """Read a file; one that is not there is empty."""
    try:
        with path.open("rb") as file:
            content = file.read(CONFIGURATION_BYTES + 1)
    except FileNotFoundError:
        return Success({})
    except OSError as error:
        return Failure(InvalidSetting(str(path), error.strerror or "", "a readable file"))
    import tomllib  # a run without such a file does without it

    if len(content) > CONFIGURATION_BYTES:
        wanted = f"at most {CONFIGURATION_BYTES} bytes"
        return Failure(InvalidSetting(str(path), "a larger file", wanted))
    try:
        return Success(tomllib.loads(content.decode()))
    except (ValueError, RecursionError) as error:
        # TOMLDecodeError, UnicodeDecodeError, and Python's own for a number of 4,301 digits.
        return Failure(InvalidSetting(str(path), str(error), "TOML"))


def entries_of(
    path: Path, document: Document, name: str, keys: AbstractSet[str]
) -> Result[tuple[Entry, ...], InvalidSetting]:
    """Return the tables ``[[name]]``, none of which has other keys than ``keys``."""
    found = document.get(name, [])
    if not isinstance(found, list):
        return Failure(InvalidSetting(f"{path}: {name}", shown(found), f"tables [[{name}]]"))
    entries: list[Entry] = []
    for number, values in enumerate(found, 1):
        where = f"{path}: {name}, entry {number}"
        if not isinstance(values, dict):
            return Failure(InvalidSetting(where, shown(values), "a table"))
        for key in sorted(set(values) - keys):
            wanted = f"no key but {', '.join(sorted(keys))}"
            return Failure(InvalidSetting(where, key, wanted))
        entries.append(Entry(where, values))
    return Success(tuple(entries))


def shown(value: object) -> str:
    """Return a value as a text for messages, which shorten it."""
    try:
        return str(value)
    except ValueError:
        # Python reads hex digits without end, and refuses to write as many decimal ones.
        return "a number of thousands of digits"
