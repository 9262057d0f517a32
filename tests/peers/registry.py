"""A real registry (docker's, of the distribution project) on loopback.

    with Registry(folder) as registry:
        skopeo("copy", "oci:image", f"docker://{registry.host}/app:1.0")
        assert "GET /v2/app/manifests/1.0 200" in registry.requests

It speaks http, or https with a ``certificate``. It lets everybody in, or ``users`` by their
passwords, or who brings a token of ``token_service``. It takes a free port itself and says which
in its log, so that nobody can take it before.
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
import trustme

from tests.peers.nginx import need_tool

_LISTENING = re.compile(r"listening on (?:127\.0\.0\.1|\[::1\]):(\d+)")
_REQUEST = re.compile(
    r'^(?:127\.0\.0\.1|::1) - \S+ \[[^]]*\] "(\S+ \S+) HTTP/[^"]*" (\d+) ', re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class TokenService:
    """Who gives tokens: where it answers, what it calls the registry and itself, its certificate.

    ``bundle`` is a PEM file with the certificate of the key that signs them.
    """

    realm: str
    service: str
    issuer: str
    bundle: Path


@dataclass(slots=True)
class Registry:
    """One registry with an empty storage; ``folder`` is its own, and is made.

    ``address`` is one of loopback, as it stands in references.
    """

    folder: Path
    certificate: trustme.LeafCert | None = None
    users: Mapping[str, str] = field(default_factory=dict)
    token_service: TokenService | None = None
    port: int = 0
    address: str = "127.0.0.1"
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def host(self) -> str:
        """The host and port as they stand in references."""
        return f"{self.address}:{self.port}"

    @property
    def requests(self) -> list[str]:
        """Each request that was answered, as ``GET /v2/ 200``."""
        return [" ".join(found) for found in _REQUEST.findall(self._log.read_text())]

    @property
    def blobs(self) -> Path:
        """The folder of all blobs: ``sha256/<two digits>/<hex digits>/data``."""
        return self.folder / "storage/docker/registry/v2/blobs"

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def __enter__(self) -> Self:
        tool = need_tool("docker-registry")
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "config.json"
        # Its configuration is YAML, of which JSON is a part.
        path.write_text(json.dumps(self._configuration()))
        with self._log.open("wb") as log:
            self._process = subprocess.Popen([tool, "serve", str(path)], stdout=log, stderr=log)
        while self._process.poll() is None:
            found = _LISTENING.search(self._log.read_text())
            if found is not None:
                self.port = int(found[1])
                return self
            time.sleep(0.01)
        pytest.fail(f"docker-registry did not start: {self._log.read_text()}")

    def _configuration(self) -> dict[str, object]:
        http: dict[str, object] = {"addr": self.host, "secret": "of the tests"}
        if self.certificate is not None:
            names = {"certificate": "certificate.pem", "key": "key.pem"}
            http["tls"] = {name: str(self.folder / file) for name, file in names.items()}
            chain = b"".join(each.bytes() for each in self.certificate.cert_chain_pems)
            (self.folder / "certificate.pem").write_bytes(chain)
            self.certificate.private_key_pem.write_to_path(str(self.folder / "key.pem"))
        root = {"rootdirectory": str(self.folder / "storage")}
        return {
            "version": "0.1",
            "storage": {"filesystem": root, "delete": {"enabled": True}},
            "http": http,
            "auth": self._authentication(),
        }

    def _authentication(self) -> dict[str, object]:
        if self.token_service is not None:
            service = self.token_service
            token = {"realm": service.realm, "service": service.service, "issuer": service.issuer}
            return {"token": token | {"rootcertbundle": str(service.bundle)}}
        if not self.users:
            return {}
        path = self.folder / "htpasswd"
        path.touch()
        for user, password in self.users.items():
            command = [need_tool("htpasswd"), "-Bi", "-C", "4", str(path), user]
            subprocess.run(command, input=password.encode(), check=True, capture_output=True)
        return {"htpasswd": {"realm": "tests", "path": str(path)}}

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


def skopeo(
    *arguments: str,
    check: bool = True,
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
) -> subprocess.CompletedProcess[bytes]:
    """Run the real skopeo; unless told otherwise, a failure of its fails the test."""
    done = subprocess.run(
        [need_tool("skopeo"), *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    if check and done.returncode:
        pytest.fail(done.stderr.decode(errors="replace"))
    return done
