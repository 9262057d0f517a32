"""Every code block of every document is run, or read by what reads such files; or it says why not.

| language | what happens to it |
|---|---|
| ``console`` | its commands are run, what they print is compared |
| ``python`` | run or doctested: here, or by the page's own test, which ``RUN_BY`` names |
| ``json``, ``toml``, ``yaml``, ``ini``, ``netrc`` | read by what reads such files, likewise |
| ``{…}`` | a directive of the site: the build runs it (``tests/docs/test_site.py``) |
| indented, ``image-pipeline …`` | every command and option that is named is one |
"""

import re
import shlex
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pytest
from returns.pipeline import is_successful

from pipeline.adapters.credentials import read_credentials
from pipeline.cli.main import cli
from pipeline.cli.mirror import MirrorGroup
from pipeline.cli.mirror import run as mirror_run
from tests.docs.blocks import Block, blocks, run_page
from tests.peers.nginx import need_tool

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
ALL = [block for page in PAGES for block in blocks(page)]

RUN_BY = {
    "README.md": "tests/docs/test_docs.py",
    "docs/mirrors.md": "tests/docs/test_mirrors.py",
    "docs/observability.md": "tests/docs/test_observability.py",
    "docs/policies.md": "tests/docs/test_policies.py",
    "docs/registries.md": "tests/docs/test_registries.py",
    "docs/registry-images.md": "tests/docs/test_registry_images.py",
    "docs/testing.md": "tests/docs/test_testing.py",
}
"""Pages with a test of their own, which sets up what their code is about."""

HERE = {"docs/authentication.md", "docs/tutorial.md"}
"""Pages whose blocks are run or read by this module."""

NOT_RUN = [
    "docs/tutorial.md: it asks a package index; tests run in an environment where this is done",
]
"""Every block that is not run, with its reason: a block more is a line more."""


def name_of(block: Block) -> str:
    return block.page.relative_to(ROOT).as_posix()


def test_every_block_is_run_or_named() -> None:
    languages = Counter(re.sub(r"\{.*\}", "{directive}", block.language) for block in ALL)
    known = {"console", "python", "json", "toml", "yaml", "ini", "netrc", "{directive}"}
    assert set(languages) <= known, f"blocks that nothing runs: {languages.keys() - known}"
    assert [f"{name_of(block)}: {block.why_not}" for block in ALL if block.why_not] == NOT_RUN
    for block in ALL:
        page = name_of(block)
        if block.language.startswith("{") or page in HERE:
            continue
        how_to = page.startswith("docs/how-to/")
        runner = "tests/docs/test_how_to.py" if how_to else RUN_BY.get(page)
        assert runner, f"{page}:{block.line}: nobody runs this {block.language} block"
        test = (ROOT / runner).read_text()
        if how_to:
            # It runs every page of the folder, by this module.
            test += (ROOT / "tests/docs/how_to.py").read_text()
        # A page's own test takes all of a language's blocks, or would fail to unpack them.
        assert how_to or block.page.name in test, f"{runner} does not read {page}"
        assert block.language in test, f"{runner} runs no {block.language} of {page}"


def test_no_fence_is_missed() -> None:
    """What opens a block in any document is seen as one."""
    for page in PAGES:
        fences = re.findall(r"^ *```\S", page.read_text(), re.MULTILINE)
        assert len(fences) == len(list(blocks(page))), page.name


@pytest.mark.peer
def test_the_tutorial_is_what_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    need_tool("gpg")
    for name in ("STORE", "CONFIG", "SYSTEM_CONFIG"):
        monkeypatch.delenv(f"IMAGE_PIPELINE_{name}", raising=False)
    begun = time.monotonic()
    # A short path: gpg's agent listens on a socket below it, whose path has 107 bytes at most.
    with TemporaryDirectory() as folder:
        assert run_page(ROOT / "docs/tutorial.md", Path(folder)) == []
    print(f"the tutorial's commands took {time.monotonic() - begun:.1f} s")


def test_what_a_page_says_is_compared(tmp_path: Path) -> None:
    """The runner itself: it sees another output, and another value."""
    page = tmp_path / "page.md"
    page.write_text(
        "Save as `a.py`:\n\n```python\nprint('a')\n```\n\n"
        "```console\n$ python a.py\nb\n$ X=1 && false\n$ echo $?\n1\n```\n\n"
        "```console\n$ python a.py\na\n```\n\n```python\n>>> 1 + 1\n3\n```\n"
    )
    shell, value = run_page(page, tmp_path)
    assert "$ python a.py\nprinted\na" in shell
    assert "Expected:\n    3\nGot:\n    2" in value


def test_authentication_is_read(tmp_path: Path) -> None:
    """Each file of the page, by what reads ``auth.d`` and netrc."""
    found = [block for block in ALL if name_of(block) == "docs/authentication.md"]
    assert Counter(block.language for block in found) == {"json": 4, "netrc": 1}
    folder = tmp_path / "config/auth.d"
    folder.mkdir(parents=True)
    netrc = tmp_path / "netrc"
    for number, block in enumerate(found):
        path = netrc if block.language == "netrc" else folder / f"{number}.json"
        path.write_text(block.text)
        path.chmod(0o600)
    read = read_credentials(tmp_path / "system", folder.parent, netrc=netrc)
    assert is_successful(read), read
    proofs = [str(origin) for origin, _ in read.unwrap().proofs]
    hosts = "files.example.com files.example.com:8443 example.com images.example.com:8443"
    assert proofs == [*hosts.split(), "tokens.example.com", "s3.example.com:9000"]


def command_lines(page: Path) -> list[str]:
    text = page.read_text()
    lines = re.findall(r"^(?:    )?(?:\$ )?(image-pipeline [^…\n]*)$", text, re.MULTILINE)
    return [line for line in lines if "[" not in line and not line.endswith(("…", "..."))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_exist(page: Path) -> None:
    """Every command line in a document names a command and options that there are."""
    for line in command_lines(page):
        words = shlex.split(line, comments=True)[1:]
        command: click.Command = cli
        context = cli.make_context("image-pipeline", [], resilient_parsing=True)
        for word in words:
            if not isinstance(command, click.Group):
                break
            if word.startswith("-"):
                continue
            found = command.get_command(context, word)
            if found is None and isinstance(command, MirrorGroup):
                command = mirror_run  # a list, not a command
                break
            assert found is not None, f"{page.name}: {line}: no command {word}"
            command = found
        parameters = [*cli.params, *command.params]
        known = {option for parameter in parameters for option in parameter.opts}
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert given <= known, f"{page.name}: {line}: no option {given - known}"


def test_command_lines_are_found() -> None:
    assert sum(len(command_lines(page)) for page in PAGES) >= 40
