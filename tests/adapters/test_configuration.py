"""``config.toml``: demands hold, and what is misspelt is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters.configuration import FILE_NAME, Configuration, read_configuration
from pipeline.errors import InvalidSetting
from pipeline.limits import CONFIGURATION_BYTES


def test_nothing_there(tmp_path: Path) -> None:
    assert read_configuration(tmp_path, tmp_path / "missing").unwrap() == Configuration()


def test_both_files_count(tmp_path: Path) -> None:
    for folder, count in (("system", 3), ("local", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / FILE_NAME).write_text(f'[signers]\n"example.com/app" = {count}\n')
    read = read_configuration(tmp_path / "system", tmp_path / "local").unwrap()
    assert read.signers == (("example.com/app", 3), ("example.com/app", 2))


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
    ],
)
def test_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    error = read_configuration(tmp_path).failure()
    assert isinstance(error, InvalidSetting)
    assert str(tmp_path / FILE_NAME) in error.message


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    assert isinstance(read_configuration(tmp_path).failure(), InvalidSetting)


@given(st.binary(max_size=200))
def test_junk_never_raises(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("config")
    (folder / FILE_NAME).write_bytes(content)
    read_configuration(folder)
