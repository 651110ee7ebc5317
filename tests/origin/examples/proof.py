"""Proof of play: what screens deliver, what people read, judge and take away."""

from typing import Any

from sync.proof.key_request import request_key
from tests.fakes import FakeClock
from tests.origin.api.proof.test_history import record
from tests.origin.examples.recorder import Recorder
from tests.origin.proof.export.signed_screens import BEGINS, ENDS, OPENING, SignedScreen
from tests.origin.running_origin import EPOCH, play


async def tell(recorder: Recorder, clock: FakeClock, known: dict[str, Any]) -> None:
    """Deliver plays, history and checkpoints; read, judge and export them."""
    show, device, token = recorder.show, known["device"], known["token"]
    long_ago = {"started_at": "2025-03-02T09:00:00Z", "ended_at": "2025-03-02T09:00:10Z"}
    delivered = [play(device, 3, release=known["release"]), play(device, 4, release=known["release"], **long_ago)]
    await show("POST", "/v1/plays", {"plays": delivered}, token=token)
    await show("POST", "/v1/history", {"records": [record(device, 1), record(device, 2, state="on")]}, token=token)
    accept = {"device": device, "log_epoch": EPOCH, "sequence": 4, "note": "restored from the backup of Sunday"}
    await show("POST", "/v1/plays/accepted", accept)
    await _sign(recorder)

    of_day = {"from": "2026-03-02T00:00:00Z", "until": "2026-03-03T00:00:00Z"}
    await show("GET", "/v1/plays", query={**of_day, "device": device})
    await show("GET", "/v1/plays/summary", query={**of_day, "by": "line"})
    await show("GET", "/v1/plays/conflicts", query=of_day)
    await show("GET", "/v1/plays/audit", query={**of_day, "device": device})
    await show("GET", "/v1/history", query={**of_day, "device": device})
    await recorder.server.origin.reports.counter.count()
    await show("GET", "/v1/reports/{by}", query={"first_day": "2026-03-02", "last_day": "2026-03-02"}, by="campaign")


async def _sign(recorder: Recorder) -> None:
    """Have a screen sign what it played, and export that."""
    show = recorder.show
    device, token = await recorder.server.pair("Lobby")
    screen = SignedScreen(device)
    screen.show(120)
    for log in screen.plays.values():
        await show("POST", "/v1/plays", {"plays": log}, token=token)
    request = request_key(device, screen.keys[0], OPENING, None).model_dump(mode="json")
    await show("PUT", "/v1/device/key", request, token=token)
    signed = [
        {"envelope": envelope.model_dump(), "secret": screen.secret(checkpoint.log_epoch).hex()}
        for checkpoint, envelope in screen.signed
    ]
    await show("POST", "/v1/checkpoints", {"checkpoints": signed}, token=token)
    period = {"from": f"{BEGINS:%Y-%m-%dT%H:%M:%SZ}", "until": f"{ENDS:%Y-%m-%dT%H:%M:%SZ}"}
    await show("GET", "/v1/plays/export", query={**period, "device": device})
