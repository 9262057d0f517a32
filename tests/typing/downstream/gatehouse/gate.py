"""Right compositions, and the types that both checkers infer for them."""

from typing import assert_type

from returns.result import Result

from gatehouse.allow_list import NotAllowed, allow_names
from gatehouse.ledger import LedgerStore
from gatehouse.pages import PageTransport
from pipeline import (
    Downloaded,
    Extracted,
    ImageName,
    Located,
    Reference,
    Stage,
    Stored,
    Unverified,
    Verified,
    accept_unsigned,
    discover_endpoints,
    download_image,
    download_unsigned,
    extract_manifest,
    parse_reference,
    store_image,
    tap,
    this_platform,
    verify_signature,
)
from pipeline.errors import (
    ConfigurationError,
    DiscoveryError,
    DownloadError,
    ImageError,
    ParseError,
    StoreError,
    UnsupportedReference,
    VerificationError,
)
from pipeline.ports import (
    Clock,
    Discovery,
    Keyring,
    PathProbe,
    Quarantine,
    SignatureVerifier,
)

LocateError = ParseError | DiscoveryError | UnsupportedReference | ConfigurationError
GateError = LocateError | DownloadError | VerificationError | ImageError | StoreError | NotAllowed


def locate(paths: PathProbe, discovery: Discovery) -> Stage[str, Located, LocateError]:
    """Compose the two stages that ask for no image."""
    located = parse_reference(paths) >> discover_endpoints(
        discovery=discovery, platform=this_platform()
    )
    assert_type(
        located,
        Stage[
            str, Located, ParseError | DiscoveryError | UnsupportedReference | ConfigurationError
        ],
    )
    return located


def gate(
    *,
    paths: PathProbe,
    discovery: Discovery,
    transport: PageTransport,
    quarantine: Quarantine,
    keyring: Keyring,
    verifier: SignatureVerifier,
    clock: Clock,
    allowed: frozenset[ImageName],
    ledger: LedgerStore,
) -> Stage[str, Stored, GateError]:
    """Compose a whole fetch, with a stage, a transport and a store of one's own."""
    download = download_image(
        transport=transport,
        quarantine=quarantine,
        keyring=keyring,
        verifier=verifier,
        clock=clock,
    )
    assert_type(
        download,
        Stage[
            Located,
            Downloaded,
            DownloadError | VerificationError | ImageError | StoreError | ConfigurationError,
        ],
    )
    verify = verify_signature(keyring=keyring, verifier=verifier, clock=clock)
    assert_type(verify, Stage[Downloaded, Verified, VerificationError | ConfigurationError])
    extract = extract_manifest(quarantine=quarantine, keyring=keyring)
    assert_type(
        extract,
        Stage[
            Verified | Unverified,
            Extracted,
            ImageError | VerificationError | StoreError | ConfigurationError,
        ],
    )
    kept = allow_names(allowed) >> store_image(store=ledger)
    assert_type(kept, Stage[Extracted, Stored, NotAllowed | StoreError])
    fetch = locate(paths, discovery) >> download >> verify >> extract >> kept
    assert_type(
        fetch,
        Stage[
            str,
            Stored,
            ParseError
            | DiscoveryError
            | UnsupportedReference
            | ConfigurationError
            | DownloadError
            | VerificationError
            | ImageError
            | StoreError
            | NotAllowed,
        ],
    )
    return fetch


def unproven(
    transport: PageTransport, quarantine: Quarantine, clock: Clock
) -> Stage[
    Located,
    Unverified,
    DownloadError | VerificationError | ImageError | StoreError | ConfigurationError,
]:
    """Compose with a stage that never fails: it adds no error."""
    download = download_unsigned(transport=transport, quarantine=quarantine, clock=clock)
    accepted = download >> accept_unsigned("a rehearsal")
    assert_type(
        accepted,
        Stage[
            Located,
            Unverified,
            DownloadError | VerificationError | ImageError | StoreError | ConfigurationError,
        ],
    )
    return accepted


def counted(paths: PathProbe, seen: list[str]) -> Stage[str, Reference, ParseError]:
    """Watch a stage; its type stays."""

    def watch(name: str, value: str) -> "_Ended":
        seen.append(f"{name}: {value}")
        return _Ended(seen)

    watched = tap(parse_reference(paths), watch)
    assert_type(watched, Stage[str, Reference, ParseError])
    return watched


class _Ended:
    def __init__(self, seen: list[str]) -> None:
        self._seen = seen

    def __call__(self, result: Result[Reference, ParseError]) -> None:
        self._seen.append(str(result))
