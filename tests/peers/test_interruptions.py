"""Transfers that are killed, interrupted or asked for by many at once, from the real nginx.

Each fetch is the command itself in a forked child, so that ``kill -9`` meets it anywhere.
"""

import contextlib
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from pipeline.cli.main import main, run
from pipeline.limits import MIB
from pipeline.testing.makers import make_archive, make_manifest
from tests.adapters.store_world import fork
from tests.peers.nginx import Nginx
from tests.support.world import HOST, LABELS, sign

pytestmark = pytest.mark.peer

PATH = "/app.aci"
_REQUEST = re.compile(r'"GET (?P<path>\S+) HTTP/1\.1" (?P<status>[0-9]{3}) (?P<bytes>[0-9]+)')


@dataclass
class Site:
    """A signed image behind nginx, and a user whose folders are under ``home``."""

    nginx: Nginx
    home: Path
    key: Any

    def publish(self, content: bytes) -> bytes:
        """Put an uncompressed image and its signature on the site; return the image."""
        archive = make_archive(make_manifest(f"{HOST}/app", LABELS), {"data": content})
        (self.nginx.root / "app.aci.asc").write_bytes(sign(self.key, archive))
        (self.nginx.root / "app.aci").write_bytes(archive)
        # A date of today is no validator; nginx has a strong ETag beside it.
        return archive

    def start(self) -> int:
        """Start the command in a child, and return its process ID; its output goes to a file."""
        child = fork()
        if child == 0:
            code: object = 99
            try:
                log = os.open(self.home / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                # Not where pytest has put them, but where a terminal would be.
                sys.stdout = sys.stderr = os.fdopen(log, "w", buffering=1)
                main(["fetch", "--pull-policy=update", f"https://{HOST}{PATH}"])
            except SystemExit as leaving:
                code = leaving.code
            finally:
                os._exit(code if isinstance(code, int) else 99)
        return child

    def answers(self) -> list[tuple[int, int]]:
        """Status and body bytes of each answer for the image so far."""
        found = (_REQUEST.search(line) for line in self.nginx.requests)
        return [
            (int(match["status"]), int(match["bytes"]))
            for match in found
            if match is not None and match["path"] == PATH
        ]

    def is_stored(self) -> bool:
        return any((self.home / "store" / "blobs").glob("sha512/*"))


@pytest.fixture
def make_site(
    tmp_path: Path, authority: trustme.CA, maker_key: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Site]]:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with contextlib.ExitStack() as leaving:

        def make(directives: str) -> Site:
            certificate = authority.issue_cert(HOST)
            nginx = leaving.enter_context(Nginx(tmp_path / "nginx", certificate, directives))
            for name, value in {
                "STORE": tmp_path / "store",
                "CONFIG": tmp_path / "config",
                "SYSTEM_CONFIG": tmp_path / "system",
                "CA_FILE": tmp_path / "ca.pem",
                "CONNECT_TO": f"{HOST}:443:127.0.0.1:{nginx.tls_port}",
            }.items():
                monkeypatch.setenv(f"IMAGE_PIPELINE_{name}", str(value))
            (tmp_path / "key.asc").write_text(str(maker_key.pubkey))
            trust = ["trust", "add", "--root", "--skip-fingerprint-review"]
            assert run([*trust, str(tmp_path / "key.asc")]) == 0
            # What a fetch imports is imported here once, and not by every child.
            assert run(["fetch", f"https://{HOST}/none.aci"]) == 5
            return Site(nginx, tmp_path, maker_key)

        yield make


def ended(child: int) -> int:
    """Wait for a child; return its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def is_over(child: int) -> bool:
    """Tell whether a child has ended; it is still to be waited for."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def kill_after(child: int, seconds: float, number: int = signal.SIGKILL) -> int:
    """End a child after some time, unless it has ended by itself."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(child, number)
    return ended(child)


def test_200_kills_cost_a_tenth_of_the_bytes_at_most(make_site: Callable[[str], Site]) -> None:
    """Whatever was received is never asked for again, wherever the transfer was killed.

    A kill within the commit is another matter: the archive may be a blob that no row knows yet, and
    no partial any more. What the fetch after that receives is not counted.
    """
    # nginx sends a second's worth at once. It fits into one read, so that what is counted is what
    # the program loses, and not what waits for it in the system on a busy machine.
    site = make_site("limit_rate 512k;")
    chance = random.Random(20261123)
    kills = wanted_bytes = after_commits = 0
    while kills < 200:
        image = site.publish(chance.randbytes(16 * MIB))
        wanted_bytes += len(image)
        while not site.is_stored():
            child, held = site.start(), held_bytes(site)
            if held < len(image) and chance.random() < 0.75:
                # In mid-transfer; else wherever it is.
                wait_for(lambda: held_bytes(site) != held or is_over(child))  # noqa: B023 - at once
                longest = 0.7
            else:
                longest = 0.7 if held < len(image) else 4
            kills += kill_after(child, chance.uniform(0, longest)) == -signal.SIGKILL
        before = sum(count for _, count in site.answers())
        assert ended(site.start()) == 0, (site.home / "log").read_text()
        after_commits += sum(count for _, count in site.answers()) - before
        (stored,) = (site.home / "store" / "blobs").glob("sha512/*")
        assert stored.read_bytes() == image
        assert run(["image", "rm", f"{HOST}/app"]) == 0
    answers = site.answers()
    received = sum(count for _, count in answers) - after_commits
    parts = sum(status == 206 for status, _ in answers)
    print(f"{kills} kills, {parts} parts, {received / wanted_bytes:.3f} of the bytes")
    assert parts > 0
    assert {status for status, _ in answers} <= {200, 206, 304}
    assert received <= 1.1 * wanted_bytes
    assert list((site.home / "store" / "partials").iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_transfer_goes_on(
    make_site: Callable[[str], Site], number: int, code: int
) -> None:
    site = make_site("limit_rate 8m;")
    image = site.publish(os.urandom(8 * MIB))
    child = site.start()
    wait_for(lambda: held_bytes(site) > MIB)
    os.kill(child, number)
    assert ended(child) == code
    held = held_bytes(site)
    assert ended(site.start()) == 0
    (_, first), (status, rest) = site.answers()
    assert (status, rest) == (206, len(image) - held)
    assert first >= held


def test_a_changed_image_is_fetched_anew(make_site: Callable[[str], Site]) -> None:
    site = make_site("limit_rate 8m;")
    site.publish(os.urandom(8 * MIB))
    child = site.start()
    wait_for(lambda: held_bytes(site) > MIB)
    os.kill(child, signal.SIGKILL)
    ended(child)
    image = site.publish(os.urandom(4 * MIB))
    assert ended(site.start()) == 0
    assert site.answers()[-1] == (200, len(image))


def test_many_processes_share_one_transfer(make_site: Callable[[str], Site]) -> None:
    site = make_site("limit_rate 16m;")
    image = site.publish(os.urandom(8 * MIB))
    children = [site.start() for _ in range(6)]
    assert [ended(child) for child in children] == [0] * 6
    assert sum(count for _, count in site.answers()) == len(image)
    assert "another fetch" in (site.home / "log").read_text()


def test_who_waits_takes_over_from_a_dead_owner(make_site: Callable[[str], Site]) -> None:
    site = make_site("limit_rate 8m;")
    image = site.publish(os.urandom(8 * MIB))
    owner = site.start()
    wait_for(lambda: held_bytes(site) > MIB)
    waiters = [site.start() for _ in range(3)]
    wait_for(lambda: (site.home / "log").read_text().count("another fetch") == 3)
    os.kill(owner, signal.SIGKILL)
    assert ended(owner) == -signal.SIGKILL
    assert [ended(child) for child in waiters] == [0] * 3
    whole = sum(count for status, count in site.answers() if status == 206)
    assert 0 < whole < len(image) - MIB
    assert {status for status, _ in site.answers()} <= {200, 206, 304}


def held_bytes(site: Site) -> int:
    """How much of the image lies among the partials."""
    return sum(path.stat().st_size for path in (site.home / "store").glob("partials/*/data"))


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
