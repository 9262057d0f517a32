"""What `pipeline.testing` makes, other tools take, and refuse once it is changed."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.testing import OpenPGPKey, make_openpgp_key, make_payload, make_sigstore_key
from pipeline.testing.oci import make_image
from tests.peers.openpgp import gpgv_accepts, judge_by_tools, judge_messages_by_tools, need

pytestmark = pytest.mark.peer

CONTENT = b"content\n"
DIGEST = make_image().descriptor.digest


@pytest.mark.parametrize("key", [make_openpgp_key(), make_openpgp_key("Zoë <z@h.example>", seed=7)])
def test_openpgp_signatures(key: OpenPGPKey) -> None:
    """Gpg and sqv accept a key's signature over just that content; gpgv does, too."""
    need("gpg", "gpgv", "sqv")
    good = judge_by_tools(key.public, key.sign(CONTENT), CONTENT)
    assert (good.gpg, good.sqv) == (True, True), good.said
    bad = judge_by_tools(key.public, key.sign(CONTENT), CONTENT + b"x")
    assert (bad.gpg, bad.sqv) == (False, False), bad.said
    assert gpgv_accepts(key.public, key.sign(CONTENT), CONTENT)


def test_openpgp_lifetimes() -> None:
    """A key that has expired signs nothing any more."""
    need("gpg", "sqv")
    now = datetime.now(UTC)
    key = make_openpgp_key(created=now - timedelta(days=9), lifetime=timedelta(days=5))
    late = judge_by_tools(key.public, key.sign(CONTENT, at=now - timedelta(days=1)), CONTENT)
    assert (late.gpg, late.sqv) == (False, False), late.said


def test_openpgp_messages() -> None:
    need("gpg", "sq")
    key = make_openpgp_key()
    message = key.sign_image(DIGEST, "h.example/app:1").content
    changed = message.replace(b"app:1", b"app:2")
    good, bad = judge_messages_by_tools(key.public, (message, changed))
    assert (good.gpg, good.sqv) == (True, True), good.said
    assert (bad.gpg, bad.sqv) == (False, False), bad.said


def test_sigstore_signatures(tmp_path: Path) -> None:
    need("openssl")
    key, payload = make_sigstore_key(), make_payload(DIGEST, "h.example/app:1", kind="sigstore")
    (tmp_path / "key").write_bytes(key.public)
    (tmp_path / "signature").write_bytes(key.sign(payload))
    for content, is_good in ((payload, True), (payload + b" ", False)):
        (tmp_path / "payload").write_bytes(content)
        done = subprocess.run(
            [
                "openssl",
                "pkeyutl",
                "-verify",
                "-rawin",
                "-pubin",
                "-inkey",
                "key",
                "-in",
                "payload",
                "-sigfile",
                "signature",
            ],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        assert (done.returncode == 0) == is_good, done.stderr
