"""gpg, gpgv, sq and sqv as peers: what they say of a signature, and signatures that they make."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.peers.nginx import need_tool

_BAD_STATUS = {"BADSIG", "ERRSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG"}


def need(*tools: str) -> None:
    """Skip where a tool is absent; in CI that is a failure."""
    for tool in tools:
        need_tool(tool)


class Verdict(NamedTuple):
    """What gpg and sqv say, and their words."""

    gpg: bool
    sqv: bool
    said: str


@dataclass(frozen=True)
class GnuPG:
    """A home folder of gpg's own."""

    home: Path

    def run(self, *arguments: str, stdin: bytes = b"", check: bool = True) -> bytes:
        """Run gpg; return what it wrote to stdout."""
        command = ("gpg", "--homedir", str(self.home), "--batch", "--no-tty", "--yes")
        unlocked = ("--pinentry-mode", "loopback", "--passphrase", "", "--trust-model", "always")
        done = subprocess.run(
            [*command, *unlocked, *arguments], input=stdin, capture_output=True, check=False
        )
        if check and done.returncode:
            raise AssertionError(done.stderr.decode(errors="replace"))
        return done.stdout

    def make_key(self, user_id: str, algorithm: str, *more: str) -> str:
        """Make a key that signs and certifies; return its fingerprint."""
        self.run(*more, "--quick-gen-key", user_id, algorithm, "sign", "never")
        return self.fingerprints(user_id)[0]

    def fingerprints(self, user_id: str) -> list[str]:
        """Return the fingerprints of a key and its subkeys."""
        listed = self.run("--with-colons", "--list-keys", user_id).decode().splitlines()
        return [line.split(":")[9].lower() for line in listed if line.startswith("fpr:")]

    def export(self, *user_ids: str, armor: bool = False) -> bytes:
        """Return keys."""
        return self.run(*(("--armor",) if armor else ()), "--export", *user_ids)

    def sign(self, data: bytes, *arguments: str) -> bytes:
        """Return a detached signature."""
        return self.run("--detach-sign", "--output", "-", *arguments, "-", stdin=data)


@contextmanager
def gnupg() -> Iterator[GnuPG]:
    """Yield an empty home in a folder short enough for a socket, and end its agent afterwards."""
    home = Path(tempfile.mkdtemp(prefix="gpg-"))
    try:
        yield GnuPG(home)
    finally:
        subprocess.run(
            ["gpgconf", "--homedir", str(home), "--kill", "all"], capture_output=True, check=False
        )
        shutil.rmtree(home, ignore_errors=True)


def judge_by_tools(keyring: bytes, signature: bytes, data: bytes) -> Verdict:
    """Ask gpg, with the keys imported, and sqv."""
    with tempfile.TemporaryDirectory(prefix="peer-") as folder:
        paths = [Path(folder, name) for name in ("keys", "signature", "data")]
        for path, content in zip(paths, (keyring, signature, data), strict=True):
            path.write_bytes(content)
        keys, signed, file = map(str, paths)
        gpg = ("gpg", "--homedir", folder, "--batch", "--no-autostart", "--trust-model", "always")
        subprocess.run([*gpg, "--import", keys], capture_output=True, check=False)
        by_gpg = subprocess.run(
            [*gpg, "--no-auto-check-trustdb", "--status-fd", "1", "--verify", signed, file],
            capture_output=True,
            check=False,
        )
        by_sqv = subprocess.run(
            ["sqv", "-v", "--keyring", keys, signed, file], capture_output=True, check=False
        )
    said = (by_gpg.stderr + by_sqv.stderr).decode("latin-1")
    return Verdict(_is_good(by_gpg), by_sqv.returncode == 0, said)


def judge_all_by_tools(cases: Iterable[tuple[bytes, bytes, bytes]]) -> list[Verdict]:
    """Ask about many at a time."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda case: judge_by_tools(*case), cases))


def gpgv_accepts(keyring: bytes, signature: bytes, data: bytes) -> bool:
    """Ask gpgv, which takes binary keys alone."""
    with tempfile.TemporaryDirectory(prefix="peer-") as folder:
        paths = [Path(folder, name) for name in ("keys", "signature", "data")]
        for path, content in zip(paths, (keyring, signature, data), strict=True):
            path.write_bytes(content)
        command = ["gpgv", "--homedir", folder, "--status-fd", "1", "--keyring", str(paths[0])]
        done = subprocess.run(
            [*command, str(paths[1]), str(paths[2])], capture_output=True, check=False
        )
    return _is_good(done)


def judge_messages_by_tools(keyring: bytes, messages: Iterable[bytes]) -> list[Verdict]:
    """Ask gpg, with the keys imported, and sq about signed messages, many at a time."""
    with tempfile.TemporaryDirectory(prefix="peer-") as folder:
        keys = Path(folder, "keys")
        keys.write_bytes(keyring)
        gpg = ("gpg", "--homedir", folder, "--batch", "--no-autostart", "--trust-model", "always")
        subprocess.run([*gpg, "--import", str(keys)], capture_output=True, check=False)

        def judge(numbered: tuple[int, bytes]) -> Verdict:
            path = Path(folder, f"message{numbered[0]}")
            path.write_bytes(numbered[1])
            by_gpg = subprocess.run(
                [*gpg, "--no-auto-check-trustdb", "--status-fd", "1", "--verify", str(path)],
                capture_output=True,
                check=False,
            )
            by_sq = subprocess.run(
                ["sq", "verify", "--signer-cert", str(keys), str(path)],
                capture_output=True,
                check=False,
            )
            said = (by_gpg.stderr + by_sq.stderr).decode("latin-1")
            return Verdict(_is_good(by_gpg), by_sq.returncode == 0, said)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(judge, enumerate(messages)))


def _is_good(done: subprocess.CompletedProcess[bytes]) -> bool:
    """Tell whether gpg said that all is well, by status and by its lines."""
    lines = done.stdout.decode("latin-1").splitlines()
    status = {line.split()[1] for line in lines if line.startswith("[GNUPG:] ")}
    return done.returncode == 0 and "GOODSIG" in status and not status & _BAD_STATUS
