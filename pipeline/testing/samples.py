"""Archives to put into a store, as the stages before it would hand them over.

``Sample -> Extracted``: a few fields say what matters to a store, the rest is made up, and the
same sample always makes the same bytes. Nothing here is signed or verified. OCI images are in
:mod:`.oci_samples`.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import final

from returns.result import Result

from pipeline.digest import Digest
from pipeline.errors import StoreError
from pipeline.manifest import ImageManifest
from pipeline.names import ImageName, Label, LabelName, Labels
from pipeline.ports import Quarantine
from pipeline.reference import AppcReference, ArchiveReference, Reference
from pipeline.results import (
    Candidate,
    Downloaded,
    Expectations,
    Extracted,
    Freshness,
    NoProof,
    QuarantinedBlob,
    SignatureProof,
    Signed,
    Unsigned,
    Unverified,
    Validators,
    Verified,
)
from pipeline.testing.fakes import EPOCH
from pipeline.testing.makers import make_archive, make_manifest
from pipeline.trust import DigestRequest, Fingerprint, KeyEntry, SignedDigest, Signer

NAME = ImageName("example.com/app")
"""The name of samples unless told otherwise."""

URL = "https://example.com/app.aci"
"""Where samples come from unless told otherwise."""


@final
@dataclass(frozen=True, slots=True)
class Sample:
    """An image to put into a store; equal samples have equal bytes.

    ``signers`` are letters, each a key of its own; none of them makes an unverified image.
    ``asked_version`` None makes it one that was fetched by name without a version; with
    ``by_name`` False it was fetched by its URL.
    """

    name: ImageName = NAME
    version: str = "1.0.0"
    content: bytes = b""
    url: str = URL
    signers: str = ""
    leniency: tuple[str, ...] = ()
    asked_version: str | None = "1.0.0"
    by_name: bool = True
    validators: Validators = Validators()
    max_age_seconds: int = 0

    @property
    def labels(self) -> Labels:
        """The labels ``os`` and ``version``."""
        version = Label(LabelName("version"), self.version)
        return Labels((Label(LabelName("os"), "linux"), version))

    @property
    def manifest(self) -> bytes:
        """The manifest's bytes."""
        return make_manifest(self.name, {label.name: label.value for label in self.labels.items})

    @property
    def archive(self) -> bytes:
        """The archive's bytes."""
        return make_archive(self.manifest, {"content": self.content})

    @property
    def image_id(self) -> Digest:
        """The image's ID."""
        return Digest("sha512", hashlib.sha512(self.archive).hexdigest())

    @property
    def provenance(self) -> SignatureProof | NoProof:
        """What the store should remember of how it was proven."""
        if not self.signers:
            return NoProof("a test needs it")
        return SignatureProof(
            tuple(sample_signer(letter, self.leniency) for letter in self.signers),
            b"signature by " + self.signers.encode(),
            (SignedDigest(DigestRequest("sha256", False, b"\x00\xff"), bytes(32)),),
        )

    def in_quarantine(
        self, quarantine: Quarantine, fetched_at: datetime
    ) -> Result[Extracted, StoreError]:
        """Put the archive into quarantine; return it as the stages before the store would."""
        return put_into(quarantine, "archive", self.archive).map(
            lambda blob: self.extracted(blob, fetched_at)
        )

    def extracted(self, blob: QuarantinedBlob, fetched_at: datetime) -> Extracted:
        """Return the sample as the stages before the store would; its archive is ``blob``."""
        proof = self.provenance
        downloaded = Downloaded(
            self._reference,
            Expectations(),
            Candidate(self.url, f"{self.url}.asc"),
            blob,
            Unsigned()
            if isinstance(proof, NoProof)
            else Signed(proof.unverified_signature, proof.digests),
            self.validators,
            Freshness(fetched_at, self.max_age_seconds),
        )
        return Extracted(
            Unverified(downloaded, proof.reason)
            if isinstance(proof, NoProof)
            else Verified(downloaded, proof.signers),
            ImageManifest(self.name, "0.8.11", self.labels, (), (), (), self.manifest),
            self.image_id,
            blob,
        )

    @property
    def _reference(self) -> Reference:
        if not self.by_name:
            return ArchiveReference(self.url)
        if self.asked_version is None:
            return AppcReference(self.name)
        asked = Label(LabelName("version"), self.asked_version)
        return AppcReference(self.name, Labels((asked,)))


def put_into(
    quarantine: Quarantine, label: str, content: bytes
) -> Result[QuarantinedBlob, StoreError]:
    """Make a finished file in quarantine."""
    return quarantine.create(label).bind(
        lambda writer: writer.write(content).bind(lambda _: writer.finish())
    )


def sample_signer(letter: str, leniency: tuple[str, ...] = ()) -> Signer:
    """Return a signer, the same for the same letter."""
    primary = Fingerprint(hashlib.sha1(letter.encode()).hexdigest())  # noqa: S324 - any 40 digits
    return Signer(
        primary,
        Fingerprint("f" * 40),
        (f"Signer {letter} <{letter}@example.com>",),
        EPOCH - timedelta(days=1),
        "sha256",
        "RSA 2048",
        KeyEntry("local", NAME, primary, f"trustedkeys/{letter}", "0" * 64),
        EPOCH + timedelta(days=365),
        leniency,
    )
