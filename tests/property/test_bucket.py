"""The store in a bucket answers as the one in memory, whatever is done and wherever it stops."""

import copy
from contextlib import ExitStack, suppress
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from returns.pipeline import is_successful

from pipeline.adapters.memory import MemoryStore
from pipeline.results import Freshness, Validators
from pipeline.testing.conformance import put
from pipeline.testing.fakes import FixedClock
from pipeline.testing.oci_samples import OciSample
from pipeline.testing.samples import Sample
from tests.adapters.bucket_world import MemoryObjects, assert_sound, stopping_at, store_over
from tests.adapters.store_world import quick_folder
from tests.property.test_store import URLS, any_samples, everything, seconds


class BucketMachine(RuleBasedStateMachine):
    """Everything that is done to a store, and stops, against the store in memory as the model."""

    def __init__(self) -> None:
        super().__init__()
        self.leaving = ExitStack()
        self.folder = self.leaving.enter_context(quick_folder())
        self.clock = FixedClock()
        self.objects = MemoryObjects()
        self.model = MemoryStore(self.clock)
        self.store = store_over(self.objects, self.folder, self.clock)

    def teardown(self) -> None:
        self.leaving.close()

    @rule(sample=any_samples, seconds=seconds)
    def commit(self, sample: Sample | OciSample, seconds: int) -> None:
        self.clock.advance(seconds)
        now = self.clock.now()
        assert put(self.store, sample, now) == put(self.model, sample, now)

    @rule(sample=any_samples)
    def remove(self, sample: Sample | OciSample) -> None:
        assert self.store.remove(sample.image_id) == self.model.remove(sample.image_id)

    @rule(url=st.sampled_from(URLS), etag=st.none() | st.just("e"), seconds=seconds)
    def refresh(self, url: str, etag: str | None, seconds: int) -> None:
        self.clock.advance(seconds)
        freshness = Freshness(self.clock.now(), seconds)
        for store in (self.store, self.model):
            assert is_successful(store.refresh(url, Validators(etag), freshness))

    @rule(sample=any_samples, number=st.integers(min_value=1, max_value=40), removes=st.booleans())
    def stop(self, sample: Sample | OciSample, number: int, removes: bool) -> None:
        """Stop a change before one of its requests; it happened wholly or not at all."""
        stopping = store_over(stopping_at(self.objects, number), self.folder, self.clock)
        after = copy.deepcopy(self.model)
        now = self.clock.now()
        if removes:
            after.remove(sample.image_id)
        else:
            put(after, sample, now)
        with suppress(KeyboardInterrupt):
            if removes:
                stopping.remove(sample.image_id)
            else:
                put(stopping, sample, now)
        found, before, wanted = (everything(each) for each in (self.store, self.model, after))
        if found == wanted or found == replace(wanted, remembered=before.remembered):
            # The clock that moves on is the machine's own, not its copy.
            self.model = replace(after, clock=self.clock)
            if found != wanted:
                # What the URL gave is noted last; whoever asks it again notes it.
                put(self.store, sample, now)
        else:
            assert found == before

    @rule()
    def reopen(self) -> None:
        self.store = store_over(self.objects, self.folder, self.clock)

    @invariant()
    def answers_are_the_same(self) -> None:
        assert everything(self.store) == everything(self.model)

    @invariant()
    def objects_are_sound(self) -> None:
        assert_sound(self.objects)


TestBucket = BucketMachine.TestCase
# Each example is a whole history, so there are fewer of them than of other properties.
TestBucket.settings = settings(max_examples=settings().max_examples // 7, stateful_step_count=15)
