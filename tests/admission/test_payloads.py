"""What was signed of an image: one document, strictly; ``tests/peers`` compares with skopeo."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.admission.payloads import PayloadKind, SignedIdentity, parse_payload
from pipeline.digest import Digest
from pipeline.errors import InvalidPayload
from pipeline.limits import MESSAGE_BYTES, PAYLOAD_DEPTH

DIGEST = Digest("sha256", "ab" * 32)
REFERENCE = "example.com/team/app:1.2.0"
TYPES: dict[PayloadKind, str] = {
    "simple": "atomic container signature",
    "sigstore": "cosign container image signature",
}
KINDS: tuple[PayloadKind, ...] = ("simple", "sigstore")
NOTHING: Any = object()


def document(kind: PayloadKind = "simple", **changes: Any) -> dict[str, Any]:
    """Return a right document with members of ``critical`` changed, or left out as NOTHING."""
    critical = {
        "type": TYPES[kind],
        "image": {"docker-manifest-digest": str(DIGEST)},
        "identity": {"docker-reference": REFERENCE},
        **changes,
    }
    left = {name: value for name, value in critical.items() if value is not NOTHING}
    return {"critical": left, "optional": {}}


def reason(value: object, kind: PayloadKind = "simple") -> str:
    """Return why a document is refused."""
    error = parse_payload(json.dumps(value).encode(), kind).failure()
    assert isinstance(error, InvalidPayload)
    return error.reason


@pytest.mark.parametrize("kind", KINDS)
def test_right(kind: PayloadKind) -> None:
    """As skopeo and cosign write it."""
    members = document(kind) | {"optional": {"creator": "x 1", "timestamp": 1_795_440_000}}
    parsed = parse_payload(json.dumps(members).encode(), kind).unwrap()
    assert parsed == SignedIdentity(DIGEST, REFERENCE, 1_795_440_000)


def test_as_cosign_writes_it() -> None:
    """No annotation makes ``optional`` null, and the name has no tag."""
    written = (
        b'{"critical":{"identity":{"docker-reference":"localhost:5001/app"},"image":'
        b'{"docker-manifest-digest":"sha256:' + b"ab" * 32 + b'"},'
        b'"type":"cosign container image signature"},"optional":null}'
    )
    parsed = parse_payload(written, "sigstore").unwrap()
    assert parsed == SignedIdentity(DIGEST, "localhost:5001/app", None)


def test_one_kind_is_not_the_other() -> None:
    """What was signed by one scheme proves nothing by the other."""
    for kind, other in (KINDS, KINDS[::-1]):
        text = json.dumps(document(kind)).encode()
        assert is_successful(parse_payload(text, kind))
        assert "$.critical.type" in parse_payload(text, other).failure().reason


SHA512 = "sha512:" + "cd" * 64


@pytest.mark.parametrize(
    ("members", "whole"),
    [
        (
            document(type="x"),
            '$.critical.type: got "x", wanted "atomic container signature"',
        ),
        (
            document(image={"docker-manifest-digest": DIGEST.image_id}),
            (
                f'$.critical.image.docker-manifest-digest: got "{DIGEST.image_id}", '
                'wanted a colon after "sha256" or "sha512"'
            ),
        ),
        (
            document(identity={"docker-reference": ""}),
            '$.critical.identity.docker-reference: got "", wanted a reference',
        ),
        (document() | {"optional": 1}, "$.optional: got 1, wanted an object"),
        (
            document() | {"optional": {"timestamp": 2**63}},
            (
                "$.optional.timestamp: got a very large number, "
                f"wanted an integer from {-(2**63)} to {2**63 - 1}"
            ),
        ),
    ],
)
def test_why(members: object, whole: str) -> None:
    """Where, what was got, and what was wanted."""
    assert reason(members) == whole


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"type": NOTHING}, '$.critical: got no member "type", wanted type, image, identity'),
        ({"image": NOTHING}, '$.critical: got no member "image"'),
        ({"identity": NOTHING}, '$.critical: got no member "identity"'),
        ({"more": 1}, '$.critical: got the member "more"'),
        ({"Type": "x"}, '$.critical: got the member "Type"'),
        ({"type": None}, "$.critical.type: got nothing"),
        ({"type": 1}, "$.critical.type: got 1"),
        ({"type": "atomic container signature "}, "$.critical.type: got"),
        ({"image": "x"}, "$.critical.image: got"),
        ({"image": {}}, '$.critical.image: got no member "docker-manifest-digest"'),
        (
            {"image": {"docker-manifest-digest": str(DIGEST), "more": 1}},
            '$.critical.image: got the member "more"',
        ),
        ({"image": {"docker-manifest-digest": None}}, "docker-manifest-digest: got nothing"),
        ({"image": {"docker-manifest-digest": "ab" * 32}}, "docker-manifest-digest: got"),
        ({"image": {"docker-manifest-digest": str(DIGEST).upper()}}, "docker-manifest-digest: got"),
        ({"image": {"docker-manifest-digest": DIGEST.image_id}}, "wanted a colon"),
        ({"image": {"docker-manifest-digest": "md5:" + "a" * 32}}, "docker-manifest-digest: got"),
        ({"image": [str(DIGEST)]}, "$.critical.image: got an array"),
        ({"identity": {}}, '$.critical.identity: got no member "docker-reference"'),
        (
            {"identity": {"docker-reference": "a", "more": 1}},
            '$.critical.identity: got the member "more"',
        ),
        ({"identity": {"docker-reference": None}}, "docker-reference: got nothing"),
        ({"identity": {"docker-reference": 1}}, "docker-reference: got 1"),
        ({"identity": None}, "$.critical.identity: got nothing"),
    ],
)
def test_critical(kind: PayloadKind, changes: dict[str, Any], where: str) -> None:
    """Exactly these members, each what it must be."""
    assert where in reason(document(kind, **changes), kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("top", "where"),
    [
        ({"optional": {}}, '$: got no member "critical", wanted critical, optional'),
        ({"critical": {}}, '$: got no member "optional"'),
        ({"critical": {}, "optional": {}, "more": 1}, '$: got the member "more"'),
        ({"Critical": {}, "optional": {}}, '$: got no member "critical"'),
        ({"critical": None, "optional": {}}, "$.critical: got nothing, wanted an object"),
        ([], "$: got an array, wanted an object"),
        (None, "$: got nothing, wanted an object"),
        ("text", "$: got"),
    ],
)
def test_top(kind: PayloadKind, top: object, where: str) -> None:
    """Two members and nothing else."""
    assert where in reason(top, kind)


def test_sha512() -> None:
    """Digests are of two kinds."""
    members = document(image={"docker-manifest-digest": SHA512})
    parsed = parse_payload(json.dumps(members).encode(), "simple").unwrap()
    assert str(parsed.manifest_digest) == SHA512


def test_empty_reference() -> None:
    """Of a simple signature it is no name; of cosign's, a policy must say what it is worth."""
    assert "wanted a reference" in reason(document(identity={"docker-reference": ""}))
    members = document("sigstore", identity={"docker-reference": ""})
    assert parse_payload(json.dumps(members).encode(), "sigstore").unwrap().reference == ""


class TestOptional:
    """What is known in there must be right, the rest is anybody's."""

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("value", [1, -1, 0, 2**63 - 1, -(2**63)])
    def test_timestamp(self, kind: PayloadKind, value: int) -> None:
        """An integer of 64 bits."""
        members = document(kind) | {"optional": {"timestamp": value}}
        assert parse_payload(json.dumps(members).encode(), kind).unwrap().timestamp == value

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("value", ["1", 1.5, True, [], {}, 2**63, -(2**63) - 1])
    def test_no_timestamp(self, kind: PayloadKind, value: object) -> None:
        """Nothing else."""
        members = document(kind) | {"optional": {"timestamp": value}}
        assert "$.optional.timestamp: got" in reason(members, kind)

    @pytest.mark.parametrize("kind", KINDS)
    def test_creator(self, kind: PayloadKind) -> None:
        """Text."""
        members = document(kind) | {"optional": {"creator": 1}}
        assert "$.optional.creator: got 1" in reason(members, kind)

    @pytest.mark.parametrize("kind", KINDS)
    def test_others(self, kind: PayloadKind) -> None:
        """Are let be."""
        members = document(kind) | {"optional": {"a": [{"b": None}], "Timestamp": "x"}}
        assert is_successful(parse_payload(json.dumps(members).encode(), kind))

    def test_null(self) -> None:
        """By cosign alone."""
        null = {"optional": None}
        text = json.dumps(document("sigstore") | null).encode()
        assert parse_payload(text, "sigstore").unwrap().timestamp is None
        assert "$.optional: got nothing" in reason(document() | null)

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("value", [[], "x", 1, False])
    def test_no_object(self, kind: PayloadKind, value: object) -> None:
        """It is one."""
        assert "$.optional: got" in reason(document(kind) | {"optional": value}, kind)


class TestBounds:
    """Both inclusive."""

    def test_bytes(self) -> None:
        """White space counts."""
        text = json.dumps(document()).encode()
        assert is_successful(parse_payload(text.ljust(MESSAGE_BYTES), "simple"))
        over = parse_payload(text.ljust(MESSAGE_BYTES + 1), "simple").failure()
        assert f"wanted at most {MESSAGE_BYTES}" in over.reason

    def test_depth(self) -> None:
        """Of what people add."""

        def nested(depth: int) -> bytes:
            value: object = {}
            for _ in range(depth - 3):
                value = [value]
            return json.dumps(document() | {"optional": {"a": value}}).encode()

        assert is_successful(parse_payload(nested(PAYLOAD_DEPTH), "simple"))
        over = parse_payload(nested(PAYLOAD_DEPTH + 1), "simple").failure()
        assert f"wanted at most {PAYLOAD_DEPTH} nested" in over.reason


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff", b"\xef\xbb\xbf{}", b'{"critical":{},"critical":{}}', b"{}{}"]
)
def test_no_json(text: bytes) -> None:
    """Read strictly, as any document from outside."""
    assert parse_payload(text, "simple").failure().kind == "invalid-payload"


@given(st.binary(max_size=200), st.sampled_from(KINDS))
def test_junk(junk: bytes, kind: PayloadKind) -> None:
    """Nothing raises, and junk names no image."""
    assert not is_successful(parse_payload(junk, kind))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.sampled_from(KINDS),
    st.sampled_from(("critical", "image", "identity", "type", "docker-reference")),
    JSON,
)
def test_any_json_anywhere(kind: PayloadKind, where: str, value: object) -> None:
    """Whatever stands somewhere, the rest is as it was, or all is refused."""
    members = document(kind)
    if where == "critical":
        members["critical"] = value
    elif where == "docker-reference":
        members["critical"]["identity"] = {where: value}
    else:
        members["critical"][where] = value
    outcome = parse_payload(json.dumps(members).encode(), kind)
    if is_successful(outcome):
        assert where == "docker-reference"
        assert outcome.unwrap() == SignedIdentity(DIGEST, str(value), None)
