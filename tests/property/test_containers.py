"""Users' files about registries: look-ups beside plain oracles, and junk that raises nothing."""

import json
import tempfile
from base64 import b64encode
from pathlib import Path
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.adapters.containers import ConfiguredRegistries, InsecureHost
from pipeline.adapters.containers.auth_json import parse_auth_file
from pipeline.adapters.containers.endpoints import parse_place, parse_server
from pipeline.adapters.containers.registries_d import Lookasides
from pipeline.adapters.containers.remapping import Location, RegistriesConf, Remapping
from pipeline.errors import InvalidSetting
from pipeline.logins import UserPassword
from pipeline.reference import DockerReference
from pipeline.reference.docker import parse_docker_reference
from tests.adapters.containers.cases import AMD64, HEX, put, read

CANARY = "cAnaRy7fQ"

hosts = st.sampled_from(["a.corp", "b.a.corp", "c.b.a.corp", "a.corp:5000", "b.corp", "localhost"])
paths = st.lists(st.sampled_from(["x", "xy", "y"]), min_size=1, max_size=3).map("/".join)
ends = st.sampled_from(["", ":1", ":12", f"@sha256:{HEX}", f":1@sha256:{HEX}"])
names = st.builds(lambda host, path, end: f"{host}/{path}{end}", hosts, paths, ends)
references = names.map(lambda text: parse_docker_reference(text).unwrap())
prefixes = st.one_of(
    hosts,
    names,
    st.builds(lambda host, path: f"{host}/{path}", hosts, paths),
    st.sampled_from(["*.corp", "*.a.corp", "*.b.a.corp"]),
)


scopes = names | hosts | st.builds("{}/{}".format, hosts, paths)
stores = st.sampled_from(["https://1", "https://2"])


def cuts(text: str, separators: str) -> set[str]:
    """Return what comes before each separator, and all of it."""
    return {text} | {text[:at] for at, each in enumerate(text) if each in separators}


def domains(reference: DockerReference) -> set[str]:
    """Return the wildcards that stand for a host."""
    labels = reference.host.partition(":")[0].split(".")
    return {f"*.{'.'.join(labels[at:])}" for at in range(1, len(labels))}


def rank(prefix: str) -> tuple[int, bool]:
    """Order prefixes; a host goes before a wildcard of the same length."""
    return len(prefix), "*" not in prefix


class TestLongestPrefix:
    """The longest of an image's own prefixes, at whole segments, decides."""

    @given(references, st.sets(prefixes, max_size=6))
    def test_registries_conf(self, reference: DockerReference, given: set[str]) -> None:
        entries = tuple(Remapping("file", prefix, (Location(""),)) for prefix in sorted(given))
        covering = given & (cuts(reference.normal, "/:@") | domains(reference))
        found = RegistriesConf(entries).find(reference)
        assert (found.prefix if found else "") == max(covering, key=rank, default="")

    @given(references, st.dictionaries(scopes, stores, max_size=6))
    def test_registries_d(self, reference: DockerReference, given: dict[str, str]) -> None:
        image = reference.normal
        if reference.digest is not None:
            image = f"{reference.name}@{reference.digest}"
        covering = given.keys() & ({image} | cuts(reference.name, "/"))
        expected = given[max(covering, key=len)] if covering else "https://all"
        assert Lookasides("https://all", given).urls(reference) == (expected,)

    @given(hosts, paths, st.sets(hosts | st.builds("{}/{}".format, hosts, paths), max_size=6))
    def test_auth_json(self, host: str, path: str, keys: set[str]) -> None:
        auths = {key: {"username": key, "password": "x"} for key in sorted(keys)}
        file = parse_auth_file(Path("f"), json.dumps({"auths": auths}).encode()).unwrap()
        login = file.login(host, path)
        covering = keys & cuts(f"{host}/{path}", "/")
        assert login is None or isinstance(login, UserPassword)
        assert (login.user.value if login else "") == max(covering, key=len, default="")


toml_words = st.sampled_from(
    ["[[registry]]", "[[registry.mirror]]", 'prefix = "a.corp"', 'prefix = "*.corp"',
     'location = "b.corp:5000"', 'location = "a.corp/x"', 'location = "localhost/y"',
     "insecure = true", "blocked = true", "mirror-by-digest-only = true", "[aliases]",
     'pull-from-mirror = "tag-only"', "registry = 1", "[[", "= 1", '"', "#", "é"]
)  # fmt: skip
hosts_words = st.sampled_from(
    ['server = "https://s.corp"', '[host."https://m.corp/x"]', '[host."http://n.corp:5000"]',
     'capabilities = ["pull"]', "skip_verify = true", "override_path = true", 'ca = "ca.pem"',
     'client = [["a", "b"]]', "[header]", "host = 1", "[host]", "[", '"']
)  # fmt: skip
yaml_words = st.sampled_from(
    ["docker:", "  a.corp:", "    lookaside: https://s.corp", "    sigstore: http://s.corp",
     "default-docker: {lookaside: file:///a}", "    use-sigstore-attachments: no", "  ? [", "*a",
     "&a", "<<: *a", "--- ", "!!python/object:os.system", "%YAML 9", '"\\UFFFFFFFF"', "\t", "{"]
)  # fmt: skip


@st.composite
def files(draw: st.DrawFn, words: st.SearchStrategy[str]) -> bytes:
    """Lines that make sense one by one, or bytes that do not."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=40))
    return "\n".join(draw(st.lists(words, max_size=8))).encode()


@given(files(toml_words), files(hosts_words), files(yaml_words), references)
def test_what_is_read_keeps_its_word(
    conf: bytes, hosts_toml: bytes, lookaside: bytes, reference: DockerReference
) -> None:
    """Whatever stands in the files: a place is proven, or its very host is called insecure."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        put(home / "user/registries.conf").write_bytes(conf)
        put(home / "containerd/certs.d/_default/hosts.toml").write_bytes(hosts_toml)
        put(home / "user/registries.d/a.yaml").write_bytes(lookaside)
        outcome = read(home, "localhost")
    if not is_successful(outcome):
        assert isinstance(outcome.failure(), InvalidSetting)
        assert outcome.failure().message
        return
    check_places(outcome.unwrap(), reference)


def check_places(registries: ConfiguredRegistries, reference: DockerReference) -> None:
    found = registries.places(reference, AMD64)
    if not is_successful(found):
        assert found.failure().message
        return
    assert len(set(found.unwrap())) == len(found.unwrap())
    bases = [place.base for place in found.unwrap()]
    for place in found.unwrap():
        parts = urlsplit(place.base)
        assert place.reference == reference
        assert parts.hostname is not None
        assert parts.path.startswith("/")
        assert not parts.query
        if parts.scheme == "http":
            origin = InsecureHost("http", parts.hostname, parts.port or 80)
            assert origin in registries.insecure_hosts
            continue
        assert parts.scheme == "https"
        origin = InsecureHost("https", parts.hostname, parts.port or 443)
        if origin in registries.insecure_hosts:
            # Either it comes with http behind it, or its certificate alone does not count.
            after = bases[bases.index(place.base) + 1 :]
            skipped = any(
                not each.endpoint.verifies
                for registry in registries.hosts.registries.values()
                for each in registry.hosts
            )
            assert skipped or place.base.replace("https:", "http:", 1) in after


@given(
    st.text(max_size=30) | st.sampled_from(["a.corp", "https://a.corp:5000/x"]), st.integers(-2, 9)
)
def test_places_that_are_read_are_urls(text: str, cut: int) -> None:
    for untrusted in (text, text[:cut] + text[cut + 1 :]):
        server = parse_server(untrusted)
        if is_successful(server):
            for base in server.unwrap().bases("x"):
                parts = urlsplit(base)
                assert parts.netloc == server.unwrap().authority
                assert parts.path == f"{server.unwrap().root}/x"
                assert not parts.username
                assert 0 < (parts.port or 1) < 65536
        place = parse_place(untrusted)
        if is_successful(place):
            assert parse_place(place.unwrap()) == place


users = st.text(st.characters(codec="utf-8", exclude_characters=":\0"), min_size=1)
passwords = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


@given(users, passwords)
def test_what_a_login_writes_is_read(user: str, password: str) -> None:
    auth = b64encode(f"{user}:{password}".encode()).decode()
    content = json.dumps({"auths": {"a.corp": {"auth": auth}}}).encode()
    login = parse_auth_file(Path("f"), content).unwrap().login("a.corp", "x")
    assert isinstance(login, UserPassword)
    assert (login.user.value, login.password.value) == (user, password)


keys = st.sampled_from(
    ["auths", "credHelpers", "credsStore", "auth", "username", "password", "identitytoken",
     "registrytoken", "a.corp", f"{CANARY}@a.corp"]
)  # fmt: skip
values: st.SearchStrategy[object] = st.recursive(
    st.sampled_from([None, True, 0, "", "x", CANARY, f"/{CANARY}", "a.corp"])
    | st.just(b64encode(f"me:{CANARY}".encode()).decode()),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(keys, values, max_size=4), st.data())
def test_no_secret_is_shown(document: object, data: st.DataObject) -> None:
    """Whatever is wrong with a file, and wherever somebody wrote a secret by mistake."""
    text = json.dumps(document)
    start, end = sorted(data.draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=2)))
    filler = data.draw(st.sampled_from(["", '"', "{", "}", ",", "\\", "\xff", CANARY]))
    for content in (text.encode(), (text[:start] + filler + text[end:]).encode("latin-1")):
        outcome = parse_auth_file(Path("f"), content)
        if is_successful(outcome):
            shown = f"{outcome.unwrap()!r}{outcome.unwrap().login('a.corp', 'x')!r}"
            # Helpers' names are none, whatever somebody called one.
            assert "Helper" in shown or CANARY not in shown.replace(f"store='{CANARY}'", "")
        else:
            error = outcome.failure()
            assert CANARY not in f"{error!r}{error.message}{error.hint}"
