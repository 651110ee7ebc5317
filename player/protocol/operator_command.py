"""What an operator may order: the model of a command."""

from typing import Annotated, Literal

from pydantic import Field

from sync.wire.value_types import Identifier, Request

HOLD_MS = 60 * 60 * 1000
"""How long `stop` and `blank` last by default."""


class Command(Request):
    """An operator's command. All end by themselves: `stop` and `blank` after `for_ms`, the others with one item.

    `play` without an item ends a stop or blank early. `play` with an item of the release shows it at once and once,
    whatever its daypart; then the programme goes on. A stream without an end of its own is shown for `for_ms`.
    """

    do: Literal["skip", "previous", "play", "stop", "blank"]
    item: Identifier | None = None
    for_ms: Annotated[int, Field(ge=1_000, le=7 * 24 * 60 * 60 * 1000)] = HOLD_MS
