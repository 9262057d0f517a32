"""The examples of docs/authentication.md do what the page says."""

import re
from datetime import UTC, datetime
from pathlib import Path

from pipeline.adapters.credentials.origins import Origin
from tests.adapters.credentials.cases import put, read

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "authentication.md").read_text()
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_the_examples_together(tmp_path: Path) -> None:
    documents = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    for number, document in enumerate(documents):
        put(tmp_path / "local", f"{number}.json", document)
    netrc = tmp_path / "netrc"
    netrc.write_text("".join(re.findall(r"```netrc\n(.*?)```", PAGE, re.DOTALL)))
    netrc.chmod(0o600)
    found = read(tmp_path, netrc).unwrap()
    starts = {
        url: [f"{name}: {secret.value}"[:22] for name, secret in found.headers_for(url, NOW)][:1]
        for url in (
            "https://example.com/",
            "https://images.example.com:8443/",
            "https://images.example.com/",
            "https://tokens.example.com/",
            "https://s3.example.com:9000/bucket/app.aci",
            "https://files.example.com/",
            "https://files.example.com:8443/",
            "https://files.example.com:9443/",
            "https://quay.io/",
        )
    }
    assert starts == {
        "https://example.com/": ["Authorization: Basic Y"],
        "https://images.example.com:8443/": ["Authorization: Basic Y"],
        "https://images.example.com/": [],
        "https://tokens.example.com/": ["Authorization: Bearer "],
        "https://s3.example.com:9000/bucket/app.aci": ["Authorization: AWS4-HM"],
        "https://files.example.com/": ["Authorization: Basic Y"],
        "https://files.example.com:8443/": ["Authorization: Basic Y"],
        "https://files.example.com:9443/": [],
        "https://quay.io/": [],
    }
    assert [origin for origin, _ in found.registries] == [Origin("quay.io")]
    assert found.warnings == ()
