"""The grammar of images in files. Pure.

    str -> Result[ImagePathReference, ReferenceProblem]

Source: skopeo's ``containers-transports.5``: ``oci:PATH[:NAME]``, ``oci-archive:PATH[:NAME]``,
``docker-archive:PATH[:NAME]``. A path has no colon in it; what follows the first one is the name.
"""

import re
from collections.abc import Callable
from typing import Final

from returns.result import Failure, Result, Success

from pipeline.reference import ImagePathKind, ImagePathReference, ReferenceProblem

KINDS: Final[dict[str, ImagePathKind]] = {
    "oci": "oci",
    "oci-archive": "oci-archive",
    "docker-archive": "docker-archive",
}
"""Each kind by the word before its colon."""

_ADVICE: Final = (
    "an image in files is written as oci:DIR, oci-archive:FILE or docker-archive:FILE, "
    "with :NAME behind it where there are several"
)
_NAME: Final = re.compile(r"[A-Za-z0-9]+(?:(?:[-._:@/+]|--|__)[A-Za-z0-9]+)*", re.ASCII)


def parse_image_path(
    kind: ImagePathKind, text: str, absolute: Callable[[str], str]
) -> Result[ImagePathReference, ReferenceProblem]:
    """Read what follows the kind's colon; ``absolute`` makes a path absolute.

    >>> parse_image_path("oci", "/images:app:1.0", str).unwrap().name
    'app:1.0'
    """
    path, colon, name = text.partition(":")
    if not path:
        return Failure(ReferenceProblem("wanted a path", _ADVICE, 0))
    if colon and _NAME.fullmatch(name) is None:
        wanted = 'wanted letters and digits, with single "-", ".", "_", ":", "@", "/" and "+" '
        return Failure(ReferenceProblem(f"{wanted}between them, as name", _ADVICE, len(path) + 1))
    return Success(ImagePathReference(kind, absolute(path), name))
