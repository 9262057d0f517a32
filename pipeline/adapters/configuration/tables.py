"""The tables of ``config.toml``: ``Document -> Result[…, InvalidSetting]``, a function each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import InvalidSetting
from pipeline.mirrors import NameMirrors, UrlMirrors, UrlPrefix, parse_mirrors
from pipeline.names import ImageName, parse_image_name
from pipeline.toml_files import Document, entries_of, shown

TABLES: Final = frozenset({"mirrors", "signers", "tls"})
MOST_SIGNERS: Final = 128

_HOST: Final = re.compile(r"(?:([a-z0-9_.-]+)|\[([0-9a-f:.]+)\])(?::([0-9]{1,5}))?")
_FILES: Final = ("ca-file", "client-certificate", "client-key")


@final
@dataclass(frozen=True, slots=True)
class TlsEntry:
    """What TLS to one host needs: absolute paths of PEM files, at least one.

    ``host`` is in lower case and without brackets. Without a ``client_key`` the key is in the
    certificate's file.
    """

    host: str
    port: int
    ca_file: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None


MirrorTable = Mapping[ImageName | UrlPrefix, NameMirrors | UrlMirrors]


def check_tables(path: Path, document: Document) -> Result[None, InvalidSetting]:
    """Refuse a table that nobody reads: what is misspelt must not silently say nothing."""
    for unknown in sorted(set(document) - TABLES):
        wanted = "no table but [signers], [[mirrors]] and [[tls]]"
        return Failure(InvalidSetting(str(path), unknown, wanted))
    return Success(None)


def read_signers(
    path: Path, document: Document
) -> Result[tuple[tuple[ImageName, int], ...], InvalidSetting]:
    """Read ``[signers]``: how many distinct keys must have signed, by prefix."""
    table = document.get("signers", {})
    where = f"{path}: signers"
    if not isinstance(table, dict):
        return Failure(InvalidSetting(where, shown(table), "a table"))
    read: list[tuple[ImageName, int]] = []
    for untrusted_prefix, count in table.items():
        prefix = parse_image_name(str(untrusted_prefix))
        if not is_successful(prefix):
            return Failure(InvalidSetting(where, str(untrusted_prefix), "a prefix of image names"))
        # bool is an int to Python, not to TOML.
        if type(count) is not int or not 1 <= count <= MOST_SIGNERS:
            wanted = f"a number from 1 to {MOST_SIGNERS}"
            return Failure(InvalidSetting(f"{where}.{prefix.unwrap()}", shown(count), wanted))
        read.append((prefix.unwrap(), count))
    return Success(tuple(read))


def read_mirrors(path: Path, document: Document) -> Result[MirrorTable, InvalidSetting]:
    """Read ``[[mirrors]]``, by prefix."""
    entries = entries_of(path, document, "mirrors", frozenset({"prefix", "to"}))
    if not is_successful(entries):
        return Failure(entries.failure())
    read: dict[ImageName | UrlPrefix, NameMirrors | UrlMirrors] = {}
    for entry in entries.unwrap():
        prefix = entry.required_text("prefix")
        if not is_successful(prefix):
            return Failure(prefix.failure())
        places = entry.required_texts("to")
        if not is_successful(places):
            return Failure(places.failure())
        parsed = parse_mirrors(prefix.unwrap(), places.unwrap())
        if not is_successful(parsed):
            fault = parsed.failure()
            return Failure(InvalidSetting(entry.where, fault.got, fault.wanted))
        mirrors = parsed.unwrap()
        if mirrors.prefix in read:
            return Failure(entry.refuse("prefix", prefix.unwrap(), "each prefix once in a file"))
        read[mirrors.prefix] = mirrors
    return Success(read)


def read_tls(
    path: Path, document: Document
) -> Result[Mapping[tuple[str, int], TlsEntry], InvalidSetting]:
    """Read ``[[tls]]``, by host and port; relative paths are seen from the file's folder.

    The files are not opened here.
    """
    entries = entries_of(path, document, "tls", frozenset({"host", *_FILES}))
    if not is_successful(entries):
        return Failure(entries.failure())
    read: dict[tuple[str, int], TlsEntry] = {}
    for entry in entries.unwrap():
        host = entry.required_text("host")
        if not is_successful(host):
            return Failure(host.failure())
        match = _HOST.fullmatch(host.unwrap().lower())
        port = int(match[3] or 443) if match else 0
        if match is None or not 0 < port < 65536:
            return Failure(entry.refuse("host", host.unwrap(), "host or host:port"))
        files: list[str | None] = []
        for key in _FILES:
            file = entry.text(key)
            if not is_successful(file):
                return Failure(file.failure())
            relative = file.unwrap()
            files.append(None if relative is None else str((path.parent / relative).absolute()))
        tls = TlsEntry(match[1] or match[2], port, *files)
        if tls.client_key is not None and tls.client_certificate is None:
            return Failure(entry.refuse("client-certificate", "missing", "one with the client-key"))
        if tls.ca_file is None and tls.client_certificate is None:
            return Failure(InvalidSetting(entry.where, "a host alone", "a ca-file or certificate"))
        if (tls.host, port) in read:
            return Failure(entry.refuse("host", host.unwrap(), "each host and port once in a file"))
        read[tls.host, port] = tls
    return Success(read)
