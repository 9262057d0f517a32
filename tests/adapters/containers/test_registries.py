"""Whoever says something about an image counts; with nothing said, its registry is asked."""

from pathlib import Path

import pytest

from pipeline.adapters.containers import ConfiguredRegistries, InsecureHost, standard_paths
from pipeline.ports import Registries
from tests.adapters.containers.cases import AMD64, bases, places, put, read, reference

NOBODY: Registries = ConfiguredRegistries()


class TestNothingSaid:
    """The registry itself, over https."""

    @pytest.mark.parametrize(
        ("image", "base"),
        [
            ("busybox", "https://registry-1.docker.io/v2/library/busybox"),
            ("docker.io/team/app:1", "https://registry-1.docker.io/v2/team/app"),
            ("Quay.IO/a/b", "https://quay.io/v2/a/b"),
            ("localhost:5000/app", "https://localhost:5000/v2/app"),
            ("localhost/app", "https://localhost/v2/app"),
        ],
    )
    def test_places(self, tmp_path: Path, image: str, base: str) -> None:
        [place] = NOBODY.places(reference(image), AMD64).unwrap()
        assert place.base == base
        assert (place.reference, place.platform) == (reference(image), AMD64)
        assert (place.query, place.resolves_tags, place.lookaside) == ("", True, ())
        assert bases(read(tmp_path).unwrap(), image) == [base]

    def test_nobody_is_insecure(self, tmp_path: Path) -> None:
        registries = read(tmp_path).unwrap()
        assert registries.insecure_hosts == frozenset()
        assert registries.tls == ()
        assert registries.warnings == ()
        assert registries.roots == ()
        [place] = places(registries, "busybox")
        assert place.lookaside == (f"file://{tmp_path}/signatures",)


class TestCalledInsecure:
    """Hosts that the user calls insecure for a run."""

    def test_https_first(self, tmp_path: Path) -> None:
        registries = read(tmp_path, "localhost:5000", "B.corp").unwrap()
        assert bases(registries, "localhost:5000/app") == [
            "https://localhost:5000/v2/app",
            "http://localhost:5000/v2/app",
        ]
        assert bases(registries, "b.corp/app") == ["https://b.corp/v2/app", "http://b.corp/v2/app"]
        assert bases(registries, "localhost:5001/app") == ["https://localhost:5001/v2/app"]
        assert registries.insecure_hosts == {
            InsecureHost("https", "localhost", 5000),
            InsecureHost("http", "localhost", 5000),
            InsecureHost("https", "b.corp", 443),
            InsecureHost("http", "b.corp", 80),
        }

    def test_docker_hub_answers_elsewhere(self, tmp_path: Path) -> None:
        registries = read(tmp_path, "docker.io").unwrap()
        assert bases(registries, "busybox")[1:] == [
            "http://registry-1.docker.io/v2/library/busybox"
        ]

    def test_goes_before_hosts_toml(self, tmp_path: Path) -> None:
        put(tmp_path / "containerd/certs.d/a.corp/hosts.toml", 'server = "https://b.corp"')
        registries = read(tmp_path, "b.corp").unwrap()
        assert bases(registries, "a.corp/x") == ["https://b.corp/v2/x", "http://b.corp/v2/x"]

    @pytest.mark.parametrize(
        "text", ["", "a b", "https://a.corp", "a.corp/x", "a.corp:0", "a.corp:70000", "me@a.corp"]
    )
    def test_refusals(self, tmp_path: Path, text: str) -> None:
        assert read(tmp_path, text).failure().setting == "insecure registry"


class TestStandardPaths:
    """Where the tools look."""

    HOME = Path("/home/me")

    def test_with_nothing_set(self) -> None:
        paths = standard_paths({}, self.HOME, 1000)
        assert paths.user == Path("/home/me/.config/containers")
        assert paths.system == Path("/etc/containers")
        assert paths.docker == Path("/etc/docker")
        assert paths.containerd == Path("/etc/containerd")
        assert paths.signatures == Path("/home/me/.local/share/containers/sigstore")
        assert paths.named_login is None
        assert paths.logins == (
            Path("/run/containers/1000/auth.json"),
            Path("/home/me/.config/containers/auth.json"),
            Path("/home/me/.docker/config.json"),
        )

    def test_root_keeps_signatures_for_all(self) -> None:
        paths = standard_paths({}, Path("/root"), 0)
        assert paths.signatures == Path("/var/lib/containers/sigstore")

    def test_with_all_set(self) -> None:
        environment = {
            "XDG_CONFIG_HOME": "/c",
            "XDG_RUNTIME_DIR": "/r",
            "DOCKER_CONFIG": "/d",
        }
        paths = standard_paths(environment, self.HOME, 1000)
        assert paths.user == Path("/c/containers")
        assert paths.logins == (
            Path("/r/containers/auth.json"),
            Path("/c/containers/auth.json"),
            Path("/d/config.json"),
        )

    def test_a_file_that_is_named_stands_in_place_of_the_sessions(self) -> None:
        environment = {"REGISTRY_AUTH_FILE": "/a.json", "XDG_RUNTIME_DIR": "/r"}
        paths = standard_paths(environment, self.HOME, 1000)
        assert paths.named_login == Path("/a.json")
        assert paths.logins == (
            Path("/home/me/.config/containers/auth.json"),
            Path("/home/me/.docker/config.json"),
        )

    def test_empty_and_relative_variables_are_none(self) -> None:
        environment = {
            "XDG_CONFIG_HOME": "c",
            "XDG_RUNTIME_DIR": "",
            "DOCKER_CONFIG": "",
            "REGISTRY_AUTH_FILE": "",
        }
        assert standard_paths(environment, self.HOME, 1) == standard_paths({}, self.HOME, 1)
