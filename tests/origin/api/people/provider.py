"""A provider of identities of the tests, on a real socket: it logs in whom a test says, and does wrong what it asks."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import web
from joserfc.jwk import ECKey
from joserfc.jwt import encode

from sync.runtime.clock import Clock

CLIENT, SECRET = "signage", "a secret of the client"


@dataclass
class TestProvider:
    """`claims` are put over those of a token, `metadata` over those of the discovery; `asked` counts by path.

    `texts` are answers by path in place of its own, `strange` keys beside its own. Until `goes_on` it answers nothing.
    """

    __test__ = False

    clock: Clock
    url: str = ""
    subject: str = "anna-1"
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    key: Any = field(default_factory=lambda: ECKey.generate_key("P-256", parameters={"kid": "first"}))
    published: list[Any] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    strange: list[dict[str, Any]] = field(default_factory=list)
    is_asked: asyncio.Event = field(default_factory=asyncio.Event)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    is_down: bool = False
    refuses: bool = False

    def rotate(self, kid: str, *, publish: bool = True) -> None:
        """Sign with another key from now on."""
        self.key = ECKey.generate_key("P-256", parameters={"kid": kid})
        if publish:
            self.published = [self.key]

    def log_in(self, address: str) -> dict[str, str]:
        """Log somebody in who was sent to an address; return what the browser comes back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_get("/keys", self._keys)
        return app

    def _count(self, request: web.Request) -> None:
        self.asked[request.path] = self.asked.get(request.path, 0) + 1
        if self.is_down:
            raise web.HTTPServiceUnavailable(text="<p>down for repairs</p>")
        if request.path in self.texts:
            raise web.HTTPOk(text=self.texts[request.path])

    async def _discovery(self, request: web.Request) -> web.Response:
        self._count(request)
        self.is_asked.set()
        await self.goes_on.wait()
        document = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }
        return web.json_response({**document, **self.metadata})

    async def _authorize(self, request: web.Request) -> web.Response:
        back = self.log_in(str(request.url))
        raise web.HTTPFound(f"{request.query['redirect_uri']}?{urlencode(back)}")

    async def _keys(self, request: web.Request) -> web.Response:
        self._count(request)
        own = [one.as_dict(private=False) for one in self.published or [self.key]]
        return web.json_response({"keys": [*self.strange, *own]})

    async def _token(self, request: web.Request) -> web.Response:
        self._count(request)
        form = await request.post()
        known = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        assert request.headers["Authorization"] == f"Basic {known}"
        asked = self.codes.pop(str(form["code"]), None)
        challenge = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        if asked is None or self.refuses or asked["code_challenge"] != _encoded(challenge):
            return web.json_response({"error": "invalid_grant", "error_description": "Expired."}, status=400)
        now_s = int(self.clock.now().timestamp())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": self.subject,
            "iat": now_s,
            "exp": now_s + 300,
            "nonce": asked["nonce"],
            "name": "Anna Berg",
            **self.claims,
        }
        header = {"alg": "ES256", "kid": self.key.kid, **self.header}
        token = encode(header, {name: one for name, one in claims.items() if one is not None}, self.key)
        return web.json_response({"access_token": "access", "token_type": "Bearer", "id_token": token})


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@asynccontextmanager
async def running_provider(clock: Clock) -> AsyncIterator[TestProvider]:
    """Run a provider."""
    provider = TestProvider(clock)
    provider.goes_on.set()
    runner = web.AppRunner(provider.app())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    provider.url = f"http://{host}:{port}"
    try:
        yield provider
    finally:
        await runner.cleanup()
