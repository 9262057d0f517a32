"""A token service of the tests' own, whose tokens the real registry takes.

    with TokenServer(folder, tls) as tokens:
        with Registry(folder / "registry", certificate, token_service=tokens.service) as registry:
            ...

Tokens are JWTs (RFC 7519) signed by ES256, with the certificate of their key in ``x5c``, as
distribution v2.8.2 ``docs/spec/auth/jwt.md`` has them.
"""

import base64
import json
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.peers.registry import TokenService
from tests.support.fault_server import Answer, Asked, FaultServer, http

LEEWAY_SECONDS = 60
"""For how long after its end the registry takes a token: its clock may be another one."""


@dataclass(slots=True)
class TokenServer:
    """Gives tokens for what is asked, over https with ``tls``, to ``users`` or to anybody.

    A token is taken for ``seconds``, though its answer says ``said``. ``identities`` are refresh
    tokens; without any, nothing is posted here. ``granted`` may change what a token is for.
    """

    folder: Path
    tls: ssl.SSLContext | None = None
    users: dict[str, str] = field(default_factory=dict)
    identities: frozenset[str] = frozenset()
    seconds: float = 300.0
    said: int = 300
    granted: Callable[[str], str] = lambda scope: scope
    scopes: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    _key: ec.EllipticCurvePrivateKey = field(init=False)
    _certificate: x509.Certificate = field(init=False)
    _server: FaultServer = field(init=False)

    @property
    def service(self) -> TokenService:
        """What the registry is told."""
        realm = self._server.url("/token")
        return TokenService(realm, "the registry", "the tests", self.folder / "bundle.pem")

    @property
    def asked(self) -> list[Asked]:
        """What was asked, in order."""
        return self._server.asked

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = _certify(self._key)
        pem = self._certificate.public_bytes(Encoding.PEM)
        (self.folder / "bundle.pem").write_bytes(pem)
        self._server = FaultServer(self._answer, self.tls)
        self._server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.__exit__(kind, error, trace)

    def _answer(self, asked: Asked) -> Answer:
        text = asked.body.decode() if asked.method == "POST" else urlsplit(asked.path).query
        fields = {name: values[0] for name, values in parse_qs(text).items()}
        if asked.method == "POST":
            if not self.identities:
                return http(b"", 404)
            if fields.get("refresh_token") not in self.identities:
                return http(b'{"error": "invalid_grant"}', 400)
        elif self.users and not self._is_user(asked.headers.get("authorization", "")):
            return http(b"", 401, www_authenticate='Basic realm="tokens"')
        self.scopes.append(fields["scope"])
        token = self._sign(self.granted(fields["scope"]))
        self.given.append(token)
        name = "access_token" if asked.method == "POST" else "token"
        return http(json.dumps({name: token, "expires_in": self.said}).encode())

    def _is_user(self, authorization: str) -> bool:
        known = (f"{user}:{password}".encode() for user, password in self.users.items())
        return authorization in {f"Basic {base64.b64encode(each).decode()}" for each in known}

    def _sign(self, scope: str) -> str:
        kind, name, actions = scope.split(":")
        access = [{"type": kind, "name": name, "actions": actions.split(",")}]
        now = datetime.now(UTC).timestamp()
        head = {
            "typ": "JWT",
            "alg": "ES256",
            "x5c": [base64.b64encode(self._certificate.public_bytes(Encoding.DER)).decode()],
        }
        claims = {
            "iss": "the tests",
            "sub": "",
            "aud": "the registry",
            "exp": int(now + self.seconds - LEEWAY_SECONDS),
            "nbf": int(now - LEEWAY_SECONDS),
            "iat": int(now),
            "jti": secrets.token_hex(8),
            "access": access,
        }
        signed = ".".join(_encode(json.dumps(each).encode()) for each in (head, claims))
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{_encode(r.to_bytes(32) + s.to_bytes(32))}"


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _certify(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tokens of the tests")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
