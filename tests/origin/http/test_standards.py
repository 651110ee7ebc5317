"""HTTP, Prometheus and OpenAPI as others read them."""

from tests.origin.running_origin import RunningOrigin
from tests.sync.http.standards import check_metrics, hold_to_the_standard, needs_promtool


async def test_every_address_answers_as_rfc_9110_asks(server: RunningOrigin) -> None:
    document = (await server.ask("GET", "/v1/openapi.json")).document
    await hold_to_the_standard(server.url, {"Authorization": f"Bearer {server.writer}"}, document)


@needs_promtool
async def test_promtool_finds_no_fault_in_the_metrics(server: RunningOrigin) -> None:
    await server.ask("GET", "/v1/devices", server.reader)
    check_metrics((await server.ask("GET", "/metrics")).text)
