"""Configurations: platforms and diffIDs."""

import json
from typing import Any

import pytest
from returns.pipeline import is_successful

from pipeline.digest import Digest
from pipeline.limits import CONFIG_BYTES, LAYERS
from pipeline.oci import OciConfig, OciPlatform
from pipeline.oci.config import parse_config
from pipeline.testing.oci import make_oci_config

IDS = (Digest("sha256", "a" * 64), Digest("sha512", "b" * 128))
RAW = make_oci_config(IDS, OciPlatform("linux", "arm", "v7"))


def changed(**members: Any) -> bytes:
    """Return a configuration with other members."""
    return json.dumps(json.loads(RAW) | members).encode()


def test_what_it_says() -> None:
    assert parse_config(RAW).unwrap() == OciConfig(OciPlatform("linux", "arm", "v7"), IDS, RAW)


def test_a_platform_that_is_not_said() -> None:
    config = parse_config(changed(os=None, architecture="", variant=None)).unwrap()
    assert config.platform == OciPlatform("", "")


def test_history_need_not_fit_the_layers() -> None:
    for history in (None, [], [{"empty_layer": True}] * 5, [{"created_by": "x"}]):
        assert parse_config(changed(history=history)).unwrap().diff_ids == IDS


def test_an_image_without_layers() -> None:
    for rootfs in ({"type": "layers", "diff_ids": []}, {"type": "layers"}):
        assert parse_config(changed(rootfs=rootfs)).unwrap().diff_ids == ()


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"os": "li nux"}, "$.os"),
        ({"os": 1}, "$.os"),
        ({"architecture": "a/b"}, "$.architecture"),
        ({"variant": "\x1b[2J"}, "$.variant"),
        ({"rootfs": None}, "$.rootfs"),
        ({"rootfs": []}, "$.rootfs"),
        ({"rootfs": {"diff_ids": []}}, "$.rootfs.type"),
        ({"rootfs": {"type": "layers+base", "diff_ids": []}}, "$.rootfs.type"),
        ({"rootfs": {"type": "layers", "diff_ids": {}}}, "$.rootfs.diff_ids"),
        ({"rootfs": {"type": "layers", "diff_ids": ["x"]}}, "$.rootfs.diff_ids[0]"),
        ({"rootfs": {"type": "layers", "diff_ids": [IDS[0].image_id]}}, "$.rootfs.diff_ids[0]"),
        ({"rootfs": {"type": "layers", "Diff_IDs": []}}, "$.rootfs"),
        ({"OS": "linux"}, "$"),
        ({"RootFS": {}}, "$"),
    ],
)
def test_each_field(members: dict[str, Any], path: str) -> None:
    assert parse_config(changed(**members)).failure().path == path


def test_diff_ids_up_to_the_limit() -> None:
    assert is_successful(parse_config(make_oci_config([IDS[0]] * LAYERS)))
    assert "at most" in parse_config(make_oci_config([IDS[0]] * (LAYERS + 1))).failure().reason


def test_bytes_up_to_the_limit() -> None:
    padded = RAW + b" " * (CONFIG_BYTES - len(RAW))
    assert is_successful(parse_config(padded))
    assert "at most" in parse_config(padded + b" ").failure().reason


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"os":"a","os":"b"}'])
def test_junk(raw: bytes) -> None:
    assert parse_config(raw).failure().reason
