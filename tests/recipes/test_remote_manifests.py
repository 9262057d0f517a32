"""Registry images judged or looked at by their manifests, which no layer follows; all of an index.

The registry and the policy are those of the download stage's own tests.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from returns.result import Failure, Result, Success

from pipeline.adapters.memory import MemoryStore
from pipeline.digest import Digest
from pipeline.errors import (
    ConfigurationError,
    HttpStatus,
    InvalidDocument,
    KeystoreUnavailable,
    RequirementUnmet,
    Unproven,
    VerificationError,
)
from pipeline.oci import MANIFEST_TYPE, OciPlatform
from pipeline.ports import Admitted, LetThrough
from pipeline.recipes.every_platform import fetch_every_platform
from pipeline.recipes.fetcher import Fetcher
from pipeline.recipes.remote_manifests import inspect_remote, verify_remote
from pipeline.results import ManifestEvidence, Verified
from pipeline.testing.fakes import MemoryTransport
from pipeline.testing.oci import MadeImage, make_image, make_index
from tests.recipes.test_fetcher import Setting
from tests.stages.test_download_oci import (
    BASE,
    CONFIG,
    DECISION,
    IMAGE,
    REFERENCE,
    SIGNER,
    Policy,
    manifest_page,
    pages,
)

ARM = make_image({"c": b"arm"}, platform=OciPlatform("linux", "arm64"))
AMD = make_image({"c": b"amd"})
BROKEN = KeystoreUnavailable("/keys", "read", "denied")
"""What the configuration may fail with before anybody is asked."""


class LetsThrough(Policy):
    """Demands nothing."""

    def admit(
        self, evidence: ManifestEvidence, now: datetime
    ) -> Result[Admitted, VerificationError | ConfigurationError]:
        """Let it pass."""
        return Success(LetThrough("anything goes", DECISION))


class Asks:
    """A registry with one image, and a fetcher over it."""

    def __init__(self, maker_key: Any, image: MadeImage = IMAGE, **changes: Any) -> None:
        """Serve an image."""
        setting = Setting(maker_key)
        self.web = MemoryTransport(dict(pages(image)), chunk_bytes=1 << 20)
        self.fetcher: Fetcher = replace(
            setting.fetcher("update"),
            transport=self.web,
            store=MemoryStore(setting.clock),
            **changes,
        )

    def asked(self) -> list[str]:
        """Return which blobs were asked for."""
        return [each.url for each in self.web.requests if "/blobs/" in each.url]


def config_of(image: MadeImage) -> bytes:
    return next(raw for digest, raw in image.blobs.items() if b"rootfs" in raw)


class TestVerify:
    """By the manifest alone."""

    def test_proven(self, maker_key: Any) -> None:
        """Who signed, and by which rule; no layer has travelled."""
        asks = Asks(maker_key, policy=Policy())
        verified = verify_remote(asks.fetcher, REFERENCE).unwrap()
        assert isinstance(verified, Verified)
        assert (verified.signers, verified.decision) == ((SIGNER,), DECISION)
        assert asks.asked() == [f"{BASE}/blobs/{CONFIG}"]

    @pytest.mark.parametrize("policy", [None, LetsThrough()])
    def test_nobody_vouches(self, maker_key: Any, policy: Policy | None) -> None:
        """Without a policy, and by one that lets everything pass."""
        error = verify_remote(Asks(maker_key, policy=policy).fetcher, REFERENCE).failure()
        assert isinstance(error, Unproven)

    def test_refused(self, maker_key: Any) -> None:
        """The policy's error is the outcome."""
        asks = Asks(maker_key, policy=Policy(admits=frozenset[Digest]()))
        assert isinstance(verify_remote(asks.fetcher, REFERENCE).failure(), RequirementUnmet)


class TestInspect:
    """What an image is, whether or not somebody vouches for it: the result says which."""

    def test_proven(self, maker_key: Any) -> None:
        """Its documents, and nothing else of it."""
        asks = Asks(maker_key, policy=Policy())
        seen = inspect_remote(asks.fetcher, REFERENCE).unwrap()
        assert seen.refused is None
        assert (seen.config, seen.evidence.documents) == (config_of(IMAGE), (IMAGE.raw,))
        assert asks.asked() == [f"{BASE}/blobs/{CONFIG}"]

    def test_refused(self, maker_key: Any) -> None:
        """It is seen all the same, with what the policy says of it."""
        asks = Asks(maker_key, policy=Policy(admits=frozenset[Digest]()))
        seen = inspect_remote(asks.fetcher, REFERENCE).unwrap()
        assert isinstance(seen.refused, RequirementUnmet)
        assert seen.config == config_of(IMAGE)

    def test_no_policy(self, maker_key: Any) -> None:
        """Nobody vouches for it then."""
        seen = inspect_remote(Asks(maker_key).fetcher, REFERENCE).unwrap()
        assert seen.refused == Unproven(REFERENCE.string)

    def test_no_manifest(self, maker_key: Any) -> None:
        """Neither proven nor readable."""
        asks = Asks(maker_key, policy=Policy(admits=frozenset[Digest]()))
        asks.web.pages[f"{BASE}/manifests/1"] = manifest_page(b"junk", MANIFEST_TYPE)
        assert isinstance(inspect_remote(asks.fetcher, REFERENCE).failure(), InvalidDocument)


class TestEveryPlatform:
    """All images of an index, each for its own platform."""

    def test_each(self, maker_key: Any) -> None:
        """In the index' order."""
        asks = Asks(maker_key, make_index(ARM, AMD), policy=Policy())
        stored = fetch_every_platform(asks.fetcher, REFERENCE).unwrap()
        assert [each.image_id for each in stored] == [
            ARM.descriptor.digest,
            AMD.descriptor.digest,
        ]

    def test_one_image_is_all(self, maker_key: Any) -> None:
        """Where there is no index."""
        asks = Asks(maker_key, policy=Policy())
        (stored,) = fetch_every_platform(asks.fetcher, REFERENCE).unwrap()
        assert stored.image_id == IMAGE.descriptor.digest

    def test_the_first_failure_is_the_outcome(self, maker_key: Any) -> None:
        """Those before it stay."""
        asks = Asks(maker_key, make_index(AMD, ARM), policy=Policy())
        del asks.web.pages[f"{BASE}/manifests/{ARM.descriptor.digest}"]
        error = fetch_every_platform(asks.fetcher, REFERENCE).failure()
        assert isinstance(error, HttpStatus)

    def test_nothing_there(self, maker_key: Any) -> None:
        """What the registry says."""
        asks = Asks(maker_key, policy=Policy())
        asks.web.pages.clear()
        error = fetch_every_platform(asks.fetcher, REFERENCE).failure()
        assert isinstance(error, HttpStatus)


@pytest.mark.parametrize("recipe", [verify_remote, inspect_remote, fetch_every_platform])
def test_nobody_is_asked_before_the_configuration_is_read(maker_key: Any, recipe: Any) -> None:
    asks = Asks(maker_key, policy=Policy(), prepare=lambda: Failure(BROKEN))
    assert recipe(asks.fetcher, REFERENCE).failure() == BROKEN
    assert asks.web.requests == []
