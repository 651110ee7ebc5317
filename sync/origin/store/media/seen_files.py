"""How much of what is stored one may see: releases of channels, and assets of media."""

from dataclasses import dataclass

from sqlalchemy import func, select

from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.spaces.caller_rights import caller_rights
from sync.origin.store.spaces.visible_rows import of_seen_channel, seen
from sync.origin.tables.media import assets, media
from sync.origin.tables.releases import releases
from sync.roles import Role


@dataclass(frozen=True, slots=True)
class SeenFiles:
    """How many releases there are, and assets with their bytes."""

    releases: int
    assets: int
    asset_bytes: int


class SeenFilesStore:
    """Counts for who has roles in spaces only."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def count(self) -> SeenFiles | None:
        """Return what one may see; None: that is everything."""
        if caller_rights().spaces(Role.VIEWER) is None:
            return None
        used = select(media.c.asset_sha256).where(seen(media), media.c.asset_sha256.is_not(None))
        count = select(func.count(), func.coalesce(func.sum(assets.c.size_bytes), 0)).where(assets.c.sha256.in_(used))
        published = select(func.count()).select_from(releases).where(of_seen_channel(releases.c.channel_id))
        async with self._database.reading() as connection:
            number, size_bytes = (await connection.execute(count)).one()
            return SeenFiles(int(await connection.scalar(published) or 0), number, int(size_bytes))
