"""What the index's columns can hold in each of its formats; what they cannot hold is refused.

How single values are written there is in :mod:`pipeline.written.values`.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from pipeline.adapters.layout.failures import Refused
from pipeline.digest import HEX_LENGTH
from pipeline.errors import StoreCorrupt
from pipeline.names import Labels
from pipeline.written.values import DAMAGE

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def encode_version(labels: Labels) -> str | None:
    """Return the label ``version`` as a JSON string; None where there is none."""
    version = labels.get("version")
    return None if version is None else json.dumps(version)


@contextmanager
def refusing(hex_digits: str) -> Iterator[None]:
    """Refuse with StoreCorrupt whatever the reading of an image's row or record stumbles over."""
    try:
        yield
    except DAMAGE as error:
        reason = f"its record cannot be read ({type(error).__name__}: {error})"
        algorithm = "sha256" if len(hex_digits) == HEX_LENGTH["sha256"] else "sha512"
        raise Refused(StoreCorrupt(f"{algorithm}-{hex_digits}", reason)) from error


def has_versions(connection: sqlite3.Connection) -> bool:
    """Tell whether versions stand in a column of their own: not in format 1, which is read too."""
    return _format_of(connection) > 1


def has_registry_images(connection: sqlite3.Connection) -> bool:
    """Tell whether the index can know registry images: not in formats 1 and 2."""
    return _format_of(connection) > 2


def _format_of(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)
