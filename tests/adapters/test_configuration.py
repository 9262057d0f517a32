"""``config.toml``: demands hold, the user's entries go first, and what is misspelt is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters import configuration
from pipeline.adapters.configuration import (
    FILE_NAME,
    Configuration,
    TlsEntry,
    read_configuration,
)
from pipeline.errors import InvalidSetting
from pipeline.limits import CONFIGURATION_BYTES
from pipeline.mirrors import UrlTemplate
from pipeline.names import ImageName


def write(folder: Path, content: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / FILE_NAME).write_text(content)
    return folder


def mirror(prefix: str, to: str) -> str:
    return f"[[mirrors]]\nprefix = '{prefix}'\nto = {to}\n"


def test_nothing_there(tmp_path: Path) -> None:
    assert read_configuration(tmp_path, tmp_path / "missing").unwrap() == Configuration()


def test_what_the_module_shows_is_read(tmp_path: Path) -> None:
    """The example in the documentation of the format."""
    lines = (configuration.__doc__ or "").split("\n")
    example = "\n".join(line[4:] for line in lines if line.startswith("    ") or not line)
    example = example[example.index("[signers]") :]
    read = read_configuration(write(tmp_path, example)).unwrap()
    assert read.signers == (("example.com/app", 2),)
    assert len(read.mirrors.names) == len(read.mirrors.urls) == len(read.tls) == 1


class TestBothFiles:
    """The machine's file, then the user's."""

    def test_demands_on_signers_add_up(self, tmp_path: Path) -> None:
        system, local = (
            write(tmp_path / name, f'[signers]\n"example.com/app" = {count}\n')
            for name, count in (("system", 3), ("local", 2))
        )
        read = read_configuration(system, local).unwrap()
        assert read.signers == (("example.com/app", 3), ("example.com/app", 2))

    def test_mirrors_of_one_prefix_are_the_users(self, tmp_path: Path) -> None:
        system = write(
            tmp_path / "system",
            mirror("example.com", "['a.example']")
            + mirror("https://example.com/x", "['https://a.example']")
            + mirror("other.com", "['b.example']"),
        )
        local = write(
            tmp_path / "local",
            mirror("example.com", "['c.example', 'https://d.example/{name}.{ext}']")
            + mirror("https://EXAMPLE.com:443/x/", "[]"),
        )
        mirrors = read_configuration(system, local).unwrap().mirrors
        assert mirrors.for_name(ImageName("example.com/app")) == (
            "c.example/app",
            UrlTemplate("https://d.example/{name}.{ext}"),
        )
        assert mirrors.for_name(ImageName("other.com/app")) == ("b.example/app",)
        [entry] = mirrors.urls
        assert entry.to == ()

    def test_tls_of_one_host_is_the_users(self, tmp_path: Path) -> None:
        system = write(
            tmp_path / "system",
            "[[tls]]\nhost = 'a.example'\nca-file = 'a.pem'\n"
            "[[tls]]\nhost = 'a.example:8443'\nca-file = 'a.pem'\n",
        )
        local = write(
            tmp_path / "local",
            "[[tls]]\nhost = 'A.example:443'\nclient-certificate = '/c.pem'\nclient-key = 'k.pem'\n"
            "[[tls]]\nhost = '[::1]:8443'\nclient-certificate = 'both.pem'\n",
        )
        assert read_configuration(system, local).unwrap().tls == (
            TlsEntry("a.example", 443, None, "/c.pem", str(local / "k.pem")),
            TlsEntry("a.example", 8443, str(system / "a.pem")),
            TlsEntry("::1", 8443, None, str(local / "both.pem")),
        )


@pytest.mark.parametrize(
    "content",
    [
        b"[signers",
        b"\xff",
        b"[signer]\nx = 1",
        b"signers = 1",
        b'[signers]\n"example.com/../x" = 1',
        b"[signers]\nx = 0",
        b"[signers]\nx = 129",
        b"[signers]\nx = true",
        b"[signers]\nx = 1.5",
        b'[signers]\nx = "1"',
        b"[signers]\nx = " + b"9" * 5000,
        b"[signers]\nx = 0x" + b"f" * 5000,
        b"signers = [0x" + b"f" * 5000 + b"]",
        b"#" * (CONFIGURATION_BYTES + 1),
        b"x = " + b"[" * 5000 + b"]" * 5000,
        b"mirrors = 1",
        b"mirrors = [1]",
        b"[mirrors]\nprefix = 'a'\nto = []",
        b"[[mirror]]\nprefix = 'a'\nto = []",
        b"[[mirrors]]\nto = []",
        b"[[mirrors]]\nprefix = 'a'",
        b"[[mirrors]]\nprefix = 1\nto = []",
        b"[[mirrors]]\nprefix = ''\nto = []",
        b"[[mirrors]]\nprefix = 'a'\nto = 'b'",
        b"[[mirrors]]\nprefix = 'a'\nto = [1]",
        b"[[mirrors]]\nprefix = 'a'\nto = ['B']",
        b"[[mirrors]]\nprefix = 'a'\nto = []\nfrom = 'c'",
        b"[[mirrors]]\nprefix = 'https://a'\nto = ['http://b']",
        b"[[mirrors]]\nprefix = 'a'\nto = []\n[[mirrors]]\nprefix = 'a'\nto = []",
        b"[[mirrors]]\nprefix = 'http://a'\nto = []\n[[mirrors]]\nprefix = 'http://A:80/'\nto = []",
        b"tls = 1",
        b"[[tls]]\nca-file = 'x'",
        b"[[tls]]\nhost = 'a.example'",
        b"[[tls]]\nhost = 'a.example'\nca_file = 'x'",
        b"[[tls]]\nhost = 'a.example'\nca-file = ''",
        b"[[tls]]\nhost = 'a.example'\nca-file = 1",
        b'[[tls]]\nhost = "a.example"\nca-file = "a\\u0000"',
        b"[[tls]]\nhost = 'a.example'\nca-file = 'x'\nclient-key = 'y'",
        b"[[tls]]\nhost = 'https://a.example'\nca-file = 'x'",
        b"[[tls]]\nhost = 'a.example:0'\nca-file = 'x'",
        b"[[tls]]\nhost = 'a.example:65536'\nca-file = 'x'",
        b"[[tls]]\nhost = '*.example'\nca-file = 'x'",
        b"[[tls]]\nhost = 'a'\nca-file = 'x'\n[[tls]]\nhost = 'A:443'\nca-file = 'x'",
    ],
)
def test_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    error = read_configuration(tmp_path).failure()
    assert isinstance(error, InvalidSetting)
    assert str(tmp_path / FILE_NAME) in error.setting


def test_the_entry_is_named_by_its_number(tmp_path: Path) -> None:
    content = mirror("a", "[]") + mirror("b", "['https://m.example/{name}']")
    error = read_configuration(write(tmp_path, content)).failure()
    assert error.setting == f"{tmp_path / FILE_NAME}: mirrors, entry 2"
    assert error.got == "https://m.example/{name}"
    assert "{ext}" in error.wanted


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    assert isinstance(read_configuration(tmp_path).failure(), InvalidSetting)


@given(st.binary(max_size=200))
def test_junk_never_raises(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("config")
    (folder / FILE_NAME).write_bytes(content)
    read_configuration(folder)


_KEYS = st.sampled_from(("prefix", "to", "host", "ca-file", "client-certificate", "client-key"))
_VALUES = st.sampled_from(
    ("1", "''", "'a'", "'https://a/b'", "['a']", "['https://a/{name}.{ext}']", "{}", "1979-05-27")
)


@given(st.sampled_from(("mirrors", "tls")), st.dictionaries(_KEYS, _VALUES))
def test_any_entry_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, table: str, values: dict[str, str]
) -> None:
    """Whatever stands in an entry, it never raises, and no part of it is passed over."""
    lines = "\n".join(f"{key} = {value}" for key, value in values.items())
    folder = write(tmp_path_factory.mktemp("config"), f"[[{table}]]\n{lines}\n")
    read = read_configuration(folder).value_or(None)
    keys = {"prefix", "to"} if table == "mirrors" else set(values) - {"prefix", "to"}
    assert read is None or set(values) == keys
