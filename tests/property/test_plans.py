"""Plans of fetches: every blob has one carrier, which nobody who needs it overtakes."""

import time

from hypothesis import given
from hypothesis import strategies as st

from pipeline.digest import Digest
from pipeline.recipes.mirroring.plan import plan_fetches

BLOBS = [(Digest("sha256", f"{n:064x}"), n + 1) for n in range(8)]


@given(st.lists(st.lists(st.sampled_from(BLOBS), unique=True), max_size=12))
def test_the_first_carries_and_the_others_wait_for_it(
    lacking: list[list[tuple[Digest, int]]],
) -> None:
    plan = plan_fetches(lacking)
    distinct = {blob for blobs in lacking for blob in blobs}
    assert (plan.blobs, plan.size) == (len(distinct), sum(size for _, size in distinct))
    assert len(plan.after) == len(lacking)
    first = {blob: next(n for n, blobs in enumerate(lacking) if blob in blobs) for blob in distinct}
    for place, blobs in enumerate(lacking):
        assert plan.after[place] == tuple(sorted({first[blob] for blob in blobs} - {place}))
        assert all(earlier < place for earlier in plan.after[place])


def test_a_hundred_thousand_images_are_planned_in_seconds() -> None:
    def blob(number: int) -> tuple[Digest, int]:
        return Digest("sha256", f"{number:064x}"), 1

    shared = [blob(n) for n in range(1_000)]
    lacking = [
        [shared[0], *(shared[(n + k) % 1_000] for k in (1, 7, 31)), blob(1_000 + n)]
        for n in range(100_000)
    ]
    began = time.process_time()
    plan = plan_fetches(lacking)
    assert time.process_time() - began < 10
    assert plan.blobs == plan.size == 101_000
