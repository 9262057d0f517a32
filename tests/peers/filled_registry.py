"""A real registry filled with many signed images that share layers, and lists of them.

Blobs and manifests go in by the registry's own API (distribution-spec v1.1.0 "Push"), over one
connection: a tool a push would take a minute for two hundred of them. Signatures lie in a folder,
as a lookaside has them.
"""

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import trustme

from pipeline.digest import Digest
from pipeline.limits import KIB
from pipeline.testing.oci import MadeImage, incompressible, make_image, make_layer
from pipeline.testing.openpgp import OpenPGPKey, make_openpgp_key
from tests.peers.registry import Registry

KEY = make_openpgp_key("Example Images")
REPOSITORY = "ns/app"


def sharing_images(count: int, *, base: int = 64 * KIB, own: int = 4 * KIB) -> list[MadeImage]:
    """Return images of three layers: one that all have, one that ten have, and their own."""
    shared = make_layer({"base": incompressible(base, seed=1)}, compression="none")
    groups = [
        make_layer({"group": incompressible(base // 2, seed=2 + n)}, compression="none")
        for n in range((count + 9) // 10)
    ]
    return [
        make_image(
            shared,
            groups[n // 10],
            make_layer({"own": incompressible(own, seed=1_000 + n)}, compression="none"),
        )
        for n in range(count)
    ]


def unique_bytes(images: list[MadeImage]) -> int:
    """Return the bytes of all distinct configurations and layers."""
    manifests = {image.descriptor.digest for image in images}
    sizes = {digest: len(blob) for image in images for digest, blob in image.blobs.items()}
    return sum(size for digest, size in sizes.items() if digest not in manifests)


@dataclass(slots=True)
class Pusher:
    """A connection to a registry, and what it has by it."""

    connection: http.client.HTTPSConnection
    pushed: set[Digest]

    def push(self, tag: str, image: MadeImage, repository: str = REPOSITORY) -> None:
        """Put an image into a repository under a tag."""
        for digest, content in image.blobs.items():
            if digest not in self.pushed and digest != image.descriptor.digest:
                place = urlsplit(self._ask("POST", f"/v2/{repository}/blobs/uploads/", b""))
                query = f"{place.query}&digest={digest}"
                self._ask("PUT", f"{place.path}?{query}", content)
                self.pushed.add(digest)
        kind = {"Content-Type": image.descriptor.media_type}
        self._ask("PUT", f"/v2/{repository}/manifests/{tag}", image.raw, kind)

    def _ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> str:
        """Ask, and return where the answer leads."""
        self.connection.request(method, path, body, dict(headers or {}))
        answer = self.connection.getresponse()
        said = answer.read()
        assert answer.status in {201, 202}, (method, path, answer.status, said)
        return answer.getheader("Location") or ""


@contextmanager
def pushing(registry: Registry, authority: trustme.CA) -> Iterator[Pusher]:
    """Connect to a registry."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    connection = http.client.HTTPSConnection(registry.address, registry.port, context=context)
    with closing(connection):
        yield Pusher(connection, set())


def sign(lookaside: Path, host: str, tag: str, image: MadeImage, key: OpenPGPKey = KEY) -> None:
    """Lay a signature of an image where a lookaside in that folder has it."""
    digest = image.descriptor.digest
    signed = key.sign_image(digest, f"{host}/{REPOSITORY}:{tag}")
    folder = lookaside / f"{REPOSITORY}@{digest.algorithm}={digest.hex}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "signature-1").write_bytes(signed.content)


def use_lookaside(home: Path, lookaside: Path) -> None:
    """Have the user's files say that all signatures lie in that folder."""
    folder = home / ".config/containers/registries.d"
    folder.mkdir(parents=True)
    (folder / "default.yaml").write_text(
        json.dumps({"default-docker": {"lookaside": lookaside.as_uri()}})
    )


def trust(config: Path, key: OpenPGPKey = KEY) -> None:
    """Trust a key for all names."""
    folder = config / "trustedkeys/root.d"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / key.fingerprint.hex).write_bytes(key.public)
