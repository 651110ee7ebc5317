"""Says in plain words why the operating system or the network refused something.

The words complete a sentence: "/etc/signage/player.toml cannot be read: there is no such file or folder".
"""

from __future__ import annotations

import errno
import socket
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:  # it costs 20 ms at each start of a deck, which makes no connections
    import ssl

_REASONS = {
    errno.ENOENT: "there is no such file or folder",
    errno.EACCES: "this user is not allowed to; change the owner or the permissions",
    errno.EPERM: "this user is not allowed to; change the owner or the permissions",
    errno.EISDIR: "it is a folder, not a file",
    errno.ENOTDIR: "a part of its path is a file, not a folder",
    errno.EEXIST: "it exists already",
    errno.ENOTEMPTY: "the folder is not empty",
    errno.ENOSPC: "the disk is full; delete something or use a larger disk",
    errno.EDQUOT: "the disk quota of this user is used up",
    errno.EFBIG: "the file is too large for this disk",
    errno.EROFS: "the disk is read-only",
    errno.EIO: "the disk reports an error; check it and replace it",
    errno.ELOOP: "its links point in a circle",
    errno.ENAMETOOLONG: "its name is too long",
    errno.EMFILE: "too many files are open; raise the limit of open files",
    errno.ENFILE: "too many files are open; raise the limit of open files",
    errno.ENOMEM: "there is not enough memory",
    errno.EAGAIN: "too many processes or threads run; raise their limit",
    errno.EBUSY: "another program is using it",
    errno.ETXTBSY: "another program is using it",
    errno.EINVAL: "the system does not accept this name or value",
    errno.EPIPE: "the other side has closed the connection",
    errno.EADDRINUSE: "another program uses this port; stop it or choose another port",
    errno.EADDRNOTAVAIL: "this machine does not have this address; use one of its own or 0.0.0.0",
    errno.ECONNREFUSED: "no program listens at this address and port; check both, and start the program",
    errno.ECONNRESET: "the other side broke the connection off",
    errno.ECONNABORTED: "the other side broke the connection off",
    errno.EHOSTUNREACH: "the host cannot be reached; check the network",
    errno.ENETUNREACH: "the network cannot be reached; check the cable or the Wi-Fi",
    errno.ENETDOWN: "the network is down; check the cable or the Wi-Fi",
    errno.ETIMEDOUT: "there was no answer in time",
}


CERTIFICATE_DATES = (9, 10)
"""The codes of OpenSSL for a certificate whose time has not come or is over: the clock may be wrong instead."""
_CERTIFICATE_UNKNOWN = (2, 18, 19, 20, 21)  # those for one that would be good if it or its issuer were trusted

_NO_ISSUER = (
    "nobody whom this machine trusts issued it; have the certificate of its issuer trusted here, "
    "such as that of a company, or of a proxy that opens HTTPS"
)
_CERTIFICATE_REASONS = {
    2: _NO_ISSUER,
    9: "its time has not come yet; correct the clock of this machine",
    10: "it has expired; renew it, or correct the clock of this machine",
    18: "it is signed by itself; use one of an issuer that this machine trusts, or have it trusted here",
    19: _NO_ISSUER,
    20: _NO_ISSUER,
    21: _NO_ISSUER,
    23: "its issuer has revoked it; replace it",
    62: "it is for another name; use a name that it has, or check that no captive portal or proxy answers instead",
    64: "it does not have this address; use a name that it has, or check that nobody else answers instead",
}


def certificate_problem(error: Exception) -> ssl.SSLCertVerificationError | None:
    """Return the refusal of a certificate, which an HTTP client may have wrapped; None if that is not the fault."""
    import ssl

    cause = getattr(error, "certificate_error", None) or error
    return cause if isinstance(cause, ssl.SSLCertVerificationError) else None


def how_to_trust(error: ssl.SSLCertVerificationError, file: Path | None, setting: str) -> str:
    """Return what to do so that a certificate is trusted that `setting` can have trusted, by `file`; else nothing."""
    if error.verify_code not in _CERTIFICATE_UNKNOWN:
        return ""
    where = f"add it to {file}, the file of" if file else "put it into a file, as PEM, and name that in"
    return f". To trust it: {where} `{setting}` (settings of the player)"


def network_reason(error: Exception) -> str:
    """Return why the other side could not be reached or understood; an HTTP client may have wrapped the cause."""
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    if "DNS" in type(error).__name__:
        return os_reason(socket.gaierror())
    if isinstance(cause, OSError):
        return os_reason(cause)
    if isinstance(error, ValueError):
        return "this is not an address such as http://127.0.0.1:8080"
    return "what it sends is not HTTP, or the connection broke"


def os_reason(error: OSError) -> str:
    """Return why the system refused, and where known what to do; never the system's own text."""
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        why = _CERTIFICATE_REASONS.get(getattr(error, "verify_code", 0))  # only OpenSSL sets it
        check = f": {why}" if why else "; check its name, its dates and the clock of this machine"
        return f"the other side's certificate is not trusted{check}"
    if isinstance(error, ssl.SSLError):
        return "no secure connection could be made; check that the other side speaks HTTPS at this port"
    if isinstance(error, socket.gaierror):
        return "the name of the host is not known; check the name and the DNS settings"
    if error.errno is None:
        return "there was no answer in time" if isinstance(error, TimeoutError) else "the connection broke"
    return _REASONS.get(error.errno) or f"the system refuses it ({errno.errorcode.get(error.errno, error.errno)})"


def is_offline(error: Exception) -> bool:
    """Return whether nothing was sent to anybody: there is no network or no name server yet, or the name is wrong."""
    cause = getattr(error, "os_error", None) or error
    no_name = isinstance(cause, socket.gaierror) or "ConnectorDNS" in type(error).__name__
    return no_name or (isinstance(cause, OSError) and cause.errno in (errno.ENETUNREACH, errno.ENETDOWN))
