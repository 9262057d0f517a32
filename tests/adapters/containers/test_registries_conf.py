"""``registries.conf``: the longest prefix decides, and what is misspelt is refused."""

from pathlib import Path

import pytest

from pipeline.adapters.containers import InsecureHost
from pipeline.errors import InvalidSetting, RegistryBlocked
from pipeline.limits import CONFIGURATION_BYTES, MIRRORS
from tests.adapters.containers.cases import AMD64, HEX, bases, places, put, read, reference

EXAMPLE = """
unqualified-search-registries = ["example.com"]
short-name-mode = "enforcing"
credential-helpers = ["containers-auth.json"]

[[registry]]
prefix = "example.com/foo"
insecure = false
blocked = false
location = "internal.example.net/bar"

[[registry.mirror]]
location = "mirror-0.local/mirror-for-foo"

[[registry.mirror]]
location = "mirror-1.local/mirrors/foo"
insecure = true

[[registry]]
location = "registry.com"

[[registry.mirror]]
location = "mirror.registry.com"

[aliases]
"fedora" = "registry.fedoraproject.org/fedora"
"""


def conf(home: Path, content: str, folder: str = "user", name: str = "registries.conf") -> Path:
    return put(home / folder / name, content)


def registry(prefix: str, location: str = "", *lines: str) -> str:
    keys = [f'prefix = "{prefix}"', *lines]
    if location:
        keys.insert(1, f'location = "{location}"')
    return "\n".join(("[[registry]]", *keys, ""))


def mirror(location: str, *lines: str) -> str:
    return "\n".join(("[[registry.mirror]]", f'location = "{location}"', *lines, ""))


def refused(home: Path, content: str) -> InvalidSetting:
    path = conf(home, content)
    error = read(home).failure()
    assert error.setting.startswith(str(path))
    return error


class TestWhichEntry:
    """Of the entries whose prefix covers an image, the one with the longest counts alone."""

    def test_the_example_of_the_manual(self, tmp_path: Path) -> None:
        conf(tmp_path, EXAMPLE)
        registries = read(tmp_path).unwrap()
        assert bases(registries, "example.com/foo/image:latest") == [
            "https://mirror-0.local/v2/mirror-for-foo/image",
            "https://mirror-1.local/v2/mirrors/foo/image",
            "http://mirror-1.local/v2/mirrors/foo/image",
            "https://internal.example.net/v2/bar/image",
        ]
        assert bases(registries, "registry.com/image") == [
            "https://mirror.registry.com/v2/image",
            "https://registry.com/v2/image",
        ]
        assert bases(registries, "example.com/other") == ["https://example.com/v2/other"]

    @pytest.mark.parametrize(
        ("image", "host"),
        [
            ("a.corp/x", "one.corp"),
            ("a.corp/team/y", "two.corp"),
            ("a.corp/team/x", "three.corp"),
            ("a.corp/team/x/y", "three.corp"),
            ("a.corp/team/x:1", "four.corp"),
            (f"a.corp/team/x@sha256:{HEX}", "three.corp"),
            ("a.corp/teams/x", "one.corp"),
            ("a.corp/team/xy", "two.corp"),
            ("A.Corp/team/x:1", "four.corp"),
            ("a.corporate/x", "a.corporate"),
            ("x.a.corp/x", "x.a.corp"),
            ("a.corp:5000/x", "one.corp:5000"),
        ],
    )
    def test_whole_segments(self, tmp_path: Path, image: str, host: str) -> None:
        conf(
            tmp_path,
            registry("a.corp/team/x:1", "four.corp/team/x:1")
            + registry("a.corp/", "one.corp/")
            + registry("a.corp/team/x", "three.corp/z")
            + registry("A.CORP/team", "two.corp"),
        )
        [base] = bases(read(tmp_path).unwrap(), image)
        assert base.startswith(f"https://{host}/v2/")

    @pytest.mark.parametrize(
        ("image", "base"),
        [
            ("a.wild.corp/x", "https://new.corp/v2/x"),
            ("a.b.wild.corp/x/y", "https://new.corp/v2/x/y"),
            ("a.wild.corp.wild.corp/x", "https://new.corp/v2/x"),
            ("a.wild.corp:5000/x", "https://new.corp:5000/v2/x"),
            ("wild.corp/x", "https://wild.corp/v2/x"),
            ("notwild.corp/x", "https://notwild.corp/v2/x"),
            ("a.wild.corp.evil/x", "https://a.wild.corp.evil/v2/x"),
            ("evil.corp/wild.corp", "https://evil.corp/v2/wild.corp"),
            ("known.wild.corp/x", "https://known.corp/v2/x"),
        ],
    )
    def test_wildcards(self, tmp_path: Path, image: str, base: str) -> None:
        conf(
            tmp_path,
            registry("*.wild.corp", "new.corp") + registry("known.wild.corp", "known.corp"),
        )
        assert bases(read(tmp_path).unwrap(), image) == [base]

    def test_a_wildcard_without_location_leaves_the_image_where_it_is(self, tmp_path: Path) -> None:
        conf(tmp_path, registry("*.corp") + mirror("mirror.example/m"))
        assert bases(read(tmp_path).unwrap(), "a.corp/x") == [
            "https://mirror.example/v2/m/x",
            "https://a.corp/v2/x",
        ]

    @pytest.mark.parametrize("prefix", ["docker.io", "index.docker.io", "Registry-1.Docker.io"])
    def test_docker_hub_by_all_its_names(self, tmp_path: Path, prefix: str) -> None:
        conf(tmp_path, registry(prefix, "mirror.corp/hub"))
        assert bases(read(tmp_path).unwrap(), "busybox") == [
            "https://mirror.corp/v2/hub/library/busybox"
        ]

    def test_to_docker_hub(self, tmp_path: Path) -> None:
        conf(tmp_path, registry("hub.corp", "docker.io"))
        assert bases(read(tmp_path).unwrap(), "hub.corp/team/x") == [
            "https://registry-1.docker.io/v2/team/x"
        ]


class TestBlocked:
    """What is blocked is asked for nowhere."""

    @pytest.mark.parametrize(
        "image", ["a.corp/x", "a.corp:5000/x/y", "A.CORP/x:1", "b.wild.corp/x"]
    )
    def test_is_refused(self, tmp_path: Path, image: str) -> None:
        path = conf(
            tmp_path,
            registry("a.corp", "a.corp", "blocked = true")
            + mirror("m.corp")
            + registry("*.wild.corp", "", "blocked = true"),
        )
        error = read(tmp_path).unwrap().places(reference(image), AMD64).failure()
        assert error == RegistryBlocked(f"docker://{image}", str(path))

    def test_even_where_hosts_serve_it(self, tmp_path: Path) -> None:
        conf(tmp_path, registry("a.corp", "a.corp", "blocked = true"))
        put(tmp_path / "containerd/certs.d/a.corp/hosts.toml", 'server = "https://b.corp"')
        outcome = read(tmp_path).unwrap().places(reference("a.corp/x"), AMD64)
        assert isinstance(outcome.failure(), RegistryBlocked)

    def test_unless_a_longer_prefix_says_otherwise(self, tmp_path: Path) -> None:
        conf(
            tmp_path,
            registry("a.corp", "a.corp", "blocked = true") + registry("a.corp/ok", "a.corp/ok"),
        )
        assert bases(read(tmp_path).unwrap(), "a.corp/ok/x") == ["https://a.corp/v2/ok/x"]


class TestWhichMirrors:
    """Some mirrors are asked for tags alone, some for digests."""

    MIRRORS = (
        registry("a.corp", "a.corp")
        + mirror("all.corp", 'pull-from-mirror = "all"')
        + mirror("digests.corp", 'pull-from-mirror = "digest-only"')
        + mirror("tags.corp", 'pull-from-mirror = "tag-only"')
        + mirror("empty.corp", 'pull-from-mirror = ""')
    )

    @pytest.mark.parametrize(
        ("image", "hosts"),
        [
            ("a.corp/x:1", ["all", "tags", "empty", "a"]),
            (f"a.corp/x@sha256:{HEX}", ["all", "digests", "empty", "a"]),
            (f"a.corp/x:1@sha256:{HEX}", ["all", "digests", "empty", "a"]),
        ],
    )
    def test_each(self, tmp_path: Path, image: str, hosts: list[str]) -> None:
        conf(tmp_path, self.MIRRORS)
        expected = [f"https://{host}.corp/v2/x" for host in hosts]
        assert bases(read(tmp_path).unwrap(), image) == expected

    def test_all_by_digest_only(self, tmp_path: Path) -> None:
        conf(
            tmp_path,
            registry("a.corp", "a.corp", "mirror-by-digest-only = true") + mirror("m.corp"),
        )
        registries = read(tmp_path).unwrap()
        assert bases(registries, "a.corp/x:1") == ["https://a.corp/v2/x"]
        assert bases(registries, f"a.corp/x@sha256:{HEX}") == [
            "https://m.corp/v2/x",
            "https://a.corp/v2/x",
        ]

    def test_the_reference_stays_the_users(self, tmp_path: Path) -> None:
        conf(tmp_path, self.MIRRORS)
        for place in places(read(tmp_path).unwrap(), "a.corp/x:1"):
            assert place.reference == reference("a.corp/x:1")
            assert place.resolves_tags
            assert place.query == ""

    def test_one_place_once(self, tmp_path: Path) -> None:
        conf(tmp_path, registry("a.corp", "a.corp") + mirror("a.corp"))
        assert bases(read(tmp_path).unwrap(), "a.corp/x") == ["https://a.corp/v2/x"]


class TestInsecure:
    """Http, and any certificate, for the hosts that an entry calls insecure; for no others."""

    def test_which_hosts(self, tmp_path: Path) -> None:
        conf(
            tmp_path,
            registry("a.corp", "A.corp:5000/x", "insecure = true")
            + mirror("m.corp", "insecure = true")
            + mirror("n.corp"),
        )
        registries = read(tmp_path).unwrap()
        assert registries.insecure_hosts == {
            InsecureHost("https", "a.corp", 5000),
            InsecureHost("http", "a.corp", 5000),
            InsecureHost("https", "m.corp", 443),
            InsecureHost("http", "m.corp", 80),
        }
        assert bases(registries, "a.corp/y") == [
            "https://m.corp/v2/y",
            "http://m.corp/v2/y",
            "https://n.corp/v2/y",
            "https://a.corp:5000/v2/x/y",
            "http://a.corp:5000/v2/x/y",
        ]

    @pytest.mark.parametrize("image", ["a.corp/secure/x", "other.corp/x"])
    def test_another_entry_cannot_be_secure_on_that_host(self, tmp_path: Path, image: str) -> None:
        """TLS is set for hosts; what is to be proven there would not be."""
        conf(
            tmp_path,
            registry("a.corp/dev", "a.corp/dev", "insecure = true")
            + registry("other.corp", "other.corp")
            + mirror("a.corp/m"),
        )
        registries = read(tmp_path).unwrap()
        assert len(bases(registries, "a.corp/dev/x")) == 2
        error = registries.places(reference(image), AMD64).failure()
        assert isinstance(error, InvalidSetting)
        assert error.setting == "registry a.corp"

    def test_the_user_goes_before_the_file(self, tmp_path: Path) -> None:
        conf(tmp_path, registry("a.corp", "b.corp:5000"))
        registries = read(tmp_path, "B.corp:5000").unwrap()
        assert bases(registries, "a.corp/x") == [
            "https://b.corp:5000/v2/x",
            "http://b.corp:5000/v2/x",
        ]


class TestDropIns:
    """What is in ``registries.conf.d`` comes after the file; a prefix's entry replaces another."""

    def test_order_and_replacement(self, tmp_path: Path) -> None:
        conf(tmp_path, registry("a.corp", "0.corp") + registry("b.corp", "0.corp"), "system")
        folder = "system/registries.conf.d"
        conf(tmp_path, registry("a.corp", "1.corp", "blocked = true"), folder, "1.conf")
        conf(tmp_path, registry("a.corp", "2.corp"), folder, "2.conf")
        conf(tmp_path, registry("a.corp", "9.corp"), folder, "9.conf.bak")
        conf(tmp_path, registry("c.corp", "3.corp"), "user/registries.conf.d", "0.conf")
        registries = read(tmp_path).unwrap()
        for image, host in {"a": "2", "b": "0", "c": "3"}.items():
            assert bases(registries, f"{image}.corp/x") == [f"https://{host}.corp/v2/x"]

    def test_a_users_file_stands_in_place_of_the_machines(self, tmp_path: Path) -> None:
        conf(tmp_path, registry("a.corp", "0.corp"), "system")
        conf(tmp_path, registry("b.corp", "1.corp"), "system/registries.conf.d", "1.conf")
        conf(tmp_path, registry("c.corp", "2.corp"))
        conf(tmp_path, registry("d.corp", "3.corp"), "user/registries.conf.d", "1.conf")
        registries = read(tmp_path).unwrap()
        for image, host in {"a": "a", "b": "b", "c": "2", "d": "3"}.items():
            assert bases(registries, f"{image}.corp/x") == [f"https://{host}.corp/v2/x"]

    def test_one_that_is_wrong_fails_all(self, tmp_path: Path) -> None:
        conf(tmp_path, registry("a.corp", "0.corp"))
        path = conf(tmp_path, "[[registry]]\n", "user/registries.conf.d", "1.conf")
        assert read(tmp_path).failure().setting.startswith(str(path))

    def test_a_folder_that_cannot_be_read(self, tmp_path: Path) -> None:
        folder = tmp_path / "user/registries.conf.d"
        folder.parent.mkdir()
        folder.symlink_to(folder)
        assert read(tmp_path).failure().setting == str(folder)

    def test_a_file_of_which_nobody_can_tell(self, tmp_path: Path) -> None:
        """It may be the user's own, which must not be passed over."""
        path = tmp_path / "user/registries.conf"
        path.parent.mkdir()
        path.symlink_to(path)
        assert read(tmp_path).failure().setting == str(path)


@pytest.mark.parametrize(
    ("content", "got"),
    [
        ("[registries.search]\nregistries = ['a.corp']\n", "[registries] of version 1"),
        ("[registries.insecure]\nregistries = []\n", "[registries] of version 1"),
        ("registry = 1\n", "1"),
        ("registry = [1]\n", "1"),
        ("[[registries]]\n", "[registries] of version 1"),
        ("[[Registry]]\n", "Registry"),
        ("unqualified-search = []\n", "unqualified-search"),
        ("[[registry]]\n", "missing"),
        ("[[registry]]\nblocked = true\n", "missing"),
        (registry("a.corp"), "missing"),
        (registry("*.a.corp/x"), "missing"),
        (registry("*.a.corp:5000"), "missing"),
        (registry("*.a.corp/x", "b.corp"), "*.a.corp/x"),
        (registry("a.*.corp", "b.corp"), "a.*.corp"),
        (registry("*.", "b.corp"), "*."),
        (registry("*..corp", "b.corp"), "*..corp"),
        (registry("a.corp/X", "b.corp"), "a.corp/X"),
        (registry("busybox", "b.corp"), "busybox"),
        (registry("library/busybox", "b.corp"), "library/busybox"),
        (registry("a.corp", "https://b.corp"), "https://b.corp"),
        (registry("a.corp", "b"), "b"),
        (registry("a.corp", "b/c"), "b/c"),
        (registry("a.corp", "b.corp:99999"), "b.corp:99999"),
        (registry("a.corp", "b.corp//x"), "b.corp//x"),
        (registry("a.corp", "/"), "/"),
        (registry("a.corp", "me:secret@b.corp"), "b.corp"),
        (registry("https://me:secret@a.corp/x", "b.corp"), "https://a.corp/x"),
        (registry("a.corp", "b.corp", "Insecure = true"), "Insecure"),
        (registry("a.corp", "b.corp", "insecure = 'true'"), "true"),
        (registry("a.corp", "b.corp", "blocked = 1"), "1"),
        (registry("a.corp", "b.corp", "blokced = true"), "blokced"),
        (registry("a.corp", "b.corp", "mirror-by-digest-only = 0"), "0"),
        (registry("a.corp", "b.corp", "mirror = 1"), "1"),
        (registry("a.corp", "b.corp") * 2, "a.corp"),
        (registry("a.corp", "b.corp") + registry("A.corp/", "c.corp"), "a.corp"),
        (registry("*.a.corp", "", "insecure = true"), "true"),
        (registry("a.corp", "b.corp") + "[[registry.mirror]]\n", "missing"),
        (registry("a.corp", "b.corp") + mirror(""), ""),
        (registry("a.corp", "b.corp") + mirror("m"), "m"),
        (registry("a.corp", "b.corp") + mirror("m.corp", "insecure = 1"), "1"),
        (registry("a.corp", "b.corp") + mirror("m.corp", "blocked = true"), "blocked"),
        (registry("a.corp", "b.corp") + mirror("m.corp", "pull-from-mirror = 'tag'"), "tag"),
        (registry("a.corp", "b.corp") + mirror("m.corp", "pull-from-mirror = []"), "[]"),
        (registry("a.corp", "b.corp") + mirror("m.corp") * (MIRRORS + 1), f"{MIRRORS + 1} tables"),
        (
            registry("a.corp", "b.corp", "mirror-by-digest-only = true")
            + mirror("m.corp", "pull-from-mirror = 'all'"),
            "all",
        ),
        ("#" * (CONFIGURATION_BYTES + 1), "a larger file"),
    ],
)  # fmt: skip
def test_refusals(tmp_path: Path, content: str, got: str) -> None:
    assert refused(tmp_path, content).got == got


def test_what_is_no_toml(tmp_path: Path) -> None:
    assert refused(tmp_path, "[[registry]\n").wanted == "TOML"


@pytest.mark.parametrize(
    ("prefix", "location", "image"),
    [
        ("a.corp/x:1", "b.corp/y:2", "a.corp/x:1"),
        ("a.corp/x:1", "b.corp/y", "a.corp/x:1"),
        ("a.corp/x", f"b.corp/y@sha256:{HEX}", "a.corp/x:1"),
        ("a.corp", f"b.corp/{'y' * 247}", "a.corp/x:1"),
        ("a.corp/x", "b.corp", "a.corp/x:1"),
        ("a.corp/x", "b.corp", f"a.corp/x@sha256:{HEX}"),
    ],
)
def test_a_location_that_leads_elsewhere(
    tmp_path: Path, prefix: str, location: str, image: str
) -> None:
    path = conf(tmp_path, registry(prefix, location))
    error = read(tmp_path).unwrap().places(reference(image), AMD64).failure()
    assert isinstance(error, InvalidSetting)
    assert error.setting == f"{path}: registry {prefix}"
