"""Registries: ``authenticating`` proves to them who asks, as a transport around another.

``repositories`` (which of them a URL is about), ``refusals`` and ``challenges`` (what they want),
``tokens`` and ``token_service`` (what is asked for a token, and where).
"""

from pipeline.adapters.registry.authenticating import AuthenticatingTransport

__all__ = ["AuthenticatingTransport"]
