"""HTTP as a :class:`~pipeline.ports.Transport`; the only package that imports httpx.

    Request, Sink -> Result[Response, TransportError | StoreError]

``settings``: what a user may set. ``urls``: which URLs are asked at all. ``network``: sockets,
deadlines and large reads below httpcore. ``caching``: Cache-Control. ``failures``: foreign
exceptions as errors. ``transport``: the requests themselves.

httpx takes requests and gives answers; below it, ``pool`` hands it connections of httpcore's whose
network is ours, by the public interfaces of both.
"""

from typing import TYPE_CHECKING

from pipeline.lazy import lazy_attributes

if TYPE_CHECKING:
    from pipeline.adapters.http.settings import ConnectTo as ConnectTo
    from pipeline.adapters.http.settings import HttpSettings as HttpSettings
    from pipeline.adapters.http.settings import parse_connect_to as parse_connect_to
    from pipeline.adapters.http.transport import HttpTransport as HttpTransport
else:
    # Settings are read by runs that never make a request, and must not wait for the HTTP stack.
    __getattr__ = lazy_attributes(
        __name__,
        {
            "pipeline.adapters.http.settings": ("ConnectTo", "HttpSettings", "parse_connect_to"),
            "pipeline.adapters.http.transport": ("HttpTransport",),
        },
    )

__all__ = ["ConnectTo", "HttpSettings", "HttpTransport", "parse_connect_to"]
