"""What is set about the network is checked before anybody is asked, and then used."""

import json
from pathlib import Path

import pytest

from pipeline.exit_codes import ExitCode
from tests.support.world import HOST, IMAGE_PATH, REFERENCE, Answer, World, make_image, sign

KEY_URL = f"https://{HOST}/key.asc"
TRUST = ("trust", "add", "--root", "--skip-fingerprint-review")
EACH_COMMAND = pytest.mark.parametrize(
    "command", [("fetch", REFERENCE), (*TRUST, KEY_URL)], ids=["fetch", "trust-add"]
)


@pytest.fixture
def published(world: World) -> World:
    """A world where the image is published, its maker trusted, and the maker's key online."""
    world.trust()
    world.publish()
    world.site.pages["/key.asc"] = str(world.key.pubkey).encode()
    return world


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o600)


def basic_auth(world: World, host: str = HOST, user: str = "me") -> None:
    document = {
        "rktKind": "auth",
        "rktVersion": "v1",
        "domains": [host],
        "type": "basic",
        "credentials": {"user": user, "password": "s3cret"},
    }
    write(world.home / "config/auth.d/site.json", json.dumps(document))


def sent(world: World, field: str) -> set[str | None]:
    return {headers.get(field) for _, headers in world.site.requests}


@EACH_COMMAND
class TestBrokenSettings:
    """Exit code 9, and nobody is asked."""

    def refused(self, world: World, command: tuple[str, ...], words: str) -> None:
        world.site.requests.clear()
        assert world.run(*command) == ExitCode.CONFIGURATION, world.err
        assert words in world.err
        assert world.site.requests == []

    def test_ca_file(self, published: World, command: tuple[str, ...]) -> None:
        write(published.home / "junk.pem", "junk")
        self.refused(published, (*command, "--ca-file=junk.pem"), "--ca-file is")

    def test_certificates_of_a_host(self, published: World, command: tuple[str, ...]) -> None:
        write(published.home / "config/config.toml", '[[tls]]\nhost = "h"\nca-file = "none.pem"')
        self.refused(published, command, "none.pem")

    def test_configuration(self, published: World, command: tuple[str, ...]) -> None:
        write(published.home / "system/config.toml", "[mirorrs]")
        self.refused(published, command, "mirorrs")

    def test_proxy(
        self, published: World, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "socks5://me:s3cret@proxy.test")
        self.refused(published, command, "HTTPS_PROXY")
        assert "s3cret" not in published.err

    def test_credentials(self, published: World, command: tuple[str, ...]) -> None:
        write(published.home / "config/auth.d/site.json", '{"rktKind": "auth"}')
        self.refused(published, command, "site.json")

    def test_netrc(self, published: World, command: tuple[str, ...]) -> None:
        write(published.home / "netrc", "machine")
        self.refused(published, (*command, "--netrc=netrc"), "netrc")

    def test_netrc_that_is_not_there(
        self, published: World, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.refused(published, (*command, "--netrc=missing"), "missing")
        monkeypatch.setenv("NETRC", "missing, too")
        self.refused(published, command, "missing, too")


class TestBrokenSettingsThatAreNotNeeded:
    """What asks nobody does without."""

    @pytest.fixture
    def broken(self, published: World) -> World:
        published.run("fetch", REFERENCE)
        write(published.home / "config/auth.d/site.json", "junk")
        assert published.run("fetch", REFERENCE) == ExitCode.CONFIGURATION
        return published

    def test_a_store_hit(self, broken: World) -> None:
        assert broken.run("fetch", "--pull-policy=new", REFERENCE) == 0

    def test_a_path(self, broken: World) -> None:
        image = make_image()
        Path("app.aci").write_bytes(image)
        Path("app.aci.asc").write_bytes(sign(broken.key, image))
        assert broken.run("fetch", "./app.aci") == 0

    def test_a_local_key(self, broken: World) -> None:
        assert broken.run(*TRUST, str(broken.home / "key.asc")) == 0

    def test_the_store(self, broken: World) -> None:
        assert broken.run("image", "manifest", f"{HOST}/app") == 0


@EACH_COMMAND
class TestCredentials:
    """Sent to the origin they are for; of two, the folder's go before netrc's."""

    def test_from_the_folder(self, published: World, command: tuple[str, ...]) -> None:
        basic_auth(published)
        assert published.run(*command) == 0, published.err
        assert sent(published, "authorization") == {"Basic bWU6czNjcmV0"}

    def test_not_to_another_host(self, published: World, command: tuple[str, ...]) -> None:
        basic_auth(published, "other.example")
        assert published.run(*command) == 0, published.err
        assert sent(published, "authorization") == {None}

    @pytest.mark.parametrize("how", ["home", "variable", "option"])
    def test_from_netrc(
        self,
        published: World,
        command: tuple[str, ...],
        how: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        file = published.home / (".netrc" if how == "home" else "passwords")
        write(file, f"machine {HOST} login me password s3cret\n")
        if how == "variable":
            monkeypatch.setenv("NETRC", str(file))
        options = ("--netrc=passwords",) if how == "option" else ()
        assert published.run(*command, *options) == 0, published.err
        assert sent(published, "authorization") == {"Basic bWU6czNjcmV0"}


@EACH_COMMAND
class TestOptions:
    """Options of the network do what they say, for images and for keys."""

    @pytest.mark.parametrize(("retries", "asked"), [(0, 1), (1, 2)])
    def test_retries(
        self, published: World, command: tuple[str, ...], retries: int, asked: int
    ) -> None:
        path = "/app" if command[0] == "fetch" else "/key.asc"
        published.site.pages[path] = Answer(status=503, headers={"Retry-After": "0"})
        published.site.requests.clear()
        assert published.run(*command, f"--retries={retries}") != 0
        # Discovery goes on to the name's parent, "/".
        assert published.site.asked_for().count(path) == asked


@pytest.mark.parametrize("command", [("fetch",), TRUST], ids=["fetch", "trust-add"])
def test_public_only(published: World, command: tuple[str, ...]) -> None:
    """Loopback is not public; without the option, the server gets as far as its certificate."""
    url = f"https://localhost:{published.port}/key.aci"
    assert published.run(*command, url, "--retries=0") == ExitCode.DOWNLOAD
    assert "no secure connection" in published.err
    assert published.run(*command, url, "--retries=0", "--public-only") == ExitCode.DOWNLOAD
    assert "wanted a public address" in published.err


@pytest.mark.parametrize(
    "option",
    [
        "--retries=-1",
        "--retries=101",
        "--limit-rate=0",
        "--limit-rate=fast",
        "--least-rate=-1",
        "--progress=loud",
    ],
)
def test_values_out_of_range_are_usage_errors(world: World, option: str) -> None:
    assert world.run("fetch", option, REFERENCE) == ExitCode.USAGE
    assert option.partition("=")[0] in world.err


@pytest.mark.parametrize(
    ("variable", "value"), [("RETRIES", "many"), ("LIMIT_RATE", "x"), ("PROGRESS", "loud")]
)
def test_the_environment_sets_them_too(
    world: World, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(f"IMAGE_PIPELINE_{variable}", value)
    assert world.run("fetch", REFERENCE) == ExitCode.USAGE
    assert IMAGE_PATH not in world.site.asked_for()


def test_any_rate_will_do(published: World) -> None:
    assert published.run("fetch", "--least-rate=0", REFERENCE) == 0, published.err
