"""References of every kind; each is read back from its ``string``."""

import posixpath
from urllib.parse import quote

from hypothesis import strategies as st

from pipeline.digest import HEX_LENGTH
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
from pipeline.testing.strategies.names import image_names, labels
from pipeline.testing.strategies.text import digests, hex_digits, texts


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
        lambda chosen: st.builds(
            ImageIDReference, hex_digits(min_size=2, max_size=HEX_LENGTH[chosen]), st.just(chosen)
        )
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
