"""The real shells: what they make of a line and TAB, with our script for them."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.peers.nginx import need_tool

pytestmark = pytest.mark.peer

SECONDS = 20
READY = "ready>"
DO_NOTHING = b"\x01: \n"

LINES = [
    ("image-pipeline fe", "image-pipeline fetch"),
    ("image-pipeline fetch --pull-p", "image-pipeline fetch --pull-policy"),
    ("image-pipeline fetch --pull-policy up", "image-pipeline fetch --pull-policy update"),
    ("image-pipeline fetch --pull-policy=up", "image-pipeline fetch --pull-policy=update"),
    ("image-pipeline fetch ./m", "image-pipeline fetch ./my.aci"),
    ("image-pipeline fetch --ca-file=./m", "image-pipeline fetch --ca-file=./my.aci"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my.aci").touch()
    program = tmp_path / "bin" / "image-pipeline"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pipeline "$@"\n')
    program.chmod(0o755)
    return tmp_path


def script(shell: str) -> str:
    command = [sys.executable, "-m", "pipeline", "completion", shell]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def bash(folder: Path) -> list[str]:
    (folder / "bashrc").write_text(f"PS1='{READY}'\n{script('bash')}")
    return [need_tool("bash"), "--rcfile", str(folder / "bashrc"), "-i"]


def zsh(folder: Path) -> list[str]:
    (folder / "_image-pipeline").write_text(script("zsh"))
    (folder / ".zshrc").write_text(
        f"PS1='{READY}'; unset zle_bracketed_paste; unsetopt prompt_sp; fpath=('{folder}' $fpath)\n"
        f"autoload -Uz compinit; compinit -u -d '{folder}/dump'\n"
    )
    return [need_tool("zsh"), "-i"]


@pytest.mark.parametrize("start", [bash, zsh])
def test_line_editors(start: Callable[[Path], list[str]], folder: Path) -> None:
    """A person types a line and TAB, looks at what comes, and goes on to the next line."""
    command = start(folder)
    environment = {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "HOME": str(folder),
        "ZDOTDIR": str(folder),
        "TERM": "dumb",
    }
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execve(command[0], command, environment)
    editor = Editor(terminal)
    try:
        for line, completed in LINES:
            assert editor.wait_for(READY) == READY
            os.write(terminal, f"{line}\t".encode())
            assert editor.wait_for(READY + completed) == READY + completed
            os.write(terminal, DO_NOTHING)  # with all that is on the line
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


class Editor:
    """What a shell shows on its terminal."""

    def __init__(self, terminal: int) -> None:
        self.terminal = terminal
        self.shown = b""

    def wait_for(self, line: str) -> str:
        """Wait until this line is edited; return the one that is, if need be when time is up."""
        deadline = time.monotonic() + SECONDS
        while self.line != line.rstrip() and time.monotonic() < deadline:
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.shown += os.read(self.terminal, 4096)
        return self.line

    @property
    def line(self) -> str:
        """The last line, without what was written over by going back."""
        line, column = "", 0
        for character in self.shown.decode(errors="replace").rpartition("\n")[2]:
            if character == "\b":
                column -= 1
            elif character == "\r":
                column = 0
            elif character.isprintable():
                line = line[:column] + character + line[column + 1 :]
                column += 1
        return line.rstrip()


def test_fish(folder: Path) -> None:
    """fish tells what it would offer for the last word, with help after a tab."""
    (folder / "completion.fish").write_text(script("fish"))
    help_line = "image-pipeline fetch --max-s"
    asked = [*(line for line, _ in LINES), help_line]
    questions = "; ".join(f"complete -C {line!r}; echo" for line in asked)
    done = subprocess.run(
        [need_tool("fish"), "--no-config", "-c", f"source completion.fish; {questions}"],
        cwd=folder,
        env={"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    *offered, helpful = done.stdout.strip().split("\n\n")
    assert [each.partition("\t")[0] for each in offered] == [
        completed.split()[-1] for _, completed in LINES
    ]
    assert "as it travels, as 500M or 32GiB." in helpful
