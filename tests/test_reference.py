"""The kinds of reference as values, and where signatures lie."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.digest import Digest
from pipeline.names import ImageName, Label, LabelName, Labels
from pipeline.reference import (
    AppcReference,
    ArchiveReference,
    DockerReference,
    ImageIDReference,
    ReferenceProblem,
    file_url,
    identifier_of,
    looks_like_path,
    signature_location,
)
from pipeline.reference.docker import parse_docker_reference
from pipeline.reference.image_path import KINDS, image_name_of, image_tag_of, parse_image_path
from tests.support.vectors import shown

DATA = Path(__file__).parent / "data" / "rkt"


def vectors(name: str) -> list[Any]:
    loaded = json.loads((DATA / f"{name}.json").read_text())["vectors"]
    assert isinstance(loaded, list)
    return loaded


def appc(name: str, **labels: str) -> AppcReference:
    pairs = tuple(Label(LabelName(label), value) for label, value in labels.items())
    return AppcReference(ImageName(name), Labels(pairs))


class TestAppc:
    def test_equal_references_have_one_form(self) -> None:
        one, other = appc("a", os="linux", arch="amd64"), appc("a", arch="amd64", os="linux")
        assert one == other
        assert one.string == other.string == "a,arch=amd64,os=linux"

    def test_empty_version_is_kept(self) -> None:
        assert appc("a", version="").string == "a,version="

    def test_cimd_is_escaped_as_by_rkt(self) -> None:
        reference = appc("example.com/app01", label01="?&*/", version="v1.0.0")
        assert reference.cimd == (
            "cimd:appc:v=0:example.com%2Fapp01?label01=?%26%2A/&version=v1.0.0"
        )

    @pytest.mark.parametrize(
        "reference",
        [
            appc("sha512-abc"),
            appc("sha512-abc", version="1"),
            appc("app.aci"),
            appc("a./b"),
            appc("a", x="./b"),
            appc("a", x="b.aci"),
            appc("a", x="1,y=2"),
            appc("a", x="1:2"),
            appc("http", version="1"),
            appc("cimd", version="1"),
            appc("ftp", version="//x"),
        ],
        ids=lambda reference: reference.cimd,
    )
    def test_what_would_read_as_something_else_is_a_cimd(self, reference: AppcReference) -> None:
        assert reference.string == reference.cimd

    @pytest.mark.parametrize(
        ("reference", "wanted"),
        [
            (appc("app.aci", version="1"), "app.aci:1"),
            (appc("http"), "http"),
            (appc("a", version="1", x="./b"), "a:1,x=./b"),
        ],
    )
    def test_everything_else_is_plain(self, reference: AppcReference, wanted: str) -> None:
        assert reference.string == wanted


class TestArchive:
    def test_path_of_a_file_url(self) -> None:
        assert ArchiveReference("file:///a%20b/c.aci").path == "/a b/c.aci"
        assert ArchiveReference("https://example.com/c.aci").path is None

    @pytest.mark.parametrize("end", ["/app", "/app.aci?x=1", "/app.aci#x.aci", "/app?x=.aci"])
    def test_url_that_does_not_say_aci_is_a_cimd(self, end: str) -> None:
        reference = ArchiveReference(f"https://example.com{end}")
        assert reference.string == reference.cimd
        assert reference.string.startswith("cimd:aci-archive:v=0:https%3A%2F%2Fexample.com%2Fapp")


class TestDocker:
    def test_digest_counts(self) -> None:
        digest = Digest("sha256", "a" * 64)
        reference = DockerReference(f"a:1@{digest}", "docker.io", "library/a", "1", digest)
        assert reference.full == f"registry-1.docker.io/library/a@{digest}"
        assert reference.string == f"docker://a:1@{digest}"
        assert reference.cimd == f"cimd:docker:v=0:a:1@{digest}"

    def test_names(self) -> None:
        digest = Digest("sha512", "a" * 128)
        reference = parse_docker_reference(f"Localhost.example:5000/a_b/c:V1@{digest}").unwrap()
        assert reference.name == "Localhost.example:5000/a_b/c"
        assert reference.normal == f"Localhost.example:5000/a_b/c:V1@{digest}"
        assert reference.image_name == "localhost.example-5000/a_b/c"
        assert reference.registry == "Localhost.example:5000"

    @pytest.mark.parametrize(
        ("text", "normal"),
        [
            ("busybox", "docker.io/library/busybox:latest"),
            ("a/b:1", "docker.io/a/b:1"),
            ("localhost/x", "localhost/x:latest"),
            ("localhost:5000/x", "localhost:5000/x:latest"),
            (f"r.example/x@sha256:{'0' * 64}", f"r.example/x@sha256:{'0' * 64}"),
            ("[::1]:5000/x", "[::1]:5000/x:latest"),
            ("[2001:DB8::1]/x/y:2", "[2001:DB8::1]/x/y:2"),
        ],
    )
    def test_what_was_left_out_is_filled_in(self, text: str, normal: str) -> None:
        assert parse_docker_reference(text).unwrap().normal == normal

    @pytest.mark.parametrize(
        ("text", "position"),
        [
            ("[::1%eth0]:5000/x", 0), ("[::ffff:1.2.3.4]/x", 0), ("[fd00123123123]:75/x", 1),
            ("[fd00::1]75/x", 9), ("[fd00::1]::75/x", 9), ("[fd00::1]:0/x", 10), ("[]/x:1", 0),
            ("fd00:1:2::3:75/x", 6), ("[1::2::3]/x", 1), ("[::1]", 0), ("[::1]:5000", 0),
            ("[::1]:65536/x", 6), ("[::1/x", 0), ("::1]/x", 0),
        ],
    )  # fmt: skip
    def test_what_is_no_ipv6_host(self, text: str, position: int) -> None:
        """Of distribution/reference's own cases, those that its parser or its dialer refuses."""
        assert parse_docker_reference(text).failure().position == position


class TestImagePath:
    @pytest.mark.parametrize(
        ("text", "name", "tag"),
        [
            ("oci:/images/app", "localhost/app", None),
            ("oci:/images/app:v1", "localhost/app", "v1"),
            ("oci:/images/app:other:v1", "localhost/app", "v1"),
            ("oci:/:v1+x", "localhost", None),
            ("oci:/a:r.example/b/c:1", "r.example/b/c", "1"),
            ("oci-archive:/My App.tar", "localhost/my-app.tar", None),
            ("docker-archive:/a.tar:busybox", "localhost/a.tar", "latest"),
            ("docker-archive:/a:localhost:5/b:1", "localhost-5/b", "1"),
            ("docker-archive:/a:docker.io/b", "docker.io/library/b", "latest"),
        ],
    )
    def test_name_and_tag(self, text: str, name: str, tag: str | None) -> None:
        kind, _, rest = text.partition(":")
        reference = parse_image_path(KINDS[kind], rest, str).unwrap()
        assert (image_name_of(reference), image_tag_of(reference)) == (name, tag)

    def test_problem_points_at_the_name(self) -> None:
        problem = parse_image_path("oci", "/a:b c", str).failure()
        assert problem.position == 3

    def test_path_is_made_absolute(self) -> None:
        found = parse_image_path("oci", "a:b", lambda path: f"/x/{path}").unwrap()
        assert found.string == "oci:/x/a:b"


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("example.com/app", "example.com/app"),
        ("Example.com:5000/a--b__c", "example.com-5000/a--b__c"),
        ("[::1]:5000/a", "1--5000/a"),
        ("_a_", "a"),
    ],
)
def test_identifier(name: str, identifier: str) -> None:
    assert identifier_of(name) == identifier


def test_image_id() -> None:
    assert ImageIDReference("abc").string == "sha512-abc"
    assert ImageIDReference("abc", "sha256").string == "sha256-abc"


def test_problem_moves_with_its_text() -> None:
    assert ReferenceProblem("w", "a", 2).shifted(3) == ReferenceProblem("w", "a", 5)
    assert ReferenceProblem("w", "a").shifted(3) == ReferenceProblem("w", "a")


def test_file_url_has_one_form() -> None:
    assert file_url("//a/b?c#d%.aci") == "file:///a/b%3Fc%23d%25.aci"
    assert file_url("/X/b.aci") == "file:///X/b.aci"


@pytest.mark.parametrize("text", ["/", "/a", "./a", "../a", "a/./b", "a.aci", "b/.aci"])
def test_paths(text: str) -> None:
    assert looks_like_path(text)


@pytest.mark.parametrize("text", ["", "a", "a/b", "a.aci:1", "./a:1", "a.ACI", ".", ".."])
def test_not_paths(text: str) -> None:
    assert not looks_like_path(text)


SIGNATURE_DIFFERENCES = {
    "https://h/a%2Fb.aci": "rkt unescapes the slash, which names another file",
    "mailto:x.aci": "no location of an image",
}


@pytest.mark.parametrize("vector", vectors("signature-url"), ids=shown)
def test_signature_url_vector(vector: dict[str, Any]) -> None:
    agrees = signature_location(vector["in"]) == vector["out"]["asc"]
    assert agrees is not (vector["in"] in SIGNATURE_DIFFERENCES)


@pytest.mark.parametrize("vector", vectors("signature-path"), ids=shown)
def test_signature_path_vector(vector: dict[str, Any]) -> None:
    image, signature = (file_url("/" + path) for path in (vector["in"], vector["out"]["asc"]))
    assert signature_location(image) == signature


def test_escaped_slash_stays_in_a_signature_location() -> None:
    assert signature_location("https://h/a%2Fb.aci") == "https://h/a%2Fb.aci.asc"


def test_what_is_no_text_has_a_signature_location() -> None:
    assert signature_location("https://h/\udcff.aci") == "https://h/%3F.aci.asc"


@pytest.mark.parametrize("end", ["", "?x", "#x"])
def test_signature_is_never_on_another_host(end: str) -> None:
    assert signature_location(f"https://h{end}") == f"https://h/.aci.asc{end}"
