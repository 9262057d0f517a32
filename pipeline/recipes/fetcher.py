"""The Fetcher: a reference in, a stored and proven image out; the one place where policy lives.

    Reference -> Result[Stored, PipelineError]

It composes the six stages, decides by the pull policy and by freshness what to ask of whom, and
never serves a stored image on weaker proof than is demanded now. It prints nothing; what it does
goes to the observer as events. Here is what the store can give; what has to be asked for is in
:mod:`pipeline.recipes.remote`, dependencies are in :mod:`pipeline.recipes.dependencies`.
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
)
from pipeline.events import SILENCE, CacheHit, Observer, tell
from pipeline.limits import DEFAULT_LIMITS, Limits
from pipeline.mirrors import NO_MIRRORS, Mirrors
from pipeline.names import Label, LabelName, Labels, Platform
from pipeline.observing import observed, subject_of
from pipeline.oci import OciPlatform
from pipeline.oci.platforms import oci_platform
from pipeline.ports import (
    Catalog,
    Clock,
    Discovery,
    ImagePathReader,
    Keyring,
    ManifestPolicy,
    Quarantine,
    Registries,
    RemoteCache,
    RemoteEntry,
    SignatureVerifier,
    Store,
    Transport,
)
from pipeline.recipes.settings import PullPolicy
from pipeline.recipes.standing import as_expected, still_admitted, still_proven
from pipeline.reference import (
    AppcReference,
    ArchiveReference,
    DockerReference,
    ImageIDReference,
    ImagePathReference,
    Reference,
)
from pipeline.results import (
    ACI_TYPE,
    Expectations,
    Extracted,
    ManifestProof,
    QuarantinedBlob,
    RegistryPlace,
    Stored,
)
from pipeline.stage import Stage
from pipeline.text import redact_url
from pipeline.trust import ONE_SIGNER, SignerPolicy

In = TypeVar("In")
Out = TypeVar("Out")
Err = TypeVar("Err", bound=PipelineError)


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


def _accept_all(extracted: Extracted) -> Result[Extracted, PipelineError]:
    return Success(extracted)


@final
@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches images into a store.

    ``unsigned_reason`` is None where signatures are demanded; otherwise images go unverified,
    and the reason is stored with them. ``leniency`` is what the verifier was built with.
    ``no_cache`` has what is found by name or URL fetched anew, neither freshness nor validators
    asked; ``never`` and paths are as ever. ``mirrors`` are asked before their origins.
    ``prepare`` is called before the first request, and may refuse it; ``accept`` is called with
    what was fetched, verified and read, and may refuse it before the store has it.

    Registry images are asked for where ``registries`` says, for ``images_for`` (the platform in
    Go's words where it is None), and pass as ``policy`` says; ``images`` reads them out of files.
    ``check_layers`` has each layer unpacked once to see that it is what was signed; ``to_aci``
    has them stored as archives.
    """

    transport: Transport
    discovery: Discovery
    keyring: Keyring
    verifier: SignatureVerifier
    store: ImageStore
    clock: Clock
    platform: Platform
    observer: Observer = SILENCE
    limits: Limits = DEFAULT_LIMITS
    pull_policy: PullPolicy = "update"
    unsigned_reason: str | None = None
    leniency: frozenset[str] = frozenset()
    signers: SignerPolicy = ONE_SIGNER
    no_cache: bool = False
    mirrors: Mirrors = NO_MIRRORS
    prepare: Callable[[], Result[None, ConfigurationError]] = _nothing_to_prepare
    accept: Callable[[Extracted], Result[Extracted, PipelineError]] = _accept_all
    registries: Registries | None = None
    policy: ManifestPolicy | None = None
    images: ImagePathReader | None = None
    images_for: OciPlatform | None = None
    check_layers: bool = False
    to_aci: bool = False

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

        def fetch(wanted: Reference) -> Result[Stored, PipelineError]:
            return self._fetch(wanted, signature, demanded)

        return self.told(Stage("fetch", fetch))(reference)

    def _fetch(
        self,
        reference: Reference,
        signature: str | None,
        demanded: Callable[[Expectations], Expectations],
    ) -> Result[Stored, PipelineError]:
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
            return Failure(ImageNotFound(subject_of(reference)))
        tell(self.observer, CacheHit("store", subject_of(reference)))
        return self.proven(found.unwrap(), reference)

    def look_up(self, reference: Reference) -> Result[Stored, PipelineError]:
        """Find what ``reference`` names in the store alone, whoever signed it."""
        match reference:
            case ImageIDReference():
                return self.store.resolve(reference.hex_prefix, reference.algorithm)
            case AppcReference():
                defaults = Labels(self.platform.labels)
                return self.store.find(reference.name, reference.labels, defaults)
            case ArchiveReference():
                return self._look_up_url(reference.url)
            case DockerReference():
                return self._look_up_registry_image(reference)
            case ImagePathReference():
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

    def _look_up_registry_image(self, reference: DockerReference) -> Result[Stored, StoreError]:
        """Return what was fetched last by this reference, for the platform."""
        found = self.store.lookup(RegistryPlace(reference, "", self.oci_platform).image)
        if not is_successful(found):
            return Failure(found.failure())
        entry = found.unwrap()
        if entry is None or not self.is_wanted_form(entry.image):
            return Failure(ImageNotFound(reference.string))
        return Success(named_as(entry.image, reference))

    @property
    def oci_platform(self) -> OciPlatform:
        """For which platform registry images are wanted."""
        return oci_platform(self.platform) if self.images_for is None else self.images_for

    def is_wanted_form(self, stored: Stored) -> bool:
        """Tell whether a registry image is stored in the form that is wanted now."""
        return (stored.media_type == ACI_TYPE) == self.to_aci

    def proven(
        self, stored: Stored, asked: Reference | None = None
    ) -> Result[Stored, PipelineError]:
        """Accept a stored image only on the proof that is demanded now; note that it is used.

        A registry image that was ``asked`` for by a reference is judged under that one: the same
        image may have come under several.
        """
        accepted = self.judged(stored, asked)
        if is_successful(accepted):
            self.store.touch(stored.image_id)
        return accepted

    def judged(
        self, stored: Stored, asked: Reference | None = None, *, rejudge: bool = False
    ) -> Result[Stored, PipelineError]:
        """Judge a stored image as :meth:`proven` does; nobody notes that.

        With ``rejudge``, signatures that stand as they were judged before are judged again, too.
        """
        if self.unsigned_reason is not None:
            return Success(stored)
        if stored.media_type != ACI_TYPE or isinstance(stored.provenance, ManifestProof):
            reference = asked.subject if isinstance(asked, DockerReference) else ""
            return still_admitted(stored, reference, policy=self.policy, clock=self.clock)
        return still_proven(
            stored,
            keyring=self.keyring,
            verifier=self.verifier,
            clock=self.clock,
            leniency=self.leniency,
            signers=self.signers,
            rejudge=rejudge,
        )

    def told(self, stage: Stage[In, Out, Err]) -> Stage[In, Out, Err]:
        """Have a stage tell the observer what it does."""
        return observed(stage, observer=self.observer, clock=self.clock)


def named_as(stored: Stored, reference: DockerReference) -> Stored:
    """Return a registry image under the name and tag by which it was asked for.

    An archive that was made of one has a name of its own.
    """
    if stored.media_type == ACI_TYPE:
        return stored
    others = tuple(label for label in stored.labels.items if label.name != "version")
    tag = () if reference.tag is None else (Label(LabelName("version"), reference.tag),)
    return replace(stored, name=reference.image_name, labels=Labels((*others, *tag)))


def _is_path(reference: Reference) -> bool:
    if isinstance(reference, ImagePathReference):
        return True
    return isinstance(reference, ArchiveReference) and reference.path is not None


def _leads_to_remote(error: PipelineError) -> bool:
    """Tell whether the remote may have what the store could not give: absent, or unproven."""
    return isinstance(error, ImageNotFound) or error.exit_code is ExitCode.VERIFICATION
