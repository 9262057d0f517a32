"""The code blocks of a document: found, and run as a reader would.

    blocks: path -> Block, ...      run_page: path, folder -> what went wrong, a line each

A page runs from its first block to its last in one folder. ``console`` blocks are typed into one
shell, their output compared, where ``…`` stands for anything; a ``python`` block that the text
before it names (as `name.py`) is saved, one with ``>>>`` is doctested with the names of those
before it.
"""

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

_BLOCK: Final = re.compile(
    r"^(?P<not_run><!-- not run: (?P<why>[^\n]+) -->\n)?"
    r"(?P<indent> *)```(?P<language>\S*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_SAVED: Final = re.compile(r"as `(?P<name>[a-z_]+\.py)`:\s*\Z")
_END: Final = "--end of output--"


@final
@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; ``why_not`` says why it cannot run, ``saved_as`` where it is to be saved."""

    page: Path
    line: int
    language: str
    text: str
    why_not: str = ""
    saved_as: str = ""


def blocks(page: Path) -> Iterator[Block]:
    """Yield a document's fenced blocks, in order."""
    text = page.read_text()
    for found in _BLOCK.finditer(text):
        saved = _SAVED.search(text[: found.start()])
        yield Block(
            page,
            text.count("\n", 0, found.start("indent")) + 1,
            found["language"],
            found["text"],
            found["why"] or "",
            saved["name"] if saved else "",
        )


def run_page(page: Path, folder: Path) -> list[str]:
    """Run a page's blocks in an empty folder; return what was not as the page says.

    Consecutive ``console`` blocks share their shell's folder and variables with all others.
    """
    state = folder / ".shell"
    names: dict[str, object] = {}
    here = folder
    wrong: list[str] = []
    for block in blocks(page):
        if block.why_not:
            continue
        if block.language == "console":
            wrong += _type(block, here, state)
            here = Path((state.with_suffix(".cwd")).read_text().strip())
        elif block.saved_as:
            (here / block.saved_as).write_text(block.text)
        elif block.language == "python":
            wrong += _doctest(block, here, names)
    return wrong


def commands(text: str) -> list[tuple[str, str]]:
    """Return the commands of a ``console`` block, each with the output that follows it.

    >>> commands("$ echo a\\na\\n$ true\\n")
    [('echo a', 'a\\n'), ('true', '')]
    """
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert parts[0] == "", f"output before a command: {parts[0]!r}"
    split = (part.partition("\n") for part in parts[1:])
    return [(command, output) for command, _, output in split]


def fits(output: str, wanted: str) -> bool:
    """Tell whether an output is as a page says: ``…`` is anything, on a line of its own any lines.

    Blanks within a line count as one, as tables are as wide as what is in them.

    >>> fits("by 58eb, now", "by …, now"), fits("by 58eb, then", "by …, now"), fits("a\\nb", "a…")
    (True, False, False)
    """
    return (
        re.fullmatch("".join(map(_pattern, wanted.rstrip().splitlines() or [""])), _plain(output))
        is not None
    )


def _pattern(line: str) -> str:
    if line == "…":
        return r"(?:.*\n)*"
    return r" ?.* ?".join(re.escape(_plain(part)[:-1]) for part in line.split("…")) + r"\n"


def _plain(text: str) -> str:
    return "".join(f"{' '.join(line.split())}\n" for line in text.rstrip().splitlines()) or "\n"


def _type(block: Block, folder: Path, state: Path) -> list[str]:
    """Type a block's commands into a shell that goes on where the last one ended."""
    typed = commands(block.text)
    lines = [f". {state}" if state.exists() else "set +e"]
    for command, _ in typed:
        lines += [command, f"__code=$?; echo; echo '{_END}'; (exit $__code)"]
    lines += [f"declare -px > {state}", f"pwd > {state.with_suffix('.cwd')}"]
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=folder,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    outputs = done.stdout.split(f"\n{_END}\n")
    assert len(outputs) == len(typed) + 1, f"{block.page.name}:{block.line}: {done.stdout}"
    return [
        f"{block.page.name}:{block.line}: $ {command}\nprinted\n{output}\nwanted\n{wanted}"
        for (command, wanted), output in zip(typed, outputs, strict=False)
        if not fits(output, wanted)
    ]


def _doctest(block: Block, folder: Path, names: dict[str, object]) -> list[str]:
    test = doctest.DocTestParser().get_doctest(
        block.text, names, block.page.name, str(block.page), block.line
    )
    assert test.examples, f"{block.page.name}:{block.line} has no example"
    said: list[str] = []
    before = Path.cwd()
    os.chdir(folder)
    try:
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE, verbose=False)
        runner.run(test, out=said.append, clear_globs=False)
    finally:
        os.chdir(before)
    names.update(test.globs)
    return said
