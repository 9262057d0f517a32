"""Real registries that share a host, each below a path of nginx: let in there, and nowhere else.

The host's certificate is known from hosts.toml alone, so what asks must know that it is a registry.
"""

import base64
import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from pipeline.adapters.containers import paths
from pipeline.testing.oci import layout_files, make_image
from tests.peers.nginx import Nginx
from tests.peers.registry import Registry, skopeo
from tests.peers.token_server import TokenServer
from tests.support.world import World

pytestmark = pytest.mark.peer

IMAGE = make_image({"bin/app": b"app"}, {"etc/app": b"setting"})
PASSWORD = "c4nary-p4ss"
BELOW = "location /{name}/ {{ proxy_pass http://{host}/; proxy_set_header Host $http_host; }}"
BARE = "location /{name}/ {{ proxy_pass http://{host}/v2/; proxy_set_header Host $http_host; }}"
MOVED = """
location /us/v2/moved/ {
    if ($http_authorization = "") {
        add_header WWW-Authenticate 'Basic realm="x"' always;
        return 401;
    }
    return 307 /eu/v2/team/app/manifests/1.0;
}
location /eu/v2/ {
    if ($http_authorization != "") { return 418; }
    add_header WWW-Authenticate 'Basic realm="x"' always;
    return 401;
}
"""


def layout(folder: Path) -> Path:
    """Write the image where skopeo can read it."""
    for path, content in layout_files({"one": IMAGE}).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a registry that has the image."""
    folder = tmp_path_factory.mktemp("filled")
    with Registry(folder / "registry") as registry:
        options = ("--insecure-policy", "--preserve-digests", "--dest-tls-verify=false")
        target = f"docker://{registry.host}/team/app:1.0"
        skopeo("copy", *options, f"oci:{layout(folder / 'images')}:one", target)
    return folder / "registry"


@dataclass(slots=True)
class Site:
    """A host with registries below its paths, and a user who has set something about it."""

    world: World
    folder: Path
    stack: ExitStack
    host: str = ""

    def serve(self, directives: str) -> Nginx:
        """Start nginx; its certificate is by an authority that nobody knows."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.folder / "host.pem"))
        certificate = authority.issue_cert("127.0.0.1")
        nginx = self.stack.enter_context(Nginx(self.folder / "nginx", certificate, directives))
        self.host = f"127.0.0.1:{nginx.tls_port}"
        return nginx

    def set_host(self, path: str, *lines: str) -> None:
        """Say that a path of the host serves registry.corp."""
        file = self.folder / "etc/containerd/certs.d/registry.corp/hosts.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        ca = f'ca = "{self.folder}/host.pem"'
        file.write_text("\n".join((f'server = "https://{self.host}{path}"', ca, *lines)))

    def log_in(self, users: dict[str, str]) -> None:
        """Set who is told what, by path of the host."""
        proofs = {
            path: base64.b64encode(f"{user}:{PASSWORD}".encode()) for path, user in users.items()
        }
        auths = {f"{self.host}{path}": {"auth": each.decode()} for path, each in proofs.items()}
        file = self.folder / ".docker/config.json"
        file.parent.mkdir(exist_ok=True)
        file.touch(0o600)
        file.write_text(json.dumps({"auths": auths}))

    def fetch(self, repository: str = "team/app") -> int:
        """Fetch an image of registry.corp."""
        reference = f"docker://registry.corp/{repository}:1.0"
        return self.world.run("--insecure-options=image", "fetch", "--full", reference)


@pytest.fixture
def site(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(paths, "_ETC", world.home / "etc")
    with ExitStack() as stack:
        yield Site(world, world.home, stack)


@pytest.fixture
def two(site: Site, filled: Path) -> Site:
    """``us`` and ``eu``, each with a user of its own."""
    locations = []
    for name in ("us", "eu"):
        copied = site.folder / name
        copied.mkdir()
        (copied / "storage").symlink_to(filled / "storage")
        registry = site.stack.enter_context(Registry(copied, users={f"c4nary-{name}": PASSWORD}))
        locations.append(BELOW.format(name=name, host=registry.host))
        locations.append(BARE.format(name=f"bare-{name}", host=registry.host))
    site.serve("\n".join(locations))
    return site


@pytest.mark.parametrize(
    ("path", "lines"),
    [("/us", ()), ("/us/v2", ()), ("/us/v2", ("override_path = true",))],
)
def test_a_password_below_a_path(two: Site, path: str, lines: tuple[str, ...]) -> None:
    two.set_host(path, *lines)
    two.log_in({"/us": "c4nary-us", "": "c4nary-nobody"})
    assert two.fetch() == 0, two.world.err
    assert two.world.out.strip() == f"sha256-{IMAGE.descriptor.digest.hex}"


def test_repositories_right_below_a_path(two: Site) -> None:
    two.set_host("/bare-us", "override_path = true")
    two.log_in({"/bare-us/team": "c4nary-us", "/team": "c4nary-nobody"})
    assert two.fetch() == 0, two.world.err


def test_what_is_set_for_the_whole_host(two: Site) -> None:
    two.set_host("/us")
    two.log_in({"": "c4nary-us"})
    assert two.fetch() == 0, two.world.err


@pytest.mark.parametrize("users", [{}, {"/us": "c4nary-us"}, {"/team": "c4nary-eu"}])
def test_what_is_set_for_another_path_is_not_told(two: Site, users: dict[str, str]) -> None:
    two.set_host("/eu")
    two.log_in(users)
    assert two.fetch() == 5
    assert f"{two.host}/eu does not let" in two.world.err
    assert "none are set for it" in two.world.err
    assert "c4nary" not in two.world.err


def test_a_token_below_a_path(site: Site, filled: Path, authority: trustme.CA) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    tokens = site.stack.enter_context(TokenServer(site.folder / "tokens", context))
    tokens.users = {"c4nary-us": PASSWORD}
    registry = site.stack.enter_context(Registry(filled, token_service=tokens.service))
    site.serve(BELOW.format(name="us", host=registry.host))
    site.set_host("/us")
    site.log_in({"/us": "c4nary-us"})
    assert site.fetch() == 0, site.world.err
    assert set(tokens.scopes) == {"repository:team/app:pull"}
    assert len(tokens.given) == 1
    site.log_in({"/eu": "c4nary-us"})
    assert site.fetch() == 5


def test_a_redirect_to_another_path_of_the_host(site: Site) -> None:
    """Neither the password goes there, nor is what it asks for believed."""
    nginx = site.serve(MOVED)
    site.set_host("/us")
    site.log_in({"/us": "c4nary-us", "/eu": "c4nary-eu"})
    assert site.fetch("moved/app") == 5
    statuses = [line.split('"')[2].split()[0] for line in nginx.requests]
    assert statuses == ["401", "307", "401"]
    assert "c4nary" not in site.world.err
