"""YAML as JSON would say it: no more is read, and nothing is read twice."""

import pytest

from pipeline.strict_json import Json
from pipeline.yaml_files import parse_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# nothing", None),
        ("a: [1, -2, 0]\nb: {c: yes, d: null}", {"a": [1, -2, 0], "b": {"c": True, "d": None}}),
        ("a: 'no'\nb: False\nc: \"1\"", {"a": "no", "b": False, "c": "1"}),
        ("- !!str 1\n- é\n- |\n  a\n  b", ["1", "é", "a\nb"]),
        ("[a, a]", ["a", "a"]),
    ],
)
def test_what_json_can_say(text: str, value: Json) -> None:
    assert parse_yaml(text.encode(), max_bytes=100, max_depth=2).unwrap().value == value


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ("a: [b, {c: 1.5}]", "$.a[1].c", 'line 1: got YAML of the kind "float", wanted a text'),
        ("a:\n- ''\n- 0x10", "$.a[1]", 'line 3: got YAML of the kind "int", wanted a text in'),
        ("a: 9999999999999999999", "$.a", 'line 1: got YAML of the kind "int"'),
        ("a: !b c", "$.a", 'line 1: got YAML of the kind "!b"'),
        ("a: !!int b", "$.a", 'line 1: got YAML of the kind "int"'),
        ("a: !!binary YQ==", "$.a", 'line 1: got YAML of the kind "binary"'),
        ("a: !!omap [b: 1]", "$.a", 'line 1: got YAML of the kind "omap"'),
        ("a: !!set {b: null}", "$.a", 'line 1: got YAML of the kind "set"'),
        ("a: &x b\nc: *x", "$.c", "line 1: got an alias of this, wanted it written out"),
        ("a: {b: {c: {}}}", "$.a.b.c", "line 1: wanted fewer nested lists and mappings"),
        ("a: 1\na: 2", "$", 'line 2: the key "a" stands there twice, wanted each once'),
        ("'a': 1\n\"a\": 2", "$", 'line 2: the key "a" stands there twice, wanted each once'),
        ("yes: 1", "$", "line 1: wanted a text as key"),
        ("a: b: c", "$", "not YAML at line 1: mapping values are not allowed here"),
        ("a: *x", "$", "not YAML at line 1: found undefined alias 'x'"),
        ("\0", "$", "not YAML: "),
        ("a" * 1001, "$", "got 1001 bytes, wanted at most 1000"),
    ],
)
def test_what_json_cannot_say(text: str, path: str, reason: str) -> None:
    problem = parse_yaml(text.encode(), max_bytes=1000, max_depth=3).failure()
    assert problem.path == path
    assert problem.reason.startswith(reason)


def test_what_is_not_utf_8() -> None:
    problem = parse_yaml(b"a: \xff", max_bytes=1000, max_depth=3).failure()
    assert problem.reason.startswith("not YAML: 'utf-8'")
