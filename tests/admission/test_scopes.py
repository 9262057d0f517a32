"""Which one rule decides."""

import pytest

from pipeline.admission.requirements import AcceptAnything, PolicyDocument, Reject
from pipeline.admission.scopes import Rule, find_rule, parse_subject

DIGEST = f"sha256:{'a' * 64}"
DEFAULT = (Reject(),)
CHOSEN = (AcceptAnything(),)


@pytest.mark.parametrize(
    ("reference", "transport", "scopes"),
    [
        (
            "docker://docker.io/library/app:1",
            "docker",
            (
                "docker.io/library/app:1",
                "docker.io/library/app",
                "docker.io/library",
                "docker.io",
                "*.io",
            ),
        ),
        (
            f"docker://a.b.example.com:5000/x/y/z@{DIGEST}",
            "docker",
            (
                f"a.b.example.com:5000/x/y/z@{DIGEST}",
                "a.b.example.com:5000/x/y/z",
                "a.b.example.com:5000/x/y",
                "a.b.example.com:5000/x",
                "a.b.example.com:5000",
                "*.b.example.com",
                "*.example.com",
                "*.com",
            ),
        ),
        (
            f"docker://localhost/app:1@{DIGEST}",
            "docker",
            (f"localhost/app@{DIGEST}", "localhost/app", "localhost"),
        ),
        ("oci:/images/app:1.0", "oci", ("/images/app", "/images")),
        ("oci:/images/app", "oci", ("/images/app", "/images")),
        ("oci:/images/X//", "oci", ("/images/X", "/images")),
        ("oci:/", "oci", ()),
        ("oci-archive:/a.tar:x:y", "oci-archive", ("/a.tar",)),
        ("docker-archive:/a.tar", "docker-archive", ()),
    ],
)
def test_scopes_of_a_reference(reference: str, transport: str, scopes: tuple[str, ...]) -> None:
    subject = parse_subject(reference).unwrap()
    assert (subject.reference, subject.transport, subject.scopes) == (reference, transport, scopes)
    assert (subject.docker is not None) is (transport == "docker")


@pytest.mark.parametrize(
    "reference",
    ["", "app", "docker:app", "docker://", "docker://App", "oci:images", "dir:/images", "oci"],
)
def test_what_is_no_reference_falls_to_no_default(reference: str) -> None:
    wanted = "wanted the reference of an image in a registry or in files"
    assert parse_subject(reference).failure() == wanted


def test_the_most_specific_scope_alone_decides() -> None:
    """Each scope, once all that are more specific are gone; the transport's, then the default."""
    subject = parse_subject("docker://a.example.com:5000/x/app:1").unwrap()
    scopes = [*subject.scopes, ""]
    for position, scope in enumerate(scopes):
        others = {("docker", each): DEFAULT for each in scopes[position + 1 :]}
        policy = PolicyDocument("p", DEFAULT, others | {("docker", scope): CHOSEN})
        assert find_rule(policy, subject) == Rule(f'docker "{scope}"', CHOSEN)
    assert find_rule(PolicyDocument("p", CHOSEN, {}), subject) == Rule("default", CHOSEN)


@pytest.mark.parametrize(
    "scope",
    [
        "a.example.com",
        "a.example.com:5001",
        "a.example.com:5000/",
        "a.example.com:5000/x/ap",
        "a.example.com:5000/x/app:2",
        "*.a.example.com",
        "*.example.com:5000",
        "*example.com",
        "*",
        "example.com",
    ],
)
def test_scopes_that_do_not_cover(scope: str) -> None:
    subject = parse_subject("docker://a.example.com:5000/x/app:1").unwrap()
    rules = {("docker", scope): CHOSEN, ("oci", ""): CHOSEN}
    assert find_rule(PolicyDocument("p", DEFAULT, rules), subject) == Rule("default", DEFAULT)
