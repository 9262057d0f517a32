"""How texts, times and digests are written in an index's columns and in records, and read back.

    value <-> what JSON or a column can hold; reading raises what a wrong document leads to

Foreign text is kept as ASCII JSON, so that any Python string survives. Times are microseconds
since 1970 in UTC. A store reads within a block that turns :data:`DAMAGE` into StoreCorrupt.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Final

from pipeline.digest import HEX_LENGTH, Digest
from pipeline.names import Label, LabelName, Labels
from pipeline.oci import OciPlatform

DAMAGE: Final = (
    AttributeError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What reading stumbles over where something else was written."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_microseconds(moment: datetime) -> int:
    """Return a time with its zone as a column's integer.

    >>> from_microseconds(to_microseconds(datetime(2026, 1, 2, 3, 4, 5, 6, UTC))).isoformat()
    '2026-01-02T03:04:05.000006+00:00'
    """
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """Return a column's integer as a time in UTC."""
    return _EPOCH + count * _MICROSECOND


def digest_of(hex_digits: str) -> Digest:
    """Return a column's digest, whose length tells the algorithm; raises ``ValueError``."""
    for algorithm, length in HEX_LENGTH.items():
        if len(hex_digits) == length:
            return Digest(algorithm, hex_digits)
    raise ValueError(f"{len(hex_digits)} digits are no digest")


def encode_labels(labels: Labels) -> str:
    """Return labels as a JSON list of pairs."""
    return json.dumps([(label.name, label.value) for label in labels.items])


def decode_labels(document: str) -> Labels:
    """Return what :func:`encode_labels` made; raises what a wrong document leads to."""
    return Labels(tuple(Label(LabelName(name), value) for name, value in json.loads(document)))


def encode_platform(platform: OciPlatform | None) -> str | None:
    """Return a platform as a JSON list of three; None where there is none."""
    if platform is None:
        return None
    return json.dumps([platform.os, platform.architecture, platform.variant])


def decode_platform(document: str | None) -> OciPlatform | None:
    """Return what :func:`encode_platform` made; raises what a wrong document leads to."""
    if document is None:
        return None
    os, architecture, variant = json.loads(document)
    return OciPlatform(text(os), text(architecture), text(variant))


def text(value: object) -> str:
    """Return a string; raises ``TypeError`` for anything else, as documents may hold anything."""
    if not isinstance(value, str):
        raise TypeError(f"got a {type(value).__name__}, wanted a string")
    return value


def number(value: object) -> int:
    """Return an integer that a column can hold; raises ``TypeError`` or ``ValueError``."""
    # In Python a bool is an int; in JSON it is none.
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"got a {type(value).__name__}, wanted an integer")
    if not 0 <= value < 2**63:
        raise ValueError(f"got {value}, wanted 63 bits")
    return value
