"""The OpenPGP adapter and signatures that sq makes, judged by us, gpg and sqv."""

import subprocess
import time
from pathlib import Path

import pytest
from returns.pipeline import is_successful

from pipeline.adapters.openpgp import read_keys
from tests.adapters.openpgp.judging import at, describe, judge
from tests.peers.openpgp import judge_by_tools, need

pytestmark = pytest.mark.peer

DATA = b"an image\nof two lines\n"


def sq(*arguments: str) -> None:
    """Run sq."""
    done = subprocess.run(
        ["sq", *arguments], capture_output=True, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")


@pytest.mark.parametrize("suite", ["cv25519", "rsa3k", "rsa4k"])
def test_signatures_of_sq(suite: str, tmp_path: Path) -> None:
    """Keys of sq have signing subkeys with back-signatures; binary and armored."""
    need("sq", "sqv", "gpg")
    key, cert, data = (str(tmp_path / name) for name in ("key", "cert", "data"))
    Path(data).write_bytes(DATA)
    sq("key", "generate", "--userid", "Alice", "--cipher-suite", suite, "--export", key)
    sq("key", "extract-cert", "--output", cert, key)
    keyring = Path(cert).read_bytes()
    (info,) = read_keys(keyring, at(int(time.time()) + 1)).unwrap()
    assert (info.user_ids, info.problem) == (("Alice",), None)
    for number, options in enumerate(((), ("--binary",))):
        signed = str(tmp_path / f"signature{number}")
        sq("sign", "--detached", *options, "--signer-key", key, "--output", signed, data)
        signature = Path(signed).read_bytes()
        now = int(time.time()) + 1
        outcome = judge(keyring, signature, DATA, now)
        assert is_successful(outcome), outcome
        assert outcome.unwrap()[0].primary == info.fingerprint
        assert describe(judge(keyring, signature, DATA[1:], now)) == "bad-signature"
        verdict = judge_by_tools(keyring, signature, DATA)
        assert (verdict.gpg, verdict.sqv) == (True, True), verdict.said
