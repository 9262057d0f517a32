"""What strategies make holds what it promises, by the product's own parsers and judges."""

import string

from hypothesis import example, given, settings
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.adapters.openpgp import OpenPGPVerifier
from pipeline.adapters.retrying import RetryingTransport
from pipeline.adapters.sigstore import PublicKeyVerifier
from pipeline.admission import KeystoreJudge, LoadedPolicy, PolicyJudge, PublicKey
from pipeline.admission.document import parse_policy
from pipeline.admission.requirements import (
    KeyFiles,
    KeySource,
    MatchReference,
    PolicyDocument,
    SigstoreSigned,
)
from pipeline.documents import fetch_document
from pipeline.errors import (
    HttpStatus,
    PipelineError,
    RequirementUnmet,
    TooFewSigners,
    VerificationError,
)
from pipeline.events import Event
from pipeline.hashing import start_hashing
from pipeline.limits import RETRIES
from pipeline.manifest import parse_manifest
from pipeline.mirrors import Mirrors, parse_mirrors
from pipeline.ports import ManifestPolicy, Request
from pipeline.results import Downloaded, Extracted, Located, OciImage, Unsigned, Verified
from pipeline.storage import is_complete
from pipeline.testing import strategies
from pipeline.testing.fakes import (
    FixedClock,
    MemoryTransport,
    Page,
    StaticKeyring,
)
from pipeline.testing.faults import Fault, FaultyTransport
from pipeline.testing.policies import make_policy
from pipeline.testing.signed import SignedFile, SignedImage
from pipeline.trust import AnyScope

VERIFIER = OpenPGPVerifier()


def verdict(signed: SignedFile) -> tuple[str, ...] | str:
    """Judge a detached signature as the stages do: who signed, or the error's kind."""
    scope = AnyScope()
    plan = VERIFIER.plan(signed.signature, signed.keys, scope, signed.now)
    if not is_successful(plan):
        return plan.failure().kind
    hasher = start_hashing(plan.unwrap().requests).unwrap()
    hasher.update(signed.content)
    outcome = VERIFIER.verify(signed.signature, hasher.digests(), signed.keys, scope, signed.now)
    if not is_successful(outcome):
        return outcome.failure().kind
    return tuple(signer.primary.hex for signer in outcome.unwrap())


def refusal(policy: ManifestPolicy, signed: SignedImage) -> str | None:
    """Judge an image: None where it is proven, or why its one signature proves nothing."""
    outcome = policy.admit(signed.evidence, signed.now)
    if is_successful(outcome):
        return None
    error = outcome.failure()
    assert isinstance(error, RequirementUnmet)
    (cause,) = error.causes
    return cause.kind


def by_keystore(signed: SignedImage) -> str | None:
    return refusal(KeystoreJudge(StaticKeyring(signed.keys.keys), VERIFIER), signed)


def by_public_key(signed: SignedImage) -> str | None:
    demand = SigstoreSigned(KeyFiles(("/key",)), MatchReference("matchExact"))
    keys: dict[KeySource, tuple[PublicKey, ...]] = {
        demand.keys: (PublicKey("/key", signed.public_key),)
    }
    policy = LoadedPolicy(PolicyDocument("/policy.json", (demand,), {}), {}, keys)
    return refusal(PolicyJudge(policy, VERIFIER, PublicKeyVerifier()), signed)


class TestSignatures:
    """Good ones are proven by the key that they name; bad ones are refused as they say."""

    @settings(deadline=None)
    @given(strategies.signed_files())
    def test_signed_files(self, signed: SignedFile) -> None:
        assert signed.kind is None
        assert verdict(signed) == tuple(signer.hex for signer in signed.signers)

    @settings(deadline=None)
    @given(strategies.badly_signed_files())
    def test_badly_signed_files(self, signed: SignedFile) -> None:
        assert signed.signers == ()
        assert verdict(signed) == signed.kind

    @settings(deadline=None)
    @given(strategies.simple_signatures() | strategies.bad_simple_signatures())
    def test_simple_signatures(self, signed: SignedImage) -> None:
        assert by_keystore(signed) == signed.kind

    @settings(deadline=None)
    @given(strategies.sigstore_signatures() | strategies.bad_sigstore_signatures())
    def test_sigstore_signatures(self, signed: SignedImage) -> None:
        assert by_public_key(signed) == signed.kind


class TestPolicies:
    """What is written is read back; what is bad fails the whole file."""

    @settings(deadline=None)
    @given(strategies.policy_documents())
    def test_documents(self, document: PolicyDocument) -> None:
        assert parse_policy(make_policy(document), document.path).unwrap() == document

    @settings(deadline=None)
    @given(strategies.policies())
    def test_files(self, content: bytes) -> None:
        assert is_successful(parse_policy(content, "/policy.json"))

    @settings(deadline=None)
    @given(strategies.bad_policies())
    def test_bad_files(self, content: bytes) -> None:
        assert not is_successful(parse_policy(content, "/policy.json"))

    @settings(deadline=None)
    @given(strategies.loaded_policies())
    def test_loaded_policies_have_every_key(self, policy: LoadedPolicy) -> None:
        for each in policy.document.all_requirements:
            keys = getattr(each, "keys", None)
            assert keys is None or keys in policy.keyrings or keys in policy.public_keys


@given(strategies.mirrors())
def test_mirrors_are_read_back(table: Mirrors) -> None:
    for entry in table.urls:
        places = tuple(map(str, entry.to))
        assert parse_mirrors(str(entry.prefix), places).unwrap() == entry
    for named in table.names:
        written = tuple(place if isinstance(place, str) else place.text for place in named.to)
        assert parse_mirrors(named.prefix, written).unwrap() == named


class TestResults:
    """The parts of a value agree."""

    @settings(deadline=None)
    @given(strategies.located())
    def test_places_are_those_of_the_reference(self, located: Located) -> None:
        assert located.candidates
        for place in located.candidates:
            assert getattr(place, "reference", located.reference) == located.reference

    @settings(deadline=None)
    @given(strategies.downloaded())
    def test_contents_are_those_of_the_manifest(self, downloaded: Downloaded) -> None:
        sizes = [(each.descriptor.size, each.blob.size) for each in downloaded.contents]
        assert all(wanted == got for wanted, got in sizes)
        assert (downloaded.digest is None) == (downloaded.contents == ())

    @settings(deadline=None)
    @given(strategies.verified())
    def test_what_is_verified_was_signed(self, verified: Verified) -> None:
        assert verified.signers
        assert not isinstance(verified.downloaded.evidence, Unsigned)

    @settings(deadline=None)
    @given(strategies.extracted())
    def test_what_is_extracted_is_complete(self, extracted: Extracted) -> None:
        assert is_complete(extracted)
        if isinstance(extracted.manifest, OciImage):
            assert extracted.archive.size == len(extracted.manifest.raw)
        else:
            assert parse_manifest(extracted.manifest.raw).unwrap() == extracted.manifest


class TestErrors:
    """However bad the text in it is, an error is one that can be shown."""

    UNSAFE = frozenset(map(chr, range(32))) - {"\n"}

    @settings(deadline=None)
    @example(TooFewSigners(("\x1b[2J",), 2))
    @given(strategies.errors())
    def test_messages_are_safe(self, error: PipelineError) -> None:
        for text in (error.message, error.hint):
            assert text
            assert not self.UNSAFE & set(text)
            assert "\x7f" not in text
            text.encode()
        assert set(error.kind) <= set(string.ascii_lowercase + "-")
        assert error.exit_code.value in range(3, 12)

    @given(strategies.verification_errors())
    def test_families_are_their_own(self, error: VerificationError) -> None:
        assert error.exit_code.value == 6

    @given(strategies.events())
    def test_events_can_be_told(self, event: Event) -> None:
        assert repr(event)


class TestFaults:
    """A script of faults that pass ends in the whole body, another one in an error or in that."""

    URL = "https://example.com/app.aci"

    def fetch(self, body: bytes, script: tuple[Fault, ...], chunk_bytes: int) -> str | bytes:
        inner = MemoryTransport({self.URL: Page(body, etag='"v1"')}, chunk_bytes=chunk_bytes)
        clock = FixedClock()
        transport = RetryingTransport(FaultyTransport(inner, script), clock, jitter=lambda: 0.5)
        request = Request(self.URL, 10_000, 60.0, 10_000.0)
        outcome = fetch_document(transport, request)
        if is_successful(outcome):
            return outcome.unwrap().untrusted_body
        return outcome.failure().kind

    @given(
        st.binary(max_size=300),
        strategies.fault_scripts(max_size=RETRIES, max_bytes=300, passing=True),
        st.integers(1, 300),
    )
    def test_faults_that_pass(
        self, body: bytes, script: tuple[Fault, ...], chunk_bytes: int
    ) -> None:
        all_refused = bool(script) and all(each.kind == "unreachable" for each in script)
        assert all(each.is_passing for each in script)
        assert self.fetch(body, script, chunk_bytes) == body or all_refused

    @given(st.binary(max_size=300), strategies.fault_scripts(max_bytes=300))
    def test_any_faults(self, body: bytes, script: tuple[Fault, ...]) -> None:
        outcome = self.fetch(body, script, 7)
        assert outcome == body or outcome in {"http-status", "retries-exhausted"}

    @given(st.binary(min_size=1, max_size=300), strategies.faults(max_bytes=300))
    def test_a_fault_comes_once_and_after_so_many_bytes(self, body: bytes, fault: Fault) -> None:
        inner = MemoryTransport({self.URL: Page(body)})
        transport = FaultyTransport(inner, (fault,))
        request = Request(self.URL, 10_000, 60.0, 60.0)
        first = fetch_document(transport, request)
        is_late = fault.kind in {"cut", "silent", "slow"} and fault.after_bytes >= len(body)
        assert is_successful(first) == is_late
        if fault.kind == "refused":
            assert first.failure() == HttpStatus(self.URL, 403)
        assert fetch_document(transport, request).unwrap().untrusted_body == body
        assert transport.fetches == 2
