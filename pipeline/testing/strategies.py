"""Hypothesis strategies for the product's values; needs the extra ``image-pipeline[testing]``.

What they make is valid, and leans towards the odd ends of valid: names that look like paths or
schemes, labels with commas, escapes and letters of all the world in paths.
"""

import json
import posixpath
import string
from urllib.parse import quote

from hypothesis import strategies as st

from pipeline.digest import HEX_LENGTH, Digest, DigestAlgorithm
from pipeline.manifest import PLATFORMS
from pipeline.names import ImageName, Label, LabelName, Labels, find_fault
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
from pipeline.reference import (
    IMAGE_SUFFIX,
    AppcReference,
    ArchiveReference,
    DockerReference,
    ImageIDReference,
    ImagePathReference,
    Reference,
    file_url,
)
from pipeline.reference.docker import parse_docker_reference
from pipeline.reference.image_path import KINDS
from pipeline.testing.makers import make_manifest
from pipeline.testing.oci import make_oci_config, make_oci_index, make_oci_manifest

_ODD_NAMES = ("sha512-abc", "http", "docker", "cimd", "app.aci", "a./b", "a--b", "1", "a_b~c")
_ODD_VALUES = ("", "//x", "a,b=c", "1:2", "./y", "z.aci", " ", "+", "%41", "é&?#=", "sha512-ab")


def texts(*, min_size: int = 0, max_size: int = 12) -> st.SearchStrategy[str]:
    """Text without control characters and lone surrogates."""
    alphabet = st.characters(exclude_categories=("Cc", "Cs"))
    return st.text(alphabet, min_size=min_size, max_size=max_size)


def digests(*, algorithm: DigestAlgorithm | None = None) -> st.SearchStrategy[Digest]:
    """Whole digests, of one algorithm or of all."""
    algorithms = st.sampled_from(tuple(HEX_LENGTH)) if algorithm is None else st.just(algorithm)
    return algorithms.flatmap(
        lambda chosen: st.builds(Digest, st.just(chosen), _hex(HEX_LENGTH[chosen]))
    )


def _hex(min_size: int, max_size: int | None = None) -> st.SearchStrategy[str]:
    return st.text("0123456789abcdef", min_size=min_size, max_size=max_size or min_size)


def identifiers(*, max_segments: int = 3) -> st.SearchStrategy[str]:
    """Texts that are ACIdentifiers."""
    ends = string.ascii_lowercase + string.digits
    segment = st.from_regex(r"[a-z0-9](?:[a-z0-9._~-]{0,6}[a-z0-9])?", fullmatch=True)
    path = st.lists(segment, min_size=1, max_size=max_segments).map("/".join)
    odd = st.sampled_from(_ODD_NAMES).filter(lambda name: name.count("/") < max_segments)
    return st.one_of(path, st.sampled_from(ends), odd).filter(lambda text: find_fault(text) is None)


def image_names(*, max_segments: int = 3) -> st.SearchStrategy[ImageName]:
    """Names of images."""
    return identifiers(max_segments=max_segments).map(ImageName)


def label_names() -> st.SearchStrategy[LabelName]:
    """Names of labels: any identifier but ``name``."""
    common = st.sampled_from(("version", "os", "arch"))
    return (
        st.one_of(common, identifiers(max_segments=2))
        .filter(lambda text: text != "name")
        .map(LabelName)
    )


def labels(*, max_size: int = 4) -> st.SearchStrategy[Labels]:
    """Labels with any values; ``os`` and ``arch`` need not be known ones."""
    values = st.one_of(st.sampled_from(_ODD_VALUES), texts())
    return st.dictionaries(label_names(), values, max_size=max_size).map(
        lambda pairs: Labels(tuple(Label(name, value) for name, value in pairs.items()))
    )


def appc_references() -> st.SearchStrategy[AppcReference]:
    """References by name and labels."""
    return st.builds(AppcReference, image_names(), labels())


def archive_references() -> st.SearchStrategy[ArchiveReference]:
    """References by path or URL, with and without ``.aci``, a query or a fragment."""
    suffix = st.sampled_from((IMAGE_SUFFIX, "", ".tar.gz"))
    names = texts(min_size=1).filter(lambda text: not text.endswith("/"))
    paths = st.builds(lambda name, end: f"/{name}{end}", names, suffix).map(file_url)
    host = st.sampled_from(("example.com", "EXAMPLE.com:8080", "127.0.0.1:1", "[::1]:443"))
    web = st.builds(
        lambda scheme, host, name, end, tail: f"{scheme}://{host}/{quote(name)}{end}{tail}",
        st.sampled_from(("http", "https")),
        host,
        names,
        suffix,
        st.sampled_from(("", "?x=1&y=a%20b", "#part", "?x=.aci#.aci")),
    )
    return st.builds(ArchiveReference, st.one_of(paths, web))


def docker_references() -> st.SearchStrategy[DockerReference]:
    """References to registries: with and without host, tag and digest."""
    host = st.sampled_from(("", "docker.io/", "index.docker.io/", "localhost/", "r.example:5000/"))
    part = st.from_regex(r"[a-z0-9]{1,6}(?:(?:\.|_|__|-{1,3})[a-z0-9]{1,6}){0,2}", fullmatch=True)
    path = st.lists(part, min_size=1, max_size=3).map("/".join)
    tag = st.from_regex(r"(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,9})?", fullmatch=True)
    digest = st.one_of(st.just(""), digests().map(lambda digest: f"@{digest}"))
    # A path that begins like a host would be one: it is put under a host of its own.
    return st.builds(
        lambda host, path, tag, digest: parse_docker_reference(
            f"{host or 'docker.io/' if '.' in path.split('/')[0] else host}{path}{tag}{digest}"
        ).unwrap(),
        host,
        path,
        tag,
        digest,
    )


def image_id_references() -> st.SearchStrategy[ImageIDReference]:
    """References to stored images by a prefix of their ID, of either algorithm."""
    algorithms = st.sampled_from(tuple(HEX_LENGTH))
    return algorithms.flatmap(
        lambda chosen: st.builds(ImageIDReference, _hex(2, HEX_LENGTH[chosen]), st.just(chosen))
    )


def image_path_references() -> st.SearchStrategy[ImagePathReference]:
    """References to images in files, with and without a name of one."""
    segment = texts(min_size=1).filter(
        lambda text: not {"/", ":"} & set(text) and text not in {".", ".."}
    )
    path = st.lists(segment, min_size=1, max_size=3).map(lambda names: posixpath.join("/", *names))
    name = st.from_regex(
        r"[A-Za-z0-9]{1,5}(?:(?:[-._:@/+]|--|__)[A-Za-z0-9]{1,5}){0,4}", fullmatch=True
    )
    return st.builds(
        ImagePathReference, st.sampled_from(tuple(KINDS.values())), path, st.just("") | name
    )


def references() -> st.SearchStrategy[Reference]:
    """References of every kind."""
    return st.one_of(
        appc_references(),
        archive_references(),
        docker_references(),
        image_path_references(),
        image_id_references(),
    )


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

    entry = st.builds(IndexEntry, descriptors(), st.none() | oci_platforms(), _annotations())
    return st.builds(make, st.booleans(), st.lists(entry, max_size=6))


def oci_configs() -> st.SearchStrategy[OciConfig]:
    """Configurations of images; ``raw`` says the same."""

    def make(platform: OciPlatform, diff_ids: list[Digest]) -> OciConfig:
        return OciConfig(platform, tuple(diff_ids), make_oci_config(diff_ids, platform))

    return st.builds(make, oci_platforms(), st.lists(digests(), max_size=4))


def _annotations() -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(texts(), texts(), max_size=2)


def platform_labels() -> st.SearchStrategy[dict[str, str]]:
    """An ``os`` and an ``arch`` that appc knows together, as label names and values."""
    pairs = [(os, arch) for os in PLATFORMS for arch in sorted(PLATFORMS[os])]
    return st.sampled_from(pairs).map(lambda pair: {"os": pair[0], "arch": pair[1]})


def manifests(*, names: st.SearchStrategy[ImageName] | None = None) -> st.SearchStrategy[bytes]:
    """Image manifests as they lie in archives: valid JSON, valid by the schema."""
    plain = st.dictionaries(
        label_names().filter(lambda name: name not in {"os", "arch"}), texts(), max_size=3
    )
    with_platform = st.builds(lambda some, platform: some | platform, plain, platform_labels())
    dependency = st.fixed_dictionaries(
        {"imageName": image_names()},
        optional={
            "imageID": digests(algorithm="sha512").map(lambda digest: digest.image_id),
            "size": st.integers(1, 2**40),
            "labels": plain.map(_label_list),
        },
    )
    annotations = st.dictionaries(identifiers(), texts(), max_size=2).map(
        lambda pairs: _label_list(
            {
                name: value
                for name, value in pairs.items()
                if name not in {"created", "homepage", "documentation"}
            }
        )
    )
    return st.builds(
        lambda name, labels, dependencies, annotations, whitelist, extra: make_manifest(
            name,
            labels,
            dependencies,
            annotations=annotations,
            pathWhitelist=whitelist,
            **{f"x-{extra}": json.loads(json.dumps(extra))},
        ),
        image_names() if names is None else names,
        st.one_of(plain, with_platform),
        st.lists(dependency, max_size=2),
        annotations,
        st.lists(texts(), max_size=3),
        texts(),
    )


def _label_list(pairs: dict[LabelName, str] | dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs.items()]
