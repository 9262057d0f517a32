"""What a run is set to: folders, limits, and which checks somebody chose to leave out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, final

from returns.result import Failure, Result, Success

from pipeline.bucket_path import BucketPath
from pipeline.limits import DEFAULT_LIMITS, RETRIES, Limits

if TYPE_CHECKING:
    from pipeline.adapters.http import ConnectTo

PullPolicy: TypeAlias = Literal["never", "new", "update"]
"""``never``: the store alone. ``new``: the store, then the remote. ``update``: the remote first,
which is asked whether what is stored has changed. A path is read whatever the policy."""


@final
class Insecure(StrEnum):
    """A check that can be left out by name, as rkt's ``--insecure-options``."""

    IMAGE = "image"
    TLS = "tls"
    HTTP = "http"
    PUBKEY = "pubkey"

    @property
    def warning(self) -> str:
        """What leaving it out means."""
        return _WARNINGS[self]


_WARNINGS = {
    Insecure.IMAGE: "signatures are not checked: nothing proves who made these images",
    Insecure.TLS: "servers' certificates are not checked: anybody can answer in their place",
    Insecure.HTTP: "plain http is allowed: anybody on the way can read and change what travels",
    Insecure.PUBKEY: "keys may come over plain http: anybody on the way can hand out another key",
}

_GROUPS = {
    "none": frozenset[Insecure](),
    "all-fetch": frozenset(Insecure),
    "all": frozenset(Insecure),
}


def parse_insecure_options(untrusted_text: str) -> Result[frozenset[Insecure], str]:
    """Read a comma-separated list of ``image``, ``tls``, ``http``, ``pubkey``, ``none``, ``all``.

    Words may be in either case, as in rkt; each may stand once.
    Errors: a sentence naming the word and what was wanted.

    >>> sorted(parse_insecure_options("image,TLS").unwrap())
    [<Insecure.IMAGE: 'image'>, <Insecure.TLS: 'tls'>]
    >>> parse_insecure_options("imgae").failure()
    'unknown word "imgae", wanted none, image, tls, http, pubkey, all-fetch or all'
    """
    chosen: frozenset[Insecure] = frozenset()
    seen: set[str] = set()
    for word in untrusted_text.lower().split(",") if untrusted_text else ():
        if word in seen:
            return Failure(f'"{word}" stands there twice, wanted each word once')
        seen.add(word)
        if word in _GROUPS:
            chosen |= _GROUPS[word]
        elif word in set(Insecure):
            chosen |= {Insecure(word)}
        else:
            return Failure(
                f'unknown word "{word}", wanted none, image, tls, http, pubkey, all-fetch or all'
            )
    return Success(chosen)


@final
@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a run is set to.

    ``signers`` is how many distinct keys must have signed; the configuration can demand more.
    ``connect_to`` are tried in order; the first that matches counts. ``system_config`` and
    ``config`` each hold a keystore under ``trustedkeys/``, credentials under ``auth.d/``, and a
    ``config.toml``.

    ``limit_rate`` is in bytes a second, for all transfers of a run together; a request that fails
    for a passing reason is sent again up to ``retries`` times. ``public_only`` refuses peers whose
    addresses are not public. ``environment`` has the variables that name proxies, and ``netrc``
    is a file of credentials; the process' own environment is not looked at.

    ``quarantine`` is a folder for what is not proven yet; without one, that lies within a store
    that is a folder, and in the user's cache for one in a bucket. A bucket's service, its region
    and credentials are found by Amazon's SDK, in the process' own environment.

    ``policy`` is a ``policy.json`` for registry images; without one, that in ``config`` counts,
    else that in ``system_config``, else the keystore. ``insecure_registries`` are hosts, with a
    port where one is needed, in lower case.
    """

    store: Path | BucketPath
    config: Path
    system_config: Path
    insecure: frozenset[Insecure] = frozenset()
    ca_file: str | None = None
    connect_to: "tuple[ConnectTo, ...]" = ()
    limits: Limits = DEFAULT_LIMITS
    leniency: frozenset[str] = frozenset()
    signers: int = 1
    limit_rate: int | None = None
    retries: int = RETRIES
    public_only: bool = False
    netrc: Path | None = None
    policy: Path | None = None
    insecure_registries: tuple[str, ...] = ()
    quarantine: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
