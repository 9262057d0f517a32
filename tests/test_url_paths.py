"""Paths that some server could read as leading elsewhere are below nothing but the whole."""

import pytest

from pipeline.url_paths import is_below


@pytest.mark.parametrize("root", ["/us", "/us/"])
@pytest.mark.parametrize("path", ["/us", "/us/", "/us/v2/a", "/us/..a/b", "/us/a%2fb", "/%75s/a"])
def test_below(path: str, root: str) -> None:
    assert is_below(path, root)


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "/eu", "/usa", "/US/a", "/us/../eu", "/us/..", "/us/./a", "/us/%2e%2e/eu",
        "/us/..%2feu", "/us/%2E./eu", r"/us/..\eu", "/us/..%5ceu", "/eu/us/a", "//us/a",
    ],
)  # fmt: skip
def test_not_below(path: str) -> None:
    assert not is_below(path, "/us")


@pytest.mark.parametrize("path", ["", "/", "/a/../b"])
def test_all_is_below_the_root(path: str) -> None:
    assert is_below(path, "/")
    assert is_below(path, "")
