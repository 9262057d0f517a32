"""How far inward an address lies: ``str -> AddressScope``, no I/O, no errors.

A URL that a server names (a redirect, a discovery page, a token realm) may lead no further inward
than that server itself was; otherwise a stranger could have us ask machines that only we reach.

Source: the IANA special-purpose address registries (RFC 6890) as of 2024-10. They are tables here
and not :mod:`ipaddress`' properties, since those differ between releases of Python: 3.11.7 calls
``64:ff9b:1::/48`` global.
"""

from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final


class AddressScope(IntEnum):
    """From the innermost to the outermost."""

    LOOPBACK = 0
    LINK_LOCAL = 1
    PRIVATE = 2
    PUBLIC = 3


_INWARD_4: Final = (
    # "This network": 0.0.0.0 is the machine itself to Linux.
    (IPv4Network("0.0.0.0/8"), AddressScope.LOOPBACK),
    (IPv4Network("127.0.0.0/8"), AddressScope.LOOPBACK),
    # Clouds' metadata services are here.
    (IPv4Network("169.254.0.0/16"), AddressScope.LINK_LOCAL),
    (IPv4Network("10.0.0.0/8"), AddressScope.PRIVATE),
    (IPv4Network("172.16.0.0/12"), AddressScope.PRIVATE),
    (IPv4Network("192.168.0.0/16"), AddressScope.PRIVATE),
    # Shared by a provider's customers, RFC 6598.
    (IPv4Network("100.64.0.0/10"), AddressScope.PRIVATE),
    (IPv4Network("192.0.0.0/24"), AddressScope.PRIVATE),
    # Documentation, RFC 5737; benchmarks, RFC 2544: used within networks, if at all.
    (IPv4Network("192.0.2.0/24"), AddressScope.PRIVATE),
    (IPv4Network("198.51.100.0/24"), AddressScope.PRIVATE),
    (IPv4Network("203.0.113.0/24"), AddressScope.PRIVATE),
    (IPv4Network("198.18.0.0/15"), AddressScope.PRIVATE),
    # The nearest relay of 6to4, RFC 7526.
    (IPv4Network("192.88.99.0/24"), AddressScope.PRIVATE),
    # Multicast; reserved, and broadcast.
    (IPv4Network("224.0.0.0/4"), AddressScope.PRIVATE),
    (IPv4Network("240.0.0.0/4"), AddressScope.PRIVATE),
)

_INWARD_6: Final = (
    # "::", "::1", and the IPv4-compatible ones that RFC 4291 gave up.
    (IPv6Network("::/96"), AddressScope.LOOPBACK),
    (IPv6Network("fe80::/10"), AddressScope.LINK_LOCAL),
    # Protocol assignments, Teredo among them, whose addresses may carry any other.
    (IPv6Network("2001::/23"), AddressScope.PRIVATE),
    # Documentation, RFC 3849 and RFC 9637.
    (IPv6Network("2001:db8::/32"), AddressScope.PRIVATE),
    (IPv6Network("3fff::/20"), AddressScope.PRIVATE),
)

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""All that was ever assigned of it (RFC 4291 section 2.4)."""

_CARRIERS: Final = (
    # IPv4-mapped and IPv4-translated addresses, NAT64: the last 32 bits.
    (IPv6Network("::ffff:0:0/96"), 0),
    (IPv6Network("::ffff:0:0:0/96"), 0),
    (IPv6Network("64:ff9b::/96"), 0),
    # 6to4: the 32 bits after the prefix.
    (IPv6Network("2002::/16"), 80),
)
"""IPv6 addresses that lead to an IPv4 one, and how many bits follow that."""


def scope_of(address: str) -> AddressScope:
    """Return the scope of an IP address; what is not certainly public counts as inward.

    An IPv6 address that carries an IPv4 one (mapped, translated, 6to4, NAT64) has its scope.

    >>> scope_of("127.0.0.1").name, scope_of("10.1.2.3").name, scope_of("8.8.8.8").name
    ('LOOPBACK', 'PRIVATE', 'PUBLIC')
    >>> scope_of("::ffff:169.254.169.254").name, scope_of("2002:a00:1::1").name
    ('LINK_LOCAL', 'PRIVATE')
    """
    try:
        parsed = _carried(ip_address(address.partition("%")[0]))
    except ValueError:
        return AddressScope.LOOPBACK
    if isinstance(parsed, IPv4Address):
        return next(
            (scope for network, scope in _INWARD_4 if parsed in network), AddressScope.PUBLIC
        )
    outermost = AddressScope.PUBLIC if parsed in _GLOBAL_UNICAST else AddressScope.PRIVATE
    return next((scope for network, scope in _INWARD_6 if parsed in network), outermost)


def _carried(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv6Address):
        for network, bits_after in _CARRIERS:
            if address in network:
                return IPv4Address(int(address) >> bits_after & 0xFFFFFFFF)
    return address
