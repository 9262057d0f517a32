"""``make sbom``: what somebody gets who installs the wheel, as CycloneDX 1.6 in JSON.

Made from an environment with the wheel and its locked requirements alone, so that it names what is
installed and no tool of ours. The same tree makes the same bytes: no serial number, no time.
"""

import sys
import tempfile
from pathlib import Path

from tests.packaging.wheels import LOCK, ROOT, build, make_environment, run

_TOOL = Path(sys.executable).parent / "cyclonedx-py"


def write_sbom(python: Path, into: Path) -> None:
    """Write the bill of materials of an environment that holds the wheel, given its Python."""
    form = ("--output-format", "JSON", "--spec-version", "1.6", "--output-reproducible")
    root = ("--pyproject", ROOT / "pyproject.toml", "--mc-type", "application")
    run(_TOOL, "environment", *form, "--validate", *root, "-o", into, python, folder=ROOT)


def main() -> None:
    """Write it into ``dist/``."""
    with tempfile.TemporaryDirectory(prefix="image-pipeline-") as name:
        wheel = build("wheel", ROOT, Path(name) / "wheel")
        into = ROOT / "dist" / f"{wheel.stem}.cdx.json"
        into.parent.mkdir(exist_ok=True)
        made = make_environment(Path(name) / "environment", Path(sys.executable), LOCK, wheel)
        write_sbom(made, into)
    print(into.relative_to(ROOT))


if __name__ == "__main__":
    main()
