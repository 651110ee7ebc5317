"""For which address of the console passkeys are made, and why they are not for some addresses.

Browsers allow passkeys under https, and under `localhost`; under an IP address never. A passkey belongs to the host
name, so only names of the settings count, whatever a caller says it asked for. The port is the caller's word: all
ports of a host share their cookies anyway.
"""

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import urlsplit

LOCALHOST = "localhost"
_USUAL_PORTS = {"http": 80, "https": 443}


class Unfit(StrEnum):
    """Why an address is not one for passkeys."""

    LOOPBACK_ADDRESS = "loopback_address"
    IP_ADDRESS = "ip_address"
    NO_TLS = "no_tls"
    UNKNOWN_NAME = "unknown_name"


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The host name that passkeys are made for, and the origin of the pages that may use them."""

    host: str
    origin: str


@dataclass(frozen=True, slots=True)
class NoParty:
    """Why passkeys cannot be used at this address, and what to do."""

    reason: Unfit
    advice: str


def relying_party(host: str, is_secure: bool, names: Set[str]) -> RelyingParty | NoParty:
    """Return whom passkeys are for at this address.

    `host` is a name or address with an optional port, as the browser asked for it; `names` are those of the settings.
    """
    scheme = "https" if is_secure else "http"
    try:
        parts = urlsplit(f"{scheme}://{host}")
        name, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        name, port = "", None
    shown = "" if port in (None, _USUAL_PORTS[scheme]) else f":{port}"
    if (reason := _unfit(name, is_secure, names)) is not None:
        return NoParty(reason, _advice(reason, name, shown))
    return RelyingParty(name, f"{scheme}://{name}{shown}")


def _unfit(name: str, is_secure: bool, names: Set[str]) -> Unfit | None:
    try:
        return Unfit.LOOPBACK_ADDRESS if ip_address(name).is_loopback else Unfit.IP_ADDRESS
    except ValueError:
        pass  # it is a name
    if name not in names:
        return Unfit.UNKNOWN_NAME
    return None if is_secure or name == LOCALHOST else Unfit.NO_TLS


def _advice(reason: Unfit, name: str, port: str) -> str:
    match reason:
        case Unfit.LOOPBACK_ADDRESS:
            return (
                f"browsers allow passkeys under a name only, and {name} is an address: open http://{LOCALHOST}{port}/"
            )
        case Unfit.IP_ADDRESS:
            return (
                f"browsers allow passkeys under a name only, and {name} is an address: open this page by its name, "
                "over https. An administrator gives it one in server.allowed_hosts"
            )
        case Unfit.NO_TLS:
            return (
                "browsers allow passkeys over https only: open this page so. If it is, the proxy before the origin has "
                "to set X-Forwarded-Proto, and server.trusted_proxies has to name it"
            )
        case Unfit.UNKNOWN_NAME:
            return (
                f"passkeys belong to a name, and {name!r} is none of this origin: add it to server.allowed_hosts, or "
                "have the proxy before the origin pass the Host header on as it came"
            )
