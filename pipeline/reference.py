"""What a user may name: four kinds of reference, as frozen values. No I/O, no parsing.

Each kind has a canonical string, which :mod:`pipeline.stages.parse` reads back to an equal value,
and, where rkt's distribution points have one, a CIMD form ("container image distribution").
"""

from dataclasses import dataclass
from typing import Final, TypeAlias, final
from urllib.parse import quote, quote_plus, unquote, urlsplit

from pipeline.digest import Digest
from pipeline.names import ImageName, Labels

_GO_PATH_SAFE: Final = "$&+,/:;=@-_.~"


@final
@dataclass(frozen=True, slots=True)
class AppcReference:
    """An image by name and labels, found by discovery: ``example.com/app:1.2.0,os=linux``."""

    name: ImageName
    labels: Labels = Labels()

    type = "appc"

    @property
    def string(self) -> str:
        """The canonical form: name, ``:version`` where not empty, other labels by name."""
        version = self.labels.get("version")
        head = f"{self.name}:{version}" if version else str(self.name)
        rest = [
            f"{label.name}={label.value}"
            for label in self.labels.items
            if label.name != "version" or not version
        ]
        return ",".join((head, *rest))

    @property
    def cimd(self) -> str:
        """The CIMD form: ``cimd:appc:v=0:NAME?label=value&…``, escaped as rkt does."""
        query = "&".join(
            f"{quote_plus(label.name)}={quote_plus(label.value)}" for label in self.labels.items
        )
        name = quote(self.name, safe="-_.~")
        return f"cimd:appc:v=0:{name}{'?' + query if query else ''}"


@final
@dataclass(frozen=True, slots=True)
class ArchiveReference:
    """An image archive by location: an absolute ``file:``, ``http:`` or ``https:`` URL."""

    url: str

    type = "aci-archive"

    @property
    def path(self) -> str | None:
        """The local path, where the URL is a ``file:`` one; otherwise None."""
        parts = urlsplit(self.url)
        return unquote(parts.path) if parts.scheme == "file" else None

    @property
    def string(self) -> str:
        """The canonical form: the URL."""
        return self.url

    @property
    def cimd(self) -> str:
        """The CIMD form: ``cimd:aci-archive:v=0:`` and the escaped URL."""
        return f"cimd:aci-archive:v=0:{quote_plus(self.url)}"


@final
@dataclass(frozen=True, slots=True)
class DockerReference:
    """An image in a registry: ``docker://host/repository:tag@digest``.

    ``given`` is what the user wrote after ``docker:``; the other fields are normalised
    (distribution/reference v0.6.0: ``docker.io`` and ``library/`` filled in).
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
    def full(self) -> str:
        """Host, repository, and the digest where given, else the tag."""
        end = f"@{self.digest}" if self.digest else f":{self.tag}"
        return f"{self.host}/{self.repository}{end}"

    @property
    def cimd(self) -> str:
        """The CIMD form: ``cimd:docker:v=0:`` and what was written."""
        return f"cimd:docker:v=0:{self.given}"


@final
@dataclass(frozen=True, slots=True)
class ImageIDReference:
    """A stored image by a prefix of its ID: ``sha512-`` and 2 to 128 hex digits."""

    hex_prefix: str

    type = "image-id"

    @property
    def string(self) -> str:
        """The canonical form: ``sha512-`` and the digits."""
        return f"sha512-{self.hex_prefix}"


Reference: TypeAlias = AppcReference | ArchiveReference | DockerReference | ImageIDReference
"""Whatever a user may name."""
