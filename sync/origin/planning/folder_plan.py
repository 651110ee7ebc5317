"""`playlist.toml`, the optional plan inside a folder that is published: read, checked, and what it means for each file.

All of it is optional; `config/playlist.example.toml` shows every field. Without `items` every picture, video and
sound of the folder plays in the order of names, but those of ads and the fallback. A wrong field is named by its path.
"""

import mimetypes
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from sync.errors import Rejected
from sync.origin.planning.plans import BreakDraft, Duration, LogoSpec, TickerSpec, TimeZone, WindowDraft, not_empty
from sync.wire.base import Colour, Instant, Name, Request, rejected
from sync.wire.overlay import MOST_OVERLAYS
from sync.wire.release import AtEnd, Fit, WholeShare
from sync.wire.stream_url import StreamUrl

PLAN_FILE = "playlist.toml"
_SUFFIXES = {".webp", ".heic", ".heif", ".avif", ".mkv", ".webm", ".m4v", ".ts"}  # mimetypes may not know these
_LISTS = {"audio/mpegurl", "audio/x-mpegurl", "audio/x-scpls"}  # of music: name files, hold none


def _bare(name: str) -> str:
    if name != Path(name).name or name in (".", ".."):
        raise ValueError("name a file of this folder, without a path")
    return name


FileName = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_bare)]
"""The name of a file in the folder itself."""


class FileEntry(Request):
    """A file, or the address of a stream, and how to show it; what is left out comes from the top of the plan."""

    file: FileName | None = None
    url: StreamUrl | None = None
    title: Name | None = None
    duration_ms: Duration | None = None
    fit: Fit | None = None
    background: Colour | None = None
    volume: Annotated[int, Field(ge=0, le=100)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "FileEntry":
        if (self.file is None) == (self.url is None):
            raise ValueError("name either a file or an url")
        return self

    @property
    def file_or_url(self) -> str:
        """What is shown: the file's name or the stream's address; no file is called like an address."""
        return self.file or self.url or ""


class FolderItem(FileEntry):
    """One entry of the playlist."""

    loop: bool = False
    at_end: AtEnd = AtEnd.CUT
    starts_at: Instant | None = None
    ends_at: Instant | None = None


class FolderDaypart(WindowDraft):
    """A window in which this folder's playlist is on air."""

    name: Name
    priority: int = 0
    first_day: date | None = None
    last_day: date | None = None


class FolderAd(Request):
    """An advertiser's line and what it shows; without flight dates it flies from the first publishing on, for years."""

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
    """A picture of the folder in a corner, over whatever plays."""

    file: FileName


FolderOverlay = Annotated[TickerSpec | FolderLogo, Field(discriminator="kind")]


class FolderPlan(Request):
    """The whole file: `default` puts the playlist on air when no daypart is, as it does without any daypart.

    `duration_ms` is how long pictures stand; `fit`, `background`, `volume` are those of files that have none; left
    out here as well, each screen's own `fit` and `background` count. `overlays` are all of the channel's.
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
    def _told_apart(self) -> "FolderPlan":
        names = [ad.name for ad in self.ads]
        if len(set(names)) != len(names):
            raise ValueError("give each of the ads its own name")
        return self

    def entries(self) -> Iterator[tuple[str, FileEntry]]:
        """Yield each item and creative, with its path in the plan."""
        for number, item in enumerate(self.items or ()):
            yield f"items.{number}", item
        for at, ad in enumerate(self.ads):
            for number, creative in enumerate(ad.creatives):
                yield f"ads.{at}.creatives.{number}", creative

    def named_files(self) -> Iterator[tuple[str, str]]:
        """Yield each file the plan names, with the path of the field that does."""
        for path, one in self.entries():
            if one.file is not None:
                yield f"{path}.file", one.file
        if self.fallback is not None:
            yield "fallback", self.fallback
        for number, overlay in enumerate(self.overlays or ()):
            if isinstance(overlay, FolderLogo):
                yield f"overlays.{number}.file", overlay.file


def read_folder_plan(folder: Path) -> FolderPlan:
    """Return the folder's plan with its items, in order; blocks.

    Raises:
        Rejected: the folder or a file it names is not there, the plan is not TOML or a field is wrong, or there is
            nothing to play.
    """
    if not folder.is_dir():
        raise Rejected(f"{folder} is no folder: name one with pictures and videos")
    plan = _read(folder / PLAN_FILE)
    missing = {
        field: f"{name} is not in the folder" for field, name in plan.named_files() if not _is_file(folder / name)
    }
    if missing:
        raise Rejected(f"{PLAN_FILE} names files that are not there: {', '.join(sorted(missing))}", fields=missing)
    if plan.items is None:
        taken = {name for _, name in plan.named_files()}
        names = [name for name in playable_files(folder) if name not in taken]
        plan = plan.model_copy(update={"items": tuple(FolderItem(file=name) for name in names)})
    if not plan.items:
        raise Rejected(f"{folder} has nothing to play: put pictures or videos into it")
    return plan


def playable_files(folder: Path) -> list[str]:
    """Return the names of a folder's pictures, videos and sounds, judged by their endings, in the order of names.

    Raises:
        Rejected: a name has bytes that are no text, or characters that cannot be printed.
    """
    names = sorted(path.name for path in folder.iterdir() if _is_file(path) and _is_media(path.name))
    odd = [ascii(name) for name in names if not name.isprintable()]
    if odd:
        raise Rejected(f"rename these files, their names cannot be shown or written down: {', '.join(odd)}")
    return names


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def _is_media(name: str) -> bool:
    kind = mimetypes.guess_type(name)[0] or ""
    if kind in _LISTS:
        return False
    return kind.startswith(("image/", "video/", "audio/")) or Path(name).suffix.lower() in _SUFFIXES


def _read(path: Path) -> FolderPlan:
    if not path.exists():
        return FolderPlan()
    try:
        return FolderPlan.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        raise Rejected(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Rejected(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        wrong = rejected(error)
        reasons = "; ".join(f"{field}: {reason}" for field, reason in sorted(wrong.fields.items()))
        raise Rejected(f"{path} is wrong: {reasons}", fields=wrong.fields) from error
