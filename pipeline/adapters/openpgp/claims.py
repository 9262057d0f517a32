"""Who is said to have signed: ``SignatureFile, KeySet -> tuple[Claims, ...]``.

A signature names its key, unproven. Here the name is looked up among the trusted keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, final

from returns.result import Failure, Result, Success

from pipeline.adapters.openpgp.keyring import RawCertificate, read_keyring
from pipeline.adapters.openpgp.mathematics import PublicKey
from pipeline.adapters.openpgp.signature_file import SignatureFile
from pipeline.adapters.openpgp.signatures import SignaturePacket
from pipeline.errors import UnknownSigner, VerificationError
from pipeline.trust import KeyEntry, KeySet, NamedScope, TrustScope


@final
@dataclass(frozen=True, slots=True)
class Trusted:
    """A certificate, merged from all its copies, and the entry that granted it trust first."""

    certificate: RawCertificate
    entry: KeyEntry


@final
@dataclass(frozen=True, slots=True)
class Claim:
    """A signature, and the key that it claims to be by."""

    signature: SignaturePacket
    key: PublicKey
    trusted: Trusted


Claims: TypeAlias = tuple[Claim, ...]
"""The keys that one signature may be by, at least one: key IDs may collide."""


def merge_keys(keys: KeySet) -> tuple[Trusted, ...]:
    """Read all key files; copies of a key are one, so that none hides another's revocation.

    A file counts whole, with every key in it, if one of them is the key that it is named by; no
    other file grants anything, or takes anything from the others. A masked key never counts.
    """
    masked = {fingerprint.hex for fingerprint in keys.masked}
    merged: dict[str, Trusted] = {}
    for key in keys.keys:
        keyring = read_keyring(key.keyring).value_or(())
        # 1. What a file is named by is what people see and remove: it must be in there.
        if key.entry.fingerprint.hex not in {raw.primary.fingerprint for raw in keyring}:
            continue
        for raw in keyring:
            # 2. A mask is about a key, wherever it lies.
            if raw.primary.fingerprint in masked:
                continue
            known = merged.setdefault(raw.primary.fingerprint, Trusted(raw, key.entry))
            if known.certificate is not raw:
                known.certificate.merge(raw)
    return tuple(merged.values())


def find_claims(
    file: SignatureFile, trusted: tuple[Trusted, ...], scope: TrustScope
) -> Result[tuple[Claims, ...], VerificationError]:
    """Look up each signature's key; signatures by unknown keys are passed over.

    Errors: ``UnknownSigner`` where no key is known, where a signature names none at all, and
    where one of several armor blocks has an unknown one: gpg and sqv read such files each in
    its own way, and agree only on files that are known throughout.
    """
    known: dict[str, list[tuple[Trusted, PublicKey]]] = {}
    for one in trusted:
        for key in one.certificate.keys:
            # A signature names a key by all 40 digits, or by the last 16.
            known.setdefault(key.fingerprint, []).append((one, key))
            known.setdefault(key.fingerprint[-16:], []).append((one, key))
    claims = [_claims_of(signature, known) for signature in file.signatures]
    found = tuple(one for one in claims if one)
    is_anonymous = any(not signature.issuers for signature in file.signatures)
    if not found or is_anonymous or (file.blocks > 1 and len(found) < len(claims)):
        issuers = (
            signature.issuers[0]
            for signature, one in zip(file.signatures, claims, strict=True)
            if signature.issuers and not one
        )
        name = scope.name if isinstance(scope, NamedScope) else "any name"
        return Failure(UnknownSigner(tuple(dict.fromkeys(issuers)), name, len(trusted)))
    return Success(found)


def _claims_of(
    signature: SignaturePacket, known: Mapping[str, list[tuple[Trusted, PublicKey]]]
) -> Claims:
    """Return a claim for each key that a signature names, each key once."""
    claims = {
        (one.certificate.primary.fingerprint, key.fingerprint): Claim(signature, key, one)
        for issuer in signature.issuers
        for one, key in known.get(issuer, ())
    }
    return tuple(claims.values())
