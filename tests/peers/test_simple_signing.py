"""Signed messages beside gpg, sq and skopeo: made ones, and those that the three write."""

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.adapters.openpgp import OpenPGPVerifier
from pipeline.admission.payloads import parse_payload
from pipeline.digest import Digest
from tests.adapters.openpgp.cases import Stage
from tests.adapters.openpgp.judging import describe, judge_message
from tests.adapters.openpgp.messages import ACCEPTED, keyring, make_messages
from tests.peers.openpgp import GnuPG, gnupg, judge_messages_by_tools, need
from tests.peers.test_sq import sq
from tests.property.test_openpgp import changed

pytestmark = pytest.mark.peer

VERIFIER = OpenPGPVerifier()
MANIFEST = b'{"schemaVersion": 2}\n'
DIGEST = Digest("sha256", hashlib.sha256(MANIFEST).hexdigest())
REFERENCE = "example.com/team/app:1.2.0"
KEYS = ("rsa2048", "rsa4096", "ed25519", "nistp256", "subkey")


def test_made_messages() -> None:
    """Accepted where gpg and sq both do; what only we refuse is marked, and is so."""
    need("gpg", "sq")
    now = int(time.time())
    messages = make_messages(now)
    keys = keyring(Stage(now))
    verdicts = judge_messages_by_tools(keys, [message.content for message in messages])
    wrong: list[str] = []
    for message, verdict in zip(messages, verdicts, strict=True):
        ours = is_successful(judge_message(keys, message.content, now))
        both = verdict.gpg and verdict.sqv
        if ours != (message.verdict == ACCEPTED) or ours != (both and not message.stricter):
            wrong.append(f"{message.name}: gpg {verdict.gpg}, sq {verdict.sqv}, ours {ours}")
        if message.stricter and not both:
            wrong.append(f"{message.name}: not stricter than both")
    assert not wrong, wrong


@dataclass(frozen=True)
class Maker:
    """A gpg with a key of each kind, all of one exported keyring; users as ``KIND@example.com``."""

    gpg: GnuPG
    keyring: bytes

    def skopeo(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run skopeo with the same keys."""
        environment = {**os.environ, "GNUPGHOME": str(self.gpg.home)}
        return subprocess.run(
            ["skopeo", *arguments], capture_output=True, check=False, env=environment
        )

    def write(self, name: str, content: bytes) -> str:
        """Write a file beside the keys; return its path."""
        path = self.gpg.home / name
        path.write_bytes(content)
        return str(path)

    def sign_by_skopeo(self, kind: str) -> bytes:
        """Return a simple signature of the manifest."""
        manifest, made = self.write("manifest", MANIFEST), str(self.gpg.home / "signature")
        fingerprint = self.gpg.fingerprints(f"{kind}@example.com")[0]
        done = self.skopeo("standalone-sign", manifest, REFERENCE, fingerprint, "--output", made)
        assert done.returncode == 0, done.stderr.decode()
        return Path(made).read_bytes()

    def skopeo_accepts(self, kind: str, signature: bytes, manifest: bytes = MANIFEST) -> bool:
        """Ask skopeo whether it is a signature of the manifest by the key of that kind."""
        fingerprints = self.gpg.fingerprints(f"{kind}@example.com")
        paths = self.write("manifest", manifest), self.write("signature", signature)
        # skopeo compares with the key that signed, which may be a subkey.
        return any(
            self.skopeo(
                "standalone-verify", paths[0], REFERENCE, fingerprint.upper(), paths[1]
            ).returncode
            == 0
            for fingerprint in fingerprints
        )


@pytest.fixture(scope="module")
def maker() -> Iterator[Maker]:
    """Make keys once."""
    need("gpg", "sq", "skopeo")
    with gnupg() as gpg:
        for kind in KEYS[:-1]:
            gpg.make_key(f"{kind} <{kind}@example.com>", kind)
        gpg.run("--quick-gen-key", "subkey <subkey@example.com>", "ed25519", "cert", "never")
        primary = gpg.fingerprints("subkey@example.com")[0]
        gpg.run("--quick-add-key", primary, "ed25519", "sign", "never")
        yield Maker(gpg, gpg.export())


def now() -> int:
    """Return the time, by a clock that gpg may have read a second later."""
    return int(time.time()) + 1


def payload(message: bytes) -> bytes:
    """Return what is signed."""
    return VERIFIER.read_message(message).unwrap().unverified_payload


@pytest.mark.parametrize("kind", KEYS)
def test_signatures_of_skopeo(maker: Maker, kind: str) -> None:
    """All of us accept them, and read the same of the same image."""
    signature = maker.sign_by_skopeo(kind)
    (signer,) = judge_message(maker.keyring, signature, now()).unwrap()
    assert signer.user_ids == (f"{kind} <{kind}@example.com>",)
    identity = parse_payload(payload(signature), "simple").unwrap()
    assert (identity.manifest_digest, identity.reference) == (DIGEST, REFERENCE)
    assert identity.timestamp is not None
    assert abs(identity.timestamp - now()) < 60
    assert maker.skopeo_accepts(kind, signature)
    assert not maker.skopeo_accepts(kind, signature, MANIFEST + b" ")
    (verdict,) = judge_messages_by_tools(maker.keyring, [signature])
    assert (verdict.gpg, verdict.sqv) == (True, True), verdict.said
    assert maker.gpg.run("--decrypt", stdin=signature) == payload(signature)


def statement(**members: Any) -> bytes:
    """Return a payload, as skopeo writes it, with members of ``critical`` replaced."""
    critical = {
        "type": "atomic container signature",
        "image": {"docker-manifest-digest": str(DIGEST)},
        "identity": {"docker-reference": REFERENCE},
        **members,
    }
    return json.dumps({"critical": critical, "optional": {"creator": "atomic 5"}}).encode()


PAYLOADS = {
    "right": statement(),
    "line ends": statement().replace(b", ", b",\n").replace(b"{", b"{\r\n"),
    "of another type": statement(type="cosign container image signature"),
    "of another digest": statement(image={"docker-manifest-digest": "sha256:" + "0" * 64}),
    "digest in appc's form": statement(image={"docker-manifest-digest": DIGEST.image_id}),
    "no digest": statement(image={"docker-manifest-digest": "abc"}),
    "digest empty": statement(image={"docker-manifest-digest": ""}),
    "under another name": statement(identity={"docker-reference": "example.com/other:1"}),
    "under no name": statement(identity={"docker-reference": ""}),
    "name null": statement(identity={"docker-reference": None}),
    "unknown member": statement(more=1),
    "unknown member of image": statement(image={"docker-manifest-digest": str(DIGEST), "a": 1}),
    "unknown member at the top": statement()[:-1] + b', "more": 1}',
    "unknown member of optional": statement().replace(b'"creator"', b'"more": [{}], "creator"'),
    "creator a number": statement().replace(b'"atomic 5"', b"5"),
    "timestamp": statement().replace(b'"creator"', b'"timestamp": 1795440000, "creator"'),
    "timestamp negative": statement().replace(b'"creator"', b'"timestamp": -1, "creator"'),
    "timestamp text": statement().replace(b'"creator"', b'"timestamp": "1", "creator"'),
    "timestamp fraction": statement().replace(b'"creator"', b'"timestamp": 1.5, "creator"'),
    "timestamp null": statement().replace(b'"creator"', b'"timestamp": null, "creator"'),
    "creator null": statement().replace(b'"atomic 5"', b"null"),
    "optional null": statement().replace(b'{"creator": "atomic 5"}', b"null"),
    "optional empty": statement().replace(b'"creator": "atomic 5"', b""),
    "no optional": statement().replace(b', "optional": {"creator": "atomic 5"}', b""),
    "twice the same": statement().replace(b'"type"', b'"type": "x", "type"'),
    "critical twice": statement()[:-1] + b"," + statement()[1:],
    "other letter case": statement().replace(b'"type"', b'"Type"'),
    "array": b"[" + statement() + b"]",
    "two documents": statement() * 2,
    "not JSON": b"hello",
    "empty": b"",
    "byte order mark": b"\xef\xbb\xbf" + statement(),
}


def is_of_the_image(message: bytes) -> bool:
    """Tell whether a message says, to us, what skopeo is asked about."""
    identity = parse_payload(payload(message), "simple")
    wanted = (DIGEST, REFERENCE)
    return is_successful(identity) and wanted == (
        identity.unwrap().manifest_digest,
        identity.unwrap().reference,
    )


@pytest.mark.parametrize("name", PAYLOADS)
def test_payloads(maker: Maker, name: str) -> None:
    """Whatever is truly signed, we read as skopeo does."""
    signature = maker.gpg.run("--local-user", "ed25519@example.com", "--sign", stdin=PAYLOADS[name])
    assert is_successful(judge_message(maker.keyring, signature, now()))
    assert payload(signature) == PAYLOADS[name]
    assert is_of_the_image(signature) == maker.skopeo_accepts("ed25519", signature)


@st.composite
def ways(draw: st.DrawFn) -> list[str]:
    """Draw options for ``gpg --sign``."""
    kinds = draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True))
    options = [part for kind in kinds for part in ("--local-user", f"{kind}@example.com")]
    compression = draw(st.sampled_from(("uncompressed", "zip", "zlib", "bzip2")))
    options += ["--compress-algo", compression]
    options += ["--compress-level", str(draw(st.integers(1, 9)))]
    options += draw(st.sampled_from(([], ["--armor"])))
    options += draw(st.sampled_from(([], ["--textmode"])))
    options += draw(st.sampled_from(([], ["--digest-algo", "SHA512"])))
    options += draw(st.sampled_from(([], ["--set-filename", "name"], ["--for-your-eyes-only"])))
    options += draw(st.sampled_from(([], ["--comment", "a: b"], ["--emit-version"])))
    return options


contents = st.one_of(
    st.binary(max_size=200),
    st.text("ab \t\n", max_size=200).map(str.encode),
    st.integers(500, 70_000).map(os.urandom),
)


@given(ways(), contents)
@settings(max_examples=max(settings().max_examples // 2, 1))
def test_ways_of_gpg(maker: Maker, options: list[str], content: bytes) -> None:
    """However gpg writes it, by whomever: everybody is named, and the bytes are as signed."""
    message = maker.gpg.run(*options, "--sign", stdin=content)
    outcome = judge_message(maker.keyring, message, now())
    is_text = "--textmode" in options
    if is_text and b"\r" in content:
        # Whether a CR is part of a line end is not agreed upon (docs/openpgp-policy.md).
        return
    signers = outcome.unwrap()
    wanted = {option for option in options if option.endswith("@example.com")}
    assert {signer.user_ids[0].split("<")[1].rstrip(">") for signer in signers} == wanted
    read = payload(message)
    assert read == (content.replace(b"\n", b"\r\n") if is_text else content)


@pytest.fixture(scope="module")
def originals(maker: Maker) -> tuple[bytes, ...]:
    """Return the same statement signed twice, once compressed."""
    options = ("--local-user", "ed25519@example.com", "--compress-algo")
    return tuple(
        maker.gpg.run(*options, compression, "--sign", stdin=statement())
        for compression in ("uncompressed", "zip")
    )


@given(st.data())
@settings(max_examples=max(settings().max_examples // 2, 1))
def test_damage(maker: Maker, originals: tuple[bytes, ...], data: st.DataObject) -> None:
    """A message that somebody changed, and we accept, skopeo accepts, and it says the same."""
    message = changed(data.draw(st.sampled_from(originals)), data.draw)
    if is_successful(judge_message(maker.keyring, message, now())):
        assert payload(message) == statement()
        assert maker.skopeo_accepts("ed25519", message)


@pytest.mark.parametrize("suite", ["cv25519", "rsa3k"])
def test_signatures_of_sq(suite: str, tmp_path: Path) -> None:
    """Armored and binary, of one and of two; not one that signs signatures, too."""
    need("sq", "gpg")
    key, other, data, made = (str(tmp_path / name) for name in ("key", "other", "data", "made"))
    Path(data).write_bytes(statement())
    certs = b""
    for path, name in ((key, "Alice"), (other, "Bob")):
        sq("key", "generate", "--userid", name, "--cipher-suite", suite, "--export", path)
        sq("key", "extract-cert", "--binary", "--output", f"{path}.cert", path)
        certs += Path(f"{path}.cert").read_bytes()
    for signers in ([key], [key, other]):
        for options in ((), ("--binary",)):
            by = [part for path in signers for part in ("--signer-key", path)]
            Path(made).unlink(missing_ok=True)
            sq("sign", *options, *by, "--output", made, data)
            message = Path(made).read_bytes()
            assert len(judge_message(certs, message, now()).unwrap()) == len(signers)
            assert parse_payload(payload(message), "simple") == parse_payload(statement(), "simple")
            (verdict,) = judge_messages_by_tools(certs, [message])
            assert (verdict.gpg, verdict.sqv) == (True, True), verdict.said
    notarized = str(tmp_path / "notarized")
    sq("sign", "--notarize", "--signer-key", other, "--output", notarized, made)
    message = Path(notarized).read_bytes()
    assert describe(judge_message(certs, message, now())) == "not-a-signed-message"


def test_what_gpg_makes_otherwise(maker: Maker) -> None:
    """Other things of gpg's, each good for something, none for this."""
    user = ("--local-user", "ed25519@example.com")
    wrong = {
        "clear": ("--clear-sign", *user),
        "stored": ("--store",),
        "detached": ("--detach-sign", *user),
        "a key": ("--export", "ed25519@example.com"),
        "for a password": ("--passphrase", "a", "--symmetric"),
    }
    for name, arguments in wrong.items():
        message = maker.gpg.run(*arguments, stdin=statement())
        assert describe(judge_message(maker.keyring, message, now())) == "not-a-signed-message"
        # skopeo believes cleartext, which no part of the format is (containers-signature.5).
        assert maker.skopeo_accepts("ed25519", message) == (name == "clear")
    weak = maker.gpg.run("--sign", *user, "--digest-algo", "SHA1", stdin=statement())
    assert describe(judge_message(maker.keyring, weak, now())) == "weak-signature"


def test_unknown_signer(maker: Maker) -> None:
    """Good, and by nobody whom we know."""
    signature = maker.sign_by_skopeo("ed25519")
    others = maker.gpg.export("rsa2048@example.com")
    assert describe(judge_message(others, signature, now())) == "unknown-signer"
    assert not maker.skopeo_accepts("rsa2048", signature)
