"""The command `signage-origin replay`: the audit log gives what is stored, and what it does not give is named."""

import argparse

import pytest
from sqlalchemy import delete, text, update

from sync.errors import Rejected
from sync.origin.app.replay_command import check_replay, faults_of
from sync.origin.tables.audit import audit_entries
from sync.origin.tables.media import media
from sync.origin.tables.plans import playlists
from tests.origin.running_origin import RunningOrigin


async def plan(server: RunningOrigin) -> tuple[str, str]:
    """Plan, change and remove; return a media and a playlist."""
    stream = {"name": "Stream", "url": "http://example.test/live.m3u8"}
    film = (await server.ask("POST", "/v1/media/streams", server.writer, stream)).document["id"]
    item = {"media": film, "duration_ms": 5000}
    made = await server.ask("POST", "/v1/playlists", server.writer, {"name": "Lobby", "items": [item]})
    path, id = f"/v1/playlists/{made.document['id']}", made.document["id"]
    edits = {"edits": [{"do": "set", "set": {"name": "Hall"}}]}
    for version in (1, 2):
        await server.ask("PATCH", path, server.writer, edits, headers={"If-Match": f'"{version}"'})
    zone = {"zone": "UTC", "default_playlist": id}
    assert (await server.ask("PUT", "/v1/schedule/bar", server.writer, zone)).status == 201
    await server.ask("PUT", "/v1/schedule/gone", server.writer, {"zone": "UTC"})
    await server.ask("DELETE", "/v1/schedule/gone", server.writer)
    await server.ask("PUT", "/v1/schedule/gone", server.writer, {"zone": "UTC"})
    await server.ask("PATCH", f"/v1/media/{film}", server.writer, {"name": "Renamed"})
    return film, id


async def test_what_people_did_is_replayed_from_the_log(server: RunningOrigin) -> None:
    await plan(server)
    shown, [line] = await check_replay(server.origin, argparse.Namespace())
    assert shown["faults"] == 0 and line.startswith("The audit log, replayed, gives what is stored")


async def test_what_was_changed_beside_the_log_is_named(server: RunningOrigin) -> None:
    film, playlist = await plan(server)
    async with server.database.writing() as connection:
        own = audit_entries.c
        await connection.execute(delete(audit_entries).where(own.thing_id == playlist, own.version_after == 2))
        await connection.execute(update(playlists).where(playlists.c.id == playlist).values(name="Forged"))
        await connection.execute(update(media).where(media.c.id == film).values(name="Forged"))
        await connection.execute(text("DELETE FROM channels WHERE id = 'gone'"))
    _, faults = await faults_of(server.origin)
    assert sorted(faults) == [
        f"media {film} is called Forged, and the log says Renamed",
        f"playlist {playlist}: version 2 was changed, and the one before that is 1",
        f"playlist {playlist}: version 3 is stored otherwise than it was kept",
        "schedule gone is not there, and the log says that it is",
    ]
    with pytest.raises(Rejected, match="does not give what is stored"):
        await check_replay(server.origin, argparse.Namespace())
