"""What docs/testing.md says is so: its Python runs, its tables name what there is."""

import doctest
import re
from pathlib import Path

from pipeline import ports, testing
from pipeline.engine import Engine
from pipeline.events import Observer
from pipeline.testing import strategies

TEXT = (Path(__file__).resolve().parents[2] / "docs/testing.md").read_text()
NAMES = set(re.findall(r"`([A-Za-z_]+)`", TEXT))


def test_the_code_runs() -> None:
    code = "".join(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(code, {}, "testing.md", "testing.md", 0)
    assert len(test.examples) >= 40
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    assert doctest.DocTestRunner(optionflags=options).run(test).failed == 0


def test_every_name_is_there() -> None:
    known = {
        *testing.__all__,
        *strategies.__all__,
        *ports.__all__,
        Observer.__name__,
        Engine.__name__,
    }
    assert NAMES - known <= {"NonConformance", "HYPOTHESIS_NO_PLUGINS"}


def test_everything_public_is_named() -> None:
    """Fakes, makers and checks, all of them; of strategies those that are not for one class."""
    shown = re.findall(r"\b\w+\b", TEXT)
    said = {"BadArchive", "MadeArchive", "MadeImage", "MadeLayer", "OpenPGPKey", "SigstoreKey"}
    said |= {"SignedFile", "SignedImage", "StoreUnderTest"}
    assert set(testing.__all__) - said <= set(shown)
    assert {name for name in strategies.__all__ if "bad" in name} <= set(shown)
