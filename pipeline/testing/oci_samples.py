"""OCI images to put into a store, as the stages before it would hand them over.

``OciSample -> Extracted``, as :mod:`.samples` has it for archives. Equal layers of several samples
are equal blobs, which a store keeps once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.digest import Digest, DigestAlgorithm
from pipeline.errors import StoreError
from pipeline.names import ImageName, Label, LabelName, Labels
from pipeline.oci import OciConfig, OciManifest, OciPlatform
from pipeline.oci.documents import parse_document
from pipeline.ports import Quarantine
from pipeline.reference import DockerReference
from pipeline.results import (
    Content,
    Downloaded,
    Expectations,
    Extracted,
    FoundSignature,
    Freshness,
    ManifestEvidence,
    ManifestProof,
    NoProof,
    OciImage,
    Provenance,
    RegistryPlace,
    Unverified,
    Validators,
    Verified,
)
from pipeline.testing.oci import (
    LINUX_AMD64,
    MadeImage,
    MadeLayer,
    make_image,
    make_index,
    make_layer,
)
from pipeline.testing.samples import put_into, sample_signer
from pipeline.trust import Decision, SigstoreSigner

HOST: Final = "registry.example.com"
"""Where samples come from."""

DECISION: Final = Decision("/etc/containers/policy.json", HOST, "signedBy")
"""By which rule signed samples were let in."""


@final
@dataclass(frozen=True, slots=True)
class OciSample:
    """An image to put into a store; equal samples have equal bytes.

    Each of ``layers`` is a layer, or the content of the one file in it. ``signers`` are letters,
    each a key of its own, ``*`` a bare one; none of them makes an unverified image.
    ``asked_digest`` makes it one that was asked for by its digest, too; without a tag by that
    alone.
    """

    host: str = HOST
    repository: str = "app"
    tag: str | None = "1.0"
    layers: tuple[bytes | MadeLayer, ...] = (b"base", b"top")
    platform: OciPlatform = LINUX_AMD64
    algorithm: DigestAlgorithm = "sha256"
    docker: bool = False
    signers: str = ""
    asked_digest: bool = False
    validators: Validators = Validators()
    max_age_seconds: int = 0

    @property
    def made(self) -> MadeImage:
        """The image and all its blobs."""
        layers = [
            each
            if isinstance(each, MadeLayer)
            else make_layer({"file": each}, docker=self.docker, algorithm=self.algorithm)
            for each in self.layers
        ]
        return make_image(
            *layers, platform=self.platform, docker=self.docker, algorithm=self.algorithm
        )

    @property
    def blobs(self) -> Mapping[Digest, bytes]:
        """All that it is made of, by digest."""
        return self.made.blobs

    @property
    def image_id(self) -> Digest:
        """The manifest's digest."""
        return self.made.descriptor.digest

    @property
    def manifest(self) -> bytes:
        """The manifest's bytes."""
        return self.made.raw

    @property
    def size(self) -> int:
        """The bytes of all of it."""
        parsed = self._parsed
        return len(parsed.raw) + sum(blob.size for blob in parsed.blobs)

    @property
    def name(self) -> ImageName:
        """The name that it is kept under."""
        return self.reference.image_name

    @property
    def labels(self) -> Labels:
        """The labels ``os``, and ``version`` where it has a tag."""
        os = Label(LabelName("os"), self.platform.os)
        version = () if self.tag is None else (Label(LabelName("version"), self.tag),)
        return Labels((os, *version))

    @property
    def reference(self) -> DockerReference:
        """What was asked for."""
        by_digest = self.asked_digest or self.tag is None
        name = f"{self.host}/{self.repository}"
        digest = self.image_id if by_digest else None
        return DockerReference(name, self.host, self.repository, self.tag, digest)

    @property
    def url(self) -> str:
        """What it is remembered by."""
        return self._place.image

    @property
    def source(self) -> str:
        """What listings say of where it came from."""
        return f"docker://{self.reference.normal}"

    @property
    def provenance(self) -> Provenance:
        """What the store should remember of how it was proven."""
        if not self.signers:
            return NoProof("a test needs it", self._evidence.reference)
        signers = tuple(
            SigstoreSigner("0" * 64, "ECDSA P-256", "/keys/cosign.pub")
            if letter == "*"
            else sample_signer(letter)
            for letter in self.signers
        )
        return ManifestProof(signers, DECISION, self._evidence)

    def in_quarantine(
        self, quarantine: Quarantine, fetched_at: datetime
    ) -> Result[Extracted, StoreError]:
        """Put what the store has not into quarantine; return it as the stages before would."""
        parsed, blobs = self._parsed, self.blobs
        contents: list[Content] = []
        for descriptor in parsed.blobs:
            adopted = quarantine.adopt(descriptor.digest, descriptor.size)
            if not is_successful(adopted):
                return Failure(adopted.failure())
            blob = adopted.unwrap()
            if blob is None:
                put = put_into(quarantine, "layer", blobs[descriptor.digest])
                if not is_successful(put):
                    return Failure(put.failure())
                blob = put.unwrap()
            contents.append(Content(descriptor, blob))
        manifest = put_into(quarantine, "manifest", parsed.raw)
        if not is_successful(manifest):
            return Failure(manifest.failure())
        downloaded = Downloaded(
            self.reference,
            Expectations(),
            self._place,
            manifest.unwrap(),
            self._evidence,
            self.validators,
            Freshness(fetched_at, self.max_age_seconds),
            parsed.media_type,
            self.image_id,
            tuple(contents),
        )
        proof = self.provenance
        config = OciConfig(self.platform, (), blobs[parsed.config.digest])
        return Success(
            Extracted(
                Verified(downloaded, proof.signers, proof.decision)
                if isinstance(proof, ManifestProof)
                else Unverified(downloaded, "a test needs it"),
                OciImage(self.name, self.labels, parsed, config),
                self.image_id,
                manifest.unwrap(),
                tuple(contents),
            )
        )

    @property
    def _parsed(self) -> OciManifest:
        parsed = parse_document(self.manifest).unwrap()
        if not isinstance(parsed, OciManifest):
            raise TypeError("wanted a manifest")
        return parsed

    @property
    def _place(self) -> RegistryPlace:
        base = f"https://{self.host}/v2/{self.repository}"
        return RegistryPlace(self.reference, base, self.platform)

    @property
    def _evidence(self) -> ManifestEvidence:
        signature = FoundSignature(
            "sigstore" if "*" in self.signers else "simple",
            self.image_id,
            b"content \xff by " + self.signers.encode(),
            b"signature" if "*" in self.signers else b"",
        )
        return ManifestEvidence(
            self.source,
            (make_index(self.made).raw, self.manifest),
            (signature,) if self.signers else (),
        )
