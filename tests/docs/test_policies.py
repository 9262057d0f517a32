"""What docs/policies.md says: its policy is read, its table is what decides, its Python runs."""

import doctest
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from returns.result import Result

from pipeline.adapters import OpenPGPVerifier, PublicKeyVerifier, read_keys
from pipeline.adapters.policies import read_policy
from pipeline.adapters.sigstore import check_public_key
from pipeline.admission import PolicyJudge
from pipeline.limits import CONFIGURATION_BYTES, MIB, SIGNATURE_COUNT
from pipeline.reference.docker import parse_docker_reference
from pipeline.trust import Fingerprint
from tests.admission.signing import cosigner, maker
from tests.peers.test_policies import DIFFERENT

TEXT = (Path(__file__).resolve().parents[2] / "docs/policies.md").read_text()
POLICY = "".join(re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL))


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The document's policy and keys, in the current folder."""
    keys = tmp_path / "keys"
    keys.mkdir()
    for name in re.findall(r"/etc/keys/([a-z0-9.-]+)", POLICY):
        key = cosigner(name) if name.endswith(".pem") else maker(name)
        (keys / name).write_bytes(key.public)
    (tmp_path / "policy.json").write_text(POLICY.replace("/etc/keys", str(keys)))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "policy.json"


@pytest.mark.usefixtures("policy")
def test_the_code_runs() -> None:
    code = "".join(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(code, {}, "policies.md", "policies.md", 0)
    assert len(test.examples) >= 10
    assert doctest.DocTestRunner().run(test).failed == 0


def test_the_table_is_what_decides(policy: Path) -> None:
    def first_key(content: bytes) -> Result[Fingerprint, str]:
        return read_keys(content, datetime.now(UTC)).map(lambda keys: keys[0].fingerprint)

    loaded = read_policy(policy, first_key=first_key, check_public_key=check_public_key)
    judge = PolicyJudge(loaded.unwrap(), OpenPGPVerifier(), PublicKeyVerifier())
    rows = re.findall(r"^\| `([a-z-]+:[^`]+)` \| `([^`]+)` \|$", TEXT, re.MULTILINE)
    assert len(rows) >= 8
    for reference, scope in rows:
        scheme, separator, rest = reference.partition("docker://")
        normal = (
            f"{scheme}{separator}{parse_docker_reference(rest).unwrap().normal}"
            if separator
            else reference
        )
        assert judge.explain(normal).unwrap().scope == scope


def test_every_difference_from_skopeo_is_told() -> None:
    said = dict(
        re.findall(
            r"^\| ([a-z0-9 ]+) \| (?:accepts|refuses) \| (accepts|refuses)", TEXT, re.MULTILINE
        )
    )
    for case in DIFFERENT:
        assert said[case.name] == ("accepts" if case.ours else "refuses")


def test_the_numbers_are_the_limits() -> None:
    assert f"of the first {SIGNATURE_COUNT}." in TEXT
    assert f"A file has at most {CONFIGURATION_BYTES // MIB} MiB." in TEXT
