"""Hypothesis strategies for the product's values; needs the extra ``image-pipeline[testing]``.

What they make is valid, and leans towards the odd ends of valid: names that look like paths or
schemes, labels with commas, escapes and letters of all the world in paths.
"""

import json
import string
from urllib.parse import quote

from hypothesis import strategies as st

from pipeline.digest import HEX_LENGTH, Digest, DigestAlgorithm
from pipeline.manifest import PLATFORMS
from pipeline.names import ImageName, Label, LabelName, Labels, find_fault
from pipeline.reference import (
    IMAGE_SUFFIX,
    AppcReference,
    ArchiveReference,
    DockerReference,
    ImageIDReference,
    Reference,
    file_url,
)
from pipeline.reference.docker import parse_docker_reference
from pipeline.testing.makers import make_manifest

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
    """References to stored images by a prefix of their ID."""
    return st.builds(ImageIDReference, _hex(2, 128))


def references() -> st.SearchStrategy[Reference]:
    """References of every kind."""
    return st.one_of(
        appc_references(), archive_references(), docker_references(), image_id_references()
    )


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
