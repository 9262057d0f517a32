"""How slowly a body may come, and how fast."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters.http.rates import LeastRate, RateLimit
from pipeline.limits import LEAST_RATE_SECONDS
from pipeline.testing.fakes import FixedClock

waits = st.floats(0.0, 100.0)
rates = st.integers(1, 10_000)


class TestLeastRate:
    @given(rates, st.lists(waits))
    def test_who_keeps_the_rate_is_never_too_slow(self, wanted: int, gaps: list[float]) -> None:
        judge = LeastRate(wanted)
        for gap in gaps:
            assert judge.too_slow(int(gap * wanted) + 1, gap) is None

    @given(rates, st.lists(st.floats(0.1, 100.0), min_size=1))
    def test_who_never_does_is_found_out_in_two_spans(self, wanted: int, gaps: list[float]) -> None:
        """At half the rate throughout, however unevenly in time."""
        judge, passed = LeastRate(wanted), 0.0
        for gap in gaps * (int(LEAST_RATE_SECONDS / sum(gaps)) + 1):
            passed += gap
            found = judge.too_slow(int(gap * wanted / 2), gap)
            if found is not None:
                assert found <= wanted / 2
                assert passed >= LEAST_RATE_SECONDS
                return
        assert passed < LEAST_RATE_SECONDS + 100.0

    def test_a_burst_does_not_pay_for_ever(self) -> None:
        judge = LeastRate(10)
        assert judge.too_slow(1_000_000, 0.0) is None
        answers = [judge.too_slow(1, LEAST_RATE_SECONDS) for _ in range(2)]
        assert answers == [None, 1 / LEAST_RATE_SECONDS]

    @given(st.lists(st.tuples(st.integers(0, 10), waits)))
    def test_nothing_demanded(self, chunks: list[tuple[int, float]]) -> None:
        judge = LeastRate(0)
        assert all(judge.too_slow(*each) is None for each in chunks)


class TestRateLimit:
    @given(rates, st.lists(st.tuples(st.integers(0, 5_000), st.floats(0.0, 3.0))))
    def test_no_time_sees_more_than_the_rate(
        self, rate: int, asked: list[tuple[int, float]]
    ) -> None:
        """Between any two moments; what is let through counts when it is."""
        clock, limit, passed = FixedClock(), RateLimit(rate), list[tuple[float, int]]()
        for count, pause in asked:
            clock.advance(pause)
            clock.sleep(limit.wait_for(count, clock.monotonic()))
            passed.append((clock.monotonic(), count))
        for start in range(len(passed)):
            since = passed[start][0] - passed[start][1] / rate
            for end in range(start, len(passed)):
                seconds = passed[end][0] - since
                total = sum(count for _, count in passed[start : end + 1])
                assert total <= seconds * rate + 1 + total * 1e-3

    @given(rates, st.lists(st.integers(0, 5_000)))
    def test_and_who_asks_at_once_sees_all_of_it(self, rate: int, counts: list[int]) -> None:
        clock, limit = FixedClock(), RateLimit(rate)
        for count in counts:
            clock.sleep(limit.wait_for(count, clock.monotonic()))
        assert abs(clock.monotonic() - sum(counts) / rate) < 0.001 * (1 + len(counts))

    @given(rates, st.binary(max_size=5_000))
    def test_pieces_are_the_chunk(self, rate: int, chunk: bytes) -> None:
        pieces = list(RateLimit(rate).pieces(chunk))
        assert b"".join(pieces) == chunk
        assert all(len(each) <= max(1, rate // 4) for each in pieces)

    def test_threads_share_it(self) -> None:
        limit, waits = RateLimit(1000), list[float]()

        def ask() -> None:
            waits.extend(limit.wait_for(10, 0.0) for _ in range(200))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(waits)) == 800
        assert abs(max(waits) - 8.0) < 0.001
