"""HTTP, Prometheus and OpenAPI as others read them."""

import asyncio
from pathlib import Path

import pytest

from tests.origin.running_origin import RunningOrigin
from tests.sync.http.foreign_tools import CASES, check_metrics, needs, try_everything
from tests.sync.http.raw_requests import hold_to_raw_requests
from tests.sync.http.standards import hold_to_the_standard


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


@needs("schemathesis")
@pytest.mark.parametrize(("phases", "most"), CASES)
async def test_schemathesis_finds_no_answer_that_the_document_does_not_tell(
    server: RunningOrigin, tmp_path: Path, caplog: pytest.LogCaptureFixture, phases: str, most: str
) -> None:
    await asyncio.to_thread(try_everything, server.url, server.writer, tmp_path, phases, most)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
