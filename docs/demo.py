"""The main job, shown: publish a signed image on loopback, fetch it by name; then a tampered one.

Run by ``make demo``. Everything is real but the host name: a key that signs, a server over TLS
with a certificate of its own authority, and the command as a user types it. Nothing leaves this
machine, and nothing stays on it.
"""

import gzip
import os
import shlex
import ssl
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

with warnings.catch_warnings():
    # pgpy names ciphers that cryptography is about to drop; none of them is used here.
    warnings.simplefilter("ignore")
    import pgpy
    from pgpy.constants import (
        EllipticCurveOID,
        HashAlgorithm,
        KeyFlags,
        PubKeyAlgorithm,
    )

from pipeline.testing.makers import make_archive, make_manifest

HOST = "example.com"
PAGE = (
    "<!DOCTYPE html><html><head><title>app</title>"
    f'<meta name="ac-discovery" content="{HOST}/app '
    f'https://{HOST}/images/{{name}}-{{version}}-{{os}}-{{arch}}.{{ext}}">'
    "</head><body></body></html>"
)


class Site(BaseHTTPRequestHandler):
    """Serves what is in :attr:`files`, by path."""

    protocol_version = "HTTP/1.1"
    files: dict[str, bytes] = {}  # noqa: RUF012 - one site for all requests

    def do_GET(self) -> None:
        """Answer a GET with a file, or 404."""
        body = self.files.get(self.path.partition("?")[0])
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base
        """Say nothing."""


@contextmanager
def published(files: dict[str, bytes], authority: trustme.CA) -> Iterator[int]:
    """Serve ``files`` over TLS on a loopback port, and yield the port."""
    Site.files = files
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def make_key() -> "pgpy.PGPKey":
    """Make a key that signs images."""
    key = pgpy.PGPKey.new(PubKeyAlgorithm.EdDSA, EllipticCurveOID.Ed25519)
    key.add_uid(
        pgpy.PGPUID.new("Example Images", email=f"images@{HOST}"),
        usage={KeyFlags.Sign, KeyFlags.Certify},
        hashes=[HashAlgorithm.SHA512],
    )
    return key


def run(command: str, environment: dict[str, str]) -> int:
    """Show a command and what it prints, as on a terminal; return its exit code."""
    print(f"\n$ {command}", flush=True)
    program = str(Path(sys.executable).parent / "image-pipeline")
    arguments = [program, *shlex.split(command)[1:]]
    code = subprocess.run(
        arguments, env=environment, stderr=subprocess.STDOUT, check=False
    ).returncode
    print(f"[exit code {code}]", flush=True)
    return code


def main() -> int:
    """Run the demonstration; return 0 where everything went as it should."""
    labels = {"version": "1.2.0", "os": "linux", "arch": "amd64"}
    files = {"bin/hello": b"#!/bin/sh\necho hello\n"}
    archive = make_archive(make_manifest(f"{HOST}/app", labels), files)
    image = gzip.compress(archive, mtime=0)
    key = make_key()
    signature = bytes(key.sign(image, hash=HashAlgorithm.SHA512))
    path = f"/images/{HOST}/app-1.2.0-linux-amd64.aci"
    site = {"/app": PAGE.encode(), path: image, f"{path}.asc": signature}
    authority = trustme.CA()
    with tempfile.TemporaryDirectory(prefix="image-pipeline-demo-") as folder:
        home = Path(folder)
        (home / "key.asc").write_text(str(key.pubkey))
        authority.cert_pem.write_to_path(str(home / "ca.pem"))
        with published(site, authority) as port:
            environment = os.environ | {
                "IMAGE_PIPELINE_STORE": str(home / "store"),
                "IMAGE_PIPELINE_CONFIG": str(home / "config"),
                "IMAGE_PIPELINE_SYSTEM_CONFIG": str(home / "system"),
                "IMAGE_PIPELINE_CA_FILE": str(home / "ca.pem"),
                "IMAGE_PIPELINE_CONNECT_TO": f"{HOST}:443:127.0.0.1:{port}",
            }
            os.chdir(home)
            reference = f"{HOST}/app:1.2.0,os=linux,arch=amd64"
            fetch = f"image-pipeline fetch {reference}"
            trust = f"image-pipeline trust add --prefix {HOST}/app --skip-fingerprint-review"
            print("An image is published and signed; nobody has said yet whom to trust.")
            codes = [run(fetch, environment)]
            print("\nThe maker's key is trusted for the names under example.com/app.")
            codes += [run(f"{trust} ./key.asc", environment), run(fetch, environment)]
            codes += [run("image-pipeline image list", environment)]
            print("\nSomebody puts another image in its place, under the same signature.")
            forged = make_archive(make_manifest(f"{HOST}/app", labels), {"bin/hello": b"evil\n"})
            site[path] = gzip.compress(forged, mtime=0)
            codes += [run(fetch, environment)]
            codes += [run("image-pipeline image list", environment)]
    wanted = [6, 0, 0, 0, 6, 0]
    print(f"\nExit codes {codes}, wanted {wanted}: {'done' if codes == wanted else 'FAILED'}.")
    return 0 if codes == wanted else 1


if __name__ == "__main__":
    sys.exit(main())
