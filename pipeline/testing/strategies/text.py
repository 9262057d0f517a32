"""Texts, digests, times and places: what the other strategies are made of."""

import string
from datetime import UTC, datetime
from urllib.parse import quote

from hypothesis import strategies as st

from pipeline.digest import HEX_LENGTH, Digest, DigestAlgorithm
from pipeline.secret import Secret
from pipeline.trust import Fingerprint

_NASTY = ("\x1b[2J", "\u202e", "\r\n", "\0", "\x7f", "\ud800", "\\", '"', "é", "\U0001f4a3")


def texts(*, min_size: int = 0, max_size: int = 12) -> st.SearchStrategy[str]:
    """Text without control characters and lone surrogates."""
    alphabet = st.characters(exclude_categories=("Cc", "Cs"))
    return st.text(alphabet, min_size=min_size, max_size=max_size)


def untrusted_texts(*, max_size: int = 12) -> st.SearchStrategy[str]:
    """Any text at all, control characters and lone surrogates included: what strangers send."""
    pieces = st.one_of(st.sampled_from(_NASTY), st.text(max_size=3))
    return st.lists(pieces, max_size=max_size).map("".join).map(lambda text: text[:max_size])


def hex_digits(*, min_size: int, max_size: int) -> st.SearchStrategy[str]:
    """Lower-case hex digits."""
    return st.text("0123456789abcdef", min_size=min_size, max_size=max_size)


def digests(*, algorithm: DigestAlgorithm | None = None) -> st.SearchStrategy[Digest]:
    """Whole digests, of one algorithm or of all."""
    algorithms = st.sampled_from(tuple(HEX_LENGTH)) if algorithm is None else st.just(algorithm)
    return algorithms.flatmap(
        lambda chosen: st.builds(Digest, st.just(chosen), _exactly(HEX_LENGTH[chosen]))
    )


def fingerprints() -> st.SearchStrategy[Fingerprint]:
    """Fingerprints of OpenPGP keys that nobody has."""
    return st.builds(Fingerprint, _exactly(40))


def times() -> st.SearchStrategy[datetime]:
    """Moments from 1971 to 2099, in UTC, with and without parts of a second."""
    moments = st.datetimes(datetime(1971, 1, 1), datetime(2099, 12, 31))  # noqa: DTZ001 - hypothesis adds the zone
    return st.builds(lambda moment, whole: _in_utc(moment, whole=whole), moments, st.booleans())


def paths() -> st.SearchStrategy[str]:
    """Absolute paths, some with spaces and letters of all the world."""
    segment = (
        texts(min_size=1)
        .map(lambda text: text.replace("/", "_"))
        .filter(lambda text: text not in {".", ".."})
    )
    return st.lists(segment, min_size=1, max_size=3).map(lambda names: f"/{'/'.join(names)}")


def urls(*, schemes: tuple[str, ...] = ("https", "http")) -> st.SearchStrategy[str]:
    """URLs of servers, with and without a port, a query and escapes; without a fragment."""
    hosts = st.sampled_from(("example.com", "registry.example:5000", "192.0.2.1", "[2001:db8::1]"))
    segment = st.one_of(
        st.text(string.ascii_lowercase + string.digits + "-._~", min_size=1, max_size=8), texts()
    ).map(lambda text: quote(text, safe=""))
    path = st.lists(segment.filter(lambda text: text not in {".", ".."}), max_size=3).map("/".join)
    query = st.sampled_from(("", "", "?x=1", "?token=s3cret&y"))
    return st.builds("{}://{}/{}{}".format, st.sampled_from(schemes), hosts, path, query)


def secrets() -> st.SearchStrategy[Secret]:
    """Secrets; none is empty."""
    return texts(min_size=1).map(Secret)


def _exactly(size: int) -> st.SearchStrategy[str]:
    return hex_digits(min_size=size, max_size=size)


def _in_utc(moment: datetime, *, whole: bool) -> datetime:
    return moment.replace(tzinfo=UTC, microsecond=0 if whole else moment.microsecond)
