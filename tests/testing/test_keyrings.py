"""Keyrings keep what the port promises, ours do, and the check notices one that does not."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Final

import pytest
from returns.result import Failure, Result

from pipeline.adapters.keystore import FileKeystore
from pipeline.errors import ConfigurationError, KeyNotFound
from pipeline.ports import Keyring
from pipeline.testing.conformance import NonConformance, check_keyring
from pipeline.testing.fakes import StaticKeyring
from pipeline.testing.openpgp import make_openpgp_key
from pipeline.trust import AnyScope, KeySet, NamedScope, TrustedKey, TrustScope


def test_the_keyring_in_memory_conforms() -> None:
    check_keyring(StaticKeyring)


def test_the_keystore_on_disk_conforms(tmp_path: Path) -> None:
    number = count()

    def make(keys: tuple[TrustedKey, ...]) -> Keyring:
        folder = tmp_path / str(next(number))
        keystore = FileKeystore(system=folder / "system", local=folder / "local")
        for key in keys:
            keystore.add(key.entry.prefix, {key.entry.fingerprint: key.keyring}).unwrap()
        return keystore

    check_keyring(make)


@dataclass(slots=True)
class Broken:
    """Changes what a keyring that does it right says."""

    keys: tuple[TrustedKey, ...]
    change: Callable[["Broken", TrustScope, KeySet], KeySet]
    asked: int = 0

    def keys_for(self, scope: TrustScope) -> Result[KeySet, ConfigurationError]:
        self.asked += 1
        return (
            StaticKeyring(self.keys)
            .keys_for(scope)
            .map(lambda found: self.change(self, scope, found))
        )


def by_characters(broken: Broken, scope: TrustScope, found: KeySet) -> KeySet:
    if not isinstance(scope, NamedScope):
        return found
    return KeySet(
        tuple(key for key in broken.keys if scope.name.startswith(key.entry.prefix or ""))
    )


def exactly(broken: Broken, scope: TrustScope, found: KeySet) -> KeySet:
    if not isinstance(scope, NamedScope):
        return found
    return KeySet(tuple(key for key in found.keys if key.entry.prefix in {None, scope.name}))


def other_bytes(broken: Broken, scope: TrustScope, found: KeySet) -> KeySet:
    return KeySet(tuple(replace(key, keyring=key.keyring[:-1]) for key in found.keys))


def roots_for_nobody(broken: Broken, scope: TrustScope, found: KeySet) -> KeySet:
    return KeySet(tuple(key for key in found.keys if key.entry.prefix is not None))


def none_for_any(broken: Broken, scope: TrustScope, found: KeySet) -> KeySet:
    return KeySet(()) if isinstance(scope, AnyScope) else found


def shuffled(broken: Broken, scope: TrustScope, found: KeySet) -> KeySet:
    return KeySet(found.keys[:: 1 if broken.asked % 2 else -1])


def masked(broken: Broken, scope: TrustScope, found: KeySet) -> KeySet:
    return replace(found, masked=frozenset(key.entry.fingerprint for key in found.keys))


BROKEN: Final[dict[str, tuple[Callable[[Broken, TrustScope, KeySet], KeySet], str]]] = {
    "by characters": (by_characters, "whose prefix covers"),
    "exactly": (exactly, "whose prefix covers"),
    "all for everybody": (lambda broken, _, found: KeySet(broken.keys), "whose prefix covers"),
    "other bytes": (other_bytes, "whose prefix covers"),
    "root keys for nobody": (roots_for_nobody, "root keys"),
    "none for any": (none_for_any, "all keys count"),
    "twice": (lambda _, __, found: KeySet(found.keys * 2), "there once"),
    "shuffled": (shuffled, "same order"),
    "masked": (masked, "masked"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_keyring_is_noticed(name: str) -> None:
    change, promise = BROKEN[name]
    with pytest.raises(NonConformance, match=promise):
        check_keyring(lambda keys: Broken(keys, change))


def test_a_keyring_that_fails_without_keys_is_noticed() -> None:
    class NeedsKeys:
        def keys_for(self, scope: TrustScope) -> Result[KeySet, ConfigurationError]:
            return Failure(KeyNotFound("any"))

    with pytest.raises(NonConformance, match="could not ask for keys"):
        check_keyring(lambda keys: StaticKeyring(keys) if keys else NeedsKeys())


def test_a_keyring_that_makes_keys_up_is_noticed() -> None:
    class Generous:
        def keys_for(self, scope: TrustScope) -> Result[KeySet, ConfigurationError]:
            return StaticKeyring((made_up,)).keys_for(scope)

    made_up = make_openpgp_key().trusted()
    with pytest.raises(NonConformance, match="without any"):
        check_keyring(lambda keys: Generous())
