"""Where images may be, and what is expected of them: ``Located`` and what it is made of."""

from hypothesis import strategies as st

from pipeline.addresses import AddressScope
from pipeline.names import Labels
from pipeline.reference import DockerReference, ImagePathReference
from pipeline.results import (
    Candidate,
    Expectations,
    ImagePathPlace,
    KeyPlace,
    Located,
    Place,
    RegistryPlace,
)
from pipeline.testing.strategies.names import image_names, labels
from pipeline.testing.strategies.oci import oci_platforms
from pipeline.testing.strategies.reference_kinds import (
    appc_references,
    archive_references,
    docker_references,
    image_path_references,
)
from pipeline.testing.strategies.text import digests, urls


def candidates() -> st.SearchStrategy[Candidate]:
    """Places of archives at servers, named by the user or by a server."""
    return st.builds(
        lambda url, named_by: Candidate(url, f"{url}.asc", named_by),
        urls().map(lambda url: url.partition("?")[0]),
        st.none() | st.sampled_from(AddressScope),
    )


def key_places() -> st.SearchStrategy[KeyPlace]:
    """Places of public keys at servers."""
    return st.builds(KeyPlace, urls(), st.none() | st.sampled_from(AddressScope))


def registry_places(
    *, references: st.SearchStrategy[DockerReference] | None = None
) -> st.SearchStrategy[RegistryPlace]:
    """Registries and mirrors of them."""

    def make(
        reference: DockerReference, host: str, query: str, resolves_tags: bool
    ) -> st.SearchStrategy[RegistryPlace]:
        return st.builds(
            RegistryPlace,
            st.just(reference),
            st.just(f"https://{host or reference.registry}/v2/{reference.repository}"),
            oci_platforms(),
            st.just(query),
            st.just(resolves_tags),
            st.lists(urls(), max_size=1).map(tuple),
        )

    return st.tuples(
        docker_references() if references is None else references,
        st.sampled_from(("", "mirror.example:5000")),
        st.sampled_from(("", "ns=docker.io")),
        st.booleans(),
    ).flatmap(lambda parts: make(*parts))


def image_path_places(
    *, references: st.SearchStrategy[ImagePathReference] | None = None
) -> st.SearchStrategy[ImagePathPlace]:
    """Images in files, for a platform."""
    chosen = image_path_references() if references is None else references
    return st.builds(ImagePathPlace, chosen, oci_platforms())


def places() -> st.SearchStrategy[Place]:
    """Places of all kinds."""
    return st.one_of(candidates(), registry_places(), image_path_places())


def expectations() -> st.SearchStrategy[Expectations]:
    """What a manifest must say: nothing, or a name, labels, an ID and a size."""
    return st.builds(
        Expectations,
        st.none() | image_names(),
        labels(max_size=2),
        st.just(Labels()) | labels(max_size=1),
        st.none() | digests(algorithm="sha512"),
        st.none() | st.integers(1, 2**40),
    )


def located() -> st.SearchStrategy[Located]:
    """References, but for those to stored images, and the places of just that image."""
    archives = st.builds(
        Located,
        appc_references() | archive_references(),
        st.lists(candidates(), min_size=1, max_size=3).map(tuple),
        expectations(),
    )
    return st.one_of(
        archives,
        docker_references().flatmap(
            lambda reference: st.builds(
                Located,
                st.just(reference),
                st.lists(
                    registry_places(references=st.just(reference)), min_size=1, max_size=2
                ).map(tuple),
            )
        ),
        image_path_references().flatmap(
            lambda reference: st.builds(
                Located,
                st.just(reference),
                st.tuples(image_path_places(references=st.just(reference))),
            )
        ),
    )
