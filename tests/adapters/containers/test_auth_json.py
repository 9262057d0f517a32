"""``auth.json``: the longest path wins, entries that hold nothing hide nothing."""

import json
from base64 import b64encode
from pathlib import Path

import pytest

from pipeline.adapters.containers.auth_json import AuthFile, Helper, parse_auth_file
from pipeline.limits import CONFIGURATION_BYTES, REFERENCE_CHARACTERS
from pipeline.logins import IdentityToken, RegistryToken, UserPassword
from pipeline.secret import Secret

HUB = "registry-1.docker.io"
CANARY = "hunter2"


def auth(user: str, password: str = CANARY) -> dict[str, object]:
    return {"auth": b64encode(f"{user}:{password}".encode()).decode()}


def parse(**document: object) -> AuthFile:
    return parse_auth_file(Path("auth.json"), json.dumps(document).encode()).unwrap()


def user_of(file: AuthFile, registry: str, repository: str = "a/b/c") -> str | None:
    login = file.login(registry, repository)
    assert login is None or isinstance(login, UserPassword)
    return None if login is None else login.user.value


class TestWhichEntry:
    """The repository, what is above it, the host."""

    FILE = parse(
        auths={
            "a.corp/foo/bar/image": auth("image"),
            "a.corp/foo": auth("foo"),
            "a.corp": auth("host"),
            "b.corp/foo/": auth("slash"),
            "A.corp:5000": auth("port"),
        }
    )

    @pytest.mark.parametrize(
        ("registry", "repository", "user"),
        [
            ("a.corp", "foo/bar/image", "image"),
            ("a.corp", "foo/bar/image/x", "image"),
            ("a.corp", "foo/bar/images", "foo"),
            ("a.corp", "foo", "foo"),
            ("a.corp", "food", "host"),
            ("a.corp:5000", "foo", "port"),
            ("a.corp:5001", "foo", None),
            ("b.corp", "foo/x", "slash"),
            ("b.corp", "x", None),
            ("x.a.corp", "foo", None),
        ],
    )
    def test_the_longest(self, registry: str, repository: str, user: str | None) -> None:
        assert user_of(self.FILE, registry, repository) == user

    @pytest.mark.parametrize(
        "key",
        [
            "docker.io",
            "index.docker.io",
            "registry-1.docker.io",
            "https://index.docker.io/v1/",
            "https://docker.io",
            "http://registry-1.docker.io/v2/",
        ],
    )
    def test_docker_hub_by_all_its_names(self, key: str) -> None:
        assert user_of(parse(auths={key: auth("me")}), HUB) == "me"

    @pytest.mark.parametrize(
        "key", ["https://a.corp/v2/", "http://a.corp", "a.corp:443", "a.corp/"]
    )
    def test_other_ways_to_write_a_host(self, key: str) -> None:
        assert user_of(parse(auths={key: auth("me")}), "a.corp") == "me"

    @pytest.mark.parametrize("is_first", [True, False])
    def test_a_host_goes_before_a_url(self, is_first: bool) -> None:
        entries = [("a.corp", auth("host")), ("https://a.corp/v1/", auth("url"))]
        file = parse(auths=dict(entries if is_first else reversed(entries)))
        assert user_of(file, "a.corp") == "host"

    def test_a_path_of_docker_hub(self) -> None:
        file = parse(auths={"docker.io/team": auth("team"), HUB: auth("all")})
        assert user_of(file, HUB, "team/x") == "team"
        assert user_of(file, HUB, "library/x") == "all"

    def test_an_empty_entry_counts_as_one(self) -> None:
        """It hides what is above it, and not who keeps the rest."""
        entries = {"a.corp/x": {}, "a.corp": auth("me")}
        assert user_of(parse(auths=entries), "a.corp", "x") is None
        assert user_of(parse(auths=entries), "a.corp", "y") == "me"
        file = parse(auths=entries, credsStore="pass")
        assert file.login("a.corp", "x") == Helper("pass", "a.corp")


class TestWhatIsSet:
    """A token goes before a password."""

    def login(self, **entry: object) -> object:
        return parse(auths={"a.corp": entry}).login("a.corp", "x")

    def test_user_and_password(self) -> None:
        assert self.login(**auth("me", "a:b")) == UserPassword(Secret("me"), Secret("a:b"))
        assert self.login(username="me", password="x") == UserPassword(Secret("me"), Secret("x"))

    def test_auth_goes_before_the_members_of_before(self) -> None:
        login = self.login(**auth("me", "new"), username="you", password="old")
        assert login == UserPassword(Secret("me"), Secret("new"))

    def test_zeros_behind_a_password(self) -> None:
        assert self.login(**auth("me", "x\0\0")) == UserPassword(Secret("me"), Secret("x"))

    def test_base64_in_lines(self) -> None:
        text = str(auth("me", "x" * 60)["auth"])
        assert self.login(auth=f"{text[:40]}\r\n{text[40:]}\n") == self.login(auth=text)

    def test_tokens(self) -> None:
        identity = {"identitytoken": "i", **auth("me", "")}
        assert self.login(**identity) == IdentityToken(Secret("i"))
        assert self.login(**identity, registrytoken="r") == RegistryToken(Secret("r"))

    @pytest.mark.parametrize(
        "entry",
        [
            {},
            {"email": "me@example.com"},
            {"auth": ""},
            {"auth": None},
            auth("me", ""),
            auth("", "x"),
            {"username": "me"},
            {"identitytoken": "", "registrytoken": ""},
        ],
    )
    def test_nothing(self, entry: dict[str, object]) -> None:
        assert self.login(**entry) is None


class TestHelpers:
    """A registry's own helper goes before all, the file's store after all."""

    def test_own_helper(self) -> None:
        file = parse(
            auths={"a.corp/x": auth("me")}, credHelpers={"a.corp": "own"}, credsStore="store"
        )
        assert file.login("a.corp", "x") == Helper("own", "a.corp")

    def test_store(self) -> None:
        file = parse(auths={"a.corp": {}, "b.corp": auth("me")}, credsStore="store")
        assert file.login("a.corp", "x") == Helper("store", "a.corp")
        assert file.login("c.corp:5000", "x") == Helper("store", "c.corp:5000")
        assert user_of(file, "b.corp") == "me"

    def test_docker_hub(self) -> None:
        """The server is called as the file calls it; by docker's name where it does not."""
        url = "https://index.docker.io/v1/"
        assert parse(credsStore="s").login(HUB, "x") == Helper("s", url)
        assert parse(credsStore="s", auths={"docker.io": {}}).login(HUB, "x") == Helper(
            "s", "docker.io"
        )
        for key in (url, "docker.io"):
            assert parse(credHelpers={key: "h"}).login(HUB, "x") == Helper("h", key)

    def test_no_helper(self) -> None:
        file = parse(credHelpers={"a.corp": ""}, credsStore="")
        assert file.login("a.corp", "x") is None

    @pytest.mark.parametrize(
        "name", ["a/b", "../a", "/bin/a", "", ".a", "-a", "a b", "a\n", "a" * 65]
    )
    def test_names(self, name: str) -> None:
        for document in ({"credsStore": name}, {"credHelpers": {"a.corp": name}}):
            content = json.dumps(document).encode()
            outcome = parse_auth_file(Path("f"), content)
            if name:
                assert "no path" in outcome.failure().wanted
            else:
                assert outcome.unwrap().login("a.corp", "x") is None


def test_other_members_are_left_alone() -> None:
    parse(auths={}, HttpHeaders={"X": CANARY}, psFormat="x", plugins={"a": {"b": "c"}})


def test_an_empty_file_says_nothing() -> None:
    assert parse_auth_file(Path("f"), b"").unwrap() == AuthFile()


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ([], "$"),
        ({"auths": []}, "$.auths"),
        ({"auths": CANARY}, "$.auths"),
        ({"auths": {"b.corp": {}, CANARY: CANARY}}, "$.auths[1]"),
        ({"auths": {CANARY: {"auth": CANARY}}}, "$.auths[0].auth"),
        ({"auths": {CANARY: {"auth": "aHVudGVyMg=="}}}, "$.auths[0].auth"),
        ({"auths": {CANARY: {"auth": "//8="}}}, "$.auths[0].auth"),
        ({"auths": {CANARY: {"auth": 1}}}, "$.auths[0].auth"),
        ({"auths": {CANARY: {"username": [CANARY]}}}, "$.auths[0].username"),
        ({"auths": {CANARY: {"password": {CANARY: 1}}}}, "$.auths[0].password"),
        ({"auths": {CANARY: {"identitytoken": True}}}, "$.auths[0].identitytoken"),
        ({"auths": {CANARY: {"registrytoken": 48151}}}, "$.auths[0].registrytoken"),
        ({"auths": {"a" * (REFERENCE_CHARACTERS + 1): {}}}, "$.auths"),
        ({"credHelpers": CANARY}, "$.credHelpers"),
        ({"credHelpers": {CANARY: 1}}, "$.credHelpers[0]"),
        ({"credHelpers": {CANARY: f"/{CANARY}"}}, "$.credHelpers[0]"),
        ({"credsStore": 1}, "$.credsStore"),
    ],
)
def test_refusals(document: object, place: str) -> None:
    error = parse_auth_file(Path("auth.json"), json.dumps(document).encode()).failure()
    assert error.setting == f"auth.json: {place}"
    assert CANARY not in f"{error!r}{error.message}{error.hint}"


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff",
        b'{"hunter2": 1, "hunter2": 2}',
        b'{"auths": {"hunter2": {}, "hunter2": {}}}',
        b"[" * 100,
        b" " * (CONFIGURATION_BYTES + 1),
    ],
)
def test_what_is_no_json(content: bytes) -> None:
    error = parse_auth_file(Path("auth.json"), content).failure()
    assert error.setting == "auth.json: $"
    assert CANARY not in error.message


def test_what_was_read_does_not_show_itself() -> None:
    file = parse(
        auths={
            f"{CANARY}@a.corp": auth(CANARY),
            "b.corp": {"identitytoken": CANARY},
            "c.corp": {"registrytoken": CANARY},
        }
    )
    assert user_of(file, f"{CANARY}@a.corp") == CANARY
    shown = [file, *(file.login(host, "x") for host in ("b.corp", "c.corp"))]
    assert CANARY not in repr(shown)
