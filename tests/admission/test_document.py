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


REJECT = [{"type": "reject"}]
SIMPLE_MEMBERS = "type, keyType, keyPath, keyPaths, keyData, signedIdentity"
SIGSTORE_MEMBERS = "type, keyPath, keyPaths, keyData, keyDatas, signedIdentity"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"[]", "got an array, wanted an object"),
        (b"{}", "got no default, wanted one"),
        ({"default": REJECT, "x": 1}, "wanted no member but default, transports"),
        ({"default": REJECT, "transports": None}, "got null, wanted a value"),
        ({"default": []}, "got an array, wanted an array of requirements, at least one"),
        (of("reject"), 'got "reject", wanted an object'),
        (
            of({"type": "Reject"}),
            'got "Reject", wanted one of insecureAcceptAnything, reject, signedBy, sigstoreSigned',
        ),
        (of({"type": "reject", "x": 1}), "wanted no member but type"),
        (of(SIMPLE | {"x": 1}), f"wanted no member but {SIMPLE_MEMBERS}"),
        (of(SIGSTORE | {"x": 1}), f"wanted no member but {SIGSTORE_MEMBERS}"),
        (
            of(SIMPLE | {"keyType": "X"}),
            'got "X", wanted "GPGKeys": no program judges by another type',
        ),
        (
            of(SIGSTORE | {"pki": {}}),
            "pki is not judged here, wanted public keys alone, which need no network",
        ),
        (
            of(without(SIMPLE, "keyPath")),
            "got no key, wanted exactly one of keyPath, keyPaths, keyData",
        ),
        (
            of(SIGSTORE | {"keyData": "YQ=="}),
            "got keyPath and keyData, wanted exactly one of keyPath, keyPaths, keyData, keyDatas",
        ),
        (
            of(without(SIMPLE, "keyPath") | {"keyPaths": []}),
            "got an array, wanted an array, not empty",
        ),
        (of(SIMPLE | {"keyPath": "a"}), 'got "a", wanted the absolute path of a key file'),
        (
            of(without(SIMPLE, "keyPath") | {"keyData": "Y"}),
            'got "Y", wanted base64, padded',
        ),
        (
            of(without(SIMPLE, "keyPath") | {"keyData": ""}),
            'got "", wanted a key, which has bytes',
        ),
    ],
)
def test_why_a_policy_is_refused(document: object, reason: str) -> None:
    assert refuse(document)[1] == reason


@pytest.mark.parametrize(
    ("transports", "reason"),
    [
        ([], "got an array, wanted an object of transports"),
        ({"docker": None}, "got nothing, wanted an object of scopes"),
        (
            {"docker-archive": {"/a": REJECT}},
            'got the scope "/a", wanted no scope of docker-archive but ""',
        ),
        (
            {"oci": {"a": REJECT}},
            'got the scope "a", wanted an absolute path, and "" for all of them',
        ),
        (
            {"oci": {"/a/": REJECT}},
            'got the scope "/a/", wanted a path without "//", "." and ".." in it or "/" at its end',
        ),
    ],
)
def test_why_a_scope_is_refused(transports: object, reason: str) -> None:
    assert refuse({"default": REJECT, "transports": transports})[1] == reason


@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        (
            {"type": "x"},
            (
                'got "x", wanted one of matchExact, matchRepoDigestOrExact, matchRepository, '
                "exactReference, exactRepository, remapIdentity"
            ),
        ),
        ({"type": "matchExact", "x": 1}, "wanted no member but type"),
        ({"type": "exactReference", "x": 1}, "wanted no member but type, dockerReference"),
        ({"type": "exactRepository", "x": 1}, "wanted no member but type, dockerRepository"),
        ({"type": "remapIdentity", "x": 1}, "wanted no member but type, prefix, signedPrefix"),
        (
            {"type": "exactReference", "dockerReference": "app"},
            'got "app", wanted a tag or a digest behind the name',
        ),
        (
            {"type": "exactReference", "dockerReference": "App:1"},
            (
                'got "App:1", wanted lower-case letters and digits, '
                'with single "." or "_" between them, as path'
            ),
        ),
        (
            {"type": "remapIdentity", "prefix": "a/", "signedPrefix": "a"},
            'got "a/", wanted a host, and parts of a repository behind it, without tag and digest',
        ),
    ],
)
def test_why_an_identity_is_refused(identity: object, reason: str) -> None:
    assert refuse(of(SIMPLE | {"signedIdentity": identity}))[1] == reason


def test_limits() -> None:
    raw = json.dumps({"default": [{"type": "reject"}]}).encode()
    assert parse_policy(raw.ljust(CONFIGURATION_BYTES), PATH).unwrap().default == (Reject(),)
    assert refuse(raw.ljust(CONFIGURATION_BYTES + 1))[0] == "$"
    deep = b"[" * POLICY_DEPTH + b"]" * POLICY_DEPTH
    assert "nested" in refuse(b'{"default": ' + deep + b"}")[1]
