"""`playlist.toml`, the optional plan in a folder that is published: its fields, and how it is read and checked.

Every field is optional; `config/playlist.example.toml` shows all of them. Without `items` every picture, video and
sound of the folder plays in the order of names, except the files that the plan uses for something else.
"""

import mimetypes
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from sync.errors import Rejected
from sync.origin.planning.plan_fields import Duration, TimeZone, not_empty
from sync.origin.planning.schedules import BreakDraft, LogoSpec, TickerSpec, WindowDraft
from sync.wire.input_messages import one_line, read_toml, rejected
from sync.wire.overlay import MOST_OVERLAYS
from sync.wire.release import AtEnd, Fit, WholeShare
from sync.wire.stream_url import StreamUrl
from sync.wire.value_types import Colour, Instant, Name, Request

PLAN_FILE = "playlist.toml"
_SUFFIXES = {".webp", ".heic", ".heif", ".avif", ".mkv", ".webm", ".m4v", ".ts"}  # that mimetypes may not know
_PLAYLIST_TYPES = {"audio/mpegurl", "audio/x-mpegurl", "audio/x-scpls"}  # they only name other files


def _without_path(name: str) -> str:
    if name != Path(name).name or name in (".", ".."):
        raise ValueError("name a file of this folder, without a path")
    return name


FileName = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_without_path)]
"""The name of a file in the folder itself."""


class FileEntry(Request):
    """A file or the address of a stream, and how to show it; what is missing is taken from the top of the plan."""

    file: FileName | None = None
    url: StreamUrl | None = None
    title: Name | None = None
    duration_ms: Duration | None = None
    fit: Fit | None = None
    background: Colour | None = None
    volume: Annotated[int, Field(ge=0, le=100)] | None = None

    @model_validator(mode="after")
    def _file_or_url(self) -> "FileEntry":
        if (self.file is None) == (self.url is None):
            raise ValueError("name either a file or a url")
        return self

    @property
    def file_or_url(self) -> str:
        """The name of the file or the address of the stream; a file name never looks like an address."""
        return self.file or self.url or ""


class FolderItem(FileEntry):
    """One entry of the playlist."""

    loop: bool = False
    at_end: AtEnd = AtEnd.CUT
    starts_at: Instant | None = None
    ends_at: Instant | None = None


class FolderDaypart(WindowDraft):
    """A window in which the folder's playlist is shown."""

    name: Name
    priority: int = 0
    first_day: date | None = None
    last_day: date | None = None


class FolderAd(Request):
    """An advertiser's line and what it shows; without dates it runs for years from the first publishing on."""

    name: Name
    advertiser: Name
    creatives: Annotated[tuple[FileEntry, ...], AfterValidator(not_empty)]
    category: Annotated[str, StringConstraints(max_length=64)] = ""
    share_ppm: Annotated[int, Field(ge=1, le=WholeShare)] | None = None
    weight: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    windows: tuple[WindowDraft, ...] = ()
    category_gap: Annotated[int, Field(ge=0, le=100)] = 1
    advertiser_gap: Annotated[int, Field(ge=0, le=100)] = 1
    starts_at: Instant | None = None
    ends_at: Instant | None = None


class FolderLogo(LogoSpec):
    """A picture of the folder, shown in a corner over the programme."""

    file: FileName


FolderOverlay = Annotated[TickerSpec | FolderLogo, Field(discriminator="kind")]


class FolderPlan(Request):
    """The whole file.

    With `default` the playlist is shown when no daypart applies. If it is missing, it is true without any daypart.
    `duration_ms` is how long pictures are shown. `fit`, `background` and `volume` apply to files without their own; if
    `fit` or `background` is missing here too, each screen's own settings count. `overlays` replace all overlays of the
    channel.
    """

    name: Name | None = None
    zone: TimeZone | None = None
    default: bool | None = None
    fallback: FileName | None = None
    duration_ms: Duration | None = None
    fit: Fit | None = None
    background: Colour | None = None
    volume: Annotated[int, Field(ge=0, le=100)] = 100
    break_rule: BreakDraft | None = None
    items: tuple[FolderItem, ...] | None = None
    dayparts: tuple[FolderDaypart, ...] = ()
    ads: tuple[FolderAd, ...] = ()
    overlays: Annotated[tuple[FolderOverlay, ...], Field(max_length=MOST_OVERLAYS)] | None = None

    @model_validator(mode="after")
    def _ads_have_unique_names(self) -> "FolderPlan":
        names = [ad.name for ad in self.ads]
        if len(set(names)) != len(names):
            raise ValueError("give each ad its own name")
        return self

    def entries(self) -> Iterator[tuple[str, FileEntry]]:
        """Yield each item and creative, with its path in the plan."""
        for number, item in enumerate(self.items or ()):
            yield f"items.{number}", item
        for ad_number, ad in enumerate(self.ads):
            for number, creative in enumerate(ad.creatives):
                yield f"ads.{ad_number}.creatives.{number}", creative

    def named_files(self) -> Iterator[tuple[str, str]]:
        """Yield each file that the plan names, with the path of the field."""
        for path, entry in self.entries():
            if entry.file is not None:
                yield f"{path}.file", entry.file
        if self.fallback is not None:
            yield "fallback", self.fallback
        for number, overlay in enumerate(self.overlays or ()):
            if isinstance(overlay, FolderLogo):
                yield f"overlays.{number}.file", overlay.file


def read_folder_plan(folder: Path) -> FolderPlan:
    """Return the plan of a folder with all its items in order; this blocks.

    Raises:
        Rejected: the folder or a named file is missing, the plan is not TOML, a field is wrong, or nothing is playable.
    """
    if not folder.is_dir():
        raise Rejected(f"{folder} is not a folder: name one with pictures and videos")
    plan = _read(folder / PLAN_FILE)
    absent = [(field, name) for field, name in plan.named_files() if not _is_file(folder / name)]
    missing = {field: f"{name} is not in the folder" for field, name in absent}
    if missing:
        raise Rejected(f"{PLAN_FILE} names files that are not there: {', '.join(sorted(missing))}", fields=missing)
    if plan.items is None:
        used = {name for _, name in plan.named_files()}
        names = [name for name in playable_files(folder) if name not in used]
        plan = plan.model_copy(update={"items": tuple(FolderItem(file=name) for name in names)})
    if not plan.items:
        raise Rejected(f"{folder} has nothing to play: add pictures or videos")
    return plan


def playable_files(folder: Path) -> list[str]:
    """Return the names of a folder's pictures, videos and sounds, told by their suffix, in the order of names.

    Raises:
        Rejected: a name is not text, or has characters that cannot be printed.
    """
    names = sorted(path.name for path in folder.iterdir() if _is_file(path) and _is_media(path.name))
    unprintable = [ascii(name) for name in names if not name.isprintable()]
    if unprintable:
        raise Rejected(f"rename these files, their names cannot be printed: {', '.join(unprintable)}")
    return names


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def _is_media(name: str) -> bool:
    kind = mimetypes.guess_type(name)[0] or ""
    if kind in _PLAYLIST_TYPES:
        return False
    return kind.startswith(("image/", "video/", "audio/")) or Path(name).suffix.lower() in _SUFFIXES


def _read(path: Path) -> FolderPlan:
    if not path.exists():
        return FolderPlan()
    try:
        return FolderPlan.model_validate(read_toml(path))
    except ValidationError as error:
        wrong = rejected(error, FolderPlan)
        raise Rejected(f"{path} is wrong: {one_line(wrong)}", fields=wrong.fields) from error
