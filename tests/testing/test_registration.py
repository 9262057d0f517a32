"""``st.from_type`` makes every public value, without an import of ours, whoever comes first."""

import pickle
import subprocess
import sys
from dataclasses import is_dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pipeline
from pipeline import errors, ports
from pipeline.testing.registration import value_classes
from pipeline.testing.strategies.table import STRATEGIES

VALUES = value_classes()
NO_VALUES = {
    "Fetcher": "does something: it holds ports",
    "Finder": "does something: it holds ports",
    "KeystoreJudge": "does something: it holds ports",
    "PolicyJudge": "does something: it holds ports",
    "Stage": "does something: it holds a function",
}
"""Public classes that are no values, each with the reason."""


def test_every_public_value_has_a_strategy() -> None:
    """Whoever adds a public class says what it is: a value with a strategy, or none."""
    public = {
        value
        for module in (pipeline, errors, ports)
        for name in module.__all__
        if is_dataclass(value := getattr(module, name)) and isinstance(value, type)
    }
    assert {kind.__name__ for kind in public - set(VALUES)} == set(NO_VALUES)
    assert set(VALUES) <= set(STRATEGIES)


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_from_type_makes_values(kind: type, data: st.DataObject) -> None:
    """Each is of the class, is equal to its copy by pickle, and can be shown."""
    value = data.draw(st.from_type(kind))
    assert type(value) is kind
    assert pickle.loads(pickle.dumps(value)) == value
    assert kind.__name__ in repr(value)


@settings(max_examples=20, deadline=None)
@given(reference=..., name=..., label=...)
def test_from_type_makes_unions_and_new_types(
    reference: pipeline.Reference, name: pipeline.ImageName, label: pipeline.LabelName
) -> None:
    assert type(reference) in STRATEGIES
    assert pipeline.parse_image_name(name).unwrap() == name
    assert label != "name"


@settings(max_examples=20, deadline=None)
@given(digest=..., stored=...)
def test_given_infers(digest: pipeline.Digest, stored: pipeline.Stored) -> None:
    assert pipeline.parse_digest(str(digest)).unwrap() == digest
    assert stored.archive_bytes >= 0


ASKS = "print(st.from_type(Digest).validate() or from_table())"
FROM_TABLE = (
    "def from_table(): from_type = st.from_type(Digest);"
    " return 'pipeline.testing.strategies.table' in sys.modules\n"
)


@pytest.mark.parametrize(
    "imports",
    [
        "from hypothesis import strategies as st\nfrom pipeline import Digest",
        "from pipeline import Digest\nfrom hypothesis import strategies as st",
        "from hypothesis import strategies as st\nfrom pipeline.digest import Digest",
        (
            "import pipeline.testing.strategies\nfrom pipeline import Digest\n"
            "from hypothesis import strategies as st"
        ),
    ],
)
def test_the_order_of_imports_makes_no_difference(imports: str) -> None:
    assert run(f"import sys\n{imports}\n{FROM_TABLE}{ASKS}") == "True"


def test_the_variable_turns_it_off() -> None:
    code = (
        "import os, sys; os.environ['HYPOTHESIS_NO_PLUGINS'] = '1'\n"
        "from hypothesis import strategies as st\nfrom pipeline import Digest\n"
    )
    assert run(code + FROM_TABLE + ASKS) == "False"


def test_who_does_not_use_it_does_not_wait_for_it() -> None:
    """Hypothesis alone imports one small module of ours, and nothing of the package."""
    code = (
        "import sys, hypothesis, hypothesis.strategies\n"
        "print(sorted(name for name in sys.modules if 'pipeline' in name))"
    )
    assert run(code) == "['image_pipeline_hypothesis']"


def test_what_registers_imports_no_strategy() -> None:
    code = (
        "import sys, hypothesis, pipeline\n"
        "print(sorted(name for name in sys.modules if 'testing.strategies' in name))"
    )
    assert run(code) == "[]"


def test_another_package_of_the_same_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pipeline.py").write_text("")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nimport pipeline, hypothesis"
    assert run(f"{code}\nprint(hypothesis.__name__)") == "hypothesis"


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
