"""Traces, by the real SDK, of real fetches."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.semconv import schemas
from opentelemetry.semconv._incubating.attributes import container_attributes, oci_attributes
from opentelemetry.semconv._incubating.attributes import http_attributes as more_http_attributes
from opentelemetry.semconv.attributes import (
    error_attributes,
    http_attributes,
    server_attributes,
    url_attributes,
)
from opentelemetry.trace import SpanKind, StatusCode
from returns.pipeline import is_successful

from pipeline.adapters import otel
from pipeline.adapters.otel import SCHEMA, TracingObserver
from pipeline.events import Observers, RequestEnded, StageEnded
from pipeline.names import this_platform
from pipeline.oci.platforms import oci_platform
from pipeline.testing.fakes import EventLog
from pipeline.testing.oci import make_image as make_oci_image
from pipeline.testing.oci import make_layer
from tests.support.registry_site import RegistrySite, use_lookaside
from tests.support.tracing import Traces, fetch
from tests.support.world import (
    HOST,
    IMAGE_PATH,
    LABELS,
    PAGE,
    REFERENCE,
    Answer,
    World,
    make_image,
)

SIX = ["discover", "download", "verify", "extract", "store"]


@pytest.fixture
def traces() -> Traces:
    return Traces()


@pytest.fixture
def published(world: World) -> World:
    world.trust()
    world.publish()
    return world


def names(spans: list[ReadableSpan]) -> list[str]:
    return [each.name for each in spans]


def attributes_of(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


class TestFetch:
    """A span a stage, within that of the fetch; a span a request, within that of its stage."""

    def test_the_tree(self, published: World, traces: Traces) -> None:
        stored = fetch(published, traces.observer(), REFERENCE).unwrap()
        [root] = [each for each in traces.spans if each.parent is None]
        assert root.name == "find"
        assert names(traces.below(root)) == ["parse", "fetch"]
        [one] = traces.named("fetch")
        assert names(traces.below(one)) == SIX
        download, discover = traces.named("download")[0], traces.named("discover")[0]
        asked = [f"https://{HOST}{path}" for path in (f"{IMAGE_PATH}.asc", IMAGE_PATH)]
        assert [attributes_of(each)["url.full"] for each in traces.below(download)] == asked
        [page] = traces.below(discover)
        assert attributes_of(page) == {
            "http.request.method": "GET",
            "url.full": f"https://{HOST}/app?ac-discovery=…",
            "server.address": HOST,
            "server.port": 443,
            "http.response.status_code": 200,
            "http.response.body.size": len(PAGE.encode()),
        }
        assert (page.name, page.kind) == ("GET", SpanKind.CLIENT)
        assert root.kind == SpanKind.INTERNAL
        assert len({each.context.trace_id for each in traces.spans if each.context}) == 1
        assert {each.status.status_code for each in traces.spans} == {StatusCode.UNSET}
        for span in (root, one, traces.named("store")[0]):
            said = attributes_of(span)
            assert said["container.image.id"] == stored.image_id.image_id
            assert said["image_pipeline.image.size"] == stored.archive_bytes
            assert "oci.manifest.digest" not in said
        assert attributes_of(root)["image_pipeline.subject"] == REFERENCE

    def test_children_lie_within(self, published: World, traces: Traces) -> None:
        fetch(published, traces.observer(), REFERENCE).unwrap()
        for span in traces.spans:
            parent = traces.parent_of(span)
            if parent is not None:
                assert (parent.start_time or 0) <= (span.start_time or 0)
                assert (span.end_time or 0) <= (parent.end_time or 0)

    def test_what_is_decided_and_kept(self, published: World, traces: Traces) -> None:
        stored = fetch(published, traces.observer(), REFERENCE).unwrap()
        [judged] = traces.named("verify")[0].events
        assert judged.name == "judged"
        said = dict(judged.attributes or {})
        assert said["image_pipeline.policy"] == "keystore"
        fingerprint = str(published.key.fingerprint).replace(" ", "").lower()
        assert said["image_pipeline.signers"] == (fingerprint,)
        [committed] = traces.named("store")[0].events
        assert dict(committed.attributes or {}) == {
            "container.image.name": f"{HOST}/app",
            "container.image.id": stored.image_id.image_id,
            "image_pipeline.outcome": "new",
        }

    def test_a_cache_hit(self, published: World, traces: Traces) -> None:
        page = published.site.pages[IMAGE_PATH]
        assert isinstance(page, bytes)
        fresh = Answer(page, headers={"Cache-Control": "max-age=600"})
        published.site.pages[IMAGE_PATH] = fresh
        fetch(published, traces.observer(), REFERENCE).unwrap()
        again = Traces()
        fetch(published, again.observer(), REFERENCE).unwrap()
        [one] = again.named("fetch")
        assert [(each.name, dict(each.attributes or {})) for each in one.events] == [
            (
                "cache-hit",
                {
                    "image_pipeline.cache": "fresh",
                    "image_pipeline.subject": f"https://{HOST}{IMAGE_PATH}",
                },
            )
        ]
        assert names(again.below(one)) == ["discover"]

    def test_the_programs_own_span_is_the_parent(self, published: World, traces: Traces) -> None:
        tracer = traces.provider.get_tracer("a program")
        with tracer.start_as_current_span("its work"):
            fetch(published, traces.observer(), REFERENCE).unwrap()
        [work] = traces.named("its work")
        assert names(traces.below(work)) == ["find"]

    def test_without_an_sdk_nothing_is_kept(self, published: World) -> None:
        assert is_successful(fetch(published, TracingObserver(), REFERENCE))

    def test_nothing_stays_open(self, published: World, traces: Traces) -> None:
        observer = traces.observer()
        fetch(published, observer, REFERENCE).unwrap()
        published.site.pages.clear()
        fetch(published, observer, "example.com/other").failure()
        assert observer._open == {}

    def test_an_end_without_a_beginning(self, traces: Traces) -> None:
        """As of who begins to watch in the middle."""
        observer = traces.observer()
        observer.on_event(StageEnded("verify", "x", 1.0, "bad-signature", span=7))
        assert traces.spans == []


class TestFailures:
    """The error's kind, on the span of whatever failed and on those around it."""

    def test_a_bad_signature(self, published: World, traces: Traces) -> None:
        published.site.pages[IMAGE_PATH] = make_image(content=b"tampered")
        error = fetch(published, traces.observer(), REFERENCE).failure()
        failed = [each for each in traces.spans if each.status.status_code == StatusCode.ERROR]
        assert names(failed) == ["find", "fetch", "verify"]
        assert {attributes_of(each)["error.type"] for each in failed} == {error.kind}
        assert {each.status.description for each in failed} == {None}
        [judged] = traces.named("verify")[0].events
        assert (judged.attributes or {})["error.type"] == "bad-signature"

    def test_a_server_that_refuses(self, published: World, traces: Traces) -> None:
        published.site.pages[IMAGE_PATH] = Answer(status=404)
        fetch(published, traces.observer(), REFERENCE).failure()
        [request] = [each for each in traces.named("GET") if "error.type" in attributes_of(each)]
        said = attributes_of(request)
        assert (said["http.response.status_code"], said["error.type"]) == (404, "http-status")
        assert request.status.status_code == StatusCode.ERROR

    def test_no_answer_has_no_status(self, published: World, traces: Traces) -> None:
        published.site.pages[IMAGE_PATH] = Answer(raw=b"")
        fetch(published, traces.observer(), REFERENCE).failure()
        # The first of them over a connection that was kept, which might have been closed before.
        failed = [each for each in traces.named("GET") if "error.type" in attributes_of(each)]
        assert len(failed) == 2
        for request in failed:
            assert "http.response.status_code" not in attributes_of(request)

    def test_retries(self, published: World, traces: Traces) -> None:
        image = published.site.pages[IMAGE_PATH]
        assert isinstance(image, bytes)
        busy = Answer(status=503, headers={"Retry-After": "0"})
        published.site.pages[IMAGE_PATH] = lambda asked: Answer(image) if asked else busy
        fetch(published, traces.observer(), REFERENCE, retries=1).unwrap()
        [download] = traces.named("download")
        assert [each.name for each in download.events] == ["retry"]
        assert [
            (
                attributes_of(each).get("http.request.resend_count"),
                attributes_of(each)["http.response.status_code"],
            )
            for each in traces.below(download)
        ] == [(None, 200), (None, 503), (1, 200)]

    def test_redirects(self, published: World, traces: Traces) -> None:
        image = published.site.pages[IMAGE_PATH]
        there = "/elsewhere.aci?signature=c4nary"
        published.site.pages |= {
            IMAGE_PATH: Answer(status=302, headers={"Location": there}),
            "/elsewhere.aci": image,
        }
        fetch(published, traces.observer(), REFERENCE).unwrap()
        [_, first, second] = traces.below(traces.named("download")[0])
        assert first.status.status_code == StatusCode.UNSET
        assert attributes_of(first)["image_pipeline.redirected_to"] == (
            "/elsewhere.aci?signature=…"
        )
        assert attributes_of(second)["http.request.resend_count"] == 1
        assert attributes_of(second)["url.full"] == f"https://{HOST}/elsewhere.aci?signature=…"


class TestThreads:
    """What is done in other threads is where it belongs."""

    def test_dependencies(self, published: World, traces: Traces) -> None:
        labels = [{"name": name, "value": value} for name, value in LABELS.items()]
        wanted = [f"{HOST}/app/{name}" for name in ("a", "b", "c")]
        for name in wanted:
            path = f"/images/{name}-1.2.0-linux-amd64.aci"
            published.publish(make_image(name), path)
            published.site.pages[name.removeprefix(HOST)] = published.site.pages["/app"]
        entries = tuple({"imageName": name, "labels": labels} for name in wanted)
        published.publish(make_image(dependencies=entries))
        fetch(published, traces.observer(), REFERENCE).unwrap()
        [root] = traces.named("find")
        assert names(traces.below(root)) == ["parse", *["fetch"] * 4]
        fetched = [attributes_of(each)["image_pipeline.subject"] for each in traces.named("fetch")]
        assert set(fetched) == {
            f"{name}:1.2.0,arch=amd64,os=linux" for name in (f"{HOST}/app", *wanted)
        }
        for one in traces.named("fetch"):
            assert names(traces.below(one)) == SIX
            name = str(attributes_of(one)["image_pipeline.subject"]).partition(":")[0]
            for stage in traces.below(one):
                for request in traces.below(stage):
                    path = str(attributes_of(request)["url.full"]).removeprefix("https://")
                    assert path.startswith((f"{name}?", f"{HOST}/images/{name}-", f"{HOST}/app?"))

    def test_layers(self, world: World, traces: Traces) -> None:
        layers = [make_layer({f"file-{n}": b"%d" % n}) for n in range(4)]
        image = make_oci_image(*layers, platform=oci_platform(this_platform()))
        registry = RegistrySite(world.site)
        registry.push("app", "1.2.0", image)
        registry.sign(world.key, image.descriptor.digest, f"{HOST}/app:1.2.0")
        use_lookaside(world.home)
        world.trust()
        stored = fetch(world, traces.observer(), f"docker://{HOST}/app:1.2.0").unwrap()
        [download] = traces.named("download")
        blobs = [each for each in traces.below(download) if "/blobs/" in str(attributes_of(each))]
        assert len(blobs) == len(layers) + 1
        [root] = traces.named("find")
        assert attributes_of(root)["oci.manifest.digest"] == str(image.descriptor.digest)
        assert attributes_of(root)["container.image.id"] == stored.image_id.image_id

    def test_a_pool_of_the_programs_own(self, published: World, traces: Traces) -> None:
        """Each fetch is a trace of its own, or in whatever context its thread runs."""
        observer = traces.observer()
        with ThreadPoolExecutor(3) as pool:
            alone = pool.submit(fetch, published, observer, REFERENCE)
            assert is_successful(alone.result())
            with traces.provider.get_tracer("a program").start_as_current_span("its work"):
                context = copy_context()
            joined = pool.submit(context.run, fetch, published, observer, REFERENCE)
            assert is_successful(joined.result())
        first, second = traces.named("find")
        assert first.parent is None
        [work] = traces.named("its work")
        assert traces.below(work) == [second]


def test_nothing_of_the_trace_is_sent(published: World, traces: Traces) -> None:
    """Not even of one that is going on."""
    with traces.provider.get_tracer("a program").start_as_current_span("its work") as span:
        fetch(published, traces.observer(), REFERENCE).unwrap()
    identifier = trace.format_trace_id(span.get_span_context().trace_id)
    assert published.site.requests
    for _, headers in published.site.requests:
        assert {"traceparent", "tracestate", "baggage", "b3"}.isdisjoint(headers)
        assert identifier not in str(headers)


def test_names_are_those_of_the_conventions() -> None:
    """Whatever is not under our own name is in the SDK's table, of the version that is pinned."""
    modules = (
        container_attributes,
        error_attributes,
        http_attributes,
        more_http_attributes,
        oci_attributes,
        server_attributes,
        url_attributes,
    )
    known = {value for module in modules for value in vars(module).values() if type(value) is str}
    source = Path(str(otel.__file__)).read_text()
    used = set(re.findall(r'"((?!image_pipeline)[a-z_]+(?:\.[a-z_]+)+)"', source))
    assert len(used) >= 11
    assert used <= known
    assert SCHEMA in {each.value for each in schemas.Schemas}
    assert f"v{SCHEMA.rpartition('/')[2]}" in str(otel.__doc__)


def test_it_is_told_as_everybody_is(published: World, traces: Traces) -> None:
    """Spans and events are as many, and of the same kinds."""
    log = EventLog()
    fetch(published, Observers((log, traces.observer())), REFERENCE).unwrap()
    ended = [each for each in log.events if isinstance(each, StageEnded | RequestEnded)]
    assert len(traces.spans) == len(ended)
