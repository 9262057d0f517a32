"""Stored images and who had signed them."""

from pipeline.digest import Digest
from pipeline.names import Label, LabelName, Labels, parse_image_name
from pipeline.results import ManifestEvidence, ManifestProof, Stored
from pipeline.testing.fakes import EPOCH
from pipeline.trust import (
    BY_KEYSTORE,
    AnySigner,
    Fingerprint,
    KeyEntry,
    Signer,
    SigstoreSigner,
)

IMAGE_ID = Digest("sha256", "1" * 64)
NAME = parse_image_name("example.com/app").unwrap()


def _signer(digit: str) -> Signer:
    key = Fingerprint(digit * 40)
    entry = KeyEntry("local", None, key, "/key", "0" * 64)
    return Signer(key, key, ("somebody",), EPOCH, "sha256", "Ed25519", entry)


ALICE = _signer("a")
BOB = _signer("b")
KEY = SigstoreSigner("9" * 64, "ECDSA P-256", "/key.pub")


def signed_image(*signers: AnySigner, **labels: str) -> Stored:
    """Return an image of a registry with these signers."""
    return Stored(
        image_id=IMAGE_ID,
        name=NAME,
        labels=Labels(tuple(Label(LabelName(name), value) for name, value in labels.items())),
        archive_bytes=1,
        imported_at=EPOCH,
        provenance=ManifestProof(signers, BY_KEYSTORE, ManifestEvidence("docker://a", ())),
        source="https://example.com/v2/app",
    )
