"""The Fetcher: a reference in, a stored and proven image out; the one place where policy lives.

    Reference -> Result[Stored, PipelineError]

It composes the six stages, decides by the pull policy and by freshness what to ask of whom, and
never serves a stored image on weaker proof than is demanded now. It prints nothing; what it does
goes to the observer as events. Dependencies are in :mod:`pipeline.recipes.dependencies`.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.digest import Digest
from pipeline.errors import (
    ConfigurationError,
    ExitCode,
    ImageNotFound,
    PipelineError,
    StoreError,
    StoreReadOnly,
    VerificationError,
)
from pipeline.limits import DEFAULT_LIMITS, Limits
from pipeline.names import Labels, Platform
from pipeline.ports import (
    Catalog,
    Clock,
    Discovery,
    Keyring,
    Noticed,
    Observer,
    Quarantine,
    RemoteCache,
    RemoteEntry,
    SignatureVerifier,
    StageEnded,
    StageStarted,
    Store,
    Transport,
)
from pipeline.recipes.settings import PullPolicy
from pipeline.recipes.standing import as_expected, still_proven
from pipeline.reference import (
    AppcReference,
    ArchiveReference,
    DockerReference,
    ImageIDReference,
    Reference,
)
from pipeline.results import (
    Downloaded,
    Expectations,
    Located,
    Stored,
    Unchanged,
    Unverified,
    Validators,
    Verified,
)
from pipeline.stage import Stage, tap
from pipeline.stages.discover import discover_endpoints
from pipeline.stages.download import download_if_changed, download_unsigned_if_changed
from pipeline.stages.extract import extract_manifest
from pipeline.stages.store import store_image
from pipeline.stages.verify import accept_unsigned, verify_signature
from pipeline.text import redact_url
from pipeline.trust import ONE_SIGNER, SignerPolicy

In = TypeVar("In")
Out = TypeVar("Out")
Err = TypeVar("Err", bound=PipelineError)


class ImageStore(Store, Catalog, RemoteCache, Protocol):
    """A store whole: images go in, are found by what is known of them, and are read."""

    def quarantine(self) -> AbstractContextManager[Result[Quarantine, StoreError]]:
        """Open a quarantine that is emptied on leaving."""
        ...

    def manifest(self, image_id: Digest) -> Result[bytes, StoreError]:
        """Return a stored image's manifest as it lies in the archive."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches images into a store.

    ``unsigned_reason`` is None where signatures are demanded; otherwise images go unverified,
    and the reason is stored with them. ``leniency`` is what the verifier was built with.
    """

    transport: Transport
    discovery: Discovery
    keyring: Keyring
    verifier: SignatureVerifier
    store: ImageStore
    clock: Clock
    observer: Observer
    platform: Platform
    limits: Limits = DEFAULT_LIMITS
    pull_policy: PullPolicy = "update"
    unsigned_reason: str | None = None
    leniency: frozenset[str] = frozenset()
    signers: SignerPolicy = ONE_SIGNER

    def fetch_image(
        self,
        reference: Reference,
        *,
        signature: str | None = None,
        demanded: Callable[[Expectations], Expectations] = lambda expected: expected,
    ) -> Result[Stored, PipelineError]:
        """Find or fetch one image, without its dependencies.

        ``signature`` is the URL of a signature that lies elsewhere than beside the image. Who
        names one wants it judged: then the store serves only by ``never``.
        ``demanded`` adds what a parent image demands to what the reference itself does.
        """
        if isinstance(reference, ImageIDReference):
            return self.look_up(reference).bind(self._proven)
        asks_store = self.pull_policy == "never" or (
            self.pull_policy == "new" and signature is None
        )
        if asks_store and not _is_path(reference):
            stored = self._find_stored(reference, demanded)
            if self.pull_policy == "never" or is_successful(stored):
                return stored
            if not _leads_to_remote(stored.failure()):
                return stored
        return self._fetch_remote(reference, signature, demanded)

    def _find_stored(
        self,
        reference: Reference,
        demanded: Callable[[Expectations], Expectations],
    ) -> Result[Stored, PipelineError]:
        """Look in the store alone."""
        found = self.look_up(reference)
        if not is_successful(found):
            return Failure(found.failure())
        if not as_expected(found.unwrap(), demanded(Expectations())):
            return Failure(ImageNotFound(_shown(reference)))
        self._notice("store-hit", f"using image from the store for {_shown(reference)}")
        return self._proven(found.unwrap())

    def look_up(self, reference: Reference) -> Result[Stored, PipelineError]:
        """Find what ``reference`` names in the store alone, whoever signed it."""
        match reference:
            case ImageIDReference():
                return self.store.resolve(reference.hex_prefix)
            case AppcReference():
                defaults = Labels(self.platform.labels)
                return self.store.find(reference.name, reference.labels, defaults)
            case ArchiveReference():
                return self._look_up_url(reference.url)
            case DockerReference():
                return Failure(ImageNotFound(reference.string))

    def _look_up_url(self, url: str) -> Result[Stored, StoreError]:
        entry = self.store.lookup(url)
        if not is_successful(entry):
            return Failure(entry.failure())
        remembered = entry.unwrap()
        if remembered is None:
            return Failure(ImageNotFound(redact_url(url)))
        return Success(remembered.image)

    def _fetch_remote(
        self,
        reference: Reference,
        signature: str | None,
        demanded: Callable[[Expectations], Expectations],
    ) -> Result[Stored, PipelineError]:
        discover = self._observed(
            discover_endpoints(
                discovery=self.discovery, platform=self.platform, signature=signature
            ),
            _shown,
        )
        discovered = discover(reference)
        if not is_successful(discovered):
            return Failure(discovered.failure())
        located = replace(discovered.unwrap(), expected=demanded(discovered.unwrap().expected))
        fresh = self._fresh(located) if signature is None else None
        if fresh is not None:
            return Success(fresh)
        known = self._known_validators(located) if signature is None else _nothing_known
        with self.store.quarantine() as opened:
            if not is_successful(opened):
                return Failure(opened.failure())
            return self._download_and_store(located, opened.unwrap(), known)

    def _download_and_store(
        self, located: Located, quarantine: Quarantine, known: Callable[[str], Validators]
    ) -> Result[Stored, PipelineError]:
        """Download, and go on with what changed through verify, extract and store."""
        download = self._observed(
            self._download(quarantine, known),
            lambda value: _shown(value.reference),
        )
        outcome = download(located)
        if not is_successful(outcome):
            return Failure(outcome.failure())
        downloaded = outcome.unwrap()
        if isinstance(downloaded, Unchanged):
            return self._confirm(downloaded, located.expected)
        extract = extract_manifest(
            quarantine=quarantine,
            keyring=self.keyring,
            limits=self.limits,
            signers=self.signers,
        )
        finish = (
            self._prove()
            >> self._observed(extract, lambda value: value.downloaded.source.image)
            >> self._observed(store_image(store=self.store), lambda value: value.manifest.name)
        )
        return finish(downloaded)

    def _prove(
        self,
    ) -> Stage[Downloaded, Verified | Unverified, VerificationError | ConfigurationError]:
        if self.unsigned_reason is not None:
            accept = accept_unsigned(self.unsigned_reason)
            return self._observed(accept, lambda value: value.source.image)
        verify = verify_signature(
            keyring=self.keyring,
            verifier=self.verifier,
            clock=self.clock,
            signers=self.signers,
        )
        return self._observed(verify, lambda value: value.source.image)

    def _download(
        self, quarantine: Quarantine, known: Callable[[str], Validators]
    ) -> Stage[Located, Downloaded | Unchanged, PipelineError]:
        if self.unsigned_reason is None:
            return download_if_changed(
                transport=self.transport,
                quarantine=quarantine,
                keyring=self.keyring,
                verifier=self.verifier,
                clock=self.clock,
                observer=self.observer,
                known=known,
                limits=self.limits,
            )
        return download_unsigned_if_changed(
            transport=self.transport,
            quarantine=quarantine,
            observer=self.observer,
            known=known,
            limits=self.limits,
        )

    def _fresh(self, located: Located) -> Stored | None:
        """Return a stored image that the server said need not be asked for yet."""
        for candidate in located.candidates:
            entry = self._usable_entry(candidate.image, located.expected)
            if entry is not None and entry.freshness.is_fresh(self.clock.now()):
                self._notice(
                    "fresh", f"image for {redact_url(entry.url)} isn't expired, not fetching"
                )
                return replace(entry.image, outcome="unchanged")
        return None

    def _known_validators(self, located: Located) -> Callable[[str], Validators]:
        def known(url: str) -> Validators:
            entry = self._usable_entry(url, located.expected)
            return Validators() if entry is None else entry.validators

        return known

    def _usable_entry(self, url: str, expected: Expectations) -> RemoteEntry | None:
        """Return what is remembered of ``url``, where its image would do now.

        An image that is not proven under today's keys is as good as none: it is fetched anew.
        """
        looked_up = self.store.lookup(url)
        entry = looked_up.value_or(None)
        if entry is None or not as_expected(entry.image, expected):
            return None
        proven = self._proven(entry.image)
        return replace(entry, image=proven.unwrap()) if is_successful(proven) else None

    def _confirm(
        self, unchanged: Unchanged, expected: Expectations
    ) -> Result[Stored, PipelineError]:
        """Keep what is stored: the server says that it has not changed."""
        url = unchanged.source.image
        refreshed = self.store.refresh(url, unchanged.validators, unchanged.freshness)
        # What cannot be noted down will be asked for again; the image is good all the same.
        if not is_successful(refreshed) and not isinstance(refreshed.failure(), StoreReadOnly):
            return Failure(refreshed.failure())
        entry = self.store.lookup(url)
        if not is_successful(entry):
            return Failure(entry.failure())
        remembered = entry.unwrap()
        if remembered is None or not as_expected(remembered.image, expected):
            # Somebody removed or replaced the image while the server was being asked.
            return Failure(ImageNotFound(redact_url(url)))
        self._notice("unchanged", f"image for {redact_url(url)} has not changed, not fetching")
        return self._proven(remembered.image).map(
            lambda stored: replace(stored, outcome="unchanged")
        )

    def _proven(self, stored: Stored) -> Result[Stored, PipelineError]:
        """Accept a stored image only on the proof that is demanded now."""
        if self.unsigned_reason is not None:
            return Success(stored)
        return still_proven(
            stored,
            keyring=self.keyring,
            verifier=self.verifier,
            clock=self.clock,
            leniency=self.leniency,
            signers=self.signers,
        )

    def _observed(
        self, stage: Stage[In, Out, Err], subject: Callable[[In], str]
    ) -> Stage[In, Out, Err]:
        """Tell the observer when a stage starts and ends."""

        def watch(name: str, value: In) -> Callable[[Result[Out, Err]], None]:
            begun = self.clock.monotonic()
            shown = redact_url(subject(value))
            self.observer.on_event(StageStarted(name, shown))

            def done(outcome: Result[Out, Err]) -> None:
                kind = None if is_successful(outcome) else outcome.failure().kind
                seconds = self.clock.monotonic() - begun
                self.observer.on_event(StageEnded(name, shown, seconds, kind))

            return done

        return tap(stage, watch)

    def _notice(self, kind: str, message: str) -> None:
        self.observer.on_event(Noticed(kind, message))


def _nothing_known(_url: str) -> Validators:
    return Validators()


def _is_path(reference: Reference) -> bool:
    return isinstance(reference, ArchiveReference) and reference.path is not None


def _shown(reference: Reference) -> str:
    """Return a reference without secrets, which the escapes of a CIMD would hide and keep."""
    if isinstance(reference, ArchiveReference):
        return redact_url(reference.url)
    return redact_url(reference.string)


def _leads_to_remote(error: PipelineError) -> bool:
    """Tell whether the remote may have what the store could not give: absent, or unproven."""
    return isinstance(error, ImageNotFound) or error.exit_code is ExitCode.VERIFICATION
