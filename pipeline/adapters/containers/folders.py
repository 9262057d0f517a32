"""What there is: ``Path -> Result[tuple[str, ...], InvalidSetting]``. Nothing is opened.

What this user may not look at is an error: it may say what must not be missed.
"""

import os
from pathlib import Path

from returns.result import Failure, Result, Success

from pipeline.errors import InvalidSetting


def names_in(folder: Path, ending: str = "") -> Result[tuple[str, ...], InvalidSetting]:
    """Return the names with an ending, sorted; what is not there, or is no folder, has none.

    Errors: InvalidSetting where the folder cannot be read.
    """
    try:
        with os.scandir(folder) as listing:
            return Success(
                tuple(sorted(each.name for each in listing if each.name.endswith(ending)))
            )
    except (FileNotFoundError, NotADirectoryError):
        return Success(())
    except OSError as error:
        return Failure(
            InvalidSetting(str(folder), error.strerror or "", "a folder that can be read")
        )


def is_there(path: Path) -> Result[bool, InvalidSetting]:
    """Tell whether a path leads to something.

    Errors: InvalidSetting where nobody can tell.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return Success(False)
    except OSError as error:
        return Failure(InvalidSetting(str(path), error.strerror or "", "a readable file"))
    return Success(True)
