r"""A user's netrc file: ``Path -> Result[NetrcFile, InvalidSetting]``.

    machine example.com login alice password …

    file  = { entry | "macdef" word lines-until-an-empty-one | "#" rest-of-line }
    entry = ( "machine" word | "default" ) { ( "login" | "user" | "password" | "account" ) word }
    word  = characters other than blanks, or any between double quotes; \ takes the next as it is

Source: netrc(5) of GNU inetutils 2.5, with curl's quotes. :mod:`netrc` of the standard library
takes a comment after an empty line for an entry, and refuses the file.

A password goes where its entry says and nowhere else: ``machine host`` speaks for https on port
443 alone (curl sends it to every port), ``machine host:port`` for that port, and ``default``,
which would give a password to every host, for none. What is no host, or lacks login or password,
is meant for other programs and left out.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.credentials.origins import Origin, parse_origin
from pipeline.adapters.credentials.proofs import Basic, check_password, check_user
from pipeline.errors import InvalidSetting
from pipeline.secret_files import read_secret_file

_BLANK: Final = re.compile(r"[ \t\r\n]*")
_BLANK_OR_COMMENT: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*+")
_WORD: Final = re.compile(
    r'"(?P<quoted>(?:[^"\\]|\\.)*+)"|(?P<plain>(?:[^" \t\r\n\\]|\\.)(?:[^ \t\r\n\\]|\\.)*+)',
    re.DOTALL,
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_MACRO: Final = re.compile(r".*?(?:\n\r?\n|\Z)", re.DOTALL)
_FIRST_KEYWORDS: Final = frozenset({"machine", "default", "macdef"})
_KEYWORDS: Final = _FIRST_KEYWORDS | {"login", "user", "password", "account"}


@final
@dataclass(frozen=True, slots=True)
class NetrcFile:
    """Its entries that speak for an origin, and what a person should know of the file."""

    proofs: tuple[tuple[Origin, Basic], ...]
    warnings: tuple[str, ...]


def read_netrc(path: Path) -> Result[NetrcFile, InvalidSetting]:
    """Read the file; one that is not there has no entries. Of two for an origin, the first counts.

    Errors: InvalidSetting where it cannot be read or used, without a word of what it holds.
    """
    outcome = read_secret_file(path, may_be_absent=True)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    file = outcome.unwrap()
    try:
        text = file.content.decode()
    except UnicodeDecodeError:
        return Failure(InvalidSetting(str(path), "bytes that are no text", "text in UTF-8"))
    entries = parse_entries(text)
    if not is_successful(entries):
        where = f"{path}: line {entries.failure()}"
        return Failure(InvalidSetting(where, "something else", "machine, login and password"))
    proofs: dict[Origin, Basic] = {}
    for entry in entries.unwrap():
        origin = parse_origin(entry.get("machine", ""))
        login, password = entry.get("login", ""), entry.get("password", "")
        if not is_successful(origin) or not login or not password:
            continue
        where = f"{path}: machine {origin.unwrap()}"
        user, secret = check_user(login), check_password(password)
        if not is_successful(user):
            return Failure(InvalidSetting(f"{where}: login", "another text", user.failure()))
        if not is_successful(secret):
            return Failure(InvalidSetting(f"{where}: password", "another text", secret.failure()))
        proofs.setdefault(origin.unwrap(), Basic(user.unwrap(), secret.unwrap()))
    return Success(NetrcFile(tuple(proofs.items()), file.warnings))


def parse_entries(text: str) -> Result[list[dict[str, str]], int]:
    """Return the members of each entry, in order; ``default`` has no ``machine``.

    Errors: the number of the line with what is no keyword, or with a keyword without its value.
    """
    entries: list[dict[str, str]] = []
    words = _Words(text)
    while (keyword := words.take(_BLANK_OR_COMMENT)) is not None:
        if keyword not in (_KEYWORDS if entries else _FIRST_KEYWORDS):
            return Failure(words.line)
        if keyword == "default":
            entries.append({})
            continue
        value = words.take(_BLANK)
        if value is None:
            return Failure(words.line)
        if keyword == "machine":
            entries.append({keyword: value})
        elif keyword == "macdef":
            words.skip(_MACRO)
        else:
            entries[-1]["login" if keyword == "user" else keyword] = value
    return Success(entries) if words.start == len(text) else Failure(words.line)


@final
@dataclass(slots=True)
class _Words:
    """A text that is read word by word; ``start`` is where the last one is, or should be."""

    text: str
    start: int = 0
    end: int = 0

    @property
    def line(self) -> int:
        return self.text.count("\n", 0, self.start) + 1

    def skip(self, pattern: re.Pattern[str]) -> None:
        """Go on after what matches here, which may be nothing."""
        matched = pattern.match(self.text, self.end)
        self.start = self.end = self.end if matched is None else matched.end()

    def take(self, between: re.Pattern[str]) -> str | None:
        """Return the word after ``between``; None at the end, and where a quote has none."""
        self.skip(between)
        matched = _WORD.match(self.text, self.start)
        if matched is None:
            return None
        self.end = matched.end()
        quoted = matched["quoted"]
        return _ESCAPED.sub(r"\1", matched["plain"] if quoted is None else quoted)
