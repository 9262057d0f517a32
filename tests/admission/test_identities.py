"""Which signed reference speaks for which image: a table, each line by the rule's own words."""

import pytest

from pipeline.admission.identities import (
    DEFAULT_IDENTITY,
    expected_reference,
    is_expected,
    is_name_alone,
    parse_prefix,
)
from pipeline.admission.requirements import (
    ExactReference,
    ExactRepository,
    Identity,
    MatchReference,
    RemapIdentity,
)
from pipeline.reference.docker import parse_docker_reference

A, B = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
EXACT = MatchReference("matchExact")
REPOSITORY = MatchReference("matchRepository")
HUB = "docker.io/library"


def matches(identity: Identity, asked: str | None, signed: str) -> bool:
    docker = None if asked is None else parse_docker_reference(asked).unwrap()
    expected = expected_reference(identity, docker)
    return expected is not None and is_expected(expected, signed)


@pytest.mark.parametrize(
    ("identity", "asked", "signed", "good"),
    [
        # matchExact: the same tag, or the same digest.
        (EXACT, "h.io/app:1", "h.io/app:1", True),
        (EXACT, "app:1", f"{HUB}/app:1", True),
        (EXACT, "app", "app:latest", True),
        (EXACT, "app", "app", False),
        (EXACT, "h.io/app:1", "h.io/app", False),
        (EXACT, "h.io/app:1", "h.io/app:2", False),
        (EXACT, "h.io/app:1", "h.io/apps:1", False),
        (EXACT, "h.io/app:1", "i.io/app:1", False),
        (EXACT, "h.io:1/app:1", "h.io/app:1", False),
        (EXACT, "h.io/app:1", f"h.io/app:1@{A}", False),
        (EXACT, f"h.io/app@{A}", f"h.io/app@{A}", True),
        (EXACT, f"h.io/app@{A}", f"h.io/app@{B}", False),
        (EXACT, f"h.io/app@{A}", "h.io/app:1", False),
        (EXACT, f"h.io/app:1@{A}", f"h.io/app@{A}", True),
        (EXACT, f"h.io/app:1@{A}", "h.io/app:1", False),
        # matchRepoDigestOrExact: where a digest was asked for, the same repository.
        (DEFAULT_IDENTITY, "h.io/app:1", "h.io/app:1", True),
        (DEFAULT_IDENTITY, "h.io/app:1", "h.io/app:2", False),
        (DEFAULT_IDENTITY, "h.io/app:1", "h.io/app", False),
        (DEFAULT_IDENTITY, "h.io/app:1", f"h.io/app@{A}", False),
        (DEFAULT_IDENTITY, f"h.io/app@{A}", "h.io/app:2", True),
        (DEFAULT_IDENTITY, f"h.io/app@{A}", f"h.io/app@{B}", True),
        (DEFAULT_IDENTITY, f"h.io/app@{A}", "h.io/app", False),
        (DEFAULT_IDENTITY, f"h.io/app@{A}", "h.io/app/sub:1", False),
        (DEFAULT_IDENTITY, f"h.io/app:1@{A}", "h.io/app:2", True),
        (DEFAULT_IDENTITY, f"h.io/app:1@{A}", "h.io/other:1", False),
        # matchRepository: the same repository.
        (REPOSITORY, "h.io/app:1", "h.io/app:2", True),
        (REPOSITORY, "h.io/app:1", "h.io/app", True),
        (REPOSITORY, f"h.io/app@{A}", "h.io/app:2", True),
        (REPOSITORY, "h.io/app:1", "h.io/other:1", False),
        # exactReference and exactRepository: whatever was asked for, and of files, too.
        (ExactReference(f"{HUB}/app:1"), "h.io/mirror/app:7", "app:1", True),
        (ExactReference(f"{HUB}/app:1"), None, "app:1", True),
        (ExactReference(f"{HUB}/app:1"), "app:2", "app:2", False),
        (ExactReference(f"{HUB}/app:latest"), "app", "app", False),
        (ExactReference(f"h.io/app@{A}"), "app", f"h.io/app@{A}", True),
        (ExactReference(f"h.io/app@{A}"), "app", "h.io/app:1", False),
        (ExactRepository(f"{HUB}/app"), "h.io/mirror:7", "app:1", True),
        (ExactRepository(f"{HUB}/app"), None, "app", True),
        (ExactRepository(f"{HUB}/app"), "app", "apps", False),
        # remapIdentity: another prefix, then as matchRepoDigestOrExact.
        (RemapIdentity("m.io", "v.io"), "m.io/app:1", "v.io/app:1", True),
        (RemapIdentity("m.io", "v.io"), "m.io/app:1", "m.io/app:1", False),
        (RemapIdentity("m.io", "v.io"), "m.io/app:1", "v.io/app:2", False),
        (RemapIdentity("m.io", "v.io"), f"m.io/app@{A}", "v.io/app:2", True),
        (RemapIdentity("m.io", "v.io"), f"m.io/app:1@{A}", "v.io/app:2", True),
        (RemapIdentity("m.io", "v.io"), "other.io/app:1", "other.io/app:1", True),
        (RemapIdentity("m.io/a", "v.io/x/y"), "m.io/a/app:1", "v.io/x/y/app:1", True),
        (RemapIdentity("m.io/a", "v.io/b"), "m.io/a:1", "v.io/b:1", True),
        (RemapIdentity("m.io/a", "v.io/b"), "m.io/aa:1", "v.io/ba:1", False),
        (RemapIdentity("m.io/a", "v.io/b"), "m.io/aa:1", "m.io/aa:1", True),
        (RemapIdentity("m.io", "v.io"), "m.io:5000/app:1", "v.io:5000/app:1", False),
        (RemapIdentity("m.io/m.io", "v.io"), "m.io/m.io/m.io/app:1", "v.io/m.io/app:1", True),
        # What reads back as something else names nothing.
        (RemapIdentity("m.io", "docker.io"), "m.io/app:1", "docker.io/app:1", False),
        (RemapIdentity("m.io", "docker.io"), "m.io/app:1", "app:1", False),
        (RemapIdentity("m.io", "docker.io"), "m.io/library/app:1", "app:1", True),
        (RemapIdentity("m.io", "short"), "m.io/app:1", "short/app:1", False),
        # Of a file there is nothing to match with.
        (EXACT, None, "app:1", False),
        (DEFAULT_IDENTITY, None, "app:1", False),
        (REPOSITORY, None, "app:1", False),
        (RemapIdentity("m.io", "v.io"), None, "v.io/app:1", False),
    ],
)
def test_identities(identity: Identity, asked: str | None, signed: str, good: bool) -> None:
    assert matches(identity, asked, signed) is good


@pytest.mark.parametrize("signed", ["", ":", "App:1", "app:1\n", "docker://app:1", "a b", "é/a:1"])
def test_what_is_no_reference_speaks_for_nothing(signed: str) -> None:
    for identity in (EXACT, DEFAULT_IDENTITY, REPOSITORY, ExactRepository(f"{HUB}/app")):
        assert not matches(identity, "app:1", signed)


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        ("app", True),
        ("localhost:5000/app", True),
        ("localhost:5000/latest", True),
        ("app:latest", False),
        ("app:1", False),
        (f"app@{A}", False),
        (f"app:latest@{A}", False),
    ],
)
def test_a_name_alone(text: str, alone: bool) -> None:
    assert is_name_alone(parse_docker_reference(text).unwrap()) is alone


@pytest.mark.parametrize("prefix", ["h", "h.io", "h.io:5000", "H.io/a", "h.io/a_b/c--d", "ns/app"])
def test_prefixes(prefix: str) -> None:
    assert parse_prefix(prefix).unwrap() == prefix
