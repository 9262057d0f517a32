"""What the site adds to Sphinx: pages from the code, and links from pages to the code.

Directives, each without content:

- ``public-names MODULE``: the reference of a public module (:mod:`.names`);
- ``command-line``: each command's help (:mod:`.commands`);
- ``exit-codes``, ``error-kinds``: tables (:mod:`.tables`);
- ``benchmark-plots``: drawings and figures of ``docs/benchmarks.json`` (:mod:`.plots`).

A link out of ``docs/``, to a module or a file at the root, works on a forge as it stands; here it
leads to a page that shows the file. A link to a folder leads to its ``README.md``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Final, final

from docutils import nodes
from pygments.lexers.special import TextLexer
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from docs.site import commands, names, plots, tables

ROOT: Final = Path(__file__).resolve().parents[2]
_LINK: Final = re.compile(
    r"(?<=\]\()(?P<path>\.{0,2}[A-Za-z][^)#\s:]*|\.\.?/[^)#\s:]*)(?P<rest>[^)\s]*)(?=\))"
)
_ERRORS: Final = re.compile(r"Errors?: ")


@final
class PublicNames(SphinxDirective):
    """Documents the public names of a module and of the modules in it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Parse what :func:`names.directives` says."""
        shown: dict[tuple[str, str], str] = {}
        for module in names.MODULES:
            texts = [names.directives(each, shown) for each in names.modules_of(module)]
            if module == self.arguments[0]:
                return self.parse_text_to_nodes("\n\n".join(texts), allow_section_headings=True)
        raise self.error(f"{self.arguments[0]} is no public module")


@final
class CommandLine(SphinxDirective):
    """Shows each command's help, a section each."""

    def run(self) -> list[nodes.Node]:
        """Make the sections."""
        sections: list[nodes.Node] = []
        for name, text in commands.commands():
            section = nodes.section(ids=[nodes.make_id(name)], names=[name])
            section += nodes.title(text=name)
            section += nodes.literal_block(text, text, language="text")
            sections.append(section)
        return sections


class Table(SphinxDirective):
    """A table from the code."""

    head: ClassVar[Sequence[str]]

    def rows(self) -> Iterator[Sequence[str]]:
        """Yield the cells of each row, in Markdown."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Parse the table."""
        lines = [self.head, ["---"] * len(self.head), *self.rows()]
        text = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        return self.parse_text_to_nodes(text)


@final
class ExitCodes(Table):
    """The exit codes."""

    head = ("code", "meaning")

    def rows(self) -> Iterator[Sequence[str]]:
        """Yield code and meaning."""
        return tables.exit_codes()


@final
class ErrorKinds(Table):
    """Every error."""

    head = ("exit code", "kind", "class", "says")

    def rows(self) -> Iterator[Sequence[str]]:
        """Yield what a program can match on, and what it means."""
        for code, kind, name, says in tables.error_kinds():
            plain = says.replace("``", "`").replace("|", "\\|")
            yield code, f"`{kind}`", f"{{py:class}}`~pipeline.errors.{name}`", plain


@final
class BenchmarkPlots(SphinxDirective):
    """The drawings, written beside the site's other images, and what they were drawn from."""

    def run(self) -> list[nodes.Node]:
        """Draw, and refer to what was drawn."""
        source = ROOT / "docs/benchmarks.json"
        self.env.note_dependency(str(source))
        folder = Path(self.env.app.outdir) / "_images"
        folder.mkdir(parents=True, exist_ok=True)
        report = plots.read_report(source.read_text())
        # By itself: what stands before the first heading of a text is not kept with it.
        about = self.parse_text_to_nodes(report.about)
        parts: list[str] = []
        for number, section in enumerate(report.sections):
            name = f"benchmark-{number}.svg"
            (folder / name).write_bytes(plots.draw(section))
            parts += [f"## {section.title}", f":::{{plot}} {name}\n:alt: {section.title}\n:::"]
            parts += [plots.table(section)]
        sections = self.parse_text_to_nodes("\n\n".join(parts), allow_section_headings=True)
        return [*about, *sections]


@final
class Plot(SphinxDirective):
    """A picture that a directive has written."""

    required_arguments = 1
    option_spec: ClassVar = {"alt": str}

    def run(self) -> list[nodes.Node]:
        """Refer to it."""
        alt = nodes.unescape(self.options["alt"]).replace('"', "&quot;")
        html = f'<img class="plot" src="_images/{self.arguments[0]}" alt="{alt}">'
        return [nodes.raw(html, html, format="html")]


def link_to_code(app: Sphinx, docname: str, source: list[str]) -> None:
    """Turn links that leave ``docs/`` into links to pages of source text, and remember these."""
    folder = (Path(app.srcdir) / docname).parent
    up = "../" * docname.count("/")

    def turned(link: re.Match[str]) -> str:
        target = (folder / link["path"]).resolve()
        if target.is_dir():
            index = next(
                (
                    target / each
                    for each in ("README.md", "__init__.py")
                    if (target / each).exists()
                ),
                target,
            )
            if index == target or index.is_relative_to(app.srcdir):
                return (
                    f"{link['path'].rstrip('/')}/README.md{link['rest']}"
                    if index != target
                    else link[0]
                )
            target = index
        if target.is_relative_to(app.srcdir) or not target.is_file():
            return link[0]
        path = target.relative_to(ROOT).as_posix()
        pages(app)[path] = docname
        return f"source:{up}source/{path}.html"

    source[0] = _LINK.sub(turned, source[0])


def pages(app: Sphinx) -> dict[str, str]:
    """Return the files that pages link to, each with one of these."""
    found: dict[str, str] | None = getattr(app.env, "image_pipeline_sources", None)
    if found is None:
        found = app.env.image_pipeline_sources = {}  # type: ignore[attr-defined]  # kept by Sphinx
    return found


def find_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.TextElement
) -> nodes.Node | None:
    """Resolve a reference to a name where it is defined: to where it is shown, or to its source."""
    target = str(node["reftarget"])
    if node["refdomain"] != "py":
        return None
    shown = names.homes().get(target)
    if shown is not None:
        domain = env.domains.python_domain
        return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", shown, node, text)
    module = names.module_of(target)
    if module is None:
        return None
    file = Path(str(import_module(module).__file__)).relative_to(ROOT).as_posix()
    pages(app)[file] = node["refdoc"]
    uri = app.builder.get_relative_uri(node["refdoc"], f"source/{file}")
    return nodes.reference("", "", text, internal=True, refuri=uri)


def source_pages(app: Sphinx) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Yield a page for each file that is linked to."""
    for path in sorted(pages(app)):
        text = (ROOT / path).read_text()
        lexer = {".py": "python", ".md": "markdown"}.get(Path(path).suffix, "text")
        builder = app.builder
        assert isinstance(builder, StandaloneHTMLBuilder)
        highlighted = builder.highlighter.highlight_block(text, lexer, linenos=False)
        context = {"title": path, "body": f"<h1>{path}</h1>{highlighted}"}
        yield f"source/{path}", context, "page.html"


def shape_docstring(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Make reStructuredText of docstrings: literal diagrams, tables, ``Errors:`` as a field."""
    shaped: list[str] = []
    errors = False
    for index, line in enumerate(lines):
        opened = line.startswith("    ") and index > 0 and not lines[index - 1].strip()
        before = next((each for each in reversed(shaped) if each.strip()), "")
        if opened and not before.startswith((" ", "-", ">>>")) and not before.endswith("::"):
            shaped += ["::", ""]
        errors = (errors and bool(line.strip())) or _ERRORS.match(line) is not None
        if line.startswith("| "):
            shaped += _row(line, first=not before.startswith(("   ", ".. list-table")))
        elif line.startswith("|--"):
            continue
        elif errors and _ERRORS.match(line):
            shaped += ["", f":Errors: {line.partition(': ')[2]}"]
        else:
            shaped.append(f"    {line}" if errors else line)
    lines[:] = shaped


def _row(line: str, *, first: bool) -> list[str]:
    """Return a row of a Markdown table as one of reStructuredText's; the first one is the head."""
    head = ["", ".. list-table::", "   :header-rows: 1", ""] if first else []
    cells = [each.strip() for each in line.strip("| ").split(" | ")]
    return [*head, f"   * - {cells[0]}", *(f"     - {each}" for each in cells[1:])]


def shorten_signature(
    app: Sphinx,
    what: str,
    name: str,
    obj: object,
    options: object,
    signature: str | None,
    returns: str | None,
) -> tuple[str | None, str | None]:
    """Write unions of errors by their names: sixteen classes say less than one word."""
    return signature and tables.shorten(signature), returns and tables.shorten(returns)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register everything with Sphinx."""
    # What Pygments has no lexer for is shown as it is.
    app.add_lexer("netrc", TextLexer)
    app.add_directive("public-names", PublicNames)
    app.add_directive("command-line", CommandLine)
    app.add_directive("exit-codes", ExitCodes)
    app.add_directive("error-kinds", ErrorKinds)
    app.add_directive("benchmark-plots", BenchmarkPlots)
    app.add_directive("plot", Plot)
    app.connect("source-read", link_to_code)
    app.connect("missing-reference", find_name)
    app.connect("html-collect-pages", source_pages)
    app.connect("autodoc-process-signature", shorten_signature)
    app.connect("autodoc-process-docstring", shape_docstring)
    return {"parallel_read_safe": False}
