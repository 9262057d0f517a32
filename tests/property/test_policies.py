"""Policies: whatever is changed in one, which scope decides, which name speaks for which.

The oracles know nothing of the code: a document is changed by hand and read again, scopes are
found by what they cover and sorted by how much, names are compared as texts.
"""

import copy
import json
from typing import Any, TypeAlias

from hypothesis import assume, example, given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.admission.document import parse_policy
from pipeline.admission.identities import expected_reference, is_expected
from pipeline.admission.requirements import (
    AcceptAnything,
    ExactReference,
    ExactRepository,
    Identity,
    MatchReference,
    MatchType,
    PolicyDocument,
    Reject,
    RemapIdentity,
    Requirements,
)
from pipeline.admission.scopes import find_rule, parse_subject
from pipeline.reference import DockerReference
from pipeline.reference.docker import parse_docker_reference

Steps: TypeAlias = tuple[str | int, ...]

IDENTITIES: list[dict[str, str]] = [
    {"type": "matchExact"},
    {"type": "exactReference", "dockerReference": "example.com/app:1"},
    {"type": "exactRepository", "dockerRepository": "example.com/app"},
    {"type": "remapIdentity", "prefix": "a.com/b", "signedPrefix": "c.com"},
]
REQUIREMENTS: list[dict[str, Any]] = [
    {"type": "insecureAcceptAnything"},
    {"type": "reject"},
    *(
        {"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/k", "signedIdentity": identity}
        for identity in IDENTITIES
    ),
    {"type": "signedBy", "keyType": "GPGKeys", "keyPaths": ["/k", "/l"]},
    {"type": "signedBy", "keyType": "GPGKeys", "keyData": "YQ=="},
    {"type": "sigstoreSigned", "keyDatas": ["YQ==", "Yg=="]},
]
# Through text, so that no part of it is part of it twice.
DOCUMENT: dict[str, Any] = json.loads(
    json.dumps(
        {
            "default": REQUIREMENTS,
            "transports": {
                "docker": {"": REQUIREMENTS[:2], "example.com": REQUIREMENTS[2:4]},
                "oci": {"/images": REQUIREMENTS[:1]},
            },
        }
    )
)


def places(value: object, steps: Steps = ()) -> list[Steps]:
    """Return the way to every part of a document but the whole."""
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [
        place for step, part in inner for place in ((*steps, step), *places(part, (*steps, step)))
    ]


def follow(document: Any, steps: Steps) -> Any:
    for step in steps:
        document = document[step]
    return document


def parse(document: object) -> PolicyDocument | None:
    return parse_policy(json.dumps(document).encode(), "p").value_or(None)


PLACES = places(DOCUMENT)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)


def is_free(steps: Steps) -> bool:
    """Tell whether another value there may mean something: paths, keys, names, whole rules."""
    inside = steps[-1] if isinstance(steps[-1], str) else steps[-2] if len(steps) > 1 else ""
    return inside in {
        "default",
        "transports",
        "keyPath",
        "keyPaths",
        "keyData",
        "keyDatas",
        "dockerReference",
        "dockerRepository",
        "prefix",
        "signedPrefix",
    } or (len(steps) <= 4 and steps[0] == "transports")


@given(st.sampled_from(PLACES), values)
@example(("default", 0, "type"), None)
def test_another_value_is_refused_or_is_what_it_says(steps: Steps, value: object) -> None:
    """What is read of a changed document is what was read of it before, but for that place."""
    changed = copy.deepcopy(DOCUMENT)
    before = follow(changed, steps)
    assume(json.dumps(before) != json.dumps(value))
    follow(changed, steps[:-1])[steps[-1]] = value
    read = parse(changed)
    if not is_free(steps):
        assert read is None
    if read is not None:
        assert read != parse(DOCUMENT)


@given(st.sampled_from(PLACES))
def test_what_is_taken_away_is_missed(steps: Steps) -> None:
    """No member but those that may be left out, and elements of lists, whose lists are shorter."""
    changed = copy.deepcopy(DOCUMENT)
    del follow(changed, steps[:-1])[steps[-1]]
    read = parse(changed)
    if isinstance(steps[-1], str) and steps[-1] not in {"transports", "signedIdentity"}:
        in_transports = steps[0] == "transports" and len(steps) <= 3
        assert (read is not None) is in_transports
    assert read != parse(DOCUMENT)


@given(st.sampled_from([(), *PLACES]), st.text(max_size=8), values)
def test_one_member_more_is_refused(steps: Steps, name: str, value: object) -> None:
    changed = copy.deepcopy(DOCUMENT)
    target = follow(changed, steps)
    assume(isinstance(target, dict) and name not in target)
    # A transport, or a scope of one, may have any name.
    assume(not (steps[:1] == ("transports",) and len(steps) <= 2))
    target[name] = value
    assert parse(changed) is None


@given(st.sampled_from([place for place in PLACES if isinstance(place[-1], str)]))
def test_a_member_twice_is_refused(steps: Steps) -> None:
    marked = copy.deepcopy(DOCUMENT)
    holder = follow(marked, steps[:-1])
    value = json.dumps(holder[steps[-1]])
    holder[steps[-1]] = "@@"
    name = json.dumps(steps[-1])
    text = json.dumps(marked)
    assert text.count('"@@"') == 1
    once = text.replace('"@@"', value)
    assert is_successful(parse_policy(once.encode(), "p"))
    twice = text.replace('"@@"', f"{value}, {name}: {value}")
    assert not is_successful(parse_policy(twice.encode(), "p"))


@given(st.binary(max_size=64) | st.text(max_size=64).map(str.encode))
def test_no_bytes_break_the_reader(untrusted: bytes) -> None:
    parse_policy(untrusted, "p")


LABELS = ["a", "b", "com"]
hosts = st.lists(st.sampled_from(LABELS), min_size=2, max_size=4).map(".".join)
ports = st.sampled_from(["", ":1", ":12"])
paths = st.lists(st.sampled_from(["x", "xx", "y"]), min_size=1, max_size=3).map("/".join)
ends = st.sampled_from([":1", ":12", f"@sha256:{'0' * 64}"])
names = st.builds(lambda host, port, path: f"{host}{port}/{path}", hosts, ports, paths)
references = st.builds(str.__add__, names, ends)
scopes = (
    references
    | names
    | st.builds(str.__add__, hosts, ports)
    | hosts.map(lambda host: f"*.{host}")
    | st.sampled_from(["", "*.com", "*", "x", "*.com:1", "a.com/"])
)


def covers(scope: str, reference: str) -> bool:
    """Tell whether a scope covers a reference, by what it says."""
    host = reference.partition("/")[0].partition(":")[0]
    if scope.startswith("*."):
        return host.endswith(scope[1:])
    # What follows a host is a path; what follows a repository may be a tag or a digest, too.
    ends = "/:@" if "/" in scope else "/"
    return scope in {"", reference} or any(reference.startswith(scope + end) for end in ends)


def weight(scope: str) -> tuple[bool, int]:
    """Order scopes: wildcards after all others, the longer before the shorter."""
    return (not scope.startswith("*."), len(scope)) if scope else (False, -1)


@given(references, st.lists(scopes, max_size=8, unique=True))
@example("a.com:1/x:1", ["a.com", "a.com:1"])
@example("a.b.com/x:1", ["*.b.com", "*.com", ""])
def test_the_scope_that_decides(reference: str, candidates: list[str]) -> None:
    """Of all scopes that cover a reference, the one that says most about it; else the default."""
    rules: dict[tuple[str, str], Requirements] = {
        ("docker", scope): (Reject(),) * (number + 1) for number, scope in enumerate(candidates)
    }
    policy = PolicyDocument("p", (AcceptAnything(),), rules | {("oci", ""): (Reject(),)})
    rule = find_rule(policy, parse_subject(f"docker://{reference}").unwrap())
    covering = sorted((each for each in candidates if covers(each, reference)), key=weight)
    if covering:
        assert rule.scope == f'docker "{covering[-1]}"'
        assert rule.requirements == rules["docker", covering[-1]]
    else:
        assert (rule.scope, rule.requirements) == ("default", policy.default)


folders = st.lists(st.sampled_from(["a", "aa", "b"]), min_size=1, max_size=3).map(
    lambda parts: "/" + "/".join(parts)
)


@given(folders, st.sampled_from(["", ":1", ":a/b"]), st.lists(folders, max_size=4, unique=True))
def test_the_folder_that_decides(path: str, name: str, candidates: list[str]) -> None:
    rules: dict[tuple[str, str], Requirements] = {
        ("oci", folder): (Reject(),) for folder in candidates
    }
    rule = find_rule(
        PolicyDocument("p", (AcceptAnything(),), rules), parse_subject(f"oci:{path}{name}").unwrap()
    )
    covering = [each for each in candidates if f"{path}/".startswith(f"{each}/")]
    deciding = f'oci "{max(covering, key=len)}"' if covering else "default"
    assert rule.scope == deciding


tags = st.sampled_from(["1", "2", "latest"])
digests = st.sampled_from("01").map(lambda digit: f"sha256:{digit * 64}")
repositories = st.sampled_from(
    ["a.com/x", "a.com/x/y", "a.com/xx", "a.com:1/x", "b.com/x", "docker.io/library/x"]
)
wholes = st.builds(lambda name, tag: f"{name}:{tag}", repositories, tags) | st.builds(
    lambda name, digest: f"{name}@{digest}", repositories, digests
)
signed_names = wholes | repositories


def split(whole: str) -> tuple[str, str]:
    """Take a name and what follows it apart; the latter is empty for a name alone."""
    if "@" in whole:
        name, _, digest = whole.partition("@")
        return name, digest
    name, _, tag = whole.rpartition(":")
    return (name, tag) if "/" in name else (whole, "")


def asked_for(text: str) -> DockerReference:
    return parse_docker_reference(text).unwrap()


def speaks_for(identity: Identity, asked: str, signed: str) -> bool:
    """Tell what the rule's own words say."""
    name, end = split(signed)
    match identity:
        case MatchReference("matchRepository"):
            return name == split(asked)[0]
        case ExactRepository(repository):
            return name == repository
        case ExactReference(reference):
            return signed == reference
        case RemapIdentity(prefix, signed_prefix):
            if f"{split(asked)[0]}/".startswith(f"{prefix}/"):
                asked = signed_prefix + asked[len(prefix) :]
            # A host alone is no repository.
            return "/" in asked and speaks_for(
                MatchReference("matchRepoDigestOrExact"), asked, signed
            )
        case MatchReference("matchRepoDigestOrExact") if "@" in asked:
            return end != "" and name == split(asked)[0]
        case _:
            return signed == asked


matches: st.SearchStrategy[MatchType] = st.sampled_from(
    ["matchExact", "matchRepoDigestOrExact", "matchRepository"]
)
identities: st.SearchStrategy[Identity] = st.one_of(
    matches.map(MatchReference),
    wholes.map(ExactReference),
    repositories.map(ExactRepository),
    st.builds(
        RemapIdentity,
        st.sampled_from(["a.com", "a.com/x", "a.com:1"]),
        st.sampled_from(["b.com", "a.com", "a.com:1", "a.com/x"]),
    ),
)


@given(identities, wholes, signed_names)
def test_which_name_speaks_for_which(identity: Identity, asked: str, signed: str) -> None:
    expected = expected_reference(identity, asked_for(asked))
    good = expected is not None and is_expected(expected, signed)
    assert good is speaks_for(identity, asked, signed)


@given(identities, st.none() | wholes, st.text(max_size=40))
def test_no_text_breaks_a_comparison(identity: Identity, asked: str | None, signed: str) -> None:
    expected = expected_reference(identity, None if asked is None else asked_for(asked))
    if expected is not None:
        assert not is_expected(expected, f"{signed}\0")
