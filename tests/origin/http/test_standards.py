"""HTTP, Prometheus and OpenAPI as others read them."""

import asyncio
from io import BytesIO
from pathlib import Path

import pytest

from tests.origin.running_origin import RunningOrigin
from tests.sync.http.foreign_tools import CASES, GeneratedClient, check_metrics, needs, try_everything
from tests.sync.http.raw_requests import hold_to_raw_requests
from tests.sync.http.standards import hold_to_the_standard

TUS = {"tus_resumable": "1.0.0"}


async def test_every_address_answers_as_rfc_9110_asks(server: RunningOrigin) -> None:
    document = (await server.ask("GET", "/v1/openapi.json")).document
    await hold_to_the_standard(server.url, {"Authorization": f"Bearer {server.writer}"}, document)


async def test_no_bytes_get_another_answer_than_http_has(
    server: RunningOrigin, caplog: pytest.LogCaptureFixture
) -> None:
    await hold_to_raw_requests(server.url, caplog)


@needs("promtool")
async def test_promtool_finds_no_fault_in_the_metrics(server: RunningOrigin) -> None:
    await server.ask("GET", "/v1/devices", server.reader)
    check_metrics((await server.ask("GET", "/metrics")).text)


@needs("openapi-python-client")
async def test_a_generated_client_plans_sends_bytes_and_reads_problems(
    server: RunningOrigin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    document = (await server.ask("GET", "/v1/openapi.json")).document
    made = await asyncio.to_thread(GeneratedClient, document, tmp_path, "origin_client")
    call, models, file = made.operation, made.models, made.types.File
    with made.session(server.url, server.writer) as session:
        draft = models.PlaylistDraft(name="Morning", items=[])
        created = await call("post_playlists")(client=session, body=draft)
        assert (created.status_code, created.parsed.name, created.parsed.version) == (201, "Morning", 1)
        which = {"id": created.parsed.id, "client": session}
        read = await call("get_playlists_by_id")(**which)
        assert read.parsed == created.parsed
        tag = read.headers["ETag"]
        assert (await call("get_playlists_by_id")(**which, if_none_match=tag)).status_code == 304
        assert (await call("put_playlists_by_id")(**which, body=draft, if_match=tag)).parsed.version == 2
        stale = await call("put_playlists_by_id")(**which, body=draft, if_match=tag)
        assert (stale.status_code, type(stale.parsed), stale.parsed.current) == (412, models.Problem, 2)
        wrong = await call("post_playlists")(client=session, body=models.PlaylistDraft(name="", items=[]))
        assert list(wrong.parsed.fields.additional_properties) == ["name"]

        begun = await call("post_uploads")(client=session, body=file(BytesIO(b"he")), upload_length=5, **TUS)
        assert (begun.status_code, begun.headers["Upload-Offset"]) == (201, "2")
        upload = {"id": begun.headers["Location"].rpartition("/")[2], "client": session, **TUS}
        more = await call("patch_uploads_by_id")(**upload, body=file(BytesIO(b"llo")), upload_offset=2)
        assert (more.status_code, more.headers["Upload-Offset"]) == (204, "5")
        root = await call("get_content_roots_by_name")(name="1.json", client=session)
        assert root.parsed.additional_properties.keys() == {"payload", "signatures"}
        lost = await call("get_content_assets_by_name")(name="a" * 64, client=session)
        assert (lost.status_code, lost.parsed.status) == (404, 404)
        assert "signage_origin_devices 0.0" in (await call("get_metrics")(client=session)).parsed


@needs("schemathesis")
@pytest.mark.parametrize(("phases", "most"), CASES)
async def test_schemathesis_finds_no_answer_that_the_document_does_not_tell(
    server: RunningOrigin, tmp_path: Path, caplog: pytest.LogCaptureFixture, phases: str, most: str
) -> None:
    await asyncio.to_thread(try_everything, server.url, server.writer, tmp_path, phases, most)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
