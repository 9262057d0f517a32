"""Tables of mirrors, as configuration files make them."""

from hypothesis import strategies as st

from pipeline.mirrors import (
    Mirrors,
    NameMirrors,
    UrlMirrors,
    UrlPrefix,
    UrlTemplate,
    parse_url_prefix,
)
from pipeline.testing.strategies.names import image_names
from pipeline.testing.strategies.text import urls


def url_prefixes(*, secure: bool = False) -> st.SearchStrategy[UrlPrefix]:
    """URLs under which other URLs are; with ``secure``, of https alone."""
    schemes = ("https",) if secure else ("https", "http")
    plain = urls(schemes=schemes).map(lambda url: url.partition("?")[0])
    return plain.map(lambda url: parse_url_prefix(url).unwrap())


def url_templates() -> st.SearchStrategy[UrlTemplate]:
    """Places of a name at a server, by template."""
    return url_prefixes(secure=True).map(
        lambda prefix: UrlTemplate(f"{prefix}/{{name}}-{{version}}.{{ext}}")
    )


def url_mirrors() -> st.SearchStrategy[UrlMirrors]:
    """Entries for URLs; no entry of https leads to http."""
    places = st.lists(url_prefixes(secure=True), max_size=3).map(tuple)
    return st.builds(UrlMirrors, url_prefixes(), places)


def name_mirrors() -> st.SearchStrategy[NameMirrors]:
    """Entries for names of images."""
    places = st.lists(st.one_of(image_names(), url_templates()), max_size=3).map(tuple)
    return st.builds(NameMirrors, image_names(), places)


def mirrors() -> st.SearchStrategy[Mirrors]:
    """Tables in which each prefix stands once, some empty."""
    of_urls = st.lists(url_mirrors(), max_size=2, unique_by=lambda entry: entry.prefix)
    of_names = st.lists(name_mirrors(), max_size=2, unique_by=lambda entry: entry.prefix)
    return st.builds(Mirrors, of_urls.map(tuple), of_names.map(tuple))
