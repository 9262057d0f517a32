"""The stage parse: against what rkt takes each text for, and where it goes wrong in errors."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from returns.pipeline import is_successful
from returns.result import Failure

from pipeline.digest import Digest
from pipeline.errors import ExitCode, InvalidReference, UnsupportedReference
from pipeline.limits import REFERENCE_CHARACTERS
from pipeline.reference import (
    AppcReference,
    ArchiveReference,
    DockerReference,
    ImageIDReference,
    ImagePathReference,
    Reference,
    ReferenceProblem,
    looks_like_path,
)
from pipeline.reference.archive_url import parse_archive_url
from pipeline.reference.docker import parse_docker_reference
from pipeline.reference.grammar import parse_app_string
from pipeline.stages.parse import parse_reference
from pipeline.testing.fakes import MemoryPaths
from tests.support.vectors import shown

DATA = Path(__file__).parents[1] / "data" / "rkt"
FILES = (
    "plainfile",
    "real.aci",
    "colon:name",
    "colon:name.aci",
    "sub/file.aci",
    "sub/noext",
    "example.com",
    "sha512-abcd",
    "uni-é.aci",
    "pct%20.aci",
)
PARSE = parse_reference(MemoryPaths(frozenset(f"/images/{name}" for name in FILES)))


def vectors(name: str) -> list[Any]:
    loaded = json.loads((DATA / f"{name}.json").read_text())["vectors"]
    assert isinstance(loaded, list)
    return loaded


def described(reference: Reference) -> dict[str, object]:
    """Return a reference in the words of rkt's vectors."""
    if isinstance(reference, ImageIDReference):
        return {"type": reference.type, "string": reference.string}
    common: dict[str, object] = {
        "type": reference.type,
        "string": reference.string,
        "cimd": reference.cimd,
    }
    if isinstance(reference, AppcReference):
        labels = {label.name: label.value for label in reference.labels.items}
        return common | {"name": reference.name, "labels": labels}
    if isinstance(reference, ArchiveReference):
        return common | {"transport_url": reference.url}
    if isinstance(reference, ImagePathReference):
        return common | {"path": reference.path, "name": reference.name}
    return common | {"full": reference.full, "reference_url": reference.given}


ESCAPED_PATH = "a path is a path: rkt reads it as a URL, where %, ? and # mean something else"
LABEL_ORDER = "rkt prints labels as they were given; here equal references have one form"
EMPTY_VERSION = "rkt prints no empty version, and so forgets that one was asked for"
IMAGE_ID = "sha512- and hex digits is an image ID, not a name or a file"
UNKNOWN_SCHEME = "rkt takes a URL of another scheme for a name and its version"
NOT_A_SCHEME = "rkt compares the prefix docker: with its case, and the scheme without"
CIMD_SLASH = "rkt cannot read back the CIMD of a name with a slash"
CIMD_COMMA = "rkt unescapes before it splits, so one label becomes two"
CIMD_VERSION = "rkt accepts every version and reads it as version 0"
CIMD_RELATIVE = "a location that is not absolute cannot be fetched"
NAME_AS_OTHER = "as it stands this would be read as something else, so the CIMD is the form"
NO_SUCH_PORT = "there is no such port"
DROPPED = "rkt drops a query or a fragment of a registry reference in silence"
FILE_QUERY = "a file: URL has no query and no fragment (RFC 8089)"
FILE_SPELLING = "one spelling for one file: file:///…"
HOST = "a host's name is ASCII, and its port a number"
CREDENTIALS = "URLs are stored and shown: credentials belong into the configuration"
IPV6 = "rkt knows no registry by an IPv6 address; references have had them since"
DOCKER_STRING = "rkt prints docker references without their scheme, which reads back as a name"

DIFFERENCES = {
    "pct%20.aci": ESCAPED_PATH,
    "/a%20b.aci": ESCAPED_PATH,
    "/a?b.aci": ESCAPED_PATH,
    "/a#b.aci": ESCAPED_PATH,
    "/a.aci#f": ESCAPED_PATH,
    "app:v1,arch=amd64,os=linux": LABEL_ORDER,
    "coreos.com/etcd,version=v2.0.0,os=linux,arch=amd64": LABEL_ORDER,
    "cimd:appc:v=0:app?arch=amd64&os=linux&version=v1": LABEL_ORDER,
    "app:": EMPTY_VERSION,
    "app,version=": EMPTY_VERSION,
    "cimd:appc:v=0:app?version=": EMPTY_VERSION,
    "sha512-abcd": IMAGE_ID,
    "sha512-abc": IMAGE_ID,
    "ftp://example.com/a.aci": UNKNOWN_SCHEME,
    "oci://x/y": UNKNOWN_SCHEME,
    "DOCKER://busybox": NOT_A_SCHEME,
    "Docker://busybox:1": NOT_A_SCHEME,
    "cimd:appc:v=0:example.com%2Fapp?version=1&os=linux": CIMD_SLASH,
    "cimd:appc:v=0:a%2Fb": CIMD_SLASH,
    "cimd:appc:v=0:coreos.com%2Fetcd?arch=amd64&os=linux&version=v2.0.0": CIMD_SLASH,
    "cimd:appc:v=0:example.com%2Fapp01": CIMD_SLASH,
    "cimd:appc:v=0:example.com%2Fapp01?label01=?%26%2A/&version=v1.0.0": CIMD_SLASH,
    "cimd:appc:v=0:example.com%2Fapp01?version=v1.0.0": CIMD_SLASH,
    "cimd:appc:v=0:localhost%2Fapp": CIMD_SLASH,
    "cimd:appc:v=0:a?x=1%2Cy%3D2": CIMD_COMMA,
    "cimd:appc:v=1:a": CIMD_VERSION,
    "cimd:aci-archive:v=0:a": CIMD_RELATIVE,
    "cimd:appc:v=0:ftp?version=//example.com/a.aci": NAME_AS_OTHER,
    "cimd:appc:v=0:oci?version=//x/y": NAME_AS_OTHER,
    "cimd:appc:v=0:sha512-abc": NAME_AS_OTHER,
    f"cimd:appc:v=0:sha512-{'a' * 64}": NAME_AS_OTHER,
    "docker://host:99999/a": NO_SUCH_PORT,
    "cimd:docker:v=0:host:99999/a": NO_SUCH_PORT,
    "docker://[::1]:5000/a": IPV6,
    "docker://a?x=1": DROPPED,
    "docker://a#b": DROPPED,
    "file:/a.aci": FILE_SPELLING,
    "cimd:aci-archive:v=0:file%3A%2F%2F%2Fa.aci%23f": FILE_QUERY,
    "cimd:aci-archive:v=0:file%3A%2F%2F%2Fa.aci%3Fx": FILE_QUERY,
    "cimd:aci-archive:v=0:file%3A%2F%2F%2Fa.aci%3Fx%3D1": FILE_QUERY,
    "cimd:aci-archive:v=0:https%3A%2F%2F%25C3%25A9.com%2Fa.aci": HOST,
    "cimd:aci-archive:v=0:https%3A%2F%2Fexample.com%3Abad%2Fa.aci": HOST,
    "cimd:aci-archive:v=0:https%3A%2F%2Fu%3Ap%40example.com%2Fa.aci": CREDENTIALS,
}
"""Every text that is taken for something else than in rkt, and why."""

REFERENCE_VECTORS = vectors("reference-parse") + [
    vector for vector in vectors("cimd-parse") if vector["in"].startswith("cimd:")
]


@pytest.mark.parametrize("vector", REFERENCE_VECTORS, ids=shown)
def test_reference_vector(vector: dict[str, Any]) -> None:
    outcome = PARSE(vector["in"])
    wanted = dict(vector["out"])
    if wanted.get("type") == "docker":
        wanted["string"] = f"docker://{wanted['reference_url']}"  # DOCKER_STRING
    agrees = described(outcome.unwrap()) == wanted if is_successful(outcome) else "error" in wanted
    assert agrees is not (vector["in"] in DIFFERENCES)


def test_every_difference_is_one_of_a_vector() -> None:
    assert DIFFERENCES.keys() <= {vector["in"] for vector in REFERENCE_VECTORS}


@pytest.mark.parametrize("vector", vectors("path-or-name"), ids=shown)
def test_path_vector(vector: dict[str, Any]) -> None:
    text = vector["in"]
    assert (looks_like_path(text) or text in FILES) == vector["out"]["path"]


APP_DIFFERENCES = {
    "a,b&c=d": "rkt's parser of queries splits at the ampersand, too",
    "a,%61=b": "rkt's parser of queries undoes escapes in names",
}


@pytest.mark.parametrize("vector", vectors("app-string"), ids=shown)
def test_app_string_vector(vector: dict[str, Any]) -> None:
    outcome = parse_app_string(vector["in"])
    if is_successful(outcome):
        labels = {label.name: label.value for label in outcome.unwrap().labels.items}
        agrees = {"name": outcome.unwrap().name, "labels": labels} == vector["out"]
    else:
        agrees = "error" in vector["out"]
    assert agrees is not (vector["in"] in APP_DIFFERENCES)


DOCKER_DIFFERENCES = {
    f"a@sha384:{'a' * 96}": "digests are sha256 and sha512 (image-spec v1.1.0 descriptor.md)",
    "a:tag@sha256:a59906e33509d14c036c8678d687bd4eec81ed7c4b8ce907b888c607f6a1e0e6": (
        "the tag is kept beside the digest, which counts"
    ),
    "a_b.c/d": "no host's name has an underscore",
    "[::1]/a": IPV6,
}


@pytest.mark.parametrize("vector", vectors("docker-reference"), ids=shown)
def test_docker_vector(vector: dict[str, Any]) -> None:
    outcome = parse_docker_reference(vector["in"])
    if is_successful(outcome):
        reference = outcome.unwrap()
        agrees = {
            "digest": str(reference.digest or ""),
            "full": reference.full,
            "image": reference.repository,
            "index": reference.registry,
            "tag": reference.tag or "",
        }.items() <= vector["out"].items()
    else:
        agrees = "error" in vector["out"]
    assert agrees is not (vector["in"] in DOCKER_DIFFERENCES)


# rkt checks nothing after "sha512-"; an ID is lower-case hex digits, at least two.
IMAGE_ID_DIFFERENCES = frozenset(
    {
        "sha512-xyz",
        "sha512- ",
        "sha512-é",
        "sha512-abc ",
        "sha512-abc\n",
        "sha512-abc/def",
        "sha512-0",
    }
)


@pytest.mark.parametrize("vector", vectors("image-id"), ids=shown)
def test_image_id_vector(vector: dict[str, Any]) -> None:
    outcome = PARSE(vector["in"])
    is_id = is_successful(outcome) and outcome.unwrap().type == "image-id"
    differs = vector["in"] in IMAGE_ID_DIFFERENCES
    assert is_id == (("error" not in vector["out"]) is not differs)


class TestKinds:
    def test_image_id_needs_2_to_128_digits(self) -> None:
        for count in (2, 3, 64, 128):
            assert PARSE(f"sha512-{'a' * count}").unwrap() == ImageIDReference("a" * count)
        for count in (2, 3, 64):
            assert PARSE(f"sha256-{'a' * count}").unwrap() == ImageIDReference(
                "a" * count, "sha256"
            )

    def test_file_named_like_an_image_id_is_written_as_path(self) -> None:
        paths = MemoryPaths(frozenset({"/images/sha512-abcd.aci"}))
        outcome = parse_reference(paths)("./sha512-abcd.aci")
        assert outcome.unwrap() == ArchiveReference("file:///images/sha512-abcd.aci")

    def test_existing_file_goes_before_name(self) -> None:
        assert PARSE("real.aci").unwrap().type == "aci-archive"
        outcome = parse_reference(MemoryPaths(frozenset({"/images/app"})))("app")
        assert 'wanted a path that ends in ".aci"' in outcome.failure().message

    def test_a_dot_behind_the_first_part_makes_no_host(self) -> None:
        reference = PARSE("docker://a/b.c/d").unwrap()
        assert isinstance(reference, DockerReference)
        assert (reference.host, reference.repository) == ("docker.io", "a/b.c/d")

    def test_a_registry_name_of_the_greatest_length(self) -> None:
        name = f"h.example/{'a' * (255 - len('h.example/'))}"
        assert is_successful(PARSE(f"docker://{name}"))
        assert not is_successful(PARSE(f"docker://{name}a"))

    def test_digest_and_tag_together(self) -> None:
        digest = Digest("sha256", "a" * 64)
        outcome = PARSE(f"docker:r.example:5000/a/b:1@{digest}")
        assert outcome.unwrap() == DockerReference(
            f"r.example:5000/a/b:1@{digest}", "r.example:5000", "a/b", "1", digest
        )

    @pytest.mark.parametrize(
        "text",
        [
            "busybox",
            "library/busybox",
            "docker.io/busybox",
            "index.docker.io/library/busybox",
            "registry-1.docker.io/busybox:latest",
        ],
    )
    def test_docker_hub_has_one_name(self, text: str) -> None:
        reference = PARSE(f"docker://{text}").unwrap()
        assert isinstance(reference, DockerReference)
        assert reference.normal == "docker.io/library/busybox:latest"
        assert reference.registry == "registry-1.docker.io"

    @pytest.mark.parametrize(
        ("text", "path", "name"),
        [
            ("oci:layout", "/images/layout", ""),
            ("oci:layout:1.0", "/images/layout", "1.0"),
            ("OCI:/a/../layout:app_x:1.0", "/layout", "app_x:1.0"),
            ("oci-archive:./a.tar:v1+x--y__z", "/images/a.tar", "v1+x--y__z"),
            ("docker-archive:/a.tar:r.example:5000/b/c:1", "/a.tar", "r.example:5000/b/c:1"),
        ],
    )
    def test_images_in_files(self, text: str, path: str, name: str) -> None:
        reference = PARSE(text).unwrap()
        assert isinstance(reference, ImagePathReference)
        assert (reference.path, reference.name) == (path, name)
        assert reference.kind == text.lower().partition(":")[0]
        assert reference.string == reference.cimd

    def test_bytes_that_are_no_text_are_a_path(self) -> None:
        reference = PARSE("./caf\udce9.aci").unwrap()
        assert reference.string == "file:///images/caf%E9.aci"
        assert isinstance(reference, ArchiveReference)
        assert reference.path == "/images/caf\udce9.aci"

    def test_folder_with_control_character_is_refused(self) -> None:
        outcome = parse_reference(MemoryPaths(folder="/a\nb"))("./app.aci")
        assert outcome == Failure(
            InvalidReference(
                "./app.aci",
                "wanted no control character in the name of the current folder",
                "rename the folder, or give an absolute path",
            )
        )

    def test_location_by_http(self) -> None:
        assert PARSE("http://h/a.aci").unwrap() == ArchiveReference("http://h/a.aci")

    def test_stage_has_a_name(self) -> None:
        assert parse_reference(MemoryPaths()).name == "parse"

    def test_stage_is_picklable(self) -> None:
        stage = pickle.loads(pickle.dumps(PARSE))
        assert stage("example.com/app") == PARSE("example.com/app")


HEX = "a" * 128
ERRORS: dict[str, tuple[str, int | None, str]] = {
    "empty": ("", None, "at least one character"),
    "NUL": ("app\x00", 3, "no control character"),
    "newline in path": ("/a\nb.aci", 2, "no control character"),
    "C1 control": ("/a\x9bb.aci", 2, "no control character"),
    "lone surrogate": ("/a\ud800.aci", 2, "UTF-8"),
    "byte in name": ("caf\udce9", 3, "UTF-8"),
    "byte in URL": ("https://h/caf\udce9.aci", 13, "UTF-8"),
    "ID too short": ("sha512-a", None, "at least 2 hex digits of an image ID, got 1"),
    "ID without digits": ("sha512-", None, "got 0"),
    "ID too long": (f"sha512-{HEX}a", 135, "at most 128 hex digits"),
    "ID in capitals": ("sha512-abcDE", 10, "only lower-case hex digits"),
    "sha256 ID too long": (f"sha256-{'a' * 65}", 71, "at most 64 hex digits"),
    "sha256 ID too short": ("sha256-a", None, "at least 2 hex digits of an image ID, got 1"),
    "sha256 ID in capitals": ("sha256-abC", 9, 'hex digits after "sha256-"'),
    "image in no file": ("oci:", 4, "a path"),
    "image in no file, with a name": ("docker-archive::a", 15, "a path"),
    "image with an empty name": ("oci:/a:", 7, "as name"),
    "image with an odd name": ("oci-archive:/a:b..c", 15, "as name"),
    "name in capitals": ("example.com/App", 12, "only lower-case letters"),
    "name with space": (" app", 0, "only lower-case letters"),
    "name at the end": ("app-", 3, "at both ends"),
    "name that walks": ("a/../b:1", 2, 'no empty, "." or ".." segment'),
    "name with two slashes": ("a//b", 2, 'no empty, "." or ".." segment'),
    "second colon": ("app:1:2", 5, "one colon at most"),
    "third colon": ("app:1:2:3", 5, "one colon at most"),
    "colon in label": ("app,a=b:c", 7, "one colon at most"),
    "label without value": ("app,os", 3, 'label=value after ","'),
    "label in capitals": ("app:1,os=linux,Arch=x", 15, "lower-case letters"),
    "label with bad end": ("app,os-=linux", 6, "both ends"),
    "label name": ("app,name=x", 4, 'no label "name"'),
    "label twice": ("app,os=a,os=b", 9, 'the label "os" once'),
    "version twice": ("app:1,version=2", 6, 'the label "version" once'),
    "path without suffix": ("./app.tar", None, 'ends in ".aci"'),
    "URL without suffix": ("https://h/app", None, 'ends in ".aci"'),
    "URL with suffix in query": ("https://h/app?x.aci", None, 'ends in ".aci"'),
    "URL without host": ("https:///a.aci", 8, "a host"),
    "URL without slashes": ("https:a.aci", None, "https://host/path"),
    "URL with bad host": ("https://exam ple/a.aci", 12, "a host"),
    "URL with backslash": ("https://h\\x/a.aci", 9, "a host"),
    "URL with host in script": ("https://é.com/a.aci", 8, "a host in ASCII"),
    "URL with bad port": ("https://h:80a/a.aci", 9, "a port"),
    "URL with port 0": ("https://h:0/a.aci", 10, "a port from 1"),
    "URL with port 65536": ("https://h:65536/a.aci", 10, "to 65535"),
    "URL of a folder": ("https://h/a/", 9, "names a file"),
    "URL with bad escape": ("https://h/a%2.aci", 11, 'two hex digits after "%"'),
    "file: of a host": ("file://h/a.aci", 7, "no host"),
    "file: relative": ("file:a.aci", 5, "absolute path"),
    "file: with fragment": ("file:///a.aci#x", 13, 'no "#"'),
    "file: with NUL": ("file:///a%00.aci", None, "no control character"),
    "file: of a folder": ("file:///a%2F", 5, "absolute path of a file"),
    "registry path": ("docker://Busybox", 9, "lower-case letters"),
    "registry host": ("docker://-a.b/c", 9, "a host"),
    "registry of no IPv6 address": ("docker://[1:2]:5/c", 10, "an IPv6 address"),
    "registry path behind a host": ("docker://h.example/a/B", 20, "lower-case letters"),
    "registry port": ("docker://h:0/c", 11, "a port from 1"),
    "registry tag": ("docker://busybox:-1", 17, "as tag"),
    "registry digest": ("docker://busybox@sha256:abc", 17, '"sha256:" and 64'),
    "registry digest by dash": (f"docker://busybox@sha512-{HEX}", 17, '"sha256:" and 64'),
    "registry name too long": (f"docker:{'a/' * 127}aa", 262, "at most 255 characters"),
    "registry name of hex": (f"docker:{'a' * 64}", None, "got 64 hex digits"),
    "CIMD without version": ("cimd:appc:a", None, "cimd:TYPE:v=0:DATA"),
    "CIMD of unknown type": ("cimd:oci:v=0:a", 5, "as type"),
    "CIMD of version 1": ("cimd:appc:v=1:a", 12, "version 0"),
    "CIMD with bad escape": ("cimd:appc:v=0:a%zz", None, 'two hex digits after "%"'),
    "CIMD with NUL": ("cimd:appc:v=0:a?x=%00", None, "no control character"),
    "CIMD not in UTF-8": ("cimd:appc:v=0:a?x=%ff", None, "UTF-8"),
    "CIMD of bad name": ("cimd:appc:v=0:App", None, "lower-case letters"),
    "CIMD of registry": ("cimd:docker:v=0:a:!", 18, "as tag"),
    "CIMD of bad label": ("cimd:appc:v=0:a?A=1", None, "lower-case letters"),
    "CIMD of URL with bad escape": ("cimd:aci-archive:v=0:a%zz", None, "two hex digits"),
    "CIMD of bare host": ("cimd:aci-archive:v=0:https%3A%2F%2Fh", None, "names a file"),
    "CIMD of folder": ("cimd:aci-archive:v=0:https%3A%2F%2Fh%2Fa%2F", None, "names a file"),
}


@pytest.mark.parametrize(("text", "position", "wanted"), ERRORS.values(), ids=ERRORS.keys())
def test_error(text: str, position: int | None, wanted: str) -> None:
    error = PARSE(text).failure()
    assert isinstance(error, InvalidReference)
    assert wanted in error.message
    assert error.position == position
    assert error.hint
    assert error.exit_code is ExitCode.REFERENCE


def test_every_sentence_that_people_read() -> None:
    """Whole, as they stand in a file that can be read through; the table above has the facts."""
    told = {}
    for name, (text, _, _) in ERRORS.items():
        error = PARSE(text).failure()
        told[name] = [error.message, error.hint]
    assert told == json.loads((DATA.parent / "sentences" / "references.json").read_text())


def test_location_of_bytes_that_are_no_text() -> None:
    wanted = ReferenceProblem("wanted text in UTF-8", "write other bytes as %FF", 10)
    assert parse_archive_url("https://h/\udcff.aci") == Failure(wanted)


def test_user_info_of_a_location() -> None:
    """Whoever shows the text hides it; the position is that of the first sign."""
    assert parse_archive_url("https://u@v@h/a.aci") == Failure(
        ReferenceProblem(
            "wanted no user name or password in the URL",
            "URLs are stored and shown, and this version sends no credentials",
            9,
        )
    )


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://h:1/a.aci", "https://h:1/a.aci"),
        ("https://h:65535/a.aci?b/c#d", "https://h:65535/a.aci?b/c#d"),
        ("file://localhost/a.aci", "file:///a.aci"),
        ("file:///caf%E9.aci", "file:///caf%E9.aci"),
    ],
)
def test_location(text: str, url: str) -> None:
    assert PARSE(text).unwrap() == ArchiveReference(url)


def test_unknown_scheme_is_unsupported() -> None:
    error = PARSE("s3://bucket/a.aci").failure()
    assert error == UnsupportedReference(
        "s3://bucket/a.aci",
        'the scheme "s3" is none of file, http, https and docker',
        "give the image's path, its https: URL or its name",
    )


class TestSecrets:
    """User info is refused, and neither it nor a query's value is shown."""

    @pytest.mark.parametrize(
        "text",
        [
            "https://user:pa55@example.com/a.aci",
            "HTTPS://pa55@example.com/a.aci",
            " https://user:pa55@example.com/a.aci",
            "https://example.com/a?token=pa55",
            "https://example.com:bad/a.aci?token=pa55",
            "docker://user:pa55@example.com/a",
            "docker://user:pa55@sha256.example",
            "ftp://user:pa55@example.com/a.aci",
            "cimd:aci-archive:v=0:https%3A%2F%2Fuser%3Apa55%40example.com%2Fa.aci",
            "https://user:pa55@example.com/a.aci\n",
        ],
    )
    def test_no_error_shows_one(self, text: str) -> None:
        error = PARSE(text).failure()
        assert "pa55" not in repr(error) + error.message + error.hint

    def test_what_is_shown_is_otherwise_as_it_was_written(self) -> None:
        """A position would be that of another character."""
        error = PARSE("https://example.com:bad/a%20b.aci?token=pa55").failure()
        assert isinstance(error, InvalidReference)
        assert error.untrusted_text == "https://example.com:bad/a%20b.aci?token=…"
        assert error.position is None

    def test_user_info_is_refused_with_advice(self) -> None:
        error = PARSE("https://user:pa55@example.com/a.aci").failure()
        assert "no user name or password" in error.message
        assert "this version sends no credentials" in error.hint

    def test_at_sign_in_path_is_none(self) -> None:
        assert is_successful(PARSE("https://example.com/@user:x/a.aci"))


class TestLimit:
    """Of the text as it is written, and of the canonical form, which escapes make longer."""

    CIMD = "cimd:appc:v=0:"
    ADVICE = "give the image's path, URL, name, docker:// reference or ID"

    @pytest.mark.parametrize("start", ["", CIMD])
    def test_text_at_the_limit(self, start: str) -> None:
        name = "a" * (REFERENCE_CHARACTERS - len(self.CIMD))
        assert is_successful(PARSE(start + name))

    def test_text_beyond_the_limit(self) -> None:
        text = "a" * (REFERENCE_CHARACTERS + 1)
        wanted = "wanted at most 4096 characters, got 4097"
        assert PARSE(text) == Failure(
            InvalidReference(text, wanted, self.ADVICE, REFERENCE_CHARACTERS)
        )

    @pytest.mark.parametrize(
        ("text", "length"),
        [
            ("a" * (REFERENCE_CHARACTERS - len(CIMD) + 1), REFERENCE_CHARACTERS + 1),
            (f"/{'é' * 4000}.aci", len("cimd:aci-archive:v=0:file%3A%2F%2F%2F.aci") + 4000 * 10),
        ],
    )
    def test_canonical_form_beyond_the_limit(self, text: str, length: int) -> None:
        """No character of what was written is the first too many."""
        wanted = f"wanted at most 4096 characters, got {length} with escapes"
        assert PARSE(text) == Failure(InvalidReference(text, wanted, self.ADVICE))
