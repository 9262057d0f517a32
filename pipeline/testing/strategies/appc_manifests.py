"""Manifests of appc images: as bytes that are valid by the schema, and as what they say."""

import json

from hypothesis import strategies as st

from pipeline.manifest import Dependency, ImageManifest, parse_manifest
from pipeline.names import ImageName, LabelName
from pipeline.testing.makers import make_manifest
from pipeline.testing.strategies.names import (
    identifiers,
    image_names,
    label_names,
    labels,
    platform_labels,
)
from pipeline.testing.strategies.text import digests, texts


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


def image_manifests(
    *, names: st.SearchStrategy[ImageName] | None = None
) -> st.SearchStrategy[ImageManifest]:
    """Image manifests as values; ``raw`` is read back as the same."""
    return manifests(names=names).map(lambda raw: parse_manifest(raw).unwrap())


def dependencies() -> st.SearchStrategy[Dependency]:
    """Entries of manifests for images that lie below."""
    return st.builds(
        Dependency,
        image_names(),
        st.none() | digests(algorithm="sha512"),
        labels(),
        st.none() | st.integers(1, 2**40),
    )


def _label_list(pairs: dict[LabelName, str] | dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs.items()]
