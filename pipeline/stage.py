"""Stages and how they join: ``Stage[In, Out, Err]`` is a named ``In -> Result[Out, Err]``.

``parse >> discover`` runs the second on the first's success and stops at the first failure; the
type checker infers the union of errors and refuses a wrong order. A composed stage is a value
like any other: frozen, and picklable where its parts are.

Beyond ``>>`` there are two combinators: :func:`first_success` tries a stage on several
candidates and keeps every cause, :func:`tap` observes without touching.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar, final

from returns.pipeline import is_successful
from returns.result import Failure, Result

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)
Err = TypeVar("Err", covariant=True)
Out2 = TypeVar("Out2")
Err2 = TypeVar("Err2")
Value = TypeVar("Value")
Middle = TypeVar("Middle")
End = TypeVar("End")
Cause = TypeVar("Cause")
Cause2 = TypeVar("Cause2")


@final
@dataclass(frozen=True, slots=True)
class Stage(Generic[In, Out, Err]):
    """A named function from one value to a Result. ``run`` must not raise for bad input.

    >>> from returns.result import Failure, Success
    >>> halve = Stage("halve", lambda n: Success(n // 2) if n % 2 == 0 else Failure(f"{n} is odd"))
    >>> quarter = halve >> halve
    >>> quarter.name
    'halve > halve'
    >>> quarter(12), quarter(6)
    (<Success: 3>, <Failure: 3 is odd>)
    """

    name: str
    run: Callable[[In], Result[Out, Err]]

    def __call__(self, value: In) -> Result[Out, Err]:
        """Run the stage."""
        return self.run(value)

    def __rshift__(self, other: "Stage[Out, Out2, Err2]") -> "Stage[In, Out2, Err | Err2]":
        """Join: run ``other`` on what this stage succeeds with."""
        return Stage(f"{self.name} > {other.name}", partial(_chain, self, other))


def first_success(
    stage: Stage[Value, Out2, Cause],
    split: Callable[[In], tuple[Value, ...]],
    gather: Callable[[In, tuple[Cause, ...]], Err2],
    *,
    retryable: Callable[[Cause], bool],
) -> Stage[In, Out2, Err2 | Cause]:
    """Try ``stage`` on each of ``split(value)`` in order, until one succeeds.

    A cause that is not ``retryable`` ends the search at once and is the failure. When all fail,
    the failure is ``gather(value, causes)``, with every cause in order; with no candidate at
    all, the causes are empty.

    >>> from returns.result import Failure, Success
    >>> even = Stage("even", lambda n: Success(n) if n % 2 == 0 else Failure(n))
    >>> first = first_success(even, tuple, lambda _, odd: list(odd), retryable=lambda _: True)
    >>> first([1, 4, 5]), first([1, 3])
    (<Success: 4>, <Failure: [1, 3]>)
    """
    return Stage(stage.name, partial(_try_each, stage, split, gather, retryable))


def tap(
    stage: Stage[In, Out, Err],
    watch: Callable[[str, In], Callable[[Result[Out, Err]], None]],
) -> Stage[In, Out, Err]:
    """Call ``watch(name, value)`` before ``stage``, and what that returns with the result after.

    The value and the result pass unchanged.

    >>> from returns.result import Success
    >>> double = Stage("double", lambda n: Success(2 * n))
    >>> tap(double, lambda name, n: lambda result: print(name, n, result))(2)
    double 2 <Success: 4>
    <Success: 4>
    """
    return Stage(stage.name, partial(_observe, stage, watch))


def _chain(
    first: Stage[Value, Middle, Cause], second: Stage[Middle, End, Cause2], value: Value
) -> Result[End, Cause | Cause2]:
    outcome = first(value)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    return second(outcome.unwrap())


def _try_each(
    stage: Stage[Middle, End, Cause],
    split: Callable[[Value], tuple[Middle, ...]],
    gather: Callable[[Value, tuple[Cause, ...]], Cause2],
    retryable: Callable[[Cause], bool],
    value: Value,
) -> Result[End, Cause | Cause2]:
    causes: list[Cause] = []
    for candidate in split(value):
        outcome = stage(candidate)
        if is_successful(outcome) or not retryable(outcome.failure()):
            return outcome
        causes.append(outcome.failure())
    return Failure(gather(value, tuple(causes)))


def _observe(
    stage: Stage[Value, End, Cause],
    watch: Callable[[str, Value], Callable[[Result[End, Cause]], None]],
    value: Value,
) -> Result[End, Cause]:
    done = watch(stage.name, value)
    outcome = stage(value)
    done(outcome)
    return outcome
