"""typings/pgpy says what the installed pgpy is, as far as it is used."""

import builtins
import hashlib
import inspect
from dataclasses import replace
from itertools import count

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pipeline.adapters.openpgp.mathematics import read_public_key, verify_digest
from pipeline.adapters.openpgp.signatures import read_signature
from tests.adapters.openpgp.cases import Stage
from tests.adapters.openpgp.forge import NOW, number, packet, rsa_key

STAGE = Stage(NOW)


def test_key() -> None:
    """``PGPKey.from_blob`` gives a key, alone or with others, and the key its numbers."""
    from pgpy import PGPKey  # by now mathematics has muted its warnings

    parsed = PGPKey.from_blob(STAGE.alice.as_primary)
    assert isinstance(parsed, tuple)
    key, _ = parsed
    assert isinstance(key, PGPKey)
    assert isinstance(key.fingerprint, str)
    assert str(key.fingerprint).lower() == STAGE.alice.fingerprint
    assert isinstance(key.__key__.__pubkey__(), Ed25519PublicKey)


def test_signature() -> None:
    """``PGPSignature.from_blob`` gives a signature, and the signature its numbers."""
    from pgpy import PGPSignature

    signature = PGPSignature.from_blob(packet(2, STAGE.alice.sign(0, b"")))
    assert isinstance(signature, PGPSignature)
    assert isinstance(signature.__sig__, bytes | bytearray)
    assert len(signature.__sig__) == 64


def test_names() -> None:
    """The rest: an exception, and one parameter each, given by place."""
    from pgpy import PGPKey, PGPSignature
    from pgpy.errors import PGPError

    assert issubclass(PGPError, Exception)
    for method in (PGPKey.from_blob, PGPSignature.from_blob):
        assert list(inspect.signature(method).parameters) == ["blob"]


def test_a_key_that_pgpy_reads_otherwise_is_not_used() -> None:
    """Two readings of one key are one too many: here the octets behind its numbers."""
    key = read_public_key(STAGE.alice.body + b"\0\0").unwrap()
    assert key.numbers is None


def test_numbers_that_make_no_key() -> None:
    """pgpy and cryptography raise all sorts; none gets through."""
    body = STAGE.alice.body
    for cut in range(len(body)):
        outcome = read_public_key(body[:cut])
        if cut > 6:
            assert outcome.unwrap().numbers is None
    zero = read_public_key(b"\4" + bytes(4) + b"\1" + b"\x08\x00" + bytes(256) + b"\0\1\0").unwrap()
    assert zero.numbers is None


def test_signature_by_a_key_without_numbers() -> None:
    """Nothing verifies with a key that cannot be used."""
    key = read_public_key(STAGE.alice.body[:-1]).unwrap()
    signature = read_signature(STAGE.alice.sign(0, b"")).unwrap()
    assert not verify_digest(key, signature, bytes(32))


def test_only_plain_rsa_numbers() -> None:
    """Huge numbers exist to make verification slow."""
    modulus, huge = (1 << 2047) + 1, (1 << 8192) + 1
    start = b"\4" + bytes(4) + b"\1"
    for n, e, usable in (
        (modulus, 65537, True),
        (modulus, (1 << 31) + 1, True),
        (modulus, (1 << 32) + 1, False),
        (huge, 65537, False),
    ):
        key = read_public_key(start + number(n) + number(e)).unwrap()
        assert (key.numbers is not None) is usable


def test_digest_of_another_length() -> None:
    """Ed25519 signs any octets; what the hash did not make is not signed."""
    signature = read_signature(STAGE.alice.sign(0, b"", digest="sha512")).unwrap()
    digest = hashlib.sha512(signature.trailer).digest()
    key = read_public_key(STAGE.alice.body).unwrap()
    assert verify_digest(key, signature, digest)
    assert not verify_digest(key, replace(signature, hash_algorithm=8), digest)


def test_short_rsa_number() -> None:
    """OpenPGP drops leading zeros, one signature in 256 has them; PKCS #1 wants them."""
    rsa = rsa_key()
    key = read_public_key(rsa.body).unwrap()
    made = ((b"%d" % i, read_signature(rsa.sign(0, b"%d" % i)).unwrap()) for i in count())
    # Two octets of the digest, two of length, and at most 255 of 256.
    data, signature = next(one for one in made if len(one[1].mathematics) < 2 + 2 + 256)
    digest = hashlib.sha256(data + signature.trailer).digest()
    assert verify_digest(key, signature, digest)


@pytest.mark.parametrize(
    "name",
    [
        "PGPError",
        "ValueError",
        "IndexError",
        "AttributeError",
        "StopIteration",
        "NotImplementedError",
    ],
)
def test_what_pgpy_raises_stays_here(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has raised each of these on junk; a signature or key that it cannot read is not good."""
    import pgpy
    import pgpy.errors

    error = getattr(builtins, name, pgpy.errors.PGPError)

    def fail(blob: bytes) -> None:
        raise error

    signature = read_signature(STAGE.alice.sign(0, name.encode())).unwrap()
    digest = hashlib.sha256(name.encode() + signature.trailer).digest()
    monkeypatch.setattr(pgpy.PGPSignature, "from_blob", fail)
    assert not verify_digest(read_public_key(STAGE.alice.body).unwrap(), signature, digest)
    monkeypatch.setattr(pgpy.PGPKey, "from_blob", fail)
    unread = replace(STAGE.alice, created=1_000_000 + len(name))
    assert read_public_key(unread.body).unwrap().numbers is None
