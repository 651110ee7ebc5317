"""Which network addresses belong to this device itself, so that no stream leads back into it."""

import errno
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

OwnPorts = Callable[[int], bool]
"""Tells of a port of this device whether streams may come from there."""

_BROADCAST = IPv4Address("255.255.255.255")


def may_reach(address: str, port: int, own_ports: OwnPorts) -> bool:
    """Tell whether a stream may come from an IP address and port.

    It may from other machines, and from ports of this device that `own_ports` allows. It never may from link-local
    addresses, where clouds keep their secrets, nor from addresses of several machines.
    """
    ip = _plain(ip_address(address.partition("%")[0]))
    if ip.is_link_local or ip.is_multicast or ip == _BROADCAST:
        return False
    return own_ports(port) or not _is_own(ip)


def _is_own(ip: IPv4Address | IPv6Address) -> bool:
    """Tell whether this device has the address. The kernel is asked: only own addresses can be bound."""
    if ip.is_loopback or ip.is_unspecified or (ip.version == 4 and ip.packed[0] == 0):
        return True
    try:
        with socket.socket(socket.AF_INET if ip.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind((str(ip), 0))
    except OSError as error:
        return error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    return True


def _plain(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address inside an IPv6 one (mapped, compatible, 6to4, NAT64); else the address itself."""
    if isinstance(ip, IPv4Address):
        return ip
    inner = ip.ipv4_mapped or ip.sixtofour
    if inner is None and ip.packed[:12] in (bytes(12), bytes.fromhex("0064ff9b") + bytes(8)):
        inner = IPv4Address(ip.packed[12:])
    return ip if inner is None or ip.is_loopback else inner
