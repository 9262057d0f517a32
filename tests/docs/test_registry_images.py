"""The page on registry images tells the truth."""

import re
from pathlib import Path

import pytest

from pipeline.adapters import FileKeystore, HttpSettings, parse_connect_to
from pipeline.names import parse_image_name, this_platform
from pipeline.oci.platforms import oci_platform
from pipeline.results import OciImage, Verified
from pipeline.testing.oci import make_image
from pipeline.trust import Fingerprint
from tests.support.registry_site import RegistrySite, use_lookaside
from tests.support.world import HOST, World

PAGE = Path(__file__).parents[2] / "docs/registry-images.md"


def test_the_code_pulls(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's Python, on a signed image; only where the site is differs."""
    image = make_image({"bin/app": b"app"}, platform=oci_platform(this_platform()))
    registry = RegistrySite(world.site)
    registry.push("app", "1.2.0", image)
    registry.sign(world.key, image.descriptor.digest, f"{HOST}/app:1.2.0")
    use_lookaside(world.home)
    fingerprint = Fingerprint(str(world.key.fingerprint).replace(" ", "").lower())
    keystore = FileKeystore(system=world.home / "system", local=world.home / "config")
    name = parse_image_name(f"{HOST}/app").unwrap()
    keystore.add(name, {fingerprint: bytes(world.key.pubkey)}).unwrap()
    rule = parse_connect_to(f"{HOST}:443:127.0.0.1:{world.port}").unwrap()
    here = HttpSettings(ca_file=str(world.home / "ca.pem"), connect_to=(rule,))
    monkeypatch.setattr("pipeline.adapters.http.HttpSettings", lambda: here)
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(code, PAGE.name, "exec"), names)
    outcome = names["outcome"].unwrap()  # type: ignore[attr-defined]  # what exec makes is untyped
    assert isinstance(outcome.manifest, OciImage)
    assert outcome.manifest.raw == image.raw
    assert outcome.manifest.config.raw in image.blobs.values()
    assert isinstance(outcome.origin, Verified)
