"""Fakes, makers and checks need no hypothesis; strategies say what they need."""

import subprocess
import sys

import pytest

from pipeline import testing

HIDE = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "hypothesis":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", HIDE + code], capture_output=True, text=True, check=False
    )


def test_all_but_strategies_works() -> None:
    done = run(
        "import pipeline.testing as testing\n"
        "for name in testing.__all__: getattr(testing, name)\n"
        "testing.check_keyring(testing.StaticKeyring)\n"
        "print('hypothesis' in sys.modules)"
    )
    assert (done.stdout.strip(), done.stderr) == ("False", "")


def test_strategies_say_what_they_need() -> None:
    done = run("from pipeline.testing import strategies")
    assert "needs hypothesis: pip install 'image-pipeline[testing]'" in done.stderr


def test_a_hypothesis_that_lacks_something_is_not_called_missing() -> None:
    hide = HIDE.replace('name.partition(".")[0] == "hypothesis"', 'name == "hypothesis.errors"')
    assert hide != HIDE
    code = hide + "import pipeline.testing.strategies"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "No module named 'hypothesis.errors'" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("name", testing.__all__)
def test_everything_public_is_documented(name: str) -> None:
    assert getattr(testing, name).__doc__
