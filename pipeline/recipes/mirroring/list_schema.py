"""The JSON Schema of a list of images in YAML or JSON, as a value.

It accepts and refuses what ``parse_list`` does, but for what a schema cannot tell: that an image
stands there twice, or a key in both letter cases, and 1.0 from 1.
Source: JSON Schema draft 2020-12.
"""

from collections.abc import Mapping
from typing import Final

from pipeline.limits import LIST_ENTRIES, REFERENCE_CHARACTERS, SIGNATURE_COUNT

_WORD: Final = "[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
_DEMANDS: Final[Mapping[str, object]] = {
    "platform": {
        "description": "OS/ARCHITECTURE[/VARIANT], or all of them",
        "type": "string",
        "pattern": f"^(all|{_WORD}(/{_WORD}){{1,2}})$",
    },
    "pull-policy": {"enum": ["never", "new", "update"]},
    "signers": {
        "description": "how many distinct keys must have signed",
        "type": "integer",
        "minimum": 1,
        "maximum": SIGNATURE_COUNT,
    },
    "signed-by": {
        "description": "fingerprints, or SHA-256 of bare keys, each of which must have signed",
        "type": "array",
        "items": {"type": "string", "pattern": "^([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$"},
        "minItems": 1,
        "uniqueItems": True,
    },
}
_REFERENCE: Final[Mapping[str, object]] = {
    "description": "an image, as fetch takes it",
    "type": "string",
    "pattern": r"^[^\u0000-\u001f\u007f-\u009f]+$",
    "maxLength": REFERENCE_CHARACTERS,
}

LIST_SCHEMA: Final[Mapping[str, object]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A list of images",
    "type": "object",
    "properties": {
        "version": {"const": 1},
        "defaults": {
            "description": "what an image demands that does not say otherwise itself",
            "type": "object",
            "properties": _DEMANDS,
            "additionalProperties": False,
        },
        "images": {
            "type": "array",
            "items": {
                "anyOf": [
                    _REFERENCE,
                    {
                        "type": "object",
                        "properties": {"reference": _REFERENCE, **_DEMANDS},
                        "required": ["reference"],
                        "additionalProperties": False,
                    },
                ]
            },
            "minItems": 1,
            "maxItems": LIST_ENTRIES,
        },
    },
    "required": ["version", "images"],
    "additionalProperties": False,
}
"""What a list in YAML or JSON may say."""
