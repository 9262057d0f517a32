"""The Fetcher: a reference in, a stored and proven image out; the one place where policy lives.

    Reference -> Result[Stored, PipelineError]

It composes the six stages, decides by the pull policy and by freshness what to ask of whom, and
never serves a stored image on weaker proof than is demanded now. It prints nothing; what it does
goes to the observer as events. Here is what the store can give; what has to be asked for is in
:mod:`pipeline.recipes.remote`, dependencies are in :mod:`pipeline.recipes.dependencies`.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.digest import Digest
from pipeline.errors import (
    ConfigurationError,
    ExitCode,
    ImageNotFound,
    PipelineError,
    StoreError,
)
from pipeline.events import Noticed, Observer
from pipeline.limits import DEFAULT_LIMITS, Limits
from pipeline.mirrors import NO_MIRRORS, Mirrors
from pipeline.names import Labels, Platform
from pipeline.ports import (
    Catalog,
    Clock,
    Discovery,
    Keyring,
    Quarantine,
    RemoteCache,
    RemoteEntry,
    SignatureVerifier,
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
from pipeline.results import Expectations, QuarantinedBlob, Stored
from pipeline.text import redact_url
from pipeline.trust import ONE_SIGNER, SignerPolicy


class QuarantineSession(Quarantine, Protocol):
    """A quarantine, of which something may outlast the session."""

    def keep(self, blob: QuarantinedBlob) -> None:
        """Let a downloaded file outlast the session, so that it need not travel again."""
        ...


class ImageStore(Store, Catalog, RemoteCache, Protocol):
    """A store whole: images go in, are found by what is known of them, and are read."""

    def quarantine(self) -> AbstractContextManager[Result[QuarantineSession, StoreError]]:
        """Open a quarantine that is emptied on leaving."""
        ...

    def manifest(self, image_id: Digest) -> Result[bytes, StoreError]:
        """Return a stored image's manifest as it lies in the archive."""
        ...

    def touch(self, image_id: Digest) -> None:
        """Note that an image was used, for collections to know; never fails."""
        ...


def _nothing_to_prepare() -> Result[None, ConfigurationError]:
    return Success(None)


@final
@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches images into a store.

    ``unsigned_reason`` is None where signatures are demanded; otherwise images go unverified,
    and the reason is stored with them. ``leniency`` is what the verifier was built with.
    ``no_cache`` has what is found by name or URL fetched anew, neither freshness nor validators
    asked; ``never`` and paths are as ever. ``mirrors`` are asked before their origins.
    ``prepare`` is called before the first request, and may refuse it.
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
    no_cache: bool = False
    mirrors: Mirrors = NO_MIRRORS
    prepare: Callable[[], Result[None, ConfigurationError]] = _nothing_to_prepare

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
            return self.look_up(reference).bind(self.proven)
        asks_store = self.pull_policy == "never" or (
            self.pull_policy == "new" and signature is None and not self.no_cache
        )
        if asks_store and not _is_path(reference):
            stored = self._find_stored(reference, demanded)
            if self.pull_policy == "never" or is_successful(stored):
                return stored
            if not _leads_to_remote(stored.failure()):
                return stored
        if not _is_path(reference):
            ready = self.prepare()
            if not is_successful(ready):
                return Failure(ready.failure())
        # The remote side needs every stage; a store hit must not wait until they are imported.
        from pipeline.recipes.mirrored import fetch_mirrored

        return fetch_mirrored(self, reference, signature, demanded)

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
            return Failure(ImageNotFound(shown(reference)))
        self.notice("store-hit", f"using image from the store for {shown(reference)}")
        return self.proven(found.unwrap())

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
        """Return what was fetched last from a URL, or from a mirror of it."""
        mirrors = self.mirrors.for_url(url)
        places = () if mirrors is None else mirrors.places_of(url)
        remembered: list[RemoteEntry] = []
        for place in (url, *places):
            entry = self.store.lookup(place)
            if not is_successful(entry):
                return Failure(entry.failure())
            found = entry.unwrap()
            if found is not None:
                remembered.append(found)
        if not remembered:
            return Failure(ImageNotFound(redact_url(url)))
        return Success(max(remembered, key=lambda entry: entry.freshness.fetched_at).image)

    def proven(self, stored: Stored) -> Result[Stored, PipelineError]:
        """Accept a stored image only on the proof that is demanded now; note that it is used."""
        accepted = (
            Success(stored)
            if self.unsigned_reason is not None
            else still_proven(
                stored,
                keyring=self.keyring,
                verifier=self.verifier,
                clock=self.clock,
                leniency=self.leniency,
                signers=self.signers,
            )
        )
        if is_successful(accepted):
            self.store.touch(stored.image_id)
        return accepted

    def notice(self, kind: str, message: str) -> None:
        """Tell the observer something that a person should know, without secrets."""
        self.observer.on_event(Noticed(kind, message))


def _is_path(reference: Reference) -> bool:
    return isinstance(reference, ArchiveReference) and reference.path is not None


def shown(reference: Reference) -> str:
    """Return a reference without secrets, which the escapes of a CIMD would hide and keep."""
    if isinstance(reference, ArchiveReference):
        return redact_url(reference.url)
    return redact_url(reference.string)


def _leads_to_remote(error: PipelineError) -> bool:
    """Tell whether the remote may have what the store could not give: absent, or unproven."""
    return isinstance(error, ImageNotFound) or error.exit_code is ExitCode.VERIFICATION
