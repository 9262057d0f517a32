"""Templates, against what rkt makes of them."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters.appc.template import render_template, template_values, why_unusable
from pipeline.names import ImageName, Label, LabelName, Labels

DATA = Path(__file__).parents[2] / "data" / "rkt" / "discovery-templates.json"
VECTORS: list[Any] = json.loads(DATA.read_text())["vectors"]

# Templates of which we render nothing where rkt renders something, and why.
NO_BRACE = "no URL holds a brace (RFC 3986 section 2), so nothing that works is lost"
DROPPED = {
    "{": NO_BRACE,
    "}{": NO_BRACE,
    "{name": NO_BRACE,
    "{n\name}": NO_BRACE,
    "{\n}": NO_BRACE,
    "{name}": "its value is {version}, which rkt replaces as well",
}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: repr(vector["in"]["tpl"]))
def test_as_rkt_or_as_recorded(vector: Any) -> None:
    template, pairs = vector["in"]["tpl"], vector["in"]["kvs"]
    values = {pairs[at].strip("{}"): pairs[at + 1] for at in range(0, len(pairs), 2)}
    theirs = vector["out"]["out"] if vector["out"]["complete"] else None
    assert render_template(template, values) == (None if template in DROPPED else theirs)
    assert (template not in DROPPED) or theirs is not None


def labels(**values: str) -> Labels:
    return Labels(tuple(Label(LabelName(name), value) for name, value in values.items()))


NAME = ImageName("example.com/app")


@pytest.mark.parametrize(
    ("given_labels", "values"),
    [
        (labels(), {"version": "latest", "name": NAME}),
        (labels(version=""), {"version": "latest", "name": NAME}),
        (labels(version="1/?#%{x} +"), {"version": "1%2F%3F%23%25%7Bx%7D%20%2B", "name": NAME}),
        (labels(c="\ud800"), {"version": "latest", "name": NAME, "c": "%3F"}),
        (labels(name="evil", c="é"), {"version": "latest", "name": NAME, "c": "%C3%A9"}),
    ],
)
def test_values(given_labels: Labels, values: dict[str, str]) -> None:
    assert template_values(NAME, given_labels) == values


@pytest.mark.parametrize(
    "url",
    [
        "https://h/a",
        "https://h",
        "https://h:1/a?b=c#d",
        "https://[::1]/a",
        "https://h/é",
        "https://h/a..b",
    ],
)
def test_usable(url: str) -> None:
    assert why_unusable(url, allow_http=False) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h/a",
        "//h/a",
        "ftp://h/a",
        "file:///a",
        "http://h/a",
        "https:///a",
        "https://u@h/a",
        "https://[::/a",
        "https://h%2Fx/a",
        "https://h/a b",
        "https://h/\0",
        "https://h/a\n",
        "https://h/<x>",
        "https://h/{x}",
        "https://h/..",
        "https://h/./a",
        "https://h/%2e%2E/a",
    ],
)
def test_unusable(url: str) -> None:
    assert why_unusable(url, allow_http=False) is not None
    assert url == "http://h/a" or why_unusable(url, allow_http=True) is not None


@given(st.text(max_size=20))
def test_no_value_changes_the_shape_of_a_url(value: str) -> None:
    """rkt leaves values as they are, so a version could name another path, query or host."""
    template = "https://h/a/{version}/b?q={version}#f"
    values = template_values(NAME, labels(version=value))
    rendered = render_template(template, values)
    assert rendered is not None
    parts = urlsplit(rendered)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "h", "f")
    assert len(parts.path.split("/")) == 4
    assert parts.query.count("=") == 1
    # What is left are the segments "." and "..", which no encoding makes harmless.
    unusable = why_unusable(rendered, allow_http=False)
    assert (unusable is not None) is (value in {".", ".."})
