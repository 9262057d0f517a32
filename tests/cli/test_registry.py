"""Registry images as a user fetches them, from a registry that does what it should not."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from pipeline.digest import parse_digest
from pipeline.oci import INDEX_TYPE, MANIFEST_TYPE, OciPlatform
from pipeline.testing.oci import (
    MadeImage,
    incompressible,
    make_artifact,
    make_image,
    make_index,
    make_layer,
    make_oci_config,
)
from tests.support.registry_site import (
    RegistrySite,
    digest_of,
    payload,
    sign_message,
    use_lookaside,
)
from tests.support.world import HOST, Answer, Page, Site, World, make_key, serving

REFERENCE = f"docker://{HOST}/app:1.0"
ARM = OciPlatform("linux", "arm64")
IMAGE = make_image({"bin/app": b"#!/bin/sh\n" * 9}, {"etc/app": b"setting"})
DOCUMENT = json.loads(IMAGE.raw)
CONFIG = parse_digest(DOCUMENT["config"]["digest"]).unwrap()
FIRST_LAYER = parse_digest(DOCUMENT["layers"][0]["digest"]).unwrap()


@pytest.fixture
def registry(world: World) -> RegistrySite:
    """A registry with one image, which the maker signed, whose key is trusted."""
    use_lookaside(world.home)
    registry = RegistrySite(world.site)
    registry.push("app", "1.0", IMAGE)
    registry.sign(world.key, IMAGE.descriptor.digest, f"{HOST}/app:1.0")
    world.trust()
    return registry


@pytest.fixture
def fresh(world: World, registry: RegistrySite) -> World:
    """The world; nothing was asked of its site before the test."""
    world.site.requests.clear()
    world.site.methods.clear()
    return world


def short_id(image: MadeImage) -> str:
    return f"sha256-{image.descriptor.digest.hex[:32]}\n"


def stored(world: World) -> set[str]:
    """The names of all blobs, quarantine included."""
    return {Path(path).name for path in world.store_files()}


class TestFetch:
    def test_a_signed_image(self, fresh: World, registry: RegistrySite) -> None:
        assert fresh.run("fetch", REFERENCE) == 0, fresh.err
        assert fresh.out == short_id(IMAGE)
        assert f"signature verified: {HOST}/app:1.0" in fresh.err
        assert stored(fresh) == {digest.hex for digest in IMAGE.blobs}
        # The manifest, what proves it, and only then what it names.
        asked = fresh.site.asked_for()
        first_blob = next(n for n, path in enumerate(asked) if "/blobs/" in path)
        assert asked[0] == "/v2/app/manifests/1.0"
        assert any(path.startswith("/sigs/") for path in asked[:first_blob])
        assert not any(
            path.startswith(("/sigs/", "/v2/app/manifests")) for path in asked[first_blob:]
        )

    def test_nobody_is_asked_where_no_key_is_trusted(self, fresh: World) -> None:
        assert fresh.run("fetch", f"docker://{HOST}/other:1.0") == 6
        assert "no key trusted for" in fresh.err
        assert fresh.site.asked_for() == []

    def test_an_image_that_nobody_signed(self, fresh: World, registry: RegistrySite) -> None:
        registry.push("app", "2.0", other := make_image({"a": b"b"}))
        assert fresh.run("fetch", f"docker://{HOST}/app:2.0") == 6
        assert "carries no signature" in fresh.err
        assert registry.asked_for("blobs") == []
        assert stored(fresh) == set()
        assert fresh.run("--insecure-options=image", "fetch", f"docker://{HOST}/app:2.0") == 0
        assert fresh.out == short_id(other)
        assert "is unverified" in fresh.err
        # What was let in unverified is not served to who demands proof.
        assert fresh.run("fetch", "--pull-policy=never", f"docker://{HOST}/app:2.0") == 6
        assert (
            fresh.run("image", "export", "--format=oci", fresh.out or short_id(other).strip(), "o")
            == 6
        )

    @pytest.mark.parametrize(
        ("signed", "words"),
        [
            (f"{HOST}/app:2.0", "the signature is for"),
            (f"{HOST}/other:1.0", "the signature is for"),
            ("example.org/app:1.0", "the signature is for"),
        ],
    )
    def test_a_signature_of_another_name(
        self, fresh: World, registry: RegistrySite, signed: str, words: str
    ) -> None:
        registry.sign(fresh.key, IMAGE.descriptor.digest, signed)
        assert fresh.run("fetch", REFERENCE) == 6
        assert words in fresh.err
        assert registry.asked_for("blobs") == []

    def test_a_signature_of_another_image(self, fresh: World, registry: RegistrySite) -> None:
        other = make_image({"a": b"b"}).descriptor.digest
        message = sign_message(fresh.key, payload(other, f"{HOST}/app:1.0"))
        registry.put_signature(message, IMAGE.descriptor.digest)
        assert fresh.run("fetch", REFERENCE) == 6
        assert registry.asked_for("blobs") == []

    def test_a_signature_by_somebody_else(self, fresh: World, registry: RegistrySite) -> None:
        registry.sign(make_key("Somebody Else"), IMAGE.descriptor.digest, f"{HOST}/app:1.0")
        assert fresh.run("fetch", REFERENCE) == 6
        assert registry.asked_for("blobs") == []

    def test_the_second_signature_is_as_good(self, fresh: World, registry: RegistrySite) -> None:
        registry.sign(make_key("Somebody Else"), IMAGE.descriptor.digest, f"{HOST}/app:1.0")
        registry.sign(fresh.key, IMAGE.descriptor.digest, f"{HOST}/app:1.0", number=2)
        assert fresh.run("fetch", REFERENCE) == 0, fresh.err

    def test_no_flood_of_signatures_is_read(self, fresh: World, registry: RegistrySite) -> None:
        stranger = make_key("Somebody Else")
        message = sign_message(stranger, payload(IMAGE.descriptor.digest, f"{HOST}/app:1.0"))
        for number in range(1, 200):
            registry.put_signature(message, IMAGE.descriptor.digest, number=number)
        assert fresh.run("fetch", REFERENCE) == 6
        asked = [path for path in fresh.site.asked_for() if path.startswith("/sigs/")]
        assert len(asked) == 128

    def test_a_store_of_signatures_that_fails_is_no_empty_one(
        self, fresh: World, registry: RegistrySite
    ) -> None:
        digest = IMAGE.descriptor.digest
        page = f"/sigs/app@sha256={digest.hex}/signature-1"
        fresh.site.pages[page] = Answer(status=403)
        assert fresh.run("fetch", REFERENCE) == 5
        assert "status 403" in fresh.err
        assert registry.asked_for("blobs") == []


class TestWhatIsStored:
    def test_layers_that_are_there_are_not_asked_for(
        self, fresh: World, registry: RegistrySite
    ) -> None:
        assert fresh.run("fetch", REFERENCE) == 0, fresh.err
        shared = make_layer({"bin/app": b"#!/bin/sh\n" * 9})
        newer = make_image(shared, {"etc/app": b"another setting"})
        assert shared.descriptor.digest in IMAGE.blobs
        registry.push("app", "2.0", newer)
        registry.sign(fresh.key, newer.descriptor.digest, f"{HOST}/app:2.0")
        fresh.site.requests.clear()
        assert fresh.run("fetch", f"docker://{HOST}/app:2.0") == 0, fresh.err
        assert str(shared.descriptor.digest) not in registry.asked_for("blobs")
        assert len(registry.asked_for("blobs")) == 2

    def test_a_tag_that_has_not_moved_is_asked_for_by_head(
        self, fresh: World, registry: RegistrySite
    ) -> None:
        assert fresh.run("fetch", REFERENCE) == 0, fresh.err
        fresh.site.requests.clear()
        fresh.site.methods.clear()
        assert fresh.run("fetch", "--json", REFERENCE) == 0, fresh.err
        assert json.loads(fresh.out)["outcome"] == "unchanged"
        assert (fresh.site.methods, fresh.site.asked_for()) == (["HEAD"], ["/v2/app/manifests/1.0"])

    def test_a_tag_that_has_moved_is_fetched(self, fresh: World, registry: RegistrySite) -> None:
        assert fresh.run("fetch", REFERENCE) == 0, fresh.err
        newer = make_image({"bin/app": b"newer"})
        registry.push("app", "1.0", newer)
        registry.sign(fresh.key, newer.descriptor.digest, f"{HOST}/app:1.0")
        assert fresh.run("fetch", REFERENCE) == 0, fresh.err
        assert fresh.out == short_id(newer)
        assert fresh.run("fetch", "--pull-policy=never", REFERENCE) == 0
        assert fresh.out == short_id(newer)

    def test_a_digest_is_asked_for_once(self, fresh: World, registry: RegistrySite) -> None:
        reference = f"docker://{HOST}/app@{IMAGE.descriptor.digest}"
        assert fresh.run("fetch", reference) == 0, fresh.err
        fresh.site.requests.clear()
        assert fresh.run("fetch", reference) == 0, fresh.err
        assert fresh.site.asked_for() == []

    def test_a_key_that_is_no_longer_trusted(self, fresh: World) -> None:
        assert fresh.run("fetch", REFERENCE) == 0, fresh.err
        fingerprint = str(fresh.key.fingerprint).replace(" ", "").lower()
        assert fresh.run("trust", "remove", "--prefix", f"{HOST}/app", fingerprint) == 0, fresh.err
        assert fresh.run("fetch", "--pull-policy=never", REFERENCE) == 6

    def test_one_image_under_two_names_is_judged_by_the_one_that_is_asked_for(
        self, fresh: World, registry: RegistrySite
    ) -> None:
        """A proof for one name serves nobody who asks for another."""
        registry.push("free", "1.0", IMAGE)
        assert fresh.run("fetch", REFERENCE) == 0, fresh.err
        free = f"docker://{HOST}/free:1.0"
        assert fresh.run("--insecure-options=image", "fetch", free) == 0, fresh.err
        assert fresh.run("fetch", "--pull-policy=never", free) == 6
        assert fresh.run("fetch", "--pull-policy=never", REFERENCE) == 0, fresh.err

    def test_listing_removing_and_what_stays(self, fresh: World, registry: RegistrySite) -> None:
        registry.push("app", "2.0", other := make_image({"bin/app": b"#!/bin/sh\n" * 9}))
        registry.sign(fresh.key, other.descriptor.digest, f"{HOST}/app:2.0")
        assert fresh.run("fetch", REFERENCE, f"docker://{HOST}/app:2.0") == 0, fresh.err
        assert fresh.run("image", "list", "--fields=name,size", "--no-legend") == 0
        assert {line.split()[0] for line in fresh.out.splitlines()} == {
            f"{HOST}/app:1.0",
            f"{HOST}/app:2.0",
        }
        assert fresh.run("image", "rm", f"docker://{HOST}/app:2.0") == 0, fresh.err
        assert stored(fresh) == {digest.hex for digest in IMAGE.blobs}
        assert fresh.run("store", "verify") == 0, fresh.out
        assert fresh.run("image", "verify", "--all") == 0, fresh.out + fresh.err


class TestHostileRegistry:
    def test_a_blob_of_another_digest(self, fresh: World, registry: RegistrySite) -> None:
        content = IMAGE.blobs[CONFIG]
        fresh.site.pages[f"/v2/app/blobs/{CONFIG}"] = content[:-1] + bytes([content[-1] ^ 1])
        assert fresh.run("fetch", REFERENCE) == 5
        assert f"wanted {CONFIG}" in fresh.err
        assert stored(fresh) == set()

    def test_a_blob_of_another_size(self, fresh: World, registry: RegistrySite) -> None:
        fresh.site.pages[f"/v2/app/blobs/{CONFIG}"] = IMAGE.blobs[CONFIG][:-1]
        assert fresh.run("fetch", REFERENCE) == 5
        fresh.site.pages[f"/v2/app/blobs/{CONFIG}"] = IMAGE.blobs[CONFIG] + b"\n"
        assert fresh.run("fetch", REFERENCE) == 5
        assert stored(fresh) == set()

    def test_a_manifest_of_another_digest(self, fresh: World, registry: RegistrySite) -> None:
        other = make_image({"a": b"b"})
        wanted = IMAGE.descriptor.digest
        # Whatever its header says of it.
        registry.put_manifest(
            "app", str(wanted), other.raw, MANIFEST_TYPE, **{"Docker-Content-Digest": str(wanted)}
        )
        assert fresh.run("fetch", f"docker://{HOST}/app@{wanted}") == 5
        assert f"wanted {wanted}" in fresh.err
        assert registry.asked_for("blobs") == []

    def test_a_header_that_contradicts_the_manifest(
        self, fresh: World, registry: RegistrySite
    ) -> None:
        other = make_image({"a": b"b"}).descriptor.digest
        registry.put_manifest(
            "app", "1.0", IMAGE.raw, MANIFEST_TYPE, **{"Docker-Content-Digest": str(other)}
        )
        assert fresh.run("fetch", REFERENCE) == 5

    @pytest.mark.parametrize(
        ("document", "content_type"),
        [
            (IMAGE.raw, INDEX_TYPE),
            (json.dumps(json.loads(IMAGE.raw) | {"manifests": []}).encode(), MANIFEST_TYPE),
            (IMAGE.raw.replace(b"{", b'{"schemaVersion":2,', 1), MANIFEST_TYPE),
            (b"{}", "application/json"),
            (b"<html>", "text/html"),
        ],
    )
    def test_media_type_confusion(
        self, fresh: World, registry: RegistrySite, document: bytes, content_type: str
    ) -> None:
        registry.put_manifest("app", "1.0", document, content_type)
        assert fresh.run("--insecure-options=image", "fetch", REFERENCE) == 7, fresh.err
        assert stored(fresh) == set()

    def test_schema_1_is_refused_by_name(self, fresh: World, registry: RegistrySite) -> None:
        document = json.dumps({"schemaVersion": 1, "fsLayers": [], "history": []}).encode()
        schema1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
        registry.put_manifest("app", "1.0", document, schema1)
        assert fresh.run("--insecure-options=image", "fetch", REFERENCE) == 7
        assert "schema" in fresh.err

    def test_an_endless_manifest(self, fresh: World, registry: RegistrySite) -> None:
        registry.put_manifest("app", "1.0", b" " * (4 * 1024 * 1024 + 1), MANIFEST_TYPE)
        assert fresh.run("fetch", REFERENCE) == 5
        assert stored(fresh) == set()

    def test_a_blob_without_a_length(self, fresh: World, registry: RegistrySite) -> None:
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
        fresh.site.pages[f"/v2/app/blobs/{CONFIG}"] = Answer(raw=head + IMAGE.blobs[CONFIG])
        assert fresh.run("fetch", REFERENCE) == 0, fresh.err

    def test_a_blob_that_breaks_off_goes_on_where_it_was(
        self, fresh: World, registry: RegistrySite
    ) -> None:
        layer = make_layer({"data": incompressible(200_000)})
        image = make_image(layer)
        registry.push("app", "2.0", image)
        registry.sign(fresh.key, image.descriptor.digest, f"{HOST}/app:2.0")
        content, path = layer.content, f"/v2/app/blobs/{layer.descriptor.digest}"
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n\r\n".encode()
        fresh.site.pages[path] = Answer(raw=head + content[:150_000])
        reference = f"docker://{HOST}/app:2.0"
        assert fresh.run("fetch", reference) == 5
        held = 150_000
        span = f"bytes {held}-{len(content) - 1}/{len(content)}"
        rest = Answer(content[held:], 206, {"Content-Range": span})
        fresh.site.pages[path] = rest
        assert fresh.run("fetch", reference) == 0, fresh.err
        asked = [headers for asked, headers in fresh.site.requests if asked == path]
        assert asked[-1]["range"] == f"bytes={held}-"
        assert "if-range" not in asked[-1]

    def test_what_is_held_may_be_what_is_wrong(self, fresh: World, registry: RegistrySite) -> None:
        layer = make_layer({"data": incompressible(200_000)})
        image = make_image(layer)
        registry.push("app", "2.0", image)
        registry.sign(fresh.key, image.descriptor.digest, f"{HOST}/app:2.0")
        content, path = layer.content, f"/v2/app/blobs/{layer.descriptor.digest}"
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n\r\n".encode()
        fresh.site.pages[path] = Answer(raw=head + bytes(150_000))
        reference = f"docker://{HOST}/app:2.0"
        assert fresh.run("fetch", reference) == 5
        span = f"bytes 150000-{len(content) - 1}/{len(content)}"
        asked_before = fresh.site.asked_for().count(path)

        def page(asked: int) -> Answer:
            if asked == asked_before:
                return Answer(content[150_000:], 206, {"Content-Range": span})
            return Answer(content)

        fresh.site.pages[path] = page
        assert fresh.run("fetch", reference) == 0, fresh.err

    def test_too_many_requests(self, fresh: World, registry: RegistrySite) -> None:
        page = fresh.site.pages["/v2/app/manifests/1.0"]
        assert isinstance(page, Answer)
        good = page

        def impatient(asked: int) -> Answer:
            return Answer(status=429, headers={"Retry-After": "0"}) if asked == 0 else good

        fresh.site.pages["/v2/app/manifests/1.0"] = impatient
        assert fresh.run("--retries=2", "fetch", REFERENCE) == 0, fresh.err

    def test_layers_lie_nowhere_but_in_the_registry(
        self, fresh: World, registry: RegistrySite
    ) -> None:
        document = json.loads(IMAGE.raw)
        document["layers"][0]["urls"] = [f"https://{HOST}/elsewhere"]
        document["layers"][0]["mediaType"] = (
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
        )
        raw = json.dumps(document).encode()
        registry.put_manifest("app", "1.0", raw, MANIFEST_TYPE)
        foreign = document["layers"][0]["digest"]
        del fresh.site.pages[f"/v2/app/blobs/{foreign}"]
        fresh.site.pages["/elsewhere"] = IMAGE.blobs[FIRST_LAYER]
        assert fresh.run("--insecure-options=image", "fetch", REFERENCE) == 5
        assert "/elsewhere" not in fresh.site.asked_for()

    def test_the_image_is_no_larger_than_is_allowed(self, fresh: World) -> None:
        assert fresh.run("fetch", "--max-size=100", REFERENCE) == 5
        assert not [path for path in fresh.site.asked_for() if "/blobs/" in path]

    def test_layers_that_unpack_to_something_else(
        self, fresh: World, registry: RegistrySite
    ) -> None:
        layer, other = make_layer({"a": b"b"}), make_layer({"a": b"c"})
        lying = make_image(layer)
        config = make_oci_config([other.diff_id])
        document = json.loads(lying.raw)
        digest = digest_of(config)
        document["config"] |= {"digest": str(digest), "size": len(config)}
        raw = json.dumps(document).encode()
        registry.push("app", "2.0", lying)
        fresh.site.pages[f"/v2/app/blobs/{digest}"] = config
        registry.put_manifest("app", "2.0", raw, MANIFEST_TYPE)
        registry.sign(fresh.key, digest_of(raw), f"{HOST}/app:2.0")
        reference = f"docker://{HOST}/app:2.0"
        assert fresh.run("fetch", "--check-layers", reference) == 7
        assert "layer 1 unpacks to" in fresh.err
        assert stored(fresh) == set()
        assert fresh.run("fetch", reference) == 0, fresh.err
        # And whenever they are unpacked.
        assert fresh.run("image", "render", reference, "tree") == 7, fresh.err
        assert not Path("tree").exists()


class TestPlatforms:
    @pytest.fixture
    def images(self, fresh: World, registry: RegistrySite) -> tuple[MadeImage, MadeImage]:
        amd = make_image({"bin/app": b"amd64"})
        arm = make_image({"bin/app": b"arm64"}, platform=ARM)
        registry.push("app", "2.0", make_index(arm, amd))
        for image in (amd, arm):
            registry.sign(fresh.key, image.descriptor.digest, f"{HOST}/app:2.0")
        return amd, arm

    def test_this_machines_or_another(
        self, fresh: World, images: tuple[MadeImage, MadeImage]
    ) -> None:
        amd, arm = images
        reference = f"docker://{HOST}/app:2.0"
        assert fresh.run("fetch", "--platform=linux/amd64", reference) == 0, fresh.err
        assert fresh.out == short_id(amd)
        assert fresh.run("fetch", "--platform=linux/arm64", reference) == 0, fresh.err
        assert fresh.out == short_id(arm)
        for platform, image in (("linux/amd64", amd), ("linux/arm64", arm)):
            command = ("fetch", "--pull-policy=never", f"--platform={platform}", reference)
            assert fresh.run(*command) == 0, fresh.err
            assert fresh.out == short_id(image)

    def test_all_of_them(self, fresh: World, images: tuple[MadeImage, MadeImage]) -> None:
        amd, arm = images
        assert fresh.run("fetch", "--all-platforms", f"docker://{HOST}/app:2.0") == 0, fresh.err
        assert set(fresh.out.splitlines(keepends=True)) == {short_id(amd), short_id(arm)}

    def test_none_that_fits(self, fresh: World, images: tuple[MadeImage, MadeImage]) -> None:
        assert fresh.run("fetch", "--platform=linux/s390x", f"docker://{HOST}/app:2.0") == 7
        assert "it has linux/arm64, linux/amd64" in fresh.err

    def test_an_image_of_another_platform_without_an_index(
        self, fresh: World, registry: RegistrySite
    ) -> None:
        assert fresh.run("fetch", "--platform=linux/arm64", REFERENCE) == 7
        assert "it has linux/amd64" in fresh.err

    def test_a_signature_of_the_index_is_as_good(
        self, fresh: World, registry: RegistrySite
    ) -> None:
        image = make_image({"bin/app": b"3"})
        index = make_index(image)
        registry.push("app", "3.0", index)
        registry.sign(fresh.key, index.descriptor.digest, f"{HOST}/app:3.0")
        assert fresh.run("fetch", f"docker://{HOST}/app:3.0") == 0, fresh.err
        assert fresh.run("fetch", "--pull-policy=never", f"docker://{HOST}/app:3.0") == 0, fresh.err

    def test_an_index_vouches_for_what_it_names_alone(
        self, fresh: World, registry: RegistrySite
    ) -> None:
        index = make_index(make_image({"bin/app": b"3"}))
        other = make_image({"bin/app": b"other"})
        registry.push("app", "3.0", other)
        registry.sign(fresh.key, index.descriptor.digest, f"{HOST}/app:3.0")
        message = sign_message(fresh.key, payload(index.descriptor.digest, f"{HOST}/app:3.0"))
        registry.put_signature(message, other.descriptor.digest)
        assert fresh.run("fetch", f"docker://{HOST}/app:3.0") == 6

    def test_indexes_without_end(self, fresh: World, registry: RegistrySite) -> None:
        nested = make_index(make_image({"a": b"b"}))
        for _ in range(6):
            nested = make_index(
                MadeImage(nested.descriptor, nested.blobs, OciPlatform("linux", "amd64"))
            )
        registry.push("app", "4.0", nested)
        assert fresh.run("--insecure-options=image", "fetch", f"docker://{HOST}/app:4.0") == 7

    def test_an_artifact(self, fresh: World, registry: RegistrySite) -> None:
        artifact = make_artifact(b"some text")
        registry.push("app", "5.0", artifact)
        registry.sign(fresh.key, artifact.descriptor.digest, f"{HOST}/app:5.0")
        assert fresh.run("fetch", f"docker://{HOST}/app:5.0") == 0, fresh.err
        assert fresh.out == short_id(artifact)


class TestAuthentication:
    def protect(
        self, world: World, *, realm: str = f"https://{HOST}/token", scheme: str = "Bearer"
    ) -> None:
        """Have every request answered with a challenge unless it brings the newest token."""
        challenge = f'{scheme} realm="{realm}",service="registry",scope="repository:app:pull"'
        handed_out: list[str] = []

        def token(asked: int) -> Answer:
            handed_out.append(f"t{asked}")
            return Answer(json.dumps({"token": handed_out[-1]}).encode())

        def guarded(page: Page) -> Callable[[int], Answer]:
            def answer(asked: int) -> Answer:
                sent = world.site.requests[-1][1].get("authorization", "")
                if not handed_out or sent != f"Bearer {handed_out[-1]}":
                    return Answer(status=401, headers={"WWW-Authenticate": challenge})
                found = page(asked) if callable(page) else page
                return Answer(found) if isinstance(found, bytes) else found

            return answer

        world.site.pages["/token"] = token
        for path, page in list(world.site.pages.items()):
            if path.startswith("/v2/"):
                world.site.pages[path] = guarded(page)

    def test_a_token_is_fetched(self, fresh: World) -> None:
        self.protect(fresh)
        assert fresh.run("fetch", REFERENCE) == 0, fresh.err
        assert fresh.site.asked_for().count("/token") == 1

    def test_a_token_that_expires_in_mid_pull(self, fresh: World) -> None:
        self.protect(fresh)
        config = f"/v2/app/blobs/{CONFIG}"
        guarded = fresh.site.pages[config]
        assert callable(guarded)

        def expired(asked: int) -> Answer:
            if asked == 0:
                challenge = f'Bearer realm="https://{HOST}/token",service="registry"'
                return Answer(status=401, headers={"WWW-Authenticate": challenge})
            return guarded(asked)

        fresh.site.pages[config] = expired
        assert fresh.run("fetch", REFERENCE) == 0, fresh.err
        assert fresh.site.asked_for().count("/token") >= 2

    @pytest.mark.parametrize(
        "realm",
        [
            f"http://{HOST}/token",
            "https://user:pass@example.com/token",
            "ftp://x/",
            "https://127.0.0.1:1/t",
        ],
    )
    def test_a_realm_that_is_not_asked(self, fresh: World, realm: str) -> None:
        self.protect(fresh, realm=realm)
        assert fresh.run("fetch", REFERENCE) == 5
        assert "/token" not in fresh.site.asked_for()

    def test_a_realm_that_nobody_can_use(self, fresh: World) -> None:
        self.protect(fresh, scheme="Negotiate")
        assert fresh.run("fetch", REFERENCE) == 5
        assert "does not let this request in" in fresh.err

    def test_credentials_go_to_the_registry_alone(
        self, fresh: World, authority: trustme.CA
    ) -> None:
        """A blob that lies at another host is fetched from there as anybody would."""
        elsewhere = Site({"/data": IMAGE.blobs[CONFIG]})
        self.protect(fresh)
        path = f"/v2/app/blobs/{CONFIG}"
        moved = Answer(status=307, headers={"Location": "https://cdn.example.net/data"})
        fresh.site.pages[path] = moved
        with serving(elsewhere, authority, "cdn.example.net") as port:
            rules = (
                f"--connect-to={HOST}:443:127.0.0.1:{fresh.port}",
                f"--connect-to=cdn.example.net:443:127.0.0.1:{port}",
            )
            assert fresh.run(*rules, "fetch", REFERENCE) == 0, fresh.err
        (asked,) = elsewhere.requests
        assert "authorization" not in asked[1]


class TestOlderSignatures:
    """Threat 24: an image that was signed earlier than what the tag named before is reported."""

    NEWER = make_image({"bin/app": b"newer"})

    @pytest.fixture
    def back(self, fresh: World, registry: RegistrySite) -> World:
        """The newer image was fetched, and the old one is back in its place."""
        registry.push("app", "1.0", self.NEWER)
        later = datetime.now(UTC) + timedelta(seconds=30)
        registry.sign(fresh.key, self.NEWER.descriptor.digest, f"{HOST}/app:1.0", created=later)
        assert fresh.run("fetch", REFERENCE) == 0, fresh.err
        assert "earlier than" not in fresh.err
        registry.push("app", "1.0", IMAGE)
        return fresh

    @pytest.mark.parametrize("quiet", [(), ("--quiet",)])
    def test_on_stderr_and_in_the_result(self, back: World, quiet: tuple[str, ...]) -> None:
        newer = f"sha256-{self.NEWER.descriptor.digest.hex}"
        assert back.run(*quiet, "fetch", "--json", REFERENCE) == 0, back.err
        assert f"warning: docker://{HOST}/app:1.0 was signed 20" in back.err
        assert f"earlier than what it named before ({newer[:39]}, signed 20" in back.err
        document = json.loads(back.out)
        assert document["id"] == f"sha256-{IMAGE.descriptor.digest.hex}"
        assert document["older_signature"]["id_before"] == newer
        assert document["older_signature"]["signed"] == document["signers"][0]["signed"]
        assert document["older_signature"]["signed_before"] > document["signers"][0]["signed"]
        # That is what it names now.
        assert back.run("fetch", "--json", REFERENCE) == 0
        assert "older_signature" not in json.loads(back.out)

    def test_by_verify(self, back: World) -> None:
        for _ in range(2):
            assert back.run("verify", REFERENCE) == 0
            assert "earlier than what it named before" in back.err

    def test_in_another_form(self, back: World) -> None:
        assert back.run("fetch", "--format=aci", REFERENCE) == 0
        assert "earlier than what it named before" in back.err

    def test_not_of_another_name_or_a_digest(self, back: World, registry: RegistrySite) -> None:
        registry.push("app", "2.0", IMAGE)
        registry.sign(back.key, IMAGE.descriptor.digest, f"{HOST}/app:2.0")
        assert back.run("fetch", f"docker://{HOST}/app:2.0") == 0, back.err
        assert "earlier than" not in back.err
        registry.sign(back.key, IMAGE.descriptor.digest, f"{HOST}/app:1.0")
        assert back.run("fetch", f"docker://{HOST}/app@{IMAGE.descriptor.digest}") == 0, back.err
        assert "earlier than" not in back.err

    def test_not_where_nobody_is_proven(self, back: World) -> None:
        assert back.run("--insecure-options=image", "fetch", REFERENCE) == 0
        assert "earlier than" not in back.err


class TestOtherCommands:
    def test_verify_prints_what_to_pin(self, fresh: World, registry: RegistrySite) -> None:
        assert fresh.run("verify", REFERENCE) == 0, fresh.err
        assert fresh.out == f"{HOST}/app@{IMAGE.descriptor.digest}\n"
        assert registry.asked_for("blobs") == [str(CONFIG)]
        assert stored(fresh) == set()
        assert fresh.run("verify", "--json", REFERENCE) == 0
        document = json.loads(fresh.out)
        assert document["pinned"] == f"{HOST}/app@{IMAGE.descriptor.digest}"
        assert document["decided_by"]["policy"] == "keystore"

    def test_verify_fails_as_fetch_does(self, fresh: World, registry: RegistrySite) -> None:
        registry.push("app", "2.0", make_image({"a": b"b"}))
        assert fresh.run("verify", f"docker://{HOST}/app:2.0") == 6
        assert fresh.out == ""

    def test_inspect(self, fresh: World, registry: RegistrySite) -> None:
        assert fresh.run("inspect", REFERENCE) == 0, fresh.err
        document = json.loads(fresh.out)
        assert document["digest"] == str(IMAGE.descriptor.digest)
        assert [each["digest"] for each in document["layers"]] == [
            each["digest"] for each in json.loads(IMAGE.raw)["layers"]
        ]
        assert document["verified"] is True
        assert document["config"]["content"]["architecture"] == "amd64"
        assert len(document["signatures"]) == 1
        assert registry.asked_for("blobs") == [str(CONFIG)]
        assert stored(fresh) == set()

    def test_inspect_shows_what_nobody_vouches_for_and_says_so(
        self, fresh: World, registry: RegistrySite
    ) -> None:
        registry.push("app", "2.0", image := make_image({"a": b"b"}))
        assert fresh.run("inspect", f"docker://{HOST}/app:2.0") == 0, fresh.err
        document = json.loads(fresh.out)
        assert document["verified"] is False
        assert document["refused"]["kind"] == "requirement-unmet"
        assert "nobody vouches" in fresh.err
        assert fresh.run("inspect", "--raw", f"docker://{HOST}/app:2.0") == 0
        assert fresh.out == image.raw.decode()

    def test_tags_in_pages(self, fresh: World) -> None:
        more = {"Link": f'<https://{HOST}/v2/app/tags/list?last=b&n=2>; rel="next"'}
        pages = [
            Answer(json.dumps({"name": "app", "tags": ["a", "b"]}).encode(), headers=more),
            Answer(json.dumps({"name": "app", "tags": ["c"]}).encode()),
        ]
        fresh.site.pages["/v2/app/tags/list"] = lambda asked: pages[asked]
        assert fresh.run("tags", f"docker://{HOST}/app") == 0, fresh.err
        assert fresh.out.split() == ["a", "b", "c"]

    @pytest.mark.parametrize(
        "link",
        ["https://example.org/v2/app/tags/list", "http://example.com/v2/app/tags/list", "/admin"],
    )
    def test_tags_lead_nowhere_else(self, fresh: World, link: str) -> None:
        page = Answer(b'{"tags": ["a"]}', headers={"Link": f'<{link}>; rel="next"'})
        fresh.site.pages["/v2/app/tags/list"] = page
        assert fresh.run("tags", f"docker://{HOST}/app") == 5
        assert fresh.site.asked_for() == ["/v2/app/tags/list"]

    def test_what_is_no_tag_is_not_shown(self, fresh: World) -> None:
        fresh.site.pages["/v2/app/tags/list"] = b'{"tags": ["\\u001b[2J"]}'
        assert fresh.run("tags", f"docker://{HOST}/app") == 7
        assert "\x1b" not in fresh.err

    def test_explain(self, fresh: World) -> None:
        assert fresh.run("explain", REFERENCE) == 0, fresh.err
        assert "policy: keystore" in fresh.out
        assert f"{HOST}/app" in fresh.out
        assert fresh.site.asked_for() == []

    def test_they_are_for_registry_images(self, fresh: World) -> None:
        for command in ("inspect", "verify", "explain", "tags"):
            assert fresh.run(command, f"{HOST}/app:1.0") == 3
            assert "docker://" in fresh.err


class TestPolicies:
    def write(self, world: World, **policy: object) -> str:
        path = world.home / "policy.json"
        path.write_text(json.dumps(policy))
        return f"--policy={path}"

    def test_one_that_rejects(self, fresh: World) -> None:
        option = self.write(fresh, default=[{"type": "reject"}])
        assert fresh.run(option, "fetch", REFERENCE) == 6
        assert "rejects" in fresh.err
        assert fresh.site.asked_for() == []

    def test_one_that_accepts_anything(self, fresh: World, registry: RegistrySite) -> None:
        option = self.write(fresh, default=[{"type": "insecureAcceptAnything"}])
        registry.push("other", "1", other := make_image({"a": b"b"}))
        reference = f"docker://{HOST}/other:1"
        assert fresh.run(option, "fetch", "--json", reference) == 0, fresh.err
        document = json.loads(fresh.out)
        assert document["verified"] is False
        assert "accepts anything" in document["reason"]
        # It is served under that policy, and under no stricter one.
        assert fresh.run(option, "fetch", "--pull-policy=never", reference) == 0, fresh.err
        assert fresh.out == short_id(other)
        assert fresh.run("fetch", "--pull-policy=never", reference) == 6
        # What proves nothing verifies nothing.
        assert fresh.run(option, "verify", reference) == 6

    def test_one_that_demands_a_key(self, fresh: World) -> None:
        key = fresh.home / "maker.asc"
        key.write_text(str(fresh.key.pubkey))
        signed = {"type": "signedBy", "keyType": "GPGKeys", "keyPath": str(key)}
        option = self.write(
            fresh, default=[{"type": "reject"}], transports={"docker": {f"{HOST}/app": [signed]}}
        )
        assert fresh.run(option, "fetch", "--json", REFERENCE) == 0, fresh.err
        decided = json.loads(fresh.out)["decided_by"]
        assert decided["policy"] == str(fresh.home / "policy.json")
        assert f"{HOST}/app" in decided["scope"]
        assert fresh.run(option, "explain", REFERENCE) == 0
        assert str(key) in fresh.out

    def test_one_in_the_users_folder_counts(self, fresh: World) -> None:
        (fresh.home / "config").mkdir(exist_ok=True)
        (fresh.home / "config/policy.json").write_text('{"default": [{"type": "reject"}]}')
        assert fresh.run("fetch", REFERENCE) == 6
        assert "rejects" in fresh.err

    @pytest.mark.parametrize(
        "content", ["{", "{}", '{"default": []}', '{"default": [{"type": "x"}]}']
    )
    def test_one_that_is_broken(self, fresh: World, content: str) -> None:
        path = fresh.home / "policy.json"
        path.write_text(content)
        assert fresh.run(f"--policy={path}", "fetch", REFERENCE) == 9
        assert fresh.run("--policy=nowhere", "fetch", REFERENCE) == 9
        assert fresh.site.asked_for() == []


class TestOtherForms:
    def test_an_appc_name_means_no_registry_image(self, fresh: World) -> None:
        """Other rules prove archives: what a docker reference brought is none of that name."""
        assert fresh.run("fetch", REFERENCE) == 0, fresh.err
        assert fresh.run("fetch", "--pull-policy=never", f"{HOST}/app") == 8
        assert fresh.run("fetch", "--pull-policy=never", f"{HOST}/app:1.0") == 8

    def test_as_an_archive(self, fresh: World) -> None:
        assert fresh.run("fetch", "--format=aci", "--full", REFERENCE) == 0, fresh.err
        first = fresh.out
        assert first.startswith("sha512-")
        assert "signature verified" in fresh.err
        assert fresh.run("image", "rm", first.strip()) == 0, fresh.err
        assert fresh.run("fetch", "--format=aci", "--full", REFERENCE) == 0, fresh.err
        assert fresh.out == first
        assert fresh.run("image", "manifest", first.strip()) == 0
        assert json.loads(fresh.out)["name"] == f"{HOST}/app"
        assert fresh.run("image", "render", first.strip(), "tree") == 0, fresh.err
        assert Path("tree/rootfs/bin/app").read_bytes() == b"#!/bin/sh\n" * 9

    def test_rendered_and_exported(self, fresh: World) -> None:
        assert fresh.run("fetch", REFERENCE) == 0, fresh.err
        assert fresh.run("image", "render", "--rootfs-only", REFERENCE, "tree") == 0, fresh.err
        assert Path("tree/bin/app").read_bytes() == b"#!/bin/sh\n" * 9
        assert Path("tree/etc/app").read_bytes() == b"setting"
        assert fresh.run("image", "export", "--format=oci", REFERENCE, "layout") == 0, fresh.err
        blobs = {path.name for path in Path("layout/blobs/sha256").iterdir()}
        assert blobs == {digest.hex for digest in IMAGE.blobs}
        assert fresh.run("image", "export", "--format=aci", REFERENCE, "app.aci") == 0, fresh.err
        exported = Path("app.aci").read_bytes()
        assert fresh.run("fetch", "--format=aci", "--full", REFERENCE) == 0, fresh.err
        assert fresh.out.strip() == f"sha512-{hashlib.sha512(exported).hexdigest()}"

    def test_a_layout_in_a_folder(self, fresh: World) -> None:
        assert fresh.run("fetch", REFERENCE) == 0, fresh.err
        assert fresh.run("image", "export", "--format=oci", REFERENCE, "layout") == 0, fresh.err
        assert fresh.run("image", "rm", REFERENCE) == 0, fresh.err
        assert fresh.run("fetch", "oci:layout") == 6
        assert fresh.run("--insecure-options=image", "fetch", "oci:layout") == 0, fresh.err
        assert fresh.out == short_id(IMAGE)
