"""Has the picture tools draw and convert, each in a process of its own under limits."""

import json
import logging
import sys
from pathlib import Path

from sync.origin.settings.model import PipelineSettings
from sync.origin.transcode.probe import BadMedia
from sync.origin.transcode.sandbox import Limits, ToolResult, run_tool
from sync.origin.transcode.video import MadeMedia
from sync.wire.release import MediaKind

_PICTURE_TOOL = (sys.executable, "-m", "sync.origin.transcode.picture_tool")
_CARD_TOOL = (sys.executable, "-m", "sync.origin.transcode.card_tool")
_REFUSED = 3  # the picture tool's word for a bad file

log = logging.getLogger(__name__)


async def make_picture(source: Path, folder: Path, limits: Limits, settings: PipelineSettings) -> MadeMedia:
    """Turn a picture into one that every player can show, in `folder`.

    Raises:
        BadMedia: it cannot be shown.
        ChildStopped, StorageFull: trying again may help.
    """
    bounds = (str(settings.longest_edge), str(settings.largest_pixels))
    finished = await run_tool((*_PICTURE_TOOL, str(source), str(folder), *bounds), limits)
    if finished.code == _REFUSED:
        raise BadMedia(json.loads(finished.output)["problem"])
    return _made(finished, source.name, folder)


async def make_card(title: str, line: str, folder: Path, limits: Limits) -> MadeMedia:
    """Draw a card with a title and a smaller line below, in `folder`.

    Raises:
        BadMedia: it cannot be drawn.
        ChildStopped, StorageFull: trying again may help.
    """
    finished = await run_tool((*_CARD_TOOL, str(folder), _printable(title), _printable(line)), limits)
    return _made(finished, folder.parent.name, folder)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()[:200]


def _made(finished: ToolResult, name: str, folder: Path) -> MadeMedia:
    if finished.code != 0:
        log.warning("media=%s picture tool failed: %s", name, finished.errors.strip()[-300:])
        raise BadMedia("This picture is damaged, or of a kind we do not know.")
    facts = json.loads(finished.output)
    return MadeMedia(
        path=folder / "asset",
        thumbnail=folder / "thumbnail.jpg",
        kind=MediaKind(facts["kind"]),
        media_type=facts["media_type"],
        width=facts["width"],
        height=facts["height"],
        duration_ms=facts["duration_ms"],
        has_audio=False,
    )
