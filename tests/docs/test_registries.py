"""What docs/registries.md says is so: its files are read, its Python runs."""

import doctest
import re
from pathlib import Path

import pytest

from pipeline.adapters import SystemClock
from pipeline.adapters.containers import CredentialHelpers, read_logins
from pipeline.adapters.containers.auth_json import Helper
from pipeline.errors import RegistryBlocked
from pipeline.events import SILENCE
from pipeline.limits import CREDENTIAL_HELPER_BYTES, CREDENTIAL_HELPER_SECONDS, KIB, MIRRORS
from pipeline.logins import UserPassword
from tests.adapters.containers.cases import AMD64, bases, paths_in, places, put, read, reference

TEXT = (Path(__file__).resolve().parents[2] / "docs/registries.md").read_text()
[CONF, HOSTS] = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
[LOOKASIDE] = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
[AUTH] = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)


def test_the_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "home/.config/containers/registries.conf", CONF)
    put(tmp_path / "home/.config/containers/registries.d/a.yaml", LOOKASIDE)
    monkeypatch.chdir(tmp_path)
    code = "".join(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(code, {}, "registries.md", "registries.md", 0)
    assert len(test.examples) >= 7
    assert doctest.DocTestRunner().run(test).failed == 0


def test_the_table_is_what_happens(tmp_path: Path) -> None:
    put(tmp_path / "user/registries.conf", CONF)
    registries = read(tmp_path).unwrap()
    table = TEXT[TEXT.index("| asked for") :].partition("\n\n")[0]
    rows = [re.findall(r"\|\s*(?:`([^`]*)`)?", line) for line in table.splitlines()[2:]]
    found: dict[str, list[str]] = {}
    image = ""
    for asked, base, *_ in rows:
        image = asked or image
        found.setdefault(image, []).extend([base] if base else [])
    assert len(found) == 3
    for image, expected in found.items():
        if expected:
            assert bases(registries, image) == expected
        else:
            outcome = registries.places(reference(image), AMD64)
            assert isinstance(outcome.failure(), RegistryBlocked)


def test_hosts_toml(tmp_path: Path) -> None:
    put(tmp_path / "containerd/certs.d/registry.corp_5000_/hosts.toml", HOSTS)
    registries = read(tmp_path).unwrap()
    found = places(registries, "registry.corp:5000/app")
    assert [(place.base, place.query, place.resolves_tags) for place in found] == [
        ("https://mirror.corp/v2/app", "ns=registry.corp%3A5000", False),
        ("https://cache.corp/images/v2/app", "ns=registry.corp%3A5000", True),
        ("https://registry.corp:5000/v2/app", "", True),
    ]
    assert f"?{found[0].query}`" in TEXT
    assert [each.host for each in registries.tls] == ["mirror.corp", "cache.corp"]


def test_registries_d(tmp_path: Path) -> None:
    put(tmp_path / "system/registries.d/a.yaml", LOOKASIDE)
    registries = read(tmp_path).unwrap()
    for image, url in {
        "example.com/team/app": "file:///srv/signatures",
        "example.com/app": "https://signatures.example.net",
    }.items():
        assert places(registries, image)[0].lookaside == (url,)


def test_logins(tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    put(paths.logins[2], AUTH)
    helpers = CredentialHelpers({"PATH": ""}, SystemClock(), SILENCE)
    logins = read_logins(paths, helpers).unwrap()
    for repository, user in {"team/app": "alice", "app": "bob"}.items():
        login = logins.login_for("registry.corp", repository).unwrap()
        assert isinstance(login, UserPassword)
        assert login.user.value == user
    file = logins.files[2]
    assert file.login("registry-1.docker.io", "x") == Helper("pass", "https://index.docker.io/v1/")
    assert file.login("quay.io", "x") == Helper("secretservice", "quay.io")


def test_the_numbers_are_the_limits() -> None:
    text = " ".join(TEXT.split())
    assert f"at most {MIRRORS} mirrors" in text
    assert (
        f"{CREDENTIAL_HELPER_SECONDS:g} seconds, and {CREDENTIAL_HELPER_BYTES // KIB} KiB" in text
    )
