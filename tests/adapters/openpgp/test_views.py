"""Views: which of several statements is in force, for gpg now and for sqv then."""

from pipeline.adapters.openpgp.signatures import SignaturePacket, read_signature
from pipeline.adapters.openpgp.views import view_of_now, view_of_then
from tests.adapters.openpgp.cases import Stage
from tests.adapters.openpgp.forge import DAY, NOW, flags_sub, sub, time_sub

STAGE = Stage(NOW)


def made(at: int, flags: int, *hashed: bytes, digest: str = "sha256") -> SignaturePacket:
    """Return a signature that says some key flags."""
    body = STAGE.alice.sign(0x13, b"", at=at, hashed=[flags_sub(flags), *hashed], digest=digest)
    return read_signature(body).unwrap()


def by_gpg(*signatures: SignaturePacket, at: int = NOW) -> int | None:
    """Return the flags that gpg believes."""
    said = view_of_now(at).says(signatures)
    return None if said is None else said.key_flags


def by_sqv(*signatures: SignaturePacket, at: int = NOW, sha1: bool = False) -> int | None:
    """Return the flags that sqv believes."""
    said = view_of_then(at, sha1=sha1).says(signatures)
    return None if said is None else said.key_flags


def test_newest() -> None:
    """Whatever the order."""
    old, new = made(NOW - DAY, 1), made(NOW, 2)
    assert by_gpg(old, new) == by_gpg(new, old) == by_sqv(old, new) == by_sqv(new, old) == 2
    assert by_gpg() is by_sqv() is None


def test_future() -> None:
    """sqv looks at what had been made; gpg does not look at the date."""
    now, later = made(NOW, 1), made(NOW + 1, 2)
    assert (by_gpg(now, later), by_sqv(now, later)) == (2, 1)
    assert by_sqv(now, later, at=NOW + 1) == 2


def test_expired() -> None:
    """An expired statement leaves the word to an older one, from that second on."""
    old, brief = made(NOW - DAY, 1), made(NOW - 60, 2, time_sub(3, 60))
    for by in (by_gpg, by_sqv):
        assert by(old, brief, at=NOW - 1) == 2
        assert by(old, brief, at=NOW) == 1
    newest = view_of_now(NOW).newest((old, brief), even_expired=True)
    assert newest is brief


def test_hashes() -> None:
    """SHA-1 counts for gpg, and for sqv where it is let pass."""
    strong, weak = made(NOW - DAY, 1), made(NOW, 2, digest="sha1")
    assert (by_gpg(strong, weak), by_sqv(strong, weak)) == (2, 1)
    assert by_sqv(strong, weak, sha1=True) == 2
    assert by_gpg(made(NOW, 2, digest="md5")) is None


def test_local() -> None:
    """gpg does not import what is not to be exported."""
    known, local = made(NOW - DAY, 1), made(NOW, 2, sub(4, b"\0"))
    assert (by_gpg(known, local), by_sqv(known, local)) == (1, 2)


def test_same_second() -> None:
    """gpg takes the later in the file, sqv the one with the smaller numbers."""
    one, other = made(NOW, 1), made(NOW, 2)
    smaller, larger = sorted((one, other), key=lambda signature: signature.mathematics[2:])
    assert view_of_now(NOW).newest((one, other)) is other
    assert view_of_now(NOW).newest((other, one)) is one
    for pair in ((smaller, larger), (larger, smaller)):
        assert view_of_then(NOW).newest(pair) is smaller
