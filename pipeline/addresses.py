"""How far inward an address lies: ``str -> AddressScope``, no I/O, no errors.

A URL that a server names (a redirect, a discovery page, a token realm) may lead no further inward
than that server itself was; otherwise a stranger could have us ask machines that only we reach.

Source: RFC 6890 (special-purpose addresses), by way of :mod:`ipaddress`.
"""

from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address, ip_address


class AddressScope(IntEnum):
    """From the innermost to the outermost."""

    LOOPBACK = 0
    LINK_LOCAL = 1
    PRIVATE = 2
    PUBLIC = 3


def scope_of(address: str) -> AddressScope:
    """Return the scope of an IP address; what is not certainly public counts as inward.

    An IPv6 address that carries an IPv4 one (mapped, 6to4, NAT64) has the scope of that one.

    >>> scope_of("127.0.0.1").name, scope_of("10.1.2.3").name, scope_of("8.8.8.8").name
    ('LOOPBACK', 'PRIVATE', 'PUBLIC')
    >>> scope_of("::ffff:169.254.169.254").name, scope_of("2002:a00:1::1").name
    ('LINK_LOCAL', 'PRIVATE')
    """
    try:
        parsed = _carried(ip_address(address.partition("%")[0]))
    except ValueError:
        return AddressScope.LOOPBACK
    if parsed.is_loopback or parsed.is_unspecified:
        return AddressScope.LOOPBACK
    if parsed.is_link_local:
        return AddressScope.LINK_LOCAL
    if parsed.is_global and not parsed.is_multicast:
        return AddressScope.PUBLIC
    return AddressScope.PRIVATE


_NAT64 = int(IPv6Address("64:ff9b::")) >> 32


def _carried(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if int(address) >> 32 == _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
