"""Which network addresses belong to this device itself, so that no stream leads back into it."""

import errno
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address


def is_own(address: str) -> bool:
    """Tell whether an IP address is one of this device, or is not of one other machine.

    That is: loopback, link-local (cloud metadata too), unspecified, broadcast and multicast addresses, and those of the
    device's interfaces, as IPv4 or as IPv6. The kernel is asked for the interfaces: only own addresses can be bound.
    """
    ip = _plain(ip_address(address.partition("%")[0]))
    if ip.is_loopback or ip.is_link_local or ip.is_unspecified or ip.is_multicast:
        return True
    if isinstance(ip, IPv4Address) and (ip.packed[0] == 0 or ip.packed == b"\xff\xff\xff\xff"):
        return True
    family = socket.AF_INET if isinstance(ip, IPv4Address) else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(ip), 0))
    except OSError as error:
        return error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    return True


def _plain(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address inside an IPv6 one (mapped, compatible, 6to4, NAT64); else the address itself."""
    if isinstance(ip, IPv4Address):
        return ip
    inner = ip.ipv4_mapped or ip.sixtofour
    if inner is None and (ip.packed[:12] == bytes(12) or ip.packed[:12] == bytes.fromhex("0064ff9b") + bytes(8)):
        inner = IPv4Address(ip.packed[12:])
    return ip if inner is None or ip.is_loopback else inner
