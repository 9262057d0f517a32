"""containerd's ``hosts.toml``: by which hosts the content of a registry is served.

    folder -> Result[HostsFolder, InvalidSetting]

``FOLDER/HOST_PORT_/hosts.toml`` or ``FOLDER/HOST[:PORT]/hosts.toml``; for a registry that has no
folder of its own, ``FOLDER/_default/hosts.toml``::

    server = "https://registry.example.com"

    [host."https://mirror.corp"]
    capabilities = ["pull", "resolve"]
    ca = "mirror.pem"
    client = [["me.cert", "me.key"]]
    skip_verify = false
    override_path = false

Hosts are asked in the order of the file, then the server; without one, the registry itself. A host
that does not resolve is asked for digests alone, one that does not pull is not asked. What is not
the registry itself is told by ``ns`` which one is meant. A folder without ``hosts.toml`` may hold
certificates as in :mod:`.certs_d`.

Source: containerd 1.7 ``docs/hosts.md``. Stricter than that, which falls back to certificates where
a file cannot be understood: any fault is an error. ``dial_timeout`` is read and not used;
``header`` and ``proxy`` are refused, as nothing here would send the one or go by the other.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, final
from urllib.parse import quote

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.containers.certs_d import HostCertificates, certificates_in
from pipeline.adapters.containers.endpoints import (
    Endpoint,
    InsecureHost,
    direct_endpoint,
    parse_server,
    registry_of,
    shown_place,
)
from pipeline.adapters.containers.folders import names_in
from pipeline.adapters.containers.hosts_table import HOST_KEYS, ServedBy, read_host
from pipeline.errors import InvalidSetting
from pipeline.limits import MIRRORS
from pipeline.reference import DockerReference
from pipeline.toml_files import Entry, entry_of, load_document

FILE_NAME: Final = "hosts.toml"
DEFAULT: Final = "_default"

_WITH_PORT: Final = re.compile(r"(.+)_([0-9]{1,5})_")


@final
@dataclass(frozen=True, slots=True)
class RegistryHosts:
    """Who serves one registry, or all that have no entry: hosts in their order.

    ``ends_with_registry``: after them the registry itself is asked.
    """

    hosts: tuple[ServedBy, ...]
    ends_with_registry: bool = False


@final
@dataclass(frozen=True, slots=True)
class HostsFolder:
    """What the folder says, by registry, host and port as in references; ``_default`` by that."""

    registries: Mapping[str, RegistryHosts] = field(default_factory=dict)

    def endpoints(self, reference: DockerReference) -> tuple[Endpoint, ...]:
        """Return where a reference may be asked for; the registry alone where nothing is said."""
        own = direct_endpoint(reference)
        nobody = RegistryHosts((), ends_with_registry=True)
        default = self.registries.get(DEFAULT, nobody)
        found = self.registries.get(reference.host.lower(), default)
        served = [host.endpoint for host in found.hosts if host.pulls]
        namespace = f"ns={quote(reference.host, safe='')}"
        return (
            *(
                each if each.authority == own.authority else replace(each, query=namespace)
                for each in served
            ),
            *((own,) if found.ends_with_registry else ()),
        )

    def certificates(self) -> Iterator[HostCertificates]:
        """Return what TLS to the hosts needs; of one for a host and port, the first counts."""
        for each in self._hosts():
            if not each.certificates.is_empty:
                yield each.certificates

    def served(self) -> Iterator[Endpoint]:
        """Return every host that is named, whatever for."""
        return (each.endpoint for each in self._hosts())

    def insecurity(self) -> Iterator[InsecureHost]:
        """Return the hosts that are called insecure."""
        for each in self._hosts():
            yield from each.endpoint.insecurity()

    def _hosts(self) -> Iterator[ServedBy]:
        for registry in self.registries.values():
            yield from registry.hosts


def read_hosts(folder: Path) -> Result[HostsFolder, InvalidSetting]:
    """Read what is in the folder; where it is not there, nothing is said.

    Errors: InvalidSetting with the file, what stands there, and what was wanted.
    """
    names = names_in(folder)
    if not is_successful(names):
        return Failure(names.failure())
    registries: dict[str, RegistryHosts] = {}
    # HOST_PORT_ goes before HOST:PORT.
    for name in sorted(names.unwrap(), key=lambda name: (not name.endswith("_"), name)):
        matched = _WITH_PORT.fullmatch(name)
        registry = f"{matched[1]}:{matched[2]}" if matched else name
        if registry.lower() in registries or (
            registry != DEFAULT and not is_successful(parse_server(registry))
        ):
            continue
        files = names_in(folder / name)
        if not is_successful(files):
            return Failure(files.failure())
        if FILE_NAME in files.unwrap():
            read = _read_file(folder / name / FILE_NAME, registry.lower())
        elif files.unwrap() and registry != DEFAULT:
            read = _read_files(folder / name, files.unwrap(), registry)
        else:
            continue
        if not is_successful(read):
            return Failure(read.failure())
        registries[registry.lower()] = read.unwrap()
    return Success(HostsFolder(registries))


def _read_files(
    folder: Path, names: tuple[str, ...], registry: str
) -> Result[RegistryHosts, InvalidSetting]:
    server = Endpoint(registry_of(registry))
    return certificates_in(folder, names, server).map(
        lambda found: RegistryHosts((ServedBy(server, found, pulls=True),))
    )


def _read_file(path: Path, registry: str) -> Result[RegistryHosts, InvalidSetting]:
    loaded = load_document(path)
    if not is_successful(loaded):
        return Failure(loaded.failure())
    document = entry_of(str(path), loaded.unwrap(), HOST_KEYS | {"server", "host"})
    if not is_successful(document):
        return Failure(document.failure())
    top = document.unwrap()
    tables = top.values.get("host", {})
    if not isinstance(tables, dict) or len(tables) > MIRRORS:
        wanted = f'tables [host."https://…"], at most {MIRRORS}'
        return Failure(top.refuse("host", tables, wanted))
    hosts: list[ServedBy] = []
    for url, values in tables.items():
        entry = entry_of(f"{path}: host {shown_place(url)}", values, HOST_KEYS)
        if not is_successful(entry):
            return Failure(entry.failure())
        host = _read_host(entry.unwrap(), path.parent, url)
        if not is_successful(host):
            return Failure(host.failure())
        hosts.append(host.unwrap())
    return _read_server(top, path.parent, registry).map(
        lambda last: RegistryHosts((*hosts, *last), ends_with_registry=not last)
    )


def _read_server(
    top: Entry, folder: Path, registry: str
) -> Result[tuple[ServedBy, ...], InvalidSetting]:
    """Return who is asked last; nobody where that is whatever registry was asked for."""
    text = top.text("server")
    if not is_successful(text):
        return Failure(text.failure())
    written = text.unwrap()
    if written is None and registry == DEFAULT:
        for key in sorted(set(top.values) - {"host"}):
            return Failure(top.refuse(key, top.values[key], "a server that it is said of"))
        return Success(())
    return _read_host(top, folder, written or registry).map(lambda server: (server,))


def _read_host(entry: Entry, folder: Path, url: str) -> Result[ServedBy, InvalidSetting]:
    server = parse_server(url).alt(
        lambda wanted: InvalidSetting(entry.where, shown_place(url), wanted)
    )
    return server.bind(lambda endpoint: read_host(entry, folder, endpoint))
