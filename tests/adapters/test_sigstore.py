"""Raw signatures by bare public keys: which keys are taken, and that each proves one payload."""

import base64
import hashlib
import subprocess
import sys
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.adapters.sigstore import PublicKeyVerifier, check_public_key
from pipeline.errors import BadSigstoreSignature, WeakSignature
from pipeline.limits import PUBLIC_KEY_BYTES
from pipeline.trust import SigstoreSigner

PAYLOAD = b'{"critical": "signed"}'
PATH = "/etc/keys/cosign.pub"
SHA256 = hashes.SHA256()
WANTED = "ECDSA P-256, P-384 or P-521, RSA from 2048 bits, or Ed25519"

RSA = rsa.generate_private_key(65537, 2048)
SHORT_RSA = rsa.generate_private_key(65537, 2047)
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CURVES: dict[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
ECDSA = {name: ec.derive_private_key(2**190 + 1, curve) for name, curve in CURVES.items()}

Sign = Callable[[bytes], bytes]


def pem(key: PublicKeyTypes, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> bytes:
    """Write a key."""
    return key.public_bytes(Encoding.PEM, form)


def by_rsa(payload: bytes) -> bytes:
    """Sign."""
    return RSA.sign(payload, padding.PKCS1v15(), SHA256)


def by_curve(name: str) -> Sign:
    """Return what signs with that curve."""
    return lambda payload: ECDSA[name].sign(payload, ec.ECDSA(SHA256))


GOOD: dict[str, tuple[bytes, Sign, str]] = {
    "RSA": (pem(RSA.public_key()), by_rsa, "RSA 2048"),
    "RSA, PKCS #1": (pem(RSA.public_key(), PublicFormat.PKCS1), by_rsa, "RSA 2048"),
    "Ed25519": (pem(ED25519.public_key()), ED25519.sign, "Ed25519"),
    **{
        name: (pem(key.public_key()), by_curve(name), f"ECDSA {name}")
        for name, key in ECDSA.items()
    },
}


@pytest.mark.parametrize("name", GOOD)
def test_good(name: str) -> None:
    """The signer is named by the key's digest, whichever way the key is written."""
    key, sign, algorithm = GOOD[name]
    der = serialization.load_pem_public_key(key).public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    wanted = SigstoreSigner(hashlib.sha256(der).hexdigest(), algorithm, PATH)
    assert PublicKeyVerifier().verify(PAYLOAD, sign(PAYLOAD), key, PATH).unwrap() == wanted
    assert is_successful(check_public_key(key))


@pytest.mark.parametrize("name", GOOD)
def test_bad(name: str) -> None:
    """Another payload, another signature, another key; no signature at all."""
    key, sign, _ = GOOD[name]
    signature = sign(PAYLOAD)
    wrong = [
        (PAYLOAD + b" ", signature),
        (b"", signature),
        (PAYLOAD, sign(b"other")),
        (PAYLOAD, signature + b"\0"),
        (PAYLOAD, signature[:-1]),
        (PAYLOAD, signature[:-1] + bytes((signature[-1] ^ 1,))),
        (PAYLOAD, b""),
        (PAYLOAD, bytes(len(signature))),
    ]
    for payload, given_signature in wrong:
        error = PublicKeyVerifier().verify(payload, given_signature, key, PATH).failure()
        assert error == BadSigstoreSignature(PATH, "the signature does not match what was signed")
    for other in GOOD:
        is_same = name.split(",")[0] == other.split(",")[0]
        outcome = PublicKeyVerifier().verify(PAYLOAD, signature, GOOD[other][0], PATH)
        assert is_successful(outcome) == is_same


def test_other_hashes_and_paddings() -> None:
    """SHA-256 with PKCS #1 v1.5 and nothing else: one signature, one meaning."""
    pss = padding.PSS(padding.MGF1(SHA256), padding.PSS.MAX_LENGTH)
    wrong: list[tuple[PublicKeyTypes, bytes]] = [
        (RSA.public_key(), RSA.sign(PAYLOAD, padding.PKCS1v15(), hashes.SHA512())),
        (RSA.public_key(), RSA.sign(PAYLOAD, padding.PKCS1v15(), hashes.SHA1())),
        (RSA.public_key(), RSA.sign(PAYLOAD, pss, SHA256)),
        (
            ECDSA["P-384"].public_key(),
            ECDSA["P-384"].sign(PAYLOAD, ec.ECDSA(hashes.SHA384())),
        ),
        (ED25519.public_key(), ED25519.sign(hashlib.sha256(PAYLOAD).digest())),
    ]
    for key, signature in wrong:
        error = PublicKeyVerifier().verify(PAYLOAD, signature, pem(key), PATH).failure()
        assert isinstance(error, BadSigstoreSignature)


K1 = ec.derive_private_key(2**190 + 1, ec.SECP256K1())
P224 = ec.derive_private_key(2**190 + 1, ec.SECP224R1())
DSA = dsa.generate_private_key(2048)
ED448 = ed448.Ed448PrivateKey.from_private_bytes(bytes(57))
NOT_TAKEN: dict[str, tuple[PublicKeyTypes, bytes, str]] = {
    "short RSA": (
        SHORT_RSA.public_key(),
        SHORT_RSA.sign(PAYLOAD, padding.PKCS1v15(), SHA256),
        "RSA 2047",
    ),
    "P-224": (P224.public_key(), P224.sign(PAYLOAD, ec.ECDSA(SHA256)), "ECDSA secp224r1"),
    "secp256k1": (K1.public_key(), K1.sign(PAYLOAD, ec.ECDSA(SHA256)), "ECDSA secp256k1"),
    "DSA": (DSA.public_key(), DSA.sign(PAYLOAD, SHA256), "DSA"),
    "Ed448": (ED448.public_key(), ED448.sign(PAYLOAD), "Ed448"),
    "X25519": (x25519.X25519PrivateKey.generate().public_key(), b"", "X25519"),
}


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_keys_that_are_not_taken(name: str) -> None:
    """However good the signature is; whoever reads a policy hears of it before."""
    key, signature, algorithm = NOT_TAKEN[name]
    error = PublicKeyVerifier().verify(PAYLOAD, signature, pem(key), PATH).failure()
    assert error == WeakSignature(None, algorithm, WANTED)
    assert check_public_key(pem(key)).failure() == f"got {algorithm}, wanted {WANTED}"


PRIVATE = RSA.private_bytes(
    Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
ONE = pem(ED25519.public_key())
ONE_BLOCK = 'wanted one block "-----BEGIN PUBLIC KEY-----" and nothing else'
DAMAGED = "the key is damaged, or of an unknown kind"
UNREADABLE = {
    "nothing": (b"", ONE_BLOCK),
    "junk": (b"\xff\x00", ONE_BLOCK),
    "DER": (ED25519.public_key().public_bytes_raw(), ONE_BLOCK),
    "private": (PRIVATE, ONE_BLOCK),
    "private behind": (ONE + PRIVATE, ONE_BLOCK),
    "two": (ONE + pem(RSA.public_key()), ONE_BLOCK),
    "certificate": (ONE.replace(b"PUBLIC KEY", b"CERTIFICATE"), ONE_BLOCK),
    "OpenPGP": (ONE.replace(b"PUBLIC KEY", b"PGP PUBLIC KEY BLOCK"), ONE_BLOCK),
    "no end": (ONE[:60], DAMAGED),
    "no base64": (ONE.replace(b"MCow", b"*Cow"), DAMAGED),
    "no key": (ONE.replace(b"MCow", b"NCow"), DAMAGED),
    "PKCS #1 called otherwise": (
        pem(RSA.public_key(), PublicFormat.PKCS1).replace(b"RSA PUBLIC", b"PUBLIC"),
        DAMAGED,
    ),
    "too large": (
        ONE.rjust(PUBLIC_KEY_BYTES + 1),
        f"the key has more than {PUBLIC_KEY_BYTES} bytes",
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_keys_that_cannot_be_read(name: str) -> None:
    """Said when the policy is read, and when a signature is judged."""
    key, reason = UNREADABLE[name]
    assert check_public_key(key).failure() == reason
    error = PublicKeyVerifier().verify(PAYLOAD, ED25519.sign(PAYLOAD), key, PATH).failure()
    assert error == BadSigstoreSignature(PATH, reason)


def test_text_around_a_key() -> None:
    """People note whose it is; the bound is inclusive."""
    key = b"# the key of Example Images\n" + ONE + b"\n# until 2027\n"
    assert is_successful(check_public_key(key))
    assert is_successful(check_public_key(key.ljust(PUBLIC_KEY_BYTES)))


@given(
    st.binary(max_size=200),
    st.binary(max_size=100),
    st.sampled_from((b"PUBLIC KEY", b"RSA PUBLIC KEY")),
)
def test_junk(junk: bytes, signature: bytes, label: bytes) -> None:
    """Nothing raises, and junk proves nothing."""
    key = b"-----BEGIN %b-----\n%b-----END %b-----\n" % (label, base64.encodebytes(junk), label)
    for each in (junk, key):
        assert not is_successful(check_public_key(each))
        assert not is_successful(PublicKeyVerifier().verify(PAYLOAD, signature, each, PATH))
    for good, _, _ in GOOD.values():
        assert not is_successful(PublicKeyVerifier().verify(PAYLOAD, signature, good, PATH))


@given(st.sampled_from(sorted(GOOD)), st.integers(0, 4096), st.integers(0, 7))
def test_damage(name: str, place: int, bit: int) -> None:
    """One bit of a signature or of a key, and the same payload is not proven by that key."""
    key, sign, _ = GOOD[name]
    signature = bytearray(sign(PAYLOAD))
    signature[place % len(signature)] ^= 1 << bit
    verify = PublicKeyVerifier().verify
    assert not is_successful(verify(PAYLOAD, bytes(signature), key, PATH))
    damaged = bytearray(key)
    damaged[place % len(damaged)] ^= 1 << bit
    outcome = verify(PAYLOAD, sign(PAYLOAD), bytes(damaged), PATH)
    if is_successful(outcome):
        # White space and letter case between the lines of PEM mean nothing.
        assert outcome == verify(PAYLOAD, sign(PAYLOAD), key, PATH)


def test_cryptography_is_imported_late() -> None:
    """Whoever has no such policy does not pay for it."""
    code = (
        "import sys; import pipeline.adapters.sigstore;"
        "print('cryptography' in sys.modules, 'pgpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
