"""What type checkers know of fakes, checks and strategies: exact types, without a cast.

Nothing here runs; ``make type`` checks it.
"""

from typing import assert_type

from hypothesis.strategies import SearchStrategy

from pipeline import Digest, Downloaded, Extracted, Located, Reference, Stored
from pipeline.errors import PipelineError, StoreError, TransportError
from pipeline.oci import OciManifest
from pipeline.ports import (
    Catalog,
    Clock,
    Discovery,
    Keyring,
    ManifestPolicy,
    PathProbe,
    Quarantine,
    Registries,
    RemoteCache,
    Request,
    Store,
    Transport,
)
from pipeline.testing import (
    BadArchive,
    Fault,
    FaultyTransport,
    FixedClock,
    MadeArchive,
    MemoryPaths,
    MemoryQuarantine,
    MemoryStore,
    MemoryTransport,
    OpenPGPKey,
    SignedFile,
    SignedImage,
    StaticDiscovery,
    StaticKeyring,
    StaticPolicy,
    StaticRegistries,
    check_keyring,
    make_openpgp_key,
    strategies,
)


def fakes_are_the_ports() -> tuple[
    Clock,
    Transport,
    Transport,
    Keyring,
    Store,
    Catalog,
    RemoteCache,
    Quarantine,
    Discovery,
    Registries,
    ManifestPolicy,
    PathProbe,
]:
    clock = FixedClock()
    return (
        clock,
        MemoryTransport({}),
        FaultyTransport(MemoryTransport({}), ()),
        StaticKeyring(),
        MemoryStore(clock),
        MemoryStore(clock),
        MemoryStore(clock),
        MemoryQuarantine(),
        StaticDiscovery(),
        StaticRegistries(),
        StaticPolicy(),
        MemoryPaths(),
    )


def strategies_say_what_they_make() -> None:
    assert_type(strategies.references(), SearchStrategy[Reference])
    assert_type(strategies.digests(algorithm="sha256"), SearchStrategy[Digest])
    assert_type(strategies.located(), SearchStrategy[Located])
    assert_type(strategies.downloaded(), SearchStrategy[Downloaded])
    assert_type(strategies.extracted(), SearchStrategy[Extracted])
    assert_type(strategies.stored(), SearchStrategy[Stored])
    assert_type(strategies.oci_manifests(), SearchStrategy[OciManifest])
    assert_type(strategies.archives(), SearchStrategy[MadeArchive])
    assert_type(strategies.bad_archives(threats=("bomb",)), SearchStrategy[BadArchive])
    assert_type(strategies.signed_files(), SearchStrategy[SignedFile])
    assert_type(strategies.bad_simple_signatures(), SearchStrategy[SignedImage])
    assert_type(strategies.fault_scripts(passing=True), SearchStrategy[tuple[Fault, ...]])
    assert_type(strategies.requests(), SearchStrategy[Request])
    assert_type(strategies.errors(), SearchStrategy[PipelineError])
    assert_type(strategies.store_errors(), SearchStrategy[StoreError])
    assert_type(strategies.transport_errors(), SearchStrategy[TransportError])
    assert_type(make_openpgp_key(), OpenPGPKey)


def wrong_uses_are_refused() -> None:
    """A check is not given what is no maker, and a strategy no option that it has not."""
    check_keyring(StaticKeyring())  # type: ignore[arg-type]
    strategies.bad_archives(threats=("nonsense",))  # type: ignore[arg-type]
    strategies.digests("sha256")  # type: ignore[call-arg]
