"""The manifest's schema, case by case, and against what rkt accepts and refuses."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from returns.pipeline import is_successful

from pipeline.digest import Digest
from pipeline.limits import MANIFEST_BYTES, MANIFEST_DEPTH
from pipeline.manifest import parse_manifest

DATA = Path(__file__).parent / "data" / "rkt"
APP: dict[str, Any] = {"exec": ["/bin/app"], "user": "0", "group": "0"}
ABSENT = object()


def manifest(**members: object) -> bytes:
    """Return a manifest with these members in place of the usual ones."""
    document = {"acKind": "ImageManifest", "acVersion": "0.8.11", "name": "example.com/app"}
    merged = document | members
    return json.dumps({key: value for key, value in merged.items() if value is not ABSENT}).encode()


def refused(raw: bytes) -> str:
    """Return the problem with a manifest as one line."""
    problem = parse_manifest(raw).failure()
    return f"{problem.path}: {problem.reason}"


def vectors(name: str) -> list[Any]:
    loaded = json.loads((DATA / f"{name}.json").read_text())["vectors"]
    assert isinstance(loaded, list)
    return loaded


class TestFields:
    def test_everything_that_fetching_needs(self) -> None:
        digest = Digest("sha512", "0" * 128)
        raw = manifest(
            labels=[{"name": "version", "value": "1"}, {"name": "a"}],
            dependencies=[{"imageName": "example.com/base", "imageID": digest.image_id, "size": 7}],
            pathWhitelist=["/etc"],
            annotations=[{"name": "created", "value": "2014-10-27T19:32:27.67+01:00"}],
            unknown={"kept": True},
        )
        read = parse_manifest(raw).unwrap()
        assert (read.name, read.schema_version, read.raw) == ("example.com/app", "0.8.11", raw)
        assert [(label.name, label.value) for label in read.labels.items] == [
            ("a", ""),
            ("version", "1"),
        ]
        [dependency] = read.dependencies
        assert (dependency.image_id, dependency.archive_bytes) == (digest, 7)
        assert read.path_whitelist == ("/etc",)
        assert read.annotations == (("created", "2014-10-27T19:32:27.67+01:00"),)

    def test_null_counts_as_absent(self) -> None:
        raw = manifest(
            labels=None,
            app=None,
            dependencies=[{"imageName": "a", "imageID": None, "size": None, "labels": None}],
            pathWhitelist=None,
            annotations=None,
        )
        [dependency] = parse_manifest(raw).unwrap().dependencies
        assert (dependency.image_id, dependency.archive_bytes) == (None, None)

    def test_size_of_zero_is_none_given(self) -> None:
        raw = manifest(dependencies=[{"imageName": "a", "size": 0}])
        assert parse_manifest(raw).unwrap().dependencies[0].archive_bytes is None


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "kind absent": ({"acKind": ABSENT}, "$.acKind: got nothing, wanted a string"),
    "kind of a pod": ({"acKind": "PodManifest"}, '$.acKind: got "PodManifest"'),
    "version absent": ({"acVersion": ABSENT}, "$.acVersion: got nothing"),
    "version a number": ({"acVersion": 1.0}, "$.acVersion: got 1.0, wanted a string"),
    "name absent": ({"name": ABSENT}, "$.name: got nothing"),
    "name that walks": ({"name": "a/../b"}, "$.name: got"),
    "name in other case": ({"Name": "b"}, '$: got the member "Name", wanted name'),
    "labels an object": ({"labels": {}}, "$.labels: got an object, wanted an array"),
    "label null": ({"labels": [None]}, "$.labels[0]: got nothing, wanted an object"),
    "label twice": (
        {"labels": [{"name": "x", "value": "1"}, {"name": "x", "value": "1"}]},
        "$.labels[1].name",
    ),
    "label called name": ({"labels": [{"name": "name", "value": "1"}]}, "$.labels[0].name"),
    "label value a number": (
        {"labels": [{"name": "x", "value": 1}]},
        "$.labels[0].value: got 1, wanted a string",
    ),
    "os unknown": (
        {"labels": [{"name": "os", "value": "plan9"}]},
        '$.labels[0].value: got "plan9", wanted one of linux, freebsd, darwin',
    ),
    "arch of another os": (
        {"labels": [{"name": "arch", "value": "arm"}, {"name": "os", "value": "linux"}]},
        '$.labels[0].value: got "arm"',
    ),
    "dependency without name": ({"dependencies": [{}]}, "$.dependencies[0].imageName"),
    "dependency by part of an ID": (
        {"dependencies": [{"imageName": "a", "imageID": "sha512-abc"}]},
        "$.dependencies[0].imageID",
    ),
    "dependency by another digest": (
        {"dependencies": [{"imageName": "a", "imageID": "sha256-" + "0" * 64}]},
        "$.dependencies[0].imageID",
    ),
    "dependency of negative size": (
        {"dependencies": [{"imageName": "a", "size": -1}]},
        "$.dependencies[0].size: got -1",
    ),
    "dependency of true size": (
        {"dependencies": [{"imageName": "a", "size": True}]},
        "$.dependencies[0].size: got true, wanted an integer",
    ),
    "dependency with labels twice": (
        {"dependencies": [{"imageName": "a", "labels": [{"name": "x"}, {"name": "x"}]}]},
        "$.dependencies[0].labels[1].name",
    ),
    "whitelist a string": ({"pathWhitelist": "x"}, "$.pathWhitelist: got"),
    "whitelist of numbers": ({"pathWhitelist": ["/", 1]}, "$.pathWhitelist[1]: got 1"),
    "annotation twice": (
        {"annotations": [{"name": "a"}, {"name": "a"}]},
        "$.annotations[1].name",
    ),
    "annotation created": (
        {"annotations": [{"name": "created", "value": "2014-02-30T00:00:00Z"}]},
        "$.annotations[0].value: got",
    ),
    "annotation homepage": (
        {"annotations": [{"name": "homepage", "value": "javascript:alert(1)"}]},
        "$.annotations[0].value: got",
    ),
    "annotation documentation": (
        {"annotations": [{"name": "documentation", "value": "https://"}]},
        "$.annotations[0].value: got",
    ),
}


@pytest.mark.parametrize(("members", "wanted"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(members: dict[str, object], wanted: str) -> None:
    assert refused(manifest(**members)).startswith(wanted)


def isolator(name: str, value: object) -> dict[str, object]:
    return {"isolators": [{"name": name, "value": value}]}


ACCEPTED_APPS: dict[str, dict[str, object]] = {
    "no exec": {"exec": None},
    "relative exec": {"exec": ["bin/app"]},
    "groups": {"supplementaryGIDs": [1, -1]},
    "folder": {"workingDirectory": "/a/../b"},
    "no folder": {"workingDirectory": ""},
    "environment": {"environment": [{"name": "A_b-1", "value": "x"}]},
    "hooks": {"eventHandlers": [{"name": "pre-start"}, {"name": "post-stop", "exec": ["/x"]}]},
    "mounts": {"mountPoints": [{"name": "data", "path": "/d", "readOnly": True}]},
    "port": {"ports": [{"name": "h", "port": 65535, "protocol": "tcp", "count": 1}]},
    "port range": {"ports": [{"name": "h", "port": 1, "count": 65535}]},
    "user's own": {"userLabels": {"a": "b"}, "userAnnotations": {"c": "d"}},
    "cpu": isolator("resource/cpu", {"request": "250", "limit": "500m"}),
    "memory": isolator("resource/memory", {"limit": "2Gi", "default": False}),
    "bandwidth": isolator("resource/network-bandwidth", {"default": True, "limit": "1G"}),
    "capabilities": isolator("os/linux/capabilities-retain-set", {"set": ["CAP_KILL"]}),
    "seccomp": isolator("os/linux/seccomp-retain-set", {"set": ["@all"], "errno": "E2BIG"}),
    "privileges": isolator("os/linux/no-new-privileges", True),
    "selinux": isolator(
        "os/linux/selinux-context", {"user": "u", "role": "r", "type": "t", "level": "s0:c1"}
    ),
    "shares": isolator("os/linux/cpu-shares", 2048),
    "oom": isolator("os/linux/oom-score-adj", -1000),
    "sysctl": isolator("os/unix/sysctl", {"net.ipv4.tcp_mtu_probing": "1"}),
}


@pytest.mark.parametrize("members", ACCEPTED_APPS.values(), ids=ACCEPTED_APPS.keys())
def test_accepted_app(members: dict[str, object]) -> None:
    assert is_successful(parse_manifest(manifest(app=APP | members)))


REFUSED_APPS: dict[str, tuple[dict[str, object], str]] = {
    "no user": ({"user": None}, "user"),
    "empty group": ({"group": ""}, "group"),
    "numeric user": ({"user": 0}, "user"),
    "User": ({"User": "0"}, 'member "User"'),
    "exec a string": ({"exec": "/bin/app"}, "exec: got"),
    "groups of strings": ({"supplementaryGIDs": ["a"]}, "supplementaryGIDs[0]"),
    "relative folder": ({"workingDirectory": "rel"}, "workingDirectory: got"),
    "environment twice": (
        {"environment": [{"name": "A"}, {"name": "B"}, {"name": "A"}]},
        "environment[2].name",
    ),
    "environment with =": ({"environment": [{"name": "A=B"}]}, "environment[0].name"),
    "hook unknown": ({"eventHandlers": [{"name": "bad"}]}, "eventHandlers[0].name"),
    "hook twice": (
        {"eventHandlers": [{"name": "pre-start"}, {"name": "pre-start"}]},
        "eventHandlers[1].name",
    ),
    "mount without name": ({"mountPoints": [{"path": "/d"}]}, "mountPoints[0].name: got nothing"),
    "mount in capitals": ({"mountPoints": [{"name": "D", "path": "/d"}]}, "mountPoints[0].name"),
    "mount read-only maybe": (
        {"mountPoints": [{"name": "d", "readOnly": "yes"}]},
        "mountPoints[0].readOnly",
    ),
    "port 0": ({"ports": [{"name": "h", "port": 0}]}, "ports[0].port: got 0"),
    "port 65536": ({"ports": [{"name": "h", "port": 65536}]}, "ports[0].port"),
    "port a string": ({"ports": [{"name": "h", "port": "80"}]}, "ports[0].port"),
    "port range too long": (
        {"ports": [{"name": "h", "port": 65530, "count": 10}]},
        "ports[0].count: got 10",
    ),
    "user's label a number": ({"userLabels": {"a": 1}}, "userLabels.a: got 1"),
    "isolator unknown": (isolator("unknown/isolator", {}), "isolators[0].name"),
    "isolator by no name": (isolator("Bad Name", {}), "isolators[0].name"),
    "quantity": (isolator("resource/cpu", {"limit": "bad"}), "isolators[0].value.limit"),
    "default for cpu": (isolator("resource/cpu", {"default": True}), "isolators[0].value.default"),
    "no default for block": (isolator("resource/block-iops", {"limit": "1"}), ".value.default"),
    "request for block": (
        isolator("resource/block-bandwidth", {"default": True, "request": "1"}),
        ".value.request",
    ),
    "no capabilities": (isolator("os/linux/capabilities-remove-set", {"set": []}), ".value.set"),
    "errno": (isolator("os/linux/seccomp-retain-set", {"set": ["a"], "errno": "e"}), ".errno"),
    "privileges": (isolator("os/linux/no-new-privileges", 123), ".value: got 123"),
    "selinux": (
        isolator("os/linux/selinux-context", {"user": "a:b", "role": "r", "type": "t"}),
        ".value.user",
    ),
    "shares": (isolator("os/linux/cpu-shares", 1), ".value: got 1, wanted an integer from 2"),
    "oom": (isolator("os/linux/oom-score-adj", -2500), ".value: got -2500"),
    "sysctl": (isolator("os/unix/sysctl", {"a": 1}), ".value.a: got 1"),
}


@pytest.mark.parametrize(("members", "wanted"), REFUSED_APPS.values(), ids=REFUSED_APPS.keys())
def test_refused_app(members: dict[str, object], wanted: str) -> None:
    line = refused(manifest(app=APP | members))
    assert line.startswith("$.app")
    assert wanted in line


HEAD = b'{"acKind":"ImageManifest","acVersion":"0.8.11","name":"a",'
REFUSED_JSON: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not JSON at line 1, column 1"),
    "null": (b"null", "got nothing, wanted an object"),
    "array": (b"[]", "got an array, wanted an object"),
    "second document": (manifest() + b"{}", "not JSON"),
    "byte order mark": (b"\xef\xbb\xbf" + manifest(), "not JSON"),
    "utf-16": (manifest().decode().encode("utf-16"), "not UTF-8"),
    "not utf-8": (HEAD + b'"x":"\xff"}', "byte 64 is not UTF-8"),
    "surrogate in utf-8": (HEAD + b'"x":"\xed\xa0\x80"}', "not UTF-8"),
    "lone surrogate": (HEAD + b'"x":["\\ud800"]}', "half of a surrogate pair"),
    "lone surrogate as name": (HEAD + b'"\\udc00":1}', "half of a surrogate pair"),
    "member twice": (HEAD + b'"name":"b"}', 'member "name" stands there twice'),
    "member twice, below": (HEAD + b'"x":{"y":1,"y":1}}', 'member "y" stands there twice'),
    "member twice, escaped": (HEAD + b'"n\\u0061me":"b"}', 'member "name" stands there twice'),
    "NaN": (HEAD + b'"x":NaN}', "got NaN"),
    "Infinity": (HEAD + b'"x":-Infinity}', "got -Infinity"),
    "beyond a double": (HEAD + b'"x":1e999}', "that a double can hold"),
    "endless integer": (HEAD + b'"x":' + b"9" * 5000 + b"}", "integers of sensible length"),
    "too deep": (HEAD + b'"x":' + b"[" * MANIFEST_DEPTH + b"]" * MANIFEST_DEPTH + b"}", "nested"),
    "unclosed and very deep": (b"[" * 1_000_000, "nested"),
    "too long": (manifest(x="x" * MANIFEST_BYTES), f"wanted at most {MANIFEST_BYTES}"),
    "control character": (HEAD + b'"x":"a\nb"}', "not JSON at line 1"),
    "comment": (HEAD + b'"x":1 // y\n}', "not JSON"),
}


@pytest.mark.parametrize(("raw", "wanted"), REFUSED_JSON.values(), ids=REFUSED_JSON.keys())
def test_refused_json(raw: bytes, wanted: str) -> None:
    line = refused(raw)
    assert line.startswith("$: ")
    assert wanted in line


@pytest.mark.parametrize("escape", ["\\ud83d\\ude00", "\\\\ud800", "\\u0041"])
def test_other_escapes_are_text(escape: str) -> None:
    assert is_successful(parse_manifest(HEAD + b'"x":"' + escape.encode() + b'"}'))


def processor_seconds(raw: bytes) -> float:
    start = time.process_time()
    parse_manifest(raw)
    return time.process_time() - start


def grows_linearly(small: bytes, large: bytes) -> bool:
    """Tell whether ten times the text takes about ten times the work, and not a hundred."""
    least = max(min(processor_seconds(small) for _ in range(3)), 0.0005)
    return processor_seconds(large) < 40 * least


@pytest.mark.parametrize("filler", ['\\"', "\\", '"', "[],", '{"a":1,'])
def test_hostile_text_is_read_in_linear_time(filler: str) -> None:
    small, large = (f'"{filler * size}'.encode()[:size] for size in (30_000, 300_000))
    assert grows_linearly(small, large)


def test_many_entries_are_read_in_linear_time() -> None:
    small, large = (
        manifest(app=APP | {"environment": [{"name": f"A{n}"} for n in range(size)]})
        for size in (2_000, 20_000)
    )
    assert grows_linearly(small, large)


SEMVER_DIFFERENCES = {
    "01.2.3": "semver 2.0.0 section 2 forbids leading zeroes",
    "1.2.03": "semver 2.0.0 section 2 forbids leading zeroes",
    "1.2.3-": "semver 2.0.0 section 9 wants an identifier after the hyphen",
    "1.2.3+": "semver 2.0.0 section 10 wants an identifier after the plus",
    "1.2.3-01": "semver 2.0.0 section 9 forbids leading zeroes",
    "1.2.3-\N{GREEK SMALL LETTER ALPHA}": "semver 2.0.0 section 9 allows ASCII alone",
    "1.2.3-a..b": "semver 2.0.0 section 9 forbids empty identifiers",
}


@pytest.mark.parametrize("vector", vectors("semver"), ids=lambda vector: repr(vector["in"]))
def test_version_vector(vector: dict[str, Any]) -> None:
    accepted = is_successful(parse_manifest(manifest(acVersion=vector["in"])))
    differs = vector["in"] in SEMVER_DIFFERENCES
    assert accepted == (("error" not in vector["out"]) is not differs)


LABELS_DIFFERENCES = {
    '[{"name":"a","name":"b","value":"x"}]': "a member that stands there twice is refused",
}


@pytest.mark.parametrize("vector", vectors("labels-json"), ids=lambda vector: vector["in"])
def test_labels_vector(vector: dict[str, Any]) -> None:
    raw = HEAD + b'"labels":' + vector["in"].encode() + b"}"
    differs = vector["in"] in LABELS_DIFFERENCES
    assert is_successful(parse_manifest(raw)) == (("error" not in vector["out"]) is not differs)


@pytest.mark.parametrize("vector", vectors("os-arch-valid"), ids=lambda vector: str(vector["in"]))
def test_platform_vector(vector: dict[str, Any]) -> None:
    labels = [{"name": name, "value": value} for name, value in vector["in"].items()]
    accepted = is_successful(parse_manifest(manifest(labels=labels)))
    # rkt runs only linux; an image for another system that appc knows can still be fetched.
    assert accepted == ("spec_error" not in vector["out"])


MANIFEST_DIFFERENCES = {
    '"imageID": "sha512-..."': "an image ID that no image can have",
    '"imageID": "sha512-abc"': "an image ID that no image can have",
    '"name": "a/b/../c"': "a name that walks up",
    '"Name": "other"': "Go takes the last member whose name fits in any letter case",
    '"mountPoints": [{"path": "/d"}]': "rkt reads it, and cannot write it again",
    '"name":"example.com/dup"': "a member that stands there twice is refused",
}


def test_manifest_vectors() -> None:
    """Every manifest that rkt was shown is judged as rkt judged it, or stands in the table."""
    path = Path(__file__).parents[2] / "shared" / "vectors" / "rkt" / "image-manifest.json"
    if not path.is_file():
        pytest.skip("needs the recorded answers of rkt, which are not part of the project")
    used: set[str] = set()
    for vector in json.loads(path.read_text())["vectors"]:
        differs = {part for part in MANIFEST_DIFFERENCES if part in vector["in"]}
        used |= differs
        accepted = is_successful(parse_manifest(vector["in"].encode()))
        assert accepted == (("error" not in vector["out"]) is not bool(differs)), vector["in"]
    assert used == MANIFEST_DIFFERENCES.keys()
