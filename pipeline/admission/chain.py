"""Documents that lead to an image: an index names the next by its digest. Pure.

    documents as in ManifestEvidence, Digest -> which of them has it
    documents                                -> whether each names the next

Every digest is computed here, over the bytes; what a header or a file's name says counts nowhere.
"""

import hashlib
from itertools import pairwise

from returns.pipeline import is_successful

from pipeline.digest import Digest, DigestAlgorithm
from pipeline.oci import OciIndex
from pipeline.oci.documents import parse_document


def digest_of(document: bytes, algorithm: DigestAlgorithm = "sha256") -> Digest:
    """Return the digest of a document."""
    return Digest(algorithm, hashlib.new(algorithm, document).hexdigest())


def find_document(documents: tuple[bytes, ...], digest: Digest) -> int | None:
    """Return where the document with that digest is, the last first; None where none has it."""
    for position in reversed(range(len(documents))):
        if digest_of(documents[position], digest.algorithm) == digest:
            return position
    return None


def leads_to_image(documents: tuple[bytes, ...]) -> bool:
    """Tell whether each document but the last is an index that names the next one's digest.

    The first is known to be good, by a signature or by the digest that was asked for: each is
    parsed when, and only when, what was known before vouches for it.
    """
    for index, following in pairwise(documents):
        parsed = parse_document(index)
        if not is_successful(parsed):
            return False
        document = parsed.unwrap()
        if not isinstance(document, OciIndex):
            return False
        named = (entry.descriptor.digest for entry in document.entries)
        if not any(digest == digest_of(following, digest.algorithm) for digest in named):
            return False
    return True
