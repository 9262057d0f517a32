"""Builds of this tree, and clean environments that they are installed into.

Environments get exactly what is locked in ``.ci/``, with its hashes; what is not yet in uv's cache
comes from the package registry.
"""

import os
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Final, Literal

ROOT: Final = Path(__file__).resolve().parents[2]
LOCK: Final = ROOT / ".ci" / "requirements.txt"
LOWEST: Final = ROOT / ".ci" / "lowest-requirements.txt"
VERSIONS: Final = ("3.11", "3.12", "3.13")
"""The versions of Python that ``requires-python`` and the classifiers name."""

EPOCH: Final = "1767225600"
"""The seconds of 2026-01-01, which all files in a build are dated."""

_UV: Final = Path(sys.executable).parent / "uv"


def project() -> dict[str, object]:
    """Return the table ``[project]`` of ``pyproject.toml``."""
    table: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def run(*command: str | Path, folder: Path, environment: dict[str, str] | None = None) -> str:
    """Run a command to its good end and return what it printed; what it said is in the error."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | (environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def build(kind: Literal["wheel", "sdist"], tree: Path, into: Path) -> Path:
    """Build what a tree holds, with the locked hatchling; ``into`` is made, and holds it alone."""
    command = (sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", into)
    run(*command, folder=tree, environment={"SOURCE_DATE_EPOCH": EPOCH})
    (built,) = into.iterdir()
    return built


@cache
def interpreter(version: str) -> Path | None:
    """Return a Python of that version, from ``PATH``, pyenv or uv; None where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders = sorted(map(str, pyenv.glob("versions/*/bin")))
    found = subprocess.run(
        [_UV, "python", "find", "--no-project", "--no-python-downloads", "--system", version],
        env=os.environ | {"PATH": os.pathsep.join([os.environ["PATH"], *folders])},
        cwd=ROOT.anchor,
        capture_output=True,
        text=True,
        check=False,
    )
    return Path(found.stdout.strip()) if found.returncode == 0 else None


def make_environment(folder: Path, python: Path, lock: Path, wheel: Path, *others: str) -> Path:
    """Make a virtual environment with a wheel and what else; return its Python.

    ``wheel`` may be followed by extras, as in ``….whl[testing]``; versions are those of ``lock``.
    """
    run(_UV, "venv", "-q", "--no-project", "--python", python, folder, folder=ROOT)
    made = folder / "bin" / "python"
    install = (_UV, "pip", "install", "-q", "--python", made)
    run(*install, "-c", lock, wheel, *others, folder=ROOT)
    # Once more, as from a registry: what is installed then names no path of this machine. No
    # registry is asked, where the name could be anybody's.
    offline = ("--no-index", "--no-deps", "--reinstall", "--find-links", wheel.parent)
    run(*install, *offline, "image-pipeline", folder=ROOT)
    return made
