"""Traces of fetches, kept in memory by the real SDK, and a program that fetches in a world."""

from dataclasses import dataclass, field

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from returns.result import Result

from pipeline.adapters import parse_connect_to
from pipeline.adapters.otel import TracingObserver
from pipeline.errors import PipelineError
from pipeline.events import Observer
from pipeline.recipes.settings import Settings
from pipeline.recipes.toolkit import Toolkit
from pipeline.results import Stored
from tests.support.world import HOST, World


@dataclass(slots=True)
class Traces:
    """What was exported."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    provider: TracerProvider = field(default_factory=TracerProvider)

    def __post_init__(self) -> None:
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    def observer(self) -> TracingObserver:
        return TracingObserver(self.provider)

    @property
    def spans(self) -> list[ReadableSpan]:
        """Every span that ended, in the order of their beginnings."""
        return sorted(self.exporter.get_finished_spans(), key=lambda each: each.start_time or 0)

    def named(self, name: str) -> list[ReadableSpan]:
        return [each for each in self.spans if each.name == name]

    def text(self) -> str:
        """All that an exporter gets."""
        return "\n".join(each.to_json() for each in self.spans)

    def parent_of(self, span: ReadableSpan) -> ReadableSpan | None:
        number = None if span.parent is None else span.parent.span_id
        found = [each for each in self.spans if _number(each) == number]
        return found[0] if found else None

    def below(self, span: ReadableSpan) -> list[ReadableSpan]:
        """The span's children."""
        return [
            each
            for each in self.spans
            if each.parent is not None and each.parent.span_id == _number(span)
        ]


def _number(span: ReadableSpan) -> int:
    context = span.get_span_context()
    assert context is not None
    return context.span_id


def fetch(
    world: World, observer: Observer, reference: str, *, retries: int = 0
) -> Result[Stored, PipelineError]:
    """Fetch as a program does that has set what the command has in the test's world."""
    settings = Settings(
        store=world.home / "store",
        config=world.home / "config",
        system_config=world.home / "system",
        ca_file=str(world.home / "ca.pem"),
        connect_to=(parse_connect_to(f"{HOST}:443:127.0.0.1:{world.port}").unwrap(),),
        retries=retries,
        netrc=netrc if (netrc := world.home / ".netrc").exists() else None,
        environment={"HOME": str(world.home)},
    )
    with Toolkit(settings, observer=observer) as opened:
        return opened.finder().unwrap().find_image(reference)
