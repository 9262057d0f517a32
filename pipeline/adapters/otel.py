"""Traces by OpenTelemetry: an :class:`~pipeline.events.Observer` that makes spans of events.

    Event -> spans of a TracerProvider

A span a stage, within the span of the stage around it (``find``, ``fetch``), and a client's span a
request, within the stage that asks. What is within nothing is a child of the span that is current
where it begins, so that traces of the program around it go on in here. Names and attributes follow
the semantic conventions v1.44.0 (``docs/http/http-spans.md``, ``docs/registry/attributes/``); what
these have no word for is under ``image_pipeline.``. An error's kind is its ``error.type``.

The only import of opentelemetry, whose API alone it needs (``image-pipeline[otel]``): where spans
go, and whether they are kept, is for whoever sets up the SDK to say. Without one, nothing is kept.

Not here: metrics, which a collector makes of spans; sending the trace's context to servers, to whom
it is no concern of theirs; anything that an event does not hold, so no secret.
"""

from importlib.metadata import version
from typing import Final, TypeAlias, final

from opentelemetry import trace

from pipeline.events import (
    CacheHit,
    Committed,
    Event,
    Judged,
    RequestEnded,
    RequestStarted,
    StageEnded,
    StageStarted,
    TransferRetried,
)
from pipeline.results import ACI_TYPE

SCHEMA: Final = "https://opentelemetry.io/schemas/1.44.0"

_Attributes: TypeAlias = dict[str, str | int | float | tuple[str, ...]]


@final
class TracingObserver:
    """Makes spans of what it is told, from any number of threads."""

    def __init__(self, provider: trace.TracerProvider | None = None) -> None:
        """Take spans from ``provider``; None is the one that the program has set."""
        self._tracer = trace.get_tracer(
            "pipeline", version("image-pipeline"), tracer_provider=provider, schema_url=SCHEMA
        )
        # Each key is written and deleted by one thread; a dictionary's single steps are atomic.
        self._open: dict[int, trace.Span] = {}

    def on_event(self, event: Event) -> None:
        """Begin a span, end one, or note something on one."""
        match event:
            case StageStarted():
                attributes: _Attributes = {"image_pipeline.subject": event.subject}
                self._begin(event, event.stage, trace.SpanKind.INTERNAL, attributes)
            case RequestStarted():
                self._begin(event, event.method, trace.SpanKind.CLIENT, _request(event))
            case StageEnded():
                self._end(event, _image(event))
            case RequestEnded():
                self._end(event, _response(event))
            case TransferRetried() | CacheHit() | Judged() | Committed():
                span = self._open.get(event.within, trace.INVALID_SPAN)
                name, attributes = _note(event)
                span.add_event(name, attributes)
            case _:
                pass

    def _begin(
        self,
        event: StageStarted | RequestStarted,
        name: str,
        kind: trace.SpanKind,
        attributes: _Attributes,
    ) -> None:
        around = self._open.get(event.within)
        context = None if around is None else trace.set_span_in_context(around)
        self._open[event.span] = self._tracer.start_span(
            name, context, kind=kind, attributes=attributes
        )

    def _end(self, event: StageEnded | RequestEnded, attributes: _Attributes) -> None:
        span = self._open.pop(event.span, trace.INVALID_SPAN)
        span.set_attributes(attributes)
        if event.error_kind is not None:
            span.set_attribute("error.type", event.error_kind)
            span.set_status(trace.StatusCode.ERROR)
        span.end()


def _request(event: RequestStarted) -> _Attributes:
    attributes: _Attributes = {
        "http.request.method": event.method,
        "url.full": event.url,
        "server.address": event.host,
        "server.port": event.port,
    }
    resent = event.attempt - 1 + event.redirects
    if resent:
        attributes["http.request.resend_count"] = resent
    if event.resumed_at:
        attributes["image_pipeline.resumed_at"] = event.resumed_at
    return attributes


def _response(event: RequestEnded) -> _Attributes:
    attributes: _Attributes = {"http.response.body.size": event.received}
    if event.status is not None:
        attributes["http.response.status_code"] = event.status
    if event.redirected_to is not None:
        attributes["image_pipeline.redirected_to"] = event.redirected_to
    return attributes


def _image(event: StageEnded) -> _Attributes:
    """Return what is known of the image that came of a stage."""
    attributes: _Attributes = {}
    if event.size is not None:
        attributes["image_pipeline.image.size"] = event.size
    if event.media_type is not None:
        attributes["image_pipeline.image.media_type"] = event.media_type
    if event.image_id is not None:
        attributes["container.image.id"] = event.image_id
        if event.media_type != ACI_TYPE:
            # A registry image is known by its manifest's digest, which is spelled with a colon.
            attributes["oci.manifest.digest"] = event.image_id.replace("-", ":", 1)
    return attributes


def _note(event: TransferRetried | CacheHit | Judged | Committed) -> tuple[str, _Attributes]:
    """Return the name and the attributes of a span's event."""
    match event:
        case TransferRetried():
            return "retry", {
                "url.full": event.url,
                "image_pipeline.attempt": event.attempt,
                "image_pipeline.reason": event.reason,
                "image_pipeline.wait": event.wait_seconds,
            }
        case CacheHit():
            return "cache-hit", {
                "image_pipeline.cache": event.kind,
                "image_pipeline.subject": event.subject,
            }
        case Judged(error_kind=str(kind)):
            return "judged", {"image_pipeline.subject": event.subject, "error.type": kind}
        case Judged():
            return "judged", {
                "image_pipeline.subject": event.subject,
                "image_pipeline.policy": event.policy,
                "image_pipeline.requirement": event.requirement,
                "image_pipeline.signers": event.signers,
            }
        case Committed():
            return "committed", {
                "container.image.name": event.name,
                "container.image.id": event.image_id,
                "image_pipeline.outcome": event.outcome,
            }
