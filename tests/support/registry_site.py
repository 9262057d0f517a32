"""A registry of the tests' own, for what a real one does not do, on the world's site.

    registry = RegistrySite(world.site)
    registry.push("app", "1.0", make_image({"bin/app": b"…"}))
    registry.sign(world.key, image, f"{HOST}/app:1.0")

What it answers is pages of the site like any other, so a test takes one away, or puts another in
its place.
"""

import json
import warnings
import zlib
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline.digest import Digest
from pipeline.hashing import digest_of as hash_content
from pipeline.testing.oci import MadeImage
from tests.support.world import HOST, Answer, Site


def payload(digest: Digest, reference: str, **optional: object) -> bytes:
    """Return what a simple signature signs (containers-signature.5)."""
    return json.dumps(
        {
            "critical": {
                "type": "atomic container signature",
                "image": {"docker-manifest-digest": str(digest)},
                "identity": {"docker-reference": reference},
            },
            "optional": optional,
        }
    ).encode()


def sign_message(key: Any, content: bytes, created: datetime | None = None) -> bytes:
    """Return an OpenPGP message that holds ``content``, signed, as ``skopeo`` has gpg make it.

    It says that it was ``created`` at some time, where that is not now.

    pgpy signs; its messages announce a signature more than they have, so they are put together
    here (RFC 9580 sections 5.4, 5.6 and 5.9).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        constants = import_module("pgpy.constants")
        signature = key.sign(content, hash=constants.HashAlgorithm.SHA256, created=created)
    algorithms = bytes((0x00, int(signature.hash_algorithm), int(signature.key_algorithm)))
    announced = b"\x03" + algorithms + bytes.fromhex(str(key.fingerprint.keyid)) + b"\x01"
    literal = b"b\x00" + bytes(4) + content
    message = _packet(4, announced) + _packet(11, literal) + bytes(signature)
    deflate = zlib.compressobj(wbits=-15)
    return _packet(8, b"\x01" + deflate.compress(message) + deflate.flush())


def _packet(tag: int, body: bytes) -> bytes:
    return bytes((0xC0 | tag, 0xFF)) + len(body).to_bytes(4, "big") + body


@dataclass(slots=True)
class RegistrySite:
    """The registry's side of a site."""

    site: Site

    def push(self, repository: str, tag: str, image: MadeImage) -> None:
        """Put an image, or an index with its images, into a repository, under a tag."""
        base = f"/v2/{repository}"
        for digest, content in image.blobs.items():
            self.site.pages[f"{base}/blobs/{digest}"] = content
            self.put_manifest(repository, str(digest), content, _media_type(content))
        self.put_manifest(repository, tag, image.raw, image.descriptor.media_type)

    def put_manifest(
        self, repository: str, which: str, content: bytes, media_type: str, **headers: str
    ) -> None:
        """Put a document where a tag or a digest leads to."""
        said = {"Content-Type": media_type, "Docker-Content-Digest": str(digest_of(content))}
        page = Answer(content, headers=said | headers)
        self.site.pages[f"/v2/{repository}/manifests/{which}"] = page

    def sign(
        self,
        key: Any,
        digest: Digest,
        reference: str,
        *,
        repository: str = "app",
        number: int = 1,
        created: datetime | None = None,
    ) -> None:
        """Put a simple signature beside the images."""
        message = sign_message(key, payload(digest, reference), created)
        self.put_signature(message, digest, repository=repository, number=number)

    def put_signature(
        self, message: bytes, digest: Digest, *, repository: str = "app", number: int = 1
    ) -> None:
        """Put what stands for a simple signature there."""
        place = f"/sigs/{repository}@{digest.algorithm}={digest.hex}/signature-{number}"
        self.site.pages[place] = message

    def asked_for(self, kind: str) -> list[str]:
        """Return what was asked for of ``manifests``, ``blobs`` or ``tags``, in order."""
        middle = f"/{kind}/"
        paths = (path for path in self.site.asked_for() if path.startswith("/v2/"))
        return [path.partition(middle)[2] for path in paths if middle in path]


def use_lookaside(home: Path, base: str = f"https://{HOST}/sigs") -> None:
    """Have the user's registries.d say where simple signatures lie."""
    folder = home / ".config/containers/registries.d"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tests.yaml").write_text(f"docker:\n  {HOST}:\n    lookaside: {base}\n")


def digest_of(content: bytes) -> Digest:
    """Return the sha256 digest of a document."""
    return hash_content("sha256", content)


def _media_type(content: bytes) -> str:
    try:
        document = json.loads(content)
    except ValueError:
        return "application/octet-stream"
    return str(document.get("mediaType", "")) if isinstance(document, dict) else ""
