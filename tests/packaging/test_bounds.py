"""Both ends of what ``pyproject.toml`` allows are locked, and these ends are what gets tested.

The newest is ``.ci/requirements.txt``, which every test runs with; the lowest is
``.ci/lowest-requirements.txt``, which ``make bounds`` runs with.
"""

from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.packaging.bounds import TRIED
from tests.packaging.wheels import LOCK, LOWEST, ROOT, project


def direct() -> list[Requirement]:
    """Return what the package and its extras need."""
    table = project()
    dependencies, extras = table["dependencies"], table["optional-dependencies"]
    assert isinstance(dependencies, list)
    assert isinstance(extras, dict)
    return [
        Requirement(each) for each in (*dependencies, *(n for ns in extras.values() for n in ns))
    ]


def locked(path: Path) -> dict[str, Version]:
    """Return the versions of a file of locked requirements."""
    pins = (line for line in path.read_text().splitlines() if "==" in line.split(";")[0])
    pairs = (pin.split(";")[0].rstrip(" \\").split("==") for pin in pins)
    return {name.strip(): Version(version.strip()) for name, version in pairs}


@pytest.mark.parametrize("requirement", direct(), ids=lambda each: str(each.name))
def test_each_requirement_is_bounded_and_its_ends_are_tested(requirement: Requirement) -> None:
    bounds = {each.operator: Version(each.version) for each in requirement.specifier}
    assert set(bounds) == {">=", "<"}
    assert locked(LOWEST)[requirement.name] == bounds[">="]
    assert requirement.specifier.contains(locked(LOCK)[requirement.name])


def test_each_requirement_has_tests_that_the_lowest_run() -> None:
    assert set(TRIED) == {each.name for each in direct()}
    assert [path for paths in TRIED.values() for path in paths if not (ROOT / path).exists()] == []
