"""The table of lists: what each one can be sorted and filtered by, and the columns by which names are found."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    update,
)

from sync.origin.audit.changes import Action, ThingKind
from sync.origin.persistence.pages import Filter, ListRule
from sync.origin.planning.file_names import order_text, same_word, searched_text
from sync.origin.tables.audit import audit_entries
from sync.origin.tables.devices import devices, pairings
from sync.origin.tables.history import history
from sync.origin.tables.media import assets, media, media_folders, media_tags, streams, uploads
from sync.origin.tables.plans import campaigns, channels, creatives, overlays, playlist_items, playlists, reviews
from sync.origin.tables.plays import play_conflicts, plays
from sync.origin.tables.releases import publications, releases
from sync.runtime.clock import unix_ms
from sync.wire.value_types import AskedInstant, Identifier, MediaKind

Sought = Annotated[
    str,
    StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$"),
    Field(description="a part of the name; case and accents do not matter"),
]
SoughtMedia = Annotated[Sought, Field(description="a part of the name, of a tag, or of the name of a folder above it")]
Folder = Annotated[Identifier, Field(description="only what lies in this folder itself; none: in no folder")]
TagsOfAll = Annotated[
    str,
    StringConstraints(max_length=600, pattern=r"^[^\x00-\x1f\x7f]+$"),
    Field(description="only what has all these tags, separated by commas"),
]
Ids = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}(,[A-Za-z0-9._-]{1,64}){0,99}$"),
    Field(description="up to 100, separated by commas"),
]


def named(name: str, *others: str) -> dict[str, str]:
    """Return the columns of a row with a name; it is also found by `others`."""
    return {"name": name, **name_keys(name, *others)}


def name_keys(name: str, *others: str) -> dict[str, str]:
    """Return the columns by which a name is sorted and sought."""
    return {"name_order": order_text(name), "searched": searched_text("\n".join((name, *others)))}


_NAMED: Mapping[Table, tuple[str, ...]] = {
    media: ("name",),
    devices: ("name", "id"),
    playlists: ("name",),
    campaigns: ("name", "advertiser"),
    channels: ("id",),
}
"""Tables of things with a name: the columns of it, and of what else they are found by."""


def fill_name_keys(connection: Connection) -> None:
    """Give the columns of `named` to rows that an earlier version wrote, also one that still runs beside this one."""
    for table, names in _NAMED.items():
        columns = [table.c.id.label("row"), *(table.c[name] for name in names)]
        rows = connection.execute(select(*columns).where(table.c.name_order == "")).all()
        keys = [{"row": row[0], **name_keys(*row[1:])} for row in rows]
        if keys:
            values: dict[str, Any] = {name: bindparam(name) for name in ("name_order", "searched")}
            connection.execute(update(table).where(table.c.id == bindparam("row")).values(values), keys)


def _search(table: Table) -> Filter:
    return Filter(Sought, lambda text: table.c.searched.contains(searched_text(text), autoescape=True))


def _equal(column: Column[Any], kind: Any = Identifier) -> Filter:
    return Filter(kind, lambda value: column == value)


def _among(column: Column[Any]) -> Filter:
    return Filter(Ids, lambda ids: column.in_(ids.split(",")))


def _of_kind(kind: str) -> Any:
    if kind == MediaKind.STREAM:
        return media.c.id.in_(select(streams.c.media_id))
    return media.c.asset_sha256.in_(select(assets.c.sha256).where(assets.c.kind == kind))


def _in_use() -> ColumnElement[bool]:
    """Return the condition for media that plans use."""
    used = (playlist_items.c.media_id, creatives.c.media_id, channels.c.fallback_media_id, overlays.c.media_id)
    return or_(*(exists().where(column == media.c.id).correlate(media) for column in used))


def _of_shape(shape: str) -> ColumnElement[bool]:
    wide, high = assets.c.width, assets.c.height
    shapes = {"landscape": wide > high, "portrait": wide < high, "square": wide == high}
    return exists().where(assets.c.sha256 == media.c.asset_sha256, shapes[shape]).correlate(media)


def _in_folder(folder: str) -> ColumnElement[bool]:
    return media.c.folder_id.is_(None) if folder == NO_FOLDER else media.c.folder_id == folder


def _in_parent(folder: str) -> ColumnElement[bool]:
    return media_folders.c.parent_id.is_(None) if folder == NO_FOLDER else media_folders.c.parent_id == folder


def _within(folder: str) -> ColumnElement[bool]:
    """Return the condition for media in a folder and in all inside it."""
    inside = select(media_folders.c.id).where(media_folders.c.id == folder).cte("inside", recursive=True)
    deeper = select(media_folders.c.id).join(inside, media_folders.c.parent_id == inside.c.id)
    return media.c.folder_id.in_(select(inside.union_all(deeper).c.id))


def _tagged(tags: str) -> ColumnElement[bool]:
    """Return the condition for media with each of these tags."""
    having = select(media_tags.c.media_id)
    words = (same_word(tag.strip()) for tag in tags.split(","))
    return and_(*(media.c.id.in_(having.where(media_tags.c.tag_key == word)) for word in words))


def _media_sought(text: str) -> ColumnElement[bool]:
    """Return the condition for media whose name, folders or tags have this in them."""
    sought = searched_text(text)
    in_folders = select(media_folders.c.id).where(media_folders.c.searched.contains(sought, autoescape=True))
    in_tags = select(media_tags.c.media_id).where(media_tags.c.searched.contains(sought, autoescape=True))
    in_name = media.c.searched.contains(sought, autoescape=True)
    return or_(in_name, media.c.folder_id.in_(in_folders), media.c.id.in_(in_tags))


NO_FOLDER = "none"
"""As the value of a filter: media that lie in no folder."""

ONLINE = devices.c.seen_ms.is_not(None) & devices.c.unheard_ms.is_(None)
"""A device was heard, and is not silent since."""

_FROM_THE_WORST = case(
    (ONLINE & (devices.c.severity == "critical"), 0),
    (devices.c.unheard_ms.is_not(None), 1),
    (devices.c.severity.in_(("critical", "warning")), 2),
    (devices.c.seen_ms.is_(None), 3),
    else_=4,
)
"""The place of a device among the others: dark, silent, with problems, never heard, well."""

UNFINISHED = uploads.c.media_id.is_(None)
"""An upload is not a media yet."""

MEDIA = ListRule(
    media,
    {
        "name": (media.c.name_order,),
        "created_at": (media.c.created_ms,),
        "updated_at": (media.c.updated_ms,),
        "source_bytes": (media.c.source_bytes,),
    },
    "-created_at",
    {
        "search": Filter(SoughtMedia, _media_sought),
        "state": _equal(media.c.state, Literal["queued", "processing", "ready", "failed"]),
        "kind": Filter(Literal["video", "picture", "stream"], _of_kind),
        "use": Filter(Literal["used", "unused"], lambda use: _in_use() if use == "used" else ~_in_use()),
        "shape": Filter(Literal["landscape", "portrait", "square"], _of_shape),
        "created_after": Filter(AskedInstant, lambda at: media.c.created_ms >= unix_ms(at)),
        "created_before": Filter(AskedInstant, lambda at: media.c.created_ms < unix_ms(at)),
        "folder": Filter(Folder, _in_folder),
        "within": Filter(Identifier, _within),
        "tag": Filter(TagsOfAll, _tagged),
        "asset": _among(media.c.asset_sha256),
        "id": _among(media.c.id),
    },
)
MEDIA_FOLDERS = ListRule(
    media_folders,
    {"path": (media_folders.c.name_order,), "updated_at": (media_folders.c.updated_ms,)},
    "path",
    {"search": _search(media_folders), "parent": Filter(Folder, _in_parent), "id": _among(media_folders.c.id)},
)
DEVICES = ListRule(
    devices,
    {
        "name": (devices.c.name_order,),
        "channel": (devices.c.channel_id, devices.c.name_order),
        "paired_at": (devices.c.paired_ms,),
        "seen_at": (func.coalesce(devices.c.seen_ms, 0),),
        "worst": (_FROM_THE_WORST, devices.c.name_order),
    },
    "name",
    {
        "search": _search(devices),
        "channel": _equal(devices.c.channel_id),
        "online": Filter(bool, lambda online: ONLINE if online else ~ONLINE),
        "severity": _equal(devices.c.severity, Literal["ok", "warning", "critical"]),
        "id": _among(devices.c.id),
    },
    base=(devices.c.removed_ms.is_(None),),
)
PLAYLISTS = ListRule(
    playlists,
    {"name": (playlists.c.name_order,), "updated_at": (playlists.c.updated_ms,)},
    "name",
    {"search": _search(playlists), "id": _among(playlists.c.id)},
)
CAMPAIGNS = ListRule(
    campaigns,
    {
        "name": (campaigns.c.name_order,),
        "starts_at": (campaigns.c.starts_ms,),
        "ends_at": (campaigns.c.ends_ms,),
        "updated_at": (campaigns.c.updated_ms,),
    },
    "name",
    {
        "search": _search(campaigns),
        "channel": Filter(
            Identifier, lambda channel: or_(campaigns.c.channel_id.is_(None), campaigns.c.channel_id == channel)
        ),
        "id": _among(campaigns.c.id),
    },
)
CHANNELS = ListRule(
    channels,
    {"channel": (channels.c.name_order,)},
    "channel",
    {"search": _search(channels), "channel": _among(channels.c.id)},
)
RELEASES = ListRule(
    releases,
    {"created_at": (releases.c.created_ms,)},
    "-created_at",
    {"channel": _equal(releases.c.channel_id)},
    most_unasked=200,
)
PUBLICATIONS = ListRule(
    publications,
    {"at": (publications.c.at_ms,)},
    "at",
    {
        "channel": _equal(publications.c.channel_id),
        "state": _equal(publications.c.state, Literal["planned", "running", "done", "failed", "missed", "cancelled"]),
    },
    most_unasked=200,
)
REVIEWS = ListRule(
    reviews,
    {"asked_at": (reviews.c.asked_ms,)},
    "-asked_at",
    {
        "state": _equal(reviews.c.state, Literal["open", "approved", "returned"]),
        "kind": _equal(reviews.c.kind, Literal["playlist", "schedule", "campaign"]),
        "document": _equal(reviews.c.document_id),
    },
    most_unasked=200,
)
UPLOADS = ListRule(
    uploads,
    {"created_at": (uploads.c.created_ms,), "expires_at": (uploads.c.expires_ms,)},
    "created_at",
    base=(UNFINISHED,),
)
PAIRINGS = ListRule(pairings, {"expires_at": (pairings.c.expires_ms,)}, "expires_at")
PLAYS = ListRule(plays, {"started_at": (plays.c.started_ms,)}, "-started_at", most_unasked=100, counted=False)
CONFLICTS = ListRule(play_conflicts, {"received": ()}, "-received", most_unasked=100, counted=False)
AUDIT = ListRule(
    audit_entries,
    {"at": ()},
    "-at",
    {
        "search": Filter(Sought, lambda text: audit_entries.c.searched.contains(searched_text(text), autoescape=True)),
        "actor": _equal(audit_entries.c.actor_id),
        "kind": _equal(audit_entries.c.kind, Literal[tuple(map(str, ThingKind))]),
        "thing": _equal(audit_entries.c.thing_id),
        "action": _equal(audit_entries.c.action, Literal[tuple(map(str, Action))]),
        "from": Filter(AskedInstant, lambda at: audit_entries.c.at_ms >= unix_ms(at)),
        "until": Filter(AskedInstant, lambda at: audit_entries.c.at_ms < unix_ms(at)),
    },
    most_unasked=100,
    counted=False,
)
HISTORY = ListRule(history, {"at": (history.c.at_ms,)}, "-at", most_unasked=100, counted=False)
