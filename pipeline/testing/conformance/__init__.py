"""Conformance checks for whoever writes a port: ``check_transport(serve)`` and so on.

Each takes a maker of what is to be checked, fresh each time, tries what the port promises, and
raises :class:`NonConformance` with a sentence for the first promise that is not kept. What cannot
be seen from inside one process, as durability, is not checked.

| port | check |
|---|---|
| Clock | :func:`check_clock` |
| Discovery | :func:`check_discovery` |
| Engine | :func:`check_engine` |
| Keyring | :func:`check_keyring` |
| ManifestPolicy | :func:`check_policy` |
| Quarantine | :func:`check_quarantine` |
| Registries | :func:`check_registries` |
| Store | :func:`check_commit`; with Catalog and RemoteCache :func:`check_store` |
| Transport | :func:`check_transport` |
"""

from pipeline.testing.conformance.clock import check_clock
from pipeline.testing.conformance.commit import CommitUnderTest, check_commit
from pipeline.testing.conformance.discovery import check_discovery
from pipeline.testing.conformance.engine import check_engine
from pipeline.testing.conformance.keyring import check_keyring
from pipeline.testing.conformance.policy import check_policy
from pipeline.testing.conformance.promises import NonConformance, expect, expect_success
from pipeline.testing.conformance.quarantine import check_quarantine
from pipeline.testing.conformance.registries import check_registries
from pipeline.testing.conformance.store import check_store
from pipeline.testing.conformance.store_bench import StoreUnderTest, extracted_of, put
from pipeline.testing.conformance.transport import TransportUnderTest, check_transport

__all__ = [
    "CommitUnderTest",
    "NonConformance",
    "StoreUnderTest",
    "TransportUnderTest",
    "check_clock",
    "check_commit",
    "check_discovery",
    "check_engine",
    "check_keyring",
    "check_policy",
    "check_quarantine",
    "check_registries",
    "check_store",
    "check_transport",
    "expect",
    "expect_success",
    "extracted_of",
    "put",
]
