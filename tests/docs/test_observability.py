"""What docs/observability.md says is so: its Python runs, its names and picture are the code's."""

import doctest
import re
from pathlib import Path
from typing import get_args

import pytest

from pipeline.adapters import FileKeystore, otel
from pipeline.events import Event
from pipeline.names import parse_image_name
from pipeline.trust import Fingerprint
from tests.cli.timings.test_waterfall import COMMON
from tests.support.world import HOST, World, make_image, sign

TEXT = (Path(__file__).resolve().parents[2] / "docs/observability.md").read_text()


def test_the_code_runs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """On an image that is signed by a trusted key, and on one that is not what was signed."""
    image = make_image()
    signature = sign(world.key, image)
    for name, content in {"app": image, "tampered": make_image(content=b"tampered")}.items():
        (world.home / f"{name}.aci").write_bytes(content)
        (world.home / f"{name}.aci.asc").write_bytes(signature)
    keystore = FileKeystore(system=world.home / "system", local=world.home / "config")
    fingerprint = Fingerprint(str(world.key.fingerprint).replace(" ", "").lower())
    prefix = parse_image_name(HOST).unwrap()
    keystore.add(prefix, {fingerprint: bytes(world.key.pubkey)}).unwrap()
    code = "".join(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(code, {}, "observability.md", "observability.md", 0)
    assert len(test.examples) >= 20
    assert doctest.DocTestRunner().run(test).failed == 0


def test_every_event_is_named() -> None:
    table = TEXT[TEXT.index("| event |") :].partition("\n\n")[0]
    named = re.findall(r"`([A-Z][A-Za-z]+)`", table)
    assert named == [kind.__name__ for kind in get_args(Event)]


def test_every_attribute_is_named() -> None:
    used = r'"((?:[a-z_]+\.)+[a-z_]+)"'
    source = Path(str(otel.__file__)).read_text()
    traces = TEXT.partition("\n## Traces\n")[2]
    documented = set(re.findall(r"`((?:[a-z_]+\.)+[a-z_]+)`", traces))
    assert documented == set(re.findall(used, source))
    assert f"v{otel.SCHEMA.rpartition('/')[2]}." in TEXT


def test_the_picture_is_what_is_drawn() -> None:
    [picture] = re.findall(r"^(    stage  .*?)\n\n", TEXT, re.DOTALL | re.MULTILINE)
    assert picture + "\n" == "".join(f"    {line}\n" for line in COMMON.splitlines())
