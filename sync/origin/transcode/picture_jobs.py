"""Runs the picture tool and the card tool in the sandbox."""

import json
import logging
import sys
from pathlib import Path

from sync.origin.settings.model import PipelineSettings
from sync.origin.transcode.probe import BadMedia
from sync.origin.transcode.sandbox import Limits, ToolResult, run_tool
from sync.origin.transcode.transcode_job import MadeMedia
from sync.wire.release import MediaKind

_PICTURE_TOOL = (sys.executable, "-m", "sync.origin.transcode.picture_tool")
_CARD_TOOL = (sys.executable, "-m", "sync.origin.transcode.title_card_tool")
_EXIT_UNUSABLE = 3  # of the picture tool; its output says why

log = logging.getLogger(__name__)


async def make_picture(source: Path, folder: Path, limits: Limits, settings: PipelineSettings) -> MadeMedia:
    """Convert a picture into one that every player can show, in `folder`.

    Raises:
        BadMedia: it cannot be shown.
        ChildStopped, StorageFull: another attempt may help.
    """
    size_limits = (str(settings.longest_edge), str(settings.largest_pixels))
    result = await run_tool((*_PICTURE_TOOL, str(source), str(folder), *size_limits), limits)
    if result.code == _EXIT_UNUSABLE:
        raise BadMedia(json.loads(result.output)["problem"])
    return _media_of(result, source.name, folder)


async def make_card(title: str, line: str, folder: Path, limits: Limits) -> MadeMedia:
    """Draw a card with a title and a smaller line below it, in `folder`.

    Raises:
        BadMedia: it cannot be drawn.
        ChildStopped, StorageFull: another attempt may help.
    """
    result = await run_tool((*_CARD_TOOL, str(folder), _printable(title), _printable(line)), limits)
    return _media_of(result, folder.parent.name, folder)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()[:200]


def _media_of(result: ToolResult, name: str, folder: Path) -> MadeMedia:
    if result.code != 0:
        log.warning("media=%s picture tool failed: %s", name, result.errors.strip()[-300:])
        raise BadMedia("This picture is damaged, or of an unknown kind.")
    facts = json.loads(result.output)
    facts["kind"] = MediaKind(facts["kind"])
    return MadeMedia(path=folder / "asset", thumbnail=folder / "thumbnail.jpg", has_audio=False, **facts)
