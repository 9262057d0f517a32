"""What users' type checkers see: the project in ``downstream/``, judged by the built wheel alone.

mypy and pyright, both strict and without plugins, run in a clean environment; nothing of this
tree, its stubs included, is there.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.packaging.wheels import LOCK, ROOT, build, make_environment, project, run

pytestmark = pytest.mark.peer

TOOLS: Final = ROOT / ".venv"
IGNORE: Final = re.compile(r"\s*# (?:type|pyright): ignore.*")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of a clean environment with the wheel and all of its extras."""
    folder = tmp_path_factory.mktemp("downstream")
    wheel = build("wheel", ROOT, folder / "wheel")
    extras = project()["optional-dependencies"]
    assert isinstance(extras, dict)
    wanted = Path(f"{wheel}[{','.join(extras)}]")
    return make_environment(folder / "environment", Path(sys.executable), LOCK, wanted)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """Return a copy of the project, away from this tree."""
    source = Path(__file__).parent / "downstream"
    return Path(shutil.copytree(source, tmp_path / "downstream"))


def pyright(python: Path, folder: Path, *arguments: str) -> dict[str, object]:
    """Run pyright as somebody does who activated the environment; return its report."""
    done = subprocess.run(
        [
            shutil.which("node", path=TOOLS / "bin") or "node",
            TOOLS / "pyright" / "node_modules" / "pyright" / "index.js",
            "--outputjson",
            *arguments,
        ],
        cwd=folder,
        env={"PATH": f"{python.parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    report: dict[str, object] = json.loads(done.stdout)
    return report


def by_mypy(python: Path, folder: Path) -> set[tuple[str, int]]:
    """Return the file and line of each error of mypy's."""
    report = ("--output=json", "--no-error-summary")
    done = subprocess.run(
        [TOOLS / "bin" / "mypy", *report, "--python-executable", python, "gatehouse"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == (1 if told else 0)
    return {(each["file"], each["line"]) for each in told if each["severity"] == "error"}


def by_pyright(python: Path, folder: Path) -> set[tuple[str, int]]:
    """Return the file and line of each error and warning of pyright's."""
    report = pyright(python, folder)
    told, summary = report["generalDiagnostics"], report["summary"]
    assert isinstance(told, list)
    assert isinstance(summary, dict)
    assert summary["filesAnalyzed"] == len(list((folder / "gatehouse").iterdir()))
    return {
        (str(Path(each["file"]).relative_to(folder)), each["range"]["start"]["line"] + 1)
        for each in told
    }


Checker = Callable[[Path, Path], set[tuple[str, int]]]
both = pytest.mark.parametrize("checker", [by_mypy, by_pyright])


@both
def test_right_compositions_pass(checker: Checker, python: Path, example: Path) -> None:
    """With the exact unions of errors, and no ignore that would not be needed."""
    assert checker(python, example) == set()


@both
def test_wrong_ones_are_refused(checker: Checker, python: Path, example: Path) -> None:
    """A wrong order, a forgotten error, half a port: each line is refused, and nothing else."""
    refused = example / "gatehouse" / "refused.py"
    lines = refused.read_text().splitlines()
    refused.write_text("\n".join(IGNORE.sub("", line) for line in lines) + "\n")
    wrong = {number for number, line in enumerate(lines, 1) if IGNORE.search(line)}
    assert len(wrong) >= 11
    assert checker(python, example) == {("gatehouse/refused.py", number) for number in wrong}


def test_it_works_as_it_is_typed(python: Path, example: Path) -> None:
    """An own transport, stage and store, in one pipeline."""
    shown = run(python, "-m", "gatehouse", folder=example)
    assert shown == "in\nnot on the list\nlater\n['example.com/app']\n"


def test_every_public_name_has_its_type(python: Path, tmp_path: Path) -> None:
    """pyright knows each, and infers none that another checker might infer otherwise."""
    symbols = verified(python, tmp_path, "pipeline", "--ignoreexternal")["symbols"]
    assert isinstance(symbols, list)
    public = [each for each in symbols if each["isExported"]]
    assert len(public) > 1_000
    vague = [each for each in public if each["isTypeAmbiguous"] or not each["isTypeKnown"]]
    assert not vague, "\n".join(each["name"] for each in vague)


def test_no_public_name_hangs_on_stubs_that_do_not_ship(python: Path, tmp_path: Path) -> None:
    """pgpy has no types, and only ``adapters.openpgp`` imports it (checked by `make imports`)."""
    symbols = verified(python, tmp_path, "pipeline.adapters.openpgp")["symbols"]
    assert isinstance(symbols, list)
    homes = {each["name"].split(".")[0] for each in symbols}
    assert "cryptography" in homes
    assert "pgpy" not in homes


def verified(python: Path, folder: Path, *arguments: str) -> dict[str, object]:
    """Return how complete the types of a package's public names are."""
    report = pyright(python, folder, "--verifytypes", *arguments)["typeCompleteness"]
    assert isinstance(report, dict)
    return report
