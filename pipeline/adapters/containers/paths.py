"""Where container tools keep what users tell them: ``environment, home -> ContainerPaths``.

Nothing is looked at here; what is not there says nothing. Sources: containers-registries.conf(5),
containers-registries.d(5), containers-certs.d(5), containers-auth.json(5) of containers-common
0.51; docker 24.0 ``docs/reference/commandline/cli.md`` ``DOCKER_CONFIG``; containerd 1.7
``docs/hosts.md``; XDG Base Directory Specification 0.8.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

_ETC: Final = Path("/etc")


@final
@dataclass(frozen=True, slots=True)
class ContainerPaths:
    """Files and folders, of which none must be there.

    ``user`` and ``system`` each hold ``registries.conf``, ``registries.conf.d/``, ``registries.d/``
    and ``certs.d/``; ``docker`` and ``containerd`` hold ``certs.d/``. ``signatures`` is the folder
    of simple signatures that nobody keeps elsewhere. ``logins`` are files in the order to look;
    ``named_login`` goes before them, and must be there, as somebody named it.
    """

    user: Path
    system: Path
    docker: Path
    containerd: Path
    signatures: Path
    logins: tuple[Path, ...]
    named_login: Path | None = None


def standard_paths(environment: Mapping[str, str], home: Path, user_id: int) -> ContainerPaths:
    """Return where the tools look for a user whose folder is ``home``; 0 is root.

    ``REGISTRY_AUTH_FILE`` stands in place of the file under ``XDG_RUNTIME_DIR``, as it does there.

    >>> paths = standard_paths({"DOCKER_CONFIG": "/d"}, Path("/home/me"), 1000)
    >>> [str(path) for path in (*paths.logins, paths.user)][1:]
    ['/home/me/.config/containers/auth.json', '/d/config.json', '/home/me/.config/containers']
    """
    user = (_folder(environment, "XDG_CONFIG_HOME") or home / ".config") / "containers"
    runtime = _folder(environment, "XDG_RUNTIME_DIR")
    session = runtime / "containers" if runtime else Path("/run/containers", str(user_id))
    docker = environment.get("DOCKER_CONFIG")
    named = environment.get("REGISTRY_AUTH_FILE")
    logins = (
        session / "auth.json",
        user / "auth.json",
        (Path(docker) if docker else home / ".docker") / "config.json",
    )
    data = Path("/var/lib") if user_id == 0 else home / ".local/share"
    return ContainerPaths(
        user=user,
        system=_ETC / "containers",
        docker=_ETC / "docker",
        containerd=_ETC / "containerd",
        signatures=data / "containers/sigstore",
        logins=logins[1:] if named else logins,
        named_login=Path(named) if named else None,
    )


def _folder(environment: Mapping[str, str], name: str) -> Path | None:
    """Return what a variable names; a relative path is invalid, and ignored (XDG "Environment")."""
    folder = Path(environment.get(name, ""))
    return folder if folder.is_absolute() else None
