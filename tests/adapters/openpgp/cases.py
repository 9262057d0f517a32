"""Made signatures and keys, each with one thing that is special; what is said of them elsewhere.

``test_verifier`` holds our verdicts, ``tests/peers/test_gpg`` asks gpg and sqv for theirs. All
times are relative to ``now``, since sqv has no other clock than the machine's.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from tests.adapters.openpgp.forge import (
    CERTIFY,
    DAY,
    ENCRYPT,
    SIGN,
    YEAR,
    Key,
    armored,
    checksum,
    dsa_key,
    ec_key,
    ed25519_key,
    flags_sub,
    packet,
    rsa_key,
    sub,
    time_sub,
)

DATA = b"an image\n"
ALICE, BOB = b"Alice <alice@example.com>", b"Bob"


class Case(NamedTuple):
    """What goes into a verifier."""

    name: str
    keyring: bytes
    signature: bytes
    data: bytes = DATA


class Stage:
    """Alice, her signing subkey and a stranger, with keys made three years before ``now``."""

    def __init__(self, now: int) -> None:
        """Set the stage."""
        self.now, self.made = now, now - 3 * YEAR
        self.alice = ed25519_key("alice", self.made)
        self.subkey = ed25519_key("subkey", self.made)
        self.mallory = ed25519_key("mallory", self.made)
        self.stranger = ed25519_key("stranger", self.made)

    def signed(self, key: Key | None = None, data: bytes = DATA, **options: Any) -> bytes:
        """Return a signature made yesterday, by Alice's primary key unless told otherwise."""
        options.setdefault("at", self.now - DAY)
        return (key or self.alice).sign_file(data, **options)

    def key(self, *parts: bytes, **options: Any) -> bytes:
        """Return Alice's certificate, or another's."""
        owner: Key = options.pop("owner", self.alice)
        options.setdefault("at", self.made)
        return owner.certificate(*parts, **options)

    def back(self, subkey: Key | None = None, **options: Any) -> bytes:
        """Return a back-signature's body."""
        options.setdefault("at", self.made)
        subkey = subkey or self.subkey
        return subkey.sign(0x19, self.alice.hashed + subkey.hashed, **options)

    def bound(self, subkey: Key | None = None, **options: Any) -> bytes:
        """Return a binding of the subkey."""
        options.setdefault("at", self.made)
        subkey = subkey or self.subkey
        options.setdefault("back", self.back(subkey))
        return self.alice.bind(subkey, **options)

    def with_subkey(self, *signatures: bytes) -> bytes:
        """Return Alice's certificate with the subkey and the signatures behind it."""
        return self.key(self.subkey.as_subkey, *signatures)

    def revoked(self, reason: int | None, **options: Any) -> bytes:
        """Return a revocation of the subkey."""
        options.setdefault("at", self.made + DAY)
        given = () if reason is None else (sub(29, bytes((reason,))),)
        return self.alice.bind(self.subkey, kind=0x28, hashed=given, **options)

    def key_revoked(self, reason: int | None, **options: Any) -> bytes:
        """Return a revocation of Alice's primary key."""
        options.setdefault("at", self.made + DAY)
        given = () if reason is None else (sub(29, bytes((reason,))),)
        return self.alice.on_key(0x20, hashed=given, **options)

    def direct(self, *subpackets: bytes, **options: Any) -> bytes:
        """Return a direct-key signature."""
        options.setdefault("at", self.made)
        return self.alice.on_key(0x1F, hashed=subpackets, **options)

    def two_ids(
        self, first: dict[str, Any], second: dict[str, Any], *, revoked: bytes = b""
    ) -> bytes:
        """Return Alice's key with two user IDs, the options of their self-signatures given."""
        parts = [self.alice.as_primary]
        for user_id, options in ((ALICE, first), (BOB, second)):
            given = {"at": self.made, **options}
            parts += [packet(13, user_id), self.alice.certify(user_id, **given)]
            if user_id == revoked:
                parts.append(
                    self.alice.certify(user_id, kind=0x30, flags=None, at=self.made + 9 * DAY)
                )
        return b"".join(parts)


def make_cases(now: int) -> list[Case]:
    """Return all cases; names are distinct."""
    stage = Stage(now)
    families = (
        _times,
        _primary_keys,
        _user_ids,
        _self_signatures,
        _subkeys,
        _revocations,
        _subpackets,
        _issuers,
        _several,
        _packets,
        _armor,
        _keyrings,
        _algorithms,
        _text,
    )
    return [Case(*case) for family in families for case in family(stage)]


def _times(s: Stage) -> Iterator[tuple[Any, ...]]:
    key = s.key()
    yield "plain", key, s.signed()
    yield "future", key, s.signed(at=s.now + YEAR)
    yield "older than its key", key, s.signed(at=s.made - DAY)
    yield "no creation time", key, s.signed(at=None)
    yield "creation time unhashed", key, s.signed(at=None, unhashed=[time_sub(2, s.now - DAY)])
    yield "creation time of 3 octets", key, s.signed(at=None, hashed=[sub(2, b"\1\2\3")])
    yield "expired", key, s.signed(hashed=[time_sub(3, 60)])
    yield "not yet expired", key, s.signed(hashed=[time_sub(3, YEAR)])
    yield "expiry of zero", key, s.signed(hashed=[time_sub(3, 0)])
    yield "expiry unhashed", key, s.signed(unhashed=[time_sub(3, 60)])
    yield "two expiries, first over", key, s.signed(hashed=[time_sub(3, 60), time_sub(3, YEAR)])
    yield "two expiries, last over", key, s.signed(hashed=[time_sub(3, YEAR), time_sub(3, 60)])
    later = time_sub(2, s.now + YEAR)
    yield "two times, last future", key, s.signed(hashed=[later])
    recent = time_sub(2, s.now - DAY)
    yield "two times, first future", key, s.signed(at=s.now + YEAR, hashed=[recent])
    yield "two times, first too old", key, s.signed(at=s.made - YEAR, hashed=[recent])
    old = time_sub(2, s.made - YEAR)
    yield "two times, last too old", key, s.signed(hashed=[old])


def _primary_keys(s: Stage) -> Iterator[tuple[Any, ...]]:
    good = s.signed()
    over, long, never = [time_sub(9, YEAR)], [time_sub(9, 9 * YEAR)], [time_sub(9, 0)]
    yield "tampered file", s.key(), good, b"another image\n"
    yield "unknown key", s.key(owner=s.mallory), good
    yield "certify only", s.key(flags=CERTIFY), good
    yield "encrypt only", s.key(flags=ENCRYPT), good
    yield "no flags", s.key(flags=None), good
    sign, certify = flags_sub(CERTIFY | SIGN), flags_sub(CERTIFY)
    yield "direct flags sign", s.key(flags=None, before=[s.direct(sign)]), good
    yield "direct flags certify", s.key(flags=None, before=[s.direct(certify)]), good
    yield "direct sign, user ID certify", s.key(flags=CERTIFY, before=[s.direct(sign)]), good
    yield "direct certify, user ID sign", s.key(before=[s.direct(certify)]), good
    yield "misplaced direct certify", s.key(s.direct(certify)), good
    yield "expired key", s.key(hashed=over), good
    yield "key to expire", s.key(hashed=long), good
    yield "expired by direct", s.key(before=[s.direct(*over)]), good
    yield "expired by misplaced direct", s.key(s.direct(*over)), good
    yield "expired, direct longer", s.key(hashed=over, before=[s.direct(*long)]), good
    yield "expired, direct never", s.key(hashed=over, before=[s.direct(*never)]), good
    yield "longer, direct expired", s.key(hashed=long, before=[s.direct(*over)]), good
    yield "never, direct expired", s.key(hashed=never, before=[s.direct(*over)]), good
    early = s.signed(at=s.made + 2 * DAY)
    yield "expired since", s.key(hashed=over), early
    renewed = s.alice.certify(ALICE, at=s.made + 2 * DAY, hashed=long)
    yield "renewed", s.key(renewed, hashed=over), good
    shortened = s.alice.certify(ALICE, at=s.made + 2 * DAY, hashed=over)
    yield "shortened", s.key(shortened, hashed=long), good
    lapse = s.alice.certify(ALICE, at=s.now - 3600, hashed=long)
    yield "lapsed when it signed, renewed since", s.key(lapse, hashed=over), good
    future = ed25519_key("future", s.now + YEAR)
    yield "future key", future.certificate(at=s.now + YEAR), future.sign_file(DATA, at=s.now + YEAR)


def _user_ids(s: Stage) -> Iterator[tuple[Any, ...]]:
    good = s.signed()
    over, long = [time_sub(9, YEAR)], [time_sub(9, 9 * YEAR)]
    primary = sub(25, b"\1")
    later = s.made + DAY
    certify: dict[str, Any] = {"flags": CERTIFY}
    yield "no user ID", s.alice.as_primary, good
    yield "direct-key signature only", s.alice.as_primary + s.direct(flags_sub(3)), good
    yield "user ID unsigned", s.alice.as_primary + packet(13, ALICE), good
    forged = s.mallory.certify(ALICE, at=s.made)
    yield "user ID by another", s.alice.as_primary + packet(13, ALICE) + forged, good
    yield "user ID empty", s.key(user_id=b""), good
    yield "user ID not UTF-8", s.key(user_id=b"\xff\xfe"), good
    yield "user ID of 2038 octets", s.key(user_id=b"a" * 2038), good
    yield "user ID too long", s.key(user_id=b"a" * 2039), good
    yield "user ID too long beside another", s.key(packet(13, b"a" * 5000)), good
    yield "newer of two certify", s.two_ids({}, {**certify, "at": later}), good
    yield "older of two certify", s.two_ids(certify, {"at": later}), good
    marked: dict[str, Any] = {"flags": CERTIFY, "hashed": [primary]}
    yield "older of two certify, primary", s.two_ids(marked, {"at": later}), good
    yield "newer of two expired", s.two_ids({}, {"hashed": over, "at": later}), good
    yield "older of two expired", s.two_ids({"hashed": over}, {"hashed": long, "at": later}), good
    yield "older of two expired, newer silent", s.two_ids({"hashed": over}, {"at": later}), good
    silent = s.two_ids({"hashed": over}, {"at": later})
    own = len(s.alice.as_primary)
    never = silent[:own] + s.direct(time_sub(9, 0)) + silent[own:]
    yield "older of two expired, direct never", never, good
    longer = {"hashed": [*long, primary], "at": s.made}
    yield "newer expired, primary not", s.two_ids(longer, {"hashed": over, "at": later}), good
    yield "only user ID revoked", s.two_ids({}, {}, revoked=ALICE)[: _upto(s)], good
    yield "signing user ID revoked", s.two_ids(certify, {"at": later}, revoked=BOB), good
    yield "certifying user ID revoked", s.two_ids(marked, {}, revoked=ALICE), good
    yield "expired user ID revoked", s.two_ids({"hashed": over}, {}, revoked=ALICE), good


def _upto(s: Stage) -> int:
    """Return how long the first user ID's part of a key with two is."""
    rest = packet(13, BOB) + s.alice.certify(BOB, at=s.made)
    return -len(rest)


def _self_signatures(s: Stage) -> Iterator[tuple[Any, ...]]:
    good = s.signed()
    unknown = sub(99, b"x", critical=True)
    yield "self-signature SHA-1", s.key(digest="sha1"), good
    yield "self-signature MD5", s.key(digest="md5"), good
    yield "SHA-1 newer than SHA-256", s.key(s.alice.certify(digest="sha1", at=s.made + DAY)), good
    yield "SHA-256 newer than SHA-1", s.key(s.alice.certify(at=s.made + DAY), digest="sha1"), good
    over = s.direct(time_sub(9, YEAR), digest="sha1", at=s.made + DAY)
    yield "SHA-1 direct expires the key", s.key(before=[over]), good
    yield "self-signature expired", s.key(hashed=[time_sub(3, YEAR)]), good
    since = s.key(hashed=[time_sub(3, YEAR)])
    yield "self-signature expired since", since, s.signed(at=s.made + 2 * DAY)
    yield "self-signature later than the signature", s.key(at=s.now - 3600), good
    yield "self-signature future", s.key(at=s.now + YEAR), good
    yield "self-signature older than its key", s.key(at=s.made - DAY), good
    yield "self-signature without time", s.key(at=None), good
    yield "self-signature critical unknown", s.key(hashed=[unknown]), good
    yield "self-signature local", s.key(hashed=[sub(4, b"\0")]), good
    for kind in (0x10, 0x11, 0x12):
        yield f"certification 0x{kind:x}", s.key(kind=kind), good
    other = s.alice.certify(BOB, at=s.made)
    misplaced = s.alice.as_primary + packet(13, BOB) + s.alice.certify(at=s.made)
    yield "certification misplaced", misplaced + packet(13, ALICE), good
    corrupt = other[:-1] + bytes((other[-1] ^ 1,))
    yield "self-signature corrupt", s.alice.as_primary + packet(13, BOB) + corrupt, good
    broken = s.key(hashed=[sub(9, b"")])
    yield "self-signature with a malformed subpacket", broken, good
    key, alike = s.alice, s.alice.hashed + b"\xb4\0\0\0\3" + BOB
    body = key.sign(0x13, alike, at=s.made, hashed=[flags_sub(CERTIFY | SIGN)])
    padded = key.as_primary + packet(13, BOB) + packet(2, with_leading_zeros(body))
    yield "self-signature with leading zeros", padded, good
    dsa = replace(dsa_key(), created=s.made)
    yield "DSA key self-signed as ECDSA", s.key(owner=dsa, algorithm=19), s.signed(dsa)
    tie = s.alice.certify(flags=CERTIFY, at=s.made)
    yield "two in one second, later certify", s.key(tie), good


def with_leading_zeros(body: bytes) -> bytes:
    """Return a signature whose first number has eight zero bits in front."""
    start = 8 + int.from_bytes(body[4:6], "big")
    start += int.from_bytes(body[start - 2 : start], "big") + 2
    bits = int.from_bytes(body[start : start + 2], "big")
    return body[:start] + (bits + 8).to_bytes(2, "big") + b"\0" + body[start + 2 :]


def _subkeys(s: Stage) -> Iterator[tuple[Any, ...]]:
    good = s.signed(s.subkey)
    over = [time_sub(9, YEAR)]
    unknown = [sub(99, b"x", critical=True)]
    later = s.made + DAY
    yield "subkey", s.with_subkey(s.bound()), good
    yield "subkey, back-signature hashed", s.with_subkey(s.bound(back_hashed=True)), good
    yield "subkey unbound", s.with_subkey(), good
    binding = s.bound()
    corrupt = binding[:-1] + bytes((binding[-1] ^ 1,))
    yield "subkey binding corrupt", s.with_subkey(corrupt), good
    by_other = s.mallory.sign(0x19, s.alice.hashed + s.subkey.hashed, at=s.made)
    forged = s.mallory.sign(0x18, s.alice.hashed + s.subkey.hashed, at=s.made)
    yield "subkey bound by another", s.with_subkey(packet(2, forged)), good
    yield "subkey not in the key", s.key(), good
    yield "back-signature missing", s.with_subkey(s.bound(back=None)), good
    yield "back-signature by another", s.with_subkey(s.bound(back=by_other)), good
    back_corrupt = s.back()[:-1] + bytes((s.back()[-1] ^ 1,))
    yield "back-signature corrupt", s.with_subkey(s.bound(back=back_corrupt)), good
    changes: dict[str, dict[str, Any]] = {
        "SHA-1": {"digest": "sha1"},
        "MD5": {"digest": "md5"},
        "expired": {"hashed": [time_sub(3, YEAR)]},
        "future": {"at": s.now + YEAR},
        "later than the signature": {"at": s.now - 3600},
        "older than the subkey": {"at": s.made - DAY},
        "without time": {"at": None},
        "critical unknown": {"hashed": unknown},
        "malformed": {"hashed": [sub(9, b"")]},
        "without issuer": {"issuer": False},
    }
    for name, options in changes.items():
        yield f"back-signature {name}", s.with_subkey(s.bound(back=s.back(**options))), good
    wrong_kind = s.subkey.sign(0x18, s.alice.hashed + s.subkey.hashed, at=s.made)
    yield "back-signature of another type", s.with_subkey(s.bound(back=wrong_kind)), good
    yield "subkey without flags", s.with_subkey(s.bound(flags=None)), good
    yield "subkey without flags or back", s.with_subkey(s.bound(flags=None, back=None)), good
    yield "subkey to encrypt", s.with_subkey(s.bound(flags=ENCRYPT)), good
    changes = {
        "SHA-1": {"digest": "sha1"},
        "expired": {"hashed": [time_sub(3, YEAR)]},
        "later than the signature": {"at": s.now - 3600},
        "future": {"at": s.now + YEAR},
        "older than the subkey": {"at": s.made - DAY},
        "without issuer": {"issuer": False},
        "critical unknown": {"hashed": unknown},
    }
    for name, options in changes.items():
        yield f"binding {name}", s.with_subkey(s.bound(**options)), good
    encrypt = s.bound(flags=ENCRYPT, back=None, at=later)
    yield "newer binding to encrypt", s.with_subkey(s.bound(), encrypt), good
    first = s.bound(flags=ENCRYPT, back=None)
    yield "newer binding to sign", s.with_subkey(first, s.bound(at=later)), good
    no_back = s.bound(back=None, at=later)
    yield "newer binding without back", s.with_subkey(s.bound(), no_back), good
    void = s.bound(at=later, hashed=[time_sub(3, DAY)])
    yield "newer binding expired", s.with_subkey(s.bound(), void), good
    to_come = s.bound(flags=ENCRYPT, back=None, at=s.now + YEAR)
    yield "future binding to encrypt", s.with_subkey(s.bound(), to_come), good
    yield "subkey expired", s.with_subkey(s.bound(hashed=over)), good
    yield "subkey expired since", s.with_subkey(s.bound(hashed=over)), s.signed(s.subkey, at=later)
    yield "subkey renewed", s.with_subkey(s.bound(hashed=over), s.bound(at=later)), good
    yield "primary key expired", s.key(s.subkey.as_subkey, s.bound(), hashed=over), good
    young = ed25519_key("young", s.now - 2 * DAY)
    bound = s.bound(young, at=young.created, back=s.back(young, at=young.created))
    with_young = s.key(young.as_subkey, bound)
    yield "older than its subkey", with_young, s.signed(young, at=s.now - 3 * DAY)
    coming = ed25519_key("coming", s.now + 50)
    bound = s.bound(coming, back=s.back(coming, at=coming.created))
    with_coming = s.key(coming.as_subkey, bound)
    yield "subkey of the next minute", with_coming, s.signed(coming, at=coming.created)
    old = ed25519_key("old", s.made - YEAR)
    with_old = s.key(old.as_subkey, s.bound(old, back=s.back(old)))
    yield "subkey older than its primary key", with_old, s.signed(old)
    yield "older than the primary key", with_old, s.signed(old, at=s.made - DAY)
    yield "binding misplaced", s.key(s.bound(), s.subkey.as_subkey), good
    adopted = s.mallory.bind(s.subkey, back=None, at=s.made)
    stolen = s.mallory.bind(s.subkey, back=s.back(), at=s.made)
    mallory = s.key(s.subkey.as_subkey, adopted, owner=s.mallory)
    yield "subkey adopted", mallory, good
    yield (
        "adopted with its back-signature",
        s.key(s.subkey.as_subkey, stolen, owner=s.mallory),
        good,
    )
    yield "adopted by one, owned by another", mallory + s.with_subkey(s.bound()), good
    weak = replace(rsa_key(1024), created=s.made)
    bound = s.bound(weak, back=s.back(weak))
    yield "weak subkey", s.key(weak.as_subkey, bound), s.signed(weak)
    strong = weak.bind(
        s.subkey, at=s.made, back=s.subkey.sign(0x19, weak.hashed + s.subkey.hashed, at=s.made)
    )
    yield "weak primary key", s.key(s.subkey.as_subkey, strong, owner=weak), good


def _revocations(s: Stage) -> Iterator[tuple[Any, ...]]:
    by_subkey, good = s.signed(s.subkey), s.signed()
    bound = s.bound()
    again = s.bound(at=s.made + 2 * DAY)
    early = s.signed(s.subkey, at=s.made + 60)
    yield "subkey revoked, hard", s.with_subkey(bound, s.revoked(2)), by_subkey
    yield "subkey revoked, soft, since", s.with_subkey(bound, s.revoked(1)), early
    yield "subkey revoked, soft, bound again", s.with_subkey(bound, s.revoked(1), again), by_subkey
    yield "subkey revoked, hard, bound again", s.with_subkey(bound, s.revoked(2), again), by_subkey
    yield "subkey revoked, SHA-1", s.with_subkey(bound, s.revoked(2, digest="sha1")), by_subkey
    yield "subkey revoked, MD5", s.with_subkey(bound, s.revoked(2, digest="md5")), by_subkey
    yield "subkey revoked, future", s.with_subkey(bound, s.revoked(1, at=s.now + YEAR)), by_subkey
    nobody = s.with_subkey(bound, s.revoked(2, issuer=False))
    yield "subkey revoked, without issuer", nobody, by_subkey
    misplaced = s.key(s.revoked(2), s.subkey.as_subkey, bound)
    yield "subkey revoked, misplaced", misplaced, by_subkey
    stranger = packet(2, s.mallory.sign(0x28, s.alice.hashed + s.subkey.hashed, at=s.made))
    yield "subkey revoked by another", s.with_subkey(bound, stranger), by_subkey
    yield "primary key revoked", s.with_subkey(bound, s.key_revoked(2)), by_subkey
    yield "key revoked, hard", s.key(before=[s.key_revoked(2)]), good
    yield "key revoked, no reason", s.key(before=[s.key_revoked(None)]), good
    yield "key revoked, soft, since", s.key(before=[s.key_revoked(1)]), s.signed(at=s.made + 60)
    newer = s.key(at=s.made + 2 * DAY, before=[s.key_revoked(1)])
    yield "key revoked, soft, self-signed again", newer, good
    yield "key revoked, SHA-1", s.key(before=[s.key_revoked(2, digest="sha1")]), good
    yield "key revoked, misplaced", s.key(s.key_revoked(2)), good
    yield "key revoked, future", s.key(before=[s.key_revoked(1, at=s.now + YEAR)]), good
    yield "key revoked, before it was", s.key(before=[s.key_revoked(2, at=s.made - DAY)]), good
    critical = s.alice.on_key(0x20, at=s.made + DAY, hashed=[sub(29, b"\2", critical=True)])
    yield "key revoked, critical reason", s.key(before=[critical]), good
    unknown = s.alice.on_key(0x20, at=s.made + DAY, hashed=[sub(99, b"x", critical=True)])
    yield "key revoked, critical unknown", s.key(before=[unknown]), good
    forged = s.mallory.on_key(0x20, target=s.alice, at=s.made + DAY)
    yield "key revoked by another", s.key(before=[forged]), good
    by_fingerprint = s.alice.on_key(
        0x20,
        at=s.made + DAY,
        issuer=False,
        hashed=[sub(33, b"\4" + bytes.fromhex(s.alice.fingerprint))],
    )
    yield "key revoked, named by fingerprint alone", s.key(before=[by_fingerprint]), good
    yield "second copy revoked", s.key() + s.key(before=[s.key_revoked(2)]), good
    appointed = s.direct(sub(12, b"\x80\x16" + bytes.fromhex(s.mallory.fingerprint)))
    by_appointed = s.key(before=[appointed, forged])
    yield "key revoked by an appointed key", by_appointed + s.key(owner=s.mallory), good
    named = bytes.fromhex(s.mallory.fingerprint)
    pretended = s.stranger.on_key(
        0x20,
        target=s.alice,
        at=s.made + DAY,
        issuer=False,
        hashed=[sub(33, b"\4" + named)],
        unhashed=[sub(16, named[-8:])],
    )
    in_the_name = s.key(before=[appointed, pretended]) + s.key(owner=s.mallory)
    yield "key revoked in the name of an appointed key", in_the_name, good
    yield "key revoked by an absent appointed key", by_appointed, good


UNDERSTOOD = (2, 3, 4, 5, 6, 7, 9, 11, 12, 16, 21, 22, 24, 25, 26, 27, 29, 30, 33)


def _subpackets(s: Stage) -> Iterator[tuple[Any, ...]]:
    key = s.key()
    day, year = (s.now - DAY).to_bytes(4, "big"), (9 * YEAR).to_bytes(4, "big")
    known = bytes.fromhex(s.alice.fingerprint)
    bodies = {2: day, 3: year, 4: b"\1", 5: b"\1\1", 6: b"a\0", 7: b"\1", 9: year, 25: b"\1"}
    bodies |= {12: b"\x80\x16" + bytes(20), 16: known[-8:], 20: bytes(5) + b"\3\0\1a@bc"}
    bodies |= {29: b"\0", 31: b"\1\x08" + bytes(32), 33: b"\4" + known, 35: b"\4" + bytes(20)}
    for kind in (*UNDERSTOOD, 0, 1, 8, 10, 20, 23, 28, 31, 34, 35, 37, 39, 99, 100, 110):
        body = bodies.get(kind, b"x")
        yield f"critical {kind}", key, s.signed(hashed=[sub(kind, body, critical=True)])
        yield f"critical unhashed {kind}", key, s.signed(unhashed=[sub(kind, body, critical=True)])
        yield f"plain {kind}", key, s.signed(hashed=[sub(kind, body)])
    for kind in range(40):
        yield f"empty {kind}", key, s.signed(hashed=[sub(kind, b"")])
    for kind in (4, 7, 25):
        yield f"boolean of 2 in {kind}", key, s.signed(hashed=[sub(kind, b"\2")])
    yield "notation", key, s.signed(hashed=[sub(20, bodies[20])])
    long_form = b"\xff\0\0\0\2" + bytes((27, 3))
    yield "subpacket length of 5 octets", key, s.signed(hashed=[long_form])
    yield "subpacket length beyond the area", key, s.signed(hashed=[b"\x7f\x1b"])
    yield "subpacket length of 0", key, s.signed(hashed=[b"\0"])


def _issuers(s: Stage) -> Iterator[tuple[Any, ...]]:
    key = s.key()
    known = bytes.fromhex(s.alice.fingerprint)
    fingerprint, key_id = sub(33, b"\4" + known), sub(16, known[-8:])
    wrong_fingerprint, wrong_id = sub(33, b"\4" + bytes(20)), sub(16, bytes(8))
    for name, hashed, unhashed in (
        ("none", (), ()),
        ("fingerprint", (fingerprint,), ()),
        ("fingerprint unhashed", (), (fingerprint,)),
        ("key ID hashed", (key_id,), ()),
        ("wrong fingerprint, right key ID", (wrong_fingerprint,), (key_id,)),
        ("right fingerprint, wrong key ID", (fingerprint,), (wrong_id,)),
        ("two key IDs, the first wrong", (), (wrong_id, key_id)),
        ("two key IDs, the first right", (), (key_id, wrong_id)),
    ):
        options: dict[str, Any] = {"hashed": hashed, "unhashed": unhashed, "issuer": False}
        yield f"issuer {name}", key, s.signed(**options)
        subject = s.alice.hashed + b"\xb4" + len(ALICE).to_bytes(4, "big") + ALICE
        body = s.alice.sign(
            0x13,
            subject,
            at=s.made,
            hashed=(*hashed, flags_sub(3)),
            unhashed=unhashed,
            issuer=False,
        )
        cert = s.alice.as_primary + packet(13, ALICE) + packet(2, body)
        yield f"self-signature issuer {name}", cert, s.signed()


def _several(s: Stage) -> Iterator[tuple[Any, ...]]:
    good, unknown = s.signed(), s.signed(s.stranger)
    both = s.key() + s.key(owner=s.mallory)
    bad = s.signed(s.mallory, b"another image\n")
    yield "two good", both, good + s.signed(s.mallory)
    yield "two good, other hash", both, good + s.signed(s.mallory, digest="sha512")
    yield "twice the same", both, good + good
    yield "good and bad", both, good + bad
    yield "bad and good", both, bad + good
    yield "good and unknown", both, good + unknown
    yield "unknown and good", both, unknown + good
    yield "only unknown", both, unknown + unknown
    yield "good and anonymous", both, good + s.signed(s.mallory, issuer=False)
    yield "good and SHA-1", both, good + s.signed(s.mallory, digest="sha1")
    yield (
        "good and SHA-1 of another file",
        both,
        good + s.signed(s.mallory, b"another image\n", digest="sha1"),
    )
    yield "good and MD5", both, good + s.signed(s.mallory, digest="md5")
    yield "good and future", both, good + s.signed(s.mallory, at=s.now + YEAR)
    yield "good and expired", both, good + s.signed(s.mallory, hashed=[time_sub(3, 60)])
    yield "good and older than its key", both, good + s.signed(s.mallory, at=s.made - DAY)
    critical = s.signed(s.mallory, hashed=[sub(99, b"x", critical=True)])
    yield "good and critical unknown", both, good + critical
    yield "good and standalone", both, good + s.signed(s.mallory, kind=2)
    revoked = s.mallory.on_key(0x20, at=s.made + DAY)
    with_revoked = s.key() + s.key(owner=s.mallory, before=[revoked])
    yield "good and by a revoked key", with_revoked, good + s.signed(s.mallory)
    weak = s.key() + s.key(owner=s.mallory, digest="sha1")
    yield "good and by a SHA-1 key", weak, good + s.signed(s.mallory)
    yield "good and version 6", both, good + packet(2, b"\6" + bytes(60))
    yield "good and version 3", both, good + packet(2, b"\3" + bytes(30))
    yield "good and empty", both, good + packet(2, b"")
    yield "128 of the same", both, good * 128
    yield "129 of the same", both, good * 129
    blocks = armored(good * 64) + armored(good * 65)
    yield "129 of the same in two blocks", both, blocks
    yield "only a marker", both, packet(10, b"PGP")


def _packets(s: Stage) -> Iterator[tuple[Any, ...]]:
    key, good = s.key(), s.signed()
    body = s.alice.sign(0, DATA, at=s.now - DAY)
    yield "old header", key, bytes((0x80 | 2 << 2, len(body))) + body
    yield "old header, two octets", key, bytes((0x80 | 2 << 2 | 1, 0, len(body))) + body
    yield "indeterminate length", key, bytes((0x80 | 2 << 2 | 3,)) + body
    yield (
        "partial length",
        key,
        bytes((0xC2, 0xE0 | 6)) + body[:64] + bytes((len(body) - 64,)) + body[64:],
    )
    yield "cut off", key, good[:-1]
    yield "trailing zeros", key, good + bytes(3)
    yield "trailing newline", key, good + b"\n"
    for name, tag, rest in (
        ("marker", 10, b"PGP"),
        ("literal", 11, b"b\0\0\0\0\0hello"),
        ("user ID", 13, b"x"),
        ("padding", 21, b"abc"),
        ("private", 60, b"abc"),
    ):
        yield f"{name} behind", key, good + packet(tag, rest)
        yield f"{name} in front", key, packet(tag, rest) + good
    yield "compressed", key, packet(8, b"\0" + good)
    yield "a key", key, key
    yield "nothing", key, b""
    yield "trailing octets in the packet", key, packet(2, body + b"xx")
    hashed = int.from_bytes(body[4:6], "big")
    at = 8 + hashed + int.from_bytes(body[6 + hashed : 8 + hashed], "big")
    yield "wrong digest prefix", key, packet(2, body[:at] + bytes((body[at] ^ 1,)) + body[at + 1 :])
    yield "number with leading zeros", key, packet(2, with_leading_zeros(body))
    yield "numbers cut off", key, packet(2, body[:-1])
    yield "numbers missing", key, packet(2, body[: at + 2])
    for kind in (0x02, 0x10, 0x16, 0x18, 0x1F, 0x20, 0x28, 0x30, 0x40, 0x50, 0x60, 0x77):
        yield f"type 0x{kind:02x}", key, s.signed(kind=kind)
        yield f"type 0x{kind:02x} over nothing", key, s.signed(data=b"", kind=kind)
    for name in ("sha1", "md5", "sha224", "sha384", "sha512"):
        yield f"hash {name}", key, s.signed(digest=name)
    yield "algorithm unknown", key, s.signed(algorithm=99)
    yield "algorithm of another key", key, s.signed(algorithm=19)


def _armor(s: Stage) -> Iterator[tuple[Any, ...]]:
    both = s.key() + s.key(owner=s.mallory)
    good, other = armored(s.signed()), armored(s.signed(s.mallory))
    unknown = armored(s.signed(s.stranger))
    bad = armored(s.signed(s.mallory, b"another image\n"))
    crc = good.splitlines()[-2]
    blank = b"\n\n"
    end = b"-----END PGP SIGNATURE-----"
    yield "armor", both, good
    yield "armor CRLF", both, good.replace(b"\n", b"\r\n")
    yield "armor CR", both, good.replace(b"\n", b"\r")
    yield "armor without checksum", both, good.replace(crc + b"\n", b"")
    yield "armor bad checksum", both, good.replace(crc, b"=AAAA")
    yield "armor checksum twice", both, good.replace(crc, crc + b"\n" + crc)
    yield "armor checksum on the last line", both, good.replace(b"\n" + crc, crc)
    yield "armor blank behind checksum", both, good.replace(crc, crc + b"\n")
    yield "armor text behind checksum", both, good.replace(crc, crc + b"\ntext")
    yield "armor leading text", both, b"text\n\n" + good
    yield "armor trailing text", both, good + b"text\n"
    yield "armor no final newline", both, good.rstrip()
    yield "armor indented", both, b" " + good
    yield "armor byte order mark", both, b"\xef\xbb\xbf" + good
    yield "armor of six dashes", both, b"-" + good
    yield "armor lower case", both, good.replace(b"SIGNATURE", b"signature")
    yield "armor called MESSAGE", both, good.replace(b"SIGNATURE", b"MESSAGE")
    yield "armor called otherwise at the end", both, good.replace(end, b"-----END PGP MESSAGE-----")
    yield "armor END with a dash fewer", both, good.replace(end, end[:-1])
    yield "armor END with more", both, good.replace(end, end + b"xx")
    yield "armor END on the last line", both, good.replace(b"\n" + end, end)
    yield "armor without END", both, good.replace(end, b"")
    yield "armor without blank line", both, good.replace(blank, b"\n", 1)
    for name, header in (
        ("header", b"Version: 1"),
        ("header empty", b"Comment: "),
        ("header unknown", b"Foo: bar"),
        ("header not ASCII", b"Comment: \xc3\xa9"),
        ("header without space", b"Comment:x"),
        ("header without value", b"Comment:"),
        ("header without colon", b"nothing"),
    ):
        yield f"armor {name}", both, good.replace(blank, b"\n" + header + blank, 1)
    yield "armor blank line of spaces", both, good.replace(blank, b"\n  \t\n", 1)
    yield "armor blank line of form feed", both, good.replace(blank, b"\n\f\n", 1)
    yield "armor two blank lines", both, good.replace(blank, b"\n\n\n", 1)
    yield "armor blank line inside", both, good[:90] + blank + good[90:]
    yield "armor space inside", both, good[:90] + b" " + good[90:]
    yield "armor star inside", both, good[:90] + b"*" + good[90:]
    yield "armor zero inside", both, good[:90] + b"\0" + good[90:]
    yield "armor empty", both, b"-----BEGIN PGP SIGNATURE-----\n\n" + end + b"\n"
    yield "armor empty, then good", both, b"-----BEGIN PGP SIGNATURE-----\n\n" + end + b"\n" + good
    yield "armor of two signatures", both, armored(s.signed() + s.signed(s.mallory))
    yield "two blocks, both good", both, good + other
    yield "two blocks, second bad", both, good + bad
    yield "two blocks, first unknown", both, unknown + good
    yield "two blocks, second unknown", both, good + unknown
    yield "second block begun", both, good + b"-----BEGIN PGP SIGNATURE-----\n"
    clear = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nan image\n" + good
    yield "cleartext", both, clear
    yield "cleartext behind", both, good + clear
    assert checksum(b"") == b"\xb7\x04\xce"  # the forge's own


def _keyrings(s: Stage) -> Iterator[tuple[Any, ...]]:
    key, other, good = s.key(), s.key(owner=s.mallory), s.signed()

    def block(data: bytes) -> bytes:
        return armored(data, "PUBLIC KEY BLOCK")

    yield "keyring armored", block(key), good
    yield "keyring of two", other + key, good
    yield "keyring of two blocks", block(other) + b"text\n" + block(key), good
    yield "keyring and a signature block", block(key) + armored(good), good
    yield "keyring bad checksum", block(key).replace(b"\n-----END", b"\n=AAAA\n-----END"), good
    yield "keyring cut off", key[:-3], good
    yield "keyring trailing garbage", key + b"xyz", good
    yield "keyring empty", b"", good
    yield "keyring marker first", packet(10, b"PGP") + key, good
    yield "keyring trust packets", key + packet(12, b"abc"), good
    yield "keyring unknown packet", key + packet(60, b"abc"), good
    yield "keyring critical unknown packet", packet(39, b"abc") + key, good
    yield "keyring signature first", good + key, good
    yield "keyring version 3 first", packet(6, b"\3" + bytes(20)) + packet(13, b"x") + key, good
    yield "keyring version 6 first", packet(6, b"\6" + bytes(60)) + packet(13, b"x") + key, good
    yield "keyring user attribute", key + packet(17, b"\x02\x01x"), good
    yield "keyring unknown subkey", key + packet(14, s.subkey.body[:5] + b"\x63abc"), good
    yield (
        "key with trailing octets",
        packet(6, s.alice.body + b"xx") + key[len(s.alice.as_primary) :],
        good,
    )
    yield "subkey in the second copy", key + s.with_subkey(s.bound()), s.signed(s.subkey)


def _algorithms(s: Stage) -> Iterator[tuple[Any, ...]]:
    keys = {
        "RSA 1024": rsa_key(1024),
        "RSA 2048": rsa_key(),
        "DSA 1024": dsa_key(1024),
        "DSA 2048": dsa_key(),
        "P-256": ec_key(ec.SECP256R1()),
        "P-384": ec_key(ec.SECP384R1()),
        "P-521": ec_key(ec.SECP521R1()),
        "secp256k1": ec_key(ec.SECP256K1()),
        "brainpoolP256r1": ec_key(ec.BrainpoolP256R1()),
    }
    for name, made in keys.items():
        key = replace(made, created=s.made)
        for digest in ("sha1", "sha224", "sha256", "sha384", "sha512"):
            cert = s.key(owner=key, digest="sha512")
            yield f"{name} {digest}", cert, s.signed(key, digest=digest)
        weak = s.key(owner=key, digest="sha224")
        yield f"{name} self-signed sha224", weak, s.signed(key, digest="sha512")
    key = replace(rsa_key(), created=s.made)
    for algorithm in (2, 3):
        yield f"RSA by algorithm {algorithm}", s.key(owner=key), s.signed(key, algorithm=algorithm)
        limited = replace(key, declared=algorithm)
        yield f"RSA key of algorithm {algorithm}", s.key(owner=limited), s.signed(limited)
        by_one = s.signed(limited, algorithm=1)
        yield f"RSA key of algorithm {algorithm}, by 1", s.key(owner=limited), by_one


def _text(s: Stage) -> Iterator[tuple[Any, ...]]:
    for name, signed, data in (
        ("LF", b"a\r\nb\r\n", b"a\nb\n"),
        ("CR LF", b"a\r\nb\r\n", b"a\r\nb\r\n"),
        ("mixed", b"a\r\nb\r\n", b"a\r\nb\n"),
        ("no end", b"a\r\nb", b"a\nb"),
        ("empty", b"", b""),
        ("spaces at the end", b"a\r\n", b"a \n"),
        ("as it is", b"a\nb\n", b"a\nb\n"),
    ):
        yield f"text {name}", s.key(), s.signed(data=signed, kind=1), data
    yield "binary LF for CR LF", s.key(), s.signed(data=b"a\r\n"), b"a\n"
    yield "binary empty", s.key(), s.signed(data=b""), b""
