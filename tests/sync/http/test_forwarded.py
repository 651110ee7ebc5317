"""Who asks, as far as a trusted proxy tells: nobody else is believed."""

from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from sync.http.forwarded import TRUSTED_PROXIES, client_address, is_from_this_machine, is_own_page, is_secure
from sync.http.listening_socket import network_of

PROXIES = tuple(ip_network(text) for text in ("127.0.0.1", "10.0.0.0/8", "::1", "2001:db8:1::/48"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # anybody may write this
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["192.0.2.66, 198.51.100.1"], "198.51.100.1"),  # the first was made up
        ("127.0.0.1", ["192.0.2.66", "198.51.100.1 , 10.1.2.3"], "198.51.100.1"),
        ("127.0.0.1", ["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
        ("127.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("::1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("::1", ["2001:db8::7"], "2001:db8::7"),
        ("2001:db8:1::5", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.1.2.3", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["192.0.2.66, unknown, 10.1.2.3"], "10.1.2.3"),  # nothing before it is certain
        ("127.0.0.1", ["_hidden"], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("127.0.0.1", [", ,"], "127.0.0.1"),
        ("127.0.0.1", ["127.0.0.1\x00"], "127.0.0.1"),
        ("fe80::1%eth0", ["198.51.100.1"], "fe80::1%eth0"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_the_client_is_the_last_address_before_the_trusted_proxies(
    peer: str, forwarded: list[str], client: str
) -> None:
    assert client_address(peer, forwarded, PROXIES) == client


@pytest.mark.parametrize(
    ("address", "network"),
    [("192.0.2.1", "192.0.2.1"), ("2001:db8:0:7::1", "2001:db8:0:7::"), ("2001:db8:0:7:ffff::", "2001:db8:0:7::"),
     ("fe80::1%eth0", "fe80::"), ("::1", "::")],
)  # fmt: skip
def test_a_customer_of_ipv6_is_one_client(address: str, network: str) -> None:
    assert network_of(address) == network


def request_from(peer: str, headers: dict[str, str]) -> web.Request:
    app = web.Application()
    app[TRUSTED_PROXIES] = PROXIES
    return make_mocked_request("GET", "/", headers, app=app).clone(remote=peer)


@pytest.mark.parametrize(("peer", "believed"), [("127.0.0.1", True), ("10.1.2.3", True), ("203.0.113.9", False)])
def test_only_a_trusted_proxy_says_what_its_caller_used(peer: str, believed: bool) -> None:
    request = request_from(peer, {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "signage.example", "Host": "inner"})
    assert is_secure(request) is believed
    assert is_own_page(request, "signage.example") is believed
    assert not is_secure(request_from(peer, {"Forwarded": "proto=https"}))


@pytest.mark.parametrize(
    ("peer", "headers", "here"),
    [("127.0.0.1", {}, True), ("::1", {}, True), ("10.1.2.3", {}, False), ("127.0.0.1", {"X-Real-IP": "a"}, False),
     ("127.0.0.1", {"X-Forwarded-Proto": "https"}, False), ("127.0.0.1", {"Via": "1.1 cache"}, False)],
)  # fmt: skip
def test_a_request_that_a_proxy_passed_on_is_not_from_this_machine(
    peer: str, headers: dict[str, str], here: bool
) -> None:
    assert is_from_this_machine(request_from(peer, headers)) is here
