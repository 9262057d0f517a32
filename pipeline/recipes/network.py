"""HTTP as settings, configuration and credentials ask for it; all of it is checked here.

    Settings, Configuration -> Result[Transport, ConfigurationError]

Nothing is asked yet: whatever cannot be used is said before the first request. Imported when
something must be asked for, as it takes most of the time of a run that asks nothing.
"""

from contextlib import ExitStack

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.configuration import Configuration, TlsEntry
from pipeline.adapters.credentials import read_credentials
from pipeline.adapters.http import HttpSettings, HttpTransport
from pipeline.adapters.http.proxies import parse_proxies
from pipeline.adapters.http.settings import HostTls
from pipeline.adapters.http.tls import check_tls_files
from pipeline.adapters.retrying import RetryingTransport
from pipeline.errors import ConfigurationError, InvalidSetting
from pipeline.events import Noticed, Observer
from pipeline.ports import Clock, Transport
from pipeline.recipes.settings import Insecure, Settings


def make_http(
    settings: Settings,
    configuration: Configuration,
    clock: Clock,
    observer: Observer,
    leaving: ExitStack,
) -> Result[Transport, ConfigurationError]:
    """Make the transport for ``http:`` and ``https:``; ``leaving`` will close its connections.

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
        observer.on_event(Noticed("credentials", warning))
    http_settings = HttpSettings(
        ca_file=settings.ca_file,
        connect_to=settings.connect_to,
        verify_tls=Insecure.TLS not in settings.insecure,
        allow_http=Insecure.HTTP in settings.insecure,
        public_only=settings.public_only,
        limit_rate=settings.limit_rate,
        proxies=proxies.unwrap(),
        hosts=tuple(_host_tls(entry) for entry in configuration.tls),
    )
    checked = check_tls_files(http_settings)
    if not is_successful(checked):
        return Failure(checked.failure())
    http = HttpTransport(http_settings, clock, observer, credentials.unwrap())
    return Success(
        RetryingTransport(leaving.enter_context(http), clock, observer, retries=settings.retries)
    )


def _host_tls(entry: TlsEntry) -> HostTls:
    return HostTls(
        host=entry.host,
        port=entry.port,
        ca_file=entry.ca_file,
        client_cert=entry.client_certificate,
        client_key=entry.client_key,
    )
