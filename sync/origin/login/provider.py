"""Asks the provider of identities: where it is asked what, which keys it signs with, and the tokens of a code."""

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from sync.errors import ProviderFailed
from sync.origin.people.provider_tokens import (
    Client,
    Endpoints,
    authorization_address,
    derived,
    names_unknown_key,
    read_id_token,
    read_metadata,
    token_request,
)
from sync.recurring_problem import RecurringProblem
from sync.runtime.clock import Clock
from sync.wire.value_types import printable

BELIEVED_S = 3600.0
"""How long endpoints and keys count before they are asked for again."""
KEYS_AGAIN_S = 60.0
"""An unknown key has the keys fetched again, so often at most."""
_PATIENCE = ClientTimeout(total=10)
_MOST_BYTES = 512 * 1024

log = logging.getLogger(__name__)


class Provider:
    """The provider of the settings. It is asked when somebody logs in, and at no other time."""

    def __init__(
        self, issuer: str, client_id: str, secret: str, console: str, scopes: tuple[str, ...], clock: Clock
    ) -> None:
        self.client = Client(issuer, client_id, secret, console, scopes)
        self._clock = clock
        self._endpoints: Endpoints | None = None
        self._keys: Mapping[str, Any] = {"keys": []}
        self._read_s = float("-inf")
        self._keys_s = float("-inf")
        self._turn = asyncio.Lock()
        self._failures, self._failure = 0, ProviderFailed()
        starts = "the provider of identities cannot be used"
        self._problem = RecurringProblem(clock, log, starts, "the provider of identities can be used again")

    async def begin(self, state: str, cookie: str) -> str:
        """Return where to send a browser with this cookie.

        Raises:
            ProviderFailed: the provider does not answer, or not as one.
        """
        return authorization_address(await self._known(), self.client, state, cookie)

    async def claims(self, code: str, state: str, cookie: str, issuer: str | None) -> Mapping[str, Any]:
        """Return what the provider says of who has a code; `issuer` is who sent the browser back with it.

        Raises:
            ProviderFailed: the provider does not answer, or what it says does not count.
        """
        endpoints = await self._known()
        if issuer != self.client.issuer and (issuer is not None or endpoints.tells_issuer):
            raise ProviderFailed("another provider than that of oidc.issuer sent this browser back: log in once more")
        body, headers = token_request(endpoints, self.client, code, state, cookie)
        tokens = await self._ask("POST", endpoints.token, body, headers)
        token, access = tokens.get("id_token"), tokens.get("access_token")
        if names_unknown_key(token, self._keys):
            await self._fetch_keys(endpoints)
        nonce, now_s = derived(cookie, "nonce", state), int(self._clock.now().timestamp())
        return read_id_token(token, self._keys, self.client, nonce, now_s, access if isinstance(access, str) else None)

    async def _known(self) -> Endpoints:
        """Return the endpoints; who waits for one request that fails makes no other one, so nobody waits for many."""
        failures = self._failures
        async with self._turn:
            now_s = self._clock.monotonic()
            if self._endpoints is None or now_s - self._read_s > BELIEVED_S:
                if self._failures != failures:
                    raise ProviderFailed(str(self._failure))
                self._endpoints, self._read_s = await self._read(), now_s
            return self._endpoints

    async def _read(self) -> Endpoints:
        address = f"{self.client.issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            endpoints = read_metadata(await self._ask("GET", address), self.client.issuer)
            self._keys = await self._ask_keys(endpoints)
        except ProviderFailed as error:
            self._failures, self._failure = self._failures + 1, error
            raise
        return endpoints

    async def _fetch_keys(self, endpoints: Endpoints) -> None:
        async with self._turn:
            now_s = self._clock.monotonic()
            if now_s - self._keys_s >= KEYS_AGAIN_S:
                self._keys_s = now_s
                self._keys = await self._ask_keys(endpoints)

    async def _ask_keys(self, endpoints: Endpoints) -> Mapping[str, Any]:
        keys = await self._ask("GET", endpoints.keys)
        if not isinstance(keys.get("keys"), list):
            raise ProviderFailed("the provider tells no keys at its jwks_uri: try again later")
        return keys

    async def _ask(self, method: str, address: str, body: str | None = None, headers: Any = None) -> dict[str, Any]:
        try:
            answer = await _json(method, address, body, headers)
        except (ClientError, TimeoutError, OSError, ValueError, RecursionError) as error:
            self._problem.occurred(f"issuer={self.client.issuer} {type(error).__name__}")
            raise ProviderFailed(
                f"the provider {self.client.issuer} does not answer as it should: log in by name and password, or try "
                "again later"
            ) from error
        self._problem.cleared()
        return answer


async def _json(method: str, address: str, body: str | None, headers: Any) -> dict[str, Any]:
    """Return the object that an address answers; errors name neither codes nor secrets."""
    async with (
        ClientSession(timeout=_PATIENCE, raise_for_status=False) as session,
        session.request(method, address, data=body, headers=headers, allow_redirects=False) as answer,
    ):
        raw = await answer.content.read(_MOST_BYTES)
        while not answer.content.at_eof() and len(raw) < _MOST_BYTES:
            raw += await answer.content.read(_MOST_BYTES)
        if answer.status >= 500:
            raise ValueError("it has a fault of its own")
        return _object(raw, answer.status)


def _object(raw: bytes, status: int) -> dict[str, Any]:
    """Return the JSON object of an answer.

    Raises:
        ProviderFailed: the provider refuses; its reason is told.
        ValueError: it is none.
    """
    read = json.loads(raw)
    if not isinstance(read, dict):
        raise ValueError("it is no object")
    if status != 200:
        reason = printable(f"{read.get('error', status)}: {read.get('error_description', '')}", 200)
        raise ProviderFailed(f"the provider refuses ({reason.rstrip(': ')}): log in once more")
    return read
