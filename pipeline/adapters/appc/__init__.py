"""appc image discovery: ``page`` reads meta tags, ``template`` makes URLs, ``discovery`` walks,
``mirror`` looks elsewhere.

Source: appc/spec v0.8.11 ``spec/discovery.md``.
"""

from pipeline.adapters.appc.discovery import AppcDiscovery
from pipeline.adapters.appc.mirror import MirrorDiscovery

__all__ = ["AppcDiscovery", "MirrorDiscovery"]
