"""Stages form a category: joining is associative, and agrees with doing one after the other."""

from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.stage import Stage, first_success


def _affine(factor: int, offset: int, forbidden: int) -> Stage[int, int, int]:
    def run(number: int) -> Result[int, int]:
        result = factor * number + offset
        return Failure(result) if result % 7 == forbidden else Success(result)

    return Stage(f"{factor}n+{offset}", run)


stages = st.builds(_affine, st.integers(-3, 3), st.integers(-9, 9), st.integers(0, 6))


class TestJoining:
    """``(a >> b) >> c`` is ``a >> (b >> c)``."""

    @given(stages, stages, stages, st.integers())
    def test_is_associative(
        self,
        first: Stage[int, int, int],
        second: Stage[int, int, int],
        third: Stage[int, int, int],
        value: int,
    ) -> None:
        left, right = (first >> second) >> third, first >> (second >> third)
        assert left(value) == right(value)
        assert left.name == right.name

    @given(stages, stages, st.integers())
    def test_agrees_with_bind(
        self, first: Stage[int, int, int], second: Stage[int, int, int], value: int
    ) -> None:
        assert (first >> second)(value) == first(value).bind(second)


class TestFallback:
    """The first success of a list, or all its failures."""

    @given(stages, st.lists(st.integers()).map(tuple))
    def test_is_the_first_success_or_every_cause(
        self, stage: Stage[int, int, int], values: tuple[int, ...]
    ) -> None:
        each = [stage(value) for value in values]
        successes = [outcome for outcome in each if is_successful(outcome)]
        tried = first_success(
            stage, lambda items: items, lambda _, causes: causes, retryable=lambda _: True
        )(values)
        assert tried == (
            successes[0] if successes else Failure(tuple(outcome.failure() for outcome in each))
        )
