"""Every allowed and every forbidden move of an upload, a media and a pairing, on a real database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from sync.errors import Conflict, NotFound
from sync.origin.persistence.database import OriginDatabase, open_origin_database
from sync.origin.store.media.media import MediaStore
from sync.origin.store.media.media_rows import MEDIA_STATES, MediaState
from sync.origin.store.media.uploads import UPLOAD_STATES, UploadState, UploadStore
from sync.origin.store.pairings import PAIRING_STATES, Admission, Pairing, PairingLimits, PairingStep, PairingStore
from sync.runtime.state_table import ForbiddenMove
from sync.wire.release import Asset, MediaKind
from tests.fakes import FakeClock
from tests.origin.empty_database import lay_database

ASSET = Asset(
    sha256="a" * 64, size_bytes=5, index="b" * 64, kind=MediaKind.PICTURE, media_type="image/png", width=1, height=1
)
HASH = "c" * 64
SIZE_BYTES = 5
LASTS_MS = 600_000

MEDIA_MOVES: dict[str, tuple[set[MediaState], MediaState, Callable[[MediaStore], Awaitable[object]]]] = {
    "claim": ({MediaState.QUEUED}, MediaState.PROCESSING, lambda store: store.claim()),
    "requeue": (
        {MediaState.PROCESSING},
        MediaState.QUEUED,
        lambda store: store.requeue("m", problem=None, wait_s=0, count_attempt=True),
    ),
    "retry": ({MediaState.FAILED}, MediaState.QUEUED, lambda store: store.retry("m")),
    "mark_ready": (
        {MediaState.QUEUED, MediaState.PROCESSING},
        MediaState.READY,
        lambda store: store.mark_ready("m", ASSET),
    ),
    "mark_failed": ({MediaState.PROCESSING}, MediaState.FAILED, lambda store: store.mark_failed("m", "damaged")),
}
"""Each operation: the states it starts from, the state it leads to, and the call."""

UPLOAD_MOVES: dict[UploadState, Callable[[UploadStore], Awaitable[object]]] = {
    UploadState.RECEIVED: lambda store: store.set_offset("u", SIZE_BYTES),
    UploadState.HANDED_OVER: lambda store: store.hand_over("u", HASH),
    UploadState.DELETED: lambda store: store.delete("u"),
}


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[OriginDatabase]:
    lay_database(tmp_path)
    async with open_origin_database(f"sqlite+aiosqlite:///{tmp_path / 'origin.db'}") as opened:
        yield opened


@pytest.fixture
def media(database: OriginDatabase, clock: FakeClock) -> MediaStore:
    return MediaStore(database, clock)


@pytest.fixture
def uploads(database: OriginDatabase, clock: FakeClock) -> UploadStore:
    return UploadStore(database, clock, expire_after_s=3600)


async def bring_media_to(state: MediaState, store: MediaStore) -> None:
    await store.queue("m", "photo.jpg", HASH, SIZE_BYTES)
    if state is not MediaState.QUEUED:
        await store.claim()
    if state is MediaState.READY:
        assert await store.mark_ready("m", ASSET)
    if state is MediaState.FAILED:
        await store.mark_failed("m", "the disk was full")


async def bring_upload_to(state: UploadState, store: UploadStore) -> None:
    await store.create("u", "photo.jpg", SIZE_BYTES, None)
    path = {
        UploadState.RECEIVING: (),
        UploadState.RECEIVED: (UploadState.RECEIVED,),
        UploadState.HANDED_OVER: (UploadState.RECEIVED, UploadState.HANDED_OVER),
        UploadState.DELETED: (UploadState.DELETED,),
    }
    for step in path[state]:
        await UPLOAD_MOVES[step](store)


async def state_of_upload(store: UploadStore) -> UploadState:
    try:
        return (await store.get("u")).state
    except NotFound:
        return UploadState.DELETED


@pytest.mark.parametrize("before", list(MediaState))
@pytest.mark.parametrize("operation", list(MEDIA_MOVES))
async def test_a_media_makes_the_moves_of_its_table_and_no_other(
    media: MediaStore, operation: str, before: MediaState
) -> None:
    starts, after, call = MEDIA_MOVES[operation]
    await bring_media_to(before, media)
    try:
        await call(media)
    except Conflict:
        assert operation == "retry" and before not in starts
    assert (await media.get("m")).state is (after if before in starts else before)


def test_the_operations_on_media_cover_its_table() -> None:
    moves = {(before, after) for starts, after, _ in MEDIA_MOVES.values() for before in starts}
    assert moves == {(before, after) for before, following in MEDIA_STATES.moves.items() for after in following}
    assert set(MEDIA_STATES.moves) == set(MediaState)


async def test_a_stream_is_ready_from_the_start(media: MediaStore) -> None:
    stream = await media.add_stream("News", "https://example.org/live.m3u8")
    assert (await media.get(stream)).state is MediaState.READY
    assert MEDIA_STATES.is_end(MediaState.READY)


@pytest.mark.parametrize("before", list(UploadState))
@pytest.mark.parametrize("after", list(UPLOAD_MOVES))
async def test_an_upload_makes_the_moves_of_its_table_and_no_other(
    uploads: UploadStore, before: UploadState, after: UploadState
) -> None:
    await bring_upload_to(before, uploads)
    assert await state_of_upload(uploads) is before
    move = UPLOAD_MOVES[after]
    if after in UPLOAD_STATES.moves[before]:
        await move(uploads)
        assert await state_of_upload(uploads) is after
    elif before is UploadState.DELETED:
        if after is not UploadState.DELETED:  # to delete twice is no error
            with pytest.raises(NotFound):
                await move(uploads)
        assert await state_of_upload(uploads) is before
    else:
        with pytest.raises(ForbiddenMove):
            await move(uploads)
        assert await state_of_upload(uploads) is before
    assert set(UPLOAD_STATES.moves) == set(UploadState)


async def test_bytes_of_an_upload_are_counted_until_it_is_handed_over(uploads: UploadStore, media: MediaStore) -> None:
    await bring_upload_to(UploadState.RECEIVING, uploads)
    await uploads.set_offset("u", 2)
    assert [upload.offset_bytes for upload in await uploads.unfinished()] == [2]
    assert await uploads.unsent_bytes() == SIZE_BYTES - 2
    await uploads.set_offset("u", SIZE_BYTES)
    await uploads.hand_over("u", HASH)
    assert await uploads.unfinished() == () and await uploads.unsent_bytes() == 0
    row = await media.get("u")
    assert (row.state, row.source_sha256, row.source_bytes) == (MediaState.QUEUED, HASH, SIZE_BYTES)


async def approve(store: PairingStore) -> bool:
    try:
        await store.approve("p", Admission("d", "main", None, "token of nobody", now_ms=0))
    except NotFound:
        return False
    return True


async def deliver(store: PairingStore) -> bool:
    return await store.deliver(Pairing("p", "window", PairingStep.APPROVED, "main", "d", LASTS_MS), "token")


async def refuse(store: PairingStore) -> bool:
    return await store.refuse("p")


PAIRING_MOVES = {
    PairingStep.APPROVED: approve,
    PairingStep.REFUSED: refuse,
    PairingStep.DELIVERED: deliver,
}


@pytest.mark.parametrize("before", [PairingStep.WAITING, *PAIRING_MOVES])
@pytest.mark.parametrize("after", [*PAIRING_MOVES, PairingStep.EXPIRED])
async def test_a_pairing_makes_the_moves_of_its_table_and_no_other(
    database: OriginDatabase, before: PairingStep, after: PairingStep
) -> None:
    store = PairingStore(database)
    new = Pairing("p", "window", PairingStep.WAITING, None, None, LASTS_MS)
    assert (
        await store.create(new, code="CODE", secret_hash="secret", now_ms=0, client="", limits=PairingLimits(9, 9))
        == new
    )
    for step, move in PAIRING_MOVES.items():
        if step is before or (before is PairingStep.DELIVERED and step is PairingStep.APPROVED):
            assert await move(store)
    if after is PairingStep.EXPIRED:
        assert await store.get("p", "secret", LASTS_MS) is None and after in PAIRING_STATES.moves[before]
        return
    allowed = after in PAIRING_STATES.moves[before]
    assert await PAIRING_MOVES[after](store) is allowed
    found = await store.get("p", "secret", 0)
    assert found and found.step is (after if allowed else before)


async def test_an_asset_is_listed_by_its_last_chunk_list(media: MediaStore) -> None:
    assert await media.list_of(ASSET.sha256) is None
    await bring_media_to(MediaState.READY, media)
    assert await media.list_of(ASSET.sha256) == ASSET.index
    await media.queue("again", "photo.jpg", HASH, SIZE_BYTES)
    await media.claim()
    assert await media.mark_ready("again", ASSET.model_copy(update={"index": "b" * 64}))
    assert await media.list_of(ASSET.sha256) == "b" * 64
    first = (await media.get("m")).asset
    assert first is not None
    assert first.index == "b" * 64
