"""One credentials file: what it says, and every way in which it can be wrong."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from returns.pipeline import is_successful

from pipeline.adapters.credentials.auth_files import AuthFile, parse_auth_file
from pipeline.adapters.credentials.origins import Origin
from pipeline.adapters.credentials.proofs import AwsKey, Basic, Bearer
from pipeline.errors import InvalidSetting
from pipeline.limits import CONFIGURATION_BYTES, CREDENTIALS_DEPTH
from pipeline.secret import Secret
from tests.adapters.credentials.cases import CANARY, VALID, Document, auth, docker_auth

PATH = Path("auth.d/x.json")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def parsed(document: Document) -> AuthFile:
    return parse_auth_file(PATH, json.dumps(document).encode()).unwrap()


def refused(content: Document | str | bytes) -> InvalidSetting:
    if isinstance(content, dict):
        content = json.dumps(content)
    if isinstance(content, str):
        content = content.encode()
    return parse_auth_file(PATH, content).failure()


def without(document: Document, *path: str) -> Document:
    """Return a document without the member at a path."""
    first, *rest = path
    copy = dict(document)
    inner = copy.pop(first)
    if rest:
        assert isinstance(inner, dict)
        copy[first] = without(inner, *rest)
    return copy


def with_(document: Document, value: object, *path: str) -> Document:
    """Return a document with another value at a path."""
    first, *rest = path
    inner = document.get(first)
    if rest:
        assert isinstance(inner, dict)
        value = with_(inner, value, *rest)
    return {**document, first: value}


def test_a_user_and_password() -> None:
    login = Basic(Secret("alice"), Secret('p: ä"'))
    said = parsed(auth("a.example", "b.example:8443", user="alice", password='p: ä"'))
    assert said == AuthFile(
        proofs=((Origin("a.example"), login), (Origin("b.example", 8443), login))
    )


def test_a_token() -> None:
    said = parsed(auth("a.example", kind="oauth", token="some.token-_~+/:|="))
    assert said.proofs == ((Origin("a.example"), Bearer(Secret("some.token-_~+/:|="))),)


def test_an_aws_key_with_its_region() -> None:
    said = parsed(VALID["aws"])
    key = AwsKey(Secret(CANARY), Secret(CANARY), "eu-west-1")
    assert said.proofs == ((Origin("bucket.s3.amazonaws.com"), key),)


@pytest.mark.parametrize("region", [None, ""])
def test_without_a_region_each_domain_tells_its_own(region: str | None) -> None:
    domains = ("b.s3.amazonaws.com", "s3-eu-west-1.amazonaws.com")
    said = parsed(
        auth(*domains, kind="aws", accessKeyID="x", secretAccessKey="y", awsRegion=region)
    )
    regions = [proof.region for _, proof in said.proofs if isinstance(proof, AwsKey)]
    assert regions == ["us-east-1", "eu-west-1"]


def test_a_domain_that_tells_no_region_needs_one() -> None:
    keys = {"accessKeyID": "x", "secretAccessKey": "y"}
    failure = refused(auth("s3.amazonaws.com", "minio.example:9000", kind="aws", **keys))
    assert (failure.setting, failure.got) == (f"{PATH}: $.credentials.awsRegion", "nothing")
    assert failure.wanted == "the region, which minio.example does not tell"


def test_registries_are_read_and_kept_apart() -> None:
    said = parsed(docker_auth("quay.io", "localhost:5000"))
    login = Basic(Secret(CANARY), Secret(CANARY))
    assert said.proofs == ()
    assert said.registries == ((Origin("quay.io"), login), (Origin("localhost", 5000), login))


MEMBERS = [
    (name, path)
    for name, document in VALID.items()
    for path in [
        *((member,) for member in document),
        *(
            ("credentials", member)
            for inner in [document["credentials"]]
            if isinstance(inner, dict)
            for member in inner
        ),
    ]
]


@pytest.mark.parametrize(("name", "path"), MEMBERS)
@pytest.mark.parametrize("value", [None, True, 7, 1.5, "", [], {}, [None], [""], ["a", 7]])
def test_a_member_that_is_missing_or_another_thing(
    name: str, path: tuple[str, ...], value: object
) -> None:
    """The error names the file, the member and what was wanted."""
    wrong = with_(VALID[name], value, *path)
    if path[-1] == "awsRegion" and value in (None, ""):
        assert parsed(wrong).proofs[0][1] == AwsKey(Secret(CANARY), Secret(CANARY), "us-east-1")
        return
    failure = refused(wrong)
    assert failure.setting.startswith(f"{PATH}: $.{'.'.join(path)}")
    assert failure.wanted
    if value is None:
        assert failure.got == "nothing"
        assert refused(without(VALID[name], *path)) == failure


@pytest.mark.parametrize("name", VALID)
@pytest.mark.parametrize("member", ["sessionToken", "Credentials", "rktkind", "User", ""])
def test_unknown_members(name: str, member: str) -> None:
    """What is misspelt, or in other letter case, would silently prove nothing."""
    assert refused(with_(VALID[name], "x", member)).setting == f"{PATH}: $"
    inside = refused(with_(VALID[name], "x", "credentials", member))
    assert inside.setting == f"{PATH}: $.credentials"
    assert "none but" in inside.wanted


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("rktKind",), "paths"),
        (("rktKind",), "stage1"),
        (("rktKind",), "Auth"),
        (("rktVersion",), "v2"),
        (("rktVersion",), "1"),
        (("type",), "Basic"),
        (("type",), "bearer"),
        (("domains",), ["example.com", "*.example.com"]),
        (("domains",), ["example.com", "Example.com:443"]),
        (("domains",), {"example.com": "x"}),
        (("domains",), "example.com"),
        (("credentials", "user"), "al:ice"),
        (("credentials", "user"), "al\nice"),
        (("credentials", "password"), "a\x00b"),
        (("credentials", "password"), "a\x7f"),
    ],
)
def test_values_that_are_refused(path: tuple[str, ...], value: object) -> None:
    assert refused(with_(VALID["basic"], value, *path)).setting.startswith(
        f"{PATH}: $.{'.'.join(path)}"
    )


@pytest.mark.parametrize("token", ["a b", " a", "a\n", "a\r\nX: y", "ä", "a\x00", "\x7f"])
def test_tokens_that_would_change_the_request(token: str) -> None:
    assert not is_successful(
        parse_auth_file(PATH, json.dumps(auth(kind="oauth", token=token)).encode())
    )


@pytest.mark.parametrize("key_id", ["a/b", "a,b", "a=b", "a b", "a\n", "ä", "\x7f"])
def test_key_ids_that_would_change_the_request(key_id: str) -> None:
    document = with_(VALID["aws"], key_id, "credentials", "accessKeyID")
    assert refused(document).setting == f"{PATH}: $.credentials.accessKeyID"


@pytest.mark.parametrize("region", ["eu/west", "eu west", "a" * 65, "ü", "eu\n"])
def test_regions_that_would_change_the_request(region: str) -> None:
    document = with_(VALID["aws"], region, "credentials", "awsRegion")
    assert refused(document).setting == f"{PATH}: $.credentials.awsRegion"


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (b"", "not JSON at line 1, column 1: Expecting value"),
        (b"{\n junk", "not JSON at line 2, column 2"),
        (b"\xff", "byte 1 is not UTF-8"),
        (b"null", "nothing"),
        (b"[]", "an array"),
        (b'"auth"', "another text"),
        (b"[" * (CREDENTIALS_DEPTH + 1), f"at most {CREDENTIALS_DEPTH} nested"),
        (b" " * (CONFIGURATION_BYTES + 1), f"{CONFIGURATION_BYTES + 1} bytes"),
        (b'{"type": "a", "type": "b"}', "the member … stands there twice"),
        (b'{"type": 1e999}', "the number …"),
        (b'{"type": NaN}', "…, which JSON does not know"),
    ],
)
def test_what_is_no_document(content: bytes, got: str) -> None:
    failure = refused(content)
    assert failure.setting == f"{PATH}: $"
    assert got in failure.message


def test_a_full_file_passes() -> None:
    content = json.dumps(VALID["basic"]).encode().ljust(CONFIGURATION_BYTES)
    assert is_successful(parse_auth_file(PATH, content))


def test_the_canary_is_in_what_would_be_sent() -> None:
    """So that its absence elsewhere means something."""
    ((_, proof),) = parsed(VALID["basic"]).proofs
    assert isinstance(proof, Basic)
    pair = base64.b64encode(f"{proof.user.value}:{proof.password.value}".encode())
    assert base64.b64decode(pair) == f"{CANARY}:{CANARY}".encode()
