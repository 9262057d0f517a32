"""What the package exports is what it says it exports."""

import ast
import subprocess
import sys
from pathlib import Path

import pipeline


def test_every_public_name_can_be_imported() -> None:
    for name in pipeline.__all__:
        assert getattr(pipeline, name) is not None


def test_all_is_sorted_and_complete() -> None:
    """The names for the type checker, those at run time and ``__all__`` are the same."""
    tree = ast.parse(Path(pipeline.__file__).read_text())
    imported = {
        alias.asname: node.module
        for branch in tree.body
        if isinstance(branch, ast.If)
        for node in branch.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted(pipeline.__all__) == dir(pipeline) == sorted(name for name in imported if name)
    for name, module in imported.items():
        assert getattr(sys.modules[str(module)], str(name)) is getattr(pipeline, str(name))


def test_an_unknown_name_is_refused() -> None:
    assert not hasattr(pipeline, "nonsense")


def test_help_imports_nothing_heavy() -> None:
    """``--help`` must answer at once: no HTTP stack, no OpenPGP, no errors' 60 classes."""
    code = (
        "import sys; from pipeline.cli.main import run; run(['--help']);"
        "print(sorted({'httpx', 'httpcore', 'pgpy', 'cryptography', 'rich', 'pipeline.errors'}"
        " & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
