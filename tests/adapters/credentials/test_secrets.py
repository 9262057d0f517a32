"""No secret is ever shown, however the files that hold it are broken."""

import json
import tempfile
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.adapters import FoundCredentials
from pipeline.errors import InvalidSetting
from pipeline.secret_files import read_secret_file
from tests.adapters.credentials.cases import CANARY, VALID, put, read

_NOW = datetime(2026, 1, 2, tzinfo=UTC)
NUMBER = "48151623421"
"""A secret that somebody wrote as a number."""

NETRC = f"""machine example.com login {CANARY} password {CANARY}
default login {CANARY} password {CANARY}
machine [::1]:8443
  login {CANARY} account {CANARY} password {CANARY}
macdef init
  {CANARY}

"""


def assert_silent(found: FoundCredentials | InvalidSetting) -> None:
    shown = repr(found) + str(found)
    if isinstance(found, InvalidSetting):
        shown += found.message + found.hint
    else:
        shown += "".join(found.warnings)
        fields = found.headers_for("https://example.com/", _NOW)
        shown += repr(fields) + f"{fields}"
    assert CANARY not in shown
    assert NUMBER not in shown


def read_silently(files: dict[str, bytes], netrc: bytes = b"") -> None:
    """Read files, with a good one beside them, and look for secrets in all that can be shown."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for name, content in files.items():
            put(home / "local", name, content)
        (home / "netrc").write_bytes(netrc)
        outcome = read(home, home / "netrc")
        assert_silent(outcome.unwrap() if is_successful(outcome) else outcome.failure())


documents = st.sampled_from([json.dumps(each) for each in VALID.values()])
keys = st.sampled_from(
    ["rktKind", "rktVersion", "domains", "registries", "type", "credentials", "user", "password",
     "token", "accessKeyID", "secretAccessKey", "awsRegion", "extra", CANARY]
)  # fmt: skip
values: st.SearchStrategy[object] = st.recursive(
    st.sampled_from(
        [None, True, 0, "", "auth", "v1", "aws", "basic", "example.com", CANARY, f"{CANARY}@a",
         f"user:{CANARY}@example.com", f"{CANARY}\n"]
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


@given(documents, st.data())
def test_text_that_was_cut_or_stirred(document: str, data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.lists(st.integers(0, len(document)), min_size=2, max_size=2)))
    filler = data.draw(st.sampled_from(["", '"', "{", "}", ",", ":", "\\", "\xff", CANARY]))
    broken = document[:start] + filler + document[end:]
    read_silently({"x.json": broken.encode("latin-1")})


@given(documents, st.lists(st.tuples(keys, values, st.booleans()), min_size=1, max_size=3))
def test_members_that_are_other_things(
    document: str, changes: list[tuple[str, object, bool]]
) -> None:
    changed = deepcopy(json.loads(document))
    for key, value, is_inside in changes:
        place = changed["credentials"] if is_inside else changed
        if isinstance(place, dict):
            place[key] = value
    read_silently({"x.json": json.dumps(changed).encode()})


@given(documents, st.sampled_from(["{}", "-{}", "{}.5", "{}e999", "{}" + "0" * 5000, "[{}]"]))
def test_a_secret_written_as_a_number(document: str, form: str) -> None:
    read_silently({"x.json": document.replace(f'"{CANARY}"', form.format(NUMBER)).encode()})


@given(documents)
def test_a_secret_for_a_name_that_stands_there_twice(document: str) -> None:
    twice = f'{{"{CANARY}": 1, "{CANARY}": 2, {document[1:]}'
    read_silently({"x.json": twice.encode()})


@given(documents, documents)
def test_files_that_are_in_each_others_way(first: str, second: str) -> None:
    read_silently({"a.json": first.encode(), "b.json": second.encode()})


@given(st.data())
def test_netrc_that_was_cut_or_stirred(data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.lists(st.integers(0, len(NETRC)), min_size=2, max_size=2)))
    filler = data.draw(st.sampled_from(["", '"', "\n", " ", "\\", "#", "\xff", "login", "machine"]))
    read_silently({}, (NETRC[:start] + filler + NETRC[end:]).encode("latin-1"))


def test_the_secrets_are_there() -> None:
    """Otherwise nothing above would mean anything."""
    for document in VALID.values():
        assert CANARY in json.dumps(document)
    with tempfile.TemporaryDirectory() as folder:
        put(Path(folder, "local"), "x.json", VALID["oauth"])
        ((_, secret),) = read(Path(folder)).unwrap().headers_for("https://example.com/", _NOW)
        assert secret.value == f"Bearer {CANARY}"


def test_what_was_read_does_not_show_itself() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = put(Path(folder), "x.json", VALID["basic"])
        file = read_secret_file(path).unwrap()
        assert CANARY.encode() in file.content
        assert CANARY not in repr(file)
