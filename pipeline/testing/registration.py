"""``st.from_type(Reference)`` and the like: every public value's class has a strategy.

Nothing here imports hypothesis or a strategy: what is registered is a function that does so when
somebody asks for the first value. Whoever imports both hypothesis and :mod:`pipeline`, in whatever
order, has it done: hypothesis by its entry point ``image_pipeline_hypothesis``, which leaves it
alone where :mod:`pipeline` is not in use, and :mod:`pipeline` where hypothesis was there before.
As for all such plugins, the variable ``HYPOTHESIS_NO_PLUGINS`` turns it off.
"""

import os
from dataclasses import is_dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from pipeline.names import ImageName, LabelName

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

MODULES: Final = (
    "pipeline.admission.loaded",
    "pipeline.admission.requirements",
    "pipeline.digest",
    "pipeline.errors.configuration",
    "pipeline.errors.discovery",
    "pipeline.errors.download",
    "pipeline.errors.image",
    "pipeline.errors.mirroring",
    "pipeline.errors.oci",
    "pipeline.errors.output",
    "pipeline.errors.reference",
    "pipeline.errors.store",
    "pipeline.errors.transport",
    "pipeline.errors.verification",
    "pipeline.events",
    "pipeline.limits",
    "pipeline.logins",
    "pipeline.manifest",
    "pipeline.mirrors",
    "pipeline.names",
    "pipeline.oci",
    "pipeline.ports",
    "pipeline.recipes.mirroring.differences",
    "pipeline.recipes.mirroring.entries",
    "pipeline.recipes.mirroring.locks",
    "pipeline.reference",
    "pipeline.results",
    "pipeline.secret",
    "pipeline.trust",
)
"""Where values are defined that users meet."""

_NO_VALUES: Final = frozenset({"Observers"})
"""What is defined beside values and does something."""


def value_classes() -> tuple[type, ...]:
    """Return the classes of all public values."""
    found: list[type] = []
    for name in MODULES:
        module = import_module(name)
        found += [
            each
            for each in vars(module).values()
            if isinstance(each, type)
            and is_dataclass(each)
            and each.__module__ == name
            and each.__name__ not in _NO_VALUES
        ]
    return tuple(found)


def register_strategies() -> None:
    """Tell hypothesis which strategy is for which class; a second time changes nothing."""
    if os.environ.get("HYPOTHESIS_NO_PLUGINS"):
        return
    register = import_module("hypothesis.strategies").register_type_strategy
    for kind in (*value_classes(), ImageName, LabelName):
        register(kind, _strategy_of)


def _strategy_of(kind: Any) -> "SearchStrategy[Any]":
    from pipeline.testing.strategies.table import STRATEGIES

    return STRATEGIES[kind]()
