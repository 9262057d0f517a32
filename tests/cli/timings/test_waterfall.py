"""A waterfall as it looks, in terminals of several widths."""

from dataclasses import replace

import pytest

from pipeline.cli.timings.recording import TRANSFER, Row
from pipeline.cli.timings.waterfall import waterfall

MIB = 1024 * 1024
IMAGE = "https://example.com/images/app-1.2.0-linux-amd64.aci"

ROWS = (
    Row("find", "example.com/app:1.2.0,os=linux", 1, 0, 0.0, 4.0),
    Row("parse", "example.com/app:1.2.0,os=linux", 2, 1, 0.0, 0.0001, depth=1),
    Row("fetch", "example.com/app:1.2.0,os=linux", 3, 1, 0.001, 3.999, depth=1),
    Row("discover", "example.com/app:1.2.0", 4, 3, 0.001, 0.3, depth=2),
    Row("download", "example.com/app:1.2.0", 5, 3, 0.4, 2.6, 120 * MIB, 2, depth=2),
    Row(TRANSFER, IMAGE, 0, 5, 0.5, 2.5, 120 * MIB, 2, depth=3),
    Row("verify", "x", 6, 3, 3.0, 0.005, depth=2),
    Row("extract", "x", 7, 3, 3.1, 0.8, 300 * MIB, depth=2),
    Row("store", "x", 8, 3, 3.9, 0.05, 300 * MIB, depth=2),
)

FAILED = (
    Row("find", "docker://example.com/app:1.2.0", 1, 0, 0.0, 200.0, None, 0, "digest-mismatch"),
    Row("fetch", "x", 2, 1, 0.0, 200.0, None, 0, "digest-mismatch", 1),
    Row("download", "x", 3, 2, 50.0, 150.0, 7, 0, "digest-mismatch", 2),
    Row(TRANSFER, "https://example.com/b/1", 0, 3, 50.0, 75.0, None, 0, "aborted", 3),
    Row(TRANSFER, "https://example.com/b/2", 0, 3, 60.0, 140.0, 7, 0, None, 3),
)

NARROW = """\
stage                 took        size  retries
find ex..p:1.2.0   4.000 s                       ##########
  parse            0.000 s                       #
  fetch..p:1.2.0   3.999 s                       ##########
    discover       0.300 s                       #
    download       2.600 s   120.0 MiB        2   #######
      a..d64.aci   2.500 s   120.0 MiB        2   #######
    verify         0.005 s                              #
    extract        0.800 s   300.0 MiB                  ###
    store          0.050 s   300.0 MiB                    #
"""

COMMON = """\
stage                          start      took        size  retries
find example.com/app:1.2.0   0.000 s   4.000 s                       ##########
  parse                      0.000 s   0.000 s                       #
  fetch exam..om/app:1.2.0   0.001 s   3.999 s                       ##########
    discover                 0.001 s   0.300 s                       #
    download                 0.400 s   2.600 s   120.0 MiB        2   #######
      app-1...ux-amd64.aci   0.500 s   2.500 s   120.0 MiB        2   #######
    verify                   3.000 s   0.005 s                              #
    extract                  3.100 s   0.800 s   300.0 MiB                  ###
    store                    3.900 s   0.050 s   300.0 MiB                    #
"""

WIDE = """\
stage                               start      took        size          rate  retries
find example.com/app:1.2.0        0.000 s   4.000 s                                     ###########
  parse                           0.000 s   0.000 s                                     #
  fetch example.com/app:1.2.0     0.001 s   3.999 s                                     ###########
    discover                      0.001 s   0.300 s                                     #
    download                      0.400 s   2.600 s   120.0 MiB    46.2 MiB/s        2   #######
      app-1.2.0-linux-amd64.aci   0.500 s   2.500 s   120.0 MiB    48.0 MiB/s        2   #######
    verify                        3.000 s   0.005 s                                             #
    extract                       3.100 s   0.800 s   300.0 MiB   375.0 MiB/s                   ###
    store                         3.900 s   0.050 s   300.0 MiB                                   #
"""

CROSSES = """\
stage                     start      took        size          rate
find docke..app:1.2.0   0.000 s      3:20                            xxxxxxxxxx
  fetch x               0.000 s      3:20                            xxxxxxxxxx
    download           50.000 s      2:30         7 B         0 B/s    xxxxxxxx
      1                50.000 s  75.000 s                              xxxx
      2                60.000 s      2:20         7 B         0 B/s     #######
download failed: digest-mismatch
"""

NAMES = """\
stage
find exampl..m/app:1.2.0
  parse
  fetch exa..m/app:1.2.0
    discover
    download
      app-1..x-amd64.aci
    verify
    extract
    store
"""


@pytest.mark.parametrize(
    ("rows", "width", "picture"),
    [
        (ROWS, 59, NARROW),
        (ROWS, 79, COMMON),
        (ROWS, 99, WIDE),
        (ROWS, 24, NAMES),
        (FAILED, 79, CROSSES),
    ],
)
def test_pictures(rows: tuple[Row, ...], width: int, picture: str) -> None:
    assert "\n".join(waterfall(rows, width)) + "\n" == picture


def test_a_store_hit_has_no_columns_for_bytes() -> None:
    rows = (Row("find", "sha512-00", 1, 0, 0.0, 0.25), Row("parse", "x", 2, 1, 0.0, 0.0, depth=1))
    assert waterfall(rows, 60)[0].split() == ["stage", "start", "took"]


def test_nothing_took_no_time() -> None:
    assert waterfall((), 80) == ()
    assert waterfall((Row("find", "x", 1, 0, 0.0, 0.0),), 80) == (
        "stage                start      took",
        "find x             0.000 s   0.000 s",
    )


def test_names_are_what_a_terminal_only_shows() -> None:
    row = Row("fetch", "./b\xfcld\u2026.aci", 1, 0, 0.0, 1.0)
    assert waterfall((row,), 200)[1].startswith(r"fetch ./b\xfcld...aci ")
    # An event's own backslashes stay as they are; what should be none is escaped all the same.
    row = replace(row, subject=r"./\x1b.aci")
    assert waterfall((row,), 200)[1].startswith(r"fetch ./\x1b.aci ")
    row = replace(row, subject="./\x1b.aci")
    assert waterfall((row,), 200)[1].startswith(r"fetch ./\x1b.aci ")
