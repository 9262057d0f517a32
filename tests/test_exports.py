"""What the packages export is what they say they export."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

PACKAGES = ["pipeline", "pipeline.adapters", "pipeline.adapters.http", "pipeline.testing"]


@pytest.mark.parametrize("package", PACKAGES)
def test_all_is_sorted_and_complete(package: str) -> None:
    """What type checkers see, what is there at run time, and ``__all__`` are the same."""
    module = import_module(package)
    tree = ast.parse(Path(str(module.__file__)).read_text())
    imported = {
        alias.asname: node.module
        for branch in tree.body
        if isinstance(branch, ast.If)
        for node in branch.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert module.__all__ == sorted(str(name) for name in imported)
    for name, home in imported.items():
        assert getattr(module, str(name)) is getattr(import_module(str(home)), str(name))


@pytest.mark.parametrize("package", PACKAGES)
def test_an_unknown_name_is_refused(package: str) -> None:
    assert not hasattr(import_module(package), "nonsense")


def test_help_imports_nothing_heavy() -> None:
    """``--help`` must answer at once: no HTTP stack, no OpenPGP, none of the errors' classes."""
    code = (
        "import sys; from pipeline.cli.main import run; run(['--help']);"
        "print(sorted({'httpx', 'httpcore', 'pgpy', 'cryptography', 'rich', 'pipeline.errors'}"
        " & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
