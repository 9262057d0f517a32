"""Several files, helpers and other sources as one: the first that has a login counts."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from returns.result import Failure, Result, Success

from pipeline.adapters import SystemClock
from pipeline.adapters.containers import (
    ContainerPaths,
    CredentialHelpers,
    FileLogins,
    FirstLogin,
    read_logins,
)
from pipeline.adapters.credentials import read_credentials
from pipeline.errors import ConfigurationError, InvalidSetting
from pipeline.events import SILENCE
from pipeline.logins import Login, UserPassword
from pipeline.ports import RegistryCredentials
from pipeline.secret import Secret
from tests.adapters.containers.cases import paths_in, put
from tests.adapters.containers.test_auth_json import auth


def logins(paths: ContainerPaths) -> Result[FileLogins, InvalidSetting]:
    return read_logins(paths, CredentialHelpers({"PATH": ""}, SystemClock(), SILENCE))


def write(path: Path, **auths: object) -> Path:
    return put(path, json.dumps({"auths": auths}))


def user_of(source: RegistryCredentials, registry: str, repository: str = "x") -> str | None:
    login = source.login_for(registry, repository).unwrap()
    assert login is None or isinstance(login, UserPassword)
    return None if login is None else login.user.value


class TestFiles:
    """In their order; each as a whole."""

    def test_the_first_that_has_one(self, tmp_path: Path) -> None:
        paths = paths_in(tmp_path)
        write(paths.logins[0], **{"a.corp": {}, "b.corp": auth("first")})
        write(paths.logins[1], **{"a.corp": auth("second")})
        write(
            paths.logins[2],
            **{"a.corp/x": auth("third"), "b.corp/x": auth("third"), "c.corp": auth("third")},
        )
        found = logins(paths).unwrap()
        users = {host: user_of(found, f"{host}.corp") for host in "abcd"}
        assert users == {"a": "second", "b": "first", "c": "third", "d": None}

    def test_none_at_all(self, tmp_path: Path) -> None:
        assert user_of(logins(paths_in(tmp_path)).unwrap(), "a.corp") is None

    def test_one_that_is_named(self, tmp_path: Path) -> None:
        named = tmp_path / "named.json"
        paths = replace(paths_in(tmp_path), named_login=named)
        write(paths.logins[0], **{"a.corp": auth("second"), "b.corp": auth("second")})
        error = logins(paths).failure()
        assert (error.setting, error.wanted) == (str(named), "a file that can be read")
        write(named, **{"a.corp": auth("named")})
        found = logins(paths).unwrap()
        assert (user_of(found, "a.corp"), user_of(found, "b.corp")) == ("named", "second")

    def test_one_that_is_wrong(self, tmp_path: Path) -> None:
        paths = paths_in(tmp_path)
        path = put(paths.logins[2], "{")
        assert logins(paths).failure().setting == f"{path}: $"

    def test_one_that_cannot_be_read(self, tmp_path: Path) -> None:
        paths = paths_in(tmp_path)
        paths.logins[0].mkdir()
        assert logins(paths).failure().wanted == "a regular file"

    def test_one_that_everybody_can_read(self, tmp_path: Path) -> None:
        paths = paths_in(tmp_path)
        tmp_path.chmod(0o755)
        path = write(paths.logins[0])
        assert logins(paths).unwrap().warnings == ()
        path.chmod(0o644)
        [warning] = logins(paths).unwrap().warnings
        assert str(path) in warning

    def test_a_helper_that_is_not_there_leaves_the_next_file_its_say(self, tmp_path: Path) -> None:
        paths = paths_in(tmp_path)
        put(paths.logins[0], json.dumps({"credsStore": "missing"}))
        write(paths.logins[1], **{"a.corp": auth("second")})
        assert user_of(logins(paths).unwrap(), "a.corp") == "second"


class _Fixed:
    """A source that always says the same."""

    def __init__(self, said: Result[Login | None, ConfigurationError]) -> None:
        self.said = said

    def login_for(self, registry: str, repository: str) -> Result[Login | None, ConfigurationError]:
        return self.said


NONE = _Fixed(Success(None))
ONE = _Fixed(Success(UserPassword(Secret("one"), Secret("x"))))
TWO = _Fixed(Success(UserPassword(Secret("two"), Secret("x"))))
BROKEN = _Fixed(Failure(InvalidSetting("a", "b", "c")))


class TestSources:
    """:class:`FirstLogin` is a source itself."""

    @pytest.mark.parametrize(
        ("sources", "user"),
        [((), None), ((NONE,), None), ((NONE, ONE, TWO), "one"), ((TWO, BROKEN), "two")],
    )
    def test_the_first_that_has_one(self, sources: tuple[_Fixed, ...], user: str | None) -> None:
        assert user_of(FirstLogin(sources), "a.corp") == user

    def test_a_failure_ends_it(self) -> None:
        assert FirstLogin((NONE, BROKEN, ONE)).login_for("a.corp", "x") == BROKEN.said

    def test_rkts_files_beside_the_tools(self, tmp_path: Path) -> None:
        document = {
            "rktKind": "dockerAuth",
            "rktVersion": "v1",
            "registries": ["Quay.io", "index.docker.io", "a.corp:5000"],
            "credentials": {"user": "rkt", "password": "x"},
        }
        put(tmp_path / "local/auth.d/a.json", json.dumps(document))
        rkt = read_credentials(tmp_path / "system", tmp_path / "local", netrc=None).unwrap()
        paths = paths_in(tmp_path)
        write(paths.logins[0], **{"quay.io": auth("tools"), "b.corp": auth("tools")})
        both = FirstLogin((rkt, logins(paths).unwrap()))
        hosts = ("quay.io", "registry-1.docker.io", "a.corp:5000", "a.corp", "b.corp", "not a host")
        users = [user_of(both, host) for host in hosts]
        assert users == ["rkt", "rkt", "rkt", None, "tools", None]
