"""Platforms of OCI images: how they are written, which one is chosen, what appc calls them. Pure.

Of an index with images for several platforms, the first candidate that an entry has is taken, and
of the entries that have it the first. A newer variant of ``arm`` runs what was built for an older
one. The order is that of containers/image v5.24.1 ``internal/pkg/platform/platform_matcher.go``,
so that the same image is chosen as by skopeo; spellings become one as in containerd v1.7
``platforms/database.go``.
"""

from collections.abc import Mapping
from typing import Final

from returns.result import Failure, Result, Success

from pipeline.names import Label, LabelName, Platform, this_platform
from pipeline.oci import IndexEntry, OciIndex, OciPlatform
from pipeline.oci.documents import PLATFORM_WORD

ATTESTATION_ANNOTATION: Final = "vnd.docker.reference.type"
"""What buildkit marks entries with that are no images, but say something about one."""

_NO_PLATFORM: Final = OciPlatform("unknown", "unknown")

_GO: Final[Mapping[str, tuple[str, str]]] = {
    "aarch64": ("arm64", ""),
    "aarch64_be": ("arm64be", ""),
    "armv6l": ("arm", "v6"),
    "armv7b": ("armbe", "v7"),
    "armv7l": ("arm", "v7"),
    "i386": ("386", ""),
    "x86_64": ("amd64", ""),
}
"""Go's architecture and variant for appc's, where they differ."""

_APPC: Final[Mapping[tuple[str, str], str]] = {
    **{go: appc for appc, go in _GO.items() if appc != "x86_64"},
    ("arm64", "v8"): "aarch64",
    ("arm", ""): "armv6l",
    ("arm", "v8"): "armv7l",
}
"""And back: as in appc/spec v0.8.11 ``schema/types/labels.go``, ``arm`` alone is the older one.
appc has no word for ``arm/v8``; the next lower one it has."""

_ALIASES: Final[Mapping[str, tuple[str, str]]] = {
    "aarch64": ("arm64", ""),
    "armel": ("arm", "v6"),
    "armhf": ("arm", "v7"),
    "i386": ("386", ""),
    "x86-64": ("amd64", ""),
    "x86_64": ("amd64", ""),
}
_COMPATIBLE: Final[Mapping[str, tuple[str, ...]]] = {
    "arm": ("v8", "v7", "v6", "v5"),
    "arm64": ("v8",),
}
"""Variants of an architecture, each of which runs what those after it run."""

_BASELINES: Final = frozenset({("amd64", "v1"), ("arm64", "v8")})
"""Variants that every machine of the architecture has."""


def parse_platform(untrusted_text: str) -> Result[OciPlatform, str]:
    """Read ``os/architecture[/variant]`` as a user writes it.

    Letter case does not count, and of several spellings of an architecture Go's is taken. ``arm``
    alone is ``arm/v7``; a variant that every machine has is left out, as of ``arm64/v8``.

    Errors: a sentence that says what was wanted.

    >>> str(parse_platform("Linux/armhf").unwrap()), str(parse_platform("linux/aarch64").unwrap())
    ('linux/arm/v7', 'linux/arm64')
    >>> parse_platform("amd64").failure()
    'wanted OS/ARCHITECTURE[/VARIANT], as linux/arm64 or linux/arm/v7'
    """
    words = untrusted_text.lower().split("/")
    if len(words) not in {2, 3} or not all(map(PLATFORM_WORD.fullmatch, words)):
        return Failure("wanted OS/ARCHITECTURE[/VARIANT], as linux/arm64 or linux/arm/v7")
    architecture, variant = _ALIASES.get(words[1], (words[1], ""))
    given = "".join(words[2:])
    variant = f"v{given}" if given.isdecimal() else given or variant
    if architecture == "arm" and not variant:
        variant = "v7"
    if (architecture, variant) in _BASELINES:
        variant = ""
    return Success(OciPlatform(words[0], architecture, variant))


def oci_platform(platform: Platform) -> OciPlatform:
    """Return a platform of appc's in Go's words.

    >>> str(oci_platform(Platform("linux", "armv7l")))
    'linux/arm/v7'
    """
    return OciPlatform(platform.os, *_GO.get(platform.arch, (platform.arch, "")))


def this_oci_platform() -> OciPlatform:
    """Return the platform of the running machine."""
    return oci_platform(this_platform())


def appc_labels(platform: OciPlatform) -> tuple[Label, ...]:
    """Return the labels ``os`` and ``arch`` for a platform; none for a word that is empty.

    >>> [label.value for label in appc_labels(OciPlatform("linux", "arm64", "v8"))]
    ['linux', 'aarch64']
    """
    words = platform.architecture, platform.variant
    arch = _APPC.get(words) or _APPC.get((platform.architecture, "")) or platform.architecture
    if (platform.os, arch) == ("darwin", "amd64"):
        arch = "x86_64"
    named = (("os", platform.os), ("arch", arch))
    return tuple(Label(LabelName(name), value) for name, value in named if value)


def candidates(wanted: OciPlatform) -> tuple[OciPlatform, ...]:
    """Return the platforms whose images run on the wanted one, the best first.

    >>> [str(each) for each in candidates(OciPlatform("linux", "arm", "v6"))]
    ['linux/arm/v6', 'linux/arm/v5', 'linux/arm']
    >>> [str(each) for each in candidates(OciPlatform("linux", "arm64"))]
    ['linux/arm64', 'linux/arm64/v8']
    """
    known = _COMPATIBLE.get(wanted.architecture, ())
    if not wanted.variant:
        variants = ("", *known)
    elif wanted.variant in known:
        variants = (*known[known.index(wanted.variant) :], "")
    else:
        variants = (wanted.variant, "")
    return tuple(OciPlatform(wanted.os, wanted.architecture, variant) for variant in variants)


def runs_on(platform: OciPlatform, wanted: OciPlatform) -> bool:
    """Tell whether an image of one platform runs on another; one that names none runs anywhere.

    >>> runs_on(OciPlatform("linux", "arm", "v6"), OciPlatform("linux", "arm", "v7"))
    True
    """
    return not platform.os or platform in candidates(wanted)


def choose(index: OciIndex, wanted: OciPlatform) -> IndexEntry | None:
    """Return the entry whose image is for the wanted platform; None where there is none.

    An entry that names no platform is taken where no other fits, the first of them, as
    containers/image does. What only says something about an image never is.
    """
    entries = [entry for entry in index.entries if not is_attestation(entry)]
    for candidate in candidates(wanted):
        for entry in entries:
            if entry.platform == candidate:
                return entry
    return next((entry for entry in entries if entry.platform is None), None)


def available(index: OciIndex) -> tuple[str, ...]:
    """Return the platforms that an index has images for, each once, in its order."""
    named = (entry.platform for entry in index.entries if not is_attestation(entry))
    return tuple(dict.fromkeys(str(platform) for platform in named if platform is not None))


def is_attestation(entry: IndexEntry) -> bool:
    """Tell whether an entry is no image: for ``unknown/unknown``, or marked by buildkit."""
    return entry.platform == _NO_PLATFORM or ATTESTATION_ANNOTATION in entry.annotations
