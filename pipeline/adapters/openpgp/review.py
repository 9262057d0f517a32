"""Keys as people review them: ``bytes -> tuple[KeyInfo, ...]``, or a reason."""

from datetime import UTC, datetime

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.openpgp.certificates import (
    Certificate,
    Subkey,
    check_certificate,
    read_keyring,
)
from pipeline.adapters.openpgp.signatures import Sub
from pipeline.adapters.openpgp.standing import (
    FLAGS,
    KNOWN_HASHES,
    STRONG_HASHES,
    View,
    judge_key,
    primary_expiry,
    primary_flags,
)
from pipeline.trust import Fingerprint, KeyInfo, SubkeyInfo


def review_keys(untrusted_keyring: bytes, now: datetime) -> Result[tuple[KeyInfo, ...], str]:
    """Read every key of a key file; see :func:`pipeline.adapters.openpgp.read_keys`."""
    outcome = read_keyring(untrusted_keyring)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    reviewed: list[KeyInfo] = []
    for raw in outcome.unwrap():
        checked = check_certificate(raw)
        if not is_successful(checked):
            return Failure(f"key {raw.primary.fingerprint} has {checked.failure()}")
        reviewed.append(_review(checked.unwrap(), int(now.timestamp())))
    return Success(tuple(reviewed))


def _review(certificate: Certificate, now: int) -> KeyInfo:
    view = View(now, KNOWN_HASHES)
    flags = primary_flags(certificate, view)
    return KeyInfo(
        fingerprint=Fingerprint(certificate.primary.fingerprint),
        user_ids=valid_user_ids(certificate, view),
        algorithm=certificate.primary.name,
        capabilities=_capabilities(flags[0] if flags else None),
        created=moment(certificate.primary.created),
        expires=optional_moment(primary_expiry(certificate, view)),
        revoked=bool(certificate.revocations),
        subkeys=tuple(_review_subkey(subkey, view) for subkey in certificate.subkeys),
        certificate=certificate.framed,
        problem=_problem(certificate, now),
    )


def _review_subkey(subkey: Subkey, view: View) -> SubkeyInfo:
    binding = view.newest(subkey.bindings)
    return SubkeyInfo(
        fingerprint=Fingerprint(subkey.key.fingerprint),
        algorithm=subkey.key.name,
        capabilities=() if binding is None else _capabilities(binding.key_flags),
        created=moment(subkey.key.created),
        expires=optional_moment(
            None if binding is None else binding.after(subkey.key.created, Sub.KEY_EXPIRATION_TIME)
        ),
        revoked=bool(subkey.revocations),
    )


def _problem(certificate: Certificate, now: int) -> str | None:
    """Say why no signature made now would be accepted, None where one would be."""
    keys = (certificate.primary, *(subkey.key for subkey in certificate.subkeys))
    usable = [key for key in keys if key.numbers is not None]
    reasons: list[str] = []
    for key in usable:
        judged = judge_key(certificate, key, View(now, STRONG_HASHES))
        if is_successful(judged):
            return None
        reasons.append(judged.failure().detail)
    return reasons[0] if reasons else f"{certificate.primary.name} keys are not supported"


def valid_user_ids(certificate: Certificate, view: View) -> tuple[str, ...]:
    """Return the user IDs that the key vouches for and has not revoked since."""
    valid: list[str] = []
    for user_id in certificate.user_ids:
        statement = view.newest(user_id.certifications)
        revoked = view.newest(user_id.revocations)
        if statement is not None and (
            revoked is None or (revoked.created or 0) < (statement.created or 0)
        ):
            valid.append(user_id.text)
    return tuple(valid)


def _capabilities(flags: int | None) -> tuple[str, ...]:
    if flags is None:
        return ()
    return tuple(dict.fromkeys(name for bit, name in FLAGS.items() if flags & bit))


def moment(seconds: int) -> datetime:
    """Return seconds since 1970 as a time; beyond the year 9999 it is the last one."""
    return datetime.fromtimestamp(min(seconds, 253402300799), UTC)


def optional_moment(seconds: int | None) -> datetime | None:
    """Return :func:`moment`, or None for none."""
    return None if seconds is None else moment(seconds)
