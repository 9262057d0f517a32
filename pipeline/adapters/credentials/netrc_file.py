"""A user's netrc file: ``Path -> Result[NetrcFile, InvalidSetting]``.

    machine example.com login alice password …

Source: netrc(5) as :mod:`netrc` reads it. A password goes where its entry says and nowhere else:
``machine host`` speaks for https on port 443 alone (curl sends it to every port), ``machine
host:port`` for that port, and ``default``, which would give a password to every host, for none.
What is no host, or lacks login or password, is meant for other programs and left out.

Python's own check of owner and permissions is for its default path alone, which it is not given;
:mod:`.files` warns instead.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.credentials.files import READABLE, read_secret_file
from pipeline.adapters.credentials.origins import Origin, parse_origin
from pipeline.adapters.credentials.proofs import Basic, check_password, check_user
from pipeline.errors import InvalidSetting


@final
@dataclass(frozen=True, slots=True)
class NetrcFile:
    """Its entries that speak for an origin, and what a person should know of the file."""

    proofs: tuple[tuple[Origin, Basic], ...]
    warnings: tuple[str, ...]


def read_netrc(path: Path) -> Result[NetrcFile, InvalidSetting]:
    """Read the file; one that is not there has no entries. Of two for an origin, the later counts.

    Errors: InvalidSetting where it cannot be read or used, without a word of what it holds.
    """
    outcome = read_secret_file(path, may_be_absent=True)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    file = outcome.unwrap()
    if not file.content:
        return Success(NetrcFile((), ()))
    entries = _parse(path, file.content)
    if not is_successful(entries):
        return Failure(entries.failure())
    proofs: dict[Origin, Basic] = {}
    for machine, (login, password) in entries.unwrap().items():
        origin = parse_origin(machine)
        if not (is_successful(origin) and login and password):
            continue
        where = f"{path}: machine {origin.unwrap()}"
        user, secret = check_user(login), check_password(password)
        if not is_successful(user):
            return Failure(InvalidSetting(f"{where}: login", "another text", user.failure()))
        if not is_successful(secret):
            return Failure(InvalidSetting(f"{where}: password", "another text", secret.failure()))
        proofs[origin.unwrap()] = Basic(user.unwrap(), secret.unwrap())
    return Success(NetrcFile(tuple(proofs.items()), file.warnings))


def _parse(path: Path, content: bytes) -> Result[dict[str, tuple[str, str]], InvalidSetting]:
    """Return each machine's login and password; the last entry of a name counts."""
    from netrc import NetrcParseError, netrc  # a run without such a file does without it

    try:
        content.decode()
        hosts = netrc(str(path)).hosts
    except NetrcParseError as error:
        # Its message holds the word that it did not understand: after a slip, a password.
        where, wanted = f"{path}: up to line {error.lineno}", "machines, logins and passwords"
        return Failure(InvalidSetting(where, "something else", wanted))
    except UnicodeDecodeError:
        return Failure(InvalidSetting(str(path), "bytes that are no text", "text in UTF-8"))
    except OSError as error:
        return Failure(InvalidSetting(str(path), error.strerror or "", READABLE))
    return Success(
        {
            machine: (login, password)
            for machine, (login, _, password) in hosts.items()
            if machine != "default"
        }
    )
