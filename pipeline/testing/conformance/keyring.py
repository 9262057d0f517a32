"""Conformance checks for whoever writes a keyring: :func:`check_keyring`."""

from collections.abc import Callable
from typing import Final

from pipeline.names import ImageName
from pipeline.ports import Keyring
from pipeline.testing.conformance.promises import expect, expect_success
from pipeline.testing.openpgp import OpenPGPKey, make_openpgp_key
from pipeline.trust import AnyScope, KeySet, NamedScope, TrustedKey, TrustScope

_PREFIXES: Final = (None, "example.com", "example.com/app", "other.example/app")
"""For which names each of the keys speaks; the first is a root key."""

_WANTED: Final[tuple[tuple[str, tuple[int, ...]], ...]] = (
    ("example.com/app", (0, 1, 2)),
    ("example.com/app/sub", (0, 1, 2)),
    ("example.com/application", (0, 1)),
    ("example.com/app-evil", (0, 1)),
    ("example.com", (0, 1)),
    ("example.community/app", (0,)),
    ("other.example/app", (0, 3)),
    ("other.example", (0,)),
    ("nobody.example/app", (0,)),
)
"""Which of the keys speak for a name (appc/spec v0.8.11 ``spec/discovery.md`` "Validation")."""


def check_keyring(make: Callable[[tuple[TrustedKey, ...]], Keyring]) -> None:
    """Check that a keyring keeps what the port promises; ``make`` makes one of just these keys.

    Entries may say in their own way where a key is; what is compared is for which names it is
    trusted, its fingerprint, and its bytes.

    Errors: NonConformance.
    """
    empty = make(())
    for scope in (AnyScope(), NamedScope(ImageName("example.com/app"))):
        _expect_keys(empty, scope, (), "no keys are a success without any")
    made = [make_openpgp_key(f"Key {number}", seed=number) for number in range(len(_PREFIXES))]
    trusted = tuple(_trusted(key, prefix) for key, prefix in zip(made, _PREFIXES, strict=True))
    keyring = make(trusted)
    for name, numbers in _WANTED:
        wanted = tuple(trusted[number] for number in numbers)
        promise = f"the keys for {name} are the root keys and those whose prefix covers it"
        _expect_keys(keyring, NamedScope(ImageName(name)), wanted, promise)
    _expect_keys(keyring, AnyScope(), trusted, "where no name is asked for, all keys count")


def _trusted(key: OpenPGPKey, prefix: str | None) -> TrustedKey:
    return key.trusted(None if prefix is None else ImageName(prefix))


def _expect_keys(
    keyring: Keyring, scope: TrustScope, wanted: tuple[TrustedKey, ...], promise: str
) -> None:
    found = expect_success(keyring.keys_for(scope), "ask for keys")
    got = [_identity(key) for key in found.keys]
    expect(set(got) == {_identity(key) for key in wanted}, promise)
    expect(len(got) == len(wanted), "each key is there once")
    again = expect_success(keyring.keys_for(scope), "ask for keys again")
    expect(again.keys == found.keys, "the keys are in the same order each time")
    expect(_usable(found) == set(found.keys), "no key that is trusted is masked")


def _identity(key: TrustedKey) -> tuple[ImageName | None, str, bytes]:
    return key.entry.prefix, key.entry.fingerprint.hex, key.keyring


def _usable(keys: KeySet) -> set[TrustedKey]:
    return {key for key in keys.keys if key.entry.fingerprint not in keys.masked}
