"""Files that are right, with one secret in each place that holds one, and a folder to put them."""

import json
from pathlib import Path
from typing import Final

from returns.result import Result

from pipeline.adapters import FoundCredentials, read_credentials
from pipeline.errors import InvalidSetting

CANARY: Final = "cAnaRy!7~fQ"
"""A secret that every kind of place takes, and that is no domain."""

Document = dict[str, object]


def auth(*domains: str, kind: str = "basic", **credentials: object) -> Document:
    """Return an auth file's document; without credentials, a user and password."""
    return {
        "rktKind": "auth",
        "rktVersion": "v1",
        "domains": [*(domains or ("example.com",))],
        "type": kind,
        "credentials": credentials or {"user": "alice", "password": CANARY},
    }


def docker_auth(*registries: str) -> Document:
    """Return a dockerAuth file's document."""
    return {
        "rktKind": "dockerAuth",
        "rktVersion": "v1",
        "registries": [*(registries or ("registry.example.com",))],
        "credentials": {"user": CANARY, "password": CANARY},
    }


VALID: Final[dict[str, Document]] = {
    "basic": auth("example.com", user=CANARY, password=CANARY),
    "oauth": auth("example.com", "b.example.com:8443", kind="oauth", token=CANARY),
    "aws": auth(
        "bucket.s3.amazonaws.com",
        kind="aws",
        accessKeyID=CANARY,
        secretAccessKey=CANARY,
        awsRegion="eu-west-1",
    ),
    "docker": docker_auth(),
}


def put(config: Path, name: str, document: Document | str | bytes) -> Path:
    """Write a file into a folder's ``auth.d``, for its owner's eyes alone."""
    path = config / "auth.d" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(document, dict):
        document = json.dumps(document)
    path.write_bytes(document if isinstance(document, bytes) else document.encode())
    path.chmod(0o600)
    return path


def read(home: Path, netrc: Path | None = None) -> Result[FoundCredentials, InvalidSetting]:
    """Read the folders ``system`` and ``local`` of ``home``."""
    return read_credentials(home / "system", home / "local", netrc=netrc)
