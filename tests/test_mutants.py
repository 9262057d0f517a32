"""The report of ``make mutants``: it fails for what is not explained, and for what is gone."""

from collections import Counter
from pathlib import Path

import pytest

from tests.mutants import Mutant, Outcome, module_of, report

PATH = Path("pipeline/digest.py")
MUTANT = Mutant(str(PATH), "parse", "- a\n+ b")


@pytest.mark.parametrize(
    ("survivors", "explained", "code"),
    [
        ([], [], 0),
        ([MUTANT], [MUTANT], 0),
        ([MUTANT], [], 1),
        ([], [MUTANT], 1),
        ([MUTANT, MUTANT], [MUTANT], 1),
    ],
)
def test_every_survivor_is_explained_and_every_explanation_has_one(
    survivors: list[Mutant],
    explained: list[Mutant],
    code: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = {f"mutant-{number}": each for number, each in enumerate(survivors)}
    outcome = Outcome(Counter(killed=3, survived=len(survivors)), names)
    assert report({PATH: outcome}, Counter(explained)) == code
    assert ("- a\n+ b" in capsys.readouterr().out) == bool(code)


def test_what_was_not_tried_is_not_passed() -> None:
    assert report({PATH: Outcome(Counter({"killed": 3, "not checked": 1}), {})}, Counter()) == 1


def test_a_package_is_called_by_its_folder() -> None:
    assert module_of(PATH) == "pipeline.digest"
    assert module_of(Path("pipeline/stages/download/__init__.py")) == "pipeline.stages.download"
