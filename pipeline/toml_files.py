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
    """One table; ``where`` names it in errors."""

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

    def flag(self, key: str) -> Result[bool, InvalidSetting]:
        """Return a boolean; False where there is none."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            return Failure(self.refuse(key, value, "true or false"))
        return Success(value)

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
    path: Path | str, document: Mapping[str, object], name: str, keys: AbstractSet[str]
) -> Result[tuple[Entry, ...], InvalidSetting]:
    """Return the tables ``[[name]]``, none of which has other keys than ``keys``.

    ``path`` says in errors where ``document`` is: a file, or a table in one.
    """
    found = document.get(name, [])
    if not isinstance(found, list):
        return Failure(InvalidSetting(f"{path}: {name}", shown(found), f"tables [[{name}]]"))
    entries: list[Entry] = []
    for number, values in enumerate(found, 1):
        entry = entry_of(f"{path}: {name}, entry {number}", values, keys)
        if not is_successful(entry):
            return Failure(entry.failure())
        entries.append(entry.unwrap())
    return Success(tuple(entries))


def entry_of(where: str, values: object, keys: AbstractSet[str]) -> Result[Entry, InvalidSetting]:
    """Return one table that has no other keys than ``keys``; ``where`` names it in errors."""
    if not isinstance(values, dict):
        return Failure(InvalidSetting(where, shown(values), "a table"))
    for key in sorted(set(values) - keys):
        return Failure(InvalidSetting(where, key, f"no key but {', '.join(sorted(keys))}"))
    return Success(Entry(where, values))


def shown(value: object) -> str:
    """Return a value as a text for messages, which shorten it."""
    try:
        return str(value)
    except ValueError:
        # Python reads hex digits without end, and refuses to write as many decimal ones.
        return "a number of thousands of digits"
