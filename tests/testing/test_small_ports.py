"""Clocks, discoveries, registries and policies: ours conform, and broken ones are noticed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import pytest
from returns.result import Failure, Result, Success

from pipeline.adapters import AppcDiscovery, OpenPGPVerifier, PublicKeyVerifier, SystemClock
from pipeline.adapters.containers import ConfiguredRegistries
from pipeline.addresses import AddressScope
from pipeline.admission import KeystoreJudge, LoadedPolicy, PolicyJudge, PublicKey
from pipeline.admission.requirements import (
    AcceptAnything,
    KeyFiles,
    KeySource,
    MatchReference,
    PolicyDocument,
    Requirement,
    SigstoreSigned,
)
from pipeline.errors import (
    ConfigurationError,
    DiscoveryError,
    Unproven,
    VerificationError,
)
from pipeline.names import ImageName, Labels
from pipeline.oci import OciPlatform
from pipeline.ports import Admitted, Clock, LetThrough, ManifestPolicy, Proven, Wanted
from pipeline.reference import DockerReference
from pipeline.reference.docker import parse_docker_reference
from pipeline.results import Candidate, KeyPlace, ManifestEvidence, RegistryPlace
from pipeline.testing.conformance import (
    NonConformance,
    check_clock,
    check_discovery,
    check_policy,
    check_registries,
)
from pipeline.testing.fakes import (
    EPOCH,
    FixedClock,
    MemoryTransport,
    Page,
    StaticDiscovery,
    StaticKeyring,
    StaticPolicy,
    StaticRegistries,
)
from pipeline.testing.oci import make_image
from pipeline.testing.openpgp import make_openpgp_key
from pipeline.testing.sigstore import make_sigstore_key
from pipeline.trust import Decision, SigstoreSigner


@pytest.mark.parametrize("make", [FixedClock, SystemClock])
def test_clocks_conform(make: Callable[[], Clock]) -> None:
    check_clock(make)


@dataclass(slots=True)
class BrokenClock:
    """Goes as told, or in another way."""

    zone: timezone | None = UTC
    share: float = 1.0
    step: float = 0.0
    least: float = 0.0
    day: int = 0
    seconds: float = 0.0
    asked: int = 0

    def now(self) -> datetime:
        self.asked += 1
        return EPOCH.replace(tzinfo=self.zone) + timedelta(days=self.day * self.asked)

    def monotonic(self) -> float:
        self.seconds += self.step
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += max(self.least, seconds * self.share if seconds > 0 else 0.0)


@pytest.mark.parametrize(
    ("clock", "promise"),
    [
        (BrokenClock(zone=None), "has its zone"),
        (BrokenClock(zone=timezone(timedelta(hours=1))), "has its zone"),
        (BrokenClock(share=0.5), "as long as was asked"),
        (BrokenClock(day=-1), "the time goes on"),
        (BrokenClock(share=2.0, step=-0.0001), "never go back"),
        (BrokenClock(least=5.0), "over at once"),
    ],
)
def test_a_broken_clock_is_noticed(clock: BrokenClock, promise: str) -> None:
    with pytest.raises(NonConformance, match=promise):
        check_clock(lambda: clock)


def test_the_clock_of_this_test_is_broken_only_where_it_is_told_to() -> None:
    check_clock(BrokenClock)


KNOWN, UNKNOWN = ImageName("example.com/app"), ImageName("example.com/nothing")
PLACE = Candidate("https://example.com/app.aci", "https://example.com/app.aci.asc")
KEY_PLACE = KeyPlace("https://example.com/key.asc")


def test_the_discovery_in_memory_conforms() -> None:
    discovery = StaticDiscovery({KNOWN: (PLACE,)}, {KNOWN: (KEY_PLACE,)})
    check_discovery(discovery, known=KNOWN, unknown=UNKNOWN)


def test_the_discovery_by_meta_tags_conforms() -> None:
    tags = (
        '<meta name="ac-discovery" content="example.com/app https://h.example/{name}.{ext}">'
        '<meta name="ac-discovery-pubkeys" content="example.com/app https://h.example/key">'
    )
    page = Page(tags.encode(), peer=AddressScope.PUBLIC)
    web = MemoryTransport({"https://example.com/app?ac-discovery=1": page})
    check_discovery(AppcDiscovery(web), known=KNOWN, unknown=UNKNOWN)


@dataclass(slots=True)
class BrokenDiscovery:
    """Says of images and keys what it is told to, of known and unknown ones."""

    places: tuple[Candidate, ...] = (PLACE,)
    keys: tuple[KeyPlace, ...] = (KEY_PLACE,)
    finds_unknown: bool = False
    finds_unknown_keys: bool = False
    calls_it: ImageName = UNKNOWN
    shuffles: bool = False
    asked: int = 0

    def endpoints(
        self, name: ImageName, labels: Labels
    ) -> Result[tuple[Candidate, ...], DiscoveryError]:
        self.asked += 1
        if name == UNKNOWN and not self.finds_unknown:
            return StaticDiscovery().endpoints(self.calls_it, labels)
        return Success(self.places[:: -1 if self.shuffles and self.asked % 2 else 1])

    def public_keys(self, name: ImageName) -> Result[tuple[KeyPlace, ...], DiscoveryError]:
        if name == UNKNOWN and not self.finds_unknown_keys:
            return StaticDiscovery().public_keys(self.calls_it)
        return Success(self.keys)


@pytest.mark.parametrize(
    ("discovery", "promise"),
    [
        (BrokenDiscovery(places=()), "one place of an image"),
        (BrokenDiscovery(keys=()), "one place of a key"),
        (BrokenDiscovery(places=(replace(PLACE, image="/srv/app.aci"),)), "URL, got '/srv"),
        (BrokenDiscovery(places=(replace(PLACE, signature="app.asc"),)), "URL, got 'app"),
        (BrokenDiscovery(places=(replace(PLACE, signature=PLACE.image),)), "not the image"),
        (BrokenDiscovery(keys=(KeyPlace("ftp://h/key"),)), "URL, got 'ftp"),
        (BrokenDiscovery(finds_unknown=True), "nowhere is a failure"),
        (BrokenDiscovery(finds_unknown_keys=True), "keys that are nowhere"),
        (BrokenDiscovery(calls_it=KNOWN), "names what was looked for"),
        (
            BrokenDiscovery(places=(PLACE, replace(PLACE, image="https://m/app")), shuffles=True),
            "same order",
        ),
    ],
)
def test_a_broken_discovery_is_noticed(discovery: BrokenDiscovery, promise: str) -> None:
    with pytest.raises(NonConformance, match=promise):
        check_discovery(discovery, known=KNOWN, unknown=UNKNOWN)


def test_a_discovery_that_cannot_find_the_known_is_noticed() -> None:
    with pytest.raises(NonConformance, match="could not find an image"):
        check_discovery(StaticDiscovery(), known=KNOWN, unknown=UNKNOWN)
    with pytest.raises(NonConformance, match="could not find keys"):
        check_discovery(StaticDiscovery({KNOWN: (PLACE,)}), known=KNOWN, unknown=UNKNOWN)


ASKED = parse_docker_reference("registry.example/app:1.0").unwrap()
BLOCKED = parse_docker_reference("blocked.example/app").unwrap()
AT = RegistryPlace(ASKED, "https://registry.example/v2/app", OciPlatform("linux", "amd64"))
MIRROR = replace(AT, base="https://mirror.example/v2/app", resolves_tags=False)


def test_registries_conform() -> None:
    blocked = StaticRegistries(frozenset({"blocked.example"}))
    check_registries(blocked, known=ASKED, blocked=BLOCKED)
    check_registries(ConfiguredRegistries(), known=ASKED)


@dataclass(slots=True)
class BrokenRegistries:
    """Says what it is told to."""

    found: tuple[RegistryPlace, ...]
    shuffles: bool = False
    asked: int = 0

    def places(
        self, reference: DockerReference, platform: OciPlatform
    ) -> Result[tuple[RegistryPlace, ...], ConfigurationError]:
        self.asked += 1
        return Success(self.found[:: -1 if self.shuffles and self.asked % 2 else 1])


@pytest.mark.parametrize(
    ("registries", "promise"),
    [
        (BrokenRegistries(()), "at least one place"),
        (BrokenRegistries((replace(AT, reference=BLOCKED),)), "the very image"),
        (BrokenRegistries((replace(AT, platform=OciPlatform("linux", "arm")),)), "platform"),
        (BrokenRegistries((replace(AT, base="registry.example/v2/app"),)), "distribution API"),
        (BrokenRegistries((replace(AT, base="https://registry.example/app"),)), "distribution API"),
        (BrokenRegistries((replace(AT, base="https://registry.example/v2/"),)), "repository"),
        (BrokenRegistries((AT, AT)), "twice"),
        (BrokenRegistries((AT, MIRROR)), "the registry itself"),
        (
            BrokenRegistries((AT, replace(MIRROR, resolves_tags=True)), shuffles=True),
            "same order",
        ),
        (BrokenRegistries((AT,)), "blocked"),
    ],
)
def test_broken_registries_are_noticed(registries: BrokenRegistries, promise: str) -> None:
    with pytest.raises(NonConformance, match=promise):
        check_registries(registries, known=ASKED, blocked=BLOCKED)


def test_registries_that_block_everything_are_noticed() -> None:
    blocking = StaticRegistries(frozenset({"registry.example"}))
    with pytest.raises(NonConformance, match="could not look"):
        check_registries(blocking, known=ASKED)


NAME: Final = "registry.example/app:1.0"
IMAGE: Final = make_image({"file": b"content"})
DIGEST: Final = IMAGE.descriptor.digest
OPENPGP, SIGSTORE = make_openpgp_key(), make_sigstore_key()
UNSIGNED: Final = ManifestEvidence(f"docker://{NAME}", (IMAGE.raw,))
SIGNED: Final = replace(UNSIGNED, signatures=(OPENPGP.sign_image(DIGEST, NAME),))
COSIGNED: Final = replace(UNSIGNED, signatures=(SIGSTORE.sign_image(DIGEST, NAME),))
PROVEN: Final = Proven((SigstoreSigner("0" * 64, "Ed25519", ""),), Decision("test", "", "any"))
OPEN: Final = LetThrough("a test lets everything pass", Decision("test", "", "none"))


def by_policy(requirement: Requirement) -> PolicyJudge:
    document = PolicyDocument("/policy.json", (requirement,), {})
    public: dict[KeySource, tuple[PublicKey, ...]] = {
        KeyFiles(("/key",)): (PublicKey("/key", SIGSTORE.public),)
    }
    return PolicyJudge(LoadedPolicy(document, {}, public), OpenPGPVerifier(), PublicKeyVerifier())


@pytest.mark.parametrize(
    ("policy", "admitted"),
    [
        (StaticPolicy({DIGEST: PROVEN}), UNSIGNED),
        (KeystoreJudge(StaticKeyring((OPENPGP.trusted(),)), OpenPGPVerifier()), SIGNED),
        (
            by_policy(SigstoreSigned(KeyFiles(("/key",)), MatchReference("matchExact"))),
            COSIGNED,
        ),
    ],
)
def test_policies_conform(policy: ManifestPolicy, admitted: ManifestEvidence) -> None:
    other = make_image({"file": b"other"})
    check_policy(policy, admitted=admitted, refused=replace(admitted, documents=(other.raw,)))


def test_a_policy_that_accepts_anything_conforms() -> None:
    """What is refused must be something: of an open policy, that is what is no reference."""
    refused = replace(UNSIGNED, reference="docker://UPPER/case")
    check_policy(by_policy(AcceptAnything()), admitted=UNSIGNED, refused=refused)


@dataclass(slots=True)
class BrokenPolicy:
    """Admits what it is told to, as what it is told to."""

    admits: Callable[["BrokenPolicy", ManifestEvidence], Admitted | None]
    asked: list[ManifestEvidence] = field(default_factory=list)

    def wanted(self, reference: str) -> Result[Wanted, VerificationError | ConfigurationError]:
        return StaticPolicy().wanted(reference)

    def admit(
        self, evidence: ManifestEvidence, now: datetime
    ) -> Result[Admitted, VerificationError | ConfigurationError]:
        self.asked.append(evidence)
        found = self.admits(self, evidence)
        return StaticPolicy().admit(evidence, now) if found is None else Success(found)


def only(admitted: Admitted) -> Callable[[BrokenPolicy, ManifestEvidence], Admitted | None]:
    """Admit the one manifest, as that."""
    return lambda _, evidence: admitted if evidence.documents[-1:] == (IMAGE.raw,) else None


def changing(broken: BrokenPolicy, evidence: ManifestEvidence) -> Admitted | None:
    signer = SigstoreSigner(f"{len(broken.asked):064}", "Ed25519", "")
    return replace(PROVEN, signers=(signer,))


def raising(broken: BrokenPolicy, evidence: ManifestEvidence) -> Admitted | None:
    parse_docker_reference(evidence.reference.removeprefix("docker://")).unwrap()
    return only(PROVEN)(broken, evidence)


@pytest.mark.parametrize(
    ("admits", "promise"),
    [
        (lambda _, __: None, "could not admit"),
        (changing, "same each time"),
        (lambda _, __: PROVEN, "nobody vouches for"),
        (lambda _, evidence: PROVEN if evidence.documents != (b"",) else None, "no document"),
        (only(replace(PROVEN, signers=())), "at least one signer"),
        (only(replace(PROVEN, decision=Decision("", "", ""))), "names the policy"),
        (only(replace(OPEN, reason="")), "says so"),
        (
            lambda _, evidence: PROVEN if IMAGE.raw in b"".join(evidence.documents) else None,
            "the very bytes",
        ),
    ],
)
def test_a_broken_policy_is_noticed(
    admits: Callable[[BrokenPolicy, ManifestEvidence], Admitted | None], promise: str
) -> None:
    refused = replace(UNSIGNED, documents=(b"",))
    with pytest.raises(NonConformance, match=promise):
        check_policy(BrokenPolicy(admits), admitted=UNSIGNED, refused=refused)


def test_a_policy_that_raises_is_noticed() -> None:
    refused = replace(UNSIGNED, documents=(b"",))
    with pytest.raises(NonConformance, match="nothing is raised"):
        check_policy(BrokenPolicy(raising), admitted=UNSIGNED, refused=refused)


def test_a_policy_for_which_nothing_would_do_is_noticed() -> None:
    @dataclass(slots=True)
    class Hopeless:
        def wanted(self, reference: str) -> Result[Wanted, VerificationError | ConfigurationError]:
            return Failure(Unproven(reference))

        def admit(
            self, evidence: ManifestEvidence, now: datetime
        ) -> Result[Admitted, VerificationError | ConfigurationError]:
            return StaticPolicy({DIGEST: PROVEN}).admit(evidence, now)

    refused = replace(UNSIGNED, documents=(b"",))
    with pytest.raises(NonConformance, match="could not tell"):
        check_policy(Hopeless(), admitted=UNSIGNED, refused=refused)
