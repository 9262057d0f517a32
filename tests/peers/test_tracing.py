"""A trace of a fetch from a real nginx, over TLS, by the real SDK."""

from dataclasses import replace

import pytest
import trustme

from tests.peers.nginx import Nginx
from tests.support.tracing import Traces, fetch
from tests.support.world import HOST, World, make_image, sign

pytestmark = pytest.mark.peer


def test_a_fetch(world: World, authority: trustme.CA) -> None:
    image = make_image(content=bytes(range(256)) * 4096)
    world.trust()
    traces = Traces()
    with Nginx(world.home / "nginx", authority.issue_cert(HOST)) as nginx:
        (nginx.root / "app.aci").write_bytes(image)
        (nginx.root / "app.aci.asc").write_bytes(sign(world.key, image))
        there = replace(world, port=nginx.tls_port)
        stored = fetch(there, traces.observer(), f"https://{HOST}/app.aci?token=c4nary").unwrap()
        served = len(nginx.requests)
    told = [dict(each.attributes or {}) for each in traces.named("GET")]
    assert len(told) == served
    assert [each["http.response.status_code"] for each in told] == [200, 200]
    assert told[-1]["http.response.body.size"] == len(image)
    [root] = [each for each in traces.spans if each.parent is None]
    assert (root.attributes or {})["container.image.id"] == stored.image_id.image_id
    assert "c4nary" not in traces.text()
