"""containerd's ``hosts.toml``: in the file's order, the server last, each asked for what it may."""

from pathlib import Path

import pytest

from pipeline.adapters.containers import HostCertificates, InsecureHost
from pipeline.limits import MIRRORS
from tests.adapters.containers.cases import bases, places, put, read


def hosts(home: Path, content: str, folder: str = "a.corp") -> Path:
    return put(home / "containerd/certs.d" / folder / "hosts.toml", content)


def host(url: str, *lines: str) -> str:
    return "\n".join((f'[host."{url}"]', *lines, ""))


RESOLVES = 'capabilities = ["pull", "resolve"]'


class TestOrder:
    """Hosts as they stand in the file, then the server."""

    def test_the_example_of_the_manual(self, tmp_path: Path) -> None:
        hosts(
            tmp_path,
            'server = "https://registry-1.docker.io"\n'
            + host("https://public-mirror.example.com", 'capabilities = ["pull"]')
            + host("https://docker-mirror.internal", RESOLVES, 'ca = "docker-mirror.crt"'),
            "docker.io",
        )
        registries = read(tmp_path).unwrap()
        found = places(registries, "busybox")
        assert [place.manifest_url("latest") for place in found] == [
            "https://public-mirror.example.com/v2/library/busybox/manifests/latest?ns=docker.io",
            "https://docker-mirror.internal/v2/library/busybox/manifests/latest?ns=docker.io",
            "https://registry-1.docker.io/v2/library/busybox/manifests/latest",
        ]
        assert [place.resolves_tags for place in found] == [False, True, True]
        ca = str(tmp_path / "containerd/certs.d/docker.io/docker-mirror.crt")
        assert registries.tls == (HostCertificates("docker-mirror.internal", 443, (ca,)),)
        assert registries.insecure_hosts == frozenset()

    @pytest.mark.parametrize("server", ["", 'server = "https://docker.io"', 'server = "docker.io"'])
    def test_docker_hub_answers_elsewhere(self, tmp_path: Path, server: str) -> None:
        hosts(tmp_path, server, "docker.io")
        [place] = places(read(tmp_path).unwrap(), "busybox")
        assert place.base == "https://registry-1.docker.io/v2/library/busybox"
        assert place.query == ""

    def test_the_server_in_place_of_the_registry(self, tmp_path: Path) -> None:
        hosts(tmp_path, 'server = "https://b.corp:5000"', "a.corp:8443")
        [place] = places(read(tmp_path).unwrap(), "a.corp:8443/x")
        assert place.base == "https://b.corp:5000/v2/x"
        assert place.query == "ns=a.corp%3A8443"

    def test_without_a_server_the_registry(self, tmp_path: Path) -> None:
        hosts(tmp_path, host("m.corp"))
        assert bases(read(tmp_path).unwrap(), "a.corp/x") == [
            "https://m.corp/v2/x",
            "https://a.corp/v2/x",
        ]

    def test_who_does_not_pull_is_not_asked(self, tmp_path: Path) -> None:
        hosts(tmp_path, host("https://m.corp", 'capabilities = ["push", "Resolve"]'))
        assert bases(read(tmp_path).unwrap(), "a.corp/x") == ["https://a.corp/v2/x"]

    @pytest.mark.parametrize(
        ("url", "lines", "base"),
        [
            ("https://m.corp", (), "https://m.corp/v2/x"),
            ("https://m.corp/", (), "https://m.corp/v2/x"),
            ("https://m.corp/us", (), "https://m.corp/us/v2/x"),
            ("https://m.corp/us/v2", (), "https://m.corp/us/v2/x"),
            ("https://m.corp/v2/up", ("override_path = true",), "https://m.corp/v2/up/x"),
            ("https://m.corp", ("override_path = true",), "https://m.corp/x"),
            ("https://[::1]:5000", (), "https://[::1]:5000/v2/x"),
            ("HOST.corp", ('dial_timeout = "1s"',), "https://host.corp/v2/x"),
        ],
    )
    def test_paths(self, tmp_path: Path, url: str, lines: tuple[str, ...], base: str) -> None:
        hosts(tmp_path, host(url, *lines))
        registries = read(tmp_path).unwrap()
        assert bases(registries, "a.corp/x")[0] == base
        root = base.removesuffix("/x").removeprefix("https://")
        assert set(registries.roots) >= {f"https://{root}", f"http://{root}"}


class TestFolders:
    """``HOST_PORT_`` goes before ``HOST:PORT``, both before ``_default``."""

    def test_order(self, tmp_path: Path) -> None:
        hosts(tmp_path, 'server = "https://1.corp"', "a.corp_5000_")
        hosts(tmp_path, 'server = "https://2.corp"', "a.corp:5000")
        hosts(tmp_path, 'server = "https://3.corp"', "B.corp:5000")
        hosts(tmp_path, 'server = "https://4.corp"', "_default")
        put(tmp_path / "containerd/certs.d/not a host/hosts.toml", "nonsense")
        put(tmp_path / "containerd/certs.d/README", "nonsense")
        registries = read(tmp_path).unwrap()
        for image, number in {"a.corp:5000": 1, "b.corp:5000": 3, "a.corp": 4}.items():
            assert bases(registries, f"{image}/x") == [f"https://{number}.corp/v2/x"]

    def test_the_default_without_a_server(self, tmp_path: Path) -> None:
        hosts(tmp_path, host("https://m.corp", RESOLVES), "_default")
        assert bases(read(tmp_path).unwrap(), "a.corp:5000/x") == [
            "https://m.corp/v2/x",
            "https://a.corp:5000/v2/x",
        ]

    def test_a_folder_of_certificates(self, tmp_path: Path) -> None:
        """Docker's pattern, where there is no ``hosts.toml``; such a folder is no default."""
        folder = tmp_path / "containerd/certs.d/a.corp_5000_"
        hosts(tmp_path, 'server = "https://4.corp"', "_default")
        put(folder / "ca.crt")
        put(tmp_path / "containerd/certs.d/_default2/ca.crt")
        registries = read(tmp_path).unwrap()
        assert registries.tls == (HostCertificates("a.corp", 5000, (str(folder / "ca.crt"),)),)
        assert bases(registries, "a.corp:5000/x") == ["https://a.corp:5000/v2/x"]

    def test_certificates_for_all(self, tmp_path: Path) -> None:
        put(tmp_path / "containerd/certs.d/_default/ca.crt")
        registries = read(tmp_path).unwrap()
        assert registries.tls == ()
        assert bases(registries, "a.corp/x") == ["https://a.corp/v2/x"]

    def test_an_entry_of_registries_conf_goes_first(self, tmp_path: Path) -> None:
        hosts(tmp_path, 'server = "https://4.corp"', "_default")
        put(tmp_path / "user/registries.conf", '[[registry]]\nlocation = "a.corp"\n')
        registries = read(tmp_path).unwrap()
        assert bases(registries, "a.corp/x") == ["https://a.corp/v2/x"]
        assert bases(registries, "b.corp/x") == ["https://4.corp/v2/x"]


class TestTls:
    """Certificates, and hosts that need not prove who they are."""

    @pytest.mark.parametrize(
        ("client", "expected"),
        [
            ('"me.pem"', ("me.pem", None)),
            ('["me.pem"]', ("me.pem", None)),
            ('[["me.cert", "me.key"]]', ("me.cert", "me.key")),
            ('[["me.pem", ""]]', ("me.pem", None)),
            ('[["/etc/me.cert", "/etc/me.key"]]', ("/etc/me.cert", "/etc/me.key")),
        ],
    )
    def test_files(self, tmp_path: Path, client: str, expected: tuple[str, str | None]) -> None:
        ca = 'ca = ["1.pem", "/etc/2.pem"]'
        path = hosts(tmp_path, host("https://m.corp:8443", ca, f"client = {client}"))
        certificate, key = (name and str(path.parent / name) for name in expected)
        files = (str(path.parent / "1.pem"), "/etc/2.pem")
        [found] = read(tmp_path).unwrap().tls
        assert found == HostCertificates("m.corp", 8443, files, certificate, key)

    def test_of_the_registry_itself(self, tmp_path: Path) -> None:
        path = hosts(tmp_path, 'ca = "ca.pem"', "docker.io")
        ca = str(path.parent / "ca.pem")
        assert read(tmp_path).unwrap().tls == (
            HostCertificates("registry-1.docker.io", 443, (ca,)),
        )

    def test_certs_d_goes_first(self, tmp_path: Path) -> None:
        hosts(tmp_path, 'ca = "ca.pem"')
        own = put(tmp_path / "system/certs.d/a.corp/ca.crt")
        assert read(tmp_path).unwrap().tls == (HostCertificates("a.corp", 443, (str(own),)),)

    @pytest.mark.parametrize(
        ("url", "lines", "schemes", "insecure"),
        [
            ("https://m.corp", ("skip_verify = true",), ["https"], [("https", 443)]),
            ("https://m.corp", ("skip_verify = false",), ["https"], []),
            ("http://m.corp", (), ["http"], [("http", 80)]),
            ("http://m.corp", ('ca = "a.pem"',), ["https", "http"], [("http", 80)]),
            (
                "http://m.corp:5000",
                ("skip_verify = true",),
                ["https", "http"],
                [("https", 5000), ("http", 5000)],
            ),
        ],
    )
    def test_insecure_hosts(
        self,
        tmp_path: Path,
        url: str,
        lines: tuple[str, ...],
        schemes: list[str],
        insecure: list[tuple[str, int]],
    ) -> None:
        hosts(tmp_path, host(url, *lines))
        registries = read(tmp_path).unwrap()
        found = bases(registries, "a.corp/x")
        assert [base.partition(":")[0] for base in found[:-1]] == schemes
        assert found[-1] == "https://a.corp/v2/x"
        assert {(each.scheme, each.port) for each in registries.insecure_hosts} == {*insecure}

    def test_the_registry_itself(self, tmp_path: Path) -> None:
        hosts(tmp_path, "skip_verify = true")
        registries = read(tmp_path).unwrap()
        assert bases(registries, "a.corp/x") == ["https://a.corp/v2/x"]
        assert registries.insecure_hosts == {InsecureHost("https", "a.corp", 443)}


@pytest.mark.parametrize(
    ("content", "got"),
    [
        ("sever = 'https://b.corp'", "sever"),
        ("server = 1", "1"),
        ("server = ''", ""),
        ("server = 'ftp://b.corp'", "ftp://b.corp"),
        ("server = 'https://me:secret@b.corp'", "https://b.corp"),
        ("server = 'https://b.corp/v2?x=1'", "https://b.corp/v2?x=…"),
        ("server = 'https://b.corp/../x'", "https://b.corp/../x"),
        ("server = 'https://b.corp:70000'", "https://b.corp:70000"),
        ("host = 1", "1"),
        ("[host]\na = 1", "1"),
        (host("https://m.corp", "capabilites = []"), "capabilites"),
        (host("https://m.corp", "capabilities = ['pul']"), "['pul']"),
        (host("https://m.corp", "capabilities = 'pull'"), "pull"),
        (host("https://m.corp", "skip_verify = 'yes'"), "yes"),
        (host("https://m.corp", "override_path = 1"), "1"),
        (host("https://m.corp", "dial_timeout = 1"), "1"),
        (host("https://m.corp", "proxy = 'http://p.corp'"), "http://p.corp"),
        (host("https://m.corp", "[host.'https://m.corp'.header]", "x = 'y'"), "{'x': 'y'}"),
        (host("https://m.corp", "ca = 1"), "1"),
        (host("https://m.corp", "ca = ['']"), "['']"),
        (host("https://m.corp", "ca = [1]"), "[1]"),
        (host("https://m.corp", "client = 1"), "1"),
        (host("https://m.corp", "client = ['a', 'b']"), "['a', 'b']"),
        (host("https://m.corp", "client = [['a']]"), "[['a']]"),
        (host("https://m.corp", "client = [['a', 'b'], ['c', 'd']]"), "[['a', 'b'], ['c', 'd']]"),
        (host("https://m.corp", "client = [['', 'b']]"), "[['', 'b']]"),
        (host("https://m.corp", "server = 'https://b.corp'"), "server"),
        (host("https://m.corp", "[host.'https://m.corp'.host.'https://n.corp']"), "host"),
        ("header = {}", "{}"),
        ("proxy = 'http://p.corp'", "http://p.corp"),
    ],
)  # fmt: skip
def test_refusals(tmp_path: Path, content: str, got: str) -> None:
    path = hosts(tmp_path, content)
    error = read(tmp_path).failure()
    assert error.setting.startswith(str(path))
    assert error.got == got


@pytest.mark.parametrize(
    "content",
    ["server = 'https://me:secret@b.corp'", host("me:secret@b.corp"), host("https://b?a=secret")],
)
def test_a_password_in_a_url_is_not_shown(tmp_path: Path, content: str) -> None:
    hosts(tmp_path, content)
    assert "secret" not in read(tmp_path).failure().message


@pytest.mark.parametrize("line", ["ca = 'a.pem'", "skip_verify = true", "capabilities = ['pull']"])
def test_a_default_says_nothing_of_servers_that_it_does_not_name(tmp_path: Path, line: str) -> None:
    path = hosts(tmp_path, line, "_default")
    error = read(tmp_path).failure()
    assert error.setting == f"{path}: {line.partition(' ')[0]}"


def test_too_many(tmp_path: Path) -> None:
    hosts(tmp_path, "".join(host(f"https://m{number}.corp") for number in range(MIRRORS + 1)))
    assert f"at most {MIRRORS}" in read(tmp_path).failure().wanted


def test_what_is_no_toml(tmp_path: Path) -> None:
    """containerd would go on with the certificates in the folder."""
    path = hosts(tmp_path, "server =")
    put(path.parent / "ca.crt")
    assert read(tmp_path).failure().wanted == "TOML"


def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "containerd/certs.d/a.corp"
    folder.parent.mkdir(parents=True)
    folder.symlink_to(folder)
    assert read(tmp_path).failure().setting == str(folder)


def test_no_folder_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "containerd/certs.d"
    folder.parent.mkdir(parents=True)
    folder.symlink_to(folder)
    assert read(tmp_path).failure().setting == str(folder)
