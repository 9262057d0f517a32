"""What holds for every manifest and every bytes, whatever they are."""

import json
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.limits import MANIFEST_DEPTH
from pipeline.manifest import parse_manifest
from pipeline.strict_json import parse_json
from pipeline.testing import strategies


class TestValidManifests:
    """A manifest by the schema is accepted, and says what its JSON says."""

    @given(strategies.manifests())
    def test_fields_are_those_of_the_json(self, raw: bytes) -> None:
        manifest = parse_manifest(raw).unwrap()
        document = json.loads(raw)
        assert manifest.raw == raw
        assert manifest.name == document["name"]
        assert {label.name: label.value for label in manifest.labels.items} == {
            label["name"]: label["value"] for label in document["labels"]
        }
        assert list(manifest.path_whitelist) == document["pathWhitelist"]
        assert [(a["name"], a["value"]) for a in document["annotations"]] == list(
            manifest.annotations
        )
        assert [
            (entry.name, entry.image_id and entry.image_id.image_id, entry.archive_bytes)
            for entry in manifest.dependencies
        ] == [
            (entry["imageName"], entry.get("imageID"), entry.get("size"))
            for entry in document.get("dependencies", [])
        ]

    @given(strategies.manifests(), st.integers(0, 9), st.binary(max_size=3), st.integers(0, 2**16))
    def test_damage_is_a_result_too(self, raw: bytes, cut: int, junk: bytes, at: int) -> None:
        start = at % len(raw)
        outcome = parse_manifest(raw[:start] + junk + raw[start + cut :])
        if not is_successful(outcome):
            problem = outcome.failure()
            assert problem.path.startswith("$")
            assert problem.reason


JSON_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**60), 2**60),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(codec="utf-8"), max_size=8),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


def mutations(
    document: object, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every value in a document."""
    yield path
    children = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    for key, value in children:
        yield from mutations(value, (*path, key))


class TestForeignJson:
    """JSON that is no manifest is refused with the place where it is not."""

    @given(strategies.manifests(), st.data())
    def test_any_value_in_any_place_is_a_result(self, raw: bytes, data: st.DataObject) -> None:
        document = json.loads(raw)
        *parents, last = data.draw(st.sampled_from(list(mutations(document))[1:]))
        target = document
        for key in parents:
            target = target[key]
        target[last] = data.draw(JSON_VALUES)
        outcome = parse_manifest(json.dumps(document).encode())
        if not is_successful(outcome):
            assert outcome.failure().path.startswith("$")


class TestStrictJson:
    """Python's own decoder is the oracle for plain documents; the rest is refused."""

    @given(JSON_VALUES)
    def test_agrees_on_plain_documents(self, value: object) -> None:
        raw = json.dumps(value).encode()
        assert parse_json(raw, max_bytes=10**6, max_depth=64).unwrap().value == value

    @given(st.binary(max_size=40))
    def test_bytes_never_raise(self, raw: bytes) -> None:
        outcome = parse_json(raw, max_bytes=30, max_depth=4)
        assert not is_successful(outcome) or len(raw) <= 30

    @given(st.text('[]{}"\\:,1a\n', max_size=30))
    def test_structure_never_raises(self, text: str) -> None:
        outcome = parse_json(text.encode(), max_bytes=100, max_depth=3)
        if is_successful(outcome):
            assert outcome.unwrap().value == json.loads(text)

    @given(st.integers(1, 2 * MANIFEST_DEPTH), st.sampled_from(("[", '{"a":')))
    def test_depth_is_counted(self, depth: int, opening: str) -> None:
        text = opening * depth + '"]]]"' + ("]" if opening == "[" else "}") * depth
        outcome = parse_json(text.encode(), max_bytes=10**6, max_depth=MANIFEST_DEPTH)
        assert is_successful(outcome) == (depth <= MANIFEST_DEPTH)
