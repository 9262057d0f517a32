"""``make bounds``: the wheel with the lowest requirements that ``pyproject.toml`` allows.

On the lowest Python that is here and on the highest, with all extras, against those tests that use
each of the requirements. The tests and what they need come from this tree, the package from the
wheel. With the newest, all tests run: that is what is locked (``make test``).
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.packaging.wheels import (
    LOWEST,
    ROOT,
    VERSIONS,
    build,
    interpreter,
    make_environment,
    project,
    run,
)

TRIED: Final = {
    "botocore": ("tests/adapters/test_bucket_service.py", "tests/adapters/credentials"),
    "click": ("tests/cli/test_commands.py", "tests/cli/test_bad_input.py"),
    "cryptography": ("tests/adapters/test_sigstore.py",),
    "distributed": ("tests/peers/test_dask.py",),
    "httpcore": ("tests/adapters/http",),
    "httpx": ("tests/adapters/http",),
    "hypothesis": ("tests/testing",),
    "isal": ("tests/archive",),
    "opentelemetry-api": ("tests/adapters/test_otel.py",),
    "pgpy": ("tests/adapters/openpgp",),
    "platformdirs": ("tests/cli/test_settings.py",),
    "pyyaml": ("tests/adapters/containers",),
    "returns": ("tests/stages",),
    "rich": ("tests/cli/progress",),
    "s3transfer": ("tests/adapters/test_bucket_service.py",),
    "standard-imghdr": ("tests/adapters/openpgp",),
    "tenacity": ("tests/adapters/test_retrying.py",),
    "zstandard": ("tests/archive",),
}
"""The tests that use each requirement as the package does."""

PINNED: Final = "tests/adapters/test_otel.py::test_names_are_those_of_the_conventions"
"""Left out: it compares with the table of the SDK that is pinned, which the package never needs."""

TOOLS: Final = ("opentelemetry-sdk", "pytest", "pytest-xdist", "trustme")


def main() -> None:
    """Try both, and print what pytest says."""
    optional = project()["optional-dependencies"]
    assert isinstance(optional, dict)
    extras = ",".join(optional)
    paths = sorted({path for each in TRIED.values() for path in each})
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
            wanted = (Path(f"{wheel}[{extras}]"), *TOOLS)
            made = make_environment(folder / version, python, LOWEST, *wanted)
            print(f"The lowest requirements on Python {version}:", flush=True)
            tests = ("-n", "auto", f"--deselect={PINNED}", *paths)
            print(run(made, "-m", "pytest", *tests, folder=tree).splitlines()[-1], flush=True)


if __name__ == "__main__":
    main()
