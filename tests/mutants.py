"""``make mutants``: change the code that decides on trust, a little at a time; a test must fail.

    make mutants FILES="pipeline/digest.py pipeline/admission/*"

mutmut changes one expression of a function at a time and runs the tests that call the function;
which files and which tests, ``[tool.mutmut]`` in pyproject.toml says. Without FILES a run goes on
where the last one was stopped: untried mutants and those of changed functions come first, then
once more every unexplained survivor, since a test may have come. With FILES those are tested anew.

Printed are the counts of each file and the diff of each survivor. A survivor is killed by a test
or explained in ``tests/mutants.toml``, where it is known by its file, its function and its changed
lines. The run fails for one that is not explained, and for an explanation that explains nothing.

Not changed: values of modules and classes (a regular expression, a limit), properties and other
decorated functions.
"""

import os
import subprocess
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final, final

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

EXPLAINED: Final = Path("tests/mutants.toml")
CHILDREN: Final = 1
"""Tests at a time: the mutants must not take a shared machine."""

KILLED: Final = ("killed", "timeout")
"""A mutant that takes many times the CPU time of its tests is one that they find."""


@final
@dataclass(frozen=True, slots=True, order=True)
class Mutant:
    """What a mutant is known by, however often it is made anew."""

    file: str
    function: str
    diff: str


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """How the mutants of a file ended, and the survivors with their names for this run."""

    counts: Counter[str]
    survivors: dict[str, Mutant]


def main(patterns: list[str]) -> int:
    """Test the mutants of the files that match; return the exit code."""
    files = [
        path
        for path in sorted(walk_mutatable_files())
        if not patterns or any(fnmatch(str(path), each) for each in patterns)
    ]
    if not files:
        print(f"error: nothing is mutated in {' '.join(patterns)}", file=sys.stderr)
        return 2
    explained = Counter(
        each for each in read_explained() if not patterns or Path(each.file) in files
    )
    if patterns:
        mutate([f"{module_of(path)}.x*" for path in files])
    else:
        mutate([])
        lived = [each for path in files for each in outcome_of(path).survivors.items()]
        again = [name for name, mutant in lived if mutant not in explained]
        if again:
            mutate(again)
    return report({path: outcome_of(path) for path in files}, explained)


def mutate(names: list[str]) -> None:
    """Have mutmut try the mutants of these names; without one, all that have no result yet."""
    program = str(Path(sys.executable).with_name("mutmut"))
    profile = {"HYPOTHESIS_PROFILE": "mutants"}
    command = [program, "run", "--max-children", str(CHILDREN), *names]
    subprocess.run(command, check=True, env=os.environ | profile)


def module_of(path: Path) -> str:
    """Return what mutmut calls a file."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def read_explained() -> list[Mutant]:
    """Read the survivors that are let live, each with its reason."""
    entries = tomllib.loads(EXPLAINED.read_text("utf-8")).get("mutant", [])
    for entry in entries:
        if not entry["reason"].strip():
            raise ValueError(f"{EXPLAINED}: {entry['function']}: no reason")
    return [Mutant(each["file"], each["function"], each["diff"].strip()) for each in entries]


def outcome_of(path: Path) -> Outcome:
    """Read what mutmut has noted of a file."""
    data = SourceFileMutationData(path=path)
    data.load()
    statuses = {name: status_by_exit_code[code] for name, code in data.exit_code_by_key.items()}
    return Outcome(
        Counter(statuses.values()),
        {
            name: describe(path, name)
            for name, status in statuses.items()
            if status not in (*KILLED, "not checked")
        },
    )


def describe(path: Path, name: str) -> Mutant:
    """Tell a mutant by its file, its function and its changed lines."""
    function, owner = orig_function_and_class_names_from_key(name)
    lines = get_diff_for_mutant(name, path=path).splitlines()[2:]
    changed = "\n".join(f"{line[0]} {line[1:].strip()}" for line in lines if line[0] in "+-")
    return Mutant(str(path), f"{owner}.{function}" if owner else function, changed)


def report(outcomes: dict[Path, Outcome], explained: Counter[Mutant]) -> int:
    """Print the counts, the unexplained and the explanations of nothing; 1 if there are such.

    What is not tried yet counts as neither killed nor explained: such a run fails, too.
    """
    survivors = Counter(each for one in outcomes.values() for each in one.survivors.values())
    print(f"{'file':<52}{'mutants':>8}{'killed':>8}{'lived':>8}{'untried':>8}")
    for path, outcome in outcomes.items():
        killed = sum(outcome.counts[status] for status in KILLED)
        untried = outcome.counts["not checked"]
        total = outcome.counts.total()
        print(f"{path!s:<52}{total:>8}{killed:>8}{len(outcome.survivors):>8}{untried:>8}")
    unexplained, stale = survivors - explained, explained - survivors
    for title, mutants in (("survives", unexplained), ("explained, and gone", stale)):
        for mutant in sorted(mutants.elements()):
            print(f"\n{title}: {mutant.file} {mutant.function}\n{mutant.diff}")
    untried = sum(outcome.counts["not checked"] for outcome in outcomes.values())
    print(f"\n{survivors.total()} lived, {unexplained.total()} unexplained; {untried} untried")
    return 1 if unexplained or stale or untried else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
