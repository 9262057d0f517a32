"""Names and labels of appc images as checked values.

Grammar (appc/spec v0.8.11 ``spec/types.md``)::

    ACIdentifier = ^[a-z0-9]+([-._~/][a-z0-9]+)*$

rkt's code checks only the characters and both ends, so ``a--b``, ``a//b`` and ``a/../b`` pass
there, and real names such as ``a--b`` or ``quay.io/x/y__z`` exist. Names become paths and URLs,
so here runs of ``-._~`` inside a segment are accepted, as in rkt, while a segment that is empty,
``.`` or ``..`` is refused, and each segment starts and ends as the whole does or as rkt lets it.
"""

import platform as _platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NewType, final

from returns.result import Failure, Result, Success

ImageName = NewType("ImageName", str)
"""A checked ACIdentifier that names an image, as ``example.com/app``."""

LabelName = NewType("LabelName", str)
"""A checked ACIdentifier that names a label, as ``version``."""

_STRAY = re.compile(r"[^a-z0-9._~/-]")
_EMPTY_SEGMENT = re.compile(r"/\.{0,2}(?=/)")

ARCHITECTURES = {
    "x86_64": "amd64",
    "amd64": "amd64",
    "i386": "i386",
    "i686": "i386",
    "aarch64": "aarch64",
    "arm64": "aarch64",
    "aarch64_be": "aarch64_be",
    "armv6l": "armv6l",
    "armv7l": "armv7l",
    "armv7b": "armv7b",
    "ppc64": "ppc64",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
}
"""The kernel's machine names as appc architectures."""


@final
@dataclass(frozen=True, slots=True)
class IdentifierFault:
    """Why a text is no ACIdentifier, and the offset of the first character that is to blame."""

    wanted: str
    position: int | None


def find_fault(untrusted_text: str) -> IdentifierFault | None:
    """Return what keeps a text from being an ACIdentifier; None where nothing does.

    >>> find_fault("example.com/App")
    IdentifierFault(wanted='wanted only lower-case letters, digits and "-._~/"', position=12)
    """
    if not untrusted_text:
        return IdentifierFault("wanted at least one character", None)
    stray = _STRAY.search(untrusted_text)
    if stray is not None:
        return IdentifierFault('wanted only lower-case letters, digits and "-._~/"', stray.start())
    last = len(untrusted_text) - 1
    for position in (0, last):
        if untrusted_text[position] in "-._~/":
            return IdentifierFault("wanted a lower-case letter or digit at both ends", position)
    segment = _EMPTY_SEGMENT.search(untrusted_text)
    if segment is not None:
        return IdentifierFault(
            'wanted no empty, "." or ".." segment between slashes', segment.start() + 1
        )
    return None


def parse_identifier(untrusted_text: str) -> Result[str, str]:
    """Check an ACIdentifier.

    Errors: a sentence that says what was wanted.

    >>> parse_identifier("example.com/app").unwrap()
    'example.com/app'
    >>> parse_identifier("a/../b").failure()
    'wanted no empty, "." or ".." segment between slashes'
    """
    fault = find_fault(untrusted_text)
    return Success(untrusted_text) if fault is None else Failure(fault.wanted)


def parse_image_name(untrusted_text: str) -> Result[ImageName, str]:
    """Check an image name; the failure is a sentence that says what was wanted."""
    return parse_identifier(untrusted_text).map(ImageName)


def parse_label_name(untrusted_text: str) -> Result[LabelName, str]:
    """Check a label's name; the failure is a sentence that says what was wanted."""
    return parse_identifier(untrusted_text).map(LabelName)


def covers(prefix: str, name: str) -> bool:
    """Tell whether ``prefix`` covers ``name``, compared segment by segment.

    Source: appc/spec v0.8.11 ``spec/discovery.md`` "Validation"; a string comparison, as in
    rkt, would let ``example.com/foo`` speak for ``example.com/foobar``.

    >>> covers("example.com/foo", "example.com/foo/bar")
    True
    >>> covers("example.com/foo", "example.com/foobar")
    False
    """
    wanted = prefix.rstrip("/").split("/")
    return name.split("/")[: len(wanted)] == wanted


@final
@dataclass(frozen=True, slots=True, order=True)
class Label:
    """One label of an image: a checked name and free text as its value."""

    name: LabelName
    value: str


@final
@dataclass(frozen=True, slots=True)
class Labels:
    """Labels with distinct names, sorted by name."""

    items: tuple[Label, ...] = ()

    def __post_init__(self) -> None:
        """Refuse duplicates; put in order."""
        ordered = tuple(sorted(self.items))
        if len({label.name for label in ordered}) != len(ordered):
            raise ValueError("label names must be distinct")
        object.__setattr__(self, "items", ordered)

    def get(self, name: str) -> str | None:
        """Return the value of the label ``name``, or None where there is none."""
        return next((label.value for label in self.items if label.name == name), None)

    def with_defaults(self, defaults: Iterable[Label]) -> "Labels":
        """Return these labels and those of ``defaults`` whose names are not among them."""
        return Labels(self.items + Labels(tuple(defaults)).missing_from(self).items)

    def missing_from(self, others: "Labels") -> "Labels":
        """Return those of these labels of whose names ``others`` has none."""
        return Labels(tuple(label for label in self.items if others.get(label.name) is None))


@final
@dataclass(frozen=True, slots=True)
class Platform:
    """An operating system and an architecture in appc's words, as ``linux``, ``amd64``."""

    os: str
    arch: str

    @property
    def labels(self) -> tuple[Label, ...]:
        """The platform as the labels ``os`` and ``arch``."""
        return (Label(LabelName("os"), self.os), Label(LabelName("arch"), self.arch))


def this_platform() -> Platform:
    """Return the platform of the running machine."""
    machine = _platform.machine().lower()
    return Platform(_platform.system().lower(), ARCHITECTURES.get(machine, machine))
