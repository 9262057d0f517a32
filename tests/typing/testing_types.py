"""What type checkers know of fakes, checks and strategies: exact types, without a cast.

Nothing here runs; ``make types`` checks it.
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

# Fakes are the ports.
CLOCK: Clock = FixedClock()
TRANSPORTS: tuple[Transport, ...] = (MemoryTransport({}), FaultyTransport(MemoryTransport({}), ()))
KEYRING: Keyring = StaticKeyring()
STORE: Store = MemoryStore(CLOCK)
CATALOG: Catalog = MemoryStore(CLOCK)
CACHE: RemoteCache = MemoryStore(CLOCK)
QUARANTINE: Quarantine = MemoryQuarantine()
DISCOVERY: Discovery = StaticDiscovery()
REGISTRIES: Registries = StaticRegistries()
POLICY: ManifestPolicy = StaticPolicy()
PATHS: PathProbe = MemoryPaths()

# Strategies say what they make.
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

# A check is not given what is no maker, and a strategy no option that it has not.
check_keyring(StaticKeyring())  # type: ignore[arg-type]
strategies.bad_archives(threats=("nonsense",))  # type: ignore[arg-type]
strategies.digests("sha256")  # type: ignore[call-arg]
