"""Mirrors from the configuration, over real connections: who is asked, and what is believed."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.support.world import (
    HOST,
    IMAGE_PATH,
    PAGE,
    REFERENCE,
    Site,
    World,
    make_image,
    make_key,
    serving,
    sign,
)

MIRROR = "mirror.test"
URL = f"https://{HOST}{IMAGE_PATH}"
FILE = "example.com/app-1.2.0-linux-amd64.aci"
BY_URL = f'prefix = "https://{HOST}/images/"\nto = ["https://{MIRROR}/copies/"]'
BY_TEMPLATE = f'prefix = "{HOST}"\nto = ["https://{MIRROR}/copies/{{name}}-{{version}}-{{os}}-{{arch}}.{{ext}}"]'
BY_NAME = f'prefix = "{HOST}"\nto = ["{MIRROR}/{HOST}"]'
MIRROR_PAGE = (
    f'<meta name="ac-discovery" content="{MIRROR} '
    f'https://{MIRROR}/copies/{HOST}/app-{{version}}-{{os}}-{{arch}}.{{ext}}">'
    f'<meta name="ac-discovery-pubkeys" content="{MIRROR} https://{MIRROR}/key.asc">'
)
EACH_KIND = pytest.mark.parametrize(
    ("entry", "reference"),
    [(BY_URL, URL), (BY_URL, REFERENCE), (BY_TEMPLATE, REFERENCE), (BY_NAME, REFERENCE)],
    ids=["url", "url-found-by-name", "template", "name"],
)


@dataclass
class Mirrored:
    """A world whose maker is trusted, and a mirror of it."""

    world: World
    mirror: Site
    closed_port: int
    rules: str

    def configure(self, entry: str, folder: str = "config") -> None:
        path = self.world.home / folder / "config.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"[[mirrors]]\n{entry}\n")

    def copy(self, image: bytes | None = None, key: object = None) -> None:
        """Put an image and its signature on the mirror."""
        image = make_image() if image is None else image
        path = f"/copies/{FILE}"
        self.mirror.pages |= {path: image, f"{path}.asc": sign(key or self.world.key, image)}

    def fetch(self, reference: str, *options: str) -> int:
        return self.world.run("fetch", "--retries=0", *options, reference)

    def take_down(self, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
        """Have nobody listen where ``host`` is."""
        rule = f"{host}:443:127.0.0.1:{self.closed_port}"
        monkeypatch.setenv("IMAGE_PIPELINE_CONNECT_TO", f"{rule} {self.rules}")


@pytest.fixture
def mirrored(
    world: World, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Mirrored]:
    world.trust(HOST)
    mirror = Site({f"/{HOST}/app": MIRROR_PAGE.encode()})
    with socket.create_server(("127.0.0.1", 0)) as closing:
        closed_port = closing.getsockname()[1]
    with serving(mirror, authority, MIRROR) as port:
        rules = f"{HOST}:443:127.0.0.1:{world.port} {MIRROR}:443:127.0.0.1:{port}"
        monkeypatch.setenv("IMAGE_PIPELINE_CONNECT_TO", rules)
        yield Mirrored(world, mirror, closed_port, rules)


@EACH_KIND
class TestEachKind:
    """By URL, by template, by another name: the same promises."""

    def test_the_origin_is_not_asked_where_the_mirror_serves(
        self, mirrored: Mirrored, entry: str, reference: str
    ) -> None:
        mirrored.configure(entry)
        mirrored.copy()
        assert mirrored.fetch(reference) == 0, mirrored.world.err
        # A URL that its page names is known from that page alone.
        page = ["/app"] if (entry, reference) == (BY_URL, REFERENCE) else []
        assert mirrored.world.site.asked_for() == page
        assert mirrored.world.run("image", "list", "--json") == 0
        assert f'"source":"https://{MIRROR}/copies/' in mirrored.world.out

    def test_the_origin_serves_where_the_mirror_is_down(
        self, mirrored: Mirrored, entry: str, reference: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mirrored.configure(entry)
        mirrored.world.publish()
        mirrored.take_down(monkeypatch, MIRROR)
        assert mirrored.fetch(reference) == 0, mirrored.world.err
        assert mirrored.mirror.requests == []

    def test_the_origin_serves_what_the_mirror_does_not_have(
        self, mirrored: Mirrored, entry: str, reference: str
    ) -> None:
        mirrored.configure(entry)
        mirrored.world.publish()
        assert mirrored.fetch(reference) == 0, mirrored.world.err
        assert mirrored.mirror.requests != []

    def test_an_image_of_another_maker_is_refused_and_the_origin_not_asked(
        self, mirrored: Mirrored, entry: str, reference: str
    ) -> None:
        mirrored.configure(entry)
        mirrored.world.publish()
        mirrored.copy(key=make_key("Somebody Else"))
        assert mirrored.fetch(reference) == 6
        assert IMAGE_PATH not in mirrored.world.site.asked_for()
        assert mirrored.world.store_files() == []

    def test_a_tampered_image_is_refused(
        self, mirrored: Mirrored, entry: str, reference: str
    ) -> None:
        mirrored.configure(entry)
        mirrored.world.publish()
        mirrored.copy()
        mirrored.mirror.pages[f"/copies/{FILE}"] = make_image(content=b"evil")
        assert mirrored.fetch(reference) == 6
        assert "bad signature" in mirrored.world.err

    def test_every_cause_is_in_the_error_where_all_fail(
        self, mirrored: Mirrored, entry: str, reference: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mirrored.configure(entry)
        assert mirrored.fetch(reference) == 5
        assert f"https://{MIRROR}/copies/{FILE}" in mirrored.world.err
        assert URL in mirrored.world.err
        mirrored.take_down(monkeypatch, HOST)
        by_page = reference == REFERENCE
        assert mirrored.fetch(reference) == (4 if by_page else 5)
        assert f"https://{HOST}/" in mirrored.world.err
        if entry != BY_URL:
            assert f"https://{MIRROR}/copies/{FILE}" in mirrored.world.err

    def test_what_came_from_a_mirror_is_found_in_the_store(
        self, mirrored: Mirrored, entry: str, reference: str
    ) -> None:
        mirrored.configure(entry)
        mirrored.copy()
        assert mirrored.fetch(reference) == 0, mirrored.world.err
        mirrored.mirror.requests.clear()
        for policy in ("new", "never"):
            assert mirrored.fetch(reference, f"--pull-policy={policy}") == 0, mirrored.world.err
        assert mirrored.mirror.requests == []


class TestTrust:
    """What counts is what the reference says, not the mirror."""

    def test_a_name_that_the_mirror_serves_for_another_is_refused(self, mirrored: Mirrored) -> None:
        mirrored.configure(BY_TEMPLATE)
        mirrored.copy(make_image(f"{HOST}/other"))
        assert mirrored.fetch(REFERENCE) == 7
        assert f'"{HOST}/other"' in mirrored.world.err

    def test_a_key_that_is_trusted_for_the_mirrors_name_counts_for_nothing(
        self, mirrored: Mirrored
    ) -> None:
        stranger = make_key("Mirror's Owner")
        mirrored.world.trust(MIRROR, stranger)
        mirrored.configure(BY_NAME)
        mirrored.copy(key=stranger)
        assert mirrored.fetch(REFERENCE) == 6

    def test_keys_are_never_taken_from_a_mirror(self, mirrored: Mirrored) -> None:
        mirrored.configure(BY_NAME)
        mirrored.mirror.pages["/key.asc"] = str(make_key("Mirror's Owner").pubkey).encode()
        mirrored.world.site.pages |= {
            "/app": PAGE.encode(),
            "/key.asc": str(mirrored.world.key.pubkey).encode(),
        }
        command = ("trust", "add", "--prefix", f"{HOST}/app", "--skip-fingerprint-review")
        assert mirrored.world.run(*command) == 0, mirrored.world.err
        assert "Example Images" in mirrored.world.err
        assert mirrored.mirror.requests == []

    def test_a_signature_that_the_user_named_is_not_asked_for_elsewhere(
        self, mirrored: Mirrored
    ) -> None:
        mirrored.configure(BY_URL)
        image = make_image()
        mirrored.copy(image)
        del mirrored.mirror.pages[f"/copies/{FILE}.asc"]
        Path("mine.asc").write_bytes(sign(mirrored.world.key, image))
        assert mirrored.fetch(URL, "--signature=mine.asc") == 0, mirrored.world.err
        assert mirrored.mirror.asked_for() == [f"/copies/{FILE}"]

    def test_a_query_is_not_shown_to_a_mirror(self, mirrored: Mirrored) -> None:
        mirrored.configure(BY_URL)
        mirrored.copy()
        mirrored.world.publish()
        url = f"cimd:aci-archive:v=0:https%3A%2F%2F{HOST}{IMAGE_PATH}%3Ftoken%3Ds3cret"
        assert mirrored.fetch(url) == 0, mirrored.world.err
        assert mirrored.mirror.requests == []


class TestWhichEntry:
    """The user's entry stands in place of the machine's."""

    def test_the_users_own(self, mirrored: Mirrored) -> None:
        mirrored.configure(f'prefix = "{HOST}"\nto = ["nowhere.test"]', "system")
        mirrored.configure(BY_NAME)
        mirrored.copy()
        assert mirrored.fetch(REFERENCE) == 0, mirrored.world.err

    def test_none_of_the_machines(self, mirrored: Mirrored) -> None:
        mirrored.configure(BY_NAME, "system")
        mirrored.configure(f'prefix = "{HOST}"\nto = []')
        mirrored.world.publish()
        assert mirrored.fetch(REFERENCE) == 0, mirrored.world.err
        assert mirrored.mirror.requests == []

    def test_a_template_that_lacks_a_label(self, mirrored: Mirrored) -> None:
        mirrored.configure(
            f'prefix = "{HOST}"\nto = ["https://{MIRROR}/{{name}}{{channel}}.{{ext}}"]'
        )
        assert mirrored.fetch(REFERENCE) == 5
        assert "needs a label that was not given" in mirrored.world.err


def test_a_mirror_with_a_certificate_of_its_own_authority(
    mirrored: Mirrored, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``[[tls]]`` names a CA file, relative to the configuration's folder."""
    private = trustme.CA()
    site = Site()
    with serving(site, private, "private.test") as port:
        rules = f"{mirrored.rules} private.test:443:127.0.0.1:{port}"
        monkeypatch.setenv("IMAGE_PIPELINE_CONNECT_TO", rules)
        image = make_image()
        site.pages |= {f"/{FILE}": image, f"/{FILE}.asc": sign(mirrored.world.key, image)}
        entry = f'prefix = "https://{HOST}/images"\nto = ["https://private.test"]\n'
        mirrored.configure(entry)
        assert mirrored.fetch(URL) == 5
        assert "no secure connection to https://private.test" in mirrored.world.err
        private.cert_pem.write_to_path(str(mirrored.world.home / "config/private.pem"))
        mirrored.configure(f'{entry}[[tls]]\nhost = "private.test"\nca-file = "private.pem"')
        assert mirrored.fetch(URL) == 0, mirrored.world.err
