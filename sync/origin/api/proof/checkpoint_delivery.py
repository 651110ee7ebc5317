"""Devices deliver the checkpoints that they signed over their logs of plays. All that they signed is kept."""

from aiohttp import web

from sync.http.bodies import json_answer, read_json
from sync.http.operations import Access, Operation
from sync.origin.http.auth import caller_of
from sync.origin.intake.checkpoint_intake import CheckpointIntake
from sync.proof.delivery import CheckpointAnswer, CheckpointBatch

BATCH_CAP_BYTES = 4 * 1024 * 1024


class CheckpointDeliveryRoutes:
    """Takes checkpoints from devices."""

    def __init__(self, intake: CheckpointIntake) -> None:
        self._intake = intake

    def operations(self) -> tuple[Operation, ...]:
        """Return the operation for devices."""
        what = "Deliver signed checkpoints over the log of plays"
        return (
            Operation("POST", "/v1/checkpoints", self._receive, what, Access.DEVICE, CheckpointBatch, CheckpointAnswer),
        )

    async def _receive(self, request: web.Request) -> web.Response:
        batch = await read_json(request, CheckpointBatch, cap_bytes=BATCH_CAP_BYTES)
        return json_answer(await self._intake.submit(caller_of(request).id, batch.checkpoints))
