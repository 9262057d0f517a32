"""Errors of every kind, and what observers are told, with the worst texts that a stranger can send.

Most are made by their fields' types; where a field's name or an error's own rule says more, it is
said here. An error that holds others holds plain ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from functools import cache
from types import NoneType
from typing import Any, Final, TypeVar, get_args, get_type_hints

from hypothesis import strategies as st

from pipeline.addresses import AddressScope
from pipeline.digest import Digest
from pipeline.errors import (
    AllCandidatesFailed,
    ConfigurationError,
    DiscoveryError,
    DiscoveryFailed,
    DownloadError,
    ImageError,
    MirrorError,
    NoMatchingTag,
    OnePlaceError,
    OutputError,
    ParseError,
    PipelineError,
    RequirementUnmet,
    RetriesExhausted,
    SignatureUnavailable,
    StoreError,
    TransportError,
    VerificationError,
)
from pipeline.events import Event
from pipeline.names import ImageName, LabelName
from pipeline.testing.strategies.names import image_names, label_names
from pipeline.testing.strategies.text import (
    digests,
    fingerprints,
    hex_digits,
    texts,
    times,
    untrusted_texts,
    urls,
)
from pipeline.trust import Fingerprint

Value = TypeVar("Value")

_NESTED: Final[frozenset[type]] = frozenset(
    {AllCandidatesFailed, DiscoveryFailed, RequirementUnmet, RetriesExhausted, SignatureUnavailable}
)
"""Those that hold others."""

_BY_NAME: Final[dict[str, st.SearchStrategy[Any]]] = {
    "url": urls() | untrusted_texts(),
    "redirected_from": st.none() | urls(),
    "advice": texts(min_size=1),
    "status": st.integers(100, 599),
    "retry_after_seconds": st.none() | st.floats(0, 10**6),
    "issuers": st.lists(hex_digits(min_size=16, max_size=16), max_size=2).map(tuple),
    "position": st.none() | st.integers(0, 20),
    "error_kind": st.none() | st.sampled_from(("http-status", "bad-signature")),
}
_BY_TYPE: Final[dict[object, st.SearchStrategy[Any]]] = {
    str: untrusted_texts(),
    int: st.integers(0, 2**63 - 1),
    float: st.floats(0, 10**9),
    Digest: digests(),
    Fingerprint: fingerprints(),
    datetime: times(),
    bool: st.booleans(),
    AddressScope: st.sampled_from(AddressScope),
    ImageName: image_names(),
    LabelName: label_names(),
}


def parse_errors() -> st.SearchStrategy[ParseError]:
    """Errors of reading a reference."""
    return _any_of(ParseError)


def discovery_errors() -> st.SearchStrategy[DiscoveryError]:
    """Errors of finding an image."""
    return _any_of(DiscoveryError)


def transport_errors() -> st.SearchStrategy[TransportError]:
    """Errors of fetching from one URL."""
    return _any_of(TransportError)


def download_errors() -> st.SearchStrategy[DownloadError]:
    """Errors of fetching an image."""
    return _any_of(DownloadError)


def verification_errors() -> st.SearchStrategy[VerificationError]:
    """Errors of proving an image."""
    return _any_of(VerificationError)


def image_errors() -> st.SearchStrategy[ImageError]:
    """Errors of reading an image."""
    return _any_of(ImageError)


def store_errors() -> st.SearchStrategy[StoreError]:
    """Errors of stores and quarantines."""
    return _any_of(StoreError)


def configuration_errors() -> st.SearchStrategy[ConfigurationError]:
    """Errors of settings, keys and keystores."""
    return _any_of(ConfigurationError)


def output_errors() -> st.SearchStrategy[OutputError]:
    """Errors of writing what leaves the store."""
    return _any_of(OutputError)


def mirror_errors() -> st.SearchStrategy[MirrorError]:
    """Errors of fetching by a list."""
    return _any_of(MirrorError)


def errors() -> st.SearchStrategy[PipelineError]:
    """Errors of every kind."""
    return _any_of(PipelineError)


def events() -> st.SearchStrategy[Event]:
    """What an observer is told, of every kind."""
    return _any_of(Event)


@cache
def by_fields(kind: type[Value]) -> st.SearchStrategy[Value]:
    """Values of an error's or an event's class, by what its fields are."""
    # NoMatchingTag is imported by type checkers alone where it is named.
    hints = get_type_hints(kind, localns={"NoMatchingTag": NoMatchingTag})
    known = dict(_BY_NAME)
    if kind in _HELD:
        known |= _HELD[kind]()
    return st.builds(
        kind,
        **{
            each.name: known[each.name] if each.name in known else _of_type(hints[each.name])
            for each in fields(kind)  # type: ignore[arg-type]  # a dataclass, like all of them
        },
    )


def _of_type(hint: object) -> st.SearchStrategy[Any]:
    if hint in _BY_TYPE:
        return _BY_TYPE[hint]
    arguments = get_args(hint)
    if getattr(hint, "__origin__", None) is tuple:
        return st.lists(_of_type(arguments[0]), max_size=3).map(tuple)
    if NoneType in arguments:
        return st.none() | st.one_of([_of_type(each) for each in arguments if each is not NoneType])
    if arguments and all(isinstance(each, str) for each in arguments):
        return st.sampled_from(arguments)
    if arguments:
        return st.one_of([_of_type(each) for each in arguments])
    raise TypeError(f"no strategy for {hint!r}")


def _any_of(union: object) -> st.SearchStrategy[Any]:
    """Values of each class of a union, or of the one class."""
    kinds = get_args(union) or (union,)
    return st.one_of([by_fields(kind) for kind in kinds])


def _some(union: object) -> st.SearchStrategy[tuple[Any, ...]]:
    """A few values of a union's classes that hold no others."""
    return st.lists(st.one_of(_plain(union)), min_size=1, max_size=3).map(tuple)


def _plain(union: object) -> list[st.SearchStrategy[Any]]:
    return [by_fields(kind) for kind in get_args(union) if kind not in _NESTED]


_HELD: Final[Mapping[type, Callable[[], Mapping[str, st.SearchStrategy[Any]]]]] = {
    AllCandidatesFailed: lambda: {"causes": _some(OnePlaceError | NoMatchingTag)},
    DiscoveryFailed: lambda: {"attempts": _some(OnePlaceError | NoMatchingTag)},
    RequirementUnmet: lambda: {"causes": _some(VerificationError)},
    RetriesExhausted: lambda: {"causes": _some(TransportError)},
    SignatureUnavailable: lambda: {"cause": st.one_of(_plain(TransportError))},
}
