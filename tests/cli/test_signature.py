"""``signature verify``: any file, named keys, no keystore; exit code 0 or the reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.world import World, make_key, sign

CONTENT = b"any file at all\n"


@pytest.fixture(scope="module")
def second_key() -> Any:
    return make_key("Second \x1b[31mSigner")


@pytest.fixture
def signed(world: World) -> World:
    """A world with a file, its signature, and the maker's key, in files."""
    Path("file").write_bytes(CONTENT)
    Path("file.sig").write_bytes(sign(world.key, CONTENT))
    Path("key.asc").write_text(str(world.key.pubkey))
    return world


def verify(world: World, *options: str) -> int:
    return world.run("signature", "verify", "file", "--signature", "file.sig", *options)


def fingerprint(key: Any) -> str:
    return str(key.fingerprint).replace(" ", "").lower()


class TestGood:
    """Fingerprints on stdout, a line each."""

    def test_fingerprint(self, signed: World) -> None:
        assert verify(signed, "--key", "key.asc") == 0, signed.err
        assert signed.out == f"{fingerprint(signed.key)}\n"

    def test_json(self, signed: World) -> None:
        assert verify(signed, "--key", "key.asc", "--json") == 0
        assert json.loads(signed.out)["fingerprint"] == fingerprint(signed.key)

    def test_several_keys_and_signers(self, signed: World, second_key: Any) -> None:
        Path("second.asc").write_text(str(second_key.pubkey))
        Path("file.sig").write_bytes(
            bytes(signed.key.sign(CONTENT)) + bytes(second_key.sign(CONTENT))
        )
        both = ("--key", "key.asc", "--key", "second.asc", "--signers", "2")
        assert verify(signed, *both) == 0, signed.err
        assert signed.out.split() == [fingerprint(signed.key), fingerprint(second_key)]
        assert "\x1b" not in signed.err

    def test_the_keystore_has_no_part(self, signed: World, second_key: Any) -> None:
        signed.trust()
        Path("second.asc").write_text(str(second_key.pubkey))
        assert verify(signed, "--key", "second.asc") == 6


class TestBad:
    """Exit code 6 and the reason; nothing on stdout."""

    def test_tampered(self, signed: World) -> None:
        Path("file").write_bytes(CONTENT + b"!")
        assert verify(signed, "--key", "key.asc") == 6
        assert signed.out == ""
        assert "bad signature" in signed.err

    def test_one_signer_twice_is_one(self, signed: World) -> None:
        Path("file.sig").write_bytes(2 * bytes(signed.key.sign(CONTENT)))
        assert verify(signed, "--key", "key.asc") == 0
        assert verify(signed, "--key", "key.asc", "--signers", "2") == 6
        assert "wanted 2 distinct signers" in signed.err

    def test_before_the_key(self, signed: World) -> None:
        assert verify(signed, "--key", "key.asc", "--at", "2001-01-01T00:00:00Z") == 6

    @pytest.mark.parametrize("content", [b"", b"junk", b"\x00" * 100, b"A" * 10_000_000])
    def test_junk_signature(self, signed: World, content: bytes) -> None:
        Path("file.sig").write_bytes(content)
        assert verify(signed, "--key", "key.asc") == 6

    def test_junk_key(self, signed: World) -> None:
        Path("key.asc").write_bytes(b"junk")
        assert verify(signed, "--key", "key.asc") == 6
        assert "key.asc" in signed.err

    @pytest.mark.parametrize("missing", ["file", "file.sig", "key.asc"])
    def test_missing_file(self, signed: World, missing: str) -> None:
        Path(missing).unlink()
        assert verify(signed, "--key", "key.asc") == 6
        assert missing in signed.err

    @pytest.mark.parametrize("time", ["yesterday", "2026-11-23", "0001-01-01T00:00:00+01:00"])
    def test_no_time(self, signed: World, time: str) -> None:
        assert verify(signed, "--key", "key.asc", "--at", time) == 2
