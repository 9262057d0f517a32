"""For the tests of whoever builds on this: fakes, makers, conformance checks and strategies.

| what | names |
|---|---|
| fakes of the ports | ``MemoryTransport``, ``MemoryStore``, ``StaticKeyring``, ``FixedClock`` … |
| faults of the network | ``FaultyTransport`` |
| images, keys and signatures in a line | ``make_archive``, ``make_image``, ``make_openpgp_key`` … |
| checks for one's own ports | ``check_transport``, ``check_keyring``, ``check_store`` … |
| hypothesis strategies | :mod:`pipeline.testing.strategies`, with ``image-pipeline[testing]`` |

How they are used: docs/testing.md. Each name is imported when it is first used; hypothesis is
needed for strategies alone. Tars a block at a time are in :mod:`pipeline.testing.archives`.
"""

from typing import TYPE_CHECKING

from pipeline.lazy import lazy_attributes

if TYPE_CHECKING:
    from pipeline.adapters.memory import MemoryQuarantine as MemoryQuarantine
    from pipeline.adapters.memory import MemoryStore as MemoryStore
    from pipeline.adapters.memory import memory_quarantine as memory_quarantine
    from pipeline.testing.conformance import CommitUnderTest as CommitUnderTest
    from pipeline.testing.conformance import NonConformance as NonConformance
    from pipeline.testing.conformance import StoreUnderTest as StoreUnderTest
    from pipeline.testing.conformance import TransportUnderTest as TransportUnderTest
    from pipeline.testing.conformance import check_clock as check_clock
    from pipeline.testing.conformance import check_commit as check_commit
    from pipeline.testing.conformance import check_discovery as check_discovery
    from pipeline.testing.conformance import check_engine as check_engine
    from pipeline.testing.conformance import check_keyring as check_keyring
    from pipeline.testing.conformance import check_policy as check_policy
    from pipeline.testing.conformance import check_quarantine as check_quarantine
    from pipeline.testing.conformance import check_registries as check_registries
    from pipeline.testing.conformance import check_store as check_store
    from pipeline.testing.conformance import check_transport as check_transport
    from pipeline.testing.fakes import EventLog as EventLog
    from pipeline.testing.fakes import FixedClock as FixedClock
    from pipeline.testing.fakes import MemoryPaths as MemoryPaths
    from pipeline.testing.fakes import MemoryTransport as MemoryTransport
    from pipeline.testing.fakes import Page as Page
    from pipeline.testing.fakes import StaticDiscovery as StaticDiscovery
    from pipeline.testing.fakes import StaticKeyring as StaticKeyring
    from pipeline.testing.fakes import StaticPolicy as StaticPolicy
    from pipeline.testing.fakes import StaticRegistries as StaticRegistries
    from pipeline.testing.faults import Fault as Fault
    from pipeline.testing.faults import FaultyTransport as FaultyTransport
    from pipeline.testing.images import BadArchive as BadArchive
    from pipeline.testing.images import MadeArchive as MadeArchive
    from pipeline.testing.images import downloaded_of as downloaded_of
    from pipeline.testing.makers import make_archive as make_archive
    from pipeline.testing.makers import make_manifest as make_manifest
    from pipeline.testing.oci import MadeImage as MadeImage
    from pipeline.testing.oci import MadeLayer as MadeLayer
    from pipeline.testing.oci import docker_archive_files as docker_archive_files
    from pipeline.testing.oci import layout_files as layout_files
    from pipeline.testing.oci import make_artifact as make_artifact
    from pipeline.testing.oci import make_image as make_image
    from pipeline.testing.oci import make_index as make_index
    from pipeline.testing.oci import make_layer as make_layer
    from pipeline.testing.oci import make_tar_of as make_tar_of
    from pipeline.testing.oci_samples import OciSample as OciSample
    from pipeline.testing.openpgp import OpenPGPKey as OpenPGPKey
    from pipeline.testing.openpgp import make_openpgp_key as make_openpgp_key
    from pipeline.testing.payloads import make_payload as make_payload
    from pipeline.testing.policies import make_policy as make_policy
    from pipeline.testing.samples import Sample as Sample
    from pipeline.testing.samples import put_into as put_into
    from pipeline.testing.signed import SignedFile as SignedFile
    from pipeline.testing.signed import SignedImage as SignedImage
    from pipeline.testing.sigstore import SigstoreKey as SigstoreKey
    from pipeline.testing.sigstore import make_sigstore_key as make_sigstore_key
else:
    # Hidden from type checkers, which would take every name for exported.
    __getattr__ = lazy_attributes(
        __name__,
        {
            "pipeline.adapters.memory": (
                "MemoryQuarantine",
                "MemoryStore",
                "memory_quarantine",
            ),
            "pipeline.testing.conformance": (
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
            ),
            "pipeline.testing.fakes": (
                "EventLog",
                "FixedClock",
                "MemoryPaths",
                "MemoryTransport",
                "Page",
                "StaticDiscovery",
                "StaticKeyring",
                "StaticPolicy",
                "StaticRegistries",
            ),
            "pipeline.testing.faults": (
                "Fault",
                "FaultyTransport",
            ),
            "pipeline.testing.images": (
                "BadArchive",
                "MadeArchive",
                "downloaded_of",
            ),
            "pipeline.testing.makers": (
                "make_archive",
                "make_manifest",
            ),
            "pipeline.testing.oci": (
                "MadeImage",
                "MadeLayer",
                "docker_archive_files",
                "layout_files",
                "make_artifact",
                "make_image",
                "make_index",
                "make_layer",
                "make_tar_of",
            ),
            "pipeline.testing.oci_samples": ("OciSample",),
            "pipeline.testing.openpgp": (
                "OpenPGPKey",
                "make_openpgp_key",
            ),
            "pipeline.testing.payloads": ("make_payload",),
            "pipeline.testing.policies": ("make_policy",),
            "pipeline.testing.samples": (
                "Sample",
                "put_into",
            ),
            "pipeline.testing.signed": (
                "SignedFile",
                "SignedImage",
            ),
            "pipeline.testing.sigstore": (
                "SigstoreKey",
                "make_sigstore_key",
            ),
        },
    )

__all__ = [
    "BadArchive",
    "CommitUnderTest",
    "EventLog",
    "Fault",
    "FaultyTransport",
    "FixedClock",
    "MadeArchive",
    "MadeImage",
    "MadeLayer",
    "MemoryPaths",
    "MemoryQuarantine",
    "MemoryStore",
    "MemoryTransport",
    "NonConformance",
    "OciSample",
    "OpenPGPKey",
    "Page",
    "Sample",
    "SignedFile",
    "SignedImage",
    "SigstoreKey",
    "StaticDiscovery",
    "StaticKeyring",
    "StaticPolicy",
    "StaticRegistries",
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
    "docker_archive_files",
    "downloaded_of",
    "layout_files",
    "make_archive",
    "make_artifact",
    "make_image",
    "make_index",
    "make_layer",
    "make_manifest",
    "make_openpgp_key",
    "make_payload",
    "make_policy",
    "make_sigstore_key",
    "make_tar_of",
    "memory_quarantine",
    "put_into",
]
