"""The wheel alone, in clean environments: it does `make demo`'s job on every Python it is for."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.sbom import write_sbom
from tests.packaging.wheels import (
    LOCK,
    ROOT,
    VERSIONS,
    build,
    interpreter,
    make_environment,
    project,
    run,
)

pytestmark = pytest.mark.peer

EVERY_PUBLIC_NAME = """
import importlib, sys, pipeline
assert pipeline.__file__.startswith(sys.prefix), pipeline.__file__
for module in ("pipeline", "pipeline.adapters", "pipeline.errors", "pipeline.ports"):
    loaded = importlib.import_module(module)
    for name in loaded.__all__:
        getattr(loaded, name)
import pipeline.testing.strategies, pipeline.testing.conformance
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_wheel_does_the_demonstrations_job(version: str, wheel: Path, tmp_path: Path) -> None:
    """With every extra, outside of this tree, and nothing but what is locked."""
    python = interpreter(version)
    if python is None and os.environ.get("CI"):
        pytest.fail(f"needs Python {version}")
    if python is None:
        pytest.skip(f"needs Python {version}")
    extras = project()["optional-dependencies"]
    assert isinstance(extras, dict)
    wanted = Path(f"{wheel}[{','.join(extras)}]")
    clean = make_environment(tmp_path / "environment", python, LOCK, wanted, "trustme")
    run(clean, "-W", "error::SyntaxWarning", "-c", EVERY_PUBLIC_NAME, folder=tmp_path)
    shutil.copy(ROOT / "docs" / "demo.py", tmp_path)
    shown = run(clean, tmp_path / "demo.py", folder=tmp_path)
    assert "signature verified: example.com/app:1.2.0" in shown
    assert "error: bad signature by" in shown
    assert shown.endswith("Exit codes [6, 0, 0, 0, 6, 0], wanted [6, 0, 0, 0, 6, 0]: done.\n")


def test_the_bill_of_materials_names_what_is_installed(wheel: Path, tmp_path: Path) -> None:
    """It is valid by CycloneDX's schema, complete, the same each time, and of no machine."""
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    clean = make_environment(tmp_path / "environment", Path(sys.executable), LOCK, wheel)
    write_sbom(clean, first)
    write_sbom(clean, second)
    assert first.read_bytes() == second.read_bytes()
    assert str(tmp_path) not in first.read_text()
    bill = json.loads(first.read_text())
    root = bill["metadata"]["component"]
    assert (root["name"], root["version"]) == ("image-pipeline", project()["version"])
    listing = run(
        tmp_path / "environment" / "bin" / "python", "-c",
        "import importlib.metadata as m; print(*(d.name for d in m.distributions()))",
        folder=tmp_path,
    )  # fmt: skip
    installed = {canonicalize_name(name) for name in listing.split()}
    named = {canonicalize_name(each["name"]) for each in bill["components"]}
    assert named | {"image-pipeline"} == installed
    assert all(each["purl"].startswith("pkg:pypi/") for each in bill["components"])
    (edges,) = (each for each in bill["dependencies"] if each["ref"] == root["bom-ref"])
    dependencies = project()["dependencies"]
    assert isinstance(dependencies, list)
    direct = {
        canonicalize_name(each.name)
        for each in map(Requirement, dependencies)
        if each.marker is None or each.marker.evaluate()
    }
    assert {canonicalize_name(ref.split("==")[0]) for ref in edges["dependsOn"]} == direct
