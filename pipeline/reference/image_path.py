"""The grammar of images in files, and the name and tag that one is kept under. Pure.

    str -> Result[ImagePathReference, ReferenceProblem]
    ImagePathReference -> ImageName, tag

Source: skopeo's ``containers-transports.5``: ``oci:PATH[:NAME]``, ``oci-archive:PATH[:NAME]``,
``docker-archive:PATH[:NAME]``. A path has no colon in it; what follows the first one is the name.
"""

import re
from collections.abc import Callable
from typing import Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.names import ImageName
from pipeline.reference import (
    ImagePathKind,
    ImagePathReference,
    ReferenceProblem,
    identifier_of,
)
from pipeline.reference.docker import begins_with_host, parse_docker_reference

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
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)
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


def image_name_of(reference: ImagePathReference) -> ImageName:
    """Return the name that an image in files is kept under, and whose keys count for it.

    That is the registry's where the user wrote one with its host, else the file's, under
    ``localhost``: no maker of images is called so.

    >>> image_name_of(ImagePathReference("docker-archive", "/a.tar", "example.com/app:1.0"))
    'example.com/app'
    >>> image_name_of(ImagePathReference("oci", "/images/My_App", "1.0"))
    'localhost/my_app'
    """
    named = parse_docker_reference(reference.name)
    if is_successful(named) and begins_with_host(reference.name):
        return named.unwrap().image_name
    return identifier_of(f"localhost/{reference.path.rpartition('/')[2]}")


def image_tag_of(reference: ImagePathReference) -> str | None:
    """Return the tag that an image in files has by its reference; None where nobody said.

    >>> image_tag_of(ImagePathReference("docker-archive", "/a.tar", "app:1.0"))
    '1.0'
    >>> image_tag_of(ImagePathReference("docker-archive", "/a.tar", "app"))
    'latest'
    >>> image_tag_of(ImagePathReference("oci", "/images/app", "1.0"))
    '1.0'
    """
    named = parse_docker_reference(reference.name)
    # In a layout the name is mostly nothing but a tag.
    if reference.kind != "docker-archive" and _TAG.fullmatch(reference.name) is not None:
        return reference.name
    return named.unwrap().tag if is_successful(named) else None
