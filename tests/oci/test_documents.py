"""Manifests and indexes: one document to every reader, or none."""

import json
from typing import Any

import pytest
from returns.pipeline import is_successful

from pipeline.digest import Digest
from pipeline.limits import INDEX_ENTRIES, LAYERS, MANIFEST_BYTES, MANIFEST_DEPTH
from pipeline.oci import (
    CONFIG_TYPE,
    DOCKER_LIST_TYPE,
    DOCKER_MANIFEST_TYPE,
    INDEX_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    Descriptor,
    IndexEntry,
    OciIndex,
    OciManifest,
    OciPlatform,
)
from pipeline.oci.documents import DocumentProblem, parse_document
from pipeline.testing.oci import make_artifact, make_oci_index, make_oci_manifest

CONFIG = Descriptor(CONFIG_TYPE, Digest("sha256", "a" * 64), 7)
LAYER = Descriptor(f"{LAYER_TYPE}+gzip", Digest("sha512", "b" * 128), 2**63 - 1)
SCHEMA1_TYPE = "application/vnd.docker.distribution.manifest.v1+prettyjws"
MANIFEST = make_oci_manifest(CONFIG, [LAYER])
INDEX = make_oci_index([(CONFIG, OciPlatform("linux", "arm", "v7"))])


def changed(raw: bytes, **members: Any) -> bytes:
    """Return a document with other members; None takes one away."""
    document = json.loads(raw) | members
    return json.dumps({key: value for key, value in document.items() if value is not None}).encode()


def layer(**members: Any) -> bytes:
    """Return a manifest whose one layer has other members."""
    document = LAYER.document | members
    return changed(
        MANIFEST, layers=[{key: value for key, value in document.items() if value is not None}]
    )


def entry(**members: Any) -> bytes:
    """Return an index whose one entry has other members."""
    return changed(INDEX, manifests=[CONFIG.document | members])


def problem(raw: bytes, content_type: str = "") -> DocumentProblem:
    """Return why a document is refused."""
    return parse_document(raw, content_type).failure()


class TestManifest:
    def test_what_it_says(self) -> None:
        raw = changed(MANIFEST, annotations={"a": "b"})
        assert parse_document(raw, MANIFEST_TYPE).unwrap() == OciManifest(
            MANIFEST_TYPE, CONFIG, (LAYER,), {"a": "b"}, raw
        )

    def test_docker_says_the_same(self) -> None:
        raw = make_oci_manifest(CONFIG, [LAYER], docker=True)
        manifest = parse_document(raw, DOCKER_MANIFEST_TYPE).unwrap()
        assert manifest == OciManifest(DOCKER_MANIFEST_TYPE, CONFIG, (LAYER,), {}, raw)

    def test_an_artifact(self) -> None:
        artifact = make_artifact(b"text")
        manifest = parse_document(artifact.raw).unwrap()
        assert isinstance(manifest, OciManifest)
        assert manifest.config.media_type == "application/vnd.oci.empty.v1+json"

    def test_without_layers(self) -> None:
        for raw in (changed(MANIFEST, layers=[]), changed(MANIFEST, layers=None)):
            manifest = parse_document(raw).unwrap()
            assert isinstance(manifest, OciManifest)
            assert manifest.layers == ()

    def test_what_is_not_acted_on_is_let_be(self) -> None:
        raw = changed(
            layer(urls=["https://169.254.169.254/"], data="AAAA", annotations={"a": "b"}),
            subject={"any": "thing"},
            artifactType="application/vnd.example",
            other=[1],
        )
        manifest = parse_document(raw).unwrap()
        assert isinstance(manifest, OciManifest)
        assert manifest.layers == (LAYER,)

    def test_layers_up_to_the_limit(self) -> None:
        assert is_successful(parse_document(make_oci_manifest(CONFIG, [CONFIG] * LAYERS)))
        found = problem(make_oci_manifest(CONFIG, [CONFIG] * (LAYERS + 1)))
        assert found.path == "$.layers"
        assert f"at most {LAYERS}" in found.reason

    def test_no_configuration(self) -> None:
        assert problem(changed(MANIFEST, config=None)).path == "$.config"


class TestIndex:
    def test_what_it_says(self) -> None:
        raw = make_oci_index(
            [(CONFIG, OciPlatform("linux", "arm", "v7")), (LAYER, None)],
            annotations=[{}, {"a": "b"}],
        )
        assert parse_document(raw, INDEX_TYPE).unwrap() == OciIndex(
            INDEX_TYPE,
            (
                IndexEntry(CONFIG, OciPlatform("linux", "arm", "v7")),
                IndexEntry(LAYER, None, {"a": "b"}),
            ),
            raw,
        )

    def test_dockers_list_says_the_same(self) -> None:
        raw = make_oci_index([(CONFIG, None)], docker=True)
        index = parse_document(raw, DOCKER_LIST_TYPE).unwrap()
        assert index == OciIndex(DOCKER_LIST_TYPE, (IndexEntry(CONFIG, None),), raw)

    def test_without_entries(self) -> None:
        for raw in (changed(INDEX, manifests=[]), INDEX.partition(b"[")[0] + b"null}"):
            index = parse_document(raw).unwrap()
            assert isinstance(index, OciIndex)
            assert index.entries == ()

    def test_entries_up_to_the_limit(self) -> None:
        entries = [(CONFIG, None)] * INDEX_ENTRIES
        assert is_successful(parse_document(make_oci_index(entries)))
        assert f"at most {INDEX_ENTRIES}" in problem(make_oci_index([*entries, entries[0]])).reason

    def test_a_platform_that_names_nothing_is_none(self) -> None:
        index = parse_document(entry(platform={"os": "", "architecture": ""})).unwrap()
        assert isinstance(index, OciIndex)
        assert index.entries[0].platform is None

    @pytest.mark.parametrize(
        "platform",
        [
            {"os": "linux"},
            {"architecture": "amd64", "os": ""},
            {"variant": "v7"},
            {"os": "linux", "architecture": "am d64"},
            {"os": "linux\n", "architecture": "amd64"},
            {"os": "linux", "architecture": "amd64", "variant": "a/b"},
            {"os": "linux", "architecture": "a" * 65},
            {"os": 1, "architecture": "amd64"},
            {"OS": "linux", "architecture": "amd64"},
            "linux/amd64",
            [],
        ],
    )
    def test_a_platform_that_is_none(self, platform: object) -> None:
        assert problem(entry(platform=platform)).path.startswith("$.manifests[0].platform")


class TestMediaTypes:
    """Threat 3 (CVE-2021-41190): what a document is, everybody must see alike."""

    @pytest.mark.parametrize(
        "told",
        [
            "",
            MANIFEST_TYPE,
            MANIFEST_TYPE.upper(),
            f" {MANIFEST_TYPE} ; charset=utf-8",
            "application/json",
            "Application/Octet-Stream",
            "text/plain; charset=utf-8",
        ],
    )
    def test_agree(self, told: str) -> None:
        assert parse_document(MANIFEST, told).unwrap().media_type == MANIFEST_TYPE

    @pytest.mark.parametrize("told", [DOCKER_MANIFEST_TYPE, INDEX_TYPE, "text/html", "x"])
    def test_disagree(self, told: str) -> None:
        found = problem(MANIFEST, told)
        assert found.path == "$.mediaType"
        assert f'wanted "{told}", as it was sent' in found.reason

    def test_letter_case_of_the_documents_own_does_not_count(self) -> None:
        raw = changed(MANIFEST, mediaType=MANIFEST_TYPE.upper())
        assert parse_document(raw, MANIFEST_TYPE).unwrap().media_type == MANIFEST_TYPE

    @pytest.mark.parametrize(
        ("raw", "told", "media_type"),
        [
            (MANIFEST, "", MANIFEST_TYPE),
            (INDEX, "", INDEX_TYPE),
            (MANIFEST, DOCKER_MANIFEST_TYPE, DOCKER_MANIFEST_TYPE),
            (INDEX, DOCKER_LIST_TYPE, DOCKER_LIST_TYPE),
            (INDEX, "application/json", INDEX_TYPE),
        ],
    )
    def test_a_document_that_does_not_say(self, raw: bytes, told: str, media_type: str) -> None:
        """OCI lets it; what was told counts, then the shape."""
        found = parse_document(changed(raw, mediaType=None), told)
        assert found.unwrap().media_type == media_type

    def test_no_shape(self) -> None:
        assert "neither layers nor manifests" in problem(b'{"schemaVersion": 2}').reason

    @pytest.mark.parametrize(
        ("raw", "told", "path"),
        [
            (changed(MANIFEST, manifests=[]), "", "$.manifests"),
            (changed(MANIFEST, manifests=[], mediaType=None), MANIFEST_TYPE, "$.manifests"),
            (changed(INDEX, layers=[]), "", "$.layers"),
            (changed(INDEX, config={}), "", "$.config"),
            (changed(INDEX, layers=[], mediaType=None), INDEX_TYPE, "$.layers"),
            (changed(INDEX, layers=[], mediaType=None), "", "$.layers"),
            (changed(INDEX, mediaType=MANIFEST_TYPE), "", "$.manifests"),
            (changed(MANIFEST, mediaType=INDEX_TYPE), "", "$.config"),
            (changed(INDEX, mediaType=None), MANIFEST_TYPE, "$.manifests"),
            (changed(MANIFEST, mediaType=None), DOCKER_LIST_TYPE, "$.config"),
            (changed(MANIFEST, history=[]), "", "$.history"),
            (changed(INDEX, history=[]), "", "$.history"),
        ],
    )
    def test_members_of_another_kind(self, raw: bytes, told: str, path: str) -> None:
        found = problem(raw, told)
        assert found.path == path
        assert "wanted nothing" in found.reason
        assert not found.unsupported_type

    @pytest.mark.parametrize("member", ["Layers", "MANIFESTS", "mediatype", "Config", "FsLayers"])
    def test_another_letter_case_is_another_document_to_some(self, member: str) -> None:
        found = problem(changed(MANIFEST, **{member: []}))
        assert f'got the member "{member}"' in found.reason

    def test_a_member_that_stands_there_twice(self) -> None:
        assert "twice" in problem(MANIFEST[:-1] + b',"layers":[]}').reason

    @pytest.mark.parametrize("told", ["application/vnd.example.manifest", "text/html"])
    def test_another_kind_is_named(self, told: str) -> None:
        found = problem(changed(MANIFEST, mediaType=None), told)
        assert found.unsupported_type == told
        assert problem(changed(MANIFEST, mediaType=told)).unsupported_type == told


class TestSchema1:
    """It does not bind what is in an image to a digest, whatever it is called."""

    RAW = b'{"schemaVersion":1,"name":"a","tag":"b","fsLayers":[],"history":[]}'

    @pytest.mark.parametrize(
        ("raw", "told"),
        [
            (RAW, SCHEMA1_TYPE),
            (RAW, "application/json"),
            (RAW, ""),
            (RAW, DOCKER_MANIFEST_TYPE),
            (MANIFEST, f"{SCHEMA1_TYPE.upper()}; charset=utf-8"),
            (b"not even JSON", SCHEMA1_TYPE),
            (changed(MANIFEST, mediaType=SCHEMA1_TYPE), ""),
            (changed(MANIFEST, schemaVersion=1), MANIFEST_TYPE),
            (changed(MANIFEST, fsLayers=[]), ""),
        ],
    )
    def test_is_refused_by_name(self, raw: bytes, told: str) -> None:
        found = problem(raw, told)
        assert "schema 1" in found.reason
        assert found.unsupported_type

    @pytest.mark.parametrize("version", [None, 0, 3, "2", 2.0, True, "1"])
    def test_other_versions(self, version: object) -> None:
        assert problem(changed(MANIFEST, schemaVersion=version)).path == "$.schemaVersion"


class TestDescriptors:
    @pytest.mark.parametrize(
        ("members", "path"),
        [
            ({"digest": None}, ".digest"),
            ({"digest": f"sha256-{'a' * 64}"}, ".digest"),
            ({"digest": f"sha256:{'A' * 64}"}, ".digest"),
            ({"digest": f"sha256:{'a' * 63}"}, ".digest"),
            ({"digest": f"md5:{'a' * 32}"}, ".digest"),
            ({"digest": "sha256:../../../../etc/passwd"}, ".digest"),
            ({"digest": 1}, ".digest"),
            ({"size": None}, ".size"),
            ({"size": -1}, ".size"),
            ({"size": 2**63}, ".size"),
            ({"size": 1.0}, ".size"),
            ({"size": True}, ".size"),
            ({"size": "1"}, ".size"),
            ({"mediaType": None}, ".mediaType"),
            ({"mediaType": ""}, ".mediaType"),
            ({"mediaType": "a" * 256}, ".mediaType"),
            ({"mediaType": "a\n"}, ".mediaType"),
            ({"mediaType": "é"}, ".mediaType"),
            ({"mediaType": 1}, ".mediaType"),
            ({"Digest": str(CONFIG.digest)}, ""),
            ({"SIZE": 1}, ""),
        ],
    )
    def test_each_field(self, members: dict[str, Any], path: str) -> None:
        assert problem(layer(**members)).path == f"$.layers[0]{path}"
        config = {**LAYER.document, **members}
        assert problem(changed(MANIFEST, config=config)).path == f"$.config{path}"
        assert problem(entry(**members)).path == f"$.manifests[0]{path}"

    @pytest.mark.parametrize("value", ["x", [], 1, True])
    def test_what_is_none(self, value: object) -> None:
        assert problem(changed(MANIFEST, layers=[value])).path == "$.layers[0]"
        assert problem(changed(MANIFEST, layers="x")).path == "$.layers"
        assert problem(changed(INDEX, manifests={})).path == "$.manifests"

    @pytest.mark.parametrize("value", [[], "x", {"a": 1}, {"a": None}])
    def test_annotations_are_texts(self, value: object) -> None:
        assert problem(changed(MANIFEST, annotations=value)).path.startswith("$.annotations")
        assert problem(entry(annotations=value)).path.startswith("$.manifests[0].annotations")


class TestLimits:
    def test_bytes(self) -> None:
        padded = MANIFEST + b" " * (MANIFEST_BYTES - len(MANIFEST))
        assert is_successful(parse_document(padded))
        assert "at most" in problem(padded + b" ").reason

    def test_depth(self) -> None:
        for depth, passes in ((MANIFEST_DEPTH - 1, True), (MANIFEST_DEPTH, False)):
            nested = b"[" * depth + b"]" * depth
            raw = MANIFEST[:-1] + b',"x":' + nested + b"}"
            assert is_successful(parse_document(raw)) is passes

    @pytest.mark.parametrize("raw", [b"", b"[]", b"null", b'"x"', b"{", b"\xff", b"\xef\xbb\xbf{}"])
    def test_junk(self, raw: bytes) -> None:
        assert problem(raw).path == "$"
