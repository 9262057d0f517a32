"""``certs.d``: files by what they end in, the first folder that has one for a host alone."""

from pathlib import Path

import pytest

from pipeline.adapters.containers import HostCertificates
from tests.adapters.containers.cases import put, read


def files(folder: Path, *names: str) -> list[str]:
    return [str(put(folder / name)) for name in names]


def test_the_example_of_the_manual(tmp_path: Path) -> None:
    folder = tmp_path / "system/certs.d/my-registry.com:5000"
    certificate, key, ca = files(folder, "client.cert", "client.key", "ca.crt")
    files(folder, "README", "old.crt.bak")
    assert read(tmp_path).unwrap().tls == (
        HostCertificates("my-registry.com", 5000, (ca,), certificate, key),
    )


def test_several_authorities_in_the_order_of_their_names(tmp_path: Path) -> None:
    second, first = files(tmp_path / "docker/certs.d/A.corp", "b.crt", "a.crt")
    assert read(tmp_path).unwrap().tls == (HostCertificates("a.corp", 443, (first, second)),)


def test_docker_hub_answers_elsewhere(tmp_path: Path) -> None:
    [ca] = files(tmp_path / "docker/certs.d/docker.io", "ca.crt")
    assert read(tmp_path).unwrap().tls == (HostCertificates("registry-1.docker.io", 443, (ca,)),)


def test_the_first_folder_counts_alone(tmp_path: Path) -> None:
    [own] = files(tmp_path / "user/certs.d/a.corp", "ca.crt")
    files(tmp_path / "system/certs.d/a.corp", "ca.crt", "me.cert", "me.key")
    [others] = files(tmp_path / "docker/certs.d/b.corp", "ca.crt")
    (tmp_path / "system/certs.d/b.corp:5000").mkdir()
    files(tmp_path / "docker/certs.d/b.corp:5000", "ca.crt")
    assert read(tmp_path).unwrap().tls == (
        HostCertificates("a.corp", 443, (own,)),
        HostCertificates("b.corp", 443, (others,)),
    )


def test_what_is_no_host_is_left_alone(tmp_path: Path) -> None:
    files(tmp_path / "system/certs.d/no host", "me.cert")
    files(tmp_path / "system/certs.d/a.corp:70000", "me.cert")
    files(tmp_path / "system/certs.d", "a.corp")
    assert read(tmp_path).unwrap().tls == ()


@pytest.mark.parametrize(
    ("names", "got"),
    [
        (("me.cert",), "me.cert alone"),
        (("me.key",), "me.key alone"),
        (("me.cert", "you.key"), "me.cert alone"),
        (("a.cert", "a.key", "b.cert", "b.key"), "2 certificates"),
    ],
)
def test_refusals(tmp_path: Path, names: tuple[str, ...], got: str) -> None:
    folder = tmp_path / "system/certs.d/a.corp"
    files(folder, *names)
    error = read(tmp_path).failure()
    assert (error.setting, error.got) == (str(folder), got)


def test_what_cannot_be_read_is_left_out_with_a_warning(tmp_path: Path) -> None:
    """A server is unknown then, and nothing is proven to it: a public registry needs neither."""
    loop = tmp_path / "system/certs.d/a.corp"
    loop.parent.mkdir(parents=True)
    loop.symlink_to(loop)
    [ca] = files(tmp_path / "docker/certs.d/a.corp", "ca.crt")
    whole = tmp_path / "user/certs.d"
    whole.parent.mkdir(parents=True)
    whole.symlink_to(whole)
    registries = read(tmp_path).unwrap()
    assert registries.tls == (HostCertificates("a.corp", 443, (ca,)),)
    first, second = registries.warnings
    assert str(whole) in first
    assert str(loop) in second
