"""A maker of what is signed of an image: ``Digest, reference -> bytes``, whole or with a fault.

Sources: containers/image v5.23.1 ``containers-signature.5`` "JSON data format"; cosign v2.0.0
``specs/SIGNATURE_SPEC.md`` "Simple Signing". Nothing is signed here.
"""

import json
from typing import Final

from pipeline.admission.payloads import PayloadKind
from pipeline.digest import Digest

_TYPES: Final[dict[PayloadKind, str]] = {
    "simple": "atomic container signature",
    "sigstore": "cosign container image signature",
}


def make_payload(
    digest: Digest, reference: str, *, kind: PayloadKind = "simple", **optional: object
) -> bytes:
    """Return the statement that ``reference`` names the manifest with ``digest``.

    ``optional`` are notes of the signer, as ``creator`` and ``timestamp``.
    """
    document = {
        "critical": {
            "type": _TYPES[kind],
            "image": {"docker-manifest-digest": str(digest)},
            "identity": {"docker-reference": reference},
        },
        "optional": optional,
    }
    return json.dumps(document, separators=(",", ":")).encode()
