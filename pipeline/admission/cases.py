"""What every judge does first with what it is asked about. Pure.

reference          -> Result[Subject, UnsupportedSignature]
Subject, documents -> Result[None, IdentityMismatch | Unproven]
"""

from returns.result import Failure, Result, Success

from pipeline.admission.chain import digest_of, leads_to_image
from pipeline.admission.scopes import Subject, parse_subject
from pipeline.errors import IdentityMismatch, Unproven, UnsupportedSignature
from pipeline.text import quoted


def read_subject(reference: str) -> Result[Subject, UnsupportedSignature]:
    """Read what is judged; what nobody can read, nothing can prove."""
    return parse_subject(reference).alt(
        lambda wanted: UnsupportedSignature(f"got {quoted(reference)}, {wanted}")
    )


def check_documents(
    subject: Subject, documents: tuple[bytes, ...]
) -> Result[None, IdentityMismatch | Unproven]:
    """Compare the documents with the digest that was asked for, where one was.

    Errors: IdentityMismatch where the first has another digest, or does not lead to the last;
    Unproven where there is none.
    """
    if not documents:
        return Failure(Unproven(subject.reference))
    digest = None if subject.docker is None else subject.docker.digest
    if digest is None:
        return Success(None)
    got = digest_of(documents[0], digest.algorithm)
    if got != digest:
        return Failure(IdentityMismatch(str(got), str(digest)))
    if not leads_to_image(documents):
        return Failure(IdentityMismatch(str(digest_of(documents[-1])), str(digest)))
    return Success(None)
