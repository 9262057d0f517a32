"""HTTP as settings, configuration and credentials ask for it.

    Settings, Configuration -> Result[Network, ConfigurationError]
    Network, ConfiguredRegistries -> Result[Transport, ConfigurationError]

Nothing is asked yet: whatever cannot be used is said before the first request. Imported when
something must be asked for, as it takes most of the time of a run that asks nothing.
"""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.configuration import Configuration, TlsEntry
from pipeline.adapters.containers.certs_d import HostCertificates
from pipeline.adapters.containers.helpers import CredentialHelpers
from pipeline.adapters.containers.logins import FirstLogin, read_logins
from pipeline.adapters.containers.registries import ConfiguredRegistries
from pipeline.adapters.credentials import FoundCredentials, read_credentials
from pipeline.adapters.http import HttpSettings, HttpTransport
from pipeline.adapters.http.proxies import parse_proxies
from pipeline.adapters.http.settings import HostTls, InsecureOrigin
from pipeline.adapters.http.tls import check_tls_files
from pipeline.adapters.registry import AuthenticatingTransport
from pipeline.adapters.retrying import RetryingTransport
from pipeline.errors import ConfigurationError, InvalidSetting
from pipeline.events import Noticed, Observer, tell
from pipeline.ports import Clock, Transport
from pipeline.recipes.registries import paths_of
from pipeline.recipes.settings import Insecure, Settings


@final
@dataclass(frozen=True, slots=True)
class Network:
    """What every request over HTTP goes by; ``leaving`` will close connections."""

    settings: Settings
    http: HttpSettings
    credentials: FoundCredentials
    clock: Clock
    observer: Observer
    leaving: ExitStack

    def web(self) -> Result[Transport, ConfigurationError]:
        """Make the transport for archives, signatures, keys and discovery.

        Errors: InvalidSetting for a file of TLS that cannot be used.
        """
        return self._transport(self.http)

    def registry(self, registries: ConfiguredRegistries) -> Result[Transport, ConfigurationError]:
        """Make the transport for registry images, which logs in where it is asked to.

        Errors: InvalidSetting for a file of TLS or of logins that cannot be used.
        """
        for warning in registries.warnings:
            tell(self.observer, Noticed("registries", warning))
        helpers = CredentialHelpers(self.settings.environment, self.clock, self.observer)
        logins = read_logins(paths_of(self.settings), helpers)
        if not is_successful(logins):
            return Failure(logins.failure())
        for warning in logins.unwrap().warnings:
            tell(self.observer, Noticed("credentials", warning))
        # What is set for this program goes before what others were told.
        sources = FirstLogin((self.credentials, logins.unwrap()))
        insecure = registries.insecure_hosts
        http = replace(
            self.http,
            hosts=(*self.http.hosts, *map(_tls_of_host, registries.tls)),
            insecure=tuple(InsecureOrigin(each.scheme, each.host, each.port) for each in insecure),
        )
        return self._transport(http).map(
            lambda made: AuthenticatingTransport(made, sources, self.clock, registries.roots)
        )

    def _transport(self, settings: HttpSettings) -> Result[Transport, ConfigurationError]:
        checked = check_tls_files(settings)
        if not is_successful(checked):
            return Failure(checked.failure())
        http = HttpTransport(settings, self.clock, self.observer, self.credentials)
        self.leaving.enter_context(http)
        return Success(
            RetryingTransport(http, self.clock, self.observer, retries=self.settings.retries)
        )


def make_network(
    settings: Settings,
    configuration: Configuration,
    clock: Clock,
    observer: Observer,
    leaving: ExitStack,
) -> Result[Network, ConfigurationError]:
    """Read what all requests go by.

    Errors: InvalidSetting that names the file, variable or entry that cannot be used.
    """
    proxies = parse_proxies(settings.environment)
    if not is_successful(proxies):
        return Failure(proxies.failure())
    if settings.netrc is not None and not settings.netrc.is_file():
        # Whoever names a file means it; the one in the home folder is named where there is one.
        return Failure(InvalidSetting("--netrc", str(settings.netrc), "a readable file"))
    credentials = read_credentials(
        system=settings.system_config, local=settings.config, netrc=settings.netrc
    )
    if not is_successful(credentials):
        return Failure(credentials.failure())
    for warning in credentials.unwrap().warnings:
        tell(observer, Noticed("credentials", warning))
    http = HttpSettings(
        ca_file=settings.ca_file,
        connect_to=settings.connect_to,
        verify_tls=Insecure.TLS not in settings.insecure,
        allow_http=Insecure.HTTP in settings.insecure,
        public_only=settings.public_only,
        limit_rate=settings.limit_rate,
        proxies=proxies.unwrap(),
        hosts=tuple(map(_tls_of_entry, configuration.tls)),
    )
    return Success(Network(settings, http, credentials.unwrap(), clock, observer, leaving))


def _tls_of_entry(entry: TlsEntry) -> HostTls:
    return HostTls(
        host=entry.host,
        port=entry.port,
        ca_files=() if entry.ca_file is None else (entry.ca_file,),
        client_cert=entry.client_certificate,
        client_key=entry.client_key,
    )


def _tls_of_host(certificates: HostCertificates) -> HostTls:
    return HostTls(
        host=certificates.host,
        port=certificates.port,
        ca_files=certificates.ca_files,
        client_cert=certificates.client_certificate,
        client_key=certificates.client_key,
    )
