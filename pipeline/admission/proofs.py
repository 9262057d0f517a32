"""Whether one signature proves an image: the steps that every judge goes through. Pure.

    FoundSignature, Statement, keys -> Result[signers, VerificationError]

For each signature, in this order; the first step that fails is the cause that is told:

1. It was found under the digest of one of the documents, computed here.
2. It is by a trusted key, over exactly the payload, of which nothing was looked at before.
3. The payload is a statement about an image, read strictly.
4. It names the digest of that very document.
5. It names the reference that is expected.
6. The document is the image's manifest, or an index that leads to it, digest by digest.

containers/image v5.23.1 (``signature/policy_eval_signedby.go``) does the same for the manifest
alone; that an index which somebody signed vouches for what it names is ours.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.admission.chain import digest_of, find_document, leads_to_image
from pipeline.admission.identities import Expected, is_expected
from pipeline.admission.loaded import PublicKey
from pipeline.admission.payloads import parse_payload
from pipeline.errors import (
    IdentityMismatch,
    Unproven,
    UnsupportedSignature,
    VerificationError,
)
from pipeline.hashing import start_hashing
from pipeline.limits import SIGNATURE_COUNT
from pipeline.ports import MessageVerifier, SigstoreVerifier
from pipeline.results import FoundSignature
from pipeline.trust import AnySigner, KeySet, Signer, SigstoreSigner, TrustScope


@final
@dataclass(frozen=True, slots=True)
class Statement:
    """What a signature must say: of which documents (the image's manifest last), by which name.

    ``expected`` is None where no name would do; ``asked`` is then what is told.
    """

    documents: tuple[bytes, ...] = field(repr=False)
    expected: Expected | None
    asked: str


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """Who is proven, each key once, and why the other signatures prove nothing."""

    signers: tuple[AnySigner, ...]
    causes: tuple[VerificationError, ...]


def key_of(signer: AnySigner) -> str:
    """Return what tells signers apart: the primary key, however many subkeys of it signed."""
    return signer.key_sha256 if isinstance(signer, SigstoreSigner) else signer.primary.hex


def prove_all(
    signatures: Iterable[FoundSignature],
    kind: Literal["simple", "sigstore"],
    prove: Callable[[FoundSignature], Result[tuple[AnySigner, ...], VerificationError]],
) -> Outcome:
    """Judge the signatures of one kind, at most SIGNATURE_COUNT; a bad one spoils no other."""
    of_kind = [each for each in signatures if each.format == kind]
    signers: dict[str, AnySigner] = {}
    causes: list[VerificationError] = []
    for signature in of_kind[:SIGNATURE_COUNT]:
        outcome = prove(signature)
        if not is_successful(outcome):
            causes.append(outcome.failure())
            continue
        for signer in outcome.unwrap():
            # Nobody counts twice (CVE-2020-6174), by however many signatures.
            signers.setdefault(key_of(signer), signer)
    if len(of_kind) > SIGNATURE_COUNT:
        reason = f"there are {len(of_kind)}, of which {SIGNATURE_COUNT} are looked at"
        causes.append(UnsupportedSignature(reason))
    return Outcome(tuple(signers.values()), tuple(causes))


def prove_simple(
    signature: FoundSignature,
    statement: Statement,
    verifier: MessageVerifier,
    keys: KeySet,
    scope: TrustScope,
    now: datetime,
) -> Result[tuple[AnySigner, ...], VerificationError]:
    """Judge an OpenPGP simple signature (containers-signature.5)."""
    # 1. What is not about this image needs no mathematics.
    position = _find(signature, statement)
    if not is_successful(position):
        return Failure(position.failure())
    # 2. Verified before parsed.
    message = verifier.read_message(signature.content)
    if not is_successful(message):
        return Failure(message.failure())
    payload = message.unwrap().unverified_payload
    proven = _verify(verifier, message.unwrap().unverified_signature, payload, keys, scope, now)
    if not is_successful(proven):
        return Failure(proven.failure())
    stated = _check_payload(payload, signature, statement, position.unwrap())
    return Failure(stated.failure()) if not is_successful(stated) else Success(proven.unwrap())


def prove_sigstore(
    signature: FoundSignature,
    statement: Statement,
    verifier: SigstoreVerifier,
    keys: tuple[PublicKey, ...],
) -> Result[tuple[AnySigner, ...], VerificationError]:
    """Judge a signature of cosign's kind; the error is the last key's, where there are several."""
    # 1. What is not about this image needs no mathematics.
    position = _find(signature, statement)
    if not is_successful(position):
        return Failure(position.failure())
    # 2. Verified before parsed.
    refused: VerificationError = Unproven(statement.asked)
    for key in keys:
        verified = verifier.verify(signature.content, signature.signature, key.pem, key.path)
        if is_successful(verified):
            stated = _check_payload(signature.content, signature, statement, position.unwrap())
            signer = verified.unwrap()
            return Failure(stated.failure()) if not is_successful(stated) else Success((signer,))
        refused = verified.failure()
    return Failure(refused)


def _find(signature: FoundSignature, statement: Statement) -> Result[int, VerificationError]:
    position = find_document(statement.documents, signature.signed)
    if position is None:
        return Failure(_of_another(str(signature.signed), statement))
    return Success(position)


def _verify(
    verifier: MessageVerifier,
    untrusted_signature: bytes,
    untrusted_payload: bytes,
    keys: KeySet,
    scope: TrustScope,
    now: datetime,
) -> Result[tuple[Signer, ...], VerificationError]:
    plan = verifier.plan(untrusted_signature, keys, scope, now)
    if not is_successful(plan):
        return Failure(plan.failure())
    hasher = start_hashing(plan.unwrap().requests)
    if not is_successful(hasher):
        return Failure(hasher.failure())
    hasher.unwrap().update(untrusted_payload)
    digests = hasher.unwrap().digests()
    outcome = verifier.verify(untrusted_signature, digests, keys, scope, now)
    if is_successful(outcome) and not outcome.unwrap():
        # A verifier that proves nobody has proven nothing, whatever it says.
        return Failure(Unproven("the image"))
    return outcome


def _check_payload(
    proven_payload: bytes, signature: FoundSignature, statement: Statement, position: int
) -> Result[None, VerificationError]:
    # 3. What is proven to be somebody's word may still be no statement about an image.
    parsed = parse_payload(proven_payload, signature.format)
    if not is_successful(parsed):
        return Failure(parsed.failure())
    signed = parsed.unwrap()
    # 4. A registry may hand out any signature under any digest.
    named = signed.manifest_digest
    found = digest_of(statement.documents[position], named.algorithm)
    if named != found:
        return Failure(IdentityMismatch(str(named), str(found)))
    # 5. The right image under another name is another image: an old one, or somebody else's.
    expected = statement.expected
    if expected is None or not is_expected(expected, signed.reference):
        wanted = statement.asked if expected is None else expected.text
        return Failure(IdentityMismatch(signed.reference, wanted))
    # 6. An index vouches for what it names, and only for that.
    if not leads_to_image(statement.documents[position:]):
        return Failure(_of_another(str(named), statement))
    return Success(None)


def _of_another(digest: str, statement: Statement) -> IdentityMismatch:
    return IdentityMismatch(digest, str(digest_of(statement.documents[-1])))
