"""Raw signatures beside openssl: its keys, its signatures, and its verdicts on damaged ones."""

import subprocess
from pathlib import Path

import pytest
from returns.pipeline import is_successful

from pipeline.adapters.sigstore import PublicKeyVerifier, check_public_key
from tests.peers.openpgp import need

pytestmark = pytest.mark.peer

PAYLOAD = b'{"critical": "signed"}'
KEYS = {
    "ECDSA P-256": ("EC", "ec_paramgen_curve:P-256"),
    "ECDSA P-384": ("EC", "ec_paramgen_curve:P-384"),
    "ECDSA P-521": ("EC", "ec_paramgen_curve:P-521"),
    "RSA 2048": ("RSA", "rsa_keygen_bits:2048"),
    "RSA 4096": ("RSA", "rsa_keygen_bits:4096"),
    "Ed25519": ("ED25519", ""),
}


def openssl(*arguments: str, check: bool = True) -> bool:
    """Run openssl; tell whether it was content."""
    done = subprocess.run(["openssl", *arguments], capture_output=True, check=False)
    assert not check or done.returncode == 0, done.stderr.decode()
    return done.returncode == 0


def make_key(folder: Path, name: str) -> bytes:
    """Make a key; return the public one."""
    algorithm, option = KEYS[name]
    options = ("-pkeyopt", option) if option else ()
    private, public = str(folder / "key"), str(folder / "key.pub")
    openssl("genpkey", "-algorithm", algorithm, *options, "-out", private)
    openssl("pkey", "-in", private, "-pubout", "-out", public)
    return Path(public).read_bytes()


def sign(folder: Path, name: str) -> bytes:
    """Return a signature over the payload."""
    (folder / "payload").write_bytes(PAYLOAD)
    digest = () if name == "Ed25519" else ("-digest", "sha256")
    files = ("-in", str(folder / "payload"), "-out", str(folder / "signature"))
    openssl("pkeyutl", "-sign", "-rawin", *digest, "-inkey", str(folder / "key"), *files)
    return (folder / "signature").read_bytes()


def openssl_accepts(folder: Path, name: str, signature: bytes) -> bool:
    """Ask openssl."""
    (folder / "signature").write_bytes(signature)
    digest = () if name == "Ed25519" else ("-digest", "sha256")
    key = ("-pubin", "-inkey", str(folder / "key.pub"))
    files = ("-in", str(folder / "payload"), "-sigfile", str(folder / "signature"))
    return openssl("pkeyutl", "-verify", "-rawin", *digest, *key, *files, check=False)


def damaged(signature: bytes) -> list[bytes]:
    """Return a signature with a bit turned here and there, cut, with more behind, and doubled."""
    turned = []
    for place in range(0, len(signature), max(len(signature) // 12, 1)):
        octets = bytearray(signature)
        octets[place] ^= 1 << place % 8
        turned.append(bytes(octets))
    return [*turned, b"", signature[:-1], signature + b"\0", b"\0" + signature, signature * 2]


@pytest.mark.parametrize("name", KEYS)
def test_signatures_of_openssl(name: str, tmp_path: Path) -> None:
    """Good ones are by that key, and of damaged ones both say the same."""
    need("openssl")
    key = make_key(tmp_path, name)
    signature = sign(tmp_path, name)
    assert is_successful(check_public_key(key))
    signer = PublicKeyVerifier().verify(PAYLOAD, signature, key, "").unwrap()
    assert signer.algorithm == name
    assert openssl_accepts(tmp_path, name, signature)
    for each in damaged(signature):
        outcome = PublicKeyVerifier().verify(PAYLOAD, each, key, "")
        assert is_successful(outcome) == openssl_accepts(tmp_path, name, each), each.hex()


def test_pkcs1(tmp_path: Path) -> None:
    """The older form of an RSA key is the same key."""
    need("openssl")
    key = make_key(tmp_path, "RSA 2048")
    older = tmp_path / "key.older"
    openssl(
        "rsa", "-pubin", "-in", str(tmp_path / "key.pub"), "-RSAPublicKey_out", "-out", str(older)
    )
    assert older.read_bytes().startswith(b"-----BEGIN RSA PUBLIC KEY-----")
    signature = sign(tmp_path, "RSA 2048")
    verify = PublicKeyVerifier().verify
    by_older = verify(PAYLOAD, signature, older.read_bytes(), "").unwrap()
    assert by_older == verify(PAYLOAD, signature, key, "").unwrap()
