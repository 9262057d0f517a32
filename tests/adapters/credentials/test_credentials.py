"""Folders of files together: which word counts, and to whom what is sent."""

import os
import pickle
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.adapters import FoundCredentials
from pipeline.adapters.credentials.origins import Origin
from pipeline.adapters.credentials.proofs import Basic, Bearer
from pipeline.limits import CONFIGURATION_BYTES
from pipeline.ports import Credentials
from pipeline.secret import Secret
from tests.adapters.credentials.cases import CANARY, VALID, auth, docker_auth, put, read

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def sent(found: Credentials, url: str) -> dict[str, str]:
    return {name: secret.value for name, secret in found.headers_for(url, NOW)}


def user_for(found: Credentials, url: str = "https://example.com/") -> str:
    kind, _, pair = sent(found, url).get("Authorization", "").partition(" ")
    return b64decode(pair).decode().partition(":")[0] if kind == "Basic" else ""


def as_user(user: str, *domains: str) -> dict[str, object]:
    return auth(*domains, user=user, password="p")


@pytest.fixture
def system(tmp_path: Path) -> Path:
    return tmp_path / "system"


@pytest.fixture
def local(tmp_path: Path) -> Path:
    return tmp_path / "local"


def test_nothing_there(tmp_path: Path) -> None:
    found = read(tmp_path, tmp_path / "netrc").unwrap()
    assert found == FoundCredentials()
    assert sent(found, "https://example.com/") == {}


def test_what_each_kind_sends(tmp_path: Path, local: Path) -> None:
    put(local, "a.json", auth("a.example", user="Aladdin", password="open sesame"))
    put(local, "b.json", auth("b.example", kind="oauth", token="mF_9.B5f-4.1JqM"))
    put(local, "c.json", VALID["aws"])
    found = read(tmp_path).unwrap()
    # The examples of RFC 7617 section 2 and RFC 6750 section 2.1.
    assert sent(found, "https://a.example/x") == {
        "Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    }
    assert sent(found, "https://b.example/x") == {"Authorization": "Bearer mF_9.B5f-4.1JqM"}
    fields = sent(found, "https://bucket.s3.amazonaws.com/x")
    assert sorted(fields) == ["Authorization", "x-amz-content-sha256", "x-amz-date"]
    assert fields["Authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={CANARY}/20260102/eu-w")


@pytest.mark.parametrize(
    ("url", "is_sent"),
    [
        ("https://example.com", True),
        ("https://EXAMPLE.com:443/a?b#c", True),
        ("http://example.com/", False),
        ("http://example.com:443/", False),
        ("https://example.com:8443/", False),
        ("https://www.example.com/", False),
        ("https://com/", False),
        ("https://example.com.evil.example/", False),
        ("https://example.com@evil.example/", False),
        ("https://evil.example/example.com", False),
        ("https://example.com./", False),
        ("file:///example.com", False),
        ("", False),
    ],
)
def test_only_the_very_origin(tmp_path: Path, local: Path, url: str, is_sent: bool) -> None:
    put(local, "a.json", auth("example.com"))
    assert bool(sent(read(tmp_path).unwrap(), url)) == is_sent


def test_local_before_system_before_netrc(tmp_path: Path, system: Path, local: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine example.com login netrc password p")
    netrc.chmod(0o600)
    assert user_for(read(tmp_path, netrc).unwrap()) == "netrc"
    put(system, "z.json", as_user("system", "example.com", "other.example"))
    assert user_for(read(tmp_path, netrc).unwrap()) == "system"
    put(local, "a.json", as_user("local", "Example.com:443"))
    found = read(tmp_path, netrc).unwrap()
    assert user_for(found) == "local"
    assert user_for(found, "https://other.example/") == "system"


def test_registries_are_data(tmp_path: Path, system: Path, local: Path) -> None:
    put(system, "a.json", docker_auth("quay.io", "docker.example"))
    put(local, "a.json", docker_auth("quay.io") | {"credentials": {"user": "u", "password": "p"}})
    found = read(tmp_path).unwrap()
    assert dict(found.registries) == {
        Origin("quay.io"): Basic(Secret("u"), Secret("p")),
        Origin("docker.example"): Basic(Secret(CANARY), Secret(CANARY)),
    }
    assert sent(found, "https://quay.io/") == {}


@pytest.mark.parametrize("make", [auth, docker_auth])
def test_two_files_for_one_domain(tmp_path: Path, local: Path, make: object) -> None:
    documents = auth if make is auth else docker_auth
    put(local, "first.json", documents("a.example", "b.example"))
    second = put(local, "second.json", documents("c.example", "B.example:443"))
    failure = read(tmp_path).failure()
    assert failure.setting == str(second)
    assert failure.got == "for b.example, as is first.json"


def test_a_registry_is_no_domain(tmp_path: Path, local: Path) -> None:
    put(local, "a.json", auth("quay.io"))
    put(local, "b.json", docker_auth("quay.io"))
    assert is_successful(read(tmp_path))


def test_only_files_that_lie_there_count(tmp_path: Path, local: Path) -> None:
    for name in ("README", "a.txt", "a.JSON", "a.json~", "sub/a.json", "dir.json/a.txt"):
        put(local, name, "junk")
    (local / "auth.d" / "gone.json").symlink_to(tmp_path / "nothing")
    os.mkfifo(local / "auth.d" / "pipe.json")
    put(local, ".json", as_user("hidden"))
    assert user_for(read(tmp_path).unwrap()) == "hidden"


def test_a_link_to_a_file_counts(tmp_path: Path, local: Path) -> None:
    """A secret that is mounted into a container is one."""
    real = put(tmp_path, "real.json", as_user("linked"))
    (local / "auth.d").mkdir(parents=True)
    (local / "auth.d" / "a.json").symlink_to(real)
    assert user_for(read(tmp_path).unwrap()) == "linked"


@pytest.mark.parametrize("level", ["system", "local"])
def test_what_is_wrong_in_either_folder_is_named(tmp_path: Path, level: str) -> None:
    path = put(tmp_path / level, "x.json", "junk")
    assert read(tmp_path).failure().setting == f"{path}: $"
    put(tmp_path / level, "x.json", b" " * (CONFIGURATION_BYTES + 1))
    assert read(tmp_path).failure().setting == str(path)


def test_a_file_in_place_of_the_folder(tmp_path: Path, local: Path) -> None:
    local.mkdir()
    (local / "auth.d").write_text("")
    failure = read(tmp_path).failure()
    assert (failure.setting, failure.got) == (str(local / "auth.d"), "Not a directory")


def test_a_file_that_cannot_be_read(
    tmp_path: Path, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be for the very domain that is asked: going on without it would be a guess."""
    path = put(local, "x.json", auth())

    def refuse(*args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    failure = read(tmp_path).failure()
    assert (failure.setting, failure.got) == (str(path), "Permission denied")


@pytest.mark.parametrize(
    ("mode", "folder_mode", "warned"),
    [(0o600, 0o755, 0), (0o640, 0o755, 0), (0o644, 0o755, 1), (0o644, 0o750, 0)],
)
def test_what_everybody_can_read_is_said(
    tmp_path: Path, local: Path, mode: int, folder_mode: int, warned: int
) -> None:
    path = put(local, "x.json", auth())
    path.chmod(mode)
    path.parent.chmod(folder_mode)
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine a.example login a password {CANARY}")
    netrc.chmod(0o604)
    tmp_path.chmod(0o755)
    found = read(tmp_path, netrc).unwrap()
    assert len(found.warnings) == warned + 1
    assert all(CANARY not in warning for warning in found.warnings)
    assert [str(path) in found.warnings[0], str(netrc) in found.warnings[-1]] == [warned == 1, True]
    assert user_for(found) == "alice"


def test_a_value_for_threads_and_processes(tmp_path: Path, local: Path) -> None:
    put(local, "a.json", VALID["aws"])
    put(local, "b.json", auth())
    found = read(tmp_path).unwrap()
    assert pickle.loads(pickle.dumps(found)) == found
    urls = ["https://example.com/", "https://bucket.s3.amazonaws.com/a"] * 50
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda url: found.headers_for(url, NOW), urls))) == 2


@given(st.text() | st.text("htps:/@[]%.?#\\ex ample\t", max_size=30))
def test_any_url_is_answered(url: str) -> None:
    found = FoundCredentials(((Origin("example.com"), Bearer(Secret("token"))),))
    fields = found.headers_for(url, NOW)
    assert fields == () or "example.com" in url.lower()
