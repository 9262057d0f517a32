"""The pages on mirroring say what can be done: lists are lists, command lines are parsed."""

import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from pipeline.recipes.mirroring.lists import parse_list
from tests.docs import how_to
from tests.docs.mirroring import documents, parse_command, unit_of
from tests.peers.nginx import need_tool

ROOT = how_to.PAGES.parents[1]
PAGES = [
    how_to.PAGES / "nightly-mirror.md",
    how_to.PAGES / "mirror-on-a-cluster.md",
    ROOT / "docs/mirroring.md",
]


def test_lists_are_lists() -> None:
    written, manifests = how_to.blocks_of("nightly-mirror", "yaml")
    config = documents(manifests)[0]["data"]
    for text in (written, config["images.yaml"]):
        entries = parse_list(text.encode(), "images.yaml", "yaml").unwrap()
        assert [each.platform for each in entries] == [None, "all"]


def test_the_service_runs_a_command_that_there_is() -> None:
    service = unit_of(how_to.blocks_of("nightly-mirror", "ini")[0])["Service"]
    (line,) = service["ExecStart"]
    program, *words = shlex.split(line)
    assert program == "/usr/local/bin/image-pipeline"
    found = parse_command(words)
    assert found["as_json"]
    assert found["lock"] == Path("/var/lib/image-pipeline/images.lock")


def test_the_job_runs_a_command_that_there_is() -> None:
    job = documents(how_to.blocks_of("nightly-mirror", "yaml")[1])[1]["spec"]
    assert job["concurrencyPolicy"] == "Forbid"
    pod = job["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    program, *words = container["command"]
    assert program == "image-pipeline"
    assert parse_command(words)["as_json"]
    volumes = {each["name"] for each in pod["volumes"]}
    assert {each["name"] for each in container["volumeMounts"]} == volumes


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_command_lines_are_parsed(page: Path) -> None:
    lines = re.findall(r"^    image-pipeline (mirror .*)$", page.read_text(), re.MULTILINE)
    assert lines
    for line in lines:
        parse_command(shlex.split(line))


def test_an_option_that_there_is_not_is_seen() -> None:
    with pytest.raises(click.NoSuchOption):
        parse_command(["mirror", "images.txt", "--to=images", "--renamed"])


def test_each_guarantee_has_its_test() -> None:
    text = (ROOT / "docs/mirroring.md").read_text()
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_mirror*.py"))
    tests += (ROOT / "tests/recipes/mirroring/test_locks.py").read_text()
    named = re.findall(r"`(test_[a-z_]+)`", text)
    assert len(named) >= 10
    for name in named:
        assert f"def {name}(" in tests, name


@pytest.mark.peer
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    need_tool("systemd-analyze")
    service, timer = how_to.blocks_of("nightly-mirror", "ini")
    paths = [tmp_path / f"image-pipeline-mirror.{kind}" for kind in ("service", "timer")]
    # The program need not be installed where tests run.
    paths[0].write_text(service.replace("/usr/local/bin/image-pipeline", "/bin/true"))
    paths[1].write_text(timer)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if "image-pipeline-mirror" in line]
    assert said == []
