"""A world for end-to-end tests: a maker with a key, a site over TLS, and a user with a terminal.

Everything is real and on loopback: the server has a certificate of an authority of the test's
own, the signatures are made by pgpy, and the command runs as it does for a user, in this process.
"""

import gzip
import os
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import trustme

from pipeline.cli.main import run
from pipeline.testing.makers import make_archive, make_manifest

HOST = "example.com"
LABELS = {"version": "1.2.0", "os": "linux", "arch": "amd64"}
REFERENCE = f"{HOST}/app:1.2.0,os=linux,arch=amd64"
IMAGE_PATH = f"/images/{HOST}/app-1.2.0-linux-amd64.aci"
PAGE = (
    f'<html><head><meta name="ac-discovery" content="{HOST}/app '
    f'https://{HOST}/images/{{name}}-{{version}}-{{os}}-{{arch}}.{{ext}}">'
    f'<meta name="ac-discovery-pubkeys" content="{HOST}/app https://{HOST}/key.asc">'
    "</head></html>"
)


@dataclass(slots=True)
class Answer:
    """What the site answers; ``raw`` is sent as it is, headers and all, and the line is cut."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None


Page: TypeAlias = bytes | Answer | Callable[[int], Answer]
"""A page may be a function of how often it was asked for before."""


@dataclass(slots=True)
class Site:
    """Pages by path."""

    pages: dict[str, Page] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    forms: list[bytes] = field(default_factory=list)

    def answer(self, target: str, headers: Mapping[str, str]) -> Answer:
        """Answer a GET, and remember it."""
        path = target.partition("?")[0]
        asked = sum(1 for earlier, _ in self.requests if earlier == path)
        self.requests.append((path, {name.lower(): value for name, value in headers.items()}))
        page = self.pages.get(path, Answer(status=404))
        if callable(page):
            page = page(asked)
        return Answer(page) if isinstance(page, bytes) else page

    def asked_for(self) -> list[str]:
        """Return the paths of all requests, in order."""
        return [path for path, _ in self.requests]


@contextmanager
def serving(site: Site, authority: trustme.CA, *hosts: str) -> Iterator[int]:
    """Serve ``site`` over TLS on a loopback port, and yield the port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_POST(self) -> None:
            site.forms.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.do_GET()

        def do_GET(self) -> None:
            site.methods.append(self.command)
            answer = site.answer(self.path, dict(self.headers))
            if answer.raw is not None:
                self.wfile.write(answer.raw)
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in (
                {"Content-Length": str(len(answer.body))} | dict(answer.headers)
            ).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that hangs up in mid-body is what many of these tests are about

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(hosts or (HOST,))).configure_cert(context)
    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _pgpy() -> tuple[Any, Any]:
    """Import what makes keys; our stubs have only what the package itself uses."""
    with warnings.catch_warnings():
        # pgpy names ciphers that cryptography is about to drop; none of them is used here.
        warnings.simplefilter("ignore")
        return import_module("pgpy"), import_module("pgpy.constants")


def make_key(
    user_id: str = "Example Images", *, age: timedelta = timedelta(), life: timedelta | None = None
) -> Any:
    """Make an Ed25519 key that signs; it is of that age, and expires at the end of its life."""
    pgpy, constants = _pgpy()
    key = pgpy.PGPKey.new(
        constants.PubKeyAlgorithm.EdDSA,
        constants.EllipticCurveOID.Ed25519,
        created=datetime.now(UTC) - age,
    )
    key.add_uid(
        pgpy.PGPUID.new(user_id),
        usage={constants.KeyFlags.Sign, constants.KeyFlags.Certify},
        hashes=[constants.HashAlgorithm.SHA512],
        **({} if life is None else {"key_expiration": life}),
    )
    return key


def sign(key: Any, data: bytes) -> bytes:
    """Return a detached, armored signature."""
    _, constants = _pgpy()
    return str(key.sign(data, hash=constants.HashAlgorithm.SHA512)).encode()


def make_image(
    name: str = f"{HOST}/app",
    labels: Mapping[str, str] = LABELS,
    dependencies: tuple[Mapping[str, object], ...] = (),
    content: bytes = b"#!/bin/sh\n",
) -> bytes:
    """Return a gzip-compressed image."""
    archive = make_archive(make_manifest(name, labels, dependencies), {"bin/app": content})
    return gzip.compress(archive, mtime=0)


@dataclass(slots=True)
class World:
    """A maker, a site, and a user whose folders are all under ``home``."""

    home: Path
    site: Site
    key: Any
    port: int
    capsys: pytest.CaptureFixture[str]
    out: str = ""
    err: str = ""

    def run(self, *arguments: str) -> int:
        """Run the command as the user does; what it printed is in ``out`` and ``err``."""
        code = run([*arguments])
        self.out, self.err = self.capsys.readouterr()
        return code

    def publish(self, image: bytes | None = None, path: str = IMAGE_PATH) -> bytes:
        """Put an image and its signature on the site."""
        image = make_image() if image is None else image
        self.site.pages |= {path: image, f"{path}.asc": sign(self.key, image)}
        return image

    def trust(self, prefix: str = f"{HOST}/app", key: Any = None) -> None:
        """Trust a key (the maker's) for a prefix."""
        path = self.home / "key.asc"
        path.write_text(str((key or self.key).pubkey))
        code = self.run("trust", "add", "--prefix", prefix, "--skip-fingerprint-review", str(path))
        assert code == 0, self.err

    def store_files(self) -> list[str]:
        """Return every blob and every file in quarantine."""
        store = self.home / "store"
        return sorted(
            str(path.relative_to(store))
            for folder in ("blobs", "quarantine")
            for path in (store / folder).rglob("*")
            if path.is_file() and path.suffix != ".lock"
        )


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority that nobody else knows."""
    return trustme.CA()


@pytest.fixture(scope="session")
def maker_key() -> Any:
    """The maker's key, made once: making keys is slow."""
    return make_key()


@pytest.fixture
def world(
    tmp_path: Path,
    authority: trustme.CA,
    maker_key: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """A fresh world; the discovery page is up, nothing is published, nobody is trusted."""
    site = Site({"/app": PAGE.encode()})
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with serving(site, authority) as port:
        for name, value in {
            "STORE": tmp_path / "store",
            "CONFIG": tmp_path / "config",
            "SYSTEM_CONFIG": tmp_path / "system",
            "CA_FILE": tmp_path / "ca.pem",
            "CONNECT_TO": f"{HOST}:443:127.0.0.1:{port}",
            # Waiting is tested where time is an argument.
            "RETRIES": 0,
        }.items():
            monkeypatch.setenv(f"IMAGE_PIPELINE_{name}", str(value))
        # Whoever runs the tests may have passwords, and be behind a proxy.
        monkeypatch.setenv("HOME", str(tmp_path))
        of_registries = (
            "XDG_CONFIG_HOME",
            "XDG_RUNTIME_DIR",
            "DOCKER_CONFIG",
            "REGISTRY_AUTH_FILE",
        )
        proxies = (name for name in os.environ if name.lower().endswith("_proxy"))
        for name in ("NETRC", "REGISTRY_AUTH_FILE", *folders, *proxies):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.chdir(tmp_path)
        yield World(tmp_path, site, maker_key, port, capsys)
