"""Discovery at a mirror: another name's pages, or a template; never its keys."""

import pytest
from returns.result import Failure, Success

from pipeline.adapters.appc import AppcDiscovery, MirrorDiscovery
from pipeline.addresses import AddressScope
from pipeline.errors import DiscoveryFailed, InvalidUrl
from pipeline.mirrors import NamePlace, UrlTemplate
from pipeline.names import ImageName, Label, LabelName, Labels
from pipeline.results import Candidate, KeyPlace
from pipeline.testing.fakes import MemoryTransport, Page

NAME = ImageName("example.com/app")
THERE = ImageName("m.example/app")
LABELS = Labels((Label(LabelName("version"), "1/2"),))


def discovery(place: NamePlace, **pages: str) -> tuple[MirrorDiscovery, MemoryTransport]:
    web = MemoryTransport(
        {f"https://{host}?ac-discovery=1": Page(page.encode()) for host, page in pages.items()}
    )
    return MirrorDiscovery(AppcDiscovery(web), place), web


def test_another_names_pages_are_asked_and_its_own_are_not() -> None:
    page = '<meta name="ac-discovery" content="m.example https://m.example/{name}.{ext}">'
    mirror, web = discovery(THERE, **{"m.example/app": page})
    image = "https://m.example/m.example/app.aci"
    wanted = Candidate(image, f"{image}.asc", AddressScope.PUBLIC)
    assert mirror.endpoints(NAME, LABELS) == Success((wanted,))
    assert [request.url for request in web.requests] == ["https://m.example/app?ac-discovery=1"]


def test_a_failure_is_the_names_own() -> None:
    mirror, _ = discovery(THERE)
    error = mirror.endpoints(NAME, LABELS).failure()
    assert error.name == NAME
    assert len(error.attempts) == 2


def test_a_template_is_filled_and_nobody_asked() -> None:
    mirror, web = discovery(UrlTemplate("https://m.example/{name}-{version}.{ext}"))
    image = "https://m.example/example.com/app-1%2F2.aci"
    assert mirror.endpoints(NAME, LABELS) == Success((Candidate(image, f"{image}.asc"),))
    assert web.requests == []


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("https://m.example/{name}-{colour}.{ext}", "it needs a label that was not given"),
        ("https://m.example/../{name}.{ext}", 'its path holds a segment "." or ".."'),
        ("http://m.example/{name}.{ext}", "it is not https"),
    ],
)
def test_a_template_that_gives_no_place(template: str, reason: str) -> None:
    mirror, _ = discovery(UrlTemplate(template))
    fault = InvalidUrl(template, reason)
    assert mirror.endpoints(NAME, LABELS) == Failure(DiscoveryFailed(NAME, "image", (fault,)))


@pytest.mark.parametrize("place", [THERE, UrlTemplate("https://m.example/{name}.{ext}")])
def test_keys_are_what_the_names_own_pages_say(place: NamePlace) -> None:
    page = '<meta name="ac-discovery-pubkeys" content="example.com https://example.com/key">'
    other = page.replace("example.com", "m.example")
    pages = {"example.com/app": page, "m.example/app": other}
    mirror, _ = discovery(place, **pages)
    assert mirror.public_keys(NAME) == Success(
        (KeyPlace("https://example.com/key", AddressScope.PUBLIC),)
    )
