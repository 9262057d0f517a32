"""What a registry refuses, and what it wants: ``outcome of a request -> Refusal | None``. Pure."""

from dataclasses import dataclass
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Result

from pipeline.adapters.registry.challenges import Challenge, parse_challenges
from pipeline.adapters.registry.repositories import Repository
from pipeline.adapters.registry.token_service import last_cause
from pipeline.addresses import AddressScope
from pipeline.errors import HttpStatus, StoreError, TransportError
from pipeline.ports import Response

READING: Final = frozenset({"pull", "metadata_read"})
"""Actions that change nothing. The second is what Azure's registries want for a list of tags."""


@final
@dataclass(frozen=True, slots=True)
class Refusal:
    """A 401 or 403 of a registry itself, whose address was in the scope ``peer``.

    ``challenges`` are by scheme; ``wanted`` are the actions that a token has to allow.
    """

    status: int
    challenges: dict[str, Challenge]
    wanted: frozenset[str]
    peer: AddressScope | None


def refusal_by(
    repository: Repository, outcome: Result[Response, TransportError | StoreError]
) -> Refusal | None:
    """Return what a repository's own registry refuses; None for anything else."""
    error = None if is_successful(outcome) else last_cause(outcome.failure())
    if not isinstance(error, HttpStatus) or error.status not in {401, 403}:
        return None
    # 1. Whoever it redirected to is not believed.
    if not repository.has(error.url):
        return None
    challenges = parse_challenges(error.untrusted_challenges)
    # Of several with one scheme, the first counts.
    by_scheme = {challenge.scheme: challenge for challenge in reversed(challenges)}
    scope = by_scheme["bearer"].parameter("scope") if "bearer" in by_scheme else ""
    return Refusal(error.status, by_scheme, _actions(scope, repository.name), error.peer)


def _actions(untrusted_scope: str, name: str) -> frozenset[str]:
    """Return what to ask for: to pull, and what else of the scope is of that repository."""
    # 5. Nothing but reading.
    prefix = f"repository:{name}:"
    named = (
        scope.removeprefix(prefix).split(",")
        for scope in untrusted_scope.split(" ")
        if scope.startswith(prefix)
    )
    return frozenset({"pull"}).union(*(READING & set(actions) for actions in named))
