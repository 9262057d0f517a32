"""``make bench``: what a fetch costs, beside the plain tools that do the same work.

Prints, from one run on one machine: wall and CPU seconds, peak memory, and ratios. A real nginx on
loopback serves over TLS, gpg signs, and the plain tools are curl, gpgv, gzip and sha512sum. Nothing
here fails on a clock. All of it is written to ``docs/benchmarks.json`` at the end, or to what
``BENCH_RESULTS`` names: the site draws it.
"""

import gzip
import io
import os
import random
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import final

import trustme

from pipeline.testing.makers import make_manifest
from tests.bench.events import events
from tests.bench.measure import measure, median_of
from tests.bench.mirror import mirror_list
from tests.bench.registry import registry_image
from tests.bench.results import Results
from tests.bench.store import store_scale
from tests.bench.transfers import transfers
from tests.peers.nginx import Nginx

MIB = 1024 * 1024
HOST = "example.com"
PROGRAM = str(Path(sys.executable).parent / "image-pipeline")
LABELS = {"version": "1.2.0", "os": "linux", "arch": "amd64"}


@final
@dataclass(frozen=True, slots=True)
class Bench:
    """A folder, a server, a signing key, and an environment in which it is trusted."""

    home: Path
    nginx: Nginx
    env: dict[str, str]

    def publish(self, name: str, content_mib: int) -> Path:
        """Put a signed, compressed image of about that size on the server."""
        path = self.nginx.root / name
        write_image(path, content_mib)
        self.gpg("--armor", "--output", f"{path}.asc", "--detach-sign", str(path))
        return path

    def gpg(self, *arguments: str) -> None:
        """Run gpg with the bench's own keys."""
        measure(["gpg", "--homedir", str(self.home / "gnupg"), "--batch", *arguments])

    def url(self, path: Path) -> str:
        """Return the address of a published file."""
        return f"https://{HOST}/{path.name}"

    def fetch(self, path: Path, *options: str) -> Callable[[], Sequence[str]]:
        """Return the command that fetches a file into an empty store."""

        def prepare() -> Sequence[str]:
            shutil.rmtree(self.home / "store", ignore_errors=True)
            return [PROGRAM, "fetch", "--quiet", *options, self.url(path)]

        return prepare


def write_image(path: Path, content_mib: int) -> None:
    """Write an image whose content compresses to about 70 per cent, gzip level 6, as images do."""
    random.seed(1)
    entry = tarfile.TarInfo("rootfs/data")
    entry.size = content_mib * MIB
    head = io.BytesIO()
    with tarfile.open(fileobj=head, mode="w") as archive:
        manifest = make_manifest(f"{HOST}/app", LABELS)
        first = tarfile.TarInfo("manifest")
        first.size = len(manifest)
        archive.addfile(first, io.BytesIO(manifest))
        # tarfile closes an archive with zeros up to 10 KiB; what is written so far is the offset.
        begun = archive.offset
    with gzip.GzipFile(path, "wb", compresslevel=6, mtime=0) as packed:
        packed.write(head.getvalue()[:begun] + entry.tobuf())
        for _ in range(content_mib):
            packed.write(random.randbytes(7 * MIB // 10).ljust(MIB, b"."))
        packed.write(bytes(1024))


def compare(bench: Bench, results: Results) -> None:
    """Print the main job beside the plain tools, for 256 MiB."""
    path = bench.publish("app-256.aci", 256)
    target = bench.home / "plain.aci"
    curl = [
        *("curl", "-sSf", "--cacert", str(bench.home / "ca.pem"), "-o", str(target)),
        *("--connect-to", bench.env["IMAGE_PIPELINE_CONNECT_TO"], bench.url(path)),
    ]
    gpgv = ["gpgv", "--keyring", str(bench.home / "key.gpg"), f"{path}.asc", str(path)]
    unpack = ["sh", "-c", f"gzip -dc {path} | sha512sum"]
    chain = ["sh", "-c", f"{' '.join(curl)} && {' '.join(gpgv)} && {unpack[2]}"]
    size = path.stat().st_size / MIB
    section = results.section(f"256 MiB image, {size:.0f} MiB gzip, signed, from nginx over TLS")
    runs = results.runs
    tools = {"curl": curl, "gpgv": gpgv, "gzip -dc | sha512sum": unpack}
    figures = {name: median_of(runs, partial(list, argv)) for name, argv in tools.items()}
    for name, each in figures.items():
        section.row(name, each)
    together = median_of(runs, lambda: chain)
    section.row("curl, then gpgv, then gzip | sha512sum", together)
    ours = median_of(runs, bench.fetch(path), bench.env)
    section.row("image-pipeline fetch", ours)
    slowest = max(figures.values(), key=lambda each: each.wall)
    total = sum(each.wall for each in figures.values())
    section.ratio("wall, to the slowest tool alone", ours.wall / slowest.wall)
    section.ratio("wall, to the sum of the tools", ours.wall / total)
    section.ratio("wall, to the tools in a chain", ours.wall / together.wall)


def verify(bench: Bench, results: Results) -> None:
    """Print the verifier beside gpgv, on a file that is large and signed by each common hash."""
    path = bench.home / "large"
    with path.open("wb") as file:
        for _ in range(512):
            file.write(random.randbytes(MIB))
    key = str(bench.home / "key.gpg")
    section = results.section("A detached signature over 512 MiB")
    runs = results.runs
    for digest in ("SHA256", "SHA512"):
        signature = str(bench.home / f"large.{digest}")
        bench.gpg("--digest-algo", digest, "--output", signature, "--detach-sign", str(path))
        options = ("signature", "verify", "--quiet", "--signature", signature, "--key", key)
        ours = median_of(runs, partial(list, [PROGRAM, *options, str(path)]), bench.env)
        gpgv = median_of(runs, partial(list, ["gpgv", "--keyring", key, signature, str(path)]))
        section.row(f"gpgv, {digest}", gpgv)
        section.row(f"image-pipeline signature verify, {digest}", ours)
        section.ratio(f"wall, to gpgv, {digest}", ours.wall / gpgv.wall)


def memory(bench: Bench, results: Results) -> None:
    """Print peak memory for a small and a large image."""
    section = results.section("Peak memory, whatever the image's size; one run each")
    for mib in (64, 2048):
        path = bench.publish(f"app-{mib}.aci", mib)
        section.row(f"image-pipeline fetch, {mib} MiB", measure(bench.fetch(path)(), bench.env))
        path.unlink()
        shutil.rmtree(bench.home / "store")


def start_up(bench: Bench, results: Results) -> None:
    """Print what a person waits for before anything happens."""
    path = bench.publish("app-1.aci", 1)
    measure(bench.fetch(path)(), bench.env)
    hit = [PROGRAM, "fetch", "--quiet", "--pull-policy=new", bench.url(path)]
    section = results.section("Start-up")
    runs = results.runs
    before = len(bench.nginx.requests)
    section.row("image-pipeline --help", median_of(runs, lambda: [PROGRAM, "--help"], bench.env))
    section.row("fetch --pull-policy=new, stored", median_of(runs, lambda: hit, bench.env))
    print(f"requests made by these: {len(bench.nginx.requests) - before}")


def main() -> None:
    """Run every benchmark."""
    results = Results(int(os.environ.get("BENCH_RUNS", "5")))
    target = Path(os.environ.get("BENCH_RESULTS", "docs/benchmarks.json"))
    authority = trustme.CA()
    with tempfile.TemporaryDirectory(prefix="image-pipeline-bench-") as folder:
        home = Path(folder)
        (home / "gnupg").mkdir(mode=0o700)
        authority.cert_pem.write_to_path(str(home / "ca.pem"))
        with Nginx(home / "nginx", authority.issue_cert(HOST, "localhost")) as nginx:
            env = os.environ | {
                "IMAGE_PIPELINE_STORE": str(home / "store"),
                "IMAGE_PIPELINE_CONFIG": str(home / "config"),
                "IMAGE_PIPELINE_SYSTEM_CONFIG": str(home / "system"),
                "IMAGE_PIPELINE_CA_FILE": str(home / "ca.pem"),
                "IMAGE_PIPELINE_CONNECT_TO": f"{HOST}:443:127.0.0.1:{nginx.tls_port}",
            }
            bench = Bench(home, nginx, env)
            user = ("--pinentry-mode", "loopback", "--passphrase", "")
            bench.gpg(*user, "--quick-generate-key", "Example Images", "ed25519", "sign")
            bench.gpg("--output", str(home / "key.gpg"), "--export")
            trust = ["trust", "add", "--prefix", HOST, "--skip-fingerprint-review"]
            measure([PROGRAM, *trust, str(home / "key.gpg")], env)
            start_up(bench, results)
            transfers(home, nginx, results)
            compare(bench, results)
            verify(bench, results)
            memory(bench, results)
            registry_image(home, authority, results)
            # In this process, and so last: what it holds counts as its children's peak.
            events(home, nginx, bench.url(home / "app-1.aci"), HOST, results)
            store_scale(home, results)
            mirror_list(home, authority, results)
            measure(["gpgconf", "--homedir", str(home / "gnupg"), "--kill", "gpg-agent"])
    results.write(target)
    print(f"\nwritten: {target}")


if __name__ == "__main__":
    main()
