"""How far inward an address lies, against the registries by way of :mod:`ipaddress`."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.addresses import AddressScope, scope_of

LOOPBACK, LINK_LOCAL, PRIVATE, PUBLIC = AddressScope


@pytest.mark.parametrize(
    ("address", "scope"),
    [
        ("127.0.0.1", LOOPBACK),
        ("127.255.255.255", LOOPBACK),
        ("0.0.0.0", LOOPBACK),
        ("0.1.2.3", LOOPBACK),
        ("::", LOOPBACK),
        ("::1", LOOPBACK),
        ("::7f00:1", LOOPBACK),  # IPv4-compatible
        ("::ffff:127.0.0.1", LOOPBACK),
        ("::ffff:0:7f00:1", LOOPBACK),  # IPv4-translated
        ("64:ff9b::127.0.0.1", LOOPBACK),
        ("2002:7f00:1::", LOOPBACK),
        ("not an address", LOOPBACK),
        ("", LOOPBACK),
        ("169.254.169.254", LINK_LOCAL),
        ("fe80::1", LINK_LOCAL),
        ("fe80::1%eth0", LINK_LOCAL),
        ("febf::1", LINK_LOCAL),
        ("64:ff9b::a9fe:a9fe", LINK_LOCAL),
        ("10.0.0.1", PRIVATE),
        ("172.31.255.255", PRIVATE),
        ("192.168.0.1", PRIVATE),
        ("100.64.0.1", PRIVATE),
        ("100.100.100.200", PRIVATE),
        ("192.0.0.8", PRIVATE),
        ("192.0.0.170", PRIVATE),
        ("192.0.2.1", PRIVATE),
        ("198.51.100.1", PRIVATE),
        ("203.0.113.1", PRIVATE),
        ("198.19.0.1", PRIVATE),
        ("192.88.99.1", PRIVATE),
        ("224.0.0.1", PRIVATE),
        ("239.255.255.250", PRIVATE),
        ("240.0.0.1", PRIVATE),
        ("255.255.255.255", PRIVATE),
        ("fc00::1", PRIVATE),
        ("fd00:ec2::254", PRIVATE),
        ("fec0::1", PRIVATE),  # site-local
        ("ff02::1", PRIVATE),
        ("ff0e::1", PRIVATE),
        ("64:ff9b:1::8.8.8.8", PRIVATE),  # NAT64 for local use
        ("100::1", PRIVATE),
        ("2001::1", PRIVATE),  # Teredo
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", PRIVATE),
        ("2001:db8::1", PRIVATE),
        ("3fff::1", PRIVATE),
        ("5f00::1", PRIVATE),
        ("::ffff:10.0.0.1", PRIVATE),
        ("2002:a00:1::1", PRIVATE),
        ("8.8.8.8", PUBLIC),
        ("100.63.255.255", PUBLIC),
        ("100.128.0.0", PUBLIC),
        ("172.32.0.0", PUBLIC),
        ("2606:4700::1111", PUBLIC),
        ("2a00:1450::1", PUBLIC),
        ("::ffff:8.8.8.8", PUBLIC),
        ("64:ff9b::808:808", PUBLIC),
        ("2002:808:808::1", PUBLIC),
    ],
)
def test_scopes(address: str, scope: AddressScope) -> None:
    assert scope_of(address) is scope


# Where Python calls public what the registries give a purpose of its own, or its releases differ.
OURS_4 = [IPv4Network(text) for text in ("192.0.0.0/24", "192.88.99.0/24")]
NOT_PLAIN_6 = [
    IPv6Network(text) for text in ("::/32", "64:ff9b::/32", "2001::/23", "2002::/16", "3fff::/20")
]


@given(st.ip_addresses(v=4))
def test_public_is_what_ipaddress_calls_global(address: IPv4Address) -> None:
    if not any(address in network for network in OURS_4):
        is_public = address.is_global and not address.is_multicast and not address.is_reserved
        assert (scope_of(str(address)) is PUBLIC) is is_public
    assert (scope_of(str(address)) is LINK_LOCAL) is address.is_link_local
    assert not address.is_loopback or scope_of(str(address)) is LOOPBACK


@given(st.ip_addresses(v=6))
def test_public_ipv6_is_global_unicast(address: IPv6Address) -> None:
    if not any(address in network for network in NOT_PLAIN_6):
        is_public = address.is_global and not address.is_multicast and not address.is_reserved
        assert (scope_of(str(address)) is PUBLIC) is is_public
        assert (scope_of(str(address)) is LINK_LOCAL) is address.is_link_local
    assert not address.is_loopback or scope_of(str(address)) is LOOPBACK


@given(st.ip_addresses(v=4), st.integers(min_value=0, max_value=2**80 - 1))
def test_what_carries_an_ipv4_address_is_as_far_in(address: IPv4Address, rest: int) -> None:
    wanted = scope_of(str(address))
    for prefix in ("::ffff:", "::ffff:0:", "64:ff9b::"):
        assert scope_of(f"{prefix}{address}") is wanted
    assert scope_of(str(IPv6Address(0x2002 << 112 | int(address) << 80 | rest))) is wanted


@given(st.text())
def test_nothing_raises(text: str) -> None:
    assert scope_of(text) in AddressScope
