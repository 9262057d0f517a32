"""What is read of users' files, beside skopeo, which reads the same ones."""

import json
import re
from base64 import b64encode
from pathlib import Path
from typing import Final

import pytest

from pipeline.adapters import SystemClock
from pipeline.adapters.containers import (
    ConfiguredRegistries,
    ContainerPaths,
    CredentialHelpers,
    FileLogins,
    read_logins,
    read_registries,
    standard_paths,
)
from pipeline.errors import RegistryBlocked
from pipeline.events import SILENCE
from pipeline.logins import UserPassword
from tests.adapters.containers.cases import AMD64, HEX, places, put, reference
from tests.peers.registry import Registry, skopeo

pytestmark = pytest.mark.peer

# Nobody listens on these, so everything is tried: skopeo tells what, and where.
CONF: Final = """
[[registry]]
prefix = "a.corp/foo"
location = "127.0.0.1:1/bar"
insecure = true

[[registry.mirror]]
location = "127.0.0.1:2/mirror"

[[registry.mirror]]
location = "127.0.0.1:3"
insecure = true
pull-from-mirror = "digest-only"

[[registry.mirror]]
location = "127.0.0.1:4/tags"
pull-from-mirror = "tag-only"

[[registry]]
prefix = "a.corp/foo/deep"
location = "127.0.0.1:5/deep"

[[registry]]
prefix = "*.wild.corp"
location = "127.0.0.1:6"

[[registry]]
prefix = "b.wild.corp/x"
location = "127.0.0.1:7/longer"
mirror-by-digest-only = true

[[registry.mirror]]
location = "127.0.0.1:8"

[[registry]]
prefix = "docker.io"
location = "127.0.0.1:9/hub"

[[registry]]
location = "blocked.corp"
blocked = true
"""
LOOKASIDE: Final = """
default-docker:
    lookaside: https://default.corp
docker:
    127.0.0.1:1: {lookaside: "https://host.corp/"}
    127.0.0.1:1/team: {sigstore: "file:///team"}
    127.0.0.1:1/team/app: {lookaside: "https://app.corp", sigstore: "https://old.corp"}
    127.0.0.1:1/team/app:1: {lookaside: "https://one.corp", lookaside-staging: "https://s.corp"}
"""
TRIED: Final = re.compile(r'Trying to access \\"([^\\]+)\\"|msg="GET (https?://[^/]+)/v2/"')
USED: Final = re.compile(r'Using \\"\w+\\" ([^" ]+)"|using built-in default ([^" ]+)"')


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who has said nothing yet."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def paths(home: Path) -> ContainerPaths:
    return standard_paths({}, home, 1000)


def read(home: Path) -> ConfiguredRegistries:
    return read_registries(paths(home)).unwrap()


def told(image: str) -> str:
    """Return what skopeo says while it looks for an image that nobody has."""
    done = skopeo("--debug", "inspect", f"docker://{image}", check=False)
    assert done.returncode == 1
    return done.stderr.decode()


@pytest.mark.parametrize(
    "image",
    [
        "a.corp/foo/app:1",
        "a.corp/foo:1",
        f"a.corp/foo/app@sha256:{HEX}",
        "a.corp/foo/deep/app",
        "a.corp/foo/deeper",
        "x.wild.corp/app",
        "x.y.wild.corp/a/b:2",
        "b.wild.corp/x",
        f"b.wild.corp/x/y@sha256:{HEX}",
        "b.wild.corp/xy",
        "busybox",
        "docker.io/team/app:1",
        "127.0.0.1:10/app",
    ],
)
def test_where_images_are_looked_for(home: Path, image: str) -> None:
    put(home / ".config/containers/registries.conf", CONF)
    by_skopeo: list[tuple[str, str]] = []
    name = ""
    for tried, pinged in TRIED.findall(told(image)):
        name = tried or name
        if pinged:
            by_skopeo.append((pinged, name))
    ours = []
    for place in places(read(home), image):
        origin, repository = place.base.split("/v2/")
        wanted = place.reference
        end = f"@{wanted.digest}" if wanted.digest else f":{wanted.tag}"
        ours.append((origin, f"{origin.partition('://')[2]}/{repository}{end}"))
    assert ours == by_skopeo


@pytest.mark.parametrize("image", ["blocked.corp/x", "blocked.corp:5000/x"])
def test_what_is_blocked(home: Path, image: str) -> None:
    put(home / ".config/containers/registries.conf", CONF)
    assert "is blocked in" in told(image)
    outcome = read(home).places(reference(image), AMD64)
    assert isinstance(outcome.failure(), RegistryBlocked)


@pytest.mark.parametrize(
    "image",
    [
        "127.0.0.1:1/x",
        "127.0.0.1:1/team/x",
        "127.0.0.1:1/teams/x",
        "127.0.0.1:1/team/app:2",
        "127.0.0.1:1/team/app:1",
        f"127.0.0.1:1/team/app@sha256:{HEX}",
        "127.0.0.1:2/team/app:1",
    ],
)
@pytest.mark.parametrize(
    "content", [LOOKASIDE, "", "default-docker: {lookaside-staging: file:///s}"]
)
def test_where_signatures_are(home: Path, image: str, content: str) -> None:
    put(home / ".config/containers/registries.d/a.yaml", content)
    [by_skopeo] = {(named or builtin).rstrip("/") for named, builtin in USED.findall(told(image))}
    # Who is root is asked of the kernel there, and comes as an argument here.
    builtin = f"file://{home}/.local/share/containers/sigstore"
    [[ours]] = {place.lookaside for place in places(read(home), image)}
    assert ours == by_skopeo.replace("file:///var/lib/containers/sigstore", builtin)


def entry(user: str) -> dict[str, str]:
    return {"auth": b64encode(f"{user}:x".encode()).decode()}


AUTHS: Final = {
    "a.corp/foo": entry("foo"),
    "a.corp": entry("host"),
    "https://index.docker.io/v1/": entry("hub"),
    "https://b.corp/v1/": entry("url"),
    "c.corp/x": {},
    "c.corp": entry("c"),
    "d.corp/x": entry("d"),
    "e.corp:5000": entry("e"),
    "h.corp/x": entry("hidden"),
}


def logins(home: Path, path: str = "") -> FileLogins:
    helpers = CredentialHelpers({"PATH": path}, SystemClock(), SILENCE)
    return read_logins(paths(home), helpers).unwrap()


def user_of(found: FileLogins, name: str) -> str:
    host, _, repository = name.partition("/")
    registry = "registry-1.docker.io" if host == "docker.io" else host
    login = found.login_for(registry, repository).unwrap()
    assert login is None or isinstance(login, UserPassword)
    return "" if login is None else login.user.value


@pytest.mark.parametrize("file", [".config/containers/auth.json", ".docker/config.json"])
@pytest.mark.parametrize(
    "name",
    [
        "a.corp/x", "a.corp/foo", "a.corp/foo/bar", "a.corp/food", "docker.io/library/x",
        "b.corp/y", "c.corp/x", "c.corp/x/y", "c.corp/y", "d.corp/x/y", "d.corp/y",
        "e.corp:5000/x", "e.corp/x", "h.corp/x", "h.corp/y", "z.corp/x",
    ],
)  # fmt: skip
def test_whose_login(home: Path, monkeypatch: pytest.MonkeyPatch, file: str, name: str) -> None:
    script = """cat >> asked; echo " $@" >> asked; echo '{"Username": "h", "Secret": "x"}'"""
    put(home / "bin/docker-credential-x", f"#!/bin/sh\n{script}\n").chmod(0o755)
    monkeypatch.chdir(home)
    monkeypatch.setenv("PATH", f"{home}/bin", prepend=":")
    put(home / file, json.dumps({"auths": AUTHS, "credHelpers": {"h.corp": "x"}}))
    done = skopeo("login", "--get-login", name, check=False)
    by_skopeo = done.stdout.decode().strip()
    assert bool(done.returncode) == (not by_skopeo)
    assert user_of(logins(home, f"{home}/bin:/usr/bin:/bin"), name) == by_skopeo
    if by_skopeo == "h":
        assert (home / "asked").read_text() == "h.corp get\nh.corp get\n"


def test_what_it_writes(home: Path, tmp_path: Path) -> None:
    """A real login, into a file that did not exist, at a registry that knows passwords."""
    users = {"me": "pass:wörd", "team": "secret"}
    with Registry(tmp_path / "registry", users=users) as registry:
        for name, user in ((registry.host, "me"), (f"{registry.host}/team", "team")):
            path = home / ".docker/config.json"
            path.parent.mkdir(exist_ok=True)
            options = ("--tls-verify=false", f"--authfile={path}")
            skopeo("login", *options, "-u", user, "-p", users[user], name)
        found = logins(home)
        for repository, user in (("x", "me"), ("team/x", "team"), ("teams/x", "me")):
            login = found.login_for(registry.host, repository).unwrap()
            assert isinstance(login, UserPassword)
            assert (login.user.value, login.password.value) == (user, users[user])
    assert found.warnings == ()
