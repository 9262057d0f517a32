"""appc image discovery: ``page`` reads meta tags, ``template`` makes URLs, ``discovery`` walks.

Source: appc/spec v0.8.11 ``spec/discovery.md``.
"""

from pipeline.adapters.appc.discovery import AppcDiscovery

__all__ = ["AppcDiscovery"]
