"""The configuration file, ``config.toml``: the machine's, then the user's own.

    Path -> Result[Configuration, InvalidSetting]

So far it says how many distinct signers names under a prefix need::

    [signers]
    "example.com/app" = 2

Unknown tables and keys are refused: a demand that is misspelt must not silently demand nothing.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import InvalidSetting
from pipeline.limits import CONFIGURATION_BYTES
from pipeline.names import ImageName, parse_image_name

FILE_NAME: Final = "config.toml"
MOST_SIGNERS: Final = 128


@final
@dataclass(frozen=True, slots=True)
class Configuration:
    """What configuration files say; ``signers`` are prefixes and numbers."""

    signers: tuple[tuple[ImageName, int], ...] = ()


def read_configuration(*folders: Path) -> Result[Configuration, InvalidSetting]:
    """Read the files in ``folders`` that exist, as one: all their demands hold.

    Errors: InvalidSetting with the file, what stands there, and what was wanted.
    """
    signers: list[tuple[ImageName, int]] = []
    for folder in folders:
        path = folder / FILE_NAME
        loaded = _load(path)
        if not is_successful(loaded):
            return Failure(loaded.failure())
        read = _read_signers(path, loaded.unwrap())
        if not is_successful(read):
            return Failure(read.failure())
        signers.extend(read.unwrap())
    return Success(Configuration(tuple(signers)))


def _load(path: Path) -> Result[dict[str, object], InvalidSetting]:
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


def _read_signers(
    path: Path, document: dict[str, object]
) -> Result[list[tuple[ImageName, int]], InvalidSetting]:
    unknown = sorted(set(document) - {"signers"})
    if unknown:
        return Failure(InvalidSetting(str(path), unknown[0], "no table but [signers]"))
    table = document.get("signers", {})
    if not isinstance(table, dict):
        return Failure(InvalidSetting(f"{path}: signers", _shown(table), "a table"))
    read: list[tuple[ImageName, int]] = []
    for untrusted_prefix, count in table.items():
        where = f"{path}: signers"
        prefix = parse_image_name(str(untrusted_prefix))
        if not is_successful(prefix):
            return Failure(InvalidSetting(where, str(untrusted_prefix), "a prefix of image names"))
        # bool is an int to Python, not to TOML.
        if type(count) is not int or not 1 <= count <= MOST_SIGNERS:
            wanted = f"a number from 1 to {MOST_SIGNERS}"
            return Failure(InvalidSetting(f"{where}.{prefix.unwrap()}", _shown(count), wanted))
        read.append((prefix.unwrap(), count))
    return Success(read)


def _shown(value: object) -> str:
    try:
        return str(value)
    except ValueError:
        # Python reads hex digits without end, and refuses to write as many decimal ones.
        return "a number of thousands of digits"
