"""HTTP as a :class:`~pipeline.ports.Transport`; the only package that imports httpcore.

    Request, Sink -> Result[Response, TransportError | StoreError]

``settings``: what a user may set. ``urls``: which URLs are asked at all. ``network``: sockets,
deadlines and large reads below httpcore. ``caching``: Cache-Control. ``failures``: foreign
exceptions as errors. ``transport``: the requests themselves.

httpcore alone, without httpx above it: redirects, headers and limits are decided here in any
case, its network backend is a public interface where httpx hides the pool, and it is imported in
half the time.
"""

from pipeline.adapters.http.caching import parse_max_age
from pipeline.adapters.http.settings import ConnectTo, HttpSettings, parse_connect_to
from pipeline.adapters.http.transport import HttpTransport

__all__ = ["ConnectTo", "HttpSettings", "HttpTransport", "parse_connect_to", "parse_max_age"]
