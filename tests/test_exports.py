"""What the packages export is what they say they export."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import pipeline
from pipeline import errors, ports

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


def test_a_port_is_written_with_public_names_alone() -> None:
    """Whatever a port's methods take and give can be imported from where users are told to."""
    tree = ast.parse(Path(str(ports.__file__)).read_text())
    imported = {
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("pipeline.")
        for alias in node.names
    }
    used = {
        each.id
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for each in ast.walk(node)
        if isinstance(each, ast.Name)
    }
    assert imported & used <= {*pipeline.__all__, *errors.__all__}


def test_help_imports_nothing_heavy() -> None:
    """``--help`` must answer at once: no HTTP stack, no OpenPGP, none of the errors' classes."""
    code = (
        "import sys; from pipeline.cli.main import run; run(['--help']);"
        "print(sorted({'httpx', 'httpcore', 'pgpy', 'cryptography', 'rich', 'pipeline.errors'}"
        " & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
