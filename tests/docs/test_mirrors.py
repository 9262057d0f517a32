"""What docs/mirrors.md says is so: its configuration is read, its Python runs."""

import doctest
import re
from pathlib import Path

import pytest

from pipeline.adapters.configuration import read_configuration
from pipeline.limits import CANDIDATES, MIRRORS
from pipeline.mirrors import UrlTemplate
from pipeline.names import ImageName

TEXT = (Path(__file__).resolve().parents[2] / "docs/mirrors.md").read_text()


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the document's configuration, seen from the one above it."""
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "config.toml").write_text("".join(re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)))
    monkeypatch.chdir(tmp_path)
    return folder


def test_the_code_runs(configured: Path) -> None:
    code = "".join(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(code, {}, "mirrors.md", "mirrors.md", 0)
    assert len(test.examples) >= 10
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test).failed == 0


def test_the_table_is_what_happens(configured: Path) -> None:
    read = read_configuration(configured).unwrap()
    url = "https://example.com/images/a/app.aci"
    entry = read.mirrors.for_url(url)
    assert entry is not None
    name, template = read.mirrors.for_name(ImageName("example.com/app"))
    assert isinstance(template, UrlTemplate)
    rows = re.findall(r"^\|[^|]*\| .*`([^`]+)` \|$", TEXT, re.MULTILINE)
    assert rows[:3] == [*entry.places_of(url), url]
    assert rows[3] == name
    assert rows[5] == "example.com/app"
    assert [tls.host for tls in read.tls] == ["files.corp"]


def test_the_numbers_are_the_limits() -> None:
    assert f"At most {MIRRORS} places a prefix, and {CANDIDATES} for one image." in TEXT
