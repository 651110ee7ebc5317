"""Somebody with a browser: what it sends and keeps between requests to an origin."""

from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

import pyotp
from aiohttp import CookieJar
from yarl import URL

from tests.origin.running_origin import Answer, RunningOrigin

PASSWORD = "five blue herons at dawn"


@dataclass
class Visitor:
    """A browser with its cookies; `address` is where a trusted proxy says it is, `headers` are sent each time."""

    server: RunningOrigin
    address: str = "192.0.2.1"
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        sent = {"X-Forwarded-For": self.address, **self.headers, **headers}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self.server.client.cookie_jar.clear()
        answer = await self.server.ask(method, path, body=body, headers=sent)
        for header in answer.headers.getall("Set-Cookie", []):
            for name, morsel in SimpleCookie(header).items():
                if morsel.value:
                    self.cookies[name] = morsel.value
                else:
                    self.cookies.pop(name, None)
        return answer

    async def log_in(self, name: str, password: str = PASSWORD, code: str = "") -> Answer:
        return await self.ask("POST", "/v1/session", {"name": name, "password": password, "code": code})


def sent_later(path: str, answer: Answer) -> set[str]:
    """Return which cookies a browser sends with the API after this answer, where a proxy has all below a path."""
    proxy, jar = "http://shop.example/signage", CookieJar()
    for header in answer.headers.getall("Set-Cookie"):
        jar.update_cookies(SimpleCookie(header), URL(proxy + path))
    return set(jar.filter_cookies(URL(f"{proxy}/v1/media")))


async def add_person(server: RunningOrigin, name: str, role: str = "editor", password: str = PASSWORD) -> str:
    """Make an account; return its id."""
    made = await server.ask("POST", "/v1/people", server.writer, {"name": name, "role": role, "password": password})
    assert made.status == 201, made.text
    return str(made.document["person"]["id"])


async def set_up_app(visitor: Visitor, now_s: float) -> tuple[pyotp.TOTP, Any]:
    """Set up an authenticator app for who is logged in; return it and the recovery codes."""
    offered = (await visitor.ask("POST", "/v1/account/second-factor")).document
    app = pyotp.TOTP(offered["secret"])
    body = {"password": PASSWORD, "secret": offered["secret"], "code": app.at(int(now_s) - 30)}
    done = await visitor.ask("PUT", "/v1/account/second-factor", body)
    assert done.status == 200, done.text
    return app, done.document["recovery_codes"]
