"""The adapters that settings ask for, made when they are first needed.

What a store hit does not need (the HTTP stack, OpenPGP) is not even imported for one: it would
take most of the time of such a run.
"""

from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.configuration import Configuration, read_configuration
from pipeline.adapters.file import FileTransport, LocalPaths
from pipeline.adapters.keystore import FileKeystore
from pipeline.adapters.openpgp import OpenPGPVerifier
from pipeline.admission import Explanation, KeystoreJudge
from pipeline.errors import (
    ConfigurationError,
    DiscoveryError,
    ImageError,
    InvalidSetting,
    OnePlaceError,
    PipelineError,
    StoreError,
)
from pipeline.events import Noticed, Observer, tell
from pipeline.limits import Limits
from pipeline.names import ImageName, Labels, this_platform
from pipeline.oci import OciPlatform
from pipeline.ports import Discovery, Keyring, Quarantine, Transport
from pipeline.recipes.fetcher import Fetcher
from pipeline.recipes.finder import Finder
from pipeline.recipes.policies import Judge, load_judge, policy_file
from pipeline.recipes.registries import LazyRegistries
from pipeline.recipes.routing import LazyTransport, RoutedTransport
from pipeline.recipes.settings import Insecure, PullPolicy, Settings
from pipeline.recipes.targets import WholeStore, open_at
from pipeline.reference import OciReference
from pipeline.results import (
    Candidate,
    ImagePathPlace,
    KeyPlace,
    LoadedImage,
    Stored,
)
from pipeline.text import printable
from pipeline.trust import KeySet, SignerPolicy, SkippedKey, TrustScope

if TYPE_CHECKING:
    from pipeline.recipes.network import Network

UNSIGNED_REASON = "signatures were not checked: --insecure-options=image"
"""What is stored with an image that was fetched unverified by the command line."""


@final
@dataclass(frozen=True, slots=True)
class LazyDiscovery:
    """appc discovery, imported when there is something to discover."""

    settings: Settings
    transport: Transport
    observer: Observer

    def endpoints(
        self, name: ImageName, labels: Labels
    ) -> Result[tuple[Candidate, ...], DiscoveryError]:
        """Return where the image may be."""
        return self._made().endpoints(name, labels)

    def public_keys(self, name: ImageName) -> Result[tuple[KeyPlace, ...], DiscoveryError]:
        """Return where public keys are that speak for the name."""
        return self._made().public_keys(name)

    def _made(self) -> Discovery:
        from pipeline.adapters.appc import AppcDiscovery

        return AppcDiscovery(
            self.transport,
            observer=self.observer,
            allow_http=Insecure.HTTP in self.settings.insecure,
            limits=self.settings.limits,
        )


@final
@dataclass(frozen=True, slots=True)
class LazyImagePaths:
    """A reader of images in files, imported when there is one to read."""

    files: Transport

    def load(
        self, place: ImagePathPlace, quarantine: Quarantine, limits: Limits
    ) -> Result[LoadedImage, ImageError | OnePlaceError | StoreError]:
        """Copy an image into quarantine."""
        from pipeline.adapters.image_paths import ImagePathFiles

        return ImagePathFiles(self.files).load(place, quarantine, limits)


@final
@dataclass(frozen=True, slots=True)
class ReportingKeyring:
    """A keyring that names, once each, the files that were left out."""

    keyring: Keyring
    observer: Observer
    reported: set[SkippedKey] = field(default_factory=set)

    def keys_for(self, scope: TrustScope) -> Result[KeySet, ConfigurationError]:
        """Return the keys trusted for ``scope``."""
        found = self.keyring.keys_for(scope)
        for skipped in found.map(lambda keys: keys.skipped).value_or(()):
            if skipped not in self.reported:
                self.reported.add(skipped)
                message = f"key file left out: {printable(f'{skipped.path}: {skipped.reason}')}"
                tell(self.observer, Noticed("key-skipped", message))
        return found


@final
class Toolkit:
    """Adapters for one run; a context manager that closes what was opened."""

    def __init__(self, settings: Settings, observer: Observer) -> None:
        """Keep what is set; nothing is opened yet."""
        self.settings = settings
        self.observer = observer
        self.clock: SystemClock = SystemClock()
        self.paths: LocalPaths = LocalPaths()
        self.keystore: FileKeystore = FileKeystore(
            system=settings.system_config,
            local=settings.config,
        )
        self._leaving = ExitStack()
        self._configured: Result[Configuration, InvalidSetting] | None = None
        self._judge: Result[Judge, PipelineError] | None = None
        self._network: Result[Network, ConfigurationError] | None = None
        self._making = Lock()
        self.web: LazyTransport = LazyTransport(self._make_web)
        of_registries = LazyTransport(self._make_registry_transport)
        self.registries: LazyRegistries = LazyRegistries(settings, of_registries.prepare)
        self.transport: RoutedTransport = RoutedTransport(
            FileTransport(self.clock), of_registries, self.web, self.registries.roots
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        self._leaving.close()

    def store(self) -> Result[WholeStore, PipelineError]:
        """Open the store."""
        return open_at(self.settings, self.settings.store, self.clock)

    def discovery(self) -> Discovery:
        """Return appc discovery over this run's transport."""
        return LazyDiscovery(self.settings, self.transport, self.observer)

    def finder(
        self,
        *,
        pull_policy: PullPolicy = "update",
        with_deps: bool = True,
        no_cache: bool = False,
        images_for: OciPlatform | None = None,
        check_layers: bool = False,
        to_aci: bool = False,
    ) -> Result[Finder, PipelineError]:
        """Return a Finder over everything that is set.

        ``images_for``, ``check_layers`` and ``to_aci`` are for registry images.

        Errors: InvalidSetting for what ``config.toml`` or a policy says; what opening the store
        fails with.
        """
        configured = self.configuration()
        if not is_successful(configured):
            return Failure(configured.failure())
        opened = self.store()
        if not is_successful(opened):
            return Failure(opened.failure())
        judge = self.judge()
        if not is_successful(judge):
            return Failure(judge.failure())
        fetcher = Fetcher(
            transport=self.transport,
            discovery=self.discovery(),
            keyring=ReportingKeyring(self.keystore, self.observer),
            verifier=OpenPGPVerifier(self.settings.leniency),
            store=opened.unwrap(),
            clock=self.clock,
            observer=self.observer,
            platform=this_platform(),
            limits=self.settings.limits,
            pull_policy=pull_policy,
            unsigned_reason=UNSIGNED_REASON if Insecure.IMAGE in self.settings.insecure else None,
            leniency=self.settings.leniency,
            signers=SignerPolicy(self.settings.signers, configured.unwrap().signers),
            no_cache=no_cache,
            mirrors=configured.unwrap().mirrors,
            prepare=self.web.prepare,
            registries=self.registries,
            policy=judge.unwrap(),
            images=LazyImagePaths(self.transport),
            images_for=images_for,
            check_layers=check_layers,
            to_aci=to_aci,
        )
        return Success(Finder(fetcher, self.paths, with_deps))

    def stored_image(self, untrusted_text: str) -> Result[Stored, PipelineError]:
        """Look an image up in the store alone, by ID or name, whoever signed it."""
        finder = self.finder(pull_policy="never", with_deps=False)
        return finder.bind(lambda found: found.find_stored(untrusted_text))

    def judge(self) -> Result[Judge, PipelineError]:
        """Return who judges registry images: a policy where there is one, else the keystore.

        Errors: InvalidSetting for what ``config.toml`` or the policy says.
        """
        if self._judge is None:
            self._judge = self._make_judge()
        return self._judge

    def explain(self, reference: OciReference) -> Result[Explanation, PipelineError]:
        """Return which rule decides on a registry image; nobody is asked anything.

        Errors: as :meth:`judge`; what the keystore fails with.
        """
        judge = self.judge()
        if not is_successful(judge):
            return Failure(judge.failure())
        explained = judge.unwrap().explain(reference.subject)
        return (
            Success(explained.unwrap())
            if is_successful(explained)
            else Failure(explained.failure())
        )

    def _make_judge(self) -> Result[Judge, PipelineError]:
        configured = self.configuration()
        if not is_successful(configured):
            return Failure(configured.failure())
        signers = SignerPolicy(self.settings.signers, configured.unwrap().signers)
        path = policy_file(self.settings)
        verifier = OpenPGPVerifier(self.settings.leniency)
        if path is None:
            keyring = ReportingKeyring(self.keystore, self.observer)
            return Success(KeystoreJudge(keyring, verifier, signers))
        loaded = load_judge(path, verifier, signers, now=self.clock.now())
        return Success(loaded.unwrap()) if is_successful(loaded) else Failure(loaded.failure())

    def configuration(self) -> Result[Configuration, InvalidSetting]:
        """Read ``config.toml``, the machine's and the user's, once."""
        if self._configured is None:
            self._configured = read_configuration(self.settings.system_config, self.settings.config)
        return self._configured

    def _make_web(self) -> Result[Transport, ConfigurationError]:
        return self._make_network().bind(lambda network: network.web())

    def _make_registry_transport(self) -> Result[Transport, ConfigurationError]:
        registries = self.registries.read()
        if not is_successful(registries):
            return Failure(registries.failure())
        return self._make_network().bind(lambda network: network.registry(registries.unwrap()))

    def _make_network(self) -> Result["Network", ConfigurationError]:
        from pipeline.recipes.network import make_network

        configured = self.configuration()
        if not is_successful(configured):
            return Failure(configured.failure())
        with self._making:
            if self._network is None:
                self._network = make_network(
                    self.settings,
                    configured.unwrap(),
                    self.clock,
                    self.observer,
                    self._leaving,
                )
            return self._network
