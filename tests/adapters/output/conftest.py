"""A place to unpack into."""

from pathlib import Path

import pytest

from tests.support.trees import Place, make_place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder to unpack into, beside a canary."""
    return make_place(tmp_path)
