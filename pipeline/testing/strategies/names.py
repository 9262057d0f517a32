"""Names, labels and platforms of appc images."""

import string

from hypothesis import strategies as st

from pipeline.manifest import PLATFORMS
from pipeline.names import ImageName, Label, LabelName, Labels, Platform, find_fault
from pipeline.testing.strategies.text import texts

_ODD_NAMES = ("sha512-abc", "http", "docker", "cimd", "app.aci", "a./b", "a--b", "1", "a_b~c")
_ODD_VALUES = ("", "//x", "a,b=c", "1:2", "./y", "z.aci", " ", "+", "%41", "é&?#=", "sha512-ab")


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


def label_values() -> st.SearchStrategy[str]:
    """Values of labels: any text, and those that look like something else."""
    return st.one_of(st.sampled_from(_ODD_VALUES), texts())


def labels(*, max_size: int = 4) -> st.SearchStrategy[Labels]:
    """Labels with any values; ``os`` and ``arch`` need not be known ones."""
    return st.dictionaries(label_names(), label_values(), max_size=max_size).map(
        lambda pairs: Labels(tuple(Label(name, value) for name, value in pairs.items()))
    )


def platforms() -> st.SearchStrategy[Platform]:
    """Platforms that appc knows."""
    pairs = [(os, arch) for os in PLATFORMS for arch in sorted(PLATFORMS[os])]
    return st.sampled_from(pairs).map(lambda pair: Platform(*pair))


def platform_labels() -> st.SearchStrategy[dict[str, str]]:
    """An ``os`` and an ``arch`` that appc knows together, as label names and values."""
    return platforms().map(lambda platform: {"os": platform.os, "arch": platform.arch})
