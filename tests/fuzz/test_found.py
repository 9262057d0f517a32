"""What the fuzzer found, and never again: inputs that once raised, hung, or were accepted."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fuzz.target import judge_junk

FOUND = sorted((Path(__file__).parents[1] / "data" / "fuzz").iterdir())


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_found(path: Path) -> None:
    judge_junk(path.read_bytes(), datetime(2026, 11, 23, tzinfo=UTC))
