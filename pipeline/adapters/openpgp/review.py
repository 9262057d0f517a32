"""Keys as people review them: ``bytes -> tuple[KeyInfo, ...]``, or a reason."""

from collections.abc import Iterable
from datetime import UTC, datetime

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.openpgp.certificates import Budget, Certificate, Subkey, check_certificate
from pipeline.adapters.openpgp.keyring import read_keyring
from pipeline.adapters.openpgp.standing import (
    judge_key,
    primary_expiry,
    primary_flags,
    subkey_expiry,
    valid_user_ids,
)
from pipeline.adapters.openpgp.views import View, view_of_now, view_of_then
from pipeline.trust import Fingerprint, KeyInfo, SubkeyInfo

_CAPABILITIES = {
    0x01: "certify",
    0x02: "sign",
    0x04: "encrypt",
    0x08: "encrypt",
    0x20: "authenticate",
}
"""Key flags (RFC 9580 section 5.2.3.29)."""

_LAST_MOMENT = 253_402_300_799
"""The last second of the year 9999, as late as Python's time goes."""


def review_keys(untrusted_keyring: bytes, now: datetime) -> Result[tuple[KeyInfo, ...], str]:
    """Read every key of a key file; see :func:`pipeline.adapters.openpgp.read_keys`."""
    outcome = read_keyring(untrusted_keyring)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    raws = outcome.unwrap()
    revokers = {raw.primary.fingerprint: raw.primary for raw in raws}
    budget = Budget()
    reviewed: list[KeyInfo] = []
    for raw in raws:
        checked = check_certificate(raw, revokers, budget)
        if not is_successful(checked):
            return Failure(f"key {raw.primary.fingerprint}: {checked.failure()}")
        reviewed.append(_review(checked.unwrap(), int(now.timestamp())))
    return Success(tuple(reviewed))


def _review(certificate: Certificate, now: int) -> KeyInfo:
    view = view_of_now(now)
    # A subkey that the key does not own is nobody's business here.
    subkeys = [subkey for subkey in certificate.subkeys if subkey.bindings]
    return KeyInfo(
        fingerprint=Fingerprint(certificate.primary.fingerprint),
        user_ids=valid_user_ids(certificate, view),
        algorithm=certificate.primary.name,
        capabilities=_capabilities(primary_flags(certificate, view)),
        created=moment(certificate.primary.created),
        expires=optional_moment(primary_expiry(certificate, view)),
        revoked=bool(certificate.revocations),
        subkeys=tuple(_review_subkey(subkey, view) for subkey in subkeys),
        certificate=certificate.framed,
        problem=_problem(certificate, subkeys, now),
    )


def _review_subkey(subkey: Subkey, view: View) -> SubkeyInfo:
    binding = view.says(subkey.bindings)
    return SubkeyInfo(
        fingerprint=Fingerprint(subkey.key.fingerprint),
        algorithm=subkey.key.name,
        capabilities=_capabilities(0 if binding is None else binding.key_flags or 0),
        created=moment(subkey.key.created),
        expires=optional_moment(subkey_expiry(subkey, view)),
        revoked=bool(subkey.revocations),
    )


def _problem(certificate: Certificate, subkeys: Iterable[Subkey], now: int) -> str | None:
    """Say why no signature made now would be accepted, None where one would be."""
    reasons: list[str] = []
    for key in (certificate.primary, *(subkey.key for subkey in subkeys)):
        if key.numbers is None or key.is_weak:
            reasons.append(f"{key.name} keys do not sign here")
            continue
        judged = [
            judge_key(certificate, key, view) for view in (view_of_now(now), view_of_then(now))
        ]
        refusals = [one.failure().detail for one in judged if not is_successful(one)]
        if not refusals:
            return None
        reasons.append(refusals[0])
    return reasons[0]


def _capabilities(flags: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for bit, name in _CAPABILITIES.items() if flags & bit))


def moment(seconds: int) -> datetime:
    """Return seconds since 1970 as a time; beyond the year 9999 it is the last one."""
    return datetime.fromtimestamp(min(seconds, _LAST_MOMENT), UTC)


def optional_moment(seconds: int | None) -> datetime | None:
    """Return :func:`moment`, or None for none."""
    return None if seconds is None else moment(seconds)
