"""Where registry images are looked for, as ``registries.conf`` says it. Pure.

    DockerReference -> Remapping | None;  Remapping, DockerReference -> endpoints

The entry with the longest prefix counts, and it alone. Source: containers/image v5.23.0
``docs/containers-registries.conf.5.md`` "Choosing a [[registry]] TOML table" and "Remapping and
mirroring registries". Reading the file is :mod:`.registries_conf`'s.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.containers.endpoints import (
    INSECURE,
    SECURE,
    Endpoint,
    InsecureHost,
    canonical_host,
    registry_of,
)
from pipeline.errors import InvalidSetting
from pipeline.reference import DockerReference
from pipeline.reference.docker import parse_docker_reference

Pulls: TypeAlias = Literal["all", "digest-only", "tag-only"]

_ENDS: Final = ("", "/", ":", "@")


@final
@dataclass(frozen=True, slots=True)
class Location:
    """Where what a prefix covers is; empty: where the reference says."""

    place: str
    is_insecure: bool = False
    pulls: Pulls = "all"

    def serves(self, reference: DockerReference) -> bool:
        """Tell whether a reference may be looked for here."""
        only = "tag-only" if reference.digest is not None else "digest-only"
        return self.pulls != only


@final
@dataclass(frozen=True, slots=True)
class Remapping:
    """One ``[[registry]]`` of the file at ``path``: mirrors in their order, the location last."""

    path: str
    prefix: str
    locations: tuple[Location, ...]
    is_blocked: bool = False

    def covered(self, name: str) -> int | None:
        """Return how many characters of a reference, its host first, the prefix stands for.

        Whole segments count; a host without a port covers the host with any, as in the source.
        """
        if self.prefix.startswith("*."):
            host = name.partition("/")[0]
            bare = host.partition(":")[0]
            return len(bare) if bare.endswith(self.prefix[1:]) else None
        end = len(self.prefix)
        return end if name.startswith(self.prefix) and name[end : end + 1] in _ENDS else None

    def endpoints(
        self, reference: DockerReference
    ) -> Result[tuple[tuple[Endpoint, str], ...], InvalidSetting]:
        """Return where a reference that is covered may be asked for, and as which repository.

        Errors: InvalidSetting where it would be somewhere else's tag or digest.
        """
        name = _name_of(reference)
        rest = name[self.covered(name) or 0 :]
        found: list[tuple[Endpoint, str]] = []
        for location in self.locations:
            if not location.serves(reference):
                continue
            moved = f"{location.place}{rest}" if location.place else name
            parsed = parse_docker_reference(moved)
            if not is_successful(parsed):
                return Failure(self._refuse(moved, "a place under which it is a reference"))
            target = parsed.unwrap()
            # A host that stands alone would be read as a repository of docker.io.
            if canonical_host(target.host) != canonical_host(moved.partition("/")[0]):
                return Failure(self._refuse(moved, "a location with a repository behind the host"))
            if (target.tag, target.digest) != (reference.tag, reference.digest):
                return Failure(self._refuse(moved, "a location that keeps tag and digest"))
            schemes = INSECURE if location.is_insecure else SECURE
            endpoint = Endpoint(
                target.registry.lower(), schemes=schemes, verifies=not location.is_insecure
            )
            found.append((endpoint, target.repository))
        return Success(tuple(found))

    def _refuse(self, got: str, wanted: str) -> InvalidSetting:
        return InvalidSetting(f"{self.path}: registry {self.prefix}", got, wanted)


@final
@dataclass(frozen=True, slots=True)
class RegistriesConf:
    """What the files say, as one; each prefix once."""

    remappings: tuple[Remapping, ...] = ()

    def find(self, reference: DockerReference) -> Remapping | None:
        """Return the entry with the longest prefix that covers a reference.

        Of a wildcard and a host of the same length, the host.
        """
        name = _name_of(reference)
        covering = (each for each in self.remappings if each.covered(name) is not None)
        return max(covering, key=_rank, default=None)

    def insecurity(self) -> Iterator[InsecureHost]:
        """Return the hosts that are called insecure."""
        for remapping in self.remappings:
            for location in remapping.locations:
                if location.is_insecure:
                    host = location.place.partition("/")[0]
                    endpoint = Endpoint(registry_of(host), schemes=INSECURE, verifies=False)
                    yield from endpoint.insecurity()


def _rank(remapping: Remapping) -> tuple[int, bool]:
    return len(remapping.prefix), not remapping.prefix.startswith("*")


def _name_of(reference: DockerReference) -> str:
    """Return a reference as it is compared: hosts have no letter case."""
    host, slash, rest = reference.normal.partition("/")
    return f"{canonical_host(host)}{slash}{rest}"
