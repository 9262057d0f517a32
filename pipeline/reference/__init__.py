"""What a user may name: five kinds of reference, as frozen values. No I/O, no parsing.

Each kind has a canonical ``string``, which :mod:`pipeline.stages.parse` reads back to an equal
value (as long as no file of that very name lies in the current folder), and, where rkt's
distribution points have one, a CIMD form ("container image distribution"). Beside them are the
rules of thumb by which a text is told to be a path, and where an image's signature lies.

Sources: appc/spec v0.8.11 ``spec/discovery.md`` and ``spec/aci.md`` "Image Archives"; rkt 1.30.0
``Documentation/distribution-point.md`` (CIMD).
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final
from urllib.parse import quote, quote_plus, unquote, urlsplit

from pipeline.digest import Digest, DigestAlgorithm
from pipeline.names import ImageName, Labels

SCHEMES: Final = frozenset(
    {"file", "http", "https", "docker", "cimd", "oci", "oci-archive", "docker-archive"}
)
"""Words that, before a colon, are a scheme and never an image's name."""

IMAGE_SUFFIX: Final = ".aci"
SIGNATURE_SUFFIX: Final = ".aci.asc"
IMAGE_ID_PREFIXES: Final = ("sha256-", "sha512-")

CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Unicode's category Cc: what moves cursors, ends lines and cuts C strings."""

SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""What no UTF-8 text holds; in paths, \\udc80 to \\udcff stand for other bytes (PEP 383)."""

BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})", re.ASCII)
"""A percent sign that begins no escape (RFC 3986 section 2.1)."""

_PATH_SAFE: Final = "$&+,/:;=@-_.~"  # What Go's net/url leaves as it is in a path.
_NO_IDENTIFIER: Final = re.compile(r"[^a-z0-9._~/-]")
_URI: Final = re.compile(r"((?:[^:/?#]+:)?(?://[^/?#]*)?)([^?#]*)(.*)", re.DOTALL)
"""Fits every text."""

_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})", re.ASCII)
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]", re.ASCII)


@final
@dataclass(frozen=True, slots=True)
class AppcReference:
    """An image by name and labels, found by discovery: ``example.com/app:1.2.0,os=linux``."""

    name: ImageName
    labels: Labels = Labels()

    type = "appc"

    @property
    def string(self) -> str:
        """The canonical form: name, ``:version`` where not empty, other labels by name.

        Where that would read as something else (a path, a URL, two labels for one), the CIMD
        form, which says everything.
        """
        version = self.labels.get("version")
        head = f"{self.name}:{version}" if version else str(self.name)
        others = [label for label in self.labels.items if label.name != "version" or not version]
        text = ",".join((head, *(f"{label.name}={label.value}" for label in others)))
        values = "".join(label.value for label in self.labels.items)
        scheme, colon, rest = text.partition(":")
        if (
            "," in values
            or ":" in values
            or (colon and (scheme in SCHEMES or rest.startswith("//")))
            or text.startswith(IMAGE_ID_PREFIXES)
            or looks_like_path(text)
        ):
            return self.cimd
        return text

    @property
    def cimd(self) -> str:
        """The CIMD form: ``cimd:appc:v=0:NAME?label=value&…``, escaped as rkt does."""
        query = "&".join(
            f"{label.name}={quote_plus(label.value, safe='/?')}" for label in self.labels.items
        )
        return f"cimd:appc:v=0:{quote(self.name, safe='')}{'?' + query if query else ''}"


@final
@dataclass(frozen=True, slots=True)
class ArchiveReference:
    """An image archive by location: an absolute ``file:``, ``http:`` or ``https:`` URL."""

    url: str

    type = "aci-archive"

    @property
    def path(self) -> str | None:
        """The local path, where the URL is a ``file:`` one; otherwise None.

        Bytes that are no text come back as Python passes them to ``open`` (PEP 383).
        """
        parts = urlsplit(self.url)
        if parts.scheme != "file":
            return None
        return unquote(parts.path, errors="surrogateescape")

    @property
    def string(self) -> str:
        """The canonical form: the URL where it plainly ends in ``.aci``, otherwise the CIMD."""
        plain = self.url.endswith(IMAGE_SUFFIX) and "?" not in self.url and "#" not in self.url
        return self.url if plain else self.cimd

    @property
    def cimd(self) -> str:
        """The CIMD form: ``cimd:aci-archive:v=0:`` and the escaped URL."""
        return f"cimd:aci-archive:v=0:{quote_plus(self.url)}"


@final
@dataclass(frozen=True, slots=True)
class DockerReference:
    """An image in a registry: ``docker://host/repository:tag@digest``.

    ``given`` is what the user wrote after ``docker:``; the other fields are normalised
    (distribution/reference v0.6.0: ``docker.io``, ``library/`` and ``latest`` filled in). The
    tag is None where only a digest was given; with both, the digest counts.
    """

    given: str
    host: str
    repository: str
    tag: str | None
    digest: Digest | None

    type = "docker"

    @property
    def string(self) -> str:
        """The canonical form: what was written, with the scheme in front."""
        return f"docker://{self.given}"

    @property
    def name(self) -> str:
        """Host and repository, as ``docker.io/library/busybox``."""
        return f"{self.host}/{self.repository}"

    @property
    def normal(self) -> str:
        """The name with its tag and digest: one text for all ways of writing the same."""
        tag = f":{self.tag}" if self.tag is not None else ""
        digest = f"@{self.digest}" if self.digest is not None else ""
        return f"{self.name}{tag}{digest}"

    @property
    def subject(self) -> str:
        """What policies are asked about: the normal form, with the scheme in front."""
        return f"docker://{self.normal}"

    @property
    def image_name(self) -> ImageName:
        """The name as appc can say it: what keystore prefixes cover, and listings show."""
        return identifier_of(self.name)

    @property
    def registry(self) -> str:
        """The host, with its port, that answers for ``host``: docker.io's API has its own."""
        return "registry-1.docker.io" if self.host == "docker.io" else self.host

    @property
    def full(self) -> str:
        """Registry, repository, and the digest where given, else the tag."""
        end = f"@{self.digest}" if self.digest else f":{self.tag}"
        return f"{self.registry}/{self.repository}{end}"

    @property
    def cimd(self) -> str:
        """The CIMD form: ``cimd:docker:v=0:`` and what was written."""
        return f"cimd:docker:v=0:{self.given}"


ImagePathKind: TypeAlias = Literal["oci", "oci-archive", "docker-archive"]
"""A folder that is an OCI image layout; a tar of one; a tar as ``docker save`` writes it."""


@final
@dataclass(frozen=True, slots=True)
class ImagePathReference:
    """An OCI or docker image in files: ``oci:DIR[:NAME]``, ``oci-archive:FILE[:NAME]``, ….

    ``path`` is absolute. ``name`` says which image of several is meant, as the file's index names
    it; it is empty where nobody said.
    """

    kind: ImagePathKind
    path: str
    name: str = ""

    type = "image-path"

    @property
    def string(self) -> str:
        """The canonical form."""
        return f"{self.kind}:{self.path}{':' if self.name else ''}{self.name}"

    @property
    def subject(self) -> str:
        """What policies are asked about: the canonical form."""
        return self.string

    @property
    def cimd(self) -> str:
        """The canonical form: rkt knew nothing of these."""
        return self.string


OciReference: TypeAlias = DockerReference | ImagePathReference
"""What names an OCI image; its ``subject`` is what policies are asked about."""


@final
@dataclass(frozen=True, slots=True)
class ImageIDReference:
    """A stored image by a prefix of its ID: ``sha512-`` or ``sha256-``, and 2 or more hex digits.

    An archive has a sha512 ID, a registry image the digest of its manifest, mostly a sha256 one.
    """

    hex_prefix: str
    algorithm: DigestAlgorithm = "sha512"

    type = "image-id"

    @property
    def string(self) -> str:
        """The canonical form: the algorithm, ``-`` and the digits."""
        return f"{self.algorithm}-{self.hex_prefix}"


Reference: TypeAlias = (
    AppcReference | ArchiveReference | DockerReference | ImagePathReference | ImageIDReference
)
"""Whatever a user may name."""


@final
@dataclass(frozen=True, slots=True)
class ReferenceProblem:
    """Why a text is not a reference: what was wanted, what to do, and where it goes wrong.

    ``position`` is the offset of the first offending character, where there is one.
    """

    wanted: str
    advice: str
    position: int | None = None

    def shifted(self, offset: int) -> "ReferenceProblem":
        """Return the problem as seen in a text that has ``offset`` more characters in front."""
        moved = None if self.position is None else self.position + offset
        return ReferenceProblem(self.wanted, self.advice, moved)


def looks_like_path(text: str) -> bool:
    """Tell whether a text without a scheme is written as a path, by rkt's rule of thumb.

    It starts with a slash; or it has no colon, and has a ``./`` in it or ends in ``.aci``.

    >>> looks_like_path("images/app.aci"), looks_like_path("app.aci:1.0")
    (True, False)
    """
    return text.startswith("/") or (
        ":" not in text and ("./" in text or text.endswith(IMAGE_SUFFIX))
    )


def identifier_of(untrusted_name: str) -> ImageName:
    """Return a registry's name as an ACIdentifier, as docker2aci does.

    Letters become lower case, and whatever an ACIdentifier has not (a port's colon) a ``-``.

    >>> identifier_of("localhost:5000/some_app")
    'localhost-5000/some_app'
    """
    return ImageName(_NO_IDENTIFIER.sub("-", untrusted_name.lower()).strip("-._~/"))


def file_url(path: str) -> str:
    """Return the ``file:`` URL of an absolute path, whatever its characters (RFC 8089).

    >>> file_url("/images/50% off.aci")
    'file:///images/50%25%20off.aci'
    """
    return f"file:///{quote(path.lstrip('/'), safe=_PATH_SAFE, errors='surrogateescape')}"


def signature_location(url: str) -> str:
    """Return where the detached signature of the image at ``url`` lies unless told otherwise.

    The path, less ``.aci``, plus ``.aci.asc``; a query and a fragment are kept.
    Source: appc/spec v0.8.11 ``spec/aci.md`` "Image Archives".

    >>> signature_location("https://example.com/app.aci?token=x")
    'https://example.com/app.aci.asc?token=x'
    """
    prefix, path, tail = next(_URI.finditer(url)).groups()
    # An escaped letter, digit or dot means the same unescaped (RFC 3986 section 6.2.2.2), and
    # the suffix may be written that way; an escaped slash means something else and stays.
    path = _ESCAPE.sub(_unescape_unreserved, path)
    path = quote(path, safe=f"{_PATH_SAFE}%!'()*[]", errors="replace")
    if not path and "//" in prefix:
        # Nothing may ever be appended to the host's name: that would be another host.
        path = "/"
    return f"{prefix}{path.removesuffix(IMAGE_SUFFIX)}{SIGNATURE_SUFFIX}{tail}"


def _unescape_unreserved(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if _UNRESERVED.fullmatch(character) else escape[0]
