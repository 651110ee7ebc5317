"""How the device reaches its origin: directly or through a proxy, with which certificates, and what stands in the way.

Both ways to the origin, for documents (`sync.device.origin_client`) and media (`http_reader`), ask here first.
"""

import base64
import re
import socket
import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from stat import S_ISREG
from urllib.parse import SplitResult, unquote, urljoin, urlsplit
from urllib.request import getproxies_environment

from sync.device.traffic.socket_meter import Meter
from sync.device.transfer.addresses import AnsweringAddresses
from sync.device.transfer.deadlines_and_rates import Deadline
from sync.errors import OriginRefused, OriginUnreachable
from sync.runtime.clock import Clock, ClockTrust, SystemClock
from sync.runtime.os_messages import CERTIFICATE_DATES, certificate_problem, how_to_trust, network_reason, os_reason
from sync.wire.value_types import printable

REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 3
WEB_PAGE_STATUSES = (403, 407, 511)
"""With these, portals and proxies answer in place of the origin, by a web page."""
DIRECT = "none"
"""The value of the setting `proxy` with which variables of the environment do not count either."""

HEAD_CAP_BYTES = 64 * 1024  # of all heads of one answer: some servers send `100 Continue` for ever
_PROXY_LOGIN = (401, 407)  # 401 is not of the standard, and what tinyproxy answers
_NETWORK_LOGIN = 511


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """What a person set. `proxy` empty: the variables of the environment decide; `DIRECT`: no proxy at all.

    `no_proxy` are hosts that are reached without it; `ca_certificates` is a PEM file of issuers to trust in addition to
    those of the system; `fingerprint` is that of the root of the only origin to pair with.
    """

    proxy: str = field(default="", repr=False)  # it may hold a password
    no_proxy: tuple[str, ...] = ()
    ca_certificates: Path | None = None
    fingerprint: str | None = None


class ProxyUnreachable(OSError):
    """There is no connection to the proxy; the cause is why."""


class TunnelRefused(OSError):
    """A proxy answers CONNECT with a `status` that is no success."""

    def __init__(self, status: int) -> None:
        super().__init__(f"CONNECT is answered with {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy; `source` is where it is set, and `login` its user and password, empty without one."""

    host: str
    port: int
    source: str
    login: tuple[str, str] | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """Return the proxy for people, without its login."""
        return f"the proxy {self.address} (set by {self.source})"

    @property
    def address(self) -> str:
        """The address without the login."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def authorization(self) -> str:
        """The value of the header that logs in at the proxy, empty without a login."""
        return f"Basic {base64.b64encode(':'.join(self.login).encode()).decode()}" if self.login else ""

    @property
    def headers(self) -> dict[str, str]:
        """The headers for the proxy alone."""
        return {"Proxy-Authorization": self.authorization} if self.login else {}


def parse_proxy(address: str, source: str) -> Proxy:
    """Return the proxy at an address such as `http://user:password@proxy.example:3128`; without scheme it is HTTP.

    Raises:
        ValueError: it is no such address; the message never repeats it, for it may hold a password.
    """
    parts = urlsplit(address if "://" in address else f"http://{address}")
    try:
        port = parts.port or 80
    except ValueError as error:
        raise ValueError("the port of the proxy is not a number from 1 to 65535") from error
    if parts.scheme.lower() != "http":
        raise ValueError(f"a proxy of the kind {parts.scheme[:20]!r} cannot be used: give an HTTP proxy, http://…")
    if (
        not (parts.hostname and parts.hostname.isprintable())
        or parts.path not in ("", "/")
        or parts.query
        or parts.fragment
        or " " in parts.netloc
    ):
        raise ValueError("this is not the address of a proxy: give one such as http://proxy.example:3128")
    login = None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))
    return Proxy(parts.hostname, port, source, login)


class Network:
    """The way to the origin, as settings and environment say it now. Threads may call it; `meter` counts its bytes."""

    def __init__(
        self,
        settings: ConnectionSettings = ConnectionSettings(),
        clock: Clock | None = None,
        meter: Meter | None = None,
    ) -> None:
        self.settings = settings
        self.meter = meter or Meter()
        self._clock = clock or SystemClock()
        self._context: tuple[object, ssl.SSLContext] | None = None
        self.addresses = AnsweringAddresses()

    def proxy(self, url: str) -> Proxy | None:
        """Return the proxy to reach `url` through, None to connect directly.

        The setting counts before the variables `http_proxy`, `https_proxy` and `all_proxy`, with `no_proxy`. This
        machine itself is always reached directly. A variable with a proxy of another kind (SOCKS) does not count.
        """
        address = urlsplit(url)
        if self.settings.proxy == DIRECT or _is_this_machine(address):
            return None
        if self.settings.proxy:
            excepted = _is_listed(address, self.settings.no_proxy)
            return None if excepted else self._proxy_of_settings()
        variables = getproxies_environment()
        if self._is_excepted(address, variables):
            return None
        kind = next((kind for kind in (address.scheme, "all") if variables.get(kind)), None)
        try:
            return None if kind is None else parse_proxy(variables[kind], f"the variable {kind}_proxy")
        except ValueError:
            return None

    def ignored_proxy(self, url: str) -> str:
        """Return in words which variable would count for `url`, if it named an HTTP proxy; empty if there is none."""
        address, variables = urlsplit(url), getproxies_environment()
        reached_directly = _is_this_machine(address) or self._is_excepted(address, variables)
        if self.settings.proxy or reached_directly or self.proxy(url) is not None:
            return ""
        kinds = (kind for kind in (address.scheme, "all") if _names_no_http_proxy(variables, kind))
        return next((_why_ignored(f"the variable {kind}_proxy", variables[kind]) for kind in kinds), "")

    def _is_excepted(self, address: SplitResult, variables: dict[str, str]) -> bool:
        return _is_listed(address, (*self.settings.no_proxy, *re.split(r"[,\s]+", variables.get("no", ""))))

    def is_private(self, url: str) -> bool:
        """Return whether nobody on the way can read or change what is sent: by verified TLS, or on this machine."""
        address = urlsplit(url)
        return address.scheme == "https" or _is_this_machine(address)

    def tls(self) -> ssl.SSLContext:
        """Return what certificates are trusted: those of the system, and those of the setting.

        Raises:
            OriginUnreachable: the file of the setting cannot be read, or has no certificate.
        """
        path = self.settings.ca_certificates
        try:
            found = None if path is None else path.stat()
            if found and not S_ISREG(found.st_mode):  # reading it might never end
                raise OriginUnreachable(f"origin.ca_certificates: {path} is no file: give a file in PEM format")
            print_ = found and (found.st_mtime_ns, found.st_size)
            if self._context is None or self._context[0] != print_:
                context = ssl.create_default_context()
                context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # of Python 3.13: many companies' issuers fail it
                if path is not None:
                    context.load_verify_locations(path)
                self._context = (print_, context)
            return self._context[1]
        except ssl.SSLError as error:
            raise OriginUnreachable(
                f"origin.ca_certificates: {path} has no certificate, or one that is damaged: give a file in PEM format"
            ) from error
        except OSError as error:
            raise OriginUnreachable(f"origin.ca_certificates: {path} cannot be read: {os_reason(error)}") from error

    def connect(self, url: str, timeout_s: float) -> socket.socket:
        """Connect to the server of `url`, through the proxy if there is one, with TLS if it is HTTPS; blocks.

        Raises:
            OSError: something on the way fails; `reason` says what.
            OriginUnreachable: the certificates of the setting cannot be used.
        """
        address, proxy = urlsplit(url), self.proxy(url)
        host, port = address.hostname or "", _place(address)[2] or 0
        try:
            used = self.addresses.connect(*((host, port) if proxy is None else (proxy.host, proxy.port)), timeout_s)
        except OSError as error:
            if proxy is None:
                raise
            raise ProxyUnreachable(str(proxy)) from error
        self.meter.watch(used, host)
        if address.scheme != "https":
            return used
        try:
            if proxy is not None:
                open_tunnel(used, proxy, host, port, timeout_s)
            used.settimeout(timeout_s)
            secure = self.tls().wrap_socket(used, server_hostname=host, do_handshake_on_connect=False)
            self.meter.watch(secure, host, before=used)
            used = secure
            secure.do_handshake()
            return secure
        except (OSError, OriginUnreachable):
            self.meter.close(used)
            raise
        except ValueError as error:  # also of Unicode: what no certificate can name
            self.meter.close(used)
            raise socket.gaierror(socket.EAI_NONAME, "not a name") from error

    def reason(self, error: Exception, url: str) -> str:
        """Return why `url` could not be reached: what is wrong, where on the way, and what to do."""
        problem = certificate_problem(error)
        if problem is not None:
            return self._certificate_reason(problem)
        proxy = self.proxy(url)
        if proxy is None:
            ignored = self.ignored_proxy(url)
            return network_reason(error) + (f" ({ignored})" if ignored else "")
        if isinstance(error, TunnelRefused) or "HttpProxy" in type(error).__name__:  # the second is of aiohttp
            return proxy_refusal(proxy, getattr(error, "status", 0))
        if isinstance(error, ProxyUnreachable) and isinstance(error.__cause__, OSError):
            return f"{proxy} cannot be used: {os_reason(error.__cause__)}"
        if any(part in type(error).__name__ for part in ("ProxyConnection", "ConnectorDNS")):  # of aiohttp
            return f"{proxy} cannot be used: {network_reason(error)}"
        return f"{network_reason(error)} (on the way through {proxy})"

    def _proxy_of_settings(self) -> Proxy:
        try:
            return parse_proxy(self.settings.proxy, "origin.proxy")
        except ValueError as error:
            raise OriginUnreachable(f"origin.proxy: {error}") from error

    def _certificate_reason(self, error: ssl.SSLCertVerificationError) -> str:
        words = os_reason(error)
        if error.verify_code in CERTIFICATE_DATES:
            unset = ", and no time service has set it" if self._clock.trust() is not ClockTrust.SYNCED else ""
            return f"{words} (the clock of this machine says {self._clock.now():%Y-%m-%d %H:%M} UTC{unset})"
        return words + how_to_trust(error, self.settings.ca_certificates, "origin.ca_certificates")


def open_tunnel(connection: socket.socket, proxy: Proxy, host: str, port: int, timeout_s: float) -> None:
    """Have the proxy pass all bytes of `connection` on to `host` (CONNECT, RFC 9110, 9.3.6).

    All of it may take `timeout_s`.

    Raises:
        TunnelRefused: it does not.
        OSError: the connection breaks, or what answers is no proxy.
    """
    name = f"[{host}]:{port}" if ":" in host else f"{host.encode('idna').decode()}:{port}"
    login = f"Proxy-Authorization: {proxy.authorization}\r\n" if proxy.login else ""
    connection.sendall(f"CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n{login}\r\n".encode())
    head, deadline = b"", Deadline(timeout_s)
    while not head.endswith(b"\r\n\r\n"):  # byte by byte: the next one may be of TLS
        connection.settimeout(deadline.left_s())
        piece = connection.recv(1)
        if not piece or len(head) > HEAD_CAP_BYTES:
            raise ConnectionError("no answer of a proxy")
        head += piece
    status = re.match(rb"HTTP/1\.[01] (\d{3})", head)
    if status is None:
        raise ConnectionError("no answer of a proxy")
    if not 200 <= int(status[1]) < 300:
        raise TunnelRefused(int(status[1]))


def proxy_refusal(proxy: Proxy, status: int) -> str:
    """Return why a proxy refuses, by its status."""
    if status in _PROXY_LOGIN:
        wrong = "does not accept this user and password" if proxy.login else "wants a user and a password"
        return f"{proxy} {wrong} (status {status}): set http://user:password@host:port there"
    return f"{proxy} refuses to connect (status {status}): have it allow the host of the origin"


def redirect_target(url: str, location: str, status: int, *, secret: bool) -> str:
    """Return the address that an answer of `url` redirects to, if the request may be sent there.

    What is public and signed may come from anywhere. What is `secret` (a token, a key, plays) goes only where a person
    pointed to: to the same scheme, host and port, or to HTTPS of the same host.

    Raises:
        OriginRefused: it may not be sent there.
        OriginUnreachable: it is no address of HTTP.
    """
    try:
        target = urljoin(url, location.strip())
        before, after = urlsplit(url), urlsplit(target)
        same_place = _place(before) == _place(after)
    except ValueError as error:
        raise OriginUnreachable(f"{url} redirects to what is no address: {printable(location, 200)}") from error
    if after.scheme not in ("http", "https") or not target.isprintable():
        raise OriginUnreachable(f"{url} redirects to what is no address of HTTP: {printable(target, 200)}")
    upgrade = after.scheme == "https" and after.hostname == before.hostname
    plain = not {"@", "\\"} & set(after.netloc)  # what one library takes for a user, another may take for a host
    if secret and not (plain and (same_place or upgrade)):
        raise OriginRefused(
            f"{url} redirects to {printable(target, 200)}, where what is meant for the origin alone is not sent: if "
            "the origin moved, set origin.url to its new address; if not, this network wants a login first (captive "
            "portal)",
            status=status,
        )
    return target


def moved_base(base: str, url: str, target: str) -> str:
    """Return the address to ask after `url` below `base` was redirected: HTTPS of the same host, else `base` again."""
    rest = url.removeprefix(base)
    before, after = urlsplit(url), urlsplit(target)
    upgrade = before.scheme == "http" and after.scheme == "https" and before.hostname == after.hostname
    return target.removesuffix(rest) if upgrade and rest and target.endswith(rest) else base


def is_web_page(content: bytes | bytearray) -> bool:
    """Return whether an answer is a page for people: no document of an origin begins like one."""
    return content[:512].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"


def portal_reason(url: str, status: int = 200) -> str:
    """Return what it means that a web page came instead of a document."""
    if status == _NETWORK_LOGIN:
        return f"{url}: this network wants a login first (captive portal): log in, or have it let this device through"
    return (
        f"{url} sends a web page instead of a document of an origin: this network wants a login first "
        "(captive portal), a proxy answers in place of the origin, or origin.url names another server"
    )


def circle_reason(url: str, target: str) -> str:
    """Return what it means that `url` is redirected again and again, at last to `target`."""
    return (
        f"{url} is redirected over {MOST_REDIRECTS} times, at last to {printable(target, 200)}: this network wants a "
        "login first (captive portal), or servers redirect to each other: check origin.url"
    )


def _names_no_http_proxy(variables: dict[str, str], kind: str) -> bool:
    try:
        return bool(variables.get(kind)) and not parse_proxy(variables[kind], kind).host
    except ValueError:
        return True


def _why_ignored(source: str, proxy: str) -> str:
    for kind, name in (("socks", "a SOCKS"), ("https:", "an HTTPS")):
        if proxy.lower().startswith(kind):
            return f"{source} names {name} proxy, which cannot be used: give an HTTP proxy"
    return f"{source} names no HTTP proxy, and does not count"


def _place(address: SplitResult) -> tuple[str, str | None, int | None]:
    return address.scheme, address.hostname, address.port or {"http": 80, "https": 443}.get(address.scheme)


def _is_this_machine(address: SplitResult) -> bool:
    host = (address.hostname or "").rstrip(".")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_listed(address: SplitResult, names: tuple[str, ...]) -> bool:
    """Return whether a list as in `no_proxy` has the host: `*`, a name, domain, address or network, and a port."""
    host = (address.hostname or "").lower().rstrip(".")
    return any(_matches(host, _place(address)[2], name.strip().lower()) for name in names if name.strip())


def _matches(host: str, port: int | None, name: str) -> bool:
    if name == "*":
        return True
    if bare := re.fullmatch(r"(?:\[(?P<six>[^]]+)\]|(?P<name>[^:]+))(?::(?P<port>\d+))?", name):
        if bare["port"] and int(bare["port"]) != port:
            return False
        name = bare["six"] or bare["name"]
    try:
        return ip_address(host) in ip_network(name, strict=False)
    except ValueError:  # one of both is a name
        domain = name.removeprefix("*").strip(".")
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))
