"""Documents of OCI and docker images; of each, ``raw`` says the same as its fields."""

from hypothesis import strategies as st

from pipeline.digest import Digest
from pipeline.oci import (
    DOCKER_LIST_TYPE,
    DOCKER_MANIFEST_TYPE,
    INDEX_TYPE,
    MANIFEST_TYPE,
    Descriptor,
    IndexEntry,
    OciConfig,
    OciIndex,
    OciManifest,
    OciPlatform,
)
from pipeline.testing.oci import make_oci_config, make_oci_index, make_oci_manifest
from pipeline.testing.strategies.text import digests, texts


def oci_platforms() -> st.SearchStrategy[OciPlatform]:
    """Platforms, most of them real ones."""
    word = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,6}", fullmatch=True)
    architecture = st.sampled_from(("amd64", "arm64", "arm", "386", "s390x")) | word
    variant = st.sampled_from(("", "v5", "v6", "v7", "v8", "v3")) | word
    return st.builds(
        OciPlatform, st.sampled_from(("linux", "windows")) | word, architecture, variant
    )


def descriptors() -> st.SearchStrategy[Descriptor]:
    """Descriptors of blobs of any size."""
    media_type = st.from_regex(r"[a-z]{1,8}/[a-z0-9][a-z0-9.+-]{0,12}", fullmatch=True)
    return st.builds(Descriptor, media_type, digests(), st.integers(0, 2**63 - 1))


def oci_manifests() -> st.SearchStrategy[OciManifest]:
    """Manifests of OCI and docker images, with and without layers; ``raw`` says the same."""

    def make(
        docker: bool,
        config: Descriptor,
        layers: list[Descriptor],
        annotations: dict[str, str],
    ) -> OciManifest:
        raw = make_oci_manifest(config, layers, docker=docker, annotations=annotations)
        media_type = DOCKER_MANIFEST_TYPE if docker else MANIFEST_TYPE
        return OciManifest(media_type, config, tuple(layers), annotations, raw)

    layers = st.lists(descriptors(), max_size=3)
    return st.builds(make, st.booleans(), descriptors(), layers, _annotations())


def oci_indexes() -> st.SearchStrategy[OciIndex]:
    """Indexes and docker's lists; ``raw`` says the same."""

    def make(docker: bool, entries: list[IndexEntry]) -> OciIndex:
        raw = make_oci_index(
            [(each.descriptor, each.platform) for each in entries],
            docker=docker,
            annotations=[each.annotations for each in entries],
        )
        return OciIndex(DOCKER_LIST_TYPE if docker else INDEX_TYPE, tuple(entries), raw)

    return st.builds(make, st.booleans(), st.lists(index_entries(), max_size=6))


def index_entries() -> st.SearchStrategy[IndexEntry]:
    """Entries of indexes, with and without a platform."""
    return st.builds(IndexEntry, descriptors(), st.none() | oci_platforms(), _annotations())


def oci_configs() -> st.SearchStrategy[OciConfig]:
    """Configurations of images; ``raw`` says the same."""

    def make(platform: OciPlatform, diff_ids: list[Digest]) -> OciConfig:
        return OciConfig(platform, tuple(diff_ids), make_oci_config(diff_ids, platform))

    return st.builds(make, oci_platforms(), st.lists(digests(), max_size=4))


def _annotations() -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(texts(), texts(), max_size=2)
