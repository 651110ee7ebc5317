"""Editors who change one playlist over HTTP at the same time, by chance; and what must be true of it afterwards."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sqlalchemy import select

from sync.origin.app.replay_command import faults_of
from sync.origin.audit.changes import ThingKind
from sync.origin.audit.differences import differences
from sync.origin.editing.editor import edited_draft, undone_draft
from sync.origin.editing.kinds import PLAYLIST_EDITS
from sync.origin.http.auth import make_key
from sync.origin.store.audit.document_versions import DocumentVersions
from sync.origin.tables.audit import audit_entries
from sync.roles import Role
from sync.runtime.clock import Clock
from tests.origin.running_origin import Answer, RunningOrigin

Body = Mapping[str, Any]


@dataclass
class Acknowledged:
    """An edit or undo that the origin said was made."""

    editor: str
    seen: int
    edits: Sequence[Body]
    version: int
    added: Sequence[Sequence[str]]
    undone: int = 0


@dataclass
class Editor:
    """One person: reads, edits what was read, however old it is by then, and sometimes sends a request twice."""

    server: RunningOrigin
    name: str
    token: str
    path: str
    media: str
    random: Random
    made: list[Acknowledged] = field(default_factory=list)
    clashes: int = 0

    async def work(self, steps: int) -> None:
        seen = await self._read()
        for step in range(steps):
            if self.made and self.random.random() < 0.15:
                await self._undo(f"{self.name}-{step}")
            else:
                await self._edit(seen, f"{self.name}-{step}")
            if self.random.random() < 0.6:
                seen = await self._read()

    async def _read(self) -> dict[str, Any]:
        document: dict[str, Any] = (await self.server.ask("GET", self.path, self.token)).document
        return document

    async def _edit(self, seen: Body, mark: str) -> None:
        edits = [self._any_edit([item["id"] for item in seen["items"]], f"{mark}-{n}") for n in range(2)]
        removed = {id for edit in edits if edit["do"] == "remove_items" for id in edit["ids"]}
        if removed and any(removed & {*edit.get("ids", ()), edit.get("after")} for edit in edits[1:]):
            edits = edits[:1]  # the second one would name what the first one removed
        answer = await self._send("PATCH", self.path, {"edits": edits}, mark, {"If-Match": f'"{seen["version"]}"'})
        if answer is not None:
            told = answer.document
            self.made.append(Acknowledged(self.name, seen["version"], edits, told["version"], told["added"]))
            assert told["made_on"] == told["version"] - 1

    async def _undo(self, mark: str) -> None:
        version = self.random.choice(self.made).version
        answer = await self._send("POST", f"{self.path}/undo", {"version": version}, mark, {})
        if answer is not None:
            self.made.append(Acknowledged(self.name, 0, (), answer.document["version"], (), version))

    async def _send(self, method: str, path: str, body: Body, key: str, headers: dict[str, str]) -> Answer | None:
        """Send a request, perhaps twice; None: it clashed."""
        headers = {**headers, "Idempotency-Key": key}
        answers = [await self.server.ask(method, path, self.token, body, headers=headers)]
        if self.random.random() < 0.3:
            answers.append(await self.server.ask(method, path, self.token, body, headers=headers))
        first = answers[0]
        if first.status == 409:
            assert first.document["type"].rpartition(":")[2] == "clash", first.text
            self.clashes += 1
            if answers[-1].status == 409:
                return None
        assert answers[-1].status == 200, answers[-1].text
        if first.status == 200:
            assert answers[-1].text == first.text
        return answers[-1]

    def _any_edit(self, ids: Sequence[str], mark: str) -> Body:
        part = {"id": mark, "media": self.media, "duration_ms": 1000}
        if len(ids) < 3:
            return {"do": "add_items", "parts": [part]}
        chosen = self.random.sample(ids, self.random.choice((1, 1, 1, 2)))
        after = self.random.choice([id for id in ids if id not in chosen])
        edits: list[Body] = [
            {"do": "change_items", "ids": chosen, "set": {"title": mark}},
            {"do": "change_items", "ids": chosen, "set": {"volume": self.random.randrange(101)}},
            {"do": "add_items", "parts": [part], "after": after},
            {"do": "add_items", "parts": [part], "at": "first"},
            {"do": "duplicate_items", "ids": chosen},
            {"do": "move_items", "ids": chosen, "after": after},
            {"do": "remove_items", "ids": chosen[:1]},
        ]
        return self.random.choice(edits)


async def edit_by_chance(
    servers: Sequence[RunningOrigin], clock: Clock, *, editors: int, steps: int, seed: int
) -> tuple[int, int]:
    """Have editors change a playlist through these origins; check all; return how many edits were made and clashed."""
    server, random = servers[0], Random(seed)
    stream = {"name": "Stream", "url": "http://example.test/live.m3u8"}
    media = (await server.ask("POST", "/v1/media/streams", server.writer, stream)).document["id"]
    items = [{"id": f"i{number}", "media": media, "duration_ms": 5000} for number in range(10)]
    made = await server.ask("POST", "/v1/playlists", server.writer, {"name": "Lobby", "items": items})
    path = f"/v1/playlists/{made.document['id']}"
    people = []
    for number in range(editors):
        _, token = await make_key(server.origin.keys, clock, f"editor-{number}", Role.EDITOR)
        own = Random(random.random())
        people.append(Editor(servers[number % len(servers)], f"E{number}", token, path, media, own))
    await asyncio.gather(*(one.work(steps) for one in people))
    final = (await server.ask("GET", path, server.writer)).document
    await check_nothing_is_lost(server, final, [made for one in people for made in one.made])
    _, faults = await faults_of(server.origin)
    assert faults == []
    return sum(len(one.made) for one in people), sum(one.clashes for one in people)


async def check_nothing_is_lost(server: RunningOrigin, final: Body, made: Sequence[Acknowledged]) -> None:
    """Each version is the one before it with one acknowledged edit, nothing more and nothing less."""
    by_version = {one.version: one for one in made}
    assert sorted(by_version) == list(range(2, final["version"] + 1)) and len(by_version) == len(made)
    numbers = range(1, final["version"] + 1)
    bodies = await DocumentVersions(server.database).bodies(ThingKind.PLAYLIST, final["id"], list(numbers))
    last = bodies[final["version"]]
    assert {name: final[name] for name in last} == last
    for version, one in by_version.items():
        before, after = bodies[version - 1], bodies[version]
        if one.undone:
            draft = undone_draft(PLAYLIST_EDITS, bodies[one.undone - 1], bodies[one.undone], before)
        else:
            _check_what_was_meant(one, before, after)
            ids = (id for edit in one.added for id in edit if not id.startswith("E"))
            edits = PLAYLIST_EDITS.edits.model_validate({"edits": one.edits}).values()
            draft = edited_draft(PLAYLIST_EDITS, bodies[one.seen], before, edits, ids.__next__).draft
        assert draft.model_dump(mode="json", include=set(after)) == after
    await _check_the_log(server, final["id"], by_version)


def _check_what_was_meant(one: Acknowledged, before: Body, after: Body) -> None:
    """Compare two versions with what an editor sent, without any code that merges."""
    mine = {id for edit in one.edits for id in edit.get("ids", ())} | {id for edit in one.added for id in edit}
    changed = {id: item for id, item in _items(after).items() if _items(before).get(id) != item}
    assert set(changed) <= mine
    assert {found.id for found in differences(ThingKind.PLAYLIST, before, after) if found.kind != "moved"} <= mine
    for edit, added in zip(one.edits, one.added, strict=True):
        assert set(added) <= set(_items(after)) or any(other["do"] == "remove_items" for other in one.edits)
        assert not set(_items(after)) & set(edit["ids"] if edit["do"] == "remove_items" else ())
    kept = [[id for id in _items(body) if id not in mine] for body in (before, after)]
    assert kept[0] == kept[1]


def _items(body: Body) -> dict[str, Any]:
    return {item["id"]: item for item in body["items"]}


async def _check_the_log(server: RunningOrigin, playlist: str, by_version: Mapping[int, Acknowledged]) -> None:
    query = select(audit_entries).where(audit_entries.c.thing_id == playlist, audit_entries.c.version_before > 0)
    async with server.database.reading() as connection:
        rows = (await connection.execute(query.order_by(audit_entries.c.id))).mappings().all()
    assert [(row["version_before"], row["version_after"]) for row in rows] == [(v - 1, v) for v in sorted(by_version)]
    names = [row["actor_name"].replace("editor-", "E") for row in rows]
    assert names == [by_version[version].editor for version in sorted(by_version)]
