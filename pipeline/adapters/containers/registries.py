"""Where registry images may be asked for: the ports' :class:`~pipeline.ports.Registries`.

    DockerReference, OciPlatform -> Result[tuple[RegistryPlace, ...], ConfigurationError]

The first of these that says something about an image counts alone: ``registries.conf``, by an
entry whose prefix covers it; containerd's hosts, by a folder for its registry or for all. Where
neither does, the registry itself is asked.

1. Every place is https, and its host must prove who it is, unless an entry, or the user, calls that
   very host insecure. Then https comes first, for whatever certificate, and http after it.
2. TLS is set for hosts, not for paths. So a place that must be proven, on a host that need not
   prove itself because of another entry, is an error: whoever asks could not tell them apart.
3. What is blocked is asked for nowhere, whatever else is said of it.
"""

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.containers.certs_d import FOLDER as CERTIFICATES
from pipeline.adapters.containers.certs_d import (
    FoundCertificates,
    HostCertificates,
    read_certificates,
)
from pipeline.adapters.containers.endpoints import (
    INSECURE,
    Endpoint,
    InsecureHost,
    parse_server,
    shown_place,
)
from pipeline.adapters.containers.hosts_toml import HostsFolder, read_hosts
from pipeline.adapters.containers.paths import ContainerPaths
from pipeline.adapters.containers.registries_conf import read_registries_conf
from pipeline.adapters.containers.registries_d import FOLDER as LOOKASIDES
from pipeline.adapters.containers.registries_d import Lookasides, read_lookasides
from pipeline.adapters.containers.remapping import RegistriesConf
from pipeline.errors import ConfigurationError, InvalidSetting, RegistryBlocked
from pipeline.oci import OciPlatform
from pipeline.reference import DockerReference
from pipeline.results import RegistryPlace


@final
@dataclass(frozen=True, slots=True)
class ConfiguredRegistries:
    """:class:`~pipeline.ports.Registries` of a user who has said something, or nothing.

    With nothing said, images are asked for at their own registry. ``called_insecure`` are hosts
    that the user calls insecure for this run, whatever files say.
    """

    lookasides: Lookasides = field(default_factory=Lookasides)
    conf: RegistriesConf = field(default_factory=RegistriesConf)
    hosts: HostsFolder = field(default_factory=HostsFolder)
    certificates: FoundCertificates = field(default_factory=FoundCertificates)
    called_insecure: tuple[Endpoint, ...] = ()

    def places(
        self, reference: DockerReference, platform: OciPlatform
    ) -> Result[tuple[RegistryPlace, ...], ConfigurationError]:
        """Return the mirrors of an image's registry, then that itself, in the order to try them.

        Errors: RegistryBlocked; InvalidSetting where an entry leads nowhere, or to a host that
        another one calls insecure.
        """
        found = self._endpoints(reference)
        if not is_successful(found):
            return Failure(found.failure())
        insecure = self.insecure_hosts
        lookaside = self.lookasides.urls(reference)
        places: list[RegistryPlace] = []
        for endpoint, repository in found.unwrap():
            # 1. The user's own word for a host goes before a file's.
            is_called = any(each.authority == endpoint.authority for each in self.called_insecure)
            asked = replace(endpoint, schemes=INSECURE, verifies=False) if is_called else endpoint
            # 2. What is to be proven would not be.
            if asked.verifies and "https" in asked.schemes and asked.origin("https") in insecure:
                wanted = "the same from all entries, and one for all of the host"
                got = "insecure for other images only"
                return Failure(InvalidSetting(f"registry {asked.authority}", got, wanted))
            places += (
                RegistryPlace(
                    reference, base, platform, asked.query, asked.resolves_tags, lookaside
                )
                for base in asked.bases(repository)
            )
        return Success(tuple(dict.fromkeys(places)))

    @property
    def insecure_hosts(self) -> frozenset[InsecureHost]:
        """The hosts of places that need not prove who they are, or are asked in plain."""
        called = (host for each in self.called_insecure for host in each.insecurity())
        sources = (self.conf.insecurity(), self.hosts.insecurity(), self.lookasides.insecurity())
        return frozenset((*called, *chain.from_iterable(sources)))

    @property
    def roots(self) -> tuple[str, ...]:
        """URLs under which repositories lie on hosts that are set, over https and http.

        Which of the two is asked is another question, and the user's word for a host may answer it.
        """
        both = (replace(each, schemes=INSECURE) for each in self.hosts.served())
        return tuple(dict.fromkeys(root for each in both for root in each.roots()))

    @property
    def tls(self) -> tuple[HostCertificates, ...]:
        """What TLS to single hosts needs, each host and port once; ``certs.d`` goes first."""
        by_host: dict[tuple[str, int], HostCertificates] = {}
        for each in (*self.certificates.hosts, *self.hosts.certificates()):
            by_host.setdefault((each.host, each.port), each)
        return tuple(by_host.values())

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of the files."""
        return self.certificates.warnings

    def _endpoints(
        self, reference: DockerReference
    ) -> Result[tuple[tuple[Endpoint, str], ...], ConfigurationError]:
        remapping = self.conf.find(reference)
        if remapping is None:
            endpoints = self.hosts.endpoints(reference)
            return Success(tuple((each, reference.repository) for each in endpoints))
        # 3. Before anything else.
        if remapping.is_blocked:
            return Failure(RegistryBlocked(reference.string, remapping.path))
        return remapping.endpoints(reference).alt(_widened)


def read_registries(
    paths: ContainerPaths, *, insecure: tuple[str, ...] = ()
) -> Result[ConfiguredRegistries, InvalidSetting]:
    """Read what is there; ``insecure`` are hosts, ``host[:port]``, that the user calls so.

    Errors: InvalidSetting with the file, what stands there, and what was wanted.
    """
    called: list[Endpoint] = []
    for text in insecure:
        server = parse_server(text)
        if not is_successful(server) or "/" in text:
            return Failure(
                InvalidSetting("insecure registry", shown_place(text), "host or host:port")
            )
        called.append(replace(server.unwrap(), schemes=INSECURE, verifies=False))
    conf = read_registries_conf(paths.user, paths.system)
    if not is_successful(conf):
        return Failure(conf.failure())
    hosts = read_hosts(paths.containerd / CERTIFICATES)
    if not is_successful(hosts):
        return Failure(hosts.failure())
    folders = (paths.user, paths.system, paths.docker)
    certificates = read_certificates(folder / CERTIFICATES for folder in folders)
    if not is_successful(certificates):
        return Failure(certificates.failure())
    return read_lookasides(
        paths.user / LOOKASIDES, paths.system / LOOKASIDES, paths.signatures
    ).map(
        lambda lookasides: ConfiguredRegistries(
            lookasides, conf.unwrap(), hosts.unwrap(), certificates.unwrap(), tuple(called)
        )
    )


def _widened(error: InvalidSetting) -> ConfigurationError:
    return error
