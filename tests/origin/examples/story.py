"""The story of which the examples are parts: each chapter leaves what the next ones need.

A new operation gets a line where it belongs; `python -m tests.origin.examples` then writes `examples.json` anew.
"""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.fakes import FakeClock
from tests.origin.api.people.provider import running_provider
from tests.origin.examples import devices, media, people, plans, proof, releases, spaces
from tests.origin.examples.recorder import Recorder, examples_of, recording
from tests.origin.running_origin import running_origin, settings_in

Chapter = Callable[[Recorder, FakeClock, dict[str, Any]], Awaitable[None]]

CHAPTERS: tuple[Chapter, ...] = (
    media.tell,
    plans.tell,
    releases.tell,
    devices.tell,
    proof.tell,
    plans.end,
    media.end,
    people.tell,
    spaces.tell,
)


async def tell(folder: Path) -> dict[str, Any]:
    """Tell the whole story to a new origin; return the examples by the id of their operation."""
    clock, known = FakeClock(), dict[str, Any]()
    async with running_provider(clock) as provider:
        known["provider"] = provider
        settings = settings_in(folder, publish=devices.PUBLISH, oidc=people.oidc(provider))
        async with running_origin(settings, clock) as server, recording(server) as recorder:
            for chapter in CHAPTERS:
                await chapter(recorder, clock, known)
            told = json.dumps(examples_of(recorder.shown, server.url))
        return dict(json.loads(told.replace(provider.url, "https://login.example.com")))
