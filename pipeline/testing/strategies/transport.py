"""What transports are asked and answer, what goes wrong on the way, and the limits of it all."""

from typing import Final, get_args

from hypothesis import strategies as st

from pipeline.addresses import AddressScope
from pipeline.limits import Limits
from pipeline.logins import IdentityToken, Login, RegistryToken, UserPassword
from pipeline.ports import BodyStart, Request, Response, ResumePoint
from pipeline.results import Freshness, Validators
from pipeline.testing.faults import Fault, FaultKind
from pipeline.testing.strategies.text import secrets, times, urls

_SIZES: Final = st.integers(0, 2**53)
_KINDS: Final[tuple[FaultKind, ...]] = get_args(FaultKind)


def validators() -> st.SearchStrategy[Validators]:
    """What a server says by which to ask "changed since?": strong, weak, or nothing."""
    tag = st.text("abcdef0123456789-", min_size=1, max_size=8)
    etags = st.builds('{}"{}"'.format, st.sampled_from(("", "W/")), tag)
    dates = st.sampled_from(("Thu, 01 Jan 2026 00:00:00 GMT", "Sun, 06 Nov 1994 08:49:37 GMT"))
    return st.builds(Validators, st.none() | etags, st.none() | dates)


def freshnesses() -> st.SearchStrategy[Freshness]:
    """For how long something may be used without asking."""
    return st.builds(Freshness, times(), st.integers(0, 10**6))


def requests(
    *, places: st.SearchStrategy[str] | None = None, max_bytes: int = 2**40
) -> st.SearchStrategy[Request]:
    """GETs and HEADs of ``places``, any URLs unless given; without headers, which are secret."""
    return st.builds(
        Request,
        urls() if places is None else places,
        st.integers(0, max_bytes),
        idle_seconds=st.floats(0.1, 600),
        total_seconds=st.floats(0.1, 86_400),
        validators=validators(),
        least_bytes_per_second=st.integers(0, 10**6),
        named_by=st.none() | st.sampled_from(AddressScope),
        method=st.sampled_from(("GET", "HEAD")),
    )


def responses() -> st.SearchStrategy[Response]:
    """Answers that are a success: 200, 202 and 304; only the first has a size."""
    fields = st.sampled_from(
        ((), (("content-type", "text/plain"),), (("link", '</v2/x/tags/list?n=9>; rel="next"'),))
    )
    status = st.sampled_from((200, 202, 304))
    return status.flatmap(
        lambda chosen: st.builds(
            Response,
            urls(),
            st.just(chosen),
            _SIZES if chosen == 200 else st.just(0),
            validators(),
            freshnesses(),
            st.none() | st.sampled_from(AddressScope),
            fields,
        )
    )


def resume_points() -> st.SearchStrategy[ResumePoint]:
    """How much of a body is held: at least a byte, less than the whole, and by which proof."""
    totals = st.none() | st.integers(2, 2**53)
    return totals.flatmap(
        lambda total: st.builds(
            ResumePoint,
            st.integers(1, 2**53 if total is None else total - 1),
            validators().filter(lambda found: found != Validators()),
            st.just(total),
            st.booleans(),
        )
    )


def body_starts() -> st.SearchStrategy[BodyStart]:
    """What is known of a body before its first byte."""
    totals = st.none() | _SIZES
    return totals.flatmap(
        lambda total: st.builds(
            BodyStart,
            urls(),
            st.integers(0, 2**53 if total is None else total),
            st.just(total),
            validators(),
        )
    )


def faults(*, max_bytes: int = 4096, passing: bool = False) -> st.SearchStrategy[Fault]:
    """Single faults of a server or a network; with ``passing``, such as pass by themselves."""
    kinds = tuple(kind for kind in _KINDS if Fault(kind).is_passing or not passing)
    return st.builds(Fault, st.sampled_from(kinds), st.integers(0, max_bytes))


def fault_scripts(
    *, max_size: int = 6, max_bytes: int = 4096, passing: bool = False
) -> st.SearchStrategy[tuple[Fault, ...]]:
    """Faults one after another, for a :class:`~pipeline.testing.FaultyTransport`."""
    return st.lists(faults(max_bytes=max_bytes, passing=passing), max_size=max_size).map(tuple)


def limits() -> st.SearchStrategy[Limits]:
    """Limits that a user may set, from nothing at all to a lot."""
    sizes = st.sampled_from((0, 1, 1024)) | st.integers(0, 2**40)
    seconds = st.floats(0.1, 86_400)
    return st.builds(Limits, sizes, sizes, seconds, seconds, st.integers(0, 10**6))


def logins() -> st.SearchStrategy[Login]:
    """What proves to registries who asks, of every kind."""
    return st.one_of(
        st.builds(UserPassword, secrets(), secrets()),
        st.builds(IdentityToken, secrets()),
        st.builds(RegistryToken, secrets()),
    )
