"""``certs.d``: what TLS to single hosts needs, in files beside each other.

    folders -> Result[FoundCertificates, InvalidSetting]

``FOLDER/HOST[:PORT]/`` holds certificate authorities in ``*.crt``, and a client's certificate and
key in ``NAME.cert`` and ``NAME.key``. Of several folders that have one for a host and port, the
first counts alone. Folders whose name is no host, and files that end in something else, are left
alone. The files are not opened here.

Sources: containers/image v5.23.0 ``docs/containers-certs.d.5.md``; docker 24.0 "Verify repository
client with certificates". As there, a certificate without key is an error, and so is a key without
certificate; what this user may not look into is left out, with a warning: servers are then unknown,
and nothing is proven to them. A host has one client certificate at most.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.containers.endpoints import Endpoint, parse_server
from pipeline.adapters.containers.folders import names_in
from pipeline.errors import InvalidSetting

FOLDER: Final = "certs.d"

_AUTHORITY, _CERTIFICATE, _KEY = ".crt", ".cert", ".key"


@final
@dataclass(frozen=True, slots=True)
class HostCertificates:
    """What TLS to one host needs: absolute paths of PEM files. The host has no brackets.

    Without a ``client_key`` the key is in the certificate's file.
    """

    host: str
    port: int
    ca_files: tuple[str, ...] = ()
    client_certificate: str | None = None
    client_key: str | None = None

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is special about this host."""
        return not self.ca_files and self.client_certificate is None


@final
@dataclass(frozen=True, slots=True)
class FoundCertificates:
    """Certificates, each host and port once; ``warnings`` are sentences for a person."""

    hosts: tuple[HostCertificates, ...] = ()
    warnings: tuple[str, ...] = ()


def read_certificates(folders: Iterable[Path]) -> Result[FoundCertificates, InvalidSetting]:
    """Read the folders that are there; an earlier one goes before a later one.

    Errors: InvalidSetting with the folder, what lies there, and what was wanted.
    """
    hosts: dict[tuple[str, int], HostCertificates] = {}
    warnings: list[str] = []
    for folder in folders:
        names = names_in(folder)
        if not is_successful(names):
            warnings.append(_left_out(names.failure()))
            continue
        for name in names.unwrap():
            parsed = parse_server(name)
            if not is_successful(parsed):
                continue
            files = names_in(folder / name)
            if not is_successful(files):
                warnings.append(_left_out(files.failure()))
                continue
            found = certificates_in(folder / name, files.unwrap(), parsed.unwrap())
            if not is_successful(found):
                return Failure(found.failure())
            certificates = found.unwrap()
            hosts.setdefault((certificates.host, certificates.port), certificates)
    kept = tuple(each for each in hosts.values() if not each.is_empty)
    return Success(FoundCertificates(kept, tuple(warnings)))


def certificates_in(
    folder: Path, files: tuple[str, ...], endpoint: Endpoint
) -> Result[HostCertificates, InvalidSetting]:
    """Sort the names of the files in a host's folder by what they end in."""
    certificates, keys = (
        {name.removesuffix(ending) for name in files if name.endswith(ending)}
        for ending in (_CERTIFICATE, _KEY)
    )
    for alone in sorted(certificates ^ keys):
        got, wanted = (_CERTIFICATE, _KEY) if alone in certificates else (_KEY, _CERTIFICATE)
        beside = f"{alone}{wanted} beside it"
        return Failure(InvalidSetting(str(folder), f"{alone}{got} alone", beside))
    if len(certificates) > 1:
        wanted = "one for a host"
        return Failure(InvalidSetting(str(folder), f"{len(certificates)} certificates", wanted))
    origin, absolute = endpoint.origin("https"), folder.absolute()
    client = next(iter(certificates), None)
    return Success(
        HostCertificates(
            origin.host,
            origin.port,
            tuple(str(absolute / name) for name in files if name.endswith(_AUTHORITY)),
            None if client is None else str(absolute / f"{client}{_CERTIFICATE}"),
            None if client is None else str(absolute / f"{client}{_KEY}"),
        )
    )


def _left_out(error: InvalidSetting) -> str:
    return f"certificates are left out: {error.message}"
