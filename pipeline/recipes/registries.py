"""Registries as the user's files set them, read when the first registry image is asked for.

Settings -> Result[ConfiguredRegistries, InvalidSetting]
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, final

from returns.pipeline import is_successful
from returns.result import Failure, Result

from pipeline.adapters.registry.repositories import ApiRoot, parse_root
from pipeline.errors import ConfigurationError, InvalidSetting
from pipeline.oci import OciPlatform
from pipeline.recipes.settings import Settings
from pipeline.reference import DockerReference
from pipeline.results import RegistryPlace

if TYPE_CHECKING:
    from pipeline.adapters.containers.paths import ContainerPaths
    from pipeline.adapters.containers.registries import ConfiguredRegistries


@final
class LazyRegistries:
    """:class:`~pipeline.ports.Registries` out of files that are read at the first question.

    ``prepare`` makes ready what will ask them: what is wrong with that is said here, too.
    """

    def __init__(
        self, settings: Settings, prepare: Callable[[], Result[None, ConfigurationError]]
    ) -> None:
        """Keep what is set; nothing is read yet."""
        self._settings = settings
        self._prepare = prepare
        self._read: Result[ConfiguredRegistries, InvalidSetting] | None = None
        self._roots: tuple[ApiRoot, ...] = ()

    def roots(self) -> tuple[ApiRoot, ...]:
        """Return where APIs begin beside ``/v2``; none before the files are read."""
        return self._roots

    def read(self) -> Result["ConfiguredRegistries", InvalidSetting]:
        """Read the files, once.

        Errors: InvalidSetting with the file, what stands there, and what was wanted.
        """
        from pipeline.adapters.containers.registries import read_registries

        if self._read is None:
            self._read = read_registries(
                paths_of(self._settings), insecure=self._settings.insecure_registries
            )
            if is_successful(self._read):
                found = map(parse_root, self._read.unwrap().roots)
                self._roots = tuple(root for root in found if root is not None)
        return self._read

    def places(
        self, reference: DockerReference, platform: OciPlatform
    ) -> Result[tuple[RegistryPlace, ...], ConfigurationError]:
        """Return where a registry image may be.

        Errors: as :meth:`read`, and of ``prepare``; RegistryBlocked.
        """
        registries = self.read()
        if not is_successful(registries):
            return Failure(registries.failure())
        ready = self._prepare()
        if not is_successful(ready):
            return Failure(ready.failure())
        return registries.unwrap().places(reference, platform)


def paths_of(settings: Settings) -> "ContainerPaths":
    """Return where the user's files about registries are."""
    from pipeline.adapters.containers.paths import standard_paths

    environment = settings.environment
    # Path.expanduser raises where nobody knows a home.
    home = Path(environment.get("HOME") or os.path.expanduser("~"))  # noqa: PTH111
    return standard_paths(environment, home, os.getuid())
