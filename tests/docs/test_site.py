"""The site: built with warnings as errors, and looked at in a real browser.

That no link leads nowhere, no page is left out and no name is undocumented is for the build to say;
that it works for a reader, for Chromium: scripts run, the search finds, all of it comes from here.
"""

import fcntl
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from docs.site.names import MODULES, modules_of, names_of
from pipeline.cli.main import COMMANDS
from pipeline.errors import ExitCode
from tests.docs.browser import Browser, browser
from tests.peers.nginx import need_tool

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = ["Tutorial", "How to", "Reference", "Explanation"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The built site; one worker builds it for all."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared if worker_id == "master" else shared.parent
    target = shared / "site"
    with (shared / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            build(ROOT / "docs", target)
    return target


def build(source: Path, target: Path) -> None:
    options = ("-q", "-W", "--keep-going", "-E", "-c", "docs/site")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(source), str(target)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


class Links(HTMLParser):
    """What a page has: the targets of its links, its scripts and styles, and its anchors."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of a tag."""
        found = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in {"script", "img"} and "src" in found:
            self.loads.append(found["src"])
        if tag == "link" and found.get("rel") in {"stylesheet", "icon", "preload"}:
            self.loads.append(found["href"])
        if "id" in found:
            self.anchors.add(found["id"])


def test_every_link_leads_to_a_page_and_a_place(site: Path) -> None:
    """Also those that the theme and the pages from code make; external ones are https URLs."""
    pages = {path: Links(path.read_text()) for path in site.rglob("*.html")}
    assert len(pages) >= 50
    for path, page in pages.items():
        for link in [*page.links, *page.loads]:
            parts = urlsplit(link)
            if parts.scheme:
                assert link not in page.loads, f"{path.name} loads {link}"
                assert re.match(r"https://[^/]+\.[^/]+", link), f"{path.name}: {link}"
                continue
            target = (path.parent / parts.path).resolve() if parts.path else path
            assert target.is_file(), f"{path.relative_to(site)} links to {link}"
            if parts.fragment and target in pages:
                assert parts.fragment in pages[target].anchors, f"{path.relative_to(site)}: {link}"


def test_every_public_name_has_its_entry(site: Path) -> None:
    """By the name under which users import it, or by that under which another page has it."""
    for module in MODULES:
        file = site / "reference" / f"{module.removeprefix('pipeline.')}.html"
        page = Links(file.read_text())
        targets = page.anchors | {link.rpartition("#")[2] for link in page.links}
        for inner in modules_of(module):
            for name in names_of(inner):
                shown = {each for each in targets if each.rpartition(".")[2] == name.name}
                assert shown, f"{name.path} is not documented"


def test_commands_exit_codes_and_errors_are_shown(site: Path) -> None:
    commands = (site / "reference/command-line.html").read_text()
    for name in COMMANDS:
        assert f'id="image-pipeline-{name}"' in commands
    errors = (site / "reference/errors-and-exit-codes.html").read_text()
    for code in ExitCode:
        assert f"<p>{code.meaning}</p>" in errors
    assert "bad-signature" in errors


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        ("[there](no-such-page.md)", "no-such-page"),
        ("[there](trust.md#no-such-place)", "no-such-place"),
        ("![drawn](no-such.svg)", "no-such.svg"),
    ],
)
def test_the_build_refuses(tmp_path: Path, page: str, complaint: str) -> None:
    """What is wrong in a page fails the build: a link, an anchor, a picture, a page left out."""
    (tmp_path / "index.md").write_text(f"# Start\n\n{page}\n\n```{{toctree}}\ntrust\n```\n")
    (tmp_path / "trust.md").write_text("# Trust\n")
    with pytest.raises(AssertionError, match=complaint):
        build(tmp_path, tmp_path / "site")


def test_the_build_refuses_a_page_that_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "index.md").write_text("# Start\n")
    (tmp_path / "trust.md").write_text("# Trust\n")
    with pytest.raises(AssertionError, match=r"trust\.md"):
        build(tmp_path, tmp_path / "site")


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base
        """Say nothing."""


@pytest.fixture
def served(site: Path) -> Iterator[str]:
    """The site's URL on loopback."""
    handler = partial(Quiet, directory=str(site))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def shoot(page: Browser, name: str) -> None:
    """Keep a screenshot, where ``SITE_SCREENSHOTS`` names a folder."""
    if folder := os.environ.get("SITE_SCREENSHOTS"):
        page.screenshot(Path(folder) / f"{name}.png")


@pytest.mark.peer
def test_a_reader_sees_it(site: Path, served: str) -> None:
    """Every page, on a desk and on a phone: nothing fails, nothing is fetched from elsewhere."""
    need_tool("chromium")
    with browser() as page:
        page.resize(1280, 900)
        page.visit(f"{served}index.html")
        captions = page.value(
            "[...document.querySelectorAll('.sidebar-tree .caption')].map(each => each.textContent)"
        )
        assert captions == SECTIONS
        reached = page.value(
            "[...document.querySelectorAll('.sidebar-tree a.internal')].map(each => each.href)"
        )
        wanted = {
            path.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
            for path in (ROOT / "docs").rglob("*.md")
        }
        assert {each.removeprefix(served).partition("#")[0] for each in reached} >= {
            each for each in wanted if not re.match(r"decisions/0|index", each)
        }
        for width, height, kind in ((1280, 900, "desk"), (390, 844, "phone")):
            page.resize(width, height)
            for path in sorted(wanted):
                page.visit(served + path)
                assert page.value("document.querySelector('h1') !== null"), path
                wide = page.value("document.documentElement.scrollWidth")
                assert wide <= width, f"{path} is {wide} wide on a screen of {width}"
                shoot(page, f"{kind}-{path.replace('/', '-')}")
        assert [each for each in page.requested if not each.startswith((served, "data:"))] == []
        assert page.complaints == []


@pytest.mark.peer
def test_the_search_finds(served: str) -> None:
    need_tool("chromium")
    with browser() as page:
        page.resize(1280, 900)
        for words, wanted in (("mask keystore", "trust.html"), ("tap", "reference/pipeline.html")):
            page.visit(f"{served}search.html?q={words.replace(' ', '+')}")
            found = page.wait_for(
                "/finished/.test(document.querySelector('#search-results').textContent) &&"
                " [...document.querySelectorAll('#search-results li a')].map(each => each.href)"
            )
            assert any(each.startswith(served + wanted) for each in found), found
        shoot(page, "search")
        assert page.complaints == []


@pytest.mark.peer
def test_light_and_dark(served: str) -> None:
    """The switch works, and text stands out from what is behind it in both."""
    need_tool("chromium")
    script = (
        "(() => {const style = getComputedStyle(document.body);"
        " return [style.color, style.backgroundColor]})()"
    )
    with browser() as page:
        page.resize(1280, 900)
        for name in ("stages", "tutorial", "benchmarks"):
            page.visit(f"{served}{name}.html")
            for theme in ("light", "dark"):
                page.value(f"document.body.dataset.theme = '{theme}'")
                text, behind = (
                    sum(map(int, re.findall(r"\d+", each)[:3])) / 3 for each in page.value(script)
                )
                assert abs(text - behind) > 150, f"{name}, {theme}: {text} on {behind}"
                assert (behind < 128) == (theme == "dark")
                shoot(page, f"{theme}-{name}")
