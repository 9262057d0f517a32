"""A user's files below one folder, and what follows from them for a reference."""

from pathlib import Path
from typing import Final

from returns.result import Result

from pipeline.adapters.containers import (
    ConfiguredRegistries,
    ContainerPaths,
    read_registries,
)
from pipeline.errors import InvalidSetting
from pipeline.oci import OciPlatform
from pipeline.reference import DockerReference
from pipeline.reference.docker import parse_docker_reference
from pipeline.results import RegistryPlace

AMD64: Final = OciPlatform("linux", "amd64")
HEX: Final = "ab" * 32


def paths_in(home: Path) -> ContainerPaths:
    """Return folders below ``home``: ``user``, ``system``, ``docker``, ``containerd``, …."""
    return ContainerPaths(
        user=home / "user",
        system=home / "system",
        docker=home / "docker",
        containerd=home / "containerd",
        signatures=home / "signatures",
        logins=(home / "session.json", home / "user/auth.json", home / "docker/config.json"),
    )


def put(path: Path, content: str = "") -> Path:
    """Write a file, and the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o600)
    return path


def read(home: Path, *insecure: str) -> Result[ConfiguredRegistries, InvalidSetting]:
    """Read all that is below ``home``."""
    return read_registries(paths_in(home), insecure=insecure)


def reference(text: str) -> DockerReference:
    """Return a reference that is right."""
    return parse_docker_reference(text).unwrap()


def places(registries: ConfiguredRegistries, text: str) -> tuple[RegistryPlace, ...]:
    """Return where an image may be asked for."""
    return registries.places(reference(text), AMD64).unwrap()


def bases(registries: ConfiguredRegistries, text: str) -> list[str]:
    """Return the places' URLs."""
    return [place.base for place in places(registries, text)]
