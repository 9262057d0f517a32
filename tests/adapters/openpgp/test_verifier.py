"""OpenPGPVerifier: recorded verdicts of gpg and sqv, made cases, and what a signer holds."""

import base64
import gzip
import json
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from returns.pipeline import is_successful

from pipeline.adapters.openpgp import LENIENCIES, OpenPGPVerifier
from pipeline.errors import (
    BadSignature,
    NotASignature,
    SignatureTime,
    UnknownSigner,
    UnusableKey,
    WeakSignature,
)
from pipeline.limits import CLOCK_SKEW_SECONDS, SIGNATURE_BYTES
from pipeline.names import ImageName
from pipeline.trust import (
    AnyScope,
    DigestRequest,
    Fingerprint,
    KeySet,
    NamedScope,
    SignedDigest,
    TrustedKey,
)
from tests.adapters.openpgp.cases import DATA, Case, Stage, make_cases
from tests.adapters.openpgp.forge import DAY, NOW, YEAR, armored, dsa_key, packet, sub, time_sub
from tests.adapters.openpgp.judging import at, describe, entry, judge, key_set
from tests.adapters.openpgp.verdicts import MORE_LENIENT, REFUSED, STRICTER

VECTORS = json.loads(
    gzip.decompress((Path(__file__).parents[2] / "data" / "openpgp-detached.json.gz").read_bytes())
)
MADE_AT: int = VECTORS["made_at"]
ACCEPTED_VECTORS = {
    "multi-good-unknown": "who else signed is no reason to distrust who did",
    "multi-unknown-good": "who else signed is no reason to distrust who did",
    "keyring-v6-key-first": "what is not understood takes nothing from what is",
    "keyring-v3-key-first": "what is not understood takes nothing from what is",
    "keyring-unknown-packet": "what is not understood takes nothing from what is",
}
"""Recorded cases that are accepted though gpg or sqv refuses, and why; all others are refused."""

KINDS = {name: kind for kind, names in REFUSED.items() for name in names}
STAGE = Stage(NOW)
CASES = make_cases(NOW)
LENIENT = OpenPGPVerifier(LENIENCIES)


def content(vector: dict[str, Any], part: str) -> bytes:
    """Return a part of a vector, which may be compressed."""
    packed = vector.get(f"{part}_gzip_base64")
    if packed is not None:
        return gzip.decompress(base64.b64decode(packed))
    return base64.b64decode(vector[f"{part}_base64"])


@pytest.mark.parametrize("vector", VECTORS["cases"], ids=lambda vector: str(vector["name"]))
def test_agrees_with_gpg_and_sqv(vector: dict[str, Any]) -> None:
    """Both accept: accepted. Both refuse: refused. They differ: refused, unless named above."""
    expected = vector["expect"]
    if expected == "policy":
        assert vector["gpg"] != vector["sqv"]
        expected = "accept" if vector["name"] in ACCEPTED_VECTORS else "reject"
    parts = [content(vector, part) for part in ("key_asc", "sig", "data")]
    outcome = judge(parts[0], parts[1], parts[2], MADE_AT)
    assert ("accept" if is_successful(outcome) else "reject") == expected, outcome


def test_every_named_vector_exists() -> None:
    """An exception without a case would be a rule without a reason."""
    differing = {one["name"] for one in VECTORS["cases"] if one["expect"] == "policy"}
    assert set(ACCEPTED_VECTORS) <= differing


def test_no_vector_takes_long() -> None:
    """The hostile ones, in processor time; what is not linear takes a minute."""
    judge(STAGE.key(), STAGE.signed(), DATA, NOW)  # imports pgpy
    for vector in VECTORS["cases"]:
        parts = [content(vector, part) for part in ("key_asc", "sig", "data")]
        started = time.process_time()
        judge(parts[0], parts[1], parts[2], MADE_AT)
        assert time.process_time() - started < 2, vector["name"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.name))
def test_made_case(case: Case) -> None:
    """Each made case is accepted, or refused as what it is."""
    outcome = judge(case.keyring, case.signature, case.data, NOW)
    assert describe(outcome) == KINDS.get(case.name, "accept"), outcome


def test_verdicts_name_cases() -> None:
    """A verdict on no case holds nothing."""
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert set(KINDS) | set(MORE_LENIENT) | set(STRICTER) <= set(names)
    assert sum(map(len, REFUSED.values())) == len(KINDS)
    assert not set(MORE_LENIENT) & set(KINDS)
    assert set(STRICTER) <= set(KINDS)


class TestSigner:
    """What a proven signer holds."""

    def test_fields(self) -> None:
        """A signature by a subkey names both keys, the entry, and what it was made with."""
        key = STAGE.with_subkey(STAGE.bound(hashed=[time_sub(9, 5 * YEAR)]))
        granted = entry(key, "trusted/7", ImageName("example.com"))
        keys = KeySet((TrustedKey(granted, key),))
        (signer,) = judge(keys, STAGE.signed(STAGE.subkey, digest="sha384"), DATA, NOW).unwrap()
        assert signer.primary.hex == STAGE.alice.fingerprint
        assert signer.signing_key.hex == STAGE.subkey.fingerprint
        assert signer.user_ids == ("Alice <alice@example.com>",)
        assert signer.signed_at == at(NOW - DAY)
        assert signer.hash_algorithm == "sha384"
        assert signer.key_algorithm == "Ed25519"
        assert signer.granted_by == granted
        assert signer.expires == at(STAGE.made + 5 * YEAR)
        assert signer.leniency == ()

    @pytest.mark.parametrize(
        ("key_ends", "signature_ends", "expected"),
        [
            (None, None, None),
            (4 * YEAR, None, STAGE.made + 4 * YEAR),
            (None, 3 * DAY, NOW + 2 * DAY),
            (4 * YEAR, 3 * DAY, NOW + 2 * DAY),
        ],
    )
    def test_expires_with_what_ends_first(
        self, key_ends: int | None, signature_ends: int | None, expected: int | None
    ) -> None:
        """And from that moment on the same signature is refused."""
        key = STAGE.key(hashed=() if key_ends is None else [time_sub(9, key_ends)])
        ends = () if signature_ends is None else [time_sub(3, signature_ends)]
        signature = STAGE.signed(hashed=ends)
        (signer,) = judge(key, signature, DATA, NOW).unwrap()
        assert signer.expires == (None if expected is None else at(expected))
        if expected is not None:
            assert is_successful(judge(key, signature, DATA, expected - 1))
            assert not is_successful(judge(key, signature, DATA, expected))

    def test_revoked_user_id_is_not_named(self) -> None:
        """Only user IDs that the key still vouches for."""
        key = STAGE.two_ids({}, {}, revoked=b"Bob")
        (signer,) = judge(key, STAGE.signed(), DATA, NOW).unwrap()
        assert signer.user_ids == ("Alice <alice@example.com>",)

    def test_same_key_counts_once(self) -> None:
        """A primary key is one signer, however often it signed (CVE-2020-6174)."""
        key = STAGE.with_subkey(STAGE.bound())
        twice = STAGE.signed(hashed=[time_sub(3, 9 * DAY)]) + STAGE.signed(STAGE.subkey)
        (signer,) = judge(key, twice, DATA, NOW).unwrap()
        assert signer.expires == at(NOW + 8 * DAY)
        backwards = STAGE.signed(STAGE.subkey) + STAGE.signed(hashed=[time_sub(3, 9 * DAY)])
        assert judge(key, backwards, DATA, NOW).unwrap()[0].expires == at(NOW + 8 * DAY)

    def test_two_keys_are_two(self) -> None:
        """In the order of the signatures, each with its own entry."""
        keys = key_set(STAGE.key(), STAGE.key(owner=STAGE.mallory))
        both = STAGE.signed(STAGE.mallory) + STAGE.signed()
        first, second = judge(keys, both, DATA, NOW).unwrap()
        assert [one.primary.hex for one in (first, second)] == [
            STAGE.mallory.fingerprint,
            STAGE.alice.fingerprint,
        ]
        assert [one.granted_by.path for one in (first, second)] == ["trusted/1", "trusted/0"]


class TestKeySet:
    """Keys come from several files."""

    def test_first_file_grants(self) -> None:
        """The same key in two files is one key, granted by the first."""
        keys = key_set(STAGE.key(), STAGE.key())
        (signer,) = judge(keys, STAGE.signed(), DATA, NOW).unwrap()
        assert signer.granted_by.path == "trusted/0"

    def test_revocation_in_another_file_counts(self) -> None:
        """An old copy of a key hides nothing."""
        keys = key_set(STAGE.key(), STAGE.key(before=[STAGE.key_revoked(2)]))
        assert describe(judge(keys, STAGE.signed(), DATA, NOW)) == "unusable-key:revoked"

    def test_unreadable_file_spoils_nothing(self) -> None:
        """Nor does it grant anything."""
        keys = key_set(b"junk", STAGE.key())
        (signer,) = judge(keys, STAGE.signed(), DATA, NOW).unwrap()
        assert signer.granted_by.path == "trusted/1"

    def test_file_counts_whole_where_its_own_key_is_in_it(self) -> None:
        """A file may hold more keys than the one that names it, and must hold that one."""
        both = STAGE.key(owner=STAGE.mallory) + STAGE.key()
        (signer,) = judge(both, STAGE.signed(), DATA, NOW).unwrap()
        assert signer.primary.hex == STAGE.alice.fingerprint
        assert signer.granted_by.fingerprint.hex == STAGE.mallory.fingerprint
        other = replace(entry(both), fingerprint=Fingerprint(STAGE.stranger.fingerprint))
        misnamed = KeySet((TrustedKey(other, both),))
        assert describe(judge(misnamed, STAGE.signed(), DATA, NOW)) == "unknown-signer"

    def test_masked_key_never_counts(self) -> None:
        """Not even in another key's file."""
        both = STAGE.key(owner=STAGE.mallory) + STAGE.key()
        masked = frozenset({Fingerprint(STAGE.alice.fingerprint)})
        keys = replace(key_set(both), masked=masked)
        assert describe(judge(keys, STAGE.signed(), DATA, NOW)) == "unknown-signer"
        assert is_successful(judge(keys, STAGE.signed(STAGE.mallory), DATA, NOW))

    def test_unknown_signer_names_scope_and_issuer(self) -> None:
        """The message says who signed, and where keys were looked for."""
        scope = NamedScope(ImageName("example.com/app"))
        keys = key_set(STAGE.key(owner=STAGE.mallory))
        outcome = judge(keys, STAGE.signed(), DATA, NOW, scope=scope)
        expected = UnknownSigner((STAGE.alice.fingerprint,), "example.com/app", 1)
        assert outcome.failure() == expected
        assert judge(key_set(), STAGE.signed(), DATA, NOW).failure() == UnknownSigner(
            (STAGE.alice.fingerprint,), "any name", 0
        )


class TestPlan:
    """What must be hashed, before there is anything to hash."""

    def test_requests_are_the_trailers(self) -> None:
        """The suffix is the signature's start, and its length behind 0x04 0xff."""
        body = STAGE.alice.sign(1, DATA, at=NOW - DAY, digest="sha512")
        plan = STRICT_PLAN(packet(2, body), STAGE.key())
        end = 6 + int.from_bytes(body[4:6], "big")
        suffix = body[:end] + b"\x04\xff" + end.to_bytes(4, "big")
        assert plan.requests == (DigestRequest("sha512", text=True, suffix=suffix),)
        assert plan.issuers == (Fingerprint(STAGE.alice.fingerprint),)

    def test_only_for_known_keys(self) -> None:
        """An unknown co-signer costs no hashing, and the same request is made once."""
        several = STAGE.signed(STAGE.stranger) + STAGE.signed() * 3
        assert len(STRICT_PLAN(several, STAGE.key()).requests) == 1

    def test_refuses_at_once(self) -> None:
        """Nothing is downloaded for a signature that cannot be good."""
        for signature in (
            STAGE.signed(algorithm=19),
            STAGE.signed(kind=2),
            STAGE.signed(digest="sha1"),
            STAGE.signed(at=NOW + YEAR),
            STAGE.signed(STAGE.stranger),
        ):
            outcome = OpenPGPVerifier().plan(signature, key_set(STAGE.key()), AnyScope(), at(NOW))
            assert not is_successful(outcome)

    def test_digests_of_something_else(self) -> None:
        """A digest that was not asked for proves nothing, nor does none."""
        verify = OpenPGPVerifier().verify
        keys, signature = key_set(STAGE.key()), STAGE.signed()
        request = STRICT_PLAN(signature, STAGE.key()).requests[0]
        other = replace(request, suffix=request.suffix + b"!")
        for digests in ((), (SignedDigest(other, bytes(32)),), (SignedDigest(request, b""),)):
            outcome = verify(signature, digests, keys, AnyScope(), at(NOW))
            assert outcome.failure() == BadSignature(Fingerprint(STAGE.alice.fingerprint))


def STRICT_PLAN(signature: bytes, key: bytes) -> Any:  # noqa: N802 - reads like the constant
    """Return a plan that succeeds."""
    return OpenPGPVerifier().plan(signature, key_set(key), AnyScope(), at(NOW)).unwrap()


class TestErrors:
    """What refusals say, where the kind alone does not tell."""

    def test_weak(self) -> None:
        """Got and wanted."""
        key = Fingerprint(STAGE.alice.fingerprint)
        outcome = judge(STAGE.key(), STAGE.signed(digest="sha1"), DATA, NOW)
        assert outcome.failure() == WeakSignature(key, "sha1", "a hash of the SHA-2 family")
        short = replace(dsa_key(1024), created=STAGE.made)
        refused = judge(STAGE.key(owner=short), STAGE.signed(short), DATA, NOW).failure()
        assert isinstance(refused, WeakSignature)
        assert (refused.got, refused.wanted) == ("a key of DSA 1024 bits", "at least 2048 bits")

    def test_time(self) -> None:
        """When it claims to have been made."""
        outcome = judge(STAGE.key(), STAGE.signed(at=NOW + YEAR), DATA, NOW)
        key = Fingerprint(STAGE.alice.fingerprint)
        wanted = SignatureTime(key, at(NOW + YEAR), "that is in the future")
        assert outcome.failure() == wanted

    def test_lapsed(self) -> None:
        """A key that was renewed since was expired when it signed, and the message says so."""
        lapse = STAGE.alice.certify(at=NOW - 3600)
        key = STAGE.key(lapse, hashed=[time_sub(9, YEAR)])
        refused = judge(key, STAGE.signed(), DATA, NOW).failure()
        assert isinstance(refused, UnusableKey)
        assert refused.detail.startswith(f"when it signed, at {at(NOW - DAY):%Y-%m-%d}")

    def test_size(self) -> None:
        """The limit is inclusive."""
        armor = armored(STAGE.signed())
        full = armor + b"\n" * (SIGNATURE_BYTES - len(armor))
        assert is_successful(judge(STAGE.key(), full, DATA, NOW))
        over = judge(STAGE.key(), full + b"\n", DATA, NOW).failure()
        assert over == NotASignature(f"more than {SIGNATURE_BYTES} bytes")

    def test_skew(self) -> None:
        """A signature may be that far in the future, and no further."""
        near = STAGE.signed(at=NOW + CLOCK_SKEW_SECONDS)
        assert is_successful(judge(STAGE.key(), near, DATA, NOW))
        assert describe(judge(STAGE.key(), near, DATA, NOW - 1)) == "signature-time"

    def test_too_many_self_signatures(self) -> None:
        """A key that would take forever to check is not used."""
        junk = b"".join(
            packet(2, STAGE.alice.sign(0x13, b"junk", at=STAGE.made + i)) for i in range(257)
        )
        outcome = judge(STAGE.key(junk), STAGE.signed(), DATA, NOW)
        assert describe(outcome) == "unusable-key:unsupported"


class TestLeniency:
    """``sha1-self-signatures``: for keys that are too old to know better."""

    @pytest.mark.parametrize(
        "name", ["self-signature SHA-1", "binding SHA-1", "back-signature SHA-1"]
    )
    def test_lets_sha1_pass_and_says_so(self, name: str) -> None:
        """By name, and only where it was needed."""
        case = next(one for one in CASES if one.name == name)
        outcome = judge(case.keyring, case.signature, case.data, NOW, verifier=LENIENT)
        assert outcome.unwrap()[0].leniency == ("sha1-self-signatures",)

    def test_not_used_where_not_needed(self) -> None:
        """A good key is a good key."""
        outcome = judge(STAGE.key(), STAGE.signed(), DATA, NOW, verifier=LENIENT)
        assert outcome.unwrap()[0].leniency == ()

    def test_changes_nothing_else(self) -> None:
        """Every other case has the same verdict, above all SHA-1 over the file itself."""
        changed = {
            case.name
            for case in CASES
            if describe(judge(case.keyring, case.signature, case.data, NOW, verifier=LENIENT))
            != KINDS.get(case.name, "accept")
        }
        assert changed == {"self-signature SHA-1", "binding SHA-1", "back-signature SHA-1"}

    def test_unknown_name_is_refused(self) -> None:
        """A misspelt option must not be silent."""
        with pytest.raises(ValueError, match="sha1"):
            OpenPGPVerifier(frozenset({"sha1"}))


def test_time_zone_does_not_matter() -> None:
    """``now`` is a moment, wherever its clock hangs."""
    from datetime import timezone

    there = at(NOW).astimezone(timezone(timedelta(hours=9)))
    keys, signature = key_set(STAGE.key()), STAGE.signed(at=NOW)
    assert is_successful(OpenPGPVerifier().plan(signature, keys, AnyScope(), there))


def test_non_critical_unknown_subpackets_pass() -> None:
    """RFC 9580 section 5.2.3.7: only a critical one must be understood."""
    signature = STAGE.signed(hashed=[sub(99, b"x")], unhashed=[sub(99, b"y")])
    assert is_successful(judge(STAGE.key(), signature, DATA, NOW))


def test_import_is_light() -> None:
    """``--help`` needs neither pgpy nor cryptography."""
    code = (
        "import sys, pipeline.adapters.openpgp, pipeline.stages.verify\n"
        "print(sorted({'pgpy', 'cryptography'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == "[]\n"
