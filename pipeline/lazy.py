"""Packages whose public names are imported when they are first used (PEP 562).

What a run does not need, it does not wait for: ``image-pipeline --help`` imports no HTTP stack.
Type checkers see plain imports under ``TYPE_CHECKING``; ``tests/test_exports.py`` holds both equal.
"""

from collections.abc import Callable, Mapping
from importlib import import_module


def lazy_attributes(package: str, homes: Mapping[str, tuple[str, ...]]) -> Callable[[str], object]:
    """Return a module's ``__getattr__``; ``homes`` has each home module's public names."""
    home_of = {name: module for module, names in homes.items() for name in names}

    def load(name: str) -> object:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(home_of[name]), name)

    return load
