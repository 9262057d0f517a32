"""A laboratory for policies: a real registry, images put there by skopeo, signatures of all kinds.

with laboratory(folder) as lab:
    verdict = lab.ask_skopeo(policy, "docker://@HOST/ns/app:1", ["alice"])
    evidence = lab.evidence("docker://@HOST/ns/app:1", ["alice"])

In policies and references ``@HOST`` stands for the registry, ``@KEYS`` for the folder of keys,
``@IMAGES`` for one of image layouts, and ``@ONE``, ``@INDEX`` for digests of what is there.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.request import Request, urlopen

import pytest

from pipeline.digest import Digest
from pipeline.oci import DOCKER_LIST_TYPE, DOCKER_MANIFEST_TYPE, INDEX_TYPE, MANIFEST_TYPE
from pipeline.reference.docker import parse_docker_reference
from pipeline.results import FoundSignature, ManifestEvidence
from pipeline.testing.oci import MadeImage, layout_files, make_image, make_index
from tests.peers.openpgp import GnuPG, gnupg
from tests.peers.registry import Registry, skopeo

ONE: Final = make_image({"a": b"one"})
TWO: Final = make_image({"a": b"two"})
INDEX: Final = make_index(ONE)
_ACCEPT: Final = f"{MANIFEST_TYPE}, {INDEX_TYPE}, {DOCKER_MANIFEST_TYPE}, {DOCKER_LIST_TYPE}"
_PAST: Final = "20200101T000000"


def payload(
    image: MadeImage, reference: str, *, digest: str = "", critical: object = None
) -> bytes:
    """Return what a simple signature signs (containers-signature.5)."""
    body: dict[str, object] = {
        "identity": {"docker-reference": reference},
        "image": {"docker-manifest-digest": digest or str(image.descriptor.digest)},
        "type": "atomic container signature",
    }
    if critical is not None:
        body["more"] = critical
    return json.dumps({"critical": body, "optional": {"creator": "tests"}}).encode()


@dataclass
class Laboratory:
    """One registry and what is around it."""

    folder: Path
    registry: Registry
    gpg: GnuPG
    signatures: dict[str, bytes] = field(default_factory=dict)

    def fill(self) -> None:
        """Put images into the registry and beside it, keys into files, and sign."""
        images = {"one": ONE, "two": TWO, "index": INDEX}
        for name, content in layout_files(images).items():
            path = self.folder / "images/layout" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        layout = f"oci:{self.folder}/images/layout"
        for name, reference in (("one", "1"), ("two", "2"), ("index", "multi")):
            to = f"docker://{self.registry.host}/ns/app:{reference}"
            options = ("--insecure-policy", "--dest-tls-verify=false", "--all")
            skopeo("copy", *options, f"{layout}:{name}", to)
        archive = f"oci-archive:{self.folder}/images/one.tar:one"
        skopeo("copy", "--insecure-policy", f"{layout}:one", archive)
        docker_archive = f"docker-archive:{self.folder}/images/docker.tar:app:1"
        skopeo("copy", "--insecure-policy", f"{layout}:one", docker_archive)
        (self.folder / "keys").mkdir()
        self._make_keys()
        self._sign()

    def _make_keys(self) -> None:
        for name in ("alice", "bob"):
            self._export(name, self.gpg.make_key(f"{name}@example.com", "ed25519"))
        both = b"".join((self.keys / f"{name}.gpg").read_bytes() for name in ("alice", "bob"))
        (self.keys / "both.gpg").write_bytes(both)
        past = ("--faked-system-time", _PAST)
        self.gpg.run(*past, "--quick-gen-key", "expired@example.com", "ed25519", "sign", "1y")
        self._export("expired", "expired@example.com")
        owner = self.gpg.make_key("owner@example.com", "ed25519")
        self.gpg.run("--quick-add-key", owner, "ed25519", "sign", "never")
        self._export("owner", owner)
        (self.keys / "rubbish.gpg").write_bytes(b"no key at all")
        (self.keys / "empty.gpg").touch()

    def _export(self, name: str, user: str) -> None:
        (self.keys / f"{name}.gpg").write_bytes(self.gpg.export(user))
        (self.keys / f"{name}.asc").write_bytes(self.gpg.export(user, armor=True))

    def _sign(self) -> None:
        host = self.registry.host
        app = f"{host}/ns/app"
        for name, user, image, reference in (
            ("alice", "alice", ONE, f"{app}:1"),
            ("bob", "bob", ONE, f"{app}:1"),
            ("alice-as-2", "alice", ONE, f"{app}:2"),
            ("alice-as-vendor", "alice", ONE, "vendor.example.com/app:1"),
            ("alice-as-hub", "alice", ONE, "docker.io/library/app:1"),
            ("alice-of-two", "alice", TWO, f"{app}:1"),
            ("alice-of-index", "alice", INDEX, f"{app}:multi"),
            ("alice-as-multi", "alice", ONE, f"{app}:multi"),
        ):
            self.signatures[name] = self._standalone_sign(user, image, reference)
        for name, signed in (
            ("alice-short", payload(ONE, "app:1")),
            ("alice-name-alone", payload(ONE, app)),
            ("alice-by-digest", payload(ONE, f"{app}@{ONE.descriptor.digest}")),
            ("alice-by-both", payload(ONE, f"{app}:1@{ONE.descriptor.digest}")),
            ("alice-by-other-digest", payload(ONE, f"{app}@{TWO.descriptor.digest}")),
            ("alice-critical", payload(ONE, f"{app}:1", critical="more")),
            ("alice-sha512", payload(ONE, f"{app}:1", digest=self._sha512(ONE))),
            ("alice-no-json", b"no JSON at all"),
        ):
            self.signatures[name] = self.message("alice", signed)
        good = payload(ONE, f"{app}:1")
        past = ("--faked-system-time", _PAST)
        self.signatures |= {
            "expired": self.message("expired", good, *past),
            "alice-expired": self.message(
                "alice", good, *past, "--ignore-time-conflict", "--default-sig-expire", "1d"
            ),
            "subkey": self.message("owner", good),
            "alice-and-bob": self.message("alice", good, "--local-user", "bob@example.com"),
            "alice-armored": self.message("alice", good, "--armor"),
            "alice-cleartext": self.gpg.run(
                "--clear-sign", "--local-user", "alice@example.com", "--output", "-", stdin=good
            ),
            "alice-detached": self.gpg.sign(good, "--local-user", "alice@example.com"),
            "unsigned": good,
            "empty": b"",
        }
        # Not compressed, so that its end is the end of the signature: the last bits of what is
        # compressed may mean nothing.
        message = bytearray(self.message("alice", good, "--compress-algo", "none"))
        message[-1] ^= 1
        self.signatures["alice-damaged"] = bytes(message)

    def _standalone_sign(self, user: str, image: MadeImage, reference: str) -> bytes:
        manifest, signature = self.folder / "manifest", self.folder / "signature"
        manifest.write_bytes(image.raw)
        fingerprint = self.gpg.fingerprints(f"{user}@example.com")[0]
        command = ("standalone-sign", str(manifest), reference, fingerprint)
        home = {"GNUPGHOME": str(self.gpg.home)}
        skopeo(*command, "-o", str(signature), environment=home)
        return signature.read_bytes()

    def message(self, user: str, signed: bytes, *options: str) -> bytes:
        """Return an OpenPGP message by a user's key, made by gpg."""
        sign = ("--sign", "--local-user", f"{user}@example.com", "--output", "-")
        return self.gpg.run(*options, *sign, stdin=signed)

    @staticmethod
    def _sha512(image: MadeImage) -> str:
        return f"sha512:{hashlib.sha512(image.raw).hexdigest()}"

    @property
    def keys(self) -> Path:
        """The folder of key files: ``alice.gpg``, ``alice.asc``, …."""
        return self.folder / "keys"

    def spelled(self, text: str) -> str:
        """Put in what the placeholders stand for."""
        for word, meaning in (
            ("@HOST", self.registry.host),
            ("@PORT", str(self.registry.port)),
            ("@KEYS", str(self.keys)),
            ("@IMAGES", str(self.folder / "images")),
            ("@ONE", str(ONE.descriptor.digest)),
            ("@INDEX", str(INDEX.descriptor.digest)),
        ):
            text = text.replace(word, meaning)
        return text

    def write_policy(self, policy: object) -> Path:
        """Write a policy to a file; a text is written as it is."""
        text = policy if isinstance(policy, str) else json.dumps(policy)
        path = self.folder / "policy.json"
        path.write_text(self.spelled(text))
        return path

    def ask_skopeo(self, policy: object, reference: str, signatures: Sequence[str]) -> bool:
        """Tell whether the real skopeo copies an image that has those signatures."""
        lookaside = self._write_signatures(signatures)
        registries = self.folder / "registries.d"
        registries.mkdir(exist_ok=True)
        default = {"default-docker": {"lookaside": lookaside.as_uri()}}
        (registries / "default.yaml").write_text(json.dumps(default))
        done = skopeo(
            *("--policy", str(self.write_policy(policy)), "--registries.d", str(registries)),
            *("copy", "--src-tls-verify=false", "--override-os=linux", "--override-arch=amd64"),
            *(self.spelled(reference), f"dir:{self.folder / 'copy'}"),
            check=False,
        )
        said = done.stderr.decode(errors="replace")
        if done.returncode and not any(
            word in said for word in ("Source image rejected", "Error loading trust policy")
        ):
            pytest.fail(f"skopeo failed by something else than its policy: {said}")
        return done.returncode == 0

    def _write_signatures(self, names: Sequence[str]) -> Path:
        """Write a lookaside folder; ``name@index`` lies beside the index, others beside ONE."""
        folder = self.folder / "lookaside" / str(len(list((self.folder).glob("lookaside/*"))))
        folder.mkdir(parents=True)
        counted: dict[str, int] = {}
        for name in names:
            kind, _, place = name.partition("@")
            digest = INDEX.descriptor.digest if place else ONE.descriptor.digest
            counted[digest.hex] = counted.get(digest.hex, 0) + 1
            beside = folder / f"ns/app@{digest.algorithm}={digest.hex}"
            beside.mkdir(parents=True, exist_ok=True)
            (beside / f"signature-{counted[digest.hex]}").write_bytes(self.signatures[kind])
        return folder

    def evidence(self, reference: str, signatures: Sequence[str]) -> ManifestEvidence:
        """Return the same image with the same signatures, as the download would find them."""
        spelled = self.spelled(reference)
        if not spelled.startswith("docker://"):
            return ManifestEvidence(spelled, (ONE.raw,))
        docker = parse_docker_reference(spelled.removeprefix("docker://")).unwrap()
        documents = [self._manifest(docker.repository, str(docker.digest or docker.tag))]
        while "manifests" in (parsed := json.loads(documents[-1])):
            documents.append(self._manifest(docker.repository, parsed["manifests"][0]["digest"]))
        found = tuple(
            FoundSignature("simple", self._place(name), self.signatures[name.partition("@")[0]])
            for name in signatures
        )
        return ManifestEvidence(f"docker://{docker.normal}", tuple(documents), found)

    @staticmethod
    def _place(name: str) -> Digest:
        return (INDEX if "@" in name else ONE).descriptor.digest

    def _manifest(self, repository: str, which: str) -> bytes:
        url = f"http://{self.registry.host}/v2/{repository}/manifests/{which}"
        with urlopen(Request(url, headers={"Accept": _ACCEPT})) as answer:
            content: bytes = answer.read()
        return content

    @property
    def now(self) -> datetime:
        """The time of the judgement: skopeo's is now."""
        return datetime.now(UTC)


@contextmanager
def laboratory(folder: Path) -> Iterator[Laboratory]:
    """Start a registry, fill it, and end it afterwards."""
    with gnupg() as gpg, Registry(folder / "registry") as registry:
        lab = Laboratory(folder, registry, gpg)
        lab.fill()
        yield lab
