"""What holds for every proxy that the environment could name, and every host."""

import string
from ipaddress import ip_address, ip_network
from typing import Literal
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.adapters.http.proxies import Proxies, parse_proxies

LABELS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8)
NAMES = (
    st.lists(LABELS, min_size=2, max_size=4)
    .map(".".join)
    .filter(lambda name: not name.rpartition(".")[2].isdigit())
)
PORTS = st.integers(min_value=1, max_value=65535)
SECRETS = st.text(min_size=6, max_size=20)


def bypassing(no_proxy: str) -> Proxies:
    return parse_proxies({"all_proxy": "proxy.example", "no_proxy": no_proxy}).unwrap()


def is_straight(no_proxy: str, host: str, port: int = 443) -> bool:
    return bypassing(no_proxy).for_target("https", host, port) is None


class TestAnything:
    @given(st.dictionaries(st.sampled_from(["all_proxy", "HTTP_PROXY", "no_proxy"]), st.text()))
    def test_nothing_raises(self, environ: dict[str, str]) -> None:
        outcome = parse_proxies(environ)
        if is_successful(outcome):
            outcome.unwrap().for_target("http", "example.com", 80)

    @given(st.text(string.printable), SECRETS.map(lambda text: f"~{text}~"), st.text())
    def test_a_password_is_never_shown(self, before: str, password: str, after: str) -> None:
        outcome = parse_proxies({"all_proxy": f"{before}:{password}@{after}"})
        if is_successful(outcome):
            assert password not in repr(outcome.unwrap().http)
        else:
            error = outcome.failure()
            assert password not in repr(error) + error.message + error.hint

    @given(st.text(string.printable.replace("@", "")), st.text(string.printable), NAMES, PORTS)
    def test_what_is_encoded_is_read_back(
        self, user: str, password: str, host: str, port: int
    ) -> None:
        userinfo = f"{quote(user, safe='')}:{quote(password, safe='')}"
        outcome = parse_proxies({"https_proxy": f"https://{userinfo}@{host}:{port}"})
        can_be_sent = ":" not in user and (user + password).isprintable()
        assert is_successful(outcome) is can_be_sent
        if can_be_sent:
            proxy = outcome.unwrap().https
            assert proxy is not None
            assert proxy.url == f"https://{host}:{port}"


class TestDomains:
    """An entry stands for a domain: that host and every host below it, and nothing else."""

    @given(NAMES, LABELS)
    def test_below(self, name: str, label: str) -> None:
        for entry in (name, f".{name}", f"*.{name}", f"{name.upper()}."):
            assert is_straight(entry, name)
            assert is_straight(entry, f"{label}.{name}")
            assert not is_straight(entry, f"{label}{name}")
            assert not is_straight(entry, f"{name}.{label}-")

    @given(NAMES, PORTS, PORTS)
    def test_a_port_narrows(self, name: str, port: int, other: int) -> None:
        assert is_straight(f"{name}:{port}", name, port)
        assert is_straight(f"{name}:{port}", name, other) is (port == other)

    @given(st.lists(NAMES, max_size=5), st.sampled_from([",", " ", ", ", ",,\t"]), NAMES)
    def test_a_list_is_its_entries(self, names: list[str], comma: str, host: str) -> None:
        assert is_straight(comma.join(names), host) is any(
            is_straight(each, host) for each in names
        )


class TestBlocks:
    """An address falls under the blocks that it is in, and under no name."""

    @given(st.data(), st.sampled_from((4, 6)))
    def test_as_ipaddress_says(self, data: st.DataObject, version: Literal[4, 6]) -> None:
        base = data.draw(st.ip_addresses(v=version))
        bits = data.draw(st.integers(min_value=0, max_value=base.max_prefixlen))
        block = ip_network(f"{base}/{bits}", strict=False)
        near = ip_address(int(base) ^ data.draw(st.integers(min_value=0, max_value=2**12)))
        far = data.draw(st.ip_addresses())
        for host in (base, near, far):
            assert is_straight(f"{base}/{bits}", str(host)) is (host in block)
        assert is_straight(str(base), str(base))

    @given(st.ip_addresses(v=6), PORTS, PORTS)
    def test_brackets(self, address: object, port: int, other: int) -> None:
        assert is_straight(f"[{address}]", str(address), port)
        assert is_straight(f"[{address}]:{port}", str(address), other) is (port == other)
