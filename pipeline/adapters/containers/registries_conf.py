"""``registries.conf``: where the content of registry images lies.

    folders -> Result[RegistriesConf, InvalidSetting]

::

    [[registry]]
    prefix = "example.com/foo"
    location = "internal.example.net/bar"
    insecure = false
    blocked = false
    mirror-by-digest-only = false

    [[registry.mirror]]
    location = "mirror.example.net/foo"
    insecure = true
    pull-from-mirror = "all"

Source: containers/image v5.23.0 ``docs/containers-registries.conf.5.md``,
``docs/containers-registries.conf.d.5.md`` and ``pkg/sysregistriesv2``. As there, a user's file
stands in place of the machine's and its drop-ins, those of ``registries.conf.d/`` come after it, in
the order of their names, and a later entry for a prefix replaces an earlier one whole.

Stricter than that, where a setting that is not understood would silently protect nobody: unknown
keys are refused, in these tables and beside them; so are two entries of a file for one prefix,
``insecure`` under a wildcard that names no host, and version 1 of the format. Read and not used:
what completes short names, since docker's way of doing that is the one here
(``unqualified-search-registries``, ``aliases``, ``short-name-mode``), and the helpers of other
programs (``credential-helpers``, ``additional-layer-store-auth-helper``).
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.containers.endpoints import parse_place, shown_place
from pipeline.adapters.containers.folders import is_there, names_in
from pipeline.adapters.containers.remapping import Location, Pulls, RegistriesConf, Remapping
from pipeline.errors import InvalidSetting
from pipeline.limits import MIRRORS
from pipeline.toml_files import Document, Entry, entries_of, load_document

FILE_NAME: Final = "registries.conf"
DROP_INS: Final = "registries.conf.d"

_PULLS: Final[dict[str, Pulls]] = {
    "": "all", "all": "all", "digest-only": "digest-only", "tag-only": "tag-only"
}  # fmt: skip
_SHARED: Final = frozenset({"location", "insecure"})
_REGISTRY: Final = _SHARED | {"prefix", "blocked", "mirror", "mirror-by-digest-only"}
_MIRROR: Final = _SHARED | {"pull-from-mirror"}
_KNOWN: Final = frozenset({"registry", "unqualified-search-registries", "aliases"}) | {
    "short-name-mode", "credential-helpers", "additional-layer-store-auth-helper"
}  # fmt: skip


def read_registries_conf(user: Path, system: Path) -> Result[RegistriesConf, InvalidSetting]:
    """Read the file and the drop-ins of both folders, as far as they are there.

    Errors: InvalidSetting with the file, what stands there, and what was wanted.
    """
    own = is_there(user / FILE_NAME)
    if not is_successful(own):
        return Failure(own.failure())
    paths = [(user if own.unwrap() else system) / FILE_NAME]
    for folder in (user,) if own.unwrap() else (system, user):
        names = names_in(folder / DROP_INS, ".conf")
        if not is_successful(names):
            return Failure(names.failure())
        paths += [folder / DROP_INS / name for name in names.unwrap()]
    merged: dict[str, Remapping] = {}
    for path in paths:
        loaded = load_document(path)
        if not is_successful(loaded):
            return Failure(loaded.failure())
        read = _read_document(path, loaded.unwrap())
        if not is_successful(read):
            return Failure(read.failure())
        merged |= read.unwrap()
    return Success(RegistriesConf(tuple(merged.values())))


def _read_document(
    path: Path, document: Document
) -> Result[Mapping[str, Remapping], InvalidSetting]:
    if "registries" in document:
        wanted = "version 2 of the format, with tables [[registry]]"
        return Failure(InvalidSetting(str(path), "[registries] of version 1", wanted))
    for unknown in sorted(set(document) - _KNOWN):
        return Failure(
            InvalidSetting(str(path), unknown, f"no key but {', '.join(sorted(_KNOWN))}")
        )
    entries = entries_of(path, document, "registry", _REGISTRY)
    if not is_successful(entries):
        return Failure(entries.failure())
    read: dict[str, Remapping] = {}
    for entry in entries.unwrap():
        outcome = _read_registry(path, entry)
        if not is_successful(outcome):
            return Failure(outcome.failure())
        remapping = outcome.unwrap()
        if remapping.prefix in read:
            return Failure(entry.refuse("prefix", remapping.prefix, "each prefix once in a file"))
        read[remapping.prefix] = remapping
    return Success(read)


def _read_registry(path: Path, entry: Entry) -> Result[Remapping, InvalidSetting]:
    own = _read_location(entry, is_needed=False)
    if not is_successful(own):
        return Failure(own.failure())
    prefix = _read_prefix(entry, own.unwrap())
    if not is_successful(prefix):
        return Failure(prefix.failure())
    blocked = entry.flag("blocked")
    if not is_successful(blocked):
        return Failure(blocked.failure())
    mirrors = _read_mirrors(entry)
    if not is_successful(mirrors):
        return Failure(mirrors.failure())
    locations = (*mirrors.unwrap(), own.unwrap())
    return Success(Remapping(str(path), prefix.unwrap(), locations, blocked.unwrap()))


def _read_prefix(entry: Entry, location: Location) -> Result[str, InvalidSetting]:
    """Return the prefix; the location, where there is none. One of both must be there."""
    text = entry.text("prefix")
    if not is_successful(text):
        return Failure(text.failure())
    written = text.unwrap()
    if written is None:
        missing = entry.refuse("location", "missing", "one, or a prefix *.example.com")
        return Success(location.place) if location.place else Failure(missing)
    is_wild = written.startswith("*.")
    if is_wild and "/" not in written and ":" not in written:
        if location.is_insecure and not location.place:
            wanted = "false under a wildcard without location: each host by its own name"
            return Failure(entry.refuse("insecure", "true", wanted))
        return (
            parse_place(f"x{written[1:]}")
            .map(lambda place: f"*{place[1:]}")
            .alt(lambda _: entry.refuse("prefix", written, "*.example.com"))
        )
    if not location.place:
        return Failure(entry.refuse("location", "missing", "one, or a prefix *.example.com"))
    return parse_place(written).alt(
        lambda wanted: entry.refuse("prefix", shown_place(written), wanted)
    )


def _read_location(entry: Entry, *, is_needed: bool) -> Result[Location, InvalidSetting]:
    text = entry.required_text("location") if is_needed else entry.text("location")
    if not is_successful(text):
        return Failure(text.failure())
    insecure = entry.flag("insecure")
    if not is_successful(insecure):
        return Failure(insecure.failure())
    written = text.unwrap()
    if written is None:
        return Success(Location("", insecure.unwrap()))
    return (
        parse_place(written)
        .map(lambda place: Location(place, insecure.unwrap()))
        .alt(lambda wanted: entry.refuse("location", shown_place(written), wanted))
    )


def _read_mirrors(registry: Entry) -> Result[tuple[Location, ...], InvalidSetting]:
    """Read ``[[registry.mirror]]``; what the registry says of all goes for each."""
    by_digest = registry.flag("mirror-by-digest-only")
    if not is_successful(by_digest):
        return Failure(by_digest.failure())
    entries = entries_of(registry.where, registry.values, "mirror", _MIRROR)
    if not is_successful(entries):
        return Failure(entries.failure())
    if len(entries.unwrap()) > MIRRORS:
        got = f"{len(entries.unwrap())} tables"
        return Failure(registry.refuse("mirror", got, f"at most {MIRRORS}"))
    mirrors: list[Location] = []
    for entry in entries.unwrap():
        location = _read_location(entry, is_needed=True)
        if not is_successful(location):
            return Failure(location.failure())
        written = entry.values.get("pull-from-mirror", "")
        pulls = _PULLS.get(written) if isinstance(written, str) else None
        if pulls is None:
            wanted = "all, digest-only or tag-only"
            return Failure(entry.refuse("pull-from-mirror", written, wanted))
        if by_digest.unwrap() and written:
            wanted = "none beside mirror-by-digest-only"
            return Failure(entry.refuse("pull-from-mirror", written, wanted))
        pulls = "digest-only" if by_digest.unwrap() else pulls
        mirrors.append(replace(location.unwrap(), pulls=pulls))
    return Success(tuple(mirrors))
