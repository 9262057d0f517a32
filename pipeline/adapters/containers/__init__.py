"""What users of container tools have told them already, read for registry images.

    ContainerPaths -> Result[ConfiguredRegistries, InvalidSetting]      where images are looked for
    ContainerPaths -> Result[FileLogins, InvalidSetting]                by whom they are asked for

``paths``: where the files lie. ``registries``: what follows from ``registries_conf`` (by
``remapping``), ``hosts_toml`` (by ``hosts_table``), ``certs_d`` and ``registries_d``. ``logins``:
what follows from ``auth_json`` and ``helpers``.

Files are read whole and strictly: what is misspelt must not silently protect nobody. Each module
says in which way it is stricter than the tools are. Nothing is ever written.
"""

from pipeline.adapters.containers.certs_d import HostCertificates
from pipeline.adapters.containers.endpoints import InsecureHost
from pipeline.adapters.containers.helpers import CredentialHelpers
from pipeline.adapters.containers.logins import FileLogins, FirstLogin, read_logins
from pipeline.adapters.containers.paths import ContainerPaths, standard_paths
from pipeline.adapters.containers.registries import ConfiguredRegistries, read_registries

__all__ = [
    "ConfiguredRegistries",
    "ContainerPaths",
    "CredentialHelpers",
    "FileLogins",
    "FirstLogin",
    "HostCertificates",
    "InsecureHost",
    "read_logins",
    "read_registries",
    "standard_paths",
]
