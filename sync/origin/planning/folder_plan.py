"""`playlist.toml`, the optional plan in a folder that is published: its fields, and how it is read and checked.

Every field is optional; `config/playlist.example.toml` shows all of them. Without `items` every picture, video and
sound of the folder plays in the natural order of names, except the files that the plan uses for something else.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from sync.errors import Rejected
from sync.origin.planning.file_names import shown_name
from sync.origin.planning.folder_files import PLAN_FILE, FolderFiles, read_folder
from sync.origin.planning.plan_fields import (
    MAX_CREATIVES,
    MAX_DAYPARTS,
    MAX_ITEMS,
    Duration,
    End,
    TimeZone,
    not_empty,
)
from sync.origin.planning.schedules import BreakDraft, LogoSpec, TickerSpec, WindowDraft, not_before_first_day
from sync.runtime.os_messages import os_reason
from sync.wire.input.input_messages import one_line, read_toml, rejected
from sync.wire.overlay import MOST_OVERLAYS
from sync.wire.release import AtEnd, Fit, WholeShare
from sync.wire.stream_url import StreamUrl
from sync.wire.value_types import Colour, Instant, Name, Request

_MAX_ADS = 1_000
_MOST_NAMED = 20  # files in one message


def _without_path(name: str) -> str:
    if name != Path(name).name or name in (".", ".."):
        raise ValueError("name a file of this folder, without a path")
    return name


FileName = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_without_path)]
"""The name of a file in the folder itself: any name that a file system holds."""


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
    ends_at: End | None = None
    ends_with_budget: bool = False


class FolderDaypart(WindowDraft):
    """A window in which the folder's playlist is shown."""

    name: Name
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    first_day: date | None = None
    last_day: Annotated[date | None, AfterValidator(not_before_first_day)] = None


class FolderAd(Request):
    """An advertiser's line and what it shows; without dates it runs for years from the first publishing on."""

    name: Name
    advertiser: Name
    creatives: Annotated[tuple[FileEntry, ...], AfterValidator(not_empty), Field(max_length=MAX_CREATIVES)]
    category: Annotated[str, StringConstraints(max_length=64)] = ""
    share_ppm: Annotated[int, Field(ge=1, le=WholeShare)] | None = None
    weight: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    windows: tuple[WindowDraft, ...] = ()
    category_gap: Annotated[int, Field(ge=0, le=100)] = 1
    advertiser_gap: Annotated[int, Field(ge=0, le=100)] = 1
    starts_at: Instant | None = None
    ends_at: End | None = None


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
    items: Annotated[tuple[FolderItem, ...], Field(max_length=MAX_ITEMS)] | None = None
    dayparts: Annotated[tuple[FolderDaypart, ...], Field(max_length=MAX_DAYPARTS)] = ()
    ads: Annotated[tuple[FolderAd, ...], Field(max_length=_MAX_ADS)] = ()
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
        yield from self.pictures()

    def pictures(self) -> Iterator[tuple[str, str]]:
        """Yield each file that has to be a picture, with the path of the field."""
        if self.fallback is not None:
            yield "fallback", self.fallback
        for number, overlay in enumerate(self.overlays or ()):
            if isinstance(overlay, FolderLogo):
                yield f"overlays.{number}.file", overlay.file


def read_files(folder: Path) -> FolderFiles:
    """Look at all files of a folder that is published; this blocks.

    Raises:
        Rejected: it is no folder, or cannot be read.
    """
    try:
        return read_folder(folder)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Rejected(f"{shown_name(str(folder))} is not a folder: name one with pictures and videos") from error
    except OSError as error:
        raise Rejected(f"{shown_name(str(folder))} cannot be read: {os_reason(error)}") from error


def read_folder_plan(folder: Path, files: FolderFiles | None = None) -> FolderPlan:
    """Return the plan of a folder with all its items in order; this blocks.

    Raises:
        Rejected: the folder or a named file is missing or cannot be read, the plan is not TOML, a field is wrong, or
            nothing is playable.
    """
    files = files or read_files(folder)
    plan = with_items(read_plan(folder, files), files)
    if not plan.items:
        raise nothing_to_play(folder)
    return plan


def read_plan(folder: Path, files: FolderFiles) -> FolderPlan:
    """Return what `playlist.toml` says, which is nothing if it is not there; this blocks.

    Raises:
        Rejected: it is not TOML, a field is wrong, or a file that it names cannot be used.
    """
    plan = _read(folder, files)
    absent = {field: files.why_not(name) for field, name in plan.named_files() if files.find(name) is None}
    if absent:
        names = {name: absent[field] for field, name in plan.named_files() if field in absent}
        raise Rejected(f"{PLAN_FILE} names files that cannot be used: {name_reasons(names)}", fields=absent)
    return plan


def with_items(plan: FolderPlan, files: FolderFiles) -> FolderPlan:
    """Return the plan with its own items, else with every file that plays and that it uses for nothing else.

    Raises:
        Rejected: a file that is to play cannot be read, or there are too many.
    """
    if plan.items is not None:
        return plan
    if files.must_play:
        reasons = name_reasons(files.must_play)
        raise Rejected(f"not published, these files cannot be read: {reasons}", fields=files.must_play)
    used = {files.find(name) for _, name in plan.named_files()}
    names = [name for name in files.playing if name not in used]
    if len(names) > MAX_ITEMS:
        raise Rejected(f"{len(names)} files would play, and a playlist has at most {MAX_ITEMS}: use several folders")
    return plan.model_copy(update={"items": tuple(FolderItem(file=name) for name in names)})


def nothing_to_play(folder: Path) -> Rejected:
    """Return the error for a folder without anything that plays."""
    return Rejected(f"{shown_name(str(folder))} has nothing to play: add pictures or videos")


def name_reasons(reasons: Mapping[str, str]) -> str:
    """Return what is wrong with some files in one line; of many, the first ones."""
    shown = [f"{shown_name(name)}: {why}" for name, why in islice(reasons.items(), _MOST_NAMED)]
    return "; ".join(shown) + (f"; and {len(reasons) - len(shown)} more" if len(reasons) > len(shown) else "")


def _read(folder: Path, files: FolderFiles) -> FolderPlan:
    path = files.paths.get(PLAN_FILE)
    if path is None:
        if PLAN_FILE in files.left_out:
            raise Rejected(f"{PLAN_FILE} cannot be used: {files.left_out[PLAN_FILE]}")
        return FolderPlan()
    try:
        return FolderPlan.model_validate(read_toml(path))
    except ValidationError as error:
        wrong = rejected(error, FolderPlan)
        raise Rejected(
            f"{shown_name(str(folder / PLAN_FILE))} is wrong: {one_line(wrong)}", fields=wrong.fields
        ) from error
