"""The remote side of the :class:`~pipeline.recipes.fetcher.Fetcher`: discover to store.

    Fetcher, Reference -> Result[Stored, PipelineError]

Asks no server that said it need not be asked yet, downloads nothing that has not changed, and has
whatever changed pass through verify, extract and store.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeAlias, TypeVar

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import (
    ConfigurationError,
    ExitCode,
    ImageError,
    ImageNotFound,
    PipelineError,
    StoreError,
    StoreReadOnly,
    VerificationError,
)
from pipeline.events import CacheHit, tell
from pipeline.observing import subject_of
from pipeline.ports import Quarantine, RemoteEntry
from pipeline.recipes.fetcher import Fetcher, QuarantineSession, named_as
from pipeline.recipes.rollback import given_before, older_signature, report
from pipeline.recipes.standing import as_expected
from pipeline.reference import DockerReference, ImagePathReference, Reference
from pipeline.results import (
    Downloaded,
    Expectations,
    Extracted,
    Located,
    Stored,
    Unchanged,
    Unverified,
    Verified,
)
from pipeline.stage import Stage
from pipeline.stages.discover import DIRECT_REGISTRIES, discover_endpoints
from pipeline.stages.download import (
    NO_IMAGE_PATHS,
    download_if_changed,
    download_unsigned_if_changed,
)
from pipeline.stages.extract import extract_manifest
from pipeline.stages.mirror import mirror_candidates
from pipeline.stages.store import store_image
from pipeline.stages.verify import accept_unsigned, apply_policy, verify_signature
from pipeline.text import redact_url

Known: TypeAlias = Callable[[str], RemoteEntry | None]

Err = TypeVar("Err", bound=PipelineError)


def fetch_remote(
    fetcher: Fetcher,
    reference: Reference,
    signature: str | None,
    demanded: Callable[[Expectations], Expectations],
) -> Result[Stored, PipelineError]:
    locate = discover_endpoints(
        discovery=fetcher.discovery,
        platform=fetcher.platform,
        signature=signature,
        registries=fetcher.registries or DIRECT_REGISTRIES,
        images_for=fetcher.images_for,
    )
    discover = fetcher.told(locate) >> mirror_candidates(fetcher.mirrors, signature=signature)
    discovered = discover(reference)
    if not is_successful(discovered):
        return Failure(discovered.failure())
    located = replace(discovered.unwrap(), expected=demanded(discovered.unwrap().expected))
    # Who names a signature wants it judged, and who says so wants everything fetched anew.
    uses_cache = signature is None and not fetcher.no_cache
    fresh = _fresh(fetcher, located) if uses_cache else None
    if fresh is not None:
        return Success(fresh)
    known = _known_entries(fetcher, located) if uses_cache else _nothing_known
    with fetcher.store.quarantine() as opened:
        if not is_successful(opened):
            return Failure(opened.failure())
        return _download_and_store(fetcher, located, opened.unwrap(), known)


def _download_and_store(
    fetcher: Fetcher, located: Located, quarantine: QuarantineSession, known: Known
) -> Result[Stored, PipelineError]:
    """Download, and go on with what changed through verify, extract and store."""
    download = fetcher.told(_download(fetcher, quarantine, known))
    outcome = download(located)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    downloaded = outcome.unwrap()
    if isinstance(downloaded, Unchanged):
        confirmed = _confirm(fetcher, downloaded, located)
        if is_successful(confirmed) or not isinstance(confirmed.failure(), ImageNotFound):
            return confirmed
        # Somebody removed or replaced the image while the server was being asked: all of it, then.
        return _download_and_store(fetcher, located, quarantine, _nothing_known)
    extract = extract_manifest(
        quarantine=quarantine,
        keyring=fetcher.keyring,
        limits=fetcher.limits,
        signers=fetcher.signers,
        check_layers=fetcher.check_layers,
    )
    read = _prove(fetcher, located.reference) >> fetcher.told(extract)
    finish = (
        _in_wanted_form(fetcher, quarantine, read)
        >> Stage("accept", fetcher.accept)
        >> fetcher.told(store_image(store=fetcher.store))
    )
    before = given_before(fetcher, located)
    finished = finish(downloaded)
    if not is_successful(finished) and finished.failure().exit_code is ExitCode.STORE:
        # The disk is full, or the like: nothing is wrong with the image, and the next try has it.
        for blob in (downloaded.blob, *(each.blob for each in downloaded.contents)):
            quarantine.keep(blob)
    return finished.map(partial(_compared, fetcher, located.reference, before))


def _compared(
    fetcher: Fetcher, reference: Reference, before: tuple[Stored, ...], stored: Stored
) -> Stored:
    """Say where an image was signed earlier than what was accepted before."""
    older = older_signature(stored, before)
    report(fetcher, reference, older)
    return replace(stored, older_signature=older)


def _in_wanted_form(
    fetcher: Fetcher,
    quarantine: QuarantineSession,
    read: Stage[Downloaded, Extracted, Err],
) -> Stage[Downloaded, Extracted, Err | ImageError | StoreError]:
    if not fetcher.to_aci:
        return read
    from pipeline.stages.convert import convert_to_aci  # few want one

    convert = convert_to_aci(quarantine=quarantine, limits=fetcher.limits)
    return read >> fetcher.told(convert)


def _prove(
    fetcher: Fetcher, reference: Reference
) -> Stage[Downloaded, Verified | Unverified, VerificationError | ConfigurationError]:
    if fetcher.unsigned_reason is not None:
        accept = accept_unsigned(fetcher.unsigned_reason)
        return fetcher.told(accept)
    if fetcher.policy is not None and isinstance(reference, DockerReference | ImagePathReference):
        judge = apply_policy(policy=fetcher.policy, clock=fetcher.clock)
        return fetcher.told(judge)
    verify = verify_signature(
        keyring=fetcher.keyring,
        verifier=fetcher.verifier,
        clock=fetcher.clock,
        signers=fetcher.signers,
    )
    return fetcher.told(verify)


def _download(
    fetcher: Fetcher, quarantine: Quarantine, known: Known
) -> Stage[Located, Downloaded | Unchanged, PipelineError]:
    if fetcher.unsigned_reason is None:
        return download_if_changed(
            transport=fetcher.transport,
            quarantine=quarantine,
            keyring=fetcher.keyring,
            verifier=fetcher.verifier,
            clock=fetcher.clock,
            observer=fetcher.observer,
            known=known,
            limits=fetcher.limits,
            policy=fetcher.policy,
            images=fetcher.images or NO_IMAGE_PATHS,
        )
    return download_unsigned_if_changed(
        transport=fetcher.transport,
        quarantine=quarantine,
        clock=fetcher.clock,
        observer=fetcher.observer,
        known=known,
        limits=fetcher.limits,
        images=fetcher.images or NO_IMAGE_PATHS,
    )


def _fresh(fetcher: Fetcher, located: Located) -> Stored | None:
    """Return a stored image that the server said need not be asked for yet."""
    for candidate in located.candidates:
        entry = _usable_entry(fetcher, candidate.image, located)
        if entry is not None and entry.freshness.is_fresh(fetcher.clock.now()):
            tell(fetcher.observer, CacheHit("fresh", subject_of(entry.url)))
            return replace(entry.image, outcome="unchanged")
    return None


def _known_entries(fetcher: Fetcher, located: Located) -> Known:
    return lambda url: _usable_entry(fetcher, url, located)


def _usable_entry(fetcher: Fetcher, url: str, located: Located) -> RemoteEntry | None:
    """Return what is remembered of ``url``, where its image would do now.

    An image that is not proven under today's keys is as good as none: it is fetched anew.
    """
    entry = _remembered(fetcher, url, located).value_or(None)
    if entry is None:
        return None
    proven = fetcher.proven(entry.image, located.reference)
    return replace(entry, image=proven.unwrap()) if is_successful(proven) else None


def _remembered(
    fetcher: Fetcher, url: str, located: Located
) -> Result[RemoteEntry | None, StoreError]:
    """Return what is remembered of ``url``, where it is what is asked for now."""
    looked_up = fetcher.store.lookup(url)
    if not is_successful(looked_up):
        return Failure(looked_up.failure())
    entry, reference = looked_up.unwrap(), located.reference
    if entry is None:
        return Success(None)
    if isinstance(reference, DockerReference):
        if not fetcher.is_wanted_form(entry.image):
            return Success(None)
        return Success(replace(entry, image=named_as(entry.image, reference)))
    return Success(entry if as_expected(entry.image, located.expected) else None)


def _confirm(
    fetcher: Fetcher, unchanged: Unchanged, located: Located
) -> Result[Stored, PipelineError]:
    """Keep what is stored: the server says that it has not changed.

    Errors: ImageNotFound where it is stored no longer.
    """
    url = unchanged.source.image
    refreshed = fetcher.store.refresh(url, unchanged.validators, unchanged.freshness)
    # What cannot be noted down will be asked for again; the image is good all the same.
    if not is_successful(refreshed) and not isinstance(refreshed.failure(), StoreReadOnly):
        return Failure(refreshed.failure())
    entry = _remembered(fetcher, url, located)
    if not is_successful(entry):
        return Failure(entry.failure())
    remembered = entry.unwrap()
    if remembered is None:
        return Failure(ImageNotFound(redact_url(url)))
    tell(fetcher.observer, CacheHit("unchanged", subject_of(url)))
    proven = fetcher.proven(remembered.image, located.reference)
    return proven.map(lambda stored: replace(stored, outcome="unchanged"))


def _nothing_known(_url: str) -> RemoteEntry | None:
    return None
