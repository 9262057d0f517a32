"""What the pages on mirroring have: units of systemd's, manifests, command lines."""

import re
from typing import Any

import yaml

from pipeline.cli.main import cli


def unit_of(text: str) -> dict[str, dict[str, list[str]]]:
    """Read a unit, as sections of settings; whatever is no setting fails."""
    sections: dict[str, dict[str, list[str]]] = {}
    section = ""
    for line in text.replace("\\\n", " ").splitlines():
        if found := re.fullmatch(r"\[([A-Z][a-z]+)\]", line):
            section = found[1]
            assert section not in sections, section
            sections[section] = {}
        elif line:
            found = re.fullmatch(r"([A-Z][A-Za-z0-9]+)=(.*)", line)
            assert found, line
            sections[section].setdefault(found[1], []).append(found[2])
    return sections


def documents(text: str) -> list[Any]:
    """Read the documents of a YAML file."""
    return list(yaml.safe_load_all(text))


def parse_command(words: list[str]) -> dict[str, Any]:
    """Have the command line parse words after ``image-pipeline``; nothing is done."""
    top = cli.make_context("image-pipeline", list(words))
    rest = [*top._protected_args, *top.args]
    name, command, arguments = cli.resolve_command(top, rest)
    assert command is not None
    return command.make_context(name, arguments, parent=top).params
