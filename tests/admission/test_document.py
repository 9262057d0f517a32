"""Policies as they may stand in a file, and what keeps a file from being one."""

import json
from typing import Any

import pytest

from pipeline.admission.document import parse_policy
from pipeline.admission.requirements import (
    AcceptAnything,
    ExactReference,
    ExactRepository,
    Identity,
    KeyData,
    KeyFiles,
    KeySource,
    MatchReference,
    PolicyDocument,
    Reject,
    RemapIdentity,
    SignedBy,
    SigstoreSigned,
)
from pipeline.limits import CONFIGURATION_BYTES, POLICY_DEPTH

PATH = "/etc/policy.json"
DIGEST = f"sha256:{'0' * 64}"
DEFAULT = MatchReference("matchRepoDigestOrExact")
SIMPLE = {"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/key.asc"}
SIGSTORE = {"type": "sigstoreSigned", "keyPath": "/key.pem"}


def parse(document: object) -> PolicyDocument:
    return parse_policy(json.dumps(document).encode(), PATH).unwrap()


def refuse(document: object) -> tuple[str, str]:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    problem = parse_policy(raw, PATH).failure()
    return problem.path, problem.reason


def of(requirement: object) -> dict[str, Any]:
    return {"default": [requirement]}


def test_a_policy() -> None:
    policy = parse(
        {
            "default": [{"type": "reject"}],
            "transports": {
                "docker": {
                    "": [{"type": "insecureAcceptAnything"}],
                    "example.com/app": [SIMPLE, SIGSTORE],
                },
                "oci": {"/images": [{"type": "insecureAcceptAnything"}]},
                "docker-archive": {"": [{"type": "reject"}]},
                "of another program": {"[overlay@/x]:?": [{"type": "reject"}]},
            },
        }
    )
    assert policy == PolicyDocument(
        PATH,
        (Reject(),),
        {
            ("docker", ""): (AcceptAnything(),),
            ("docker", "example.com/app"): (
                SignedBy(KeyFiles(("/key.asc",)), DEFAULT),
                SigstoreSigned(KeyFiles(("/key.pem",)), DEFAULT),
            ),
            ("oci", "/images"): (AcceptAnything(),),
            ("docker-archive", ""): (Reject(),),
            ("of another program", "[overlay@/x]:?"): (Reject(),),
        },
    )
    assert len(policy.all_requirements) == 7


@pytest.mark.parametrize(
    ("kind", "member", "value", "source"),
    [
        ("signedBy", "keyPath", "/a", KeyFiles(("/a",))),
        ("signedBy", "keyPaths", ["/a", "/b"], KeyFiles(("/a", "/b"))),
        ("signedBy", "keyData", "YQ==", KeyData((b"a",))),
        ("signedBy", "keyData", "YQ\r\n==", KeyData((b"a",))),
        ("sigstoreSigned", "keyPath", "/a", KeyFiles(("/a",))),
        ("sigstoreSigned", "keyPaths", ["/a"], KeyFiles(("/a",))),
        ("sigstoreSigned", "keyData", "YQ==", KeyData((b"a",))),
        ("sigstoreSigned", "keyDatas", ["YQ==", "Yg=="], KeyData((b"a", b"b"))),
    ],
)
def test_keys(kind: str, member: str, value: object, source: KeySource) -> None:
    extra = {"keyType": "GPGKeys"} if kind == "signedBy" else {}
    (requirement,) = parse(of({"type": kind, member: value, **extra})).default
    assert isinstance(requirement, SignedBy | SigstoreSigned)
    assert (requirement.type, requirement.keys) == (kind, source)


@pytest.mark.parametrize(
    ("document", "identity"),
    [
        ({"type": "matchExact"}, MatchReference("matchExact")),
        ({"type": "matchRepoDigestOrExact"}, DEFAULT),
        ({"type": "matchRepository"}, MatchReference("matchRepository")),
        (
            {"type": "exactReference", "dockerReference": "app:1"},
            ExactReference("docker.io/library/app:1"),
        ),
        (
            {"type": "exactReference", "dockerReference": f"h:1/app@{DIGEST}"},
            ExactReference(f"h:1/app@{DIGEST}"),
        ),
        (
            {"type": "exactRepository", "dockerRepository": "app"},
            ExactRepository("docker.io/library/app"),
        ),
        (
            {"type": "exactRepository", "dockerRepository": "h:1/app:tag"},
            ExactRepository("h:1/app"),
        ),
        (
            {"type": "remapIdentity", "prefix": "a:1/b", "signedPrefix": "c.d"},
            RemapIdentity("a:1/b", "c.d"),
        ),
    ],
)
def test_identities(document: object, identity: Identity) -> None:
    (requirement,) = parse(of(SIMPLE | {"signedIdentity": document})).default
    assert isinstance(requirement, SignedBy)
    assert requirement.identity == identity


def without(requirement: dict[str, str], member: str) -> dict[str, str]:
    return {name: value for name, value in requirement.items() if name != member}


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (b"", "$"),
        (b"[]", "$"),
        (b"{}", "$"),
        (b'{"default": [{"type": "reject"}], "default": [{"type": "reject"}]}', "$"),
        (b'\xef\xbb\xbf{"default": [{"type": "reject"}]}', "$"),
        (b'{"default": [{"type": "reject"}]} {}', "$"),
        ({"Default": [{"type": "reject"}]}, "$.Default"),
        ({"default": [{"type": "reject"}], "comment": ""}, "$.comment"),
        ({"default": [{"type": "reject"}], "transports": None}, "$.transports"),
        ({"default": [{"type": "reject"}], "transports": []}, "$.transports"),
        ({"default": [{"type": "reject"}], "transports": {"docker": None}}, "$.transports.docker"),
        ({"default": [{"type": "reject"}], "transports": {"x": {"y": []}}}, "$.transports.x.y"),
        ({"default": [{"type": "reject"}], "transports": {"x": {"": None}}}, "$.transports.x."),
        ({"default": None}, "$.default"),
        ({"default": []}, "$.default"),
        ({"default": {"type": "reject"}}, "$.default"),
        ({"default": ["reject"]}, "$.default[0]"),
        (of({}), "$.default[0].type"),
        (of({"type": 1}), "$.default[0].type"),
        (of({"type": "Reject"}), "$.default[0].type"),
        (of({"type": "signedBaseLayer", "baseLayerIdentity": {}}), "$.default[0].type"),
        (of({"type": "reject", "Type": "reject"}), "$.default[0].Type"),
        (of({"type": "insecureAcceptAnything", "x": 1}), "$.default[0].x"),
        (of(without(SIMPLE, "keyType")), "$.default[0]"),
        (of(SIMPLE | {"keyType": "signedByGPGKeys"}), "$.default[0].keyType"),
        (of(SIMPLE | {"keyType": "X509Certificates"}), "$.default[0].keyType"),
        (of(SIMPLE | {"keyType": None}), "$.default[0].keyType"),
        (of(without(SIMPLE, "keyPath")), "$.default[0]"),
        (of(SIMPLE | {"keyData": "YQ=="}), "$.default[0]"),
        (of(SIMPLE | {"keyPaths": ["/a"]}), "$.default[0]"),
        (of(SIMPLE | {"keyDatas": ["YQ=="]}), "$.default[0].keyDatas"),
        (of(SIMPLE | {"keyPath": ""}), "$.default[0].keyPath"),
        (of(SIMPLE | {"keyPath": "key.asc"}), "$.default[0].keyPath"),
        (of(SIMPLE | {"keyPath": "/a\0b"}), "$.default[0].keyPath"),
        (of(SIMPLE | {"keyPath": ["/a"]}), "$.default[0].keyPath"),
        (of(SIMPLE | {"keyPath": None}), "$.default[0].keyPath"),
        (of(without(SIMPLE, "keyPath") | {"keyPaths": []}), "$.default[0].keyPaths"),
        (of(without(SIMPLE, "keyPath") | {"keyPaths": "/a"}), "$.default[0].keyPaths"),
        (of(without(SIMPLE, "keyPath") | {"keyPaths": ["/a", "b"]}), "$.default[0].keyPaths[1]"),
        (of(without(SIMPLE, "keyPath") | {"keyData": ""}), "$.default[0].keyData"),
        (of(without(SIMPLE, "keyPath") | {"keyData": "YQ"}), "$.default[0].keyData"),
        (of(without(SIMPLE, "keyPath") | {"keyData": "Y Q=="}), "$.default[0].keyData"),
        (of(without(SIMPLE, "keyPath") | {"keyData": "é"}), "$.default[0].keyData"),
        (of(without(SIMPLE, "keyPath") | {"keyData": [97]}), "$.default[0].keyData"),
        (of(SIMPLE | {"rekorPublicKeyPath": "/r"}), "$.default[0].rekorPublicKeyPath"),
        (of(SIGSTORE | {"keyType": "GPGKeys"}), "$.default[0].keyType"),
        (of(SIGSTORE | {"keyDatas": ["YQ=="]}), "$.default[0]"),
        (of(without(SIGSTORE, "keyPath") | {"keyDatas": []}), "$.default[0].keyDatas"),
        (of(SIGSTORE | {"signedIdentity": None}), "$.default[0].signedIdentity"),
        (of(SIGSTORE | {"signedIdentity": "matchExact"}), "$.default[0].signedIdentity"),
    ],
)
def test_what_is_refused(document: object, path: str) -> None:
    assert refuse(document)[0] == path


@pytest.mark.parametrize("member", ["fulcio", "pki", "rekorPublicKeyPath", "rekorPublicKeyDatas"])
def test_what_needs_a_network_is_said(member: str) -> None:
    path, reason = refuse(of(without(SIGSTORE, "keyPath") | {member: {}}))
    assert path == f"$.default[0].{member}"
    assert reason.endswith("wanted public keys alone, which need no network")


@pytest.mark.parametrize(
    ("identity", "path"),
    [
        ({}, ".type"),
        ({"type": "matchAnything"}, ".type"),
        ({"type": "matchExact", "dockerReference": "app:1"}, ".dockerReference"),
        ({"type": "exactReference"}, ""),
        ({"type": "exactReference", "dockerReference": "app"}, ".dockerReference"),
        ({"type": "exactReference", "dockerReference": "h:1/app"}, ".dockerReference"),
        ({"type": "exactReference", "dockerReference": "App:1"}, ".dockerReference"),
        ({"type": "exactReference", "dockerRepository": "app:1"}, ".dockerRepository"),
        ({"type": "exactRepository", "dockerRepository": ""}, ".dockerRepository"),
        ({"type": "exactRepository", "dockerReference": "app"}, ".dockerReference"),
        ({"type": "remapIdentity", "prefix": "a.b"}, ""),
        ({"type": "remapIdentity", "prefix": "", "signedPrefix": "a"}, ".prefix"),
        ({"type": "remapIdentity", "prefix": "a/", "signedPrefix": "a"}, ".prefix"),
        ({"type": "remapIdentity", "prefix": "/a", "signedPrefix": "a"}, ".prefix"),
        ({"type": "remapIdentity", "prefix": "a//b", "signedPrefix": "a"}, ".prefix"),
        ({"type": "remapIdentity", "prefix": "*.a", "signedPrefix": "a"}, ".prefix"),
        ({"type": "remapIdentity", "prefix": "a/b:1", "signedPrefix": "a"}, ".prefix"),
        ({"type": "remapIdentity", "prefix": "a", "signedPrefix": f"a@{DIGEST}"}, ".signedPrefix"),
        ({"type": "remapIdentity", "prefix": "a", "signedPrefix": "a/B"}, ".signedPrefix"),
    ],
)
def test_identities_that_are_none(identity: object, path: str) -> None:
    got, _ = refuse(of(SIMPLE | {"signedIdentity": identity}))
    assert got == f"$.default[0].signedIdentity{path}"


@pytest.mark.parametrize(
    ("transport", "scope"),
    [
        ("oci", "images"),
        ("oci", "/"),
        ("oci", "/images/"),
        ("oci", "//images"),
        ("oci", "/images/../other"),
        ("oci-archive", "/a/./b"),
        ("docker-archive", "/images"),
    ],
)
def test_scopes_that_could_never_decide(transport: str, scope: str) -> None:
    rule = {transport: {scope: [{"type": "reject"}]}}
    path, reason = refuse({"default": [{"type": "reject"}], "transports": rule})
    assert path == f"$.transports.{transport}.{scope}"
    assert scope in reason


def test_limits() -> None:
    raw = json.dumps({"default": [{"type": "reject"}]}).encode()
    assert parse_policy(raw.ljust(CONFIGURATION_BYTES), PATH).unwrap().default == (Reject(),)
    assert refuse(raw.ljust(CONFIGURATION_BYTES + 1))[0] == "$"
    deep = b"[" * POLICY_DEPTH + b"]" * POLICY_DEPTH
    assert "nested" in refuse(b'{"default": ' + deep + b"}")[1]
