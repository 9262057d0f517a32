"""One host of a ``hosts.toml``: ``Entry, Endpoint -> Result[ServedBy, InvalidSetting]``.

Source: containerd 1.7 ``docs/hosts.md`` "hosts.toml Content Description - Detail".
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.containers.certs_d import HostCertificates
from pipeline.adapters.containers.endpoints import API_ROOT, INSECURE, Endpoint
from pipeline.errors import InvalidSetting
from pipeline.toml_files import Entry

TLS_KEYS: Final = ("ca", "client", "skip_verify")
HOST_KEYS: Final = frozenset(
    {"capabilities", "header", "override_path", "dial_timeout", "proxy", *TLS_KEYS}
)

_CAPABILITIES: Final = frozenset({"pull", "resolve", "push"})
_WANTED_FILES: Final = "a path, or an array of paths"
_WANTED_CLIENT: Final = "one certificate: a path, [path], or [[certificate, key]]"


@final
@dataclass(frozen=True, slots=True)
class ServedBy:
    """A host that serves a registry's content, and what TLS to it needs."""

    endpoint: Endpoint
    certificates: HostCertificates
    pulls: bool


def read_host(entry: Entry, folder: Path, server: Endpoint) -> Result[ServedBy, InvalidSetting]:
    """Read what is said of ``server``, whose ``root`` is as the URL has it.

    Relative paths are seen from ``folder``. Errors: InvalidSetting with the place in the file.
    """
    for key in ("header", "proxy"):
        if key in entry.values:
            return Failure(entry.refuse(key, entry.values[key], "none: it would not be followed"))
    timeout = entry.text("dial_timeout")
    if not is_successful(timeout):
        return Failure(timeout.failure())
    skips = entry.flag("skip_verify")
    if not is_successful(skips):
        return Failure(skips.failure())
    overrides = entry.flag("override_path")
    if not is_successful(overrides):
        return Failure(overrides.failure())
    capabilities = _capabilities(entry)
    if not is_successful(capabilities):
        return Failure(capabilities.failure())
    certificates = _certificates(entry, folder, server)
    if not is_successful(certificates):
        return Failure(certificates.failure())
    is_whole = overrides.unwrap() or server.root.endswith(API_ROOT)
    # Whoever says how TLS to a host of http is to be, means that it is tried first.
    speaks_tls = skips.unwrap() or not certificates.unwrap().is_empty
    endpoint = replace(
        server,
        root=server.root if is_whole else f"{server.root}{API_ROOT}",
        schemes=INSECURE if speaks_tls and "http" in server.schemes else server.schemes,
        verifies=not skips.unwrap(),
        resolves_tags="resolve" in capabilities.unwrap(),
    )
    return Success(ServedBy(endpoint, certificates.unwrap(), "pull" in capabilities.unwrap()))


def _capabilities(entry: Entry) -> Result[frozenset[str], InvalidSetting]:
    """Return what a host may be asked for; without a word, all."""
    value = entry.values.get("capabilities", [])
    words = _texts(value)
    if words is None or not {word.lower() for word in words} <= _CAPABILITIES:
        wanted = "an array of pull, resolve and push"
        return Failure(entry.refuse("capabilities", value, wanted))
    return Success(frozenset(word.lower() for word in words) or _CAPABILITIES)


def _certificates(
    entry: Entry, folder: Path, server: Endpoint
) -> Result[HostCertificates, InvalidSetting]:
    ca, client = entry.values.get("ca", []), entry.values.get("client", [])
    ca_files = (ca,) if isinstance(ca, str) else _texts(ca)
    if ca_files is None or not all(map(_is_path, ca_files)):
        return Failure(entry.refuse("ca", ca, _WANTED_FILES))
    pair = _client_files(client)
    if pair is None or not all(map(_is_path, pair)):
        return Failure(entry.refuse("client", client, _WANTED_CLIENT))
    origin = server.origin("https")
    certificate, key, *_ = *(str((folder / path).absolute()) for path in pair), None, None
    return Success(
        HostCertificates(
            origin.host,
            origin.port,
            tuple(str((folder / path).absolute()) for path in ca_files),
            certificate,
            key,
        )
    )


def _client_files(value: object) -> tuple[str, ...] | None:
    """Return a certificate's file and its key's, where that is another; None for no such thing."""
    files = (value,) if isinstance(value, str) else value
    if isinstance(files, list) and len(files) == 1 and isinstance(files[0], list):
        pair = _texts(files[0])
        # An empty second path says that the first file holds the key as well.
        return None if pair is None or len(pair) != 2 else pair if pair[1] else pair[:1]
    single = _texts(list(files)) if isinstance(files, list | tuple) else None
    return single if single is not None and len(single) <= 1 else None


def _texts(value: object) -> tuple[str, ...] | None:
    """Return an array of texts; None for anything else."""
    if not isinstance(value, list):
        return None
    texts = tuple(each for each in value if isinstance(each, str))
    return texts if len(texts) == len(value) else None


def _is_path(text: str) -> bool:
    return bool(text) and "\0" not in text
