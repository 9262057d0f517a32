"""What rkt's vectors are called as tests."""

from collections.abc import Mapping

LENGTH = 60


def shown(vector: Mapping[str, str]) -> str:
    """Return an id that stays the same however often pytest collects in one process.

    pytest escapes the ids that a function makes, and what it escaped already, once more each time:
    a test with a backslash in its id is not found again, which ``make mutants`` needs.
    """
    return ascii(vector["in"])[:LENGTH].replace("\\", "%")
