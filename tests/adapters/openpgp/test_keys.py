"""read_keys: key files as people review them and as the keystore keeps them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from returns.pipeline import is_successful

from pipeline.adapters.openpgp import read_keys
from pipeline.limits import KEYRING_BYTES, KEYS_PER_FILE, PACKETS_PER_FILE
from pipeline.trust import KeyInfo
from tests.adapters.openpgp.cases import DATA, Stage
from tests.adapters.openpgp.forge import (
    CERTIFY,
    DAY,
    ENCRYPT,
    NOW,
    SIGN,
    YEAR,
    Key,
    armored,
    dsa_key,
    ec_key,
    ed25519_key,
    flags_sub,
    packet,
    rsa_key,
    time_sub,
)
from tests.adapters.openpgp.judging import at, judge

STAGE = Stage(NOW)


def read(keyring: bytes) -> tuple[KeyInfo, ...]:
    """Read a keyring that is one."""
    return read_keys(keyring, at(NOW)).unwrap()


def test_what_is_shown() -> None:
    """A key and its subkey, with all that a person compares."""
    key = STAGE.key(
        STAGE.subkey.as_subkey,
        STAGE.bound(hashed=[time_sub(9, 4 * YEAR)]),
        hashed=[time_sub(9, 5 * YEAR)],
    )
    (info,) = read(armored(key, "PUBLIC KEY BLOCK"))
    assert info.fingerprint.hex == STAGE.alice.fingerprint
    assert info.user_ids == ("Alice <alice@example.com>",)
    assert (info.algorithm, info.capabilities) == ("Ed25519", ("certify", "sign"))
    assert (info.created, info.expires) == (at(STAGE.made), at(STAGE.made + 5 * YEAR))
    assert (info.revoked, info.problem) == (False, None)
    (subkey,) = info.subkeys
    assert subkey.fingerprint.hex == STAGE.subkey.fingerprint
    assert (subkey.algorithm, subkey.capabilities) == ("Ed25519", ("sign",))
    assert (subkey.created, subkey.expires) == (at(STAGE.made), at(STAGE.made + 4 * YEAR))
    assert not subkey.revoked


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (rsa_key(), "RSA 2048"),
        (dsa_key(), "DSA 2048"),
        (ec_key(ec.SECP256R1()), "ECDSA P-256"),
        (ec_key(ec.SECP384R1()), "ECDSA P-384"),
        (ec_key(ec.SECP521R1()), "ECDSA P-521"),
        (ed25519_key(), "Ed25519"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_algorithms(key: Key, name: str) -> None:
    """Size or curve, and a fingerprint that the forge computes for itself."""
    (info,) = read(replace(key, created=STAGE.made).certificate(at=STAGE.made, digest="sha512"))
    assert (info.algorithm, info.problem) == (name, None)
    assert info.fingerprint.hex == replace(key, created=STAGE.made).fingerprint


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (STAGE.key(flags=CERTIFY), "its key flags do not allow signing"),
        (STAGE.key(digest="sha1"), "no user ID has a valid self-signature"),
        (STAGE.key(hashed=[time_sub(9, YEAR)]), "the primary key has expired"),
        (STAGE.key(before=[STAGE.key_revoked(2)]), "it was revoked"),
        (replace(rsa_key(1024), created=STAGE.made).certificate(at=STAGE.made), "RSA 1024 keys"),
        (replace(ec_key(ec.SECP256K1()), created=STAGE.made).certificate(), "secp256k1 keys"),
    ],
)
def test_problem_says_why_it_is_of_no_use(key: bytes, problem: str) -> None:
    """Before somebody trusts a key and wonders."""
    (info,) = read(key)
    assert info.problem is not None
    assert problem in info.problem


def test_subkey_may_make_up_for_the_primary_key() -> None:
    """A certify-only primary key with a signing subkey is how careful people do it."""
    (info,) = read(STAGE.key(STAGE.subkey.as_subkey, STAGE.bound(), flags=CERTIFY))
    assert info.problem is None
    assert info.capabilities == ("certify",)


def test_revoked_and_encrypting_subkeys_show() -> None:
    """Whatever the subkeys are for."""
    other = ed25519_key("other", STAGE.made)
    (info,) = read(
        STAGE.key(
            STAGE.subkey.as_subkey,
            STAGE.bound(),
            STAGE.revoked(2),
            other.as_subkey,
            STAGE.alice.bind(other, flags=ENCRYPT, back=None, at=STAGE.made),
        )
    )
    assert [(subkey.revoked, subkey.capabilities) for subkey in info.subkeys] == [
        (True, ("sign",)),
        (False, ("encrypt",)),
    ]


def test_only_vouched_for_user_ids_show() -> None:
    """A name that somebody else put there is not the key's."""
    forged = packet(13, b"Eve") + STAGE.mallory.certify(b"Eve", at=STAGE.made)
    (info,) = read(STAGE.key(forged, packet(13, b"Nobody")))
    assert info.user_ids == ("Alice <alice@example.com>",)


def test_certificates_are_files_of_their_own() -> None:
    """Each key alone is read as the same key, and verifies as it did among others."""
    first = STAGE.key(STAGE.subkey.as_subkey, STAGE.bound(), STAGE.revoked(1, at=NOW - DAY))
    second = STAGE.key(owner=STAGE.mallory)
    keyring = armored(first, "PUBLIC KEY BLOCK") + armored(second, "PUBLIC KEY BLOCK")
    infos = read(keyring)
    assert [info.fingerprint.hex for info in infos] == [
        STAGE.alice.fingerprint,
        STAGE.mallory.fingerprint,
    ]
    for info in infos:
        assert read(info.certificate) == (info,)
    assert is_successful(judge(infos[1].certificate, STAGE.signed(STAGE.mallory), DATA, NOW))
    assert is_successful(judge(infos[0].certificate, STAGE.signed(), DATA, NOW))
    assert not is_successful(judge(infos[0].certificate, STAGE.signed(STAGE.subkey), DATA, NOW))


def test_copies_are_one_key() -> None:
    """What either copy says counts."""
    (info,) = read(STAGE.key() + STAGE.key(before=[STAGE.key_revoked(2)]))
    assert info.revoked


def test_what_follows_an_unknown_key_goes_with_it() -> None:
    """It is not the key's in front of it."""
    unknown = packet(6, b"\6" + bytes(60)) + packet(13, b"Somebody")
    (info,) = read(STAGE.key() + unknown)
    assert info.certificate == read(STAGE.key())[0].certificate


def test_subkeys_that_nobody_bound_do_not_show() -> None:
    """They stay in the file, which is kept as it is."""
    (info,) = read(STAGE.key(STAGE.subkey.as_subkey))
    assert info.subkeys == ()
    assert STAGE.subkey.body in info.certificate


def test_now_is_an_argument() -> None:
    """The same file at another time."""
    key = STAGE.key(hashed=[time_sub(9, 4 * YEAR)])
    assert read_keys(key, at(NOW)).unwrap()[0].problem is None
    later = datetime.fromtimestamp(STAGE.made + 4 * YEAR, UTC)
    assert read_keys(key, later).unwrap()[0].problem == "the primary key has expired"


@pytest.mark.parametrize(
    ("keyring", "reason"),
    [
        (b"", "wanted a line"),
        (b"<html>", "wanted a line"),
        (b"\xc6", "packet at offset 0 has no length"),
        (packet(13, b"Alice"), "it holds no public key of version 4"),
        (packet(6, b"\3" + bytes(20)), "it holds no public key of version 4"),
        (packet(60, b"") + STAGE.key(), "it starts with a packet of type 60"),
        (STAGE.key() + packet(5, STAGE.alice.body), "it holds a secret key"),
        (STAGE.key() + packet(7, STAGE.alice.body), "it holds a secret key"),
        (STAGE.key() + b"\xc2\x05x", "wanted 5"),
        (b"\xc6" * (KEYRING_BYTES + 1), f"more than {KEYRING_BYTES} bytes"),
        (STAGE.key() + b"\xca\x00" * PACKETS_PER_FILE, f"more than {PACKETS_PER_FILE} packets"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_reasons(keyring: bytes, reason: str) -> None:
    """What is no key file says why."""
    assert reason in read_keys(keyring, at(NOW)).failure()


def test_count_of_keys() -> None:
    """The limit is inclusive."""
    keys = [replace(STAGE.alice, created=i).as_primary for i in range(KEYS_PER_FILE + 1)]
    assert len(read(b"".join(keys[:-1]))) == KEYS_PER_FILE
    reason = read_keys(b"".join(keys), at(NOW)).failure()
    assert reason == f"more than {KEYS_PER_FILE} keys"


def test_too_many_self_signatures() -> None:
    """A key that would take forever to check is named."""
    junk = b"".join(
        packet(2, STAGE.alice.sign(0x1F, b"junk", at=STAGE.made + i)) for i in range(257)
    )
    reason = read_keys(STAGE.key(junk), at(NOW)).failure()
    assert reason.startswith(f"key {STAGE.alice.fingerprint}: more than 256")


def test_direct_key_flags_show() -> None:
    """Capabilities may stand in a direct-key signature."""
    (info,) = read(STAGE.key(flags=None, before=[STAGE.direct(flags_sub(SIGN))]))
    assert info.capabilities == ("sign",)


def test_no_time_is_too_late() -> None:
    """Lifetimes reach beyond the year 9999 in no way that matters."""
    (info,) = read(STAGE.key(hashed=[time_sub(9, 0xFFFFFFFF)]))
    assert info.expires == at(STAGE.made + 0xFFFFFFFF)
