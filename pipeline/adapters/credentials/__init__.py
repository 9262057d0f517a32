"""What proves to servers who asks: rkt's credentials files, and netrc.

    folders -> Result[FoundCredentials, InvalidSetting];  URL, time -> header fields

``{system,local}/auth.d/*.json``: a local domain goes before the system's, both before netrc. Only
files that lie directly in these folders count; what else is there is left alone, as in rkt.

1. Only https, and only the very origin that a file names: no wildcards, no other port.
2. Two files of a folder that speak for one origin are an error: which one counts would be luck.
3. No secret in a message, a warning or a ``repr``.

``origins``: for whom. ``proofs``: what is sent. ``signing``: AWS. ``auth_files``, ``netrc_file``:
what files say. Not here: credentials for proxies, the folders' places, registries' tokens.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.credentials.auth_files import parse_auth_file
from pipeline.adapters.credentials.netrc_file import NetrcFile, read_netrc
from pipeline.adapters.credentials.origins import Origin, parse_asked, parse_origin
from pipeline.adapters.credentials.proofs import Basic, Headers, Proof, headers_of
from pipeline.errors import ConfigurationError, InvalidSetting
from pipeline.logins import Login, UserPassword
from pipeline.secret_files import read_secret_file

FOLDER: Final = "auth.d"

_HUB: Final = tuple(
    Origin(host) for host in ("docker.io", "index.docker.io", "registry-1.docker.io")
)

Value = TypeVar("Value")


@final
@dataclass(frozen=True, slots=True)
class FoundCredentials:
    """:class:`~pipeline.ports.Credentials` by origin; a value, to be shared between threads.

    ``registries`` are for whoever asks a registry for a token: they are not sent as they are. So
    this is :class:`~pipeline.ports.RegistryCredentials`, too. ``warnings`` are sentences for a
    person.
    """

    proofs: tuple[tuple[Origin, Proof], ...] = ()
    registries: tuple[tuple[Origin, Basic], ...] = ()
    warnings: tuple[str, ...] = ()

    def headers_for(self, url: str, now: datetime) -> Headers:
        """Return the header fields to add to a GET of ``url`` at ``now``; none for other origins.

        No errors: what is no https URL has no origin that anything is set for.
        """
        outcome = parse_asked(url)
        if not is_successful(outcome):
            return ()
        asked = outcome.unwrap()
        for origin, proof in self.proofs:
            if origin == asked.origin:
                return headers_of(proof, asked, now)
        return ()

    def login_for(
        self,
        registry: str,
        repository: str,  # noqa: ARG002 - rkt knows of registries alone
    ) -> Result[Login | None, ConfigurationError]:
        """Return what is set for a registry, whatever the repository; docker.io has several names.

        No errors: what is no origin has nothing.
        """
        asked = parse_origin(registry).value_or(None)
        names = _HUB if asked in _HUB else (asked,)
        for origin, basic in self.registries:
            if origin in names:
                return Success(UserPassword(basic.user, basic.password))
        return Success(None)


@final
@dataclass(frozen=True, slots=True)
class _Folder:
    """What one folder's files say; each origin with the file that named it."""

    proofs: dict[Origin, tuple[Path, Proof]]
    registries: dict[Origin, tuple[Path, Basic]]
    warnings: tuple[str, ...]


def read_credentials(
    system: Path, local: Path, *, netrc: Path | None
) -> Result[FoundCredentials, InvalidSetting]:
    """Read what is set for the machine and for the user; ``netrc`` is a file that may be absent.

    Errors: InvalidSetting with the file, the place in it, and what was wanted there.
    """
    outcome = Success(NetrcFile((), ())) if netrc is None else read_netrc(netrc)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    from_netrc = outcome.unwrap()
    proofs: dict[Origin, Proof] = dict(from_netrc.proofs)
    registries: dict[Origin, Basic] = {}
    warnings: tuple[str, ...] = ()
    for config in (system, local):
        read = _read_folder(config / FOLDER)
        if not is_successful(read):
            return Failure(read.failure())
        folder = read.unwrap()
        proofs |= {origin: proof for origin, (_, proof) in folder.proofs.items()}
        registries |= {origin: login for origin, (_, login) in folder.registries.items()}
        warnings += folder.warnings
    return Success(
        FoundCredentials(
            tuple(proofs.items()), tuple(registries.items()), warnings + from_netrc.warnings
        )
    )


def _read_folder(folder: Path) -> Result[_Folder, InvalidSetting]:
    """Read the files of one folder in order of name; one that is not there has none."""
    try:
        with os.scandir(folder) as listing:
            names = sorted(
                each.name for each in listing if each.name.endswith(".json") and each.is_file()
            )
    except FileNotFoundError:
        names = []
    except OSError as error:
        got = error.strerror or ""
        return Failure(InvalidSetting(str(folder), got, "a folder that can be read"))
    total = _Folder({}, {}, ())
    for name in names:
        added = _read_into(total, folder / name)
        if not is_successful(added):
            return Failure(added.failure())
        total = added.unwrap()
    return Success(total)


def _read_into(total: _Folder, path: Path) -> Result[_Folder, InvalidSetting]:
    outcome = read_secret_file(path)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    parsed = parse_auth_file(path, outcome.unwrap().content)
    if not is_successful(parsed):
        return Failure(parsed.failure())
    proofs = _joined(total.proofs, path, parsed.unwrap().proofs)
    if not is_successful(proofs):
        return Failure(proofs.failure())
    registries = _joined(total.registries, path, parsed.unwrap().registries)
    if not is_successful(registries):
        return Failure(registries.failure())
    warnings = total.warnings + outcome.unwrap().warnings
    return Success(_Folder(proofs.unwrap(), registries.unwrap(), warnings))


def _joined(
    earlier: dict[Origin, tuple[Path, Value]], path: Path, added: tuple[tuple[Origin, Value], ...]
) -> Result[dict[Origin, tuple[Path, Value]], InvalidSetting]:
    """Add what a file says to what the folder's earlier files do."""
    for origin, _ in added:
        if origin in earlier:
            got = f"for {origin}, as is {earlier[origin][0].name}"
            return Failure(InvalidSetting(str(path), got, "one file for a domain"))
    return Success(earlier | {origin: (path, value) for origin, value in added})
