"""What moving bytes costs: the download engine beside curl and a plain httpx, in one run."""

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench.measure import Figures, median_of
from tests.bench.results import Results
from tests.peers.nginx import Nginx

MIB = 1024 * 1024
LARGE_MIB = 1024


def transfers(home: Path, nginx: Nginx, results: Results) -> None:
    """Print MB/s and CPU seconds a GiB over http and https, start-up taken off.

    The same command on a file of one byte is what is taken off.
    """
    for name, size in (("large.bin", LARGE_MIB * MIB), ("small.bin", 1)):
        with (nginx.root / name).open("wb") as file:
            file.truncate(size)
    target = home / "transfer"
    title = f"A transfer of {LARGE_MIB} MiB from nginx, start-up taken off"
    section = results.section(title, ("MB/s", "CPU s/GiB"))
    for scheme, port in (("http", nginx.port), ("https", nginx.tls_port)):
        rates: dict[str, float] = {}
        for name, command in _ways(home, target):
            small, large = (
                median_of(
                    results.runs, _fresh(target, command, f"{scheme}://localhost:{port}/{each}")
                )
                for each in ("small.bin", "large.bin")
            )
            rates[name] = _rate(small, large)
            cpu = (large.cpu - small.cpu) / (LARGE_MIB / 1024)
            section.values(f"{scheme}: {name}", rates[name], cpu, decimals=(0, 2))
        for ours, theirs in (
            ("transport, to nowhere", "curl, to nowhere"),
            ("transport, to nowhere", "plain httpx, to nowhere"),
            ("download stage, hashed, to a file", "curl to a file, then sha256sum"),
            ("download stage, hashed, to a file", "plain httpx, hashed, to a file"),
        ):
            section.ratio(f"{scheme}: {ours}, to {theirs}", rates[ours] / rates[theirs])
    shutil.rmtree(target, ignore_errors=True)
    (nginx.root / "large.bin").unlink()


def _ways(home: Path, target: Path) -> list[tuple[str, Callable[[str], Sequence[str]]]]:
    ca = str(home / "ca.pem")
    curl = ("curl", "-sSf", "--cacert", ca, "-o")

    def client(way: str) -> Callable[[str], Sequence[str]]:
        return lambda url: [sys.executable, "-m", "tests.bench.client", way, url, ca, str(target)]

    def curl_and_hash(url: str) -> Sequence[str]:
        command = " ".join([*curl, f"{target}/file", url])
        return ["sh", "-c", f"mkdir -p {target} && {command} && sha256sum {target}/file"]

    return [
        ("curl, to nowhere", lambda url: [*curl, "/dev/null", url]),
        ("plain httpx, to nowhere", client("httpx")),
        ("transport, to nowhere", client("transport")),
        ("curl to a file, then sha256sum", curl_and_hash),
        ("plain httpx, hashed, to a file", client("httpx-file")),
        ("download stage, hashed, to a file", client("stage")),
    ]


def _fresh(
    target: Path, command: Callable[[str], Sequence[str]], url: str
) -> Callable[[], Sequence[str]]:
    def prepare() -> Sequence[str]:
        shutil.rmtree(target, ignore_errors=True)
        return command(url)

    return prepare


def _rate(small: Figures, large: Figures) -> float:
    return LARGE_MIB * MIB / 1e6 / (large.wall - small.wall)
