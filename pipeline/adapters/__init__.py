"""Whatever touches the world, one module or package a medium; each imported when first used."""

from typing import TYPE_CHECKING

from pipeline.lazy import lazy_attributes

if TYPE_CHECKING:
    from pipeline.adapters.appc import AppcDiscovery as AppcDiscovery
    from pipeline.adapters.appc import MirrorDiscovery as MirrorDiscovery
    from pipeline.adapters.bucket import BucketStore as BucketStore
    from pipeline.adapters.bucket import open_bucket as open_bucket
    from pipeline.adapters.clock import SystemClock as SystemClock
    from pipeline.adapters.containers import ConfiguredRegistries as ConfiguredRegistries
    from pipeline.adapters.containers import ContainerPaths as ContainerPaths
    from pipeline.adapters.containers import CredentialHelpers as CredentialHelpers
    from pipeline.adapters.containers import FileLogins as FileLogins
    from pipeline.adapters.containers import FirstLogin as FirstLogin
    from pipeline.adapters.containers import read_logins as read_logins
    from pipeline.adapters.containers import read_registries as read_registries
    from pipeline.adapters.containers import standard_paths as standard_paths
    from pipeline.adapters.credentials import FoundCredentials as FoundCredentials
    from pipeline.adapters.credentials import read_credentials as read_credentials
    from pipeline.adapters.dask import DaskEngine as DaskEngine
    from pipeline.adapters.file import FileTransport as FileTransport
    from pipeline.adapters.file import LocalPaths as LocalPaths
    from pipeline.adapters.http import ConnectTo as ConnectTo
    from pipeline.adapters.http import HttpSettings as HttpSettings
    from pipeline.adapters.http import HttpTransport as HttpTransport
    from pipeline.adapters.http import parse_connect_to as parse_connect_to
    from pipeline.adapters.image_paths import ImagePathFiles as ImagePathFiles
    from pipeline.adapters.keystore import FileKeystore as FileKeystore
    from pipeline.adapters.layout import LayoutStore as LayoutStore
    from pipeline.adapters.layout import QuarantineFolder as QuarantineFolder
    from pipeline.adapters.layout import open_store as open_store
    from pipeline.adapters.memory import MemoryQuarantine as MemoryQuarantine
    from pipeline.adapters.memory import MemoryStore as MemoryStore
    from pipeline.adapters.openpgp import OpenPGPVerifier as OpenPGPVerifier
    from pipeline.adapters.openpgp import read_keys as read_keys
    from pipeline.adapters.policies import read_policy as read_policy
    from pipeline.adapters.registry import AuthenticatingTransport as AuthenticatingTransport
    from pipeline.adapters.retrying import RetryingTransport as RetryingTransport
    from pipeline.adapters.sigstore import PublicKeyVerifier as PublicKeyVerifier
    from pipeline.adapters.stopping import StoppableTransport as StoppableTransport
    from pipeline.adapters.threads import ThreadEngine as ThreadEngine
else:
    # Hidden from type checkers, which would take every name for exported.
    __getattr__ = lazy_attributes(
        __name__,
        {
            "pipeline.adapters.appc": (
                "AppcDiscovery",
                "MirrorDiscovery",
            ),
            "pipeline.adapters.bucket": (
                "BucketStore",
                "open_bucket",
            ),
            "pipeline.adapters.clock": ("SystemClock",),
            "pipeline.adapters.containers": (
                "ConfiguredRegistries",
                "ContainerPaths",
                "CredentialHelpers",
                "FileLogins",
                "FirstLogin",
                "read_logins",
                "read_registries",
                "standard_paths",
            ),
            "pipeline.adapters.credentials": (
                "FoundCredentials",
                "read_credentials",
            ),
            "pipeline.adapters.dask": ("DaskEngine",),
            "pipeline.adapters.file": (
                "FileTransport",
                "LocalPaths",
            ),
            "pipeline.adapters.http": (
                "ConnectTo",
                "HttpSettings",
                "HttpTransport",
                "parse_connect_to",
            ),
            "pipeline.adapters.image_paths": ("ImagePathFiles",),
            "pipeline.adapters.keystore": ("FileKeystore",),
            "pipeline.adapters.layout": (
                "LayoutStore",
                "QuarantineFolder",
                "open_store",
            ),
            "pipeline.adapters.memory": (
                "MemoryQuarantine",
                "MemoryStore",
            ),
            "pipeline.adapters.openpgp": (
                "OpenPGPVerifier",
                "read_keys",
            ),
            "pipeline.adapters.policies": ("read_policy",),
            "pipeline.adapters.registry": ("AuthenticatingTransport",),
            "pipeline.adapters.retrying": ("RetryingTransport",),
            "pipeline.adapters.sigstore": ("PublicKeyVerifier",),
            "pipeline.adapters.stopping": ("StoppableTransport",),
            "pipeline.adapters.threads": ("ThreadEngine",),
        },
    )

__all__ = [
    "AppcDiscovery",
    "AuthenticatingTransport",
    "BucketStore",
    "ConfiguredRegistries",
    "ConnectTo",
    "ContainerPaths",
    "CredentialHelpers",
    "DaskEngine",
    "FileKeystore",
    "FileLogins",
    "FileTransport",
    "FirstLogin",
    "FoundCredentials",
    "HttpSettings",
    "HttpTransport",
    "ImagePathFiles",
    "LayoutStore",
    "LocalPaths",
    "MemoryQuarantine",
    "MemoryStore",
    "MirrorDiscovery",
    "OpenPGPVerifier",
    "PublicKeyVerifier",
    "QuarantineFolder",
    "RetryingTransport",
    "StoppableTransport",
    "SystemClock",
    "ThreadEngine",
    "open_bucket",
    "open_store",
    "parse_connect_to",
    "read_credentials",
    "read_keys",
    "read_logins",
    "read_policy",
    "read_registries",
    "standard_paths",
]
