"""The how-to pages as programs: what their Python blocks are, put together and run."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

PAGES = Path(__file__).resolve().parents[2] / "docs/how-to"


def code_of(page: str) -> str:
    """Return a page's Python, exactly as it stands there."""
    return "\n\n".join(blocks_of(page, "python"))


def blocks_of(page: str, language: str) -> list[str]:
    """Return a page's blocks of a language, in order."""
    text = (PAGES / f"{page}.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def names() -> list[str]:
    """Return the pages, without the index."""
    return sorted(path.stem for path in PAGES.glob("*.md") if path.stem != "README")


def run(page: str) -> Any:
    """Run a page's Python; return what it has defined, by attribute."""
    defined: dict[str, object] = {"__name__": page}
    # What is compiled here must not inherit this module's own annotations import.
    exec(compile(code_of(page), f"{page}.md", "exec", dont_inherit=True), defined)
    return SimpleNamespace(**defined)
