"""What every judge asks first: are the documents those of the digest that was asked for?"""

import pytest
from returns.result import Success

from pipeline.admission.cases import check_documents, read_subject
from pipeline.admission.chain import digest_of
from pipeline.digest import DigestAlgorithm
from pipeline.errors import IdentityMismatch, Unproven, UnsupportedSignature
from pipeline.testing.oci import make_image, make_index

IMAGE, OTHER, STRANGER = (make_image({"a": content}) for content in (b"1", b"2", b"3"))
INDEX = make_index(IMAGE)
NAME = "docker://example.com/app"


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_documents_of_a_digest(algorithm: DigestAlgorithm) -> None:
    """The first has it, and each names the next: errors say of which image they are instead."""
    digest = digest_of(INDEX.raw, algorithm)
    subject = read_subject(f"{NAME}@{digest}").unwrap()
    assert check_documents(subject, (INDEX.raw, IMAGE.raw)) == Success(None)
    other = check_documents(subject, (OTHER.raw, INDEX.raw, IMAGE.raw)).failure()
    assert other == IdentityMismatch(str(digest_of(OTHER.raw, algorithm)), str(digest))
    astray = check_documents(subject, (INDEX.raw, STRANGER.raw, OTHER.raw)).failure()
    assert astray == IdentityMismatch(str(OTHER.descriptor.digest), str(digest))
    assert check_documents(subject, ()).failure() == Unproven(subject.reference)


@pytest.mark.parametrize("reference", [f"{NAME}:1", "oci:/images"])
def test_documents_of_a_name(reference: str) -> None:
    """Whatever it leads to; nothing at all is nothing."""
    subject = read_subject(reference).unwrap()
    assert check_documents(subject, (OTHER.raw,)) == Success(None)
    assert check_documents(subject, ()).failure() == Unproven(reference)


def test_what_nobody_can_read() -> None:
    wanted = 'got "app\\x0a", wanted the reference of an image in a registry or in files'
    assert read_subject("app\n").failure() == UnsupportedSignature(wanted)
