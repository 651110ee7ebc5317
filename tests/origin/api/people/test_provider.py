"""Logging in by a provider of identities: who gets in, what does not count, and what still works when it is down."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import OctKey

from sync.errors import ProviderFailed
from sync.origin.http.auth import COOKIE
from sync.origin.login.provider import KEYS_AGAIN_S, Provider
from sync.origin.login.provider_log_in import VALID_S
from sync.origin.people.provider_tokens import read_metadata
from sync.origin.settings.model import OidcSettings
from sync.roles import Role
from tests.fakes import FakeClock
from tests.origin.api.people.provider import CLIENT, SECRET, TestProvider, running_provider
from tests.origin.api.people.visitor import PASSWORD, Visitor, add_person, sent_later
from tests.origin.running_origin import Answer, RunningOrigin, running_origin, settings_in

CONSOLE = "https://signage.example.com/"
QUESTION = "/v1/session-by-provider/question"


@pytest.fixture
async def provider(clock: FakeClock) -> AsyncIterator[TestProvider]:
    async with running_provider(clock) as running:
        yield running


@pytest.fixture
async def site(tmp_path: Path, clock: FakeClock, provider: TestProvider) -> AsyncIterator[RunningOrigin]:
    """An origin with this provider; the group `editors` makes editors, `bosses` administrators."""
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    oidc = OidcSettings(
        issuer=provider.url,
        client_id=CLIENT,
        client_secret_file=str(secret),
        console=CONSOLE,
        role_claim="groups",
        roles={"editors": Role.EDITOR, "bosses": Role.ADMINISTRATOR},
    )
    async with running_origin(settings_in(tmp_path / "data", oidc=oidc), clock) as opened:
        yield opened


async def sent(visitor: Visitor) -> str:
    """Return where a browser is sent."""
    asked = await visitor.ask("POST", QUESTION)
    assert asked.status == 200, asked.text
    return str(asked.document["address"])


async def log_in(visitor: Visitor, provider: TestProvider, **changes: Any) -> Answer:
    back = provider.log_in(await sent(visitor))
    return await visitor.ask("POST", "/v1/session-by-provider", {**back, **changes})


async def test_a_rule_makes_an_account_and_its_role_follows_the_provider(
    site: RunningOrigin, provider: TestProvider, clock: FakeClock
) -> None:
    provider.claims = {"groups": ["all", "editors"]}
    anna = Visitor(site)
    answer = await log_in(anna, provider)
    assert (answer.status, answer.document["name"], answer.document["roles"][-1]) == (200, "Anna Berg", "editor")
    [here] = (await anna.ask("GET", "/v1/sessions")).document["sessions"]
    assert here["opened_by"] == "provider"
    [person] = (await site.ask("GET", "/v1/people", site.writer)).document["people"]
    assert (person["subject"], person["has_password"], person["id"]) == ("anna-1", False, answer.document["account"])
    clock.step_wall(3_601)
    assert (await anna.ask("GET", "/v1/session")).status == 401
    provider.claims = {"groups": ["editors", "bosses"]}
    assert (await log_in(anna, provider)).document["roles"][-1] == "administrator"
    other = Visitor(site)
    provider.claims = {}
    refused = await log_in(other, provider)
    assert (refused.status, "'anna-1'" in refused.document["detail"]) == (403, True)
    assert (await anna.ask("GET", "/v1/session")).status == 401  # what was open ends with the role
    provider.claims = {"groups": "editors"}
    assert (await log_in(anna, provider)).status == 200
    assert (await site.ask("DELETE", f"/v1/people/{person['id']}", site.writer)).status == 204
    assert (await anna.ask("GET", "/v1/session")).status == 401


async def test_below_a_path_of_a_proxy_the_session_by_the_provider_is_one_for_all_of_the_api(
    site: RunningOrigin, provider: TestProvider
) -> None:
    provider.claims = {"groups": ["editors"]}
    assert COOKIE in sent_later("/v1/session-by-provider", await log_in(Visitor(site), provider))


async def test_a_name_that_somebody_has_makes_no_second_way_into_that_account(
    site: RunningOrigin, provider: TestProvider
) -> None:
    await add_person(site, "anna berg", "administrator")
    provider.claims = {"groups": ["editors"]}
    answer = await log_in(Visitor(site), provider)
    assert (answer.document["name"], answer.document["roles"][-1]) == ("Anna Berg (2)", "editor")
    provider.subject, provider.claims = "odd-2", {"groups": ["editors"], "name": "\u200b\n"}
    assert (await log_in(Visitor(site), provider)).document["name"].startswith("account ")


async def test_an_account_is_linked_by_an_administrator_and_keeps_its_own_role(
    site: RunningOrigin, provider: TestProvider
) -> None:
    anna, bo = await add_person(site, "Anna", "publisher"), await add_person(site, "Bo")
    link = f"/v1/people/{anna}/identity"
    assert (await site.ask("PUT", link, site.writer, {"subject": "anna-1"})).status == 204
    taken = await site.ask("PUT", f"/v1/people/{bo}/identity", site.writer, {"subject": "anna-1"})
    assert (taken.status, (await site.ask("PUT", link, site.reader, {"subject": "x"})).status) == (409, 403)
    assert (await site.ask("PUT", "/v1/people/nobody/identity", site.writer, {"subject": "x"})).status == 404
    page, with_password = Visitor(site), Visitor(site)
    assert (await log_in(page, provider)).document["roles"][-1] == "publisher"
    assert (await with_password.log_in("Anna")).status == 200
    assert (await site.ask("DELETE", link, site.writer)).status == 204
    assert [(await one.ask("GET", "/v1/session")).status for one in (page, with_password)] == [401, 200]
    assert (await log_in(page, provider)).status == 403


async def test_what_the_provider_did_not_sign_for_this_very_log_in_does_not_count(
    site: RunningOrigin, provider: TestProvider, clock: FakeClock
) -> None:
    now_s, good = int(clock.now().timestamp()), {"groups": ["editors"]}
    for claims, why in (
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"iss": "https://evil.example"}, "iss"),
        ({"aud": "another client"}, "aud"),
        ({"aud": [CLIENT, "another client"]}, "azp"),
        ({"azp": "another client"}, "azp"),
        ({"exp": now_s - 61}, "expired"),
        ({"exp": None}, "exp"),
        ({"iat": now_s + 600}, "future"),
        ({"sub": None}, "sub"),
        ({"sub": "x" * 256}, "subject"),
        ({"sub": 7}, "sub"),
        ({"sub": "anna\0"}, "subject"),
    ):
        provider.claims = {**good, **claims}
        refused = await log_in(Visitor(site), provider)
        assert (refused.status, why in refused.document["detail"]) == (502, True), refused.text
    provider.claims = {**good, "exp": now_s - 30, "iat": now_s + 30, "aud": [CLIENT]}  # clocks may differ a little
    assert (await log_in(Visitor(site), provider)).status == 200


async def test_a_signature_by_something_else_does_not_count(site: RunningOrigin, provider: TestProvider) -> None:
    provider.claims = {"groups": ["editors"]}
    assert (await log_in(Visitor(site), provider)).status == 200
    right = provider.key
    provider.published = [right]
    provider.rotate("first", publish=False)  # the same name, another key
    assert (await log_in(Visitor(site), provider)).status == 502
    provider.key, provider.header = OctKey.import_key(SECRET * 2), {"alg": "HS256", "kid": "first"}
    assert (await log_in(Visitor(site), provider)).status == 502
    provider.key, provider.header = right, {}
    assert (await log_in(Visitor(site), provider)).status == 200


async def test_a_new_key_of_the_provider_is_fetched_once_and_a_made_up_one_not_for_ever(
    site: RunningOrigin, provider: TestProvider, clock: FakeClock
) -> None:
    provider.claims = {"groups": ["editors"]}
    assert (await log_in(Visitor(site), provider)).status == 200
    provider.rotate("second")
    assert [(await log_in(Visitor(site), provider)).status for _ in range(2)] == [200, 200]
    assert provider.asked["/keys"] == 2
    provider.rotate("unknown", publish=False)
    provider.published = provider.published or [provider.key]
    for _ in range(3):
        assert (await log_in(Visitor(site), provider)).status == 502
    assert provider.asked["/keys"] == 2  # not again within a minute
    await clock.advance(KEYS_AGAIN_S)
    await log_in(Visitor(site), provider)
    assert (provider.asked["/keys"], provider.asked["/.well-known/openid-configuration"]) == (3, 1)


async def test_only_the_browser_that_was_sent_comes_back_once_and_soon(
    site: RunningOrigin, provider: TestProvider, clock: FakeClock
) -> None:
    provider.claims = {"groups": ["editors"]}
    victim, attacker = Visitor(site), Visitor(site)
    back = provider.log_in(await sent(attacker))
    assert (await victim.ask("POST", "/v1/session-by-provider", back)).status == 401
    await sent(victim)
    assert (await victim.ask("POST", "/v1/session-by-provider", back)).status == 401
    assert (await log_in(victim, provider, state="made-up")).status == 401
    back = provider.log_in(await sent(victim))
    assert (await victim.ask("POST", "/v1/session-by-provider", back)).status == 200
    assert (await victim.ask("POST", "/v1/session-by-provider", back)).status == 401
    back = provider.log_in(await sent(victim))
    clock.step_wall(VALID_S + 1)
    assert (await victim.ask("POST", "/v1/session-by-provider", back)).status == 401
    stolen = provider.log_in(await sent(victim))["code"]  # a code of another log-in has another verifier
    assert "invalid_grant" in (await log_in(attacker, provider, code=stolen)).document["detail"]


async def test_browsers_are_sent_to_the_provider_and_back_to_the_console_and_nowhere_else(
    site: RunningOrigin, provider: TestProvider
) -> None:
    page = Visitor(site, headers={"Host": "127.0.0.1:1"})
    address = urlsplit(await sent(page))
    asked = parse_qs(address.query)
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{provider.url}/authorize"
    assert (asked["redirect_uri"], asked["scope"], asked["client_id"]) == ([CONSOLE], ["openid profile"], [CLIENT])
    back = {**provider.log_in(await sent(page)), "return_to": "https://evil.example"}
    assert (await page.ask("POST", "/v1/session-by-provider", back)).status == 422
    ways = (await site.ask("GET", "/v1/session/ways")).document
    assert (ways["provider"], ways["console"]) == ("the company account", CONSOLE)


async def test_a_provider_names_itself_if_it_says_so(site: RunningOrigin, provider: TestProvider) -> None:
    provider.claims = {"groups": ["editors"]}
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    assert (await log_in(Visitor(site), provider)).status == 502
    assert (await log_in(Visitor(site), provider, iss="https://evil.example")).status == 502
    assert (await log_in(Visitor(site), provider, iss=provider.url)).status == 200


async def test_who_waits_while_the_provider_fails_slowly_is_told_together_and_not_one_after_the_other(
    provider: TestProvider, clock: FakeClock
) -> None:
    provider.metadata = {"jwks_uri": None}
    provider.goes_on.clear()
    ours = Provider(provider.url, CLIENT, SECRET, CONSOLE, ("openid",), clock)
    crowd = [asyncio.create_task(ours.begin(f"state-{n}", "cookie")) for n in range(5)]
    await provider.is_asked.wait()
    provider.goes_on.set()
    ended = await asyncio.gather(*crowd, return_exceptions=True)
    assert [type(one) for one in ended] == [ProviderFailed] * 5
    assert provider.asked == {"/.well-known/openid-configuration": 1}
    provider.metadata = {}
    assert (await ours.begin("state", "cookie")).startswith(f"{provider.url}/authorize?")


async def test_without_the_provider_people_log_in_by_password_and_hear_why(
    site: RunningOrigin, provider: TestProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await add_person(site, "Anna")
    provider.is_down = True
    for _ in range(2):
        down = await Visitor(site).ask("POST", QUESTION)
        assert (down.status, "name and password" in down.document["detail"]) == (502, True)
    assert (await Visitor(site).log_in("Anna", PASSWORD)).status == 200
    assert caplog.text.count("provider of identities cannot be used") == 1
    provider.is_down = False
    provider.claims = {"groups": ["editors"]}
    provider.refuses = True
    assert "invalid_grant: Expired." in (await log_in(Visitor(site), provider)).document["detail"]
    provider.refuses = False
    assert (await log_in(Visitor(site), provider)).status == 200
    assert SECRET not in caplog.text and "code-" not in caplog.text


async def test_keys_of_kinds_that_are_not_known_here_do_no_harm(site: RunningOrigin, provider: TestProvider) -> None:
    provider.claims, provider.metadata = {"groups": ["editors"]}, {"token_endpoint_auth_methods_supported": 5}
    provider.strange = [{"kty": "EC", "crv": "BP-256", "kid": "odd", "x": "AA", "y": "AA"}, {"kty": "RSA"}]
    assert (await log_in(Visitor(site), provider)).status == 200


@pytest.mark.parametrize(
    ("path", "text"),
    [("/.well-known/openid-configuration", "[" * 400_000), ("/keys", "{}"), ("/token", "[" * 400_000)],
)
async def test_an_odd_answer_of_the_provider_is_a_fault_of_the_provider_and_is_not_believed(
    site: RunningOrigin, provider: TestProvider, path: str, text: str
) -> None:
    provider.claims, provider.texts = {"groups": ["editors"]}, {path: text}
    page = Visitor(site)
    refused = await (log_in(page, provider) if path == "/token" else page.ask("POST", QUESTION))
    assert refused.status == 502, refused.text
    provider.texts = {}
    assert (await log_in(page, provider)).status == 200


def test_a_provider_elsewhere_sends_no_secret_in_the_clear_to_this_machine() -> None:
    issuer = "https://login.example.com"
    document = {"issuer": issuer, "authorization_endpoint": f"{issuer}/a", "jwks_uri": f"{issuer}/k"}
    with pytest.raises(ProviderFailed, match="token_endpoint"):
        read_metadata({**document, "token_endpoint": "http://127.0.0.1:6379/"}, issuer)
    assert read_metadata({**document, "token_endpoint": f"{issuer}/t"}, issuer).token == f"{issuer}/t"


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"authorization_endpoint": "https://evil.example/\ud800"},
        {"jwks_uri": None},
    ],
)
async def test_a_provider_that_is_another_or_asks_in_the_clear_is_refused(
    site: RunningOrigin, provider: TestProvider, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata
    assert (await Visitor(site).ask("POST", QUESTION)).status == 502


async def test_without_a_provider_there_is_no_such_way(server: RunningOrigin) -> None:
    assert (await server.ask("POST", QUESTION)).status == 404
    assert (await server.ask("GET", "/v1/session/ways")).document["provider"] is None


def test_settings_of_a_provider_are_whole_and_not_in_the_clear() -> None:
    for wrong in (
        {"issuer": "https://a.example"},
        {"issuer": "http://a.example", "client_id": "a", "console": CONSOLE},
    ):
        with pytest.raises(ValueError):
            OidcSettings.model_validate(wrong)
    secret = OidcSettings.model_validate({"client_secret": SECRET})
    assert SECRET not in repr(secret) and secret.secret == SECRET
