"""A lock file: which image each reference was, and who had signed it.

    images -> bytes;  bytes -> Result[tuple[LockedImage, ...], InvalidList]

It is JSON of version 1, one member a line and in order, so that two of them are compared line by
line::

    {
      "version": 1,
      "images": [
        {
          "reference": "docker://registry.example.com/app:1.0",
          "platform": "linux/arm64",
          "digest": "sha256:…",
          "signers": [
            "<fingerprint, or a bare key's SHA-256>"
          ]
        }
      ]
    }

What was not written here is refused, whatever it would mean: a file that somebody changed by hand
is not what was proven. That is no protection from who may write the file.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.admission.members import only
from pipeline.digest import Digest, parse_digest
from pipeline.errors import InvalidList
from pipeline.limits import LIST_DEPTH, LOCK_BYTES
from pipeline.names import Platform
from pipeline.oci.documents import PLATFORM_WORD
from pipeline.oci.platforms import oci_platform
from pipeline.recipes.mirroring.entries import MirrorEntry
from pipeline.recipes.mirroring.parts import parse_key, place_of, read_reference, read_version
from pipeline.recipes.mirroring.signers import signer_names
from pipeline.results import Stored
from pipeline.stages.parse import shown_reference
from pipeline.strict_json import JsonProblem, JsonValue, parse_json

if TYPE_CHECKING:
    from pipeline.adapters.output import WriteError

_MEMBERS: Final = ("reference", "platform", "digest", "signers")
_PLATFORM: Final = re.compile(rf"(?:{PLATFORM_WORD.pattern}/){{1,2}}{PLATFORM_WORD.pattern}")


@final
@dataclass(frozen=True, slots=True, order=True)
class LockedImage:
    """What was fetched for a reference, by image ID, and who had signed it, in order.

    ``reference`` is as it is shown, without what may be secret in a URL: a lock file is shared.
    ``platform`` is the one that was asked for, empty where none was; where all were, it is the
    image's own. ``signers`` are spelt as :func:`signer_name` spells them, each once, in order.
    """

    reference: str
    platform: str
    image_id: Digest
    signers: tuple[str, ...]


def lock_image(entry: MirrorEntry, stored: Stored) -> LockedImage:
    """Return what a lock file says of an image that was fetched for an entry."""
    platform = "" if entry.platform is None else str(entry.platform)
    if entry.platform == "all":
        platform = _own_platform(stored)
    reference = shown_reference(entry.reference)
    return LockedImage(reference, platform, stored.image_id, signer_names(stored))


def encode_lock(images: Iterable[LockedImage]) -> bytes:
    """Return a lock file of these images: the same bytes, in whatever order they come."""
    document = {
        "version": 1,
        "images": [
            {
                "reference": image.reference,
                "platform": image.platform,
                "digest": str(image.image_id),
                "signers": image.signers,
            }
            for image in sorted(set(images))
        ],
    }
    return f"{json.dumps(document, indent=2)}\n".encode()


def parse_lock(untrusted: bytes, path: str) -> Result[tuple[LockedImage, ...], InvalidList]:
    """Read a lock file of at most LOCK_BYTES bytes; ``path`` is for errors.

    Errors: InvalidList for all that :func:`encode_lock` would not have written.
    """
    parsed = parse_json(untrusted, max_bytes=LOCK_BYTES, max_depth=LIST_DEPTH)
    images = parsed.bind(_read_document)
    if is_successful(images) and encode_lock(images.unwrap()) != untrusted:
        return Failure(InvalidList(path, "", "got other spelling or space than --lock writes"))
    return images.alt(lambda problem: InvalidList(path, place_of(problem.path), problem.reason))


def write_lock(path: Path, images: Iterable[LockedImage]) -> "Result[None, WriteError]":
    """Write a lock file at once and whole, in place of another that may be there.

    Errors: OutputUnavailable.
    """
    from pipeline.adapters.output import export_chunks  # who reads a lock file does without it

    return export_chunks((Success(encode_lock(images)),), path, overwrite=True)


def _own_platform(stored: Stored) -> str:
    os, arch = stored.labels.get("os"), stored.labels.get("arch")
    own = "" if os is None or arch is None else str(oci_platform(Platform(os, arch)))
    return own if _PLATFORM.fullmatch(own) else ""


def _read_document(document: JsonValue) -> Result[tuple[LockedImage, ...], JsonProblem]:
    version = only(document, ("version", "images")).bind(read_version)
    images = version.bind(lambda _: document.member("images").items(_read_image))
    if not is_successful(images):
        return images
    for index, (before, image) in enumerate(pairwise(images.unwrap()), 1):
        if not before < image:
            path = f"$.images[{index}]"
            return Failure(JsonProblem(path, "wanted each image once, in order of references"))
    return images


def _read_image(value: JsonValue) -> Result[LockedImage, JsonProblem]:
    known = only(value, _MEMBERS)
    if not is_successful(known):
        return Failure(known.failure())
    image: Result[LockedImage, JsonProblem] = Result.do(
        LockedImage(reference, platform, image_id, signers)
        for reference in read_reference(value.member("reference"))
        for platform in value.member("platform").checked(_parse_platform)
        for image_id in value.member("digest").checked(parse_digest)
        for signers in _read_signers(value.member("signers"))
    )
    return image


def _parse_platform(untrusted_text: str) -> Result[str, str]:
    if untrusted_text and _PLATFORM.fullmatch(untrusted_text) is None:
        return Failure("wanted OS/ARCHITECTURE[/VARIANT], or an empty text")
    return Success(untrusted_text)


def _read_signers(value: JsonValue) -> Result[tuple[str, ...], JsonProblem]:
    signers = value.items(lambda each: each.checked(parse_key))
    if is_successful(signers) and list(signers.unwrap()) != sorted(set(signers.unwrap())):
        return Failure(JsonProblem(value.path, "wanted each signer once, in order"))
    return signers
