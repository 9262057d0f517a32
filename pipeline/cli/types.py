"""Kinds of option values that click does not have."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from returns.pipeline import is_successful

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from pipeline.adapters.http import ConnectTo
    from pipeline.oci import OciPlatform
    from pipeline.recipes.targets import Target

_UNITS: Final = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_DURATION: Final = re.compile(
    r"(?:(?P<days>[0-9]{1,5})d)?(?:(?P<hours>[0-9]{1,6})h)?"
    r"(?:(?P<minutes>[0-9]{1,8})m)?(?:(?P<seconds>[0-9]{1,9})s)?",
    re.ASCII,
)
_HOST: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::([0-9]{1,5}))?", re.ASCII
)
_SIZE: Final = re.compile(r"([0-9]{1,15})([KMGT]?)(?:i?B)?", re.ASCII | re.IGNORECASE)


class ConnectToRule(click.ParamType["ConnectTo"]):
    """A rule of curl's ``--connect-to``."""

    name = "rule"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> "ConnectTo":
        """Return the rule, or fail as a usage error."""
        # --help and a run without such a rule do without what knows of proxies and errors.
        from pipeline.adapters.http import ConnectTo, parse_connect_to

        if isinstance(value, ConnectTo):
            return value
        parsed = parse_connect_to(str(value))
        if not is_successful(parsed):
            self.fail(f"{str(value)!r}: {parsed.failure()}", param, ctx)
        return parsed.unwrap()


class StoreTarget(click.ParamType["Target"]):
    """Where a store is: a folder, or a place in a bucket."""

    name = "store"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> "Target":
        """Return the target, or fail as a usage error.

        >>> str(StoreTarget().convert("s3://images/nightly/", None, None))
        's3://images/nightly'
        """
        from pipeline.bucket_path import SCHEME, BucketPath, parse_bucket_path

        if isinstance(value, Path | BucketPath):
            return value
        if not str(value).startswith(SCHEME):
            return Path(str(value))
        parsed = parse_bucket_path(str(value))
        if not is_successful(parsed):
            self.fail(f"{str(value)!r}: {parsed.failure()}", param, ctx)
        return parsed.unwrap()

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem]":
        """Complete folders, as the shell does."""
        from click.shell_completion import CompletionItem  # only who completes waits for it

        return [CompletionItem(incomplete, type="dir")]


class PlatformWords(click.ParamType["OciPlatform"]):
    """A platform of registry images."""

    name = "platform"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> "OciPlatform":
        """Return the platform, or fail as a usage error.

        >>> str(PlatformWords().convert("linux/aarch64", None, None))
        'linux/arm64'
        """
        from pipeline.oci import OciPlatform
        from pipeline.oci.platforms import parse_platform

        if isinstance(value, OciPlatform):
            return value
        parsed = parse_platform(str(value))
        if not is_successful(parsed):
            self.fail(f"{str(value)!r}: {parsed.failure()}", param, ctx)
        return parsed.unwrap()


class RegistryHost(click.ParamType[str]):
    """A registry's host, with its port where it has one."""

    name = "host"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return it in lower case, or fail as a usage error.

        >>> hosts = ("Localhost:5000", "[FD00::1]:5000")
        >>> [RegistryHost().convert(host, None, None) for host in hosts]
        ['localhost:5000', '[fd00::1]:5000']
        """
        text = str(value).lower()
        match = _HOST.fullmatch(text)
        if match is None or not 0 < int(match[1] or 443) < 65536:
            self.fail(f"{text!r} is not a registry, wanted HOST or HOST:PORT", param, ctx)
        return text


class Moment(click.ParamType[datetime]):
    """A time with its zone, in RFC 3339's form."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the time in UTC, or fail as a usage error.

        >>> Moment().convert("2026-11-23T12:00:00+01:00", None, None).isoformat()
        '2026-11-23T11:00:00+00:00'
        """
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.fail(f"{value!r} is not a time, wanted one as 2026-11-23T12:00:00Z", param, ctx)
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            self.fail(f"{value!r} is before the first year or after the last", param, ctx)


class Duration(click.ParamType[timedelta]):
    """A length of time as Go writes it: ``24h``, ``1h30m``, ``90s``, and ``d`` for days."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return the duration, or fail as a usage error.

        >>> Duration().convert("1h30m", None, None)
        datetime.timedelta(seconds=5400)
        """
        if isinstance(value, timedelta):
            return value
        match = _DURATION.fullmatch(str(value))
        counts = match.groupdict() if match and match[0] else {}
        if not counts and value != "0":
            self.fail(f"{value!r} is not a duration, wanted one as 24h or 7d", param, ctx)
        return timedelta(**{unit: int(count) for unit, count in counts.items() if count})


class ByteSize(click.ParamType[int]):
    """A number of bytes: digits, with ``K``, ``M``, ``G`` or ``T`` for powers of 1024."""

    name = "size"

    def __init__(self, *, least: int = 1) -> None:
        """Take ``least`` bytes and more."""
        self.least = least

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Return bytes, or fail as a usage error.

        >>> ByteSize().convert("32GiB", None, None)
        34359738368
        """
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(str(value))
        size = -1 if match is None else int(match[1]) * _UNITS[match[2].upper()]
        if size < self.least:
            self.fail(f"{value!r} is not a size, wanted digits and K, M, G or T", param, ctx)
        return size
