"""The wheel and the sdist: the same bytes from the same tree, and nothing in them but ours."""

import os
import shutil
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.packaging.wheels import ROOT, VERSIONS, build, project

NOT_OURS = shutil.ignore_patterns(".*cache", ".venv", ".git", ".hypothesis", "dist", "build")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of this tree, as it would be cloned."""
    return Path(shutil.copytree(ROOT, tmp_path_factory.mktemp("one") / "tree", ignore=NOT_OURS))


@pytest.fixture(scope="module")
def wheel(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tree, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", tree, tmp_path_factory.mktemp("sdist"))


def test_two_builds_are_equal(tree: Path, wheel: Path, sdist: Path, tmp_path: Path) -> None:
    """Neither the folder, nor the files' times and modes, nor their order on disk shows."""
    other = tmp_path / "elsewhere" / "image-pipeline"
    for path in sorted(tree.rglob("*"), reverse=True):
        if path.is_file():
            copy = other / path.relative_to(tree)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
            copy.chmod(0o600 if path.stat().st_mode & 0o100 == 0 else 0o700)
            os.utime(copy, (1_000_000_000, 1_000_000_000))
    assert build("wheel", other, tmp_path / "wheel").read_bytes() == wheel.read_bytes()
    assert build("sdist", other, tmp_path / "sdist").read_bytes() == sdist.read_bytes()


def test_the_sdist_makes_the_same_wheel(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    rebuilt = build("wheel", unpacked, tmp_path / "wheel")
    assert rebuilt.name == wheel.name
    assert rebuilt.read_bytes() == wheel.read_bytes()


def test_the_sdist_has_what_make_check_needs(sdist: Path) -> None:
    """Whoever packages it for a distribution can run the tests."""
    with tarfile.open(sdist) as archive:
        top = {name.split("/")[1] for name in archive.getnames()}
    needed = {".ci", "pipeline", "tests", "typings", "docs", "Makefile", "pyproject.toml"}
    assert needed <= top


def test_the_wheel_has_the_package_and_nothing_else(wheel: Path, tree: Path) -> None:
    """Every module, the mark that it is typed, the licence; no test, no stub, no cache."""
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    information = {name for name in names if name.startswith("image_pipeline-")}
    package = {str(path.relative_to(tree)) for path in (tree / "pipeline").rglob("*.py")}
    beside = {"image_pipeline_hypothesis.py"}
    moved = {"pipeline/testing/hypothesis_entry_point.py"}
    assert names - information == package - moved | beside | {"pipeline/py.typed"}
    assert {name.split("/", 1)[1] for name in information} == {
        "METADATA",
        "WHEEL",
        "RECORD",
        "entry_points.txt",
        "licenses/LICENSE",
    }


def test_metadata_is_valid_and_says_what_pyproject_says(wheel: Path) -> None:
    """By the checks that the package index itself applies (packaging.metadata)."""
    with ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        content = archive.read(path)
    metadata = Metadata.from_email(content, validate=True)
    told = project()
    assert (metadata.name, str(metadata.version)) == (told["name"], told["version"])
    assert metadata.license_expression == "Apache-2.0"
    assert metadata.description_content_type == "text/markdown"
    assert metadata.description == (ROOT / "README.md").read_text()
    extras = told["optional-dependencies"]
    assert isinstance(extras, dict)
    assert set(metadata.provides_extra or ()) == set(extras)
    # No home on the web exists yet, and none is made up.
    assert not metadata.project_urls


def test_the_versions_of_python_are_told_alike() -> None:
    """``requires-python``, the classifiers, and what the tests of this folder try."""
    told = project()
    classifiers, allowed = told["classifiers"], SpecifierSet(str(told["requires-python"]))
    assert isinstance(classifiers, list)
    prefix = "Programming Language :: Python :: "
    assert tuple(each.removeprefix(prefix) for each in classifiers if prefix in each) == VERSIONS
    minors = [f"3.{minor}" for minor in range(30)]
    assert tuple(each for each in minors if allowed.contains(each)) == VERSIONS


def test_the_wheel_needs_what_pyproject_names(wheel: Path) -> None:
    """Without an extra, it is what ``dependencies`` lists."""
    with ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        needed = Metadata.from_email(archive.read(path)).requires_dist or []
    dependencies = project()["dependencies"]
    assert isinstance(dependencies, list)
    plain = {Requirement(str(each)) for each in needed if "extra ==" not in str(each)}
    assert plain == {Requirement(each) for each in dependencies}
