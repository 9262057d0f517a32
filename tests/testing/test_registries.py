"""Registries: ours conform, and broken ones are noticed."""

from dataclasses import dataclass, replace

import pytest
from returns.result import Result, Success

from pipeline.adapters.containers import ConfiguredRegistries
from pipeline.errors import (
    ConfigurationError,
)
from pipeline.oci import OciPlatform
from pipeline.reference import DockerReference
from pipeline.reference.docker import parse_docker_reference
from pipeline.results import RegistryPlace
from pipeline.testing.conformance import (
    NonConformance,
    check_registries,
)
from pipeline.testing.fakes import (
    StaticRegistries,
)

ASKED = parse_docker_reference("registry.example/app:1.0").unwrap()
BLOCKED = parse_docker_reference("blocked.example/app").unwrap()
AT = RegistryPlace(ASKED, "https://registry.example/v2/app", OciPlatform("linux", "amd64"))
MIRROR = replace(AT, base="https://mirror.example/v2/app", resolves_tags=False)


def test_registries_conform() -> None:
    blocked = StaticRegistries(frozenset({"blocked.example"}))
    check_registries(blocked, known=ASKED, blocked=BLOCKED)
    check_registries(ConfiguredRegistries(), known=ASKED)


@dataclass(slots=True)
class BrokenRegistries:
    """Says what it is told to."""

    found: tuple[RegistryPlace, ...]
    shuffles: bool = False
    asked: int = 0

    def places(
        self, reference: DockerReference, platform: OciPlatform
    ) -> Result[tuple[RegistryPlace, ...], ConfigurationError]:
        self.asked += 1
        return Success(self.found[:: -1 if self.shuffles and self.asked % 2 else 1])


@pytest.mark.parametrize(
    ("registries", "promise"),
    [
        (BrokenRegistries(()), "at least one place"),
        (BrokenRegistries((replace(AT, reference=BLOCKED),)), "the very image"),
        (BrokenRegistries((replace(AT, platform=OciPlatform("linux", "arm")),)), "platform"),
        (BrokenRegistries((replace(AT, base="registry.example/v2/app"),)), "distribution API"),
        (BrokenRegistries((replace(AT, base="https://registry.example/app"),)), "distribution API"),
        (BrokenRegistries((replace(AT, base="https://registry.example/v2/"),)), "repository"),
        (BrokenRegistries((AT, AT)), "twice"),
        (BrokenRegistries((AT, MIRROR)), "the registry itself"),
        (
            BrokenRegistries((AT, replace(MIRROR, resolves_tags=True)), shuffles=True),
            "same order",
        ),
        (BrokenRegistries((AT,)), "blocked"),
    ],
)
def test_broken_registries_are_noticed(registries: BrokenRegistries, promise: str) -> None:
    with pytest.raises(NonConformance, match=promise):
        check_registries(registries, known=ASKED, blocked=BLOCKED)


def test_registries_that_block_everything_are_noticed() -> None:
    blocking = StaticRegistries(frozenset({"registry.example"}))
    with pytest.raises(NonConformance, match="could not look"):
        check_registries(blocking, known=ASKED)
