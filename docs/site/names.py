"""The reference: every public name of a module, as directives that Sphinx's autodoc fills in.

What is public is what ``__all__`` says, or where there is none, what a module defines and does not
begin with an underscore. A name that another module of the reference has, too, is shown once, where
it comes first, and referred to from the others.
"""

import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Final, Literal, final

from sphinx.pycode import ModuleAnalyzer

Kind = Literal["function", "class", "data"]

MODULES: Final = (
    "pipeline",
    "pipeline.adapters",
    "pipeline.errors",
    "pipeline.ports",
    "pipeline.testing",
)
"""The public modules, in the order in which a shared name belongs to the first that has it."""

_RUBRICS: Final = {"function": "Functions", "class": "Classes", "data": "Types and constants"}


@final
@dataclass(frozen=True, slots=True)
class Name:
    """A public name and where it is defined, which for unions is where its docstring stands."""

    module: str
    name: str
    kind: Kind
    home: str

    @property
    def path(self) -> str:
        """The name as users import it."""
        return f"{self.module}.{self.name}"


def modules_of(module: str) -> tuple[str, ...]:
    """Return a public module and, of a package that exports nothing itself, its modules.

    >>> modules_of("pipeline.ports")
    ('pipeline.ports',)
    """
    imported = import_module(module)
    if hasattr(imported, "__all__") or not hasattr(imported, "__path__"):
        return (module,)
    inner = [each.name for each in pkgutil.iter_modules(imported.__path__, f"{module}.")]
    return (module, *(deeper for each in sorted(inner) for deeper in modules_of(each)))


def names_of(module: str) -> tuple[Name, ...]:
    """Return a module's public names, sorted.

    >>> [each for each in names_of("pipeline") if each.name == "ImageName"]
    [Name(module='pipeline', name='ImageName', kind='data', home='pipeline.names')]
    """
    imported = import_module(module)
    listed: list[str] | None = getattr(imported, "__all__", None)
    found = sorted(listed) if listed is not None else _defined(imported)
    return tuple(
        Name(module, name, *_kind_and_home(module, name, getattr(imported, name))) for name in found
    )


def directives(module: str, shown: dict[tuple[str, str], str]) -> str:
    """Return reStructuredText that documents a module; ``shown`` has what other pages document."""
    lines = [f".. py:module:: {module}", "", f".. automodule:: {module}", "   :no-index:", ""]
    by_kind: dict[str, list[Name]] = {}
    for name in names_of(module):
        by_kind.setdefault(name.kind, []).append(name)
    for kind, rubric in _RUBRICS.items():
        if kind in by_kind:
            lines += [f".. rubric:: {rubric}", ""]
        for name in by_kind.get(kind, ()):
            elsewhere = shown.setdefault((name.home, name.name), name.path)
            if elsewhere == name.path:
                lines += _directive(name)
            else:
                role = "class" if kind == "class" else "func" if kind == "function" else "data"
                lines += [f"``{name.name}`` is :py:{role}:`{elsewhere}`.", ""]
    return "\n".join(lines)


def _directive(name: Name) -> list[str]:
    if name.kind == "data":
        doc = _attribute_docs(name.home).get(name.name, ())
        head = [f".. py:data:: {name.name}", f"   :module: {name.module}", ""]
        return [*head, *(f"   {line}" for line in doc), ""]
    members = ["   :members:"] if name.kind == "class" else []
    return [f".. auto{name.kind}:: {name.path}", *members, ""]


def _defined(module: ModuleType) -> list[str]:
    documented = _attribute_docs(module.__name__)
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (
            (
                (inspect.isroutine(value) or inspect.isclass(value))
                and value.__module__ == module.__name__
            )
            or name in documented
        )
    )


def _kind_and_home(module: str, name: str, value: object) -> tuple[Kind, str]:
    if inspect.isclass(value) and value.__name__ == name:
        return "class", value.__module__
    if inspect.isfunction(value):
        return "function", value.__module__
    homes = [
        each
        for each in (module, *_all_modules())
        if name in _attribute_docs(each) and getattr(import_module(each), name) == value
    ]
    return "data", homes[0] if homes else module


@cache
def _all_modules() -> tuple[str, ...]:
    package = import_module("pipeline")
    walked: Iterator[pkgutil.ModuleInfo] = pkgutil.walk_packages(package.__path__, "pipeline.")
    return tuple(each.name for each in walked if not each.name.endswith("__main__"))


@cache
def _attribute_docs(module: str) -> dict[str, tuple[str, ...]]:
    """Return the docstrings that stand under a module's assignments."""
    analyzer = ModuleAnalyzer.for_module(module)
    return {
        name: tuple(lines)
        for (owner, name), lines in analyzer.find_attr_docs().items()
        if not owner
    }


@cache
def homes() -> dict[str, str]:
    """Return where each name of the reference is defined, and the name under which it is shown.

    >>> homes()["pipeline.names.ImageName"]
    'pipeline.ImageName'
    """
    found: dict[str, str] = {}
    for module in MODULES:
        for inner in modules_of(module):
            for name in names_of(inner):
                shown = found.setdefault(f"{name.home}.{name.name}", name.path)
                found[name.path] = shown
    return found


def module_of(path: str) -> str | None:
    """Return the module that a dotted path to something in the package begins with, if it is there.

    >>> module_of("pipeline.trust.KeyInfo"), module_of("pipeline.trust.Nothing")
    ('pipeline.trust', None)
    """
    modules = [each for each in _all_modules() if path.startswith(f"{each}.")]
    if not modules:
        return None
    module = max(modules, key=len)
    value: object = import_module(module)
    for part in path[len(module) + 1 :].split("."):
        fields = getattr(value, "__dataclass_fields__", {})
        if not hasattr(value, part) and part not in fields:
            return None
        value = getattr(value, part, None)
    return module
