"""Content a device already holds, whatever is in it: so a player can be watched with no origin beside it."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sync.device.store.content_store import ContentStore
from sync.wire.release import Asset, Item, MediaKind, Playlist, Release


@dataclass(frozen=True)
class Held:
    """One item: its title, the bytes of its asset, and how it is shown."""

    title: str
    content: bytes
    kind: MediaKind = MediaKind.VIDEO
    duration_ms: int | None = None
    length_ms: int | None = None  # of the media, as the release tells it


def hold(state_dir: Path, *items: Held) -> dict[str, str]:
    """Put a release of these items on air in `state_dir`, unsigned: trust is judged on the way in, not at each start.

    Returns the assets' names by title.
    """
    cache = ContentStore(state_dir)
    cache.prepare()
    assets = {item.title: _asset(cache, item) for item in items}
    release = Release(
        channel="main",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        default_playlist="all",
        playlists=(Playlist(id="all", name="all", items=tuple(_item(item, assets[item.title]) for item in items)),),
        assets=tuple({asset.sha256: asset for asset in assets.values()}.values()),
    )
    raw = release.model_dump_json().encode()
    name = hashlib.sha256(raw).hexdigest()
    cache.save_release(name, raw)
    cache.activate(name, 1)
    return {title: asset.sha256 for title, asset in assets.items()}


def _asset(cache: ContentStore, item: Held) -> Asset:
    name = hashlib.sha256(item.content).hexdigest()
    (cache.store / "assets" / name).write_bytes(item.content)
    return Asset(
        sha256=name,
        size_bytes=max(1, len(item.content)),
        index=name,
        kind=item.kind,
        media_type="video/mp4" if item.kind is MediaKind.VIDEO else "image/png",
        width=640,
        height=360,
        duration_ms=item.length_ms,
    )


def _item(item: Held, asset: Asset) -> Item:
    return Item(id=item.title, title=item.title, asset=asset.sha256, duration_ms=item.duration_ms)
