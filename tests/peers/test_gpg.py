"""The OpenPGP adapter beside gpg, gpgv and sqv: made cases, and signatures that gpg makes."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from returns.pipeline import is_successful

from pipeline.adapters.openpgp import read_keys
from tests.adapters.openpgp.cases import make_cases
from tests.adapters.openpgp.judging import at, describe, judge
from tests.adapters.openpgp.verdicts import MORE_LENIENT, REFUSED, STRICTER
from tests.peers.openpgp import (
    GnuPG,
    gnupg,
    gpgv_accepts,
    judge_all_by_tools,
    judge_by_tools,
    need,
)

pytestmark = pytest.mark.peer

DATA = b"an image\nof two lines\n"
ALGORITHMS = (
    "rsa2048",
    "rsa3072",
    "rsa4096",
    "dsa2048",
    "dsa3072",
    "nistp256",
    "nistp384",
    "nistp521",
    "ed25519",
)


def test_made_cases() -> None:
    """Where gpg and sqv agree, so do we; where they differ, we refuse; exceptions have names."""
    need("gpg", "sqv")
    now = int(time.time())
    cases = make_cases(now)
    wrong: list[str] = []
    refused = {name for names in REFUSED.values() for name in names}
    verdicts = judge_all_by_tools((one.keyring, one.signature, one.data) for one in cases)
    for case, verdict in zip(cases, verdicts, strict=True):
        ours = is_successful(judge(case.keyring, case.signature, case.data, now))
        expected = verdict.gpg and verdict.sqv
        if case.name in MORE_LENIENT or case.name in STRICTER:
            expected = not expected
        if ours != expected or ours != (case.name not in refused):
            wrong.append(f"{case.name}: gpg {verdict.gpg}, sqv {verdict.sqv}, ours {ours}")
    assert not wrong, wrong


@dataclass(frozen=True)
class Maker:
    """A gpg with a key of each algorithm, all of one exported keyring."""

    gpg: GnuPG
    keyring: bytes


@pytest.fixture(scope="module")
def maker() -> Iterator[Maker]:
    """Make keys once; RSA 4096 takes its time."""
    need("gpg", "gpgv", "sqv")
    with gnupg() as gpg:
        for algorithm in ALGORITHMS:
            gpg.make_key(f"{algorithm} <{algorithm}@example.com>", algorithm)
        yield Maker(gpg, gpg.export())


def now() -> int:
    """Return the time, by a clock that gpg may have read a second later."""
    return int(time.time()) + 1


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_signatures_of_gpg(maker: Maker, algorithm: str) -> None:
    """Binary and armored, over bytes and over text: all four accept, and no other file."""
    for options in ((), ("--armor",), ("--textmode",), ("--digest-algo", "SHA512")):
        signature = maker.gpg.sign(DATA, "--local-user", f"{algorithm}@example.com", *options)
        outcome = judge(maker.keyring, signature, DATA, now())
        (signer,) = outcome.unwrap()
        assert signer.user_ids == (f"{algorithm} <{algorithm}@example.com>",)
        changed = judge(maker.keyring, signature, DATA + b"!", now())
        assert describe(changed) == "bad-signature"
        verdict = judge_by_tools(maker.keyring, signature, DATA)
        assert (verdict.gpg, verdict.sqv) == (True, True), verdict.said
        assert gpgv_accepts(maker.keyring, signature, DATA)
        assert not gpgv_accepts(maker.keyring, signature, DATA + b"!")


def test_keys_as_gpg_lists_them(maker: Maker) -> None:
    """Fingerprints, sizes and names."""
    infos = read_keys(maker.keyring, at(now())).unwrap()
    assert [info.problem for info in infos] == [None] * len(ALGORITHMS)
    for algorithm, info in zip(ALGORITHMS, infos, strict=True):
        user_id = f"{algorithm} <{algorithm}@example.com>"
        assert info.user_ids == (user_id,)
        assert info.fingerprint.hex == maker.gpg.fingerprints(user_id)[0]
        assert algorithm.strip("abcdefghijklmnopqrstuvwxyz") in info.algorithm


def test_signing_subkeys() -> None:
    """The default of careful people: a primary key that certifies, subkeys that sign."""
    need("gpg", "sqv")
    with gnupg() as gpg:
        gpg.run("--quick-gen-key", "Alice", "ed25519", "cert", "never")
        primary = gpg.fingerprints("Alice")[0]
        for algorithm in ("ed25519", "rsa2048"):
            gpg.run("--quick-add-key", primary, algorithm, "sign", "never")
        gpg.run("--quick-add-key", primary, "cv25519", "encr", "never")
        keyring = gpg.export(armor=True)
        (info,) = read_keys(keyring, at(now())).unwrap()
        assert info.capabilities == ("certify",)
        assert [subkey.capabilities for subkey in info.subkeys] == [
            ("sign",),
            ("sign",),
            ("encrypt",),
        ]
        for subkey in gpg.fingerprints("Alice")[1:3]:
            signature = gpg.sign(DATA, "--local-user", f"{subkey}!")
            (signer,) = judge(keyring, signature, DATA, now()).unwrap()
            assert (signer.primary.hex, signer.signing_key.hex) == (primary, subkey)
            verdict = judge_by_tools(keyring, signature, DATA)
            assert (verdict.gpg, verdict.sqv) == (True, True), verdict.said


def test_revoked_and_expired_keys() -> None:
    """What gpg does to a key, we see."""
    need("gpg", "sqv")
    with gnupg() as gpg:
        long_ago = "--faked-system-time=20240101T000000!"
        gpg.run(long_ago, "--quick-gen-key", "Old", "ed25519", "sign", "1y")
        old = gpg.sign(DATA, "--local-user", "Old", "--faked-system-time=20240601T000000!")
        fresh = gpg.make_key("Fresh", "ed25519")
        new = gpg.sign(DATA, "--local-user", "Fresh")
        assert describe(judge(gpg.export("Old"), old, DATA, now())) == "unusable-key:expired"
        assert not judge_by_tools(gpg.export("Old"), old, DATA).gpg
        assert is_successful(judge(gpg.export("Fresh"), new, DATA, now()))
        certificate = gpg.home / "openpgp-revocs.d" / f"{fresh.upper()}.rev"
        gpg.run("--import", stdin=certificate.read_bytes().replace(b":-----", b"-----"))
        assert describe(judge(gpg.export("Fresh"), new, DATA, now())) == "unusable-key:revoked"
        verdict = judge_by_tools(gpg.export("Fresh"), new, DATA)
        assert (verdict.gpg, verdict.sqv) == (False, False)


def test_several_signers(maker: Maker) -> None:
    """One file, signed by two keys, in one run of gpg."""
    signature = maker.gpg.sign(
        DATA, "--local-user", "ed25519@example.com", "--local-user", "rsa2048@example.com"
    )
    signers = judge(maker.keyring, signature, DATA, now()).unwrap()
    assert {signer.key_algorithm for signer in signers} == {"Ed25519", "RSA 2048"}
    verdict = judge_by_tools(maker.keyring, signature, DATA)
    assert (verdict.gpg, verdict.sqv) == (True, True), verdict.said
    alone = maker.gpg.export("ed25519@example.com")
    (signer,) = judge(alone, signature, DATA, now()).unwrap()
    assert signer.key_algorithm == "Ed25519"
