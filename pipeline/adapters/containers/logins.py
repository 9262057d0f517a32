"""Who a registry is told to be asked by: :class:`~pipeline.ports.RegistryCredentials`.

    ContainerPaths, CredentialHelpers -> Result[FileLogins, InvalidSetting]

Of several files the first that has something for a repository counts: a login of its own, or a
helper that has one. A helper that has none, or fails, leaves the next file its say.
"""

from dataclasses import dataclass
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.containers.auth_json import AuthFile, Helper, parse_auth_file
from pipeline.adapters.containers.helpers import CredentialHelpers
from pipeline.adapters.containers.paths import ContainerPaths
from pipeline.errors import ConfigurationError, InvalidSetting
from pipeline.logins import Login
from pipeline.ports import RegistryCredentials
from pipeline.secret_files import read_secret_file


@final
@dataclass(frozen=True, slots=True)
class FileLogins:
    """What ``auth.json`` and its like say; ``warnings`` are sentences for a person."""

    files: tuple[AuthFile, ...]
    helpers: CredentialHelpers
    warnings: tuple[str, ...] = ()

    def login_for(self, registry: str, repository: str) -> Result[Login | None, ConfigurationError]:
        """Return what the first file has that has something; no errors, files were read before."""
        for file in self.files:
            found = file.login(registry, repository)
            login = self.helpers.ask(found) if isinstance(found, Helper) else found
            if login is not None:
                return Success(login)
        return Success(None)


@final
@dataclass(frozen=True, slots=True)
class FirstLogin:
    """Several sources as one: the first that has a login counts."""

    sources: tuple[RegistryCredentials, ...]

    def login_for(self, registry: str, repository: str) -> Result[Login | None, ConfigurationError]:
        """Ask one source after the other; a failure ends it, as nobody knows what it would say."""
        for source in self.sources:
            found = source.login_for(registry, repository)
            if not is_successful(found) or found.unwrap() is not None:
                return found
        return Success(None)


def read_logins(
    paths: ContainerPaths, helpers: CredentialHelpers
) -> Result[FileLogins, InvalidSetting]:
    """Read the files that are there; the one that somebody named must be.

    Errors: InvalidSetting with the file, the place in it, and what was wanted there.
    """
    files: list[AuthFile] = []
    warnings: tuple[str, ...] = ()
    named = () if paths.named_login is None else (paths.named_login,)
    for path in (*named, *paths.logins):
        read = read_secret_file(path, may_be_absent=path not in named)
        if not is_successful(read):
            return Failure(read.failure())
        file = parse_auth_file(path, read.unwrap().content)
        if not is_successful(file):
            return Failure(file.failure())
        files.append(file.unwrap())
        warnings += read.unwrap().warnings
    return Success(FileLogins(tuple(files), helpers, warnings))
