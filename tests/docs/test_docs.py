"""What the documents say is so: code runs, links lead somewhere, tables are the code's."""

import doctest
import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from pipeline.adapters import FileKeystore
from pipeline.cli import mirror
from pipeline.cli.main import COMMANDS, cli
from pipeline.exit_codes import ExitCode
from pipeline.names import parse_image_name
from pipeline.trust import Fingerprint
from tests.support.world import HOST, World, make_image, sign

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")], key=lambda path: path.as_posix()
)
README = (ROOT / "README.md").read_text()


def test_readme_code_runs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's Python, on an image that is signed by a trusted key."""
    image = make_image()
    (world.home / "app.aci").write_bytes(image)
    (world.home / "app.aci.asc").write_bytes(sign(world.key, image))
    keystore = FileKeystore(system=world.home / "system", local=world.home / "config")
    fingerprint = Fingerprint(str(world.key.fingerprint).replace(" ", "").lower())
    prefix = parse_image_name(HOST).unwrap()
    keystore.add(prefix, {fingerprint: bytes(world.key.pubkey)}).unwrap()
    code = "".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(code, {}, "README.md", "README.md", 0)
    assert len(test.examples) >= 10
    results = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test)
    assert results.failed == 0


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", document.read_text()):
        if not re.match(r"[a-z]+:", target):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_named_files_exist(document: Path) -> None:
    """A test or module that a document names in code style is there."""
    named = r"`((?:tests|pipeline|docs)/[A-Za-z0-9_/.]+\.(?:py|md|json))(?:::[^`]*)?`"
    for path in re.findall(named, document.read_text()):
        assert (ROOT / path).exists(), f"{document.name} names {path}"


def test_exit_codes_are_those_of_the_code() -> None:
    table = "| code | meaning |\n|---|---|\n" + "".join(
        f"| {code.value} | {code.meaning} |\n" for code in ExitCode
    )
    assert table in README


def test_readme_commands_exist() -> None:
    """Every command line in the README names a command and options that there are."""
    lines = re.findall(r"^    (?:\$ )?(image-pipeline .*)$", README, re.MULTILINE)
    assert len(lines) >= 5
    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        command: click.Command = cli
        context = cli.make_context("image-pipeline", [], resilient_parsing=True)
        for word in words:
            if not isinstance(command, click.Group):
                break
            if command is mirror.mirror and word not in mirror.mirror.commands:
                command = mirror.run  # the word is its list
                break
            found = command.get_command(context, word)
            assert found is not None, f"{line}: no command {word}"
            command = found
        known = {option for parameter in command.params for option in parameter.opts}
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert given <= known, f"{line}: no option {given - known}"


def test_short_helps_are_those_of_the_commands() -> None:
    """The top group's table, which spares it imports, says what the commands say."""
    context = cli.make_context("image-pipeline", [], resilient_parsing=True)
    for name, (_, line) in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        assert (
            line.rstrip(".").split(",")[0].split(" in ")[0].split()[0]
            == (command.get_short_help_str(limit=200).split()[0])
        )


def test_contributing_names_the_targets() -> None:
    """Every make target in CONTRIBUTING.md is in the Makefile."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    done = subprocess.run(
        ["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    targets = {line.split()[0] for line in done.stdout.splitlines()}
    wanted = "setup fmt lint type imports test docs demo bench check"
    assert set(wanted.split()) <= targets
    assert set(re.findall(r"`make ([a-z]+)`", text)) <= targets
