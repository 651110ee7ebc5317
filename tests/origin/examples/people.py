"""People: accounts, keys, logging in, passkeys, a provider, a second factor."""

from http.cookies import SimpleCookie
from typing import Any

import pyotp
from pydantic import SecretStr

from sync.origin.api.people.cookies import CHALLENGE_COOKIE
from sync.origin.settings.model import OidcSettings
from tests.fakes import FakeClock
from tests.origin.api.people.authenticator import Authenticator
from tests.origin.api.people.provider import CLIENT, SECRET, TestProvider
from tests.origin.examples.recorder import Recorder

PASSWORD, NEW = "five blue herons at dawn", "nine red kites over the hill"


async def tell(recorder: Recorder, clock: FakeClock, known: dict[str, Any]) -> None:
    """Make an account; its owner logs in, changes password and second factor; an administrator removes it."""
    show = recorder.show
    made = await show("POST", "/v1/people", {"name": "Anna", "role": "editor"})
    await show("GET", "/v1/people")
    person, code = made["person"]["id"], made["one_time_code"]["code"]
    await show("POST", "/v1/account/reset", {"code": code, "password": PASSWORD}, token=None)
    session = await _log_in(recorder, PASSWORD)
    await show("GET", "/v1/session", token=None, headers=session)
    await _passkeys(recorder, session)
    await _own_account(recorder, session, clock)
    other = await _log_in(recorder, NEW)
    ended = (await show("GET", "/v1/sessions", token=None, headers=other))["sessions"]
    await show("DELETE", "/v1/sessions/{id}", token=None, headers=other, id=_another(ended))
    await show("DELETE", "/v1/session", token=None, headers=other)

    await _provider(recorder, person, known["provider"])
    await show("PATCH", "/v1/people/{id}", {"role": "publisher"}, id=person)
    await show("POST", "/v1/people/{id}/reset", id=person)
    await show("GET", "/v1/people/{id}/history", id=person)
    await show("GET", "/v1/audit", query={"limit": "3"})
    await show("GET", "/v1/audit/export", query={"actor": person})
    await show("DELETE", "/v1/people/{id}", id=person)
    await recorder.server.origin.keys.remove("reader")  # as old as that of the writer, so either might come first
    key = await show("POST", "/v1/keys", {"name": "Assistant of the lunch shop", "role": "editor"})
    await show("GET", "/v1/keys")
    await show("DELETE", "/v1/keys/{id}", id=key["key"]["id"])


async def _own_account(recorder: Recorder, session: dict[str, str], clock: FakeClock) -> None:
    async def own(method: str, path: str, body: Any = None) -> Any:
        return await recorder.show(method, path, body, token=None, headers=session)

    await own("GET", "/v1/account")
    offered = await own("POST", "/v1/account/second-factor")
    code = pyotp.TOTP(offered["secret"]).at(int(clock.now().timestamp()))
    await own("PUT", "/v1/account/second-factor", {"password": PASSWORD, "secret": offered["secret"], "code": code})
    await own("POST", "/v1/account/recovery-codes", {"password": PASSWORD})
    await own("POST", "/v1/account/second-factor/removal", {"password": PASSWORD})
    await own("PUT", "/v1/account/password", {"current": PASSWORD, "password": NEW})


def oidc(provider: TestProvider) -> OidcSettings:
    """Return the settings of an origin with this provider."""
    console = "https://signage.example.com/"
    return OidcSettings(issuer=provider.url, client_id=CLIENT, client_secret=SecretStr(SECRET), console=console)


async def _provider(recorder: Recorder, person: str, provider: TestProvider) -> None:
    path, link, page = (
        "/v1/session-by-provider",
        "/v1/people/{id}/identity",
        {"Cookie": f"{CHALLENGE_COOKIE}=this-browser"},
    )
    await recorder.show("PUT", link, {"subject": provider.subject}, id=person)
    sent = await recorder.show("POST", f"{path}/question", token=None, headers=page)
    await recorder.show("POST", path, provider.log_in(sent["address"]), token=None, headers=page)
    await recorder.show("DELETE", link, id=person)


async def _passkeys(recorder: Recorder, session: dict[str, str]) -> None:
    page = recorder.server.url.replace("127.0.0.1", "localhost")
    key, here = Authenticator(page), {"Host": page.removeprefix("http://")}
    asked = {**here, "Cookie": f"{session['Cookie']}; {CHALLENGE_COOKIE}=of-this-browser"}

    async def own(method: str, path: str, body: Any = None, id: str = "") -> Any:
        where = f"/v1/account/passkeys{path}"
        return await recorder.show(method, where, body, token=None, headers=asked, id=id)

    await recorder.show("GET", "/v1/session/ways", token=None, headers=here)
    options = (await own("POST", "/question", {"password": PASSWORD}))["options"]
    made = await own("POST", "", {"name": "My phone", "credential": key.make(options)})
    options = (await recorder.show("POST", "/v1/session-by-passkey/question", token=None, headers=asked))["options"]
    stranger = {**here, "Cookie": f"{CHALLENGE_COOKIE}=of-this-browser"}  # so that Anna's other session stays
    answer = {"credential": key.sign(options)}
    await recorder.show("POST", "/v1/session-by-passkey", answer, token=None, headers=stranger)
    await own("GET", "")
    await own("PATCH", "/{id}", {"name": "My old phone"}, id=made["id"])
    await own("POST", "/{id}/removal", {"password": PASSWORD}, id=made["id"])


async def _log_in(recorder: Recorder, password: str) -> dict[str, str]:
    """Return the header by which a page is logged in."""
    told = {"name": "Anna", "password": password}
    path, server = "/v1/session", recorder.server
    await recorder.show("POST", path, told, token=None)
    answer = await server.ask("POST", path, body=told)
    cookies = SimpleCookie()
    for header in answer.headers.getall("Set-Cookie"):
        cookies.load(header)
    return {"Cookie": "; ".join(f"{name}={one.value}" for name, one in cookies.items())}


def _another(sessions: list[dict[str, Any]]) -> str:
    return next(str(one["id"]) for one in sessions if not one["is_this"])
