"""Fetches one asset by a transfer, as the downloader would."""

from sync.device.store.partial_file import PartialFile
from sync.device.transfer.spans import SPAN_BYTES, spans
from sync.device.transfer.transfer import ContentTransfer
from sync.wire.chunk_index import Index
from sync.wire.release import Asset, MediaKind

LIST = "0" * 64


def asset_of(index: Index) -> Asset:
    return Asset(
        sha256=index.asset,
        size_bytes=index.size_bytes,
        index=LIST,
        kind=MediaKind.PICTURE,
        media_type="image/png",
        width=16,
        height=9,
    )


async def fetch(transfer: ContentTransfer, part: PartialFile, *, longest: int = SPAN_BYTES) -> None:
    """Fetch what is missing of `part`; raise the first fault."""
    asset, queue = asset_of(part.index), transfer.queue
    queue.plan([[asset]])
    queue.add_spans(asset.sha256, part, spans(asset.sha256, part.missing(), longest))
    try:
        while not part.is_whole():
            transfer.changed.clear()
            transfer.start_workers()
            for fault in queue.take_faults():
                raise fault
            await transfer.changed.wait()
    finally:
        await transfer.stop()
