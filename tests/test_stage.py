"""Stages compose, stop at the first failure, fall back with every cause, and can be watched."""

import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError

import pytest
from returns.result import Failure, Result, Success

from pipeline.stage import Stage, first_success, tap


def _half(number: int) -> Result[int, str]:
    return Success(number // 2) if number % 2 == 0 else Failure(f"{number} is odd")


def _words(number: int) -> Result[str, KeyError]:
    return Success("x" * number) if number < 10 else Failure(KeyError(number))


def _items(numbers: tuple[int, ...]) -> tuple[int, ...]:
    return numbers


def _gather(numbers: tuple[int, ...], causes: tuple[str, ...]) -> list[str]:
    return [f"{len(numbers)} tried", *causes]


HALF = Stage("half", _half)
WORDS = Stage("words", _words)


class TestComposition:
    """``a >> b`` is b after a, under both names."""

    def test_runs_in_order(self) -> None:
        assert (HALF >> WORDS)(6) == Success("xxx")
        assert (HALF >> WORDS).name == "half > words"

    def test_first_failure_ends_it(self) -> None:
        ran: list[int] = []

        def remember(number: int) -> Result[int, str]:
            ran.append(number)
            return Success(number)

        assert (HALF >> Stage("remember", remember))(3) == Failure("3 is odd")
        assert ran == []

    def test_second_failure_is_the_failure(self) -> None:
        assert str((HALF >> WORDS)(40).failure()) == "20"

    def test_pickles(self) -> None:
        revived = pickle.loads(pickle.dumps(HALF >> HALF >> WORDS))
        assert revived(8) == Success("xx")

    def test_is_immutable(self) -> None:
        with pytest.raises(FrozenInstanceError):
            HALF.name = "other"  # type: ignore[misc]  # the point of the test


class TestFallback:
    """``first_success`` tries candidates in order and loses no cause."""

    def test_stops_at_the_first_success(self) -> None:
        seen: list[int] = []

        def note(number: int) -> Result[int, str]:
            seen.append(number)
            return _half(number)

        stage = first_success(Stage("half", note), _items, _gather, retryable=lambda _: True)
        assert stage((1, 4, 6)) == Success(2)
        assert seen == [1, 4]

    def test_keeps_every_cause_in_order(self) -> None:
        stage = first_success(HALF, _items, _gather, retryable=lambda _: True)
        assert stage((1, 3)) == Failure(["2 tried", "1 is odd", "3 is odd"])

    def test_no_candidate_fails_without_causes(self) -> None:
        stage = first_success(HALF, _items, _gather, retryable=lambda _: True)
        assert stage(()) == Failure(["0 tried"])

    def test_a_final_cause_ends_the_search(self) -> None:
        stage = first_success(HALF, _items, _gather, retryable=lambda cause: "3" not in cause)
        assert stage((1, 3, 4)) == Failure("3 is odd")


class TestTap:
    """``tap`` sees value and result, and changes neither."""

    def test_sees_both_sides(self) -> None:
        seen: list[object] = []

        def watch(name: str, value: int) -> Callable[[object], None]:
            seen.append((name, value))
            return seen.append

        stage = tap(HALF, watch)
        assert stage.name == "half"
        assert stage(4) == Success(2)
        assert stage(5) == Failure("5 is odd")
        assert seen == [("half", 4), Success(2), ("half", 5), Failure("5 is odd")]
