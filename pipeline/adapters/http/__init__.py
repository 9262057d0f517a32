"""HTTP as a :class:`~pipeline.ports.Transport`; the only package that imports httpx.

    Request, Sink -> Result[Response, TransportError | StoreError]

What is asked and what an answer means: ``transport``, with ``urls`` (who is asked at all),
``questions`` (requests), ``answers`` (their heads), ``ranges`` (which parts are taken), ``bodies``
(into the sink), ``rates`` (how slowly, how fast), ``caching`` and ``dates`` (header fields),
``failures`` (foreign exceptions as errors).

How it gets there: ``settings`` and ``proxies`` (what a user may set), ``pool`` (which connection),
``network`` and ``resolving`` (to which address, until when), ``streams`` (large reads), ``tls``,
``nested_tls`` and ``tunnels`` (through proxies), ``refusals``.

httpx takes requests and gives answers; below it, ``pool`` hands it connections of httpcore's whose
network is ours, by the public interfaces of both.
"""

from typing import TYPE_CHECKING

from pipeline.lazy import lazy_attributes

if TYPE_CHECKING:
    from pipeline.adapters.http.settings import ConnectTo as ConnectTo
    from pipeline.adapters.http.settings import HttpSettings as HttpSettings
    from pipeline.adapters.http.settings import InsecureOrigin as InsecureOrigin
    from pipeline.adapters.http.settings import parse_connect_to as parse_connect_to
    from pipeline.adapters.http.transport import HttpTransport as HttpTransport
else:
    # Settings are read by runs that never make a request, and must not wait for the HTTP stack.
    __getattr__ = lazy_attributes(
        __name__,
        {
            "pipeline.adapters.http.settings": (
                "ConnectTo",
                "HttpSettings",
                "InsecureOrigin",
                "parse_connect_to",
            ),
            "pipeline.adapters.http.transport": ("HttpTransport",),
        },
    )

__all__ = ["ConnectTo", "HttpSettings", "HttpTransport", "InsecureOrigin", "parse_connect_to"]
