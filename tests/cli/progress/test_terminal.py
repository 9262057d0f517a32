"""The command on a real terminal, and a person who has seen enough."""

import os
import pty
import select
import signal
import sys
import time

from tests.support.terminal import Terminal
from tests.support.world import REFERENCE, World, make_image

SECONDS = 20


def test_an_interrupt_leaves_an_error_and_a_clean_terminal(world: World) -> None:
    world.trust()
    world.publish(make_image(content=os.urandom(8 * 1024 * 1024)))
    command = [sys.executable, "-m", "pipeline", "fetch", "--limit-rate=1M", REFERENCE]
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"NO_COLOR", "COLUMNS", "LINES", "CI"}
    }
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], command, environment | {"TERM": "xterm"})
    seen = Terminal()
    deadline = time.monotonic() + SECONDS
    try:
        while "%" not in seen.getvalue() and time.monotonic() < deadline:
            read(terminal, seen)
        assert "app-1.2.0" in seen.getvalue()
        # Not as the key: the kernel drops what was written last and not read yet.
        os.kill(pid, signal.SIGINT)
        while read(terminal, seen) and time.monotonic() < deadline:
            pass
    finally:
        os.close(terminal)
        status = os.waitpid(pid, 0)[1]
    assert os.waitstatus_to_exitcode(status) == 130
    assert [line.partition(": ")[0] for line in seen.screen if line] == ["error", "hint"]


def read(terminal: int, seen: Terminal) -> bool:
    """Take in what is written within a moment; False after the end."""
    if select.select([terminal], [], [], 0.1)[0]:
        try:
            seen.write(os.read(terminal, 4096).decode())
        except OSError:  # Linux says so where the other side is closed
            return False
    return True
