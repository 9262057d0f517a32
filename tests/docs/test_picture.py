"""The picture of the stages is the code's: every stage, with its types and errors."""

import ast
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

from docs.site.picture import FILE, draw, stages

ROOT = Path(__file__).resolve().parents[2]


def stage_functions() -> list[str]:
    """Return the public functions of stages that say they return a Stage, by their source."""
    return [
        node.name
        for path in (ROOT / "pipeline/stages").rglob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and node.returns is not None
        and ast.unparse(node.returns).startswith("Stage[")
    ]


def texts(svg: str) -> list[str]:
    return [each.text or "" for each in ET.fromstring(svg).iter() if each.tag.endswith("}text")]


def test_every_stage_is_in_it() -> None:
    names = stage_functions()
    assert len(names) >= 10
    assert sorted(each.name for each in stages()) == sorted(names)
    shown = Counter(texts(draw(stages())))
    for name in names:
        assert shown[name] == 1


def test_what_a_stage_takes_gives_and_fails_with() -> None:
    found = {each.name: each for each in stages()}
    parse, extract = found["parse_reference"], found["extract_manifest"]
    assert (parse.takes, parse.gives, parse.errors) == (("str",), ("Reference",), ("ParseError",))
    assert set(extract.takes) == {"Verified", "Unverified"}
    assert set(extract.errors) == {
        "ConfigurationError", "ImageError", "StoreError", "VerificationError"
    }  # fmt: skip
    assert found["mirror_candidates"].errors == ()


def test_values_are_joined() -> None:
    """An arrow for each value that a stage takes or gives; one where both are the same."""
    svg = draw(stages())
    wanted = sum(len({*each.takes} | {*each.gives}) for each in stages())
    assert svg.count('<path class="way') == wanted
    assert svg.count('<path class="way both') == 2


def test_the_file_is_what_would_be_drawn() -> None:
    assert FILE.read_text() == draw(stages()), "run: make site"
