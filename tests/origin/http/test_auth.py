"""Who may do what: tokens, cookies, read-only keys, foreign pages and rebound names."""

from sqlalchemy import select

from sync.origin.api.people.cookies import SESSION_S
from sync.origin.http.auth import make_key
from sync.origin.tables.audit import audit_entries
from sync.roles import Role
from tests.fakes import FakeClock
from tests.origin.running_origin import RunningOrigin

GUARDED = (
    ("GET", "/v1/devices"), ("GET", "/v1/devices/x"), ("PATCH", "/v1/devices/x"), ("DELETE", "/v1/devices/x"),
    ("POST", "/v1/devices"), ("GET", "/v1/pairings"), ("GET", "/v1/session"), ("GET", "/v1/plays"),
    ("POST", "/v1/plays"), ("GET", "/v1/plays/summary"), ("GET", "/v1/plays/conflicts"), ("POST", "/v1/heartbeats"),
    ("GET", "/v1/device"), ("GET", "/v1/live"),
)  # fmt: skip


async def test_nothing_guarded_answers_without_a_token_or_with_a_wrong_one(server: RunningOrigin) -> None:
    for method, path in GUARDED:
        assert (await server.ask(method, path)).status == 401
        assert (await server.ask(method, path, "no-such-token")).status == 401
        assert (await server.ask(method, path, headers={"Cookie": "signage_session=made-up"})).status == 401


async def test_every_operation_under_v1_but_the_stated_ones_refuses_strangers(server: RunningOrigin) -> None:
    open_to_all = {
        ("POST", "/v1/session"), ("DELETE", "/v1/session"), ("POST", "/v1/account/reset"),
        ("GET", "/v1/session/ways"), ("POST", "/v1/session-by-passkey"), ("POST", "/v1/session-by-passkey/question"),
        ("POST", "/v1/session-by-provider"), ("POST", "/v1/session-by-provider/question"),
        ("POST", "/v1/pairings"), ("GET", "/v1/openapi.json"),
        ("GET", "/v1/pairings/{id}"), ("OPTIONS", "/v1/uploads"), ("OPTIONS", "/v1/uploads/{id}"),
        ("POST", "/v1/identity"),  # a device asks it before it sends its token
    }  # fmt: skip
    asked = 0
    described = (await server.ask("GET", "/v1/openapi.json")).document
    for path, operations in described["paths"].items():
        for method in operations:
            if path.startswith("/v1/") and (method.upper(), path) not in open_to_all:
                concrete = "/".join("x" if part.startswith("{") else part for part in path.split("/"))
                assert (await server.ask(method.upper(), concrete)).status == 401, f"{method} {path}"
                asked += 1
    assert asked >= len(GUARDED)


async def test_a_read_only_key_reads_and_changes_nothing(server: RunningOrigin) -> None:
    device, _ = await server.pair()
    assert (await server.ask("GET", "/v1/devices", server.reader)).status == 200
    refused = await server.ask("PATCH", f"/v1/devices/{device}", server.reader, {"name": "mine"})
    assert refused.status == 403
    assert (await server.ask("DELETE", f"/v1/devices/{device}", server.reader)).status == 403
    assert (await server.ask("GET", f"/v1/devices/{device}", server.reader)).document["name"] == "window"


async def test_a_device_does_not_see_what_people_see_and_people_are_no_devices(server: RunningOrigin) -> None:
    _, token = await server.pair()
    assert (await server.ask("GET", "/v1/devices", token)).status == 403
    assert (await server.ask("GET", "/v1/plays", token)).status == 403
    assert (await server.ask("POST", "/v1/plays", server.writer, {"plays": []})).status == 403
    assert (await server.ask("GET", "/v1/device", token)).document["channel"] == "main"


async def test_a_page_logs_in_once_and_is_remembered_by_a_cookie_scripts_cannot_read(server: RunningOrigin) -> None:
    wrong = await server.ask("POST", "/v1/session", body={"token": "guess"})
    assert wrong.status == 401
    answer = await server.ask("POST", "/v1/session", body={"token": server.reader})
    assert answer.document == {
        "name": "reader",
        "access": "read",
        "roles": ["viewer"],
        "account": None,
        "everything": "viewer",
    }
    cookie = answer.headers["Set-Cookie"]
    assert "Secure" not in cookie
    tls = await server.ask("POST", "/v1/session", body={"token": server.reader}, headers={"X-Forwarded-Proto": "https"})
    assert "Secure" in tls.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
    carried = {"Cookie": cookie.split(";")[0]}
    assert (await server.ask("GET", "/v1/session", headers=carried)).document["name"] == "reader"
    server.client.cookie_jar.clear()
    assert (await server.ask("DELETE", "/v1/session", headers=carried)).status == 204
    assert (await server.ask("GET", "/v1/session", headers=carried)).status == 401


async def test_a_session_runs_out(server: RunningOrigin, clock: FakeClock) -> None:
    answer = await server.ask("POST", "/v1/session", body={"token": server.reader})
    carried = {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}
    clock.step_wall(SESSION_S - 1)
    assert (await server.ask("GET", "/v1/session", headers=carried)).status == 200
    clock.step_wall(1)
    assert (await server.ask("GET", "/v1/session", headers=carried)).status == 401


async def test_revoking_a_key_ends_its_sessions(server: RunningOrigin) -> None:
    answer = await server.ask("POST", "/v1/session", body={"token": server.reader})
    carried = {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}
    await server.origin.keys.remove("reader")
    assert (await server.ask("GET", "/v1/session", headers=carried)).status == 401
    assert (await server.ask("GET", "/v1/devices", server.reader)).status == 401


async def test_a_rebound_name_is_refused_even_with_a_token(server: RunningOrigin) -> None:
    for host in ("evil.example", "localhost.evil.example", "evil.example:8090", "", "[::1", "a b"):
        answer = await server.ask("GET", "/v1/devices", server.writer, headers={"Host": host})
        assert answer.status in (400, 403, 422)
        assert (await server.ask("GET", "/", headers={"Host": host})).status in (400, 403, 422)


async def test_its_own_names_and_plain_addresses_are_served(server: RunningOrigin) -> None:
    for host in ("localhost", "LOCALHOST:8090", "127.0.0.1", "[::1]:8090", "192.168.1.5:8090"):
        assert (await server.ask("GET", "/v1/devices", server.writer, headers={"Host": host})).status == 200


async def test_a_page_of_elsewhere_may_not_act_and_may_not_listen(server: RunningOrigin) -> None:
    for origin in ("https://evil.example", "http://127.0.0.1:1", "null", "http://localhost"):
        foreign = {"Origin": origin}
        assert (await server.ask("POST", "/v1/session", body={"token": server.writer}, headers=foreign)).status == 403
        assert (await server.ask("DELETE", "/v1/devices/x", server.writer, headers=foreign)).status == 403
        upgrade = foreign | {"Upgrade": "websocket", "Connection": "Upgrade"}
        assert (await server.ask("GET", "/v1/live", server.writer, headers=upgrade)).status == 403


async def test_its_own_page_may_act(server: RunningOrigin) -> None:
    own = {"Origin": server.url}
    assert (await server.ask("POST", "/v1/session", body={"token": server.writer}, headers=own)).status == 200


async def who_made(server: RunningOrigin, playlist: str) -> tuple[str, str, str]:
    """Return who made a playlist, as the audit log has it."""
    query = select(audit_entries).where(audit_entries.c.thing_id == playlist)
    async with server.database.reading() as connection:
        row = (await connection.execute(query)).one()
    return row.actor_kind, row.actor_name, row.address


async def test_each_request_acts_for_who_sent_it_also_after_another_on_one_connection(
    server: RunningOrigin, clock: FakeClock
) -> None:
    made = list[str]()
    for name in ("Anna's", "Ben's"):
        _, token = await make_key(server.origin.keys, clock, name, Role.EDITOR)
        answer = await server.ask("POST", "/v1/playlists", token, {"name": name})
        made.append(answer.document["id"])
        await server.ask("GET", "/v1/openapi.json")
    assert [await who_made(server, one) for one in made] == [
        ("key", "Anna's", "127.0.0.1"),
        ("key", "Ben's", "127.0.0.1"),
    ]
