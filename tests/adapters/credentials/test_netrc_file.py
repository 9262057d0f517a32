"""A netrc file: each password goes where its entry says, and nowhere else."""

from collections.abc import Callable
from netrc import netrc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.adapters.credentials.netrc_file import parse_entries, read_netrc
from pipeline.adapters.credentials.origins import Origin
from pipeline.adapters.credentials.proofs import Basic
from pipeline.errors import InvalidSetting
from pipeline.limits import CONFIGURATION_BYTES
from pipeline.secret import Secret

CANARY = "cAnaRy!7~fQ"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".netrc"


def proofs(path: Path, text: str) -> dict[str, tuple[str, str]]:
    path.write_text(text)
    path.chmod(0o600)
    return {
        str(origin): (login.user.value, login.password.value)
        for origin, login in read_netrc(path).unwrap().proofs
    }


def test_entries(path: Path) -> None:
    found = proofs(
        path,
        """
        # a comment
        machine example.com login alice password "s3 cret"

        # another, and a \"quote
        #machine example.com login not password read
        machine Example.org # the user's
            user bob
            account ignored
            password p#w
        macdef init
            cd /pub

        machine [::1]:8443 login c password d
        macdef unfinished
            machine example.com login not password read""",
    )
    assert found == {
        "example.com": ("alice", "s3 cret"),
        "example.org": ("bob", "p#w"),
        "[::1]:8443": ("c", "d"),
    }


def test_a_port_is_that_port(path: Path) -> None:
    text = "machine example.com:8443 login a password b\nmachine example.org login c password d"
    path.write_text(text)
    assert read_netrc(path).unwrap().proofs == (
        (Origin("example.com", 8443), Basic(Secret("a"), Secret("b"))),
        (Origin("example.org", 443), Basic(Secret("c"), Secret("d"))),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "default login a password b",
        "machine example.com",
        "machine example.com login a",
        "machine example.com password b",
        'machine example.com login "" password b',
        "machine *.example.com login a password b",
        "macdef x\nmachine example.com login a password b",
        "machine https://example.com/ login a password b",
    ],
)
def test_entries_that_are_for_nobody(path: Path, text: str) -> None:
    assert proofs(path, text) == {}


def test_the_first_entry_counts(path: Path) -> None:
    text = "machine {} login a password b\nmachine {} login c password d"
    for first, second in [("h", "h"), ("h", "H"), ("h:443", "h")]:
        assert proofs(path, text.format(first, second)) == {"h": ("a", "b")}
    assert proofs(path, f"machine h login x\n{text.format('h', 'h')}") == {"h": ("a", "b")}


def test_no_file_has_no_entries(path: Path) -> None:
    assert read_netrc(path).unwrap().proofs == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"machine example.com login alice\npasswd {CANARY}\n", 2),
        (f"machine example.com login alice {CANARY}\nmachine", 1),
        (f"{CANARY}\n", 1),
        (f"\n\n  {CANARY}", 3),
        ("machine", 1),
        ("machine example.com login", 1),
        ("login alice", 1),
        (f'machine example.com\nlogin alice password "{CANARY}\n', 2),
        (f'machine example.com login alice password {CANARY}\n""', 2),
        ("machine example.com login a password b\n\\", 2),
    ],
)
def test_a_broken_file_is_named_with_its_line_alone(path: Path, text: str, line: int) -> None:
    path.write_text(text)
    failure = read_netrc(path).failure()
    assert failure.setting == f"{path}: line {line}"
    assert CANARY not in failure.message + repr(failure)


words = st.text("ab #\"\\'\tä.:", min_size=1, max_size=8)
blanks = st.sampled_from([" ", "\t", "\n", "\n\n  ", "\r\n"])


def in_quotes(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def with_backslashes(word: str) -> str:
    return "".join(f"\\{each}" for each in word)


@given(
    st.lists(
        st.tuples(words, st.sampled_from(["login", "user"]), words, words),
        unique_by=lambda entry: entry[0],
    ),
    st.sampled_from([in_quotes, with_backslashes]),
    st.lists(blanks, min_size=8, max_size=8),
    st.sampled_from(["", "macdef init\n cd x\n\n", "# words\n", "default login x password y "]),
)
def test_the_standard_library_reads_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    entries: list[tuple[str, str, str, str]],
    spell: Callable[[str], str],
    blank: list[str],
    first: str,
) -> None:
    text = first
    for machine, login, user, password in entries:
        parts = ["machine", spell(machine), login, spell(user), "password", spell(password)]
        text += "".join(part + space for part, space in zip(parts, blank, strict=False))
    path = tmp_path_factory.getbasetemp() / "well-formed-netrc"
    path.write_bytes(text.encode())
    wanted = {
        machine: (login, password)
        for machine, (login, _, password) in netrc(str(path)).hosts.items()
        if machine != "default"
    }
    # It opens files as text, so that a line's end is one character.
    read = parse_entries(text.replace("\r\n", "\n")).unwrap()
    assert wanted == {
        entry["machine"]: (entry["login"], entry["password"])
        for entry in read
        if "machine" in entry
    }


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"machine example.com login al:ice password {CANARY}", "login"),
        (f'machine example.com login "al\nice" password {CANARY}', "login"),
        (f'machine example.com login alice password "{CANARY}\n"', "password"),
    ],
)
def test_what_cannot_be_sent(path: Path, text: str, place: str) -> None:
    path.write_text(text)
    failure = read_netrc(path).failure()
    assert failure.setting == f"{path}: machine example.com: {place}"
    assert CANARY not in failure.message + repr(failure)


def test_files_that_cannot_be_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(b"machine example.com login a password \xff")
    assert read_netrc(path).failure().wanted == "text in UTF-8"
    path.write_bytes(b"#" * (CONFIGURATION_BYTES + 1))
    assert read_netrc(path).failure().got == "a larger file"
    path.unlink()
    path.mkdir()
    assert read_netrc(path).failure().wanted == "a regular file"
    below = path.parent / "file"
    below.write_text("")
    assert read_netrc(below / "netrc").failure() == InvalidSetting(
        str(below / "netrc"), "Not a directory", "a file that can be read"
    )


@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(
            ["machine", "default", "login", "password", "macdef", "a.example", "x", "\n", '"', "#"]
        )
    ).map(" ".join)
)
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any-netrc"
    path.write_bytes(text.encode(errors="surrogatepass"))
    outcome = read_netrc(path)
    if is_successful(outcome):
        for _, login in outcome.unwrap().proofs:
            assert login.user.value
            assert login.password.value
    else:
        assert isinstance(outcome.failure(), InvalidSetting)
