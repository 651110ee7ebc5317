"""What the audit log says of log-ins: refusals without end leave few entries, and no secret is in any of them."""

import logging

import pytest

from sync.origin.audit.changes import Action
from sync.origin.login.refused_log_ins import MOST_ENTRIES, QUIET_S, RefusedLogIns
from sync.origin.store.people.refused_log_ins import RefusedLogInStore
from tests.fakes import FakeClock
from tests.origin.api.people.visitor import PASSWORD, Visitor, add_person, set_up_app
from tests.origin.running_origin import RunningOrigin


async def told(server: RunningOrigin, query: str = "") -> list[str]:
    answer = await server.ask("GET", f"/v1/audit?limit=200{query}", server.writer)
    return [entry["text"] for entry in answer.document["entries"]]


async def test_refusals_are_recorded_once_while_they_go_on(server: RunningOrigin, clock: FakeClock) -> None:
    anna = await add_person(server, "Anna")
    attacker = Visitor(server, "192.0.2.66")
    for number in range(9):
        await attacker.log_in("Anna", f"guess {number} of many")
    await attacker.log_in("five blue herons")  # a password in the wrong field
    assert await told(server, "&kind=person") == [
        "Somebody was refused as the account “an account that is not there”",
        "Somebody tried too often to be the account “Anna”",
        "Somebody was refused as the account “Anna”",
        "Key “writer” made the account “Anna”",
    ]
    await clock.advance(QUIET_S + 1)
    await attacker.log_in("Anna", "another guess")
    history = await server.ask("GET", f"/v1/people/{anna}/history?limit=1", server.writer)
    (entry,) = history.document["history"]
    assert (entry["code"], entry["actor"]["address"]) == ("person.refused", "192.0.2.66")
    own = Visitor(server)
    await own.log_in("Anna")
    await own.ask("PUT", "/v1/account/password", {"current": "not mine", "password": "six blue herons at noon"})
    assert (await told(server))[0] == "Anna was refused as the account “Anna”"


async def test_nobody_fills_the_disk_with_refusals(
    server: RunningOrigin, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    refused = RefusedLogIns(RefusedLogInStore(server.database), clock)
    for number in range(3 * MOST_ENTRIES.most):
        await refused.note(None, f"192.0.{number}.0/24", Action.LOG_IN_REFUSED)
    assert len(await told(server, "&kind=person")) == MOST_ENTRIES.most
    await clock.advance(MOST_ENTRIES.refill_s)
    await refused.note(None, "203.0.113.0/24", Action.LOG_IN_REFUSED)
    lines = [record.message for record in caplog.records if "refused log-ins" in record.message]
    assert lines == ["refused log-ins are too many to record", "refused log-ins are recorded again"]


async def test_no_secret_is_in_the_log_or_its_export(
    server: RunningOrigin, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("aiosqlite").setLevel(logging.INFO)  # as the program does
    visitor = Visitor(server)
    await add_person(server, "Anna", role="administrator")
    await visitor.log_in("Anna")
    app, codes = await set_up_app(visitor, clock.now().timestamp())
    await visitor.ask("DELETE", "/v1/session")
    await visitor.log_in("Anna", PASSWORD, app.at(clock.now()))
    await visitor.log_in("Anna", PASSWORD, codes[0])
    key = (await visitor.ask("POST", "/v1/keys", {"name": "Shop", "role": "editor"})).document
    made = (await visitor.ask("POST", "/v1/people", {"name": "Bo", "role": "viewer"})).document["one_time_code"]
    new = "a new long password"
    assert (await visitor.ask("POST", "/v1/account/reset", {"code": made["code"], "password": new})).status < 300
    await Visitor(server).log_in("Bo", "a wrong guess of somebody")
    secrets = [PASSWORD, new, "a wrong guess", app.secret, *codes, key["token"], made["code"], server.writer]
    secrets += visitor.cookies.values()
    exported = [
        (await server.ask("GET", f"/v1/audit/export?format={kind}", server.writer)).text for kind in ("jsonl", "csv")
    ]
    assert min(text.count("Anna") for text in exported) > 5
    for text in (*exported, caplog.text):
        assert [secret for secret in secrets if secret in text] == []
