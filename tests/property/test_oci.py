"""What holds for every document of an OCI image, every index, and every file of images."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.adapters.image_paths import ImagePathFiles
from pipeline.adapters.memory import MemoryQuarantine
from pipeline.digest import Digest
from pipeline.limits import DEFAULT_LIMITS
from pipeline.oci import INDEX_TYPES, MANIFEST_TYPES, OciConfig, OciIndex, OciManifest, OciPlatform
from pipeline.oci.config import parse_config
from pipeline.oci.documents import parse_document
from pipeline.oci.platforms import available, candidates, choose, parse_platform
from pipeline.reference import ImagePathKind, ImagePathReference, file_url
from pipeline.results import ImagePathPlace
from pipeline.testing import strategies
from pipeline.testing.fakes import MemoryTransport, Page
from pipeline.testing.oci import (
    LINUX_AMD64,
    digest_of,
    docker_archive_files,
    layout_files,
    make_image,
    make_index,
    make_layer,
    make_tar_of,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | strategies.texts(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("schemaVersion", "mediaType", "config", "layers", "manifests", "digest")
            )
            | st.sampled_from(("size", "platform", "rootfs", "diff_ids", "type", "fsLayers"))
            | strategies.texts(),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
TYPES = st.sampled_from((*MANIFEST_TYPES, *INDEX_TYPES, "", "application/json", "text/html"))


class TestDocuments:
    """What a document says is what is read; of whatever else, nothing is."""

    @given(strategies.oci_manifests(), st.booleans())
    def test_a_manifest_is_read_as_it_was_written(self, manifest: OciManifest, told: bool) -> None:
        read = parse_document(manifest.raw, manifest.media_type if told else "")
        assert read.unwrap() == manifest

    @given(strategies.oci_indexes(), st.booleans())
    def test_an_index_is_read_as_it_was_written(self, index: OciIndex, told: bool) -> None:
        assert parse_document(index.raw, index.media_type if told else "").unwrap() == index

    @given(strategies.oci_configs())
    def test_a_configuration_is_read_as_it_was_written(self, config: OciConfig) -> None:
        assert parse_config(config.raw).unwrap() == config

    @given(JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60), TYPES)
    def test_anything_is_a_document_or_a_problem(self, raw: bytes, told: str) -> None:
        for outcome in (parse_document(raw, told), parse_config(raw)):
            if not is_successful(outcome):
                problem = outcome.failure()
                assert problem.path.startswith("$")
                assert problem.reason

    @given(strategies.oci_manifests() | strategies.oci_indexes(), JSON, st.data())
    def test_a_member_that_was_changed(
        self, document: OciManifest | OciIndex, value: object, data: st.DataObject
    ) -> None:
        members = json.loads(document.raw)
        name = data.draw(st.sampled_from((*members, "config", "layers", "manifests", "fsLayers")))
        raw = json.dumps(members | {name: value}).encode()
        outcome = parse_document(raw, document.media_type)
        if is_successful(outcome):
            read = outcome.unwrap()
            # Never the one kind in the place of the other, nor both.
            assert type(read) is type(document)
            assert read.media_type == document.media_type
            others = "config", "layers", "fsLayers", "history"
            if isinstance(read, OciManifest):
                others = "manifests", "fsLayers", "history", "history"
            assert all(json.loads(raw).get(other) is None for other in others)


class TestPlatforms:
    @given(strategies.oci_indexes(), strategies.oci_platforms())
    def test_the_choice(self, index: OciIndex, wanted: OciPlatform) -> None:
        """No entry that was left is for a better candidate than the one that was chosen."""
        chosen = choose(index, wanted)
        ranks = {platform: rank for rank, platform in enumerate(candidates(wanted))}
        fits = [each for each in index.entries if each.platform in ranks]
        if wanted == OciPlatform("unknown", "unknown"):
            return
        if fits:
            assert chosen in fits
            best = min(ranks[each.platform] for each in fits if each.platform is not None)
            assert chosen is not None
            assert chosen.platform is not None
            assert ranks[chosen.platform] == best
        elif chosen is not None:
            assert chosen.platform is None
        else:
            assert all(each.platform is not None for each in index.entries)
        assert len(available(index)) <= len(index.entries)

    @given(strategies.oci_platforms())
    def test_what_is_written_is_read(self, platform: OciPlatform) -> None:
        parsed = parse_platform(str(platform)).unwrap()
        assert parse_platform(str(parsed)).unwrap() == parsed
        # What was asked for runs where what was written does.
        assert parsed.os == platform.os

    @given(st.text(max_size=20))
    def test_any_text_is_a_platform_or_a_sentence(self, text: str) -> None:
        outcome = parse_platform(text)
        assert is_successful(outcome) or outcome.failure()


IMAGE = make_image(make_layer({"a": b"1"}, compression="none"), make_layer({"b": b"2" * 3000}))
LAYERS = [make_layer({"a": b"1"}), make_layer({"b": b"2"})]
ARCHIVES: dict[ImagePathKind, bytes] = {
    "oci-archive": make_tar_of(layout_files({"app": make_index(IMAGE)})),
    "docker-archive": make_tar_of(docker_archive_files({"app": LAYERS})),
}
DIGESTS: dict[ImagePathKind, frozenset[Digest]] = {
    "oci-archive": frozenset(IMAGE.blobs),
    "docker-archive": frozenset(layer.diff_id for layer in LAYERS),
}


def load(
    kind: ImagePathKind, content: bytes, chunk_bytes: int = 4096
) -> dict[Digest, bytes] | None:
    """Load an image from a tar with that content; None where it is refused."""
    quarantine = MemoryQuarantine()
    transport = MemoryTransport({file_url("/a.tar"): Page(content)}, chunk_bytes=chunk_bytes)
    place = ImagePathPlace(ImagePathReference(kind, "/a.tar"), LINUX_AMD64)
    outcome = ImagePathFiles(transport).load(place, quarantine, DEFAULT_LIMITS)
    if not is_successful(outcome):
        assert outcome.failure().message
        return None
    image = outcome.unwrap()
    found = {each.descriptor.digest: quarantine.blobs[each.blob.key] for each in image.contents}
    return found | {image.digest: quarantine.blobs[image.blob.key]}


@pytest.mark.parametrize("kind", ARCHIVES)
class TestArchives:
    """Whatever happens to a tar of images: what is loaded is what its digests say."""

    @given(position=st.integers(0, 2**20), value=st.integers(1, 255))
    def test_a_byte_that_was_changed(self, kind: ImagePathKind, position: int, value: int) -> None:
        content = bytearray(ARCHIVES[kind])
        content[position % len(content)] ^= value
        loaded = load(kind, bytes(content))
        if loaded is not None:
            assert all(digest_of(held) == digest for digest, held in loaded.items())

    @given(size=st.integers(0, 2**20))
    def test_a_tar_that_was_cut_off(self, kind: ImagePathKind, size: int) -> None:
        content = ARCHIVES[kind]
        assert load(kind, content[: size % (len(content) - 10_240)]) is None

    @given(chunk_bytes=st.integers(1, 2000))
    @settings(max_examples=20)
    def test_however_it_is_cut(self, kind: ImagePathKind, chunk_bytes: int) -> None:
        loaded = load(kind, ARCHIVES[kind], chunk_bytes)
        assert loaded is not None
        assert loaded == load(kind, ARCHIVES[kind])

    @given(order=st.randoms(use_true_random=False))
    @settings(max_examples=30)
    def test_in_whatever_order(self, kind: ImagePathKind, order: random.Random) -> None:
        files = (
            layout_files({"app": make_index(IMAGE)})
            if kind == "oci-archive"
            else docker_archive_files({"app": LAYERS})
        )
        names = list(files)
        order.shuffle(names)
        assert load(kind, make_tar_of({name: files[name] for name in names})) == load(
            kind, ARCHIVES[kind]
        )
