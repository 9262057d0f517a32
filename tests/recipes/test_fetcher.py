"""The Fetcher's policy: what is asked of whom, and that trust is never older than today.

Everything is in memory but the signatures, which are real.
"""

import gzip
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.appc import AppcDiscovery
from pipeline.adapters.memory import MemoryStore
from pipeline.adapters.openpgp import OpenPGPVerifier
from pipeline.errors import ConfigurationError, DiskFull, PipelineError
from pipeline.events import Noticed, StageEnded
from pipeline.names import ImageName, Platform, parse_image_name
from pipeline.recipes.dependencies import fetch_dependencies
from pipeline.recipes.fetcher import Fetcher
from pipeline.recipes.settings import PullPolicy
from pipeline.reference import Reference
from pipeline.results import NoProof, SignatureProof, Stored
from pipeline.stages.parse import parse_reference
from pipeline.testing.fakes import (
    EventLog,
    FixedClock,
    MemoryPaths,
    MemoryTransport,
    Page,
    StaticKeyring,
)
from pipeline.trust import Fingerprint, KeyEntry, KeySet, SignerPolicy, TrustedKey, TrustScope
from tests.support.world import LABELS, make_image, make_key, sign

PAGE = (
    '<meta name="ac-discovery" content="example.com https://a.example.com/{name}-{version}.{ext}">'
    '<meta name="ac-discovery" content="example.com https://b.example.com/{name}-{version}.{ext}">'
)
IMAGE = "https://a.example.com/example.com/app-1.2.0.aci"
MIRROR = IMAGE.replace("//a.", "//b.")
APP = "example.com/app:1.2.0"


def trusted(
    key: Any, prefix: str | None = "example.com", content: bytes | None = None
) -> TrustedKey:
    keyring = bytes(key.pubkey) if content is None else content
    entry = KeyEntry(
        "local",
        None if prefix is None else name(prefix),
        Fingerprint(str(key.fingerprint).replace(" ", "").lower()),
        f"trustedkeys/{key.fingerprint}",
        content_sha256=str(hash(keyring)),
    )
    return TrustedKey(entry, keyring)


def name(text: str) -> ImageName:
    return parse_image_name(text).unwrap()


def reference(text: str) -> Reference:
    return parse_reference(MemoryPaths())(text).unwrap()


@dataclass(frozen=True, slots=True)
class Masking:
    keys: KeySet

    def keys_for(self, scope: TrustScope) -> Result[KeySet, ConfigurationError]:
        return Success(self.keys)


@dataclass(slots=True)
class Setting:
    """A Fetcher whose world is a table of pages."""

    key: Any
    clock: FixedClock = field(
        # A minute on: keys and signatures that a test makes are not from the future.
        default_factory=lambda: FixedClock(datetime.now(UTC) + timedelta(minutes=1))
    )
    pages: dict[str, Any] = field(default_factory=dict)
    keys: tuple[TrustedKey, ...] = ()
    log: EventLog = field(default_factory=EventLog)
    web: MemoryTransport = field(init=False)
    store: MemoryStore = field(init=False)

    def __post_init__(self) -> None:
        self.web = MemoryTransport(self.pages, self.clock, chunk_bytes=1000)
        self.store = MemoryStore(self.clock)
        self.keys = (trusted(self.key),)

    def fetcher(self, policy: PullPolicy = "update", *, unsigned: str | None = None) -> Fetcher:
        return Fetcher(
            transport=self.web,
            discovery=AppcDiscovery(self.web, observer=self.log),
            keyring=StaticKeyring(self.keys),
            verifier=OpenPGPVerifier(),
            store=self.store,
            clock=self.clock,
            observer=self.log,
            platform=Platform("linux", "amd64"),
            pull_policy=policy,
            unsigned_reason=unsigned,
        )

    def publish(self, app: str = "app", image: bytes | None = None, **page: Any) -> bytes:
        body = make_image(f"example.com/{app}") if image is None else image
        url = IMAGE.replace("/app-", f"/{app}-")
        self.pages[f"https://example.com/{app}?ac-discovery=1"] = Page(PAGE.encode())
        self.pages[url] = Page(body, **page)
        self.pages[f"{url}.asc"] = Page(sign(self.key, body))
        return body

    def fetch(
        self, text: str = APP, policy: PullPolicy = "update", unsigned: str | None = None
    ) -> Stored:
        outcome = self.fetcher(policy, unsigned=unsigned).fetch_image(reference(text))
        assert is_successful(outcome), outcome.failure().message
        return outcome.unwrap()

    def refuse(
        self, text: str = APP, policy: PullPolicy = "update", unsigned: str | None = None
    ) -> PipelineError:
        outcome = self.fetcher(policy, unsigned=unsigned).fetch_image(reference(text))
        assert not is_successful(outcome)
        return outcome.failure()

    def asked(self) -> list[str]:
        """Return the URLs asked for since the last call, without discovery's."""
        urls = [each.url for each in self.web.requests if "ac-discovery" not in each.url]
        self.web.requests.clear()
        return urls


@pytest.fixture
def setting(maker_key: Any) -> Setting:
    setting = Setting(maker_key)
    setting.publish()
    return setting


class TestMainJob:
    """A name is found, its image verified and stored."""

    def test_stores_with_proof(self, setting: Setting) -> None:
        stored = setting.fetch()
        assert stored.outcome == "new"
        assert isinstance(stored.provenance, SignatureProof)
        assert stored.provenance.signers[0].granted_by == setting.keys[0].entry
        assert setting.asked() == [f"{IMAGE}.asc", IMAGE]

    def test_the_store_keeps_what_was_signed(self, setting: Setting) -> None:
        body = setting.publish()
        stored = setting.fetch()
        with setting.store.open_archive(stored.image_id).unwrap() as archive:
            assert archive.read() == gzip.decompress(body)

    def test_nothing_is_left_in_quarantine(self, setting: Setting) -> None:
        setting.pages[IMAGE] = Page(b"tampered")
        assert setting.refuse().kind == "bad-signature"
        assert setting.store.list_images().unwrap() == ()

    @pytest.mark.parametrize(("error", "kept"), [(DiskFull("/store"), True), (None, False)])
    def test_a_full_disk_costs_no_second_transfer(
        self, setting: Setting, monkeypatch: pytest.MonkeyPatch, error: DiskFull | None, kept: bool
    ) -> None:
        """What came is as good as it was; an image that was judged, ill too, is not kept."""
        setting.publish(etag='"v1"')
        if error is None:
            setting.pages[IMAGE] = Page(b"tampered", etag='"v1"')
        else:
            monkeypatch.setattr(MemoryStore, "commit", lambda _, extracted: Failure(error))
        assert setting.refuse().kind == ("disk-full" if kept else "bad-signature")
        with setting.store.quarantine() as opened:
            held = opened.unwrap().resume(IMAGE, 0).unwrap()
            assert (held.resume_point() is not None) is kept

    def test_unknown_signer_is_refused_before_the_image_is_asked_for(
        self, setting: Setting
    ) -> None:
        setting.keys = (trusted(make_key("Somebody Else")),)
        assert setting.refuse().kind == "unknown-signer"
        assert setting.asked() == [f"{IMAGE}.asc"]

    def test_nothing_inside_is_parsed_before_the_signature_is_verified(
        self, setting: Setting
    ) -> None:
        # Not even an archive: if anything looked inside, the failure would be an image error.
        setting.publish(image=b"not an archive")
        setting.pages[f"{IMAGE}.asc"] = Page(sign(setting.key, b"another file"))
        assert setting.refuse().kind == "bad-signature"


class TestCandidates:
    """Every endpoint is tried, but bad signatures end the search."""

    def test_a_later_endpoint_is_tried(self, setting: Setting) -> None:
        setting.pages[MIRROR] = setting.pages.pop(IMAGE)
        setting.pages[f"{MIRROR}.asc"] = setting.pages.pop(f"{IMAGE}.asc")
        assert setting.fetch().source == MIRROR

    def test_every_cause_is_kept(self, setting: Setting) -> None:
        del setting.pages[IMAGE], setting.pages[f"{IMAGE}.asc"]
        error = setting.refuse()
        assert error.kind == "all-candidates-failed"
        assert "//a.example.com" in error.message
        assert "//b.example.com" in error.message

    def test_a_bad_signature_is_final(self, setting: Setting) -> None:
        setting.pages[MIRROR] = setting.pages[IMAGE]
        setting.pages[f"{MIRROR}.asc"] = setting.pages[f"{IMAGE}.asc"]
        setting.pages[IMAGE] = Page(make_image(content=b"evil"))
        assert setting.refuse().kind == "bad-signature"
        assert MIRROR not in setting.asked()


class TestPullPolicies:
    """never: the store; new: the store, then the remote; update: the remote."""

    def test_never_asks_nobody(self, setting: Setting) -> None:
        assert setting.refuse(policy="never").kind == "image-not-found"
        fetched = setting.fetch()
        setting.web.requests.clear()
        assert setting.fetch(policy="never").image_id == fetched.image_id
        assert setting.web.requests == []

    def test_new_asks_only_for_what_is_not_there(self, setting: Setting) -> None:
        setting.fetch(policy="new")
        setting.web.requests.clear()
        setting.fetch(policy="new")
        assert setting.web.requests == []

    def test_update_fails_where_the_remote_does(self, setting: Setting) -> None:
        setting.fetch()
        setting.pages.clear()
        assert setting.refuse().kind == "discovery-failed"
        assert setting.fetch(policy="new").name == "example.com/app"

    def test_what_was_signed_earlier_than_before_is_reported(self, setting: Setting) -> None:
        """Threat 24, of archives: of what one URL gives, one after another."""
        old = setting.publish()
        assert setting.fetch().older_signature is None
        newer = setting.publish(image=make_image("example.com/app", content=b"newer"))
        later = datetime.now(UTC) + timedelta(seconds=30)
        signature = setting.key.sign(newer, created=later)
        setting.pages[f"{IMAGE}.asc"] = Page(str(signature).encode())
        before = setting.fetch()
        assert before.older_signature is None
        setting.publish(image=old)
        older = setting.fetch().older_signature
        assert older is not None
        assert older.image_id == before.image_id
        assert older.signed_before == later.replace(microsecond=0)
        noticed = [each.kind for each in setting.log.events if isinstance(each, Noticed)]
        assert noticed.count("older-signature") == 1

    def test_update_takes_what_is_newer(self, setting: Setting) -> None:
        before = setting.fetch()
        setting.publish(image=make_image(content=b"newer"))
        assert setting.fetch().image_id != before.image_id

    def test_a_name_in_the_store_is_for_this_platform(self, setting: Setting) -> None:
        setting.publish(image=make_image(labels=LABELS))
        setting.fetch()
        other = replace(setting.fetcher("never"), platform=Platform("linux", "aarch64"))
        assert not is_successful(other.fetch_image(reference(APP)))

    def test_an_image_id_is_looked_up_whatever_the_policy(self, setting: Setting) -> None:
        stored = setting.fetch()
        setting.web.requests.clear()
        assert setting.fetch(stored.image_id.image_id[:15]).image_id == stored.image_id
        assert setting.web.requests == []


class TestFreshness:
    """max-age spares the request, an ETag spares the body."""

    def test_fresh_images_are_not_asked_for(self, setting: Setting) -> None:
        setting.publish(max_age_seconds=60)
        setting.fetch()
        setting.asked()
        setting.clock.advance(59)
        assert setting.fetch().outcome == "unchanged"
        assert setting.asked() == []
        setting.clock.advance(1)
        setting.fetch()
        assert setting.asked() == [f"{IMAGE}.asc", IMAGE]

    def test_a_304_serves_what_is_stored_and_refreshes_it(self, setting: Setting) -> None:
        setting.publish(etag='"1"', max_age_seconds=60)
        first = setting.fetch()
        setting.clock.advance(61)
        again = setting.fetch()
        assert (again.outcome, again.image_id) == ("unchanged", first.image_id)
        setting.asked()
        setting.clock.advance(59)
        setting.fetch()
        assert setting.asked() == []

    def test_a_url_that_now_serves_another_version_is_not_a_hit(self, setting: Setting) -> None:
        setting.publish(max_age_seconds=60)
        page = PAGE.replace("-{version}", "-1.2.0").encode()
        setting.pages["https://example.com/app?ac-discovery=1"] = Page(page)
        setting.fetch()
        assert setting.refuse("example.com/app:9").kind == "label-mismatch"

    def test_a_304_does_not_serve_what_took_the_urls_place_meanwhile(
        self, setting: Setting
    ) -> None:
        setting.publish("other")
        other = setting.fetch("example.com/other:1.2.0")
        body = setting.publish(etag='"1"')

        def replaced(asked: int) -> Page:
            if asked:
                _, *others = setting.store._remotes[IMAGE]
                setting.store._remotes[IMAGE] = (other.image_id, *others)  # type: ignore[assignment] # unpacked
            return Page(body, etag='"1"')

        setting.pages[IMAGE] = replaced
        first = setting.fetch()
        # It is fetched anew, under its own name.
        again = setting.fetch()
        assert (again.image_id, again.name) == (first.image_id, "example.com/app")

    def test_what_is_removed_while_the_server_is_asked_is_fetched_anew(
        self, setting: Setting
    ) -> None:
        body = setting.publish(etag='"1"')

        def removed(asked: int) -> Page:
            if asked == 1:
                setting.store.remove(first.image_id).unwrap()
            return Page(body, etag='"1"')

        setting.pages[IMAGE] = removed
        first = setting.fetch()
        again = setting.fetch()
        assert (again.image_id, again.outcome) == (first.image_id, "new")
        assert setting.asked().count(IMAGE) == 3


class TestNamedSignature:
    """A signature that somebody names is judged, whatever is stored."""

    @pytest.mark.parametrize("policy", ["new", "update"])
    def test_is_judged(self, setting: Setting, policy: PullPolicy) -> None:
        setting.publish(max_age_seconds=60, etag='"1"')
        setting.fetch()
        elsewhere = "https://c.example.com/other.asc"
        setting.pages[elsewhere] = Page(sign(setting.key, b"another file"))
        outcome = setting.fetcher(policy).fetch_image(reference(APP), signature=elsewhere)
        assert outcome.failure().kind == "bad-signature"


class TestTrustIsTodays:
    """A stored image counts only as far as today's keys prove it."""

    def test_unverified_images_are_not_served_to_those_who_demand_more(
        self, setting: Setting
    ) -> None:
        setting.publish(max_age_seconds=3600, etag='"1"')
        unverified = setting.fetch(unsigned="on purpose")
        assert unverified.provenance == NoProof("on purpose")
        assert setting.refuse(policy="never").kind == "unproven"
        setting.asked()
        for policy in ("new", "update"):
            fetched = setting.fetch(policy=policy)
            assert isinstance(fetched.provenance, SignatureProof)
        # Fetched once, unconditionally, although it was fresh and had an ETag.
        assert setting.asked() == [f"{IMAGE}.asc", IMAGE]

    def test_verified_images_are_served_to_those_who_demand_less(self, setting: Setting) -> None:
        setting.fetch()
        stored = setting.fetch(policy="never", unsigned="on purpose")
        assert isinstance(stored.provenance, SignatureProof)

    def test_a_key_that_is_not_trusted_any_more_proves_nothing(self, setting: Setting) -> None:
        setting.publish(max_age_seconds=3600)
        stored = setting.fetch()
        setting.keys = ()
        assert setting.refuse(policy="never").kind == "unknown-signer"
        assert setting.refuse(stored.image_id.image_id).kind == "unknown-signer"
        assert setting.refuse(policy="new").kind == "unknown-signer"
        assert setting.refuse().kind == "unknown-signer"

    def test_a_key_for_other_names_proves_nothing(self, setting: Setting) -> None:
        setting.fetch()
        setting.keys = (trusted(setting.key, "example.com/ap"),)
        assert setting.refuse(policy="never").kind == "unknown-signer"

    def test_a_changed_key_file_has_the_signature_judged_again(self, setting: Setting) -> None:
        setting.fetch()
        renewed = trusted(setting.key, None, content=str(setting.key.pubkey).encode())
        setting.keys = (renewed,)
        stored = setting.fetch(policy="never")
        assert isinstance(stored.provenance, SignatureProof)
        assert stored.provenance.signers[0].granted_by == renewed.entry

    def test_a_revocation_that_came_in_another_file_counts(self, setting: Setting) -> None:
        setting.fetch()
        revoked = copy(setting.key.pubkey)
        revoked |= setting.key.revoke(setting.key)
        other = make_key("Somebody Else")
        content = bytes(other.pubkey) + bytes(revoked)
        setting.keys = (*setting.keys, trusted(other, content=content))
        assert setting.refuse(policy="never").kind == "unusable-key"

    def test_a_key_that_was_masked_since_proves_nothing(self, setting: Setting) -> None:
        # The file that vouches is named by one key and holds two.
        other = make_key("Somebody Else")
        content = bytes(other.pubkey) + bytes(setting.key.pubkey)
        setting.keys = (trusted(other, content=content),)
        setting.fetch()
        masked = frozenset({trusted(setting.key).entry.fingerprint})
        keyring = Masking(KeySet(setting.keys, masked=masked))
        fetcher = replace(setting.fetcher("never"), keyring=keyring)
        outcome = fetcher.fetch_image(reference(APP))
        assert outcome.failure().kind == "unknown-signer"

    def test_the_signer_must_be_trusted_for_the_images_own_name(self, setting: Setting) -> None:
        url = "https://elsewhere.example.net/app.aci"
        body = make_image("example.com/app")
        setting.pages |= {url: Page(body), f"{url}.asc": Page(sign(setting.key, body))}
        assert setting.fetch(url).name == "example.com/app"
        setting.keys = (trusted(setting.key, "example.com/other"),)
        assert setting.refuse(url).kind == "signer-not-trusted-for-name"


class TestThreshold:
    """Several distinct keys must have signed, where that is demanded."""

    def sign_twice(self, setting: Setting) -> None:
        body = setting.publish(max_age_seconds=60)
        second = make_key("Second")
        signature = bytes(setting.key.sign(body)) + bytes(second.sign(body))
        setting.pages[f"{IMAGE}.asc"] = Page(signature)
        setting.keys = (trusted(setting.key), trusted(second, "example.com/app"))

    def fetch(self, setting: Setting, policy: SignerPolicy, text: str = APP) -> Result[Any, Any]:
        fetcher = replace(setting.fetcher(), signers=policy)
        return fetcher.fetch_image(reference(text))

    def test_one_is_too_few(self, setting: Setting) -> None:
        for policy in (SignerPolicy(2), SignerPolicy(by_prefix=((name("example.com"), 2),))):
            assert self.fetch(setting, policy).failure().kind == "too-few-signers"
        assert setting.store.list_images().unwrap() == ()

    def test_two_are_enough(self, setting: Setting) -> None:
        self.sign_twice(setting)
        stored = self.fetch(setting, SignerPolicy(2)).unwrap()
        assert len(stored.provenance.signers) == 2
        assert self.fetch(setting, SignerPolicy(3)).failure().kind == "too-few-signers"

    def test_a_stored_image_has_to_have_as_many(self, setting: Setting) -> None:
        setting.publish(max_age_seconds=60)
        setting.fetch()
        outcome = self.fetch(setting, SignerPolicy(2))
        assert outcome.failure().kind == "too-few-signers"

    def test_a_url_is_held_to_what_its_images_name_demands(self, setting: Setting) -> None:
        policy = SignerPolicy(by_prefix=((name("example.com/app"), 2),))
        assert self.fetch(setting, policy, IMAGE).failure().kind == "too-few-signers"
        self.sign_twice(setting)
        assert is_successful(self.fetch(setting, policy, IMAGE))

    def test_only_signers_trusted_for_the_name_are_counted(self, setting: Setting) -> None:
        self.sign_twice(setting)
        first, second = setting.keys
        other = replace(second, entry=replace(second.entry, prefix=name("example.com/other")))
        setting.keys = (first, other)
        assert self.fetch(setting, SignerPolicy(2), IMAGE).failure().kind == "too-few-signers"


def depending_on(*dependencies: Mapping[str, object], app: str = "app") -> bytes:
    return make_image(f"example.com/{app}", dependencies=dependencies)


def on(app: str, **demands: object) -> Mapping[str, object]:
    return {"imageName": f"example.com/{app}", **demands}


VERSION = {"labels": [{"name": "version", "value": "1.2.0"}]}


class TestDependencies:
    """What an image lies upon comes with it, once, and is what its parent demands."""

    def below(self, setting: Setting) -> list[str]:
        parent = setting.fetch()
        setting.asked()
        outcome = fetch_dependencies(setting.fetcher(), parent)
        assert is_successful(outcome), outcome.failure().message
        return [stored.name for stored in outcome.unwrap()]

    def failure(self, setting: Setting) -> PipelineError:
        return fetch_dependencies(setting.fetcher(), setting.fetch()).failure()

    def test_all_levels_each_once(self, setting: Setting) -> None:
        setting.publish(image=depending_on(on("b", **VERSION), on("c", **VERSION)))
        setting.publish("b", depending_on(on("d", **VERSION), app="b"))
        setting.publish("c", depending_on(on("d", **VERSION), app="c"))
        setting.publish("d")
        assert self.below(setting) == ["example.com/b", "example.com/c", "example.com/d"]
        assert len(setting.asked()) == 6

    def test_cycles_end(self, setting: Setting) -> None:
        setting.publish(image=depending_on(on("b", **VERSION)))
        setting.publish("b", depending_on(on("app", **VERSION), app="b"))
        assert self.below(setting) == ["example.com/b", "example.com/app"]

    def test_too_many(self, setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pipeline.recipes.dependencies.DEPENDENCIES", 1)
        setting.publish(image=depending_on(on("b", **VERSION), on("c", **VERSION)))
        setting.publish("b")
        setting.publish("c")
        assert self.failure(setting).kind == "too-many-dependencies"

    def test_too_deep(self, setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pipeline.recipes.dependencies.DEPENDENCY_DEPTH", 1)
        setting.publish(image=depending_on(on("b", **VERSION)))
        setting.publish("b", depending_on(on("c", **VERSION), app="b"))
        setting.publish("c")
        assert self.failure(setting).kind == "too-many-dependencies"

    def test_each_is_verified_under_its_own_name(self, setting: Setting) -> None:
        setting.publish(image=depending_on(on("b", **VERSION)))
        setting.publish("b")
        setting.keys = (trusted(setting.key, "example.com/app"),)
        assert self.failure(setting).kind == "unknown-signer"

    def test_the_image_id_is_enforced(self, setting: Setting) -> None:
        setting.publish(image=depending_on(on("b", imageID=f"sha512-{'0' * 128}", **VERSION)))
        setting.publish("b")
        assert self.failure(setting).kind == "image-id-mismatch"

    def test_what_has_the_image_id_is_not_asked_for(self, setting: Setting) -> None:
        setting.publish("b")
        stored = setting.fetch("example.com/b:1.2.0")
        demand = on("b", imageID=stored.image_id.image_id, **VERSION)
        setting.publish(image=depending_on(demand))
        assert self.below(setting) == ["example.com/b"]
        assert setting.asked() == []

    def test_the_size_is_enforced(self, setting: Setting) -> None:
        setting.publish(image=depending_on(on("b", size=7, **VERSION)))
        setting.publish("b")
        assert self.failure(setting).kind == "size-mismatch"

    def test_a_missing_one_fails_the_fetch(self, setting: Setting) -> None:
        setting.publish(image=depending_on(on("missing", **VERSION)))
        assert self.failure(setting).kind == "discovery-failed"


class TestEvents:
    """An observer sees every stage begin and end."""

    @pytest.mark.parametrize("policy", ["new", "update"])
    def test_none_holds_a_secret(self, setting: Setting, policy: PullPolicy) -> None:
        url = "https://elsewhere.example.net/app.aci?token=s3cret"
        body = make_image("example.com/app")
        signature = Page(sign(setting.key, body))
        setting.pages |= {url: Page(body), url.replace(".aci", ".aci.asc"): signature}
        setting.fetch(url, policy)
        setting.fetch(url, policy)
        assert "app.aci?token=…" in repr(setting.log.events)
        assert "s3cret" not in repr(setting.log.events)

    def test_stages_in_order(self, setting: Setting) -> None:
        setting.fetch()
        ended = [each.stage for each in setting.log.events if isinstance(each, StageEnded)]
        assert ended == ["discover", "download", "verify", "extract", "store", "fetch"]

    def test_failures_have_a_kind(self, setting: Setting) -> None:
        setting.pages[IMAGE] = Page(b"tampered")
        setting.refuse()
        kinds = [each.error_kind for each in setting.log.events if isinstance(each, StageEnded)]
        assert kinds == [None, None, "bad-signature", "bad-signature"]
