"""``auth.json`` and docker's ``config.json``: ``Path -> Result[AuthFile, InvalidSetting]``.

    {"auths": {"registry.example.com/team": {"auth": "<base64 of user:password>"}},
     "credHelpers": {"quay.io": "secretservice"}, "credsStore": "pass"}

An entry has ``auth`` or, of before, ``username`` and ``password``; an ``identitytoken`` goes before
both, a ``registrytoken`` before all. One that has none of them leaves the file's store its say:
that is how programs note who keeps the rest. Keys are a host, a path under it, or a URL, of which
the host counts; ``docker.io`` is also ``https://index.docker.io/v1/``.

Sources: containers/image v5.23.0 ``docs/containers-auth.json.5.md``; docker 24.0
``docs/reference/commandline/login.md`` "Credential stores". These programs keep much else in their
file, so other members are left alone. What is read here must be right in the whole file.

No error shows a word of a file: whatever stands in it may be a secret.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.containers.endpoints import canonical_host
from pipeline.errors import InvalidSetting
from pipeline.limits import CONFIGURATION_BYTES, CREDENTIALS_DEPTH, REFERENCE_CHARACTERS
from pipeline.logins import IdentityToken, Login, RegistryToken, UserPassword
from pipeline.secret import Secret
from pipeline.strict_json import JsonProblem, JsonValue, parse_json

HUB: Final = "docker.io"
HUB_SERVER: Final = "https://index.docker.io/v1/"
"""What docker calls docker.io where it keeps credentials."""

# What becomes part of a program's name: no path, and no option.
_HELPER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MEMBERS: Final = ("auth", "username", "password", "identitytoken", "registrytoken")


@final
@dataclass(frozen=True, slots=True)
class Helper:
    """Which helper to ask, ``docker-credential-<name>``, and for which server."""

    name: str
    server: str


@final
@dataclass(frozen=True, slots=True)
class AuthFile:
    """What one file says; keys are hosts, or hosts and paths.

    ``logins`` has the entries that hold nothing, too; ``servers`` are hosts as the file calls them.
    """

    logins: Mapping[str, Login | None] = field(default_factory=dict, repr=False)
    helpers: Mapping[str, Helper] = field(default_factory=dict, repr=False)
    servers: Mapping[str, str] = field(default_factory=dict, repr=False)
    store: str = ""

    def login(self, registry: str, repository: str) -> Login | Helper | None:
        """Return what is set for a repository, or who is to be asked; the longest path wins.

        A registry's own helper goes before all, the store of the whole file after all.
        """
        host = _canonical_key(registry)
        own = self.helpers.get(host)
        if own is not None:
            return own
        keys = (key for key in _keys_of(f"{host}/{repository}") if key in self.logins)
        login = self.logins.get(next(keys, host))
        if login is not None or not self.store:
            return login
        usual = HUB_SERVER if host == HUB else registry
        return Helper(self.store, self.servers.get(host, usual))


def parse_auth_file(path: Path, content: bytes) -> Result[AuthFile, InvalidSetting]:
    """Read the content of the file at ``path``; an empty one says nothing.

    Errors: InvalidSetting with the file, the place in it, and what was wanted there.
    """
    if not content:
        return Success(AuthFile())
    document = parse_json(
        content, max_bytes=CONFIGURATION_BYTES, max_depth=CREDENTIALS_DEPTH, is_secret=True
    )
    return document.bind(_parse_document).alt(
        lambda problem: InvalidSetting(f"{path}: {problem.path}", *_got_and_wanted(problem))
    )


def _got_and_wanted(problem: JsonProblem) -> tuple[str, str]:
    got, separator, wanted = problem.reason.partition(", wanted ")
    return (got.removeprefix("got "), wanted) if separator else (got, "JSON")


def _parse_document(document: JsonValue) -> Result[AuthFile, JsonProblem]:
    entries = _members(document, "auths")
    if not is_successful(entries):
        return Failure(entries.failure())
    named = _members(document, "credHelpers")
    if not is_successful(named):
        return Failure(named.failure())
    store = _helper_name(document.member("credsStore"))
    if not is_successful(store):
        return Failure(store.failure())
    logins: dict[str, Login | None] = {}
    servers: dict[str, str] = {}
    for written, value in entries.unwrap():
        login = _parse_entry(value)
        if not is_successful(login):
            return Failure(login.failure())
        key = _canonical_key(written)
        servers.setdefault(key, written)
        # A key that is the host or path itself goes before a URL that stands for it.
        if key == written or key not in logins:
            logins[key] = login.unwrap()
    helpers: dict[str, Helper] = {}
    for written, value in named.unwrap():
        name = _helper_name(value)
        if not is_successful(name):
            return Failure(name.failure())
        if name.unwrap():
            helpers.setdefault(_canonical_key(written), Helper(name.unwrap(), written))
    return Success(AuthFile(logins, helpers, servers, store.unwrap()))


def _members(document: JsonValue, name: str) -> Result[list[tuple[str, JsonValue]], JsonProblem]:
    """Return an object's members; in paths each has its number in place of its name."""
    table = document.member(name)
    if not isinstance(document.value, dict):
        return Failure(_refuse(document, "an object"))
    if table.is_absent:
        return Success([])
    if not isinstance(table.value, dict):
        return Failure(_refuse(table, "an object"))
    if any(len(key) > REFERENCE_CHARACTERS for key in table.value):
        reason = f"got a longer name, wanted at most {REFERENCE_CHARACTERS} characters"
        return Failure(JsonProblem(table.path, reason))
    return Success(
        [
            (key, JsonValue(f"{table.path}[{number}]", value))
            for number, (key, value) in enumerate(table.value.items())
        ]
    )


def _parse_entry(entry: JsonValue) -> Result[Login | None, JsonProblem]:
    if not isinstance(entry.value, dict):
        return Failure(_refuse(entry, "an object"))
    texts: dict[str, str] = {}
    for name in _MEMBERS:
        value = entry.member(name)
        if not value.is_absent and not isinstance(value.value, str):
            return Failure(_refuse(value, "a text"))
        texts[name] = value.value if isinstance(value.value, str) else ""
    user, password = texts["username"], texts["password"]
    if texts["auth"]:
        pair = _decode(texts["auth"])
        if pair is None:
            return Failure(_refuse(entry.member("auth"), "the base64 of user:password"))
        user, password = pair
    if texts["registrytoken"]:
        return Success(RegistryToken(Secret(texts["registrytoken"])))
    if texts["identitytoken"]:
        return Success(IdentityToken(Secret(texts["identitytoken"])))
    if user and password:
        return Success(UserPassword(Secret(user), Secret(password)))
    return Success(None)


def _decode(text: str) -> tuple[str, str] | None:
    """Return user and password; docker of before put zeros behind the latter."""
    try:
        pair = b64decode(text.replace("\r", "").replace("\n", ""), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user, colon, password = pair.partition(":")
    return (user, password.rstrip("\0")) if colon else None


def _helper_name(value: JsonValue) -> Result[str, JsonProblem]:
    """Return a helper's name; empty where there is none."""
    if value.is_absent or value.value == "":
        return Success("")
    if not isinstance(value.value, str) or _HELPER.fullmatch(value.value) is None:
        wanted = "a helper's name: letters, digits, dots, dashes and underscores, no path"
        return Failure(_refuse(value, wanted))
    return Success(value.value)


def _canonical_key(written: str) -> str:
    """Return a key as it is looked up: without scheme, without the path of a URL, one name a host.

    The port of https is nobody's name, either.
    """
    bare = written.removeprefix("https://").removeprefix("http://")
    host, slash, path = bare.partition("/")
    host = canonical_host(host.removesuffix(":443"))
    return host if bare != written or not path else f"{host}{slash}{path.rstrip('/')}"


def _keys_of(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition("/")[0]


def _refuse(value: JsonValue, wanted: str) -> JsonProblem:
    return JsonProblem(value.path, f"got {value.kind}, wanted {wanted}")
