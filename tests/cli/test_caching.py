"""When a server is asked again: the same rules for names and for URLs, over real connections."""

from collections.abc import Mapping

import pytest

from pipeline.exit_codes import ExitCode
from tests.support.world import HOST, IMAGE_PATH, REFERENCE, Answer, World, make_image, sign

SIGNATURE_PATH = f"{IMAGE_PATH}.asc"
EACH_KIND = pytest.mark.parametrize(
    "reference", [REFERENCE, f"https://{HOST}{IMAGE_PATH}"], ids=["name", "url"]
)


@pytest.fixture
def published(world: World) -> World:
    """A world where the image is published and its maker trusted."""
    world.trust()
    world.publish()
    return world


def publish(world: World, headers: Mapping[str, str], unchanged: Mapping[str, str] = {}) -> None:
    """Publish the image with header fields; a 304 to who knows its validator has ``unchanged``."""
    image = make_image()

    def page(asked: int) -> Answer:
        sent = world.site.requests[-1][1]
        known = sent.get("if-none-match") or sent.get("if-modified-since")
        if known is not None and known in {headers.get("ETag"), headers.get("Last-Modified")}:
            return Answer(status=304, headers=unchanged)
        return Answer(image, headers=headers)

    world.site.pages |= {IMAGE_PATH: page, SIGNATURE_PATH: sign(world.key, image)}


def asked_again(world: World, reference: str, *options: str) -> list[str]:
    """Fetch again, and return what was asked for, discovery left out."""
    world.site.requests.clear()
    assert world.run("fetch", *options, reference) == 0, world.err
    return [path for path in world.site.asked_for() if path != "/app"]


def conditions(world: World) -> list[str]:
    """Return the conditional fields of the last request for the image."""
    sent = [headers for path, headers in world.site.requests if path == IMAGE_PATH][-1]
    return sorted(name for name in sent if name.startswith("if-"))


@EACH_KIND
class TestEachKind:
    """By name and by URL."""

    def test_within_max_age_nothing_is_asked(self, published: World, reference: str) -> None:
        publish(published, {"Cache-Control": "max-age=3600"})
        assert published.run("fetch", reference) == 0
        first = published.out
        assert asked_again(published, reference) == []
        assert "isn't expired" in published.err
        assert published.out == first

    @pytest.mark.parametrize(
        "control", ["no-store, max-age=3600", "max-age=3600, no-cache", "max-age=0", "public"]
    )
    def test_what_is_not_fresh_is_asked_for(
        self, published: World, reference: str, control: str
    ) -> None:
        publish(published, {"Cache-Control": control})
        assert published.run("fetch", reference) == 0
        assert asked_again(published, reference) == [SIGNATURE_PATH, IMAGE_PATH]
        assert conditions(published) == []

    @pytest.mark.parametrize(
        ("header", "value", "condition"),
        [
            ("ETag", '"1"', "if-none-match"),
            ("ETag", 'W/"1"', "if-none-match"),
            ("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT", "if-modified-since"),
        ],
    )
    def test_a_validator_makes_the_question_conditional(
        self, published: World, reference: str, header: str, value: str, condition: str
    ) -> None:
        publish(published, {header: value})
        assert published.run("fetch", reference) == 0
        first = published.out
        assert asked_again(published, reference, "--json") == [SIGNATURE_PATH, IMAGE_PATH]
        assert conditions(published) == [condition]
        assert '"outcome":"unchanged"' in published.out
        assert first.strip() in published.out

    def test_a_304_makes_it_fresh_again(self, published: World, reference: str) -> None:
        publish(published, {"ETag": '"1"'}, unchanged={"Cache-Control": "max-age=3600"})
        assert published.run("fetch", reference) == 0
        assert asked_again(published, reference) == [SIGNATURE_PATH, IMAGE_PATH]
        assert "has not changed" in published.err
        assert asked_again(published, reference) == []

    @pytest.mark.parametrize("policy", ["new", "update"])
    def test_no_cache_fetches_anew(self, published: World, reference: str, policy: str) -> None:
        publish(published, {"Cache-Control": "max-age=3600", "ETag": '"1"'})
        assert published.run("fetch", reference) == 0
        again = asked_again(published, reference, "--no-cache", f"--pull-policy={policy}")
        assert again == [SIGNATURE_PATH, IMAGE_PATH]
        assert conditions(published) == []

    def test_no_cache_finds_what_is_new(self, published: World, reference: str) -> None:
        publish(published, {"Cache-Control": "max-age=3600"})
        assert published.run("fetch", reference) == 0
        first = published.out
        published.publish(make_image(content=b"newer"))
        assert published.run("fetch", reference) == 0
        assert published.out == first
        assert published.run("fetch", "--no-cache", reference) == 0
        assert published.out != first

    @pytest.mark.parametrize("policy", ["new", "update"])
    def test_an_image_that_was_stored_unverified_is_not_served_to_who_demands_more(
        self, published: World, reference: str, policy: str
    ) -> None:
        publish(published, {"Cache-Control": "max-age=3600", "ETag": '"1"'})
        assert published.run("fetch", "--insecure-options=image", reference) == 0
        assert "is unverified" in published.err
        options = ("--json", f"--pull-policy={policy}")
        assert asked_again(published, reference, *options) == [SIGNATURE_PATH, IMAGE_PATH]
        assert conditions(published) == []
        assert '"verified":true' in published.out
        assert asked_again(published, reference, *options) == []

    def test_an_unverified_image_is_refused_where_nobody_can_be_asked(
        self, published: World, reference: str
    ) -> None:
        publish(published, {"Cache-Control": "max-age=3600"})
        assert published.run("fetch", "--insecure-options=image", reference) == 0
        assert published.run("fetch", "--pull-policy=never", reference) == ExitCode.VERIFICATION


def test_no_cache_with_never_is_a_contradiction(world: World) -> None:
    assert world.run("fetch", "--no-cache", "--pull-policy=never", REFERENCE) == ExitCode.USAGE
    assert "--no-cache goes without --pull-policy=never" in world.err
