"""Files that hold secrets: ``Path -> Result[SecretFile, InvalidSetting]``.

A file that every user of the machine can read is read all the same, and its warning says so: what
may be known already is not made safer by a fetch that fails, and where secrets are mounted into a
container their files often look like this.
"""

import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

from returns.result import Failure, Result, Success

from pipeline.errors import InvalidSetting
from pipeline.limits import CONFIGURATION_BYTES
from pipeline.text import quoted

_READABLE: Final = "a file that can be read"


@final
@dataclass(frozen=True, slots=True)
class SecretFile:
    """What a file holds, at most CONFIGURATION_BYTES, and what a person should know of it."""

    content: bytes = field(repr=False)
    warnings: tuple[str, ...] = ()


def read_secret_file(
    path: Path, *, may_be_absent: bool = False
) -> Result[SecretFile, InvalidSetting]:
    """Read a regular file; one that may be absent, and is, is empty.

    Errors: InvalidSetting where it is another thing, too large, or cannot be read.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            # A pipe would be waited for.
            return Failure(InvalidSetting(str(path), "another thing", "a regular file"))
        everybody = mode & stat.S_IROTH and path.parent.stat().st_mode & stat.S_IXOTH
        with path.open("rb") as file:
            content = file.read(CONFIGURATION_BYTES + 1)
    except FileNotFoundError as error:
        if may_be_absent:
            return Success(SecretFile(b""))
        return Failure(InvalidSetting(str(path), error.strerror or "", _READABLE))
    except OSError as error:
        return Failure(InvalidSetting(str(path), error.strerror or "", _READABLE))
    if len(content) > CONFIGURATION_BYTES:
        wanted = f"at most {CONFIGURATION_BYTES} bytes"
        return Failure(InvalidSetting(str(path), "a larger file", wanted))
    warning = (
        f"{quoted(str(path))} holds secrets, and every user of this machine can read it: "
        "chmod o-rwx changes that"
    )
    return Success(SecretFile(content, (warning,) if everybody else ()))
