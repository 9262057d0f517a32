"""Credential helpers, the only programs that are ever started: ``Helper -> Login | None``.

``docker-credential-<name> get`` reads a server from its stdin and writes a document to its stdout:
``{"ServerURL": …, "Username": …, "Secret": …}``. The user ``<token>`` means that the secret is an
identity token; the failure ``credentials not found in native keychain``, that there is none.

Source: docker-credential-helpers v0.8.0 ``README.md`` "Development", ``client/client.go``,
``credentials/error.go``; docker 24.0 ``docs/reference/commandline/login.md``.

1. A helper is run where a file names it for that very registry, or for all; only that one.
2. There is no shell. The name has no slash (:mod:`.auth_json`), and is looked for in the folders of
   ``PATH``, never in the current one.
3. It inherits the environment, as with docker: helpers find their keyrings by it. It has a session
   of its own, so it cannot read from the terminal, and no other file is open in it.
4. It has CREDENTIAL_HELPER_SECONDS and CREDENTIAL_HELPER_BYTES; beyond these it is killed, with
   whatever it has started.
5. What it writes is never shown, on stdout or on stderr.

A helper that fails is told of once, and not run again for that server: what is public can be had
without it. What a helper gave is not kept: it may be another thing in an hour.
"""

import os
import select
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.containers.auth_json import Helper
from pipeline.events import SILENCE, Noticed, Observer, tell
from pipeline.limits import (
    CREDENTIAL_HELPER_BYTES,
    CREDENTIAL_HELPER_SECONDS,
    CREDENTIALS_DEPTH,
)
from pipeline.logins import IdentityToken, Login, UserPassword
from pipeline.ports import Clock
from pipeline.secret import Secret
from pipeline.strict_json import parse_json
from pipeline.text import quoted

_TOKEN_USER: Final = "<token>"  # noqa: S105 - a word of the protocol
_NOT_FOUND: Final = b"credentials not found in native keychain"


@final
class CredentialHelpers:
    """Runs helpers, one at a time, for whichever thread asks."""

    def __init__(
        self,
        environment: Mapping[str, str],
        clock: Clock,
        observer: Observer = SILENCE,
        *,
        seconds: float = CREDENTIAL_HELPER_SECONDS,
    ) -> None:
        """Give every helper this environment and so many seconds; tell ``observer`` of failures."""
        self._environment = environment
        self._clock = clock
        self._observer = observer
        self._seconds = seconds
        self._lock = threading.Lock()
        self._failed: set[Helper] = set()

    def ask(self, helper: Helper) -> Login | None:
        """Return what a helper keeps for a server; None for nothing, and where it fails."""
        with self._lock:
            if helper in self._failed:
                return None
            program = f"docker-credential-{helper.name}"
            outcome = self._run(program, helper.server).bind(_parse_answer)
            if is_successful(outcome):
                return outcome.unwrap()
            self._failed.add(helper)
        reason = outcome.failure()
        message = f"{program} {reason}; {quoted(helper.server)} is asked as anybody"
        tell(self._observer, Noticed("credential-helper", message))
        return None

    def _run(self, program: str, server: str) -> Result[bytes, str]:
        """Return what a program says of a server; empty where it has nothing."""
        # 2. Somebody else may have put a program into the current folder.
        path = shutil.which(program, path=self._environment.get("PATH", os.defpath))
        if path is None or not Path(path).is_absolute():
            return Failure("is not there")
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell, and a name that was checked
                [path, "get"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=dict(self._environment),
                start_new_session=True,
            )
        except (OSError, ValueError):
            return Failure("cannot be run")
        try:
            return self._converse(process, server)
        finally:
            _end(process)

    def _converse(self, process: subprocess.Popen[bytes], server: str) -> Result[bytes, str]:
        ends_at = self._clock.monotonic() + self._seconds
        # One that does not want to know which server has closed its end. What is written fits
        # into the pipe, so nobody waits for a reader.
        with suppress(OSError), _stream(process.stdin) as stdin:
            stdin.write(server.encode(errors="replace"))
        said = bytearray()
        stdout = _stream(process.stdout)
        poll = select.poll()
        poll.register(stdout, select.POLLIN)
        # 4. Both limits hold while it speaks, not once it has ended.
        while True:
            left = ends_at - self._clock.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                return Failure(f"has not answered in {self._seconds:g} seconds")
            chunk = os.read(stdout.fileno(), CREDENTIAL_HELPER_BYTES + 1 - len(said))
            said += chunk
            if len(said) > CREDENTIAL_HELPER_BYTES:
                return Failure(f"says more than {CREDENTIAL_HELPER_BYTES} bytes")
            if not chunk:
                break
        try:
            status = process.wait(max(0.0, ends_at - self._clock.monotonic()))
        except subprocess.TimeoutExpired:
            return Failure(f"has not ended in {self._seconds:g} seconds")
        if status == 0:
            return Success(bytes(said))
        # 5. Any other word of a failure may hold anything.
        is_nothing = bytes(said).strip() == _NOT_FOUND
        return Success(b"") if is_nothing else Failure(f"fails with status {status}")


def _stream(pipe: IO[bytes] | None) -> IO[bytes]:
    """Return a pipe that was asked for, which the types of subprocess do not know."""
    if pipe is None:
        raise AssertionError("a pipe was asked for")
    return pipe


def _end(process: subprocess.Popen[bytes]) -> None:
    """Make an end of a program that has not ended by itself, and of all in its session."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    _stream(process.stdout).close()


def _parse_answer(untrusted: bytes) -> Result[Login | None, str]:
    """Read what a helper says on its stdout; an empty user or secret is none."""
    if not untrusted:
        return Success(None)
    document = parse_json(
        untrusted, max_bytes=CREDENTIAL_HELPER_BYTES, max_depth=CREDENTIALS_DEPTH, is_secret=True
    )
    if not is_successful(document):
        return Failure("says what is no JSON")
    user, secret = (document.unwrap().member(name).value for name in ("Username", "Secret"))
    if not isinstance(user, str) or not isinstance(secret, str):
        return Failure("names no Username and Secret")
    if user == _TOKEN_USER and secret:
        return Success(IdentityToken(Secret(secret)))
    return Success(UserPassword(Secret(user), Secret(secret)) if user and secret else None)
