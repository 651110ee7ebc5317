"""Every operation, called as everybody over HTTP: who is let in is what the written table says (reference/roles.md)."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from sync.origin.http.auth import make_key
from sync.roles import EVERYTHING, Right, Rights, Role, includes, refusal
from tests import TOP
from tests.fakes import FakeClock
from tests.origin.running_origin import Answer, RunningOrigin, running_origin, settings_in

TABLE = TOP / "docs/reference/roles.md"
NOBODY = "nobody"


def written() -> Mapping[tuple[str, str], Mapping[str, str]]:
    """Return the table: (method, path) → caller → cell."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TABLE.read_text().splitlines()]
    [start] = [place for place, cells in enumerate(lines) if cells[:1] == ["call"]]
    callers = lines[start][1:]
    rows = {}
    for cells in lines[start + 2 :]:
        if cells:
            method, _, path = cells[0].strip("`").partition(" ")
            rows[method, path] = dict(zip(callers, cells[1:], strict=True))
    return rows


@pytest.fixture
async def everybody(tmp_path: Path, clock: FakeClock) -> AsyncIterator[tuple[RunningOrigin, Mapping[str, str]]]:
    """An origin, and the token of a key of each role and of a device."""
    async with running_origin(settings_in(tmp_path), clock) as server:
        tokens = {str(role): (await make_key(server.origin.keys, clock, role, role))[1] for role in Role}
        _, device = await server.pair()
        yield server, {**tokens, "device": device, NOBODY: "made-up"}


def is_let_in(answer: Answer) -> bool:
    """Return whether the guard let a request pass; what came of it does not matter."""
    return answer.status not in (401, 403)


def attempts() -> Iterator[tuple[str, str, Mapping[str, str]]]:
    for (method, path), cells in written().items():
        yield method, re.sub(r"\{\w+\}", "x", path), cells


async def test_each_operation_lets_in_whom_the_table_says(
    everybody: tuple[RunningOrigin, Mapping[str, str]],
) -> None:
    server, tokens = everybody
    for method, path, cells in attempts():
        if cells[NOBODY] == "pairing":
            continue  # who asks with another secret hears that it expired: tests/origin/api/test_pairings.py
        for caller, token in tokens.items():
            answer = await server.ask(method, path, token)
            expected = cells[caller] in ("yes", "here") or cells[NOBODY] == "here"
            assert is_let_in(answer) == expected, (caller, method, path, answer.status, answer.text)
    assert not {role for role in Role if not is_let_in(await server.ask("GET", "/v1/session", tokens[role]))}


async def test_the_table_names_every_operation_and_the_document_the_role_of_each(server: RunningOrigin) -> None:
    document = (await server.ask("GET", "/v1/openapi.json")).document
    known = {
        (method.upper(), path): one["security"]
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    }
    assert set(known) == set(written())
    for operation, cells in written().items():
        least = {role for way in known[operation] for role in way.get("token", ())}
        assert len(least) <= 1
        for needed in least:
            assert {role for role in Role if cells[role]} == {role for role in Role if includes(role, Role(needed))}


async def test_what_changes_something_is_for_more_than_looking() -> None:
    shown_to_all = ("/v1/pairings", "/v1/identity", "/v1/session", "/v1/account")
    changing = {(method, path): cells for (method, path), cells in written().items() if method not in ("GET", "HEAD")}
    for (method, path), cells in changing.items():
        if method != "OPTIONS" and not path.startswith(shown_to_all):  # one's own account and sessions are one's own
            assert not cells["viewer"], (method, path)


async def test_a_refusal_says_what_is_needed_what_one_is_and_whom_to_ask(
    everybody: tuple[RunningOrigin, Mapping[str, str]],
) -> None:
    server, tokens = everybody
    refused = await server.ask("POST", "/v1/releases", tokens["editor"], {"channel": "main"})
    assert refused.document["detail"] == (
        "editor may not do this: it needs the role publisher; you are an editor: ask an administrator"
    )
    device = await server.ask("GET", "/v1/media", tokens["device"])
    assert device.document["detail"].endswith("it is for people, and this is a device")


def test_a_role_in_one_space_is_none_for_everything() -> None:
    shop = Rights(frozenset({Right(Role.PUBLISHER, "shop"), Right(Role.VIEWER, EVERYTHING)}))
    assert shop.allowed == [Role.VIEWER]
    assert refusal(Rights.of(Role.EDITOR, Role.TECHNICIAN), Role.ADMINISTRATOR) == (
        "it needs the role administrator; you are an editor and a technician: ask an administrator"
    )
