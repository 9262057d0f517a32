"""The configuration file, ``config.toml``: the machine's, then the user's own.

    folders -> Result[Configuration, InvalidSetting]

How many distinct signers names under a prefix need, where else names and URLs under a prefix are
to be looked for, and what TLS to a host needs::

    [signers]
    "example.com/app" = 2

    [[mirrors]]
    prefix = "example.com"
    to = ["mirror.corp/example.com", "https://files.corp/{name}-{version}-{os}-{arch}.{ext}"]

    [[mirrors]]
    prefix = "https://example.com/images/"
    to = ["https://files.corp/images/"]

    [[tls]]
    host = "files.corp:8443"
    ca-file = "corp.pem"
    client-certificate = "me.pem"
    client-key = "me.key"

Of both files, all demands on signers hold; for the same prefix of mirrors, and for the same host,
the user's entry stands in place of the machine's. Unknown tables and keys are refused: a demand
that is misspelt must not silently demand nothing.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.configuration.tables import (
    TlsEntry,
    check_tables,
    read_mirrors,
    read_signers,
    read_tls,
)
from pipeline.errors import InvalidSetting
from pipeline.mirrors import NO_MIRRORS, Mirrors, NameMirrors, UrlMirrors, UrlPrefix
from pipeline.names import ImageName
from pipeline.toml_files import load_document

FILE_NAME: Final = "config.toml"


@final
@dataclass(frozen=True, slots=True)
class Configuration:
    """What configuration files say; ``signers`` are prefixes and numbers."""

    signers: tuple[tuple[ImageName, int], ...] = ()
    mirrors: Mirrors = NO_MIRRORS
    tls: tuple[TlsEntry, ...] = ()


def read_configuration(*folders: Path) -> Result[Configuration, InvalidSetting]:
    """Read the files in ``folders`` that exist, as one; what a later one says goes first.

    Errors: InvalidSetting with the file, what stands there, and what was wanted.
    """
    signers: list[tuple[ImageName, int]] = []
    mirrors: dict[ImageName | UrlPrefix, NameMirrors | UrlMirrors] = {}
    tls: dict[tuple[str, int], TlsEntry] = {}
    for folder in folders:
        path = folder / FILE_NAME
        loaded = load_document(path)
        if not is_successful(loaded):
            return Failure(loaded.failure())
        document = loaded.unwrap()
        known = check_tables(path, document)
        if not is_successful(known):
            return Failure(known.failure())
        signers_read = read_signers(path, document)
        if not is_successful(signers_read):
            return Failure(signers_read.failure())
        mirrors_read = read_mirrors(path, document)
        if not is_successful(mirrors_read):
            return Failure(mirrors_read.failure())
        tls_read = read_tls(path, document)
        if not is_successful(tls_read):
            return Failure(tls_read.failure())
        signers += signers_read.unwrap()
        mirrors |= mirrors_read.unwrap()
        tls |= tls_read.unwrap()
    table = Mirrors(
        urls=tuple(each for each in mirrors.values() if isinstance(each, UrlMirrors)),
        names=tuple(each for each in mirrors.values() if isinstance(each, NameMirrors)),
    )
    return Success(Configuration(tuple(signers), table, tuple(tls.values())))


__all__ = ["FILE_NAME", "Configuration", "TlsEntry", "read_configuration"]
