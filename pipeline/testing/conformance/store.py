"""Conformance checks for whoever writes a whole store: :func:`check_store`.

Durability cannot be seen from inside one process and is not checked here.
"""

from collections.abc import Callable

from pipeline.ports import Clock
from pipeline.testing.conformance import store_commits, store_oci, store_queries, store_remotes
from pipeline.testing.conformance.quarantine import check_quarantine
from pipeline.testing.conformance.store_bench import Bench, StoreUnderTest
from pipeline.testing.fakes import FixedClock

_CHECKS = (
    store_commits.check_empty,
    store_commits.check_commit,
    store_commits.check_commit_again,
    store_commits.check_not_in_quarantine,
    store_queries.check_prefix,
    store_queries.check_find,
    store_queries.check_equal_times,
    store_queries.check_latest,
    store_queries.check_provenance,
    store_remotes.check_remote,
    store_remotes.check_secrets,
    store_remotes.check_remove,
    store_oci.check_oci_commit,
    store_oci.check_oci_remove,
    store_oci.check_oci_incomplete,
    store_oci.check_adoption,
)


def check_store(make_store: Callable[[Clock], StoreUnderTest]) -> None:
    """Check that a store keeps what its ports promise; ``make_store`` makes fresh, empty ones.

    A store that does not find, list or remember is checked by
    :func:`~pipeline.testing.conformance.check_commit`.

    Errors: NonConformance.
    """
    for check in _CHECKS:
        clock = FixedClock()
        check(Bench(make_store(clock), clock))
    check_quarantine(make_store(FixedClock()).quarantine)
