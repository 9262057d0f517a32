"""``make bounds``: the wheel with the lowest requirements that ``pyproject.toml`` allows.

On the lowest Python that is here and on the highest, against those tests that reach each of the
requirements. The tests and what they need come from this tree, the package from the wheel. With
the newest, all tests run: that is what is locked (``make test``).
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.packaging.wheels import LOWEST, ROOT, VERSIONS, build, interpreter, make_environment, run

TRIED: Final = ("tests/adapters", "tests/archive", "tests/stages", "tests/cli")


def main() -> None:
    """Try both, and print what pytest says."""
    found = [version for version in VERSIONS if interpreter(version) is not None]
    if os.environ.get("CI") and found != list(VERSIONS):
        sys.exit(f"needs Python {', '.join(VERSIONS)}; found {', '.join(found)}")
    with tempfile.TemporaryDirectory(prefix="image-pipeline-") as name:
        folder = Path(name)
        wheel = build("wheel", ROOT, folder / "wheel")
        tree = folder / "tree"
        for each in ("tests", "docs"):
            shutil.copytree(ROOT / each, tree / each)
        for each in ("pyproject.toml", "README.md"):
            shutil.copy(ROOT / each, tree)
        for version in dict.fromkeys((found[0], found[-1])):
            python = interpreter(version)
            assert python is not None
            wanted = (Path(f"{wheel}[testing]"), "pytest", "pytest-xdist", "trustme")
            made = make_environment(folder / version, python, LOWEST, *wanted)
            print(f"The lowest requirements on Python {version}:", flush=True)
            tests = ("-n", "auto", "-m", "not peer", *TRIED)
            print(run(made, "-m", "pytest", *tests, folder=tree).splitlines()[-1], flush=True)


if __name__ == "__main__":
    main()
