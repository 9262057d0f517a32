"""Credential helpers as real programs: those that answer, and those that misbehave."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.adapters import SystemClock
from pipeline.adapters.containers import CredentialHelpers, read_logins
from pipeline.adapters.containers.auth_json import Helper
from pipeline.events import Event, Noticed
from pipeline.limits import CREDENTIAL_HELPER_BYTES
from pipeline.logins import IdentityToken, Login, UserPassword
from pipeline.secret import Secret
from tests.adapters.containers.cases import paths_in, put
from tests.peers.nginx import need_tool

pytestmark = pytest.mark.peer

SERVER = "https://index.docker.io/v1/"
CANARY = "hunter2"
ANSWER = f"""{{"ServerURL": "s", "Username": "me", "Secret": "{CANARY}"}}"""
ME = UserPassword(Secret("me"), Secret(CANARY))


class Programs:
    """A folder of helpers, and who runs them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        need_tool("sh")
        self.folder = folder
        self.notices: list[str] = []
        monkeypatch.chdir(folder)

    def on_event(self, event: Event) -> None:
        assert isinstance(event, Noticed)
        assert event.kind == "credential-helper"
        self.notices.append(event.message)

    def write(self, script: str, name: str = "x", *, mode: int = 0o755) -> None:
        path = put(self.folder / "bin" / f"docker-credential-{name}", f"#!/bin/sh\n{script}\n")
        path.chmod(mode)

    def runner(self, *, seconds: float = 20, path: str | None = None) -> CredentialHelpers:
        environment = {
            "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin" if path is None else path,
            "KEYRING": "mine",
        }
        return CredentialHelpers(environment, SystemClock(), self, seconds=seconds)

    def ask(self, script: str, *, seconds: float = 20) -> Login | None:
        self.write(script)
        return self.runner(seconds=seconds).ask(Helper("x", SERVER))

    def file(self, name: str) -> str:
        return (self.folder / name).read_text()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(tmp_path, monkeypatch)


def eventually(holds: Callable[[], bool]) -> bool:
    """Wait a little for what the kernel does in its own time."""
    ends_at = time.monotonic() + 10
    while not holds():
        if time.monotonic() > ends_at:
            return False
        time.sleep(0.02)
    return True


def is_gone(pid: str) -> bool:
    """Tell whether a process has ended, reaped by whoever inherited it or not."""
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


class TestWhoAnswers:
    """The server on stdin, the document on stdout."""

    def test_user_and_password(self, programs: Programs) -> None:
        script = f'cat > asked; echo "$#" "$1" "$KEYRING" > called; echo \'{ANSWER}\''
        assert programs.ask(script) == ME
        assert programs.file("asked") == SERVER
        assert programs.file("called") == "1 get mine\n"
        assert programs.notices == []

    def test_identity_token(self, programs: Programs) -> None:
        token = json.dumps({"Username": "<token>", "Secret": CANARY})
        assert programs.ask(f"echo '{token}'") == IdentityToken(Secret(CANARY))

    @pytest.mark.parametrize(
        "script",
        [
            "echo credentials not found in native keychain; exit 1",
            "true",
            """echo '{"Username": "", "Secret": "x"}'""",
            """echo '{"Username": "me", "Secret": ""}'""",
            """echo '{"Username": "<token>", "Secret": ""}'""",
        ],
    )
    def test_nothing_is_kept(self, programs: Programs, script: str) -> None:
        assert programs.ask(script) is None
        assert programs.notices == []

    def test_one_that_does_not_want_to_know_which_server(self, programs: Programs) -> None:
        assert programs.ask(f"exec < /dev/null; echo '{ANSWER}'") == ME

    def test_is_asked_each_time(self, programs: Programs) -> None:
        """What it keeps may be another thing in an hour."""
        programs.write(f"echo run >> runs; echo '{ANSWER}'")
        runner = programs.runner()
        assert runner.ask(Helper("x", SERVER)) == runner.ask(Helper("x", SERVER)) == ME
        assert programs.file("runs") == "run\nrun\n"

    def test_has_a_session_of_its_own(self, programs: Programs) -> None:
        """It cannot read from the terminal, nor take it over."""
        assert programs.ask(f"cat /proc/$$/stat > stat; echo '{ANSWER}'") == ME
        pid, _, fields = programs.file("stat").partition(" (")
        _state, _parent, _group, session, *_ = fields.rpartition(")")[2].split()
        assert session == pid

    def test_has_no_other_file_of_ours(self, programs: Programs) -> None:
        with (programs.folder / "held-by-us").open("w") as file:
            os.set_inheritable(file.fileno(), True)
            assert programs.ask(f"ls -l /proc/$$/fd > open; echo '{ANSWER}'") == ME
        assert "held-by-us" not in programs.file("open")


class TestWhoFails:
    """A notice, once; whatever is public can be had without."""

    def check(self, programs: Programs, reason: str) -> None:
        assert programs.notices == [f'docker-credential-x {reason}; "{SERVER}" is asked as anybody']

    def test_is_not_there(self, programs: Programs) -> None:
        runner = programs.runner()
        assert runner.ask(Helper("x", SERVER)) is None
        assert runner.ask(Helper("x", SERVER)) is None
        self.check(programs, "is not there")

    @pytest.mark.parametrize("path", ["", ".", "bin", ":bin:"])
    def test_is_not_looked_for_here(self, programs: Programs, path: str) -> None:
        programs.write(f"echo '{ANSWER}'")
        programs.write("touch ran")
        assert programs.runner(path=path).ask(Helper("x", SERVER)) is None
        self.check(programs, "is not there")
        assert not (programs.folder / "ran").exists()

    def test_may_not_be_run(self, programs: Programs) -> None:
        programs.write(f"echo '{ANSWER}'", mode=0o644)
        assert programs.runner().ask(Helper("x", SERVER)) is None
        self.check(programs, "is not there")

    def test_is_no_program(self, programs: Programs) -> None:
        put(programs.folder / "bin/docker-credential-x", "\0").chmod(0o755)
        assert programs.runner().ask(Helper("x", SERVER)) is None
        self.check(programs, "cannot be run")

    def test_says_why(self, programs: Programs, capfd: pytest.CaptureFixture[str]) -> None:
        """Nothing of what it says is shown, wherever it says it."""
        assert programs.ask(f"echo {CANARY} >&2; echo {CANARY}; exit 3") is None
        self.check(programs, "fails with status 3")
        assert capfd.readouterr() == ("", "")

    def test_fails_with_an_answer(self, programs: Programs) -> None:
        assert programs.ask(f"echo '{ANSWER}'; exit 1") is None
        self.check(programs, "fails with status 1")

    def test_is_killed_by_somebody_else(self, programs: Programs) -> None:
        assert programs.ask("kill -9 $$") is None
        self.check(programs, "fails with status -9")

    @pytest.mark.parametrize(
        "said", [CANARY, "{", '{"Secret": 1', f'{{"{CANARY}": 1, "{CANARY}": 2}}']
    )
    def test_says_what_is_no_document(self, programs: Programs, said: str) -> None:
        assert programs.ask(f"printf '%s' '{said}'") is None
        self.check(programs, "says what is no JSON")

    @pytest.mark.parametrize(
        "said", ["[]", "{}", '{"Username": "me"}', '{"Username": 1, "Secret": "x"}', '"x"']
    )
    def test_says_another_thing(self, programs: Programs, said: str) -> None:
        assert programs.ask(f"echo '{said}'") is None
        self.check(programs, "names no Username and Secret")

    def test_is_not_run_again_for_that_server(self, programs: Programs) -> None:
        programs.write("echo run >> runs; exit 1")
        runner = programs.runner()
        for server in ("a", "a", "b"):
            assert runner.ask(Helper("x", server)) is None
        assert programs.file("runs") == "run\nrun\n"
        assert len(programs.notices) == 2


class TestWhoGoesOnAndOn:
    """Killed, with all that it has started, once it has had its time or said enough."""

    def test_slow(self, programs: Programs) -> None:
        started = time.monotonic()
        script = "sleep 300 & echo $! > child; echo $$ > own; sleep 300"
        assert programs.ask(script, seconds=1) is None
        assert time.monotonic() - started < 60
        TestWhoFails().check(programs, "has not answered in 1 seconds")
        assert eventually(lambda: is_gone(programs.file("child").strip()))
        assert is_gone(programs.file("own").strip())

    def test_slow_to_end(self, programs: Programs) -> None:
        script = f"echo $$ > own; echo '{ANSWER}'; exec >&-; sleep 300"
        assert programs.ask(script, seconds=1) is None
        TestWhoFails().check(programs, "has not ended in 1 seconds")
        assert is_gone(programs.file("own").strip())

    def test_ends_and_leaves_somebody_behind(self, programs: Programs) -> None:
        """Who holds its stdout open: nobody can tell whether all was said."""
        script = f"sleep 300 & echo $! > child; echo '{ANSWER}'"
        assert programs.ask(script, seconds=1) is None
        TestWhoFails().check(programs, "has not answered in 1 seconds")
        assert eventually(lambda: is_gone(programs.file("child").strip()))

    def test_drop_by_drop(self, programs: Programs) -> None:
        """The time is for all of it, not for each silence."""
        assert programs.ask("while :; do echo; sleep 0.1; done", seconds=1) is None
        TestWhoFails().check(programs, "has not answered in 1 seconds")

    def test_endless(self, programs: Programs) -> None:
        assert programs.ask("echo $$ > own; exec yes") is None
        TestWhoFails().check(programs, f"says more than {CREDENTIAL_HELPER_BYTES} bytes")
        assert is_gone(programs.file("own").strip())

    @pytest.mark.parametrize("more", [0, 1])
    def test_how_much(self, programs: Programs, more: int) -> None:
        blank = CREDENTIAL_HELPER_BYTES - len(ANSWER) + more
        login = programs.ask(f"printf '%{blank}s%s' '' '{ANSWER}'")
        assert login == (None if more else ME)


class TestWhichIsRun:
    """Only the one that the files name for a registry."""

    def test_each(self, programs: Programs) -> None:
        for name in ("own", "store"):
            programs.write(f"cat > asked-{name}; echo '{ANSWER}'", name)
        paths = paths_in(programs.folder)
        document = {
            "auths": {"b.corp": {"auth": "eW91Ong="}, "https://c.corp/v1/": {}},
            "credHelpers": {"a.corp": "own"},
            "credsStore": "store",
        }
        put(paths.logins[0], json.dumps(document))
        logins = read_logins(paths, programs.runner()).unwrap()
        assert logins.login_for("b.corp", "x").unwrap() == UserPassword(Secret("you"), Secret("x"))
        assert not list(programs.folder.glob("asked-*"))
        assert logins.login_for("a.corp", "x").unwrap() == ME
        assert [path.name for path in programs.folder.glob("asked-*")] == ["asked-own"]
        assert programs.file("asked-own") == "a.corp"
        assert logins.login_for("c.corp", "x").unwrap() == ME
        assert programs.file("asked-store") == "https://c.corp/v1/"
